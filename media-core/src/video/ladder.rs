//! How much our pictures may take of the link, so that they never cost the voice. The voice is the measure: its packets are
//! small and even, and what waits for so long that they come late is a queue of pictures. Pure: time is passed in.
//!
//! Where the queue stands, nothing more is sent until it is gone, and less from then on. What worked for a while is tried a
//! little higher; a try that fails makes the next one wait twice as long. This is no bandwidth estimator: it knows nothing
//! of a link until it is full.

use std::time::Duration;

use super::h264::Content;
use super::send::VideoLimits;
use crate::frame::Size;
use crate::time::{Bitrate, MediaTime};

/// Of packets of the voice, which come 10 to 120 ms apart, a queue this long is none of their own.
const FULL: Duration = Duration::from_millis(120);
/// The queue is gone below this.
const GONE: Duration = Duration::from_millis(50);
/// A queue this long costs two rungs at once: the voice is hardly to be understood behind it.
const LONG: Duration = Duration::from_millis(300);
/// Nothing of ours is sent, and the queue stands nevertheless: after this it is not ours alone.
const DRAINS: Duration = Duration::from_secs(3);
/// A queue that got shorter by this part meanwhile was ours, and goes on being waited for.
const SHORTER: f64 = 0.75;
/// Before the next rung up is tried.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same from no pictures at all, and at most.
const LONGEST: Duration = Duration::from_secs(300);
/// From no pictures at all to the lowest rung.
const FROM_NOTHING: Duration = Duration::from_secs(20);
/// A rung that held so long is a good one: what failed before is forgotten.
const GOOD: Duration = Duration::from_secs(60);

/// Rungs that send something; every one is half of the one above.
pub const RUNGS: u8 = 5;

/// What pictures may take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Rung from the top: 0 is everything, at most [`RUNGS`] - 1.
    Rung(u8),
    /// Nothing for the moment: a queue must go first.
    Waits,
    /// Nothing: there is room for the voice only.
    Nothing,
}

/// Climbs down and up.
#[derive(Debug)]
pub struct Ladder {
    /// [`RUNGS`]: nothing is sent.
    rung: u8,
    /// Since when nothing is sent because a queue must go first, and how long it was.
    waits: Option<(MediaTime, Duration)>,
    /// The rung was reached.
    since: Option<MediaTime>,
    /// Before the next is tried.
    patience: Duration,
    /// The last change was upwards.
    tries: bool,
}

impl Default for Ladder {
    fn default() -> Self {
        Self { rung: 0, waits: None, since: None, patience: PATIENCE, tries: false }
    }
}

impl Ladder {
    /// What pictures may take.
    #[must_use]
    pub const fn allowed(&self) -> Allowed {
        match (self.waits, self.rung) {
            (_, RUNGS..) => Allowed::Nothing,
            (Some(_), _) => Allowed::Waits,
            (None, rung) => Allowed::Rung(rung),
        }
    }

    /// How long packets of the voice wait, as every listener sees it; about twice a second. Answers whether that is because
    /// of pictures: then the voice itself need not give way.
    pub fn on_report(&mut self, queued: Duration, now: MediaTime) -> bool {
        let since = *self.since.get_or_insert(now);
        if let Some((began, long)) = self.waits {
            let drains = now.since(began) < DRAINS;
            // A queue that stands as it stood is somebody else's, or the voice's own: without pictures it is no shorter.
            let theirs = drains || queued < long.mul_f64(SHORTER);
            if queued < GONE || !theirs {
                self.waits = None;
                self.since = Some(now);
            }
            // A link that drains slowly has hardly more room than the voice takes.
            return queued >= GONE && drains;
        }
        if queued >= FULL {
            if self.rung == RUNGS {
                return false;
            }
            self.down(queued, now);
            return true;
        }
        let rested = now.since(since);
        if rested >= GOOD && self.rung < RUNGS {
            self.patience = PATIENCE;
        }
        let wait = if self.rung == RUNGS { self.patience.max(FROM_NOTHING) } else { self.patience };
        if self.rung > 0 && queued < GONE && rested >= wait {
            self.rung -= 1;
            self.tries = true;
            self.since = Some(now);
        }
        false
    }

    fn down(&mut self, queued: Duration, now: MediaTime) {
        if self.tries {
            self.patience = (self.patience * 2).min(LONGEST);
        }
        // A try that failed falls back to what worked, not further.
        let rungs = if queued >= LONG && !self.tries { 2 } else { 1 };
        self.tries = false;
        self.rung = (self.rung + rungs).min(RUNGS);
        self.waits = Some((now, queued));
        self.since = Some(now);
    }
}

impl VideoLimits {
    /// These limits on a rung: half the bits per rung, and pictures small and few enough for them. Text stays large longer and
    /// moves less.
    #[must_use]
    pub fn on_rung(self, rung: u8, content: Content) -> Self {
        let bitrate = Bitrate(self.bitrate.0 >> rung.min(31));
        let (part, fps) = match (content, rung) {
            (_, 0) => (1, self.fps),
            (Content::Camera, 1) => (2, self.fps),
            (Content::Camera, 2) => (2, 15),
            (Content::Camera, 3) => (3, 12),
            (Content::Camera, 4..) => (4, 8),
            (Content::Screen, 1) => (1, 8),
            (Content::Screen, 2) => (1, 4),
            (Content::Screen, 3) => (2, 4),
            (Content::Screen, 4..) => (3, 2),
        };
        let even = |side: u32| (side / part).max(2) / 2 * 2;
        let size = Size { width: even(self.size.width), height: even(self.size.height) };
        Self { size, fps: fps.min(self.fps), bitrate }
    }
}

#[cfg(test)]
mod tests;
