//! What our link to the server carries, as those who encode look at it: written by the driver, read by encode threads.
//! The screen comes first; the camera takes what it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use media_core::time::Bitrate;
use peer::Estimate;

use super::Lane;

/// What the screen sent is averaged over this.
const AVERAGED: Duration = Duration::from_millis(1000);
/// Of what the link carries, the part pictures take: what is lost is sent again, and the voice is there, too.
const PART: f64 = 0.9;
/// What a connection is taken to carry before the first report, in bit/s.
const AT_FIRST: u64 = 900_000;
/// A server that reports does so within this time of the first picture.
pub(super) const YOUNG: Duration = Duration::from_secs(2);

/// What a picture may take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Nothing is known: as much as it has.
    Unknown,
    /// So much.
    Bits {
        /// A second.
        bits: Bitrate,
        /// It was too much lately: the link itself is narrow, and not only that of somebody who looks.
        limited: bool,
    },
    /// Nothing for a moment: a queue has to go.
    Wait,
}

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uplink(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Bit/s; 0: unknown.
    link: AtomicU32,
    screen: AtomicU32,
    wait: AtomicBool,
    limited: AtomicBool,
}

impl Uplink {
    /// What a lane of pictures may take.
    pub(crate) fn room(&self, lane: Lane) -> Room {
        if self.0.wait.load(Ordering::Relaxed) {
            return Room::Wait;
        }
        let screen = if lane == Lane::Camera { self.0.screen.load(Ordering::Relaxed) } else { 0 };
        match self.0.link.load(Ordering::Relaxed) {
            0 => Room::Unknown,
            link => Room::Bits {
                bits: Bitrate(link.saturating_sub(screen)),
                limited: self.0.limited.load(Ordering::Relaxed),
            },
        }
    }

    /// What is known now, and what the screen takes of it. A connection is young while the server cannot have told anything.
    pub(super) fn set(&self, estimate: Option<Estimate>, screen: Bitrate, young: bool) {
        let part = |bits: u64| u32::try_from((bits as f64 * PART) as u64).unwrap_or(u32::MAX).max(1);
        let link = estimate.map(|estimate| estimate.bits).or(young.then_some(AT_FIRST)).map_or(0, part);
        self.0.link.store(link, Ordering::Relaxed);
        self.0.screen.store(screen.0, Ordering::Relaxed);
        self.0.limited.store(estimate.is_none_or(|e| e.limited), Ordering::Relaxed);
        self.0.wait.store(estimate.is_some_and(|e| e.hold.is_some()), Ordering::Relaxed);
    }
}

/// How much a lane sends.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: usize,
    since: Option<Instant>,
    /// Bit/s.
    rate: u32,
}

impl Meter {
    /// So much was sent.
    pub(super) const fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Of the last second.
    pub(super) fn rate(&mut self, now: Instant) -> Bitrate {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if passed >= AVERAGED {
            self.rate = (self.bytes as f64 * 8.0 / passed.as_secs_f64()) as u32;
            self.bytes = 0;
            self.since = Some(now);
        }
        Bitrate(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_comes_first_and_a_queue_before_both() {
        let (uplink, now) = (Uplink::default(), Instant::now());
        assert_eq!(uplink.room(Lane::Camera), Room::Unknown);
        let estimate = Estimate { bits: 1_000_000, queue: Duration::ZERO, hold: None, limited: true };
        uplink.set(None, Bitrate(0), true);
        let bits = |kbps| Room::Bits { bits: Bitrate::kbps(kbps), limited: true };
        assert_eq!(uplink.room(Lane::Camera), bits(810), "carefully at first");
        uplink.set(None, Bitrate(0), false);
        assert_eq!(uplink.room(Lane::Camera), Room::Unknown, "a server that reports nothing");
        uplink.set(Some(estimate), Bitrate::kbps(700), false);
        assert_eq!(uplink.room(Lane::Screen), bits(900));
        assert_eq!(uplink.room(Lane::Camera), bits(200));
        uplink.set(Some(estimate), Bitrate::kbps(1700), false);
        assert_eq!(uplink.room(Lane::Camera), bits(0));
        uplink.set(Some(Estimate { hold: Some(now), ..estimate }), Bitrate(0), false);
        assert_eq!(uplink.room(Lane::Camera), Room::Wait);
    }

    #[test]
    fn a_meter_shows_the_last_second() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        assert_eq!(meter.rate(now), Bitrate(0));
        meter.add(125_000);
        assert_eq!(meter.rate(now + AVERAGED), Bitrate::kbps(1000));
        assert_eq!(meter.rate(now + AVERAGED * 2), Bitrate(0));
    }
}
