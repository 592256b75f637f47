//! What the commands reach: the client, once it is there, and the state of the page.
//! One per window; managed by Tauri. The window opens before the client is ready, so commands wait here for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use client::Client;
use protocol::bridge::{Code, Failure, Language};
use tokio::sync::watch;

use crate::watchdog::Pulse;
use crate::words::Tongue;

/// How far the client is.
#[derive(Clone)]
enum Staff {
    Starting,
    Ready(Client),
    Closed,
}

/// See the module.
pub(crate) struct Desk {
    staff: watch::Sender<Staff>,
    pulse: Mutex<Pulse>,
    events: Line,
    frames: Line,
    tongue: Mutex<Tongue>,
}

impl Desk {
    /// Before anything is there.
    pub(crate) fn new() -> Self {
        Self {
            staff: watch::Sender::new(Staff::Starting),
            pulse: Mutex::new(Pulse::new(Instant::now())),
            events: Line::default(),
            frames: Line::default(),
            tongue: Mutex::new(Tongue::of(Language::System)),
        }
    }

    /// The client is ready.
    pub(crate) fn open(&self, client: Client) {
        self.staff.send_replace(Staff::Ready(client));
    }

    /// The program ends; answers the client that is to be shut down, once.
    pub(crate) fn close(&self) -> Option<Client> {
        match self.staff.send_replace(Staff::Closed) {
            Staff::Ready(client) => Some(client),
            Staff::Starting | Staff::Closed => None,
        }
    }

    /// The client; waits while it starts.
    ///
    /// # Errors
    /// The program is about to end.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let mut staff = self.staff.subscribe();
        let now = staff.wait_for(|staff| !matches!(staff, Staff::Starting)).await.map_err(|_| Self::closed())?;
        match &*now {
            Staff::Ready(client) => Ok(client.clone()),
            Staff::Starting | Staff::Closed => Err(Self::closed()),
        }
    }

    /// What a command is told when the program is about to end.
    pub(crate) fn closed() -> Failure {
        Failure::of(Code::Internal, "the program ends")
    }

    /// The client, if it is there already.
    pub(crate) fn client_now(&self) -> Option<Client> {
        match &*self.staff.borrow() {
            Staff::Ready(client) => Some(client.clone()),
            Staff::Starting | Staff::Closed => None,
        }
    }

    /// The language of words outside of the page.
    pub(crate) fn tongue(&self) -> Tongue {
        *self.tongue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another language was chosen.
    pub(crate) fn speak(&self, tongue: Tongue) {
        *self.tongue.lock().unwrap_or_else(PoisonError::into_inner) = tongue;
    }

    /// The page's pulse, with the time.
    pub(crate) fn pulse<T>(&self, act: impl FnOnce(&mut Pulse, Instant) -> T) -> T {
        act(&mut self.pulse.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
    }

    /// The page subscribes: an earlier subscription is over.
    pub(crate) fn lease_events(&self) -> Lease {
        self.events.lease()
    }

    /// The page opens the frames door: an earlier one is shut.
    pub(crate) fn lease_frames(&self) -> Lease {
        self.frames.lease()
    }

    /// The page was left, loads again or died: what was sent to it has nobody to read it.
    pub(crate) fn page_left(&self) {
        self.events.end();
        self.frames.end();
    }
}

/// Who is at a door; the newest only.
#[derive(Default)]
struct Line(Arc<AtomicU64>);

impl Line {
    fn lease(&self) -> Lease {
        let mine = self.0.fetch_add(1, Ordering::AcqRel) + 1;
        Lease { mine, newest: Arc::clone(&self.0) }
    }

    fn end(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// The right to send to the page, until it opens the door anew or is gone.
#[derive(Debug, Clone)]
pub struct Lease {
    mine: u64,
    newest: Arc<AtomicU64>,
}

impl Lease {
    /// Is the page that this belongs to still listening?
    #[must_use]
    pub fn lasts(&self) -> bool {
        self.newest.load(Ordering::Acquire) == self.mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_loads_again_ends_what_belonged_to_the_old_one() {
        let desk = Desk::new();
        let (events, frames) = (desk.lease_events(), desk.lease_frames());
        assert!(events.lasts() && frames.lasts());
        desk.page_left();
        assert!(!events.lasts() && !frames.lasts());
    }

    #[test]
    fn subscribing_again_ends_the_subscription_before_and_no_other_door() {
        let desk = Desk::new();
        let (first, frames) = (desk.lease_events(), desk.lease_frames());
        let second = desk.lease_events();
        assert!(!first.lasts() && second.lasts() && frames.lasts());
    }
}
