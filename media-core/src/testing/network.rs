//! A network that loses, delays, reorders and repeats, the same way every time. Pure: time is passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Seeded;
use crate::time::{Bitrate, MediaTime};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Share lost, 0.0 to 1.0.
    pub loss: f64,
    /// Losses come in runs of about so many.
    pub burst: f64,
    /// Every packet takes at least this long.
    pub delay: Duration,
    /// And up to this much longer, evenly; packets overtake each other.
    pub jitter: Duration,
    /// Share that comes twice.
    pub duplicate: f64,
    /// What the link carries at most; 0 bit/s: as much as is sent. Only what [`LossyNetwork::send_sized`] sends counts.
    pub rate: Bitrate,
    /// What waits for a full link longer than this is lost.
    pub queue: Duration,
    /// Once per [`Weather::hold_every`], nothing gets through for so long, and then everything at once.
    pub hold: Duration,
    /// See [`Weather::hold`]; zero: never.
    pub hold_every: Duration,
}

impl Weather {
    /// Nothing is lost, nothing takes time.
    pub const CLEAR: Self = Self {
        loss: 0.0,
        burst: 1.0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        duplicate: 0.0,
        rate: Bitrate(0),
        queue: Duration::from_millis(500),
        hold: Duration::ZERO,
        hold_every: Duration::ZERO,
    };
}

/// One direction of such a network.
#[derive(Debug)]
pub struct LossyNetwork<T> {
    random: Seeded,
    weather: Weather,
    flying: BTreeMap<(MediaTime, u64), T>,
    sent: u64,
    losing: bool,
    /// When the link has sent everything it took.
    idle: MediaTime,
}

impl<T: Clone> LossyNetwork<T> {
    /// Seeded.
    #[must_use]
    pub const fn new(seed: u64, weather: Weather) -> Self {
        Self {
            random: Seeded::new(seed),
            weather,
            flying: BTreeMap::new(),
            sent: 0,
            losing: false,
            idle: MediaTime::ZERO,
        }
    }

    /// Changes the weather for what is sent from now on.
    pub const fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Sends something that takes no room on the link.
    pub fn send(&mut self, packet: T, now: MediaTime) {
        self.send_sized(packet, 0, now);
    }

    /// Sends something of so many bytes, headers included.
    pub fn send_sized(&mut self, packet: T, bytes: usize, now: MediaTime) {
        // Two states: staying in loss has probability 1 - 1/burst; entering keeps the long-run share right.
        let Weather { loss, burst, duplicate, .. } = self.weather;
        let leave = 1.0 / burst.max(1.0);
        let enter = if loss >= 1.0 { 1.0 } else { (loss * leave / (1.0 - loss)).min(1.0) };
        self.losing = if self.losing { self.random.unit() >= leave } else { self.random.unit() < enter };
        if self.losing && loss > 0.0 {
            return;
        }
        let Some(through) = self.through_link(bytes, now) else { return };
        if self.random.unit() < duplicate {
            self.fly(packet.clone(), through);
        }
        self.fly(packet, through);
    }

    /// When the link has sent it; `None` when too much waits already.
    fn through_link(&mut self, bytes: usize, now: MediaTime) -> Option<MediaTime> {
        let Weather { rate: Bitrate(rate), queue, hold, hold_every, .. } = self.weather;
        let mut at = now;
        if rate > 0 {
            let begins = self.idle.max(now);
            if begins.since(now) > queue {
                return None;
            }
            at = begins + Duration::from_micros(bytes as u64 * 8_000_000 / u64::from(rate));
            self.idle = at;
        }
        let into = at.as_micros().checked_rem(u64::try_from(hold_every.as_micros()).unwrap_or(0));
        let left = into.and_then(|into| hold.checked_sub(Duration::from_micros(into)));
        Some(at + left.unwrap_or_default())
    }

    fn fly(&mut self, packet: T, now: MediaTime) {
        let at = now + self.weather.delay + self.weather.jitter.mul_f64(self.random.unit());
        self.sent += 1;
        self.flying.insert((at, self.sent), packet);
    }

    /// When the next one arrives of what is under way.
    pub fn next_arrival(&self) -> Option<MediaTime> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next packet that has arrived by `now`, and when.
    pub fn receive(&mut self, now: MediaTime) -> Option<(MediaTime, T)> {
        let (&(at, _), _) = self.flying.first_key_value()?;
        if at > now {
            return None;
        }
        self.flying.pop_first().map(|((at, _), packet)| (at, packet))
    }
}
