//! Packets that came after later ones: sent again because somebody asked (NACK), or overtaken. How late they come, and so
//! how long it pays to wait for such. Pure and bounded; time and lateness in samples at 48 kHz.

use std::collections::VecDeque;

/// Remembered for so long: a delay that goes up and down is heard more than one that stays.
const MEMORY: i64 = 20 * 48_000;
/// And so many.
const KEPT: usize = 512;
/// But when none came for so many times their widest distance of late, and at least half a second, the weather has changed.
const DISTANCES: i64 = 3;
const LEAST_CALM: i64 = 48_000 / 2;
/// What is further apart is other weather; what is nearer belongs to the same run.
const APART: i64 = 4 * 48_000;
const RUN: i64 = 48_000 / 20;
/// Beyond this none is waited for.
const LATEST: i64 = 350 * 48;
/// One that comes much later than all others is the odd one: later than twice the second latest and this.
const ODD: i64 = 20 * 48;

/// How late they came.
#[derive(Debug, Default)]
pub(super) struct Resends {
    seen: VecDeque<(i64, i64)>,
    /// When the last one came, and how far apart runs of them are at most, of late.
    last: Option<i64>,
    widest: i64,
}

impl Resends {
    /// One came, `late` samples after the quickest a packet can.
    pub(super) fn came(&mut self, now: i64, late: i64) {
        if late > LATEST {
            return;
        }
        let distance = self.last.map_or(APART, |last| now - last);
        if distance < APART && distance > RUN {
            self.widest = distance.max(self.widest - self.widest / 16);
        }
        self.last = Some(now);
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back((now, late));
    }

    /// How late those came that are worth waiting for; 0 when none is.
    pub(super) fn worth_waiting(&mut self, now: i64) -> i64 {
        self.forget(now);
        let mut latest = [0, 0];
        for (_, late) in &self.seen {
            if *late > latest[0] {
                latest = [*late, latest[0]];
            } else {
                latest[1] = latest[1].max(*late);
            }
        }
        if self.seen.len() < 2 { 0 } else { latest[0].min(2 * latest[1] + ODD) }
    }

    /// Starts anew.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, now: i64) {
        while self.seen.front().is_some_and(|(at, _)| now - at > MEMORY) {
            self.seen.pop_front();
        }
        if self.last.is_some_and(|last| now - last > (DISTANCES * self.widest).max(LEAST_CALM)) {
            self.seen.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_waited_for_and_the_odd_one_is_not() {
        let mut resends = Resends::default();
        resends.came(0, 30 * 48);
        assert_eq!(resends.worth_waiting(0), 0, "it may never happen again");
        for n in 0..10 {
            resends.came(n * 48_000, 30 * 48);
        }
        resends.came(470_000, 45 * 48);
        assert_eq!(resends.worth_waiting(480_000), 45 * 48);
        resends.came(480_000, 120 * 48);
        assert_eq!(resends.worth_waiting(480_000), 110 * 48);
        resends.came(490_000, 120 * 48);
        assert_eq!(resends.worth_waiting(490_000), 120 * 48, "again and again, it counts");
        assert_eq!(resends.worth_waiting(1_500_000), 0, "forgotten");
    }

    #[test]
    fn what_was_frequent_and_is_over_is_soon_forgotten() {
        let mut resends = Resends::default();
        (0..50).for_each(|n| resends.came(n * 1000, 200 * 48));
        assert!(resends.worth_waiting(60_000) > 0);
        assert_eq!(resends.worth_waiting(50_000 + LEAST_CALM), 0);
        // What comes seldom, or in runs, is remembered for longer.
        (0..10).for_each(|n| resends.came(100_000 + n / 5 * 48_000 + n, 40 * 48));
        assert!(resends.worth_waiting(100_000 + 3 * 48_000) > 0);
    }

    #[test]
    fn what_comes_far_too_late_is_not_waited_for() {
        let mut resends = Resends::default();
        (0..100).for_each(|n| resends.came(n, LATEST + 1));
        assert_eq!(resends.worth_waiting(100), 0);
    }
}
