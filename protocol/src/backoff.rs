//! How long to wait before the next try. Arithmetic only: whoever sleeps is somewhere else.

use std::time::Duration;

/// Waits of one retry series: quick at first, then about every 7 s, for ever.
///
/// The steps are those of the official LiveKit SDKs (0, 0.3, 1.2, 2.7, 4.8, 7 s); unlike them it never gives up.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Starts a series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tries so far.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// The next wait. `dice` is a random number in `0.0..1.0`, so that a hundred clients of one host that
    /// restarts do not all come back in the same instant: the first wait is spread over 0..200 ms, later ones by +-50 %.
    pub fn next(&mut self, dice: f64) -> Duration {
        let dice = dice.clamp(0.0, 1.0);
        let n = f64::from(self.tries);
        self.tries = self.tries.saturating_add(1);
        if self.tries == 1 {
            return Duration::from_secs_f64(0.2 * dice);
        }
        let base = (0.3 * n * n).min(7.0);
        Duration::from_secs_f64(base * (0.5 + dice))
    }

    /// It worked: the next series starts from the beginning.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_eleven_seconds() {
        let mut backoff = Backoff::new();
        assert!(backoff.next(0.5) <= Duration::from_millis(200));
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            let wait = backoff.next(0.5);
            assert!(wait >= last, "waits must not shrink within a series");
            last = wait;
        }
        for _ in 0..1000 {
            assert!(backoff.next(1.0) <= Duration::from_millis(10_500), "it must keep trying at a bounded pace");
        }
        backoff.reset();
        assert_eq!(backoff.next(0.0), Duration::ZERO);
    }
}
