//! Waiting for news where nothing can be waited for: a nap. cpal has no word for devices that come, and the client looks
//! for what it has lost by itself.

use std::time::Duration;

use crate::{pulse, screen};

/// Between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at the list of sound devices.
pub(super) const ASKING: Duration = Duration::from_millis(500);

/// Nothing rings here.
pub(super) struct Doorbell;

/// Nothing to wake but the thread itself, which is unparked.
pub(super) struct Waker;

impl Waker {
    /// Nothing to do.
    pub(super) const fn wake(&mut self) {}
}

impl Doorbell {
    /// A bell and who rings it.
    pub(super) const fn hang() -> (Self, Waker) {
        (Self, Waker)
    }

    /// Sleeps; `true` never, as nobody rings.
    pub(super) fn wait(
        &mut self,
        _sound: Option<&pulse::Changes>,
        _screens: Option<&screen::Changes>,
        pause: Duration,
    ) -> bool {
        std::thread::park_timeout(pause);
        false
    }
}
