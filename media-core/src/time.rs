//! Media time: a monotonic instant that is passed in wherever something is decided by it.
//! Only the threads of devices and the client's clock ask for it ([`MediaTime::of`]).

use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Where the process's time line starts: devices and engines must mean the same by a time.
static START: OnceLock<Instant> = OnceLock::new();

/// An instant on the process's monotonic time line, in microseconds since an arbitrary start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MediaTime(u64);

impl MediaTime {
    /// The start of the time line.
    pub const ZERO: Self = Self(0);

    /// From microseconds since the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// An instant on the time line; the first one asked for starts it. Neither waits nor allocates after that.
    #[must_use]
    pub fn of(instant: Instant) -> Self {
        let since = instant.saturating_duration_since(*START.get_or_init(|| instant));
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier`; zero when it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This instant on an RTP clock of `rate` Hz, wrapping as RTP timestamps do.
    #[must_use]
    pub const fn rtp(self, rate: u32) -> u32 {
        ((self.0 as u128 * rate as u128) / 1_000_000) as u32
    }
}

impl Add<Duration> for MediaTime {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for MediaTime {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate(pub u32);

impl Bitrate {
    /// From kilobits per second.
    #[must_use]
    pub const fn kbps(kbps: u32) -> Self {
        Self(kbps * 1000)
    }
}
