//! What the commands reach: the client, once it is there, and the state of the page.
//! One for all windows; managed by Tauri. The window opens before the client is ready, so commands wait here for it.

use std::collections::HashMap;
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
    events: Lines,
    frames: Lines,
    tongue: Mutex<Tongue>,
}

impl Desk {
    /// Before anything is there.
    pub(crate) fn new() -> Self {
        Self {
            staff: watch::Sender::new(Staff::Starting),
            pulse: Mutex::new(Pulse::new(Instant::now())),
            events: Lines::default(),
            frames: Lines::default(),
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

    /// The page of a window subscribes: an earlier subscription of it is over.
    pub(crate) fn lease_events(&self, window: &str) -> Lease {
        self.events.of(window).lease()
    }

    /// The page of a window opens the frames door: an earlier one of it is shut.
    pub(crate) fn lease_frames(&self, window: &str) -> Lease {
        self.frames.of(window).lease()
    }

    /// The page of a window was left, loads again or died: what was sent to it has nobody to read it.
    pub(crate) fn page_left(&self, window: &str) {
        self.events.of(window).end();
        self.frames.of(window).end();
    }
}

/// One line for each window: there are a handful of names, all ours.
#[derive(Default)]
struct Lines(Mutex<HashMap<String, Line>>);

impl Lines {
    fn of(&self, window: &str) -> Line {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(window.to_owned()).or_default().clone()
    }
}

/// Who is at a door; the newest only.
#[derive(Default, Clone)]
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
        let (events, frames, other) = (desk.lease_events("a"), desk.lease_frames("a"), desk.lease_events("b"));
        assert!(events.lasts() && frames.lasts());
        desk.page_left("a");
        assert!(!events.lasts() && !frames.lasts());
        assert!(other.lasts(), "another window's page is not concerned");
    }

    #[test]
    fn subscribing_again_ends_the_subscription_before_and_no_other_door() {
        let desk = Desk::new();
        let (first, frames) = (desk.lease_events("a"), desk.lease_frames("a"));
        let second = desk.lease_events("a");
        assert!(!first.lasts() && second.lasts() && frames.lasts());
    }
}
