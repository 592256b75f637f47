//! Connections of this very process that play the stranger while the shield is tested. The watch knows them by their
//! number, so that a test does not cover the windows it is made for.
//!
//! Why nobody else can pass for one: a number is written down only while its connection is alive, when whoever had it
//! before is gone from the server; and the watch, which hears of clients in order, crosses it out when it hears that the
//! connection left, before it hears of whoever gets the number next. In doubt a connection is a stranger's.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::Failed;

/// What one shield knows of them. Cheap to clone; an empty one (`Kin::default()`) belongs to no shield.
#[derive(Debug, Clone, Default)]
pub struct Kin(Arc<Mutex<HashSet<u32>>>);

impl Kin {
    /// Connects as one of ours.
    ///
    /// # Errors
    /// The display does not let us in, or hung up: then nothing was written down.
    pub(crate) fn connect(&self, display: Option<&str>) -> Result<(RustConnection, usize), Failed> {
        let (connection, screen) = x11rb::connect(display)?;
        self.vouch(&connection)?;
        Ok((connection, screen))
    }

    /// Writes a connection down. A number whose connection was ended meanwhile (anybody may end any) would stay for ever,
    /// and be the next client's: it has to answer afterwards.
    pub(crate) fn vouch(&self, connection: &RustConnection) -> Result<(), Failed> {
        let base = connection.setup().resource_id_base;
        self.numbers().insert(base);
        let alive = connection.get_input_focus().map_err(Failed::from).and_then(|asked| Ok(asked.reply()?));
        if let Err(error) = alive {
            self.numbers().remove(&base);
            return Err(error);
        }
        Ok(())
    }

    /// Is this client one of them?
    pub(crate) fn has(&self, base: u32) -> bool {
        self.numbers().contains(&base)
    }

    /// It left: the number is anybody's again.
    pub(crate) fn left(&self, base: u32) {
        self.numbers().remove(&base);
    }

    /// Held for one call each, so the watch waits for nobody.
    fn numbers(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
