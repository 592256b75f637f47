//! Lost packets that came after all, carried along by later ones: how late that was, and so how long it pays to wait.
//! Pure and bounded; time and lateness in samples at 48 kHz.

use std::collections::VecDeque;

/// For this long a copy speaks for the next ones. A delay that goes up and down is heard more than one that stays.
const MEMORY: i64 = 10 * 48_000;
/// Copies remembered: ten seconds at half of all packets lost.
const KEPT: usize = 256;
/// Lost packets whose copy may still come.
const MISSED: usize = 32;
/// Beyond this no copy is waited for.
const LATEST: i64 = 260 * 48;

/// The copies of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// When, and how late.
    came: VecDeque<(i64, i64)>,
    missed: VecDeque<i64>,
}

impl Copies {
    /// The packet of this time was given up.
    pub(super) fn missed(&mut self, time: i64) {
        if self.missed.len() == MISSED {
            self.missed.pop_front();
        }
        self.missed.push_back(time);
    }

    /// Was it? Asked once for each.
    pub(super) fn was_missed(&mut self, time: i64) -> bool {
        let Some(at) = self.missed.iter().position(|missed| *missed == time) else { return false };
        self.missed.remove(at);
        true
    }

    /// The copy of a lost packet came, `late` samples after the quickest a packet can.
    pub(super) fn came(&mut self, now: i64, late: i64) {
        if late > LATEST {
            return;
        }
        if self.came.len() == KEPT {
            self.came.pop_front();
        }
        self.came.push_back((now, late));
    }

    /// Do copies come at all?
    pub(super) fn any(&mut self, now: i64) -> bool {
        self.forget(now);
        !self.came.is_empty()
    }

    /// How late the latest of them came; 0 when none came lately. One alone is not waited for.
    pub(super) fn worth_waiting(&mut self, now: i64) -> i64 {
        self.forget(now);
        if self.came.len() < 2 { 0 } else { self.came.iter().map(|(_, late)| *late).max().unwrap_or(0) }
    }

    fn forget(&mut self, now: i64) {
        while self.came.front().is_some_and(|(at, _)| now - at > MEMORY) {
            self.came.pop_front();
        }
    }
}
