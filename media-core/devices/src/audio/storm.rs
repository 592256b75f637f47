//! Keeps a driver's storm of errors out of the log, and tells when nothing but errors comes any more.
//! A value; time and progress come in as arguments. (ALSA on top of a sound server has sent thousands a second.)

use std::time::{Duration, Instant};

/// At most one line of log in this time.
const PAUSE: Duration = Duration::from_secs(5);
/// So many errors in a row without a single call of the data callback: the stream is dead.
const HOPELESS: u32 = 50;

/// Errors of one stream so far.
#[derive(Debug, Default)]
pub(super) struct Storm {
    told: Option<Instant>,
    unsaid: u64,
    progress: u64,
    in_vain: u32,
}

/// What to do about an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Quiet,
    /// Log it; so many were not logged since the last time.
    Tell(u64),
    /// Give the stream up.
    Hopeless,
}

impl Storm {
    /// Takes one error. `progress` is the number of data callbacks so far.
    pub(super) fn error(&mut self, now: Instant, progress: u64) -> Verdict {
        self.in_vain = if progress == self.progress { self.in_vain + 1 } else { 1 };
        self.progress = progress;
        if self.in_vain >= HOPELESS {
            return Verdict::Hopeless;
        }
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE) {
            self.unsaid += 1;
            return Verdict::Quiet;
        }
        self.told = Some(now);
        Verdict::Tell(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_errors_is_one_line_in_five_seconds() {
        let start = Instant::now();
        let mut storm = Storm::default();
        assert_eq!(storm.error(start, 1), Verdict::Tell(0));
        for i in 0..4000u64 {
            assert_eq!(storm.error(start + Duration::from_millis(i), i + 2), Verdict::Quiet);
        }
        assert_eq!(storm.error(start + PAUSE, 5000), Verdict::Tell(4000));
    }

    #[test]
    fn errors_without_any_sound_between_mean_the_end() {
        let now = Instant::now();
        let mut storm = Storm::default();
        let verdicts: Vec<_> = (0..HOPELESS).map(|_| storm.error(now, 7)).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::Hopeless));
        assert!(verdicts[..verdicts.len() - 1].iter().all(|v| *v != Verdict::Hopeless));
    }
}
