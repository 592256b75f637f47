//! A network that loses, delays, reorders and repeats, the same way every time. Pure: time is passed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Seeded;
use crate::time::MediaTime;

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
}

impl Weather {
    /// Nothing is lost, nothing takes time.
    pub const CLEAR: Self =
        Self { loss: 0.0, burst: 1.0, delay: Duration::ZERO, jitter: Duration::ZERO, duplicate: 0.0 };
}

/// One direction of such a network.
#[derive(Debug)]
pub struct LossyNetwork<T> {
    random: Seeded,
    weather: Weather,
    flying: BTreeMap<(MediaTime, u64), T>,
    sent: u64,
    losing: bool,
}

impl<T: Clone> LossyNetwork<T> {
    /// Seeded.
    #[must_use]
    pub const fn new(seed: u64, weather: Weather) -> Self {
        Self { random: Seeded::new(seed), weather, flying: BTreeMap::new(), sent: 0, losing: false }
    }

    /// Changes the weather for what is sent from now on.
    pub const fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Sends.
    pub fn send(&mut self, packet: T, now: MediaTime) {
        // Two states: staying in loss has probability 1 - 1/burst; entering keeps the long-run share right.
        let Weather { loss, burst, duplicate, .. } = self.weather;
        let leave = 1.0 / burst.max(1.0);
        let enter = if loss >= 1.0 { 1.0 } else { (loss * leave / (1.0 - loss)).min(1.0) };
        self.losing = if self.losing { self.random.unit() >= leave } else { self.random.unit() < enter };
        if self.losing && loss > 0.0 {
            return;
        }
        if self.random.unit() < duplicate {
            self.fly(packet.clone(), now);
        }
        self.fly(packet, now);
    }

    fn fly(&mut self, packet: T, now: MediaTime) {
        let at = now + self.weather.delay + self.weather.jitter.mul_f64(self.random.unit());
        self.sent += 1;
        self.flying.insert((at, self.sent), packet);
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
