//! One outstanding offer at a time, whoever wants how many.
//! Pure: part of `Signal`.

use std::time::{Duration, Instant};

/// A negotiation that is not answered for this long is over (the official server waits as long).
const PATIENCE: Duration = Duration::from_secs(15);

/// State of the publisher's negotiation.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    state: State,
    last_id: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// The transport was asked for an offer.
    Making { again: Option<bool> },
    /// The server was sent one.
    Waiting { since: Instant, again: Option<bool> },
}

/// What an answer did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// It answers an older offer, or none.
    Stale,
    /// It fits; `again`: another offer is wanted, with or without an ICE restart.
    Done {
        /// Whether, and with an ICE restart.
        again: Option<bool>,
    },
}

impl Negotiation {
    /// After a resume: the id under which an offer without answer is sent again, if there is one.
    pub(super) fn repeat(&mut self, now: Instant) -> Option<u32> {
        match self.state {
            State::Waiting { .. } => Some(self.offered(now)),
            State::Idle | State::Making { .. } => None,
        }
    }

    /// Someone wants an offer. `Some(ice_restart)`: make one now.
    pub(super) fn want(&mut self, ice_restart: bool) -> Option<bool> {
        match &mut self.state {
            State::Idle => {
                self.state = State::Making { again: None };
                Some(ice_restart)
            }
            State::Making { again } | State::Waiting { again, .. } => {
                *again = Some(again.unwrap_or(false) || ice_restart);
                None
            }
        }
    }

    /// An offer goes out; its id.
    pub(super) fn offered(&mut self, now: Instant) -> u32 {
        let again = match self.state {
            State::Making { again } | State::Waiting { again, .. } => again,
            State::Idle => None,
        };
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.state = State::Waiting { since: now, again };
        self.last_id
    }

    /// An answer came for offer `id`; 0 means "do not check".
    pub(super) fn answered(&mut self, id: u32) -> Answered {
        match self.state {
            State::Waiting { again, .. } if id == 0 || id == self.last_id => {
                self.state = State::Idle;
                Answered::Done { again }
            }
            State::Waiting { .. } | State::Making { .. } | State::Idle => Answered::Stale,
        }
    }

    /// Waited too long?
    pub(super) fn is_late(&self, now: Instant) -> bool {
        match self.state {
            State::Waiting { since, .. } => now.duration_since(since) > PATIENCE,
            State::Idle | State::Making { .. } => false,
        }
    }
}
