//! Copies of lost packets that later ones carry along: how late they come, and so how long it pays to wait for them.
//! Pure and bounded; time and lateness in samples at 48 kHz.

use super::loss::Loss;

/// One slot of memory.
const SLOT: i64 = 48_000;
/// For ten slots a copy speaks for the next ones: a delay that goes up and down is heard more than one that stays.
const SLOTS: usize = 10;
/// Beyond this no copy is waited for.
const LATEST: i64 = 350 * 48;
/// A copy that would be the first to arrive less often than this is not waited for.
const SELDOM: f32 = 0.003;

/// How late the copies of the last seconds came.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Per second: its number and the latest worth waiting for.
    latest: [(i64, i64); SLOTS],
}

impl Copies {
    /// The copy that is the `rank`th nearest (from 1) of its packet came, `late` samples after the quickest a packet can.
    /// Whether it was needed does not matter: the next one will come as late. Where the network loses by chance, a far
    /// copy counts only if all nearer ones are lost often enough; where it loses in runs, they are lost together.
    pub(super) fn came(&mut self, now: i64, rank: usize, late: i64, loss: Loss) {
        let chance = 1.0 / (1.0 - loss.share.min(0.9));
        let runs = loss.burst > 1.5 * chance;
        let needed = if runs { loss.share } else { loss.share.powi(i32::try_from(rank).unwrap_or(i32::MAX)) };
        if late > LATEST || needed < SELDOM {
            return;
        }
        let number = now.div_euclid(SLOT);
        let slot = &mut self.latest[number.rem_euclid(SLOTS as i64) as usize];
        *slot = if slot.0 == number { (number, slot.1.max(late)) } else { (number, late) };
    }

    /// How late the latest of them came; 0 when none is worth it.
    pub(super) fn worth_waiting(&self, now: i64) -> i64 {
        let oldest = now.div_euclid(SLOT) - SLOTS as i64;
        self.latest.iter().filter(|(number, _)| *number > oldest).map(|(_, late)| *late).max().unwrap_or(0)
    }

    /// The network loses nothing any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
