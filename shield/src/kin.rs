//! Connections of this very process that play the stranger while the shield is tested. The watch knows them, so that a test
//! does not cover the windows it is made for.
//!
//! Why nobody else can pass for one: each says a password of its own, 128 random bits that are good once, in a request the
//! watch reads in order with all others. A number would not do: the server gives it to the next client at once, and the
//! watch hears of both later. Whoever overheard a password has one that was used. In doubt a connection is a stranger's.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

use crate::Failed;

/// What a `GetImage` asks for: drawable, left, top, width, height, planes; here nothing that there is.
pub(crate) type Password = [u8; 16];

/// What one shield knows of them. Cheap to clone; an empty one (`Kin::default()`) belongs to no shield.
#[derive(Debug, Clone, Default)]
pub struct Kin(Arc<Mutex<HashSet<Password>>>);

impl Kin {
    /// Connects as one of ours.
    ///
    /// # Errors
    /// The display does not let us in, or hung up, or there is nothing random.
    pub(crate) fn connect(&self, display: Option<&str>) -> Result<(RustConnection, usize), Failed> {
        let (connection, screen) = x11rb::connect(display)?;
        let mut password = Password::default();
        File::open("/dev/urandom")?.read_exact(&mut password)?;
        self.passwords().insert(password);
        let said = say(&connection, password);
        if said.is_err() {
            self.passwords().remove(&password);
        }
        said.map(|()| (connection, screen))
    }

    /// Was that one of the passwords? It is none from now on.
    pub(crate) fn knows(&self, password: &Password) -> bool {
        self.passwords().remove(password)
    }

    /// Held for one call each, so the watch waits for nobody.
    fn passwords(&self) -> MutexGuard<'_, HashSet<Password>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(connection: &RustConnection, password: Password) -> Result<(), Failed> {
    let long = |at: usize| u32::from_ne_bytes([password[at], password[at + 1], password[at + 2], password[at + 3]]);
    let short = |at: usize| u16::from_ne_bytes([password[at], password[at + 1]]);
    let (left, top) = (short(4).cast_signed(), short(6).cast_signed());
    let asked = connection.get_image(ImageFormat::Z_PIXMAP, long(0), left, top, short(8), short(10), long(12))?.reply();
    match asked {
        // There is no such thing, of course.
        Ok(_) | Err(ReplyError::X11Error(_)) => Ok(()),
        Err(ReplyError::ConnectionError(error)) => Err(error.into()),
    }
}
