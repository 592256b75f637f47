//! The thread of the shield that may be slowest: it lets the caller draw what stands on the cover, and puts it there. It
//! has only the newest wish before it, so that nobody waits for letters that are old. The desk never waits for it: who is
//! behind a client has to be asked while they are still there.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use x11rb::rust_connection::RustConnection;

use crate::cover::Board;
use crate::words::Words;
use crate::{Cause, Say};

/// What the covers are to look like.
pub(crate) enum Wish {
    /// These say why.
    Write { boards: Vec<Board>, cause: Cause },
    /// All are plain.
    Wipe,
}

#[derive(Default)]
struct Slot {
    wish: Option<Wish>,
    over: bool,
}

/// The way to the painter, who ends with it.
pub(crate) struct ToPainter(Arc<(Mutex<Slot>, Condvar)>);

impl ToPainter {
    /// Wishes, and never waits; an older wish that was not begun is forgotten.
    pub(crate) fn wish(&self, wish: Wish) {
        self.change(|slot| slot.wish = Some(wish));
    }

    fn change(&self, change: impl FnOnce(&mut Slot)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_one();
    }
}

impl Drop for ToPainter {
    fn drop(&mut self) {
        self.change(|slot| slot.over = true);
    }
}

/// The painter.
pub(crate) struct Painter {
    wishes: Arc<(Mutex<Slot>, Condvar)>,
    connection: RustConnection,
    words: Words,
    say: Say,
}

impl Painter {
    /// `connection` is for the painter alone.
    pub(crate) fn new(connection: RustConnection, say: Say) -> (Self, ToPainter) {
        let wishes = Arc::<(Mutex<Slot>, Condvar)>::default();
        let words = Words::new(&connection);
        (Self { wishes: wishes.clone(), connection, words, say }, ToPainter(wishes))
    }

    /// Until nobody can wish any more.
    pub(crate) fn run(mut self) {
        while let Some(wish) = self.next() {
            match wish {
                Wish::Write { boards, cause } => {
                    let picture = (self.say)(&cause);
                    self.words.write(&self.connection, &boards, picture.as_ref(), &cause);
                }
                Wish::Wipe => self.words.wipe(&self.connection),
            }
        }
    }

    fn next(&self) -> Option<Wish> {
        let (slot, bell) = &*self.wishes;
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if slot.over {
                return None;
            }
            match slot.wish.take() {
                Some(wish) => return Some(wish),
                None => slot = bell.wait(slot).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
