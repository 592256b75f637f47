//! Late packets that come again and again: every few seconds a machine or an access point holds everything up for a
//! moment. A percentile of the last seconds does not see them, yet each of them is a gap that is heard.
//! Pure; time and lateness in samples at 48 kHz.

use std::collections::VecDeque;

/// Hold-ups remembered.
const KEPT: usize = 8;
/// For this long.
const MEMORY: i64 = 10 * 48_000;
/// What comes late within this of the last late packet belongs to the same hold-up.
const SAME: i64 = 48_000 / 2;
/// Unless that has lasted so long: then it is no moment any more.
const LONGEST: i64 = 3 * 48_000;

#[derive(Debug, Clone, Copy)]
struct Peak {
    at: i64,
    until: i64,
    late: i64,
}

/// The hold-ups of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Peaks {
    seen: VecDeque<Peak>,
}

impl Peaks {
    /// A packet came `late` samples after the quickest: more than the half of what is `allowed` for. Only what is beyond
    /// that begins a hold-up, the rest shows that one goes on.
    pub(super) fn late(&mut self, now: i64, late: i64, allowed: i64) {
        self.forget(now);
        match self.seen.back_mut() {
            Some(peak) if now - peak.until < SAME && now - peak.at < LONGEST => {
                peak.late = peak.late.max(late);
                peak.until = now;
            }
            Some(_) | None if late > allowed => {
                if self.seen.len() == KEPT {
                    self.seen.pop_front();
                }
                self.seen.push_back(Peak { at: now, until: now, late });
            }
            Some(_) | None => {}
        }
    }

    /// How late they come, again and again: the second worst. One alone is not waited for, it may never come again.
    pub(super) fn recurring(&mut self, now: i64) -> i64 {
        self.forget(now);
        let mut worst = [0, 0];
        for peak in &self.seen {
            if peak.late > worst[0] {
                worst = [peak.late, worst[0]];
            } else {
                worst[1] = worst[1].max(peak.late);
            }
        }
        worst[1]
    }

    /// Starts anew.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }

    fn forget(&mut self, now: i64) {
        while self.seen.front().is_some_and(|peak| now - peak.at > MEMORY) {
            self.seen.pop_front();
        }
    }
}
