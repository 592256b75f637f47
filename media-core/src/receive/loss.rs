//! What a receiver lost of a stream, before anything made it good: the share, and how many in a row. Told to the sender,
//! it decides how much is sent twice. Pure; memory of a few seconds.

/// What did not come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loss {
    /// Share of packets that did not come, 0.0 to 1.0.
    pub share: f32,
    /// How many are missing in a row, on average; at least 1.0 when any is.
    pub burst: f32,
}

/// Packets looked at, at most: about five seconds of sound.
const WINDOW: i64 = 256;
/// The newest may still come, out of order, or because they were asked for again: also a run of ten.
const YOUNG: i64 = 14;
/// A gap longer than this is a sender that was away.
const AWAY: i64 = 64;

/// Watches one stream's sequence numbers.
#[derive(Debug)]
pub struct LossMeter {
    /// The first number that counts.
    first: i64,
    /// The highest seen.
    last: i64,
    came: [bool; WINDOW as usize],
    started: bool,
}

impl Default for LossMeter {
    fn default() -> Self {
        Self { first: 0, last: 0, came: [false; WINDOW as usize], started: false }
    }
}

const fn place(sequence: i64) -> usize {
    sequence.rem_euclid(WINDOW) as usize
}

impl LossMeter {
    /// A packet came; its number unwrapped. Had later ones come before it?
    pub fn packet(&mut self, sequence: i64) -> bool {
        if !self.started || (sequence - self.last).abs() > AWAY {
            *self = Self { first: sequence, last: sequence, started: true, ..Self::default() };
        }
        for skipped in self.last + 1..sequence {
            self.came[place(skipped)] = false;
        }
        if sequence > self.last - WINDOW {
            self.came[place(sequence)] = true;
        }
        let overtaken = sequence < self.last;
        self.last = self.last.max(sequence);
        overtaken
    }

    /// Of the last `packets`, but the very newest.
    #[must_use]
    pub fn loss(&self, packets: i64) -> Loss {
        let from = self.first.max(self.last - packets.clamp(2 * YOUNG, WINDOW) + 1);
        let until = self.last - YOUNG;
        let (mut missing, mut runs, mut before) = (0_u16, 0_u16, true);
        for sequence in from..until {
            let came = self.came[place(sequence)];
            missing += u16::from(!came);
            runs += u16::from(!came && before);
            before = came;
        }
        if missing == 0 {
            return Loss::default();
        }
        Loss { share: f32::from(missing) / (until - from) as f32, burst: f32::from(missing) / f32::from(runs.max(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(came: impl Fn(i64) -> bool) -> Loss {
        let mut meter = LossMeter::default();
        (65_000..65_600).filter(|n| came(*n)).for_each(|n| _ = meter.packet(n));
        meter.loss(WINDOW)
    }

    #[test]
    fn share_and_runs_are_measured() {
        assert_eq!(loss(|_| true), Loss::default());
        let every_fifth = loss(|n| n % 5 != 0);
        assert!((every_fifth.share - 0.2).abs() < 0.02 && every_fifth.burst == 1.0, "{every_fifth:?}");
        let bursts = loss(|n| n % 20 >= 5);
        assert!((bursts.share - 0.25).abs() < 0.03 && (bursts.burst - 5.0).abs() < 0.5, "{bursts:?}");
    }

    #[test]
    fn what_overtakes_is_not_lost() {
        let mut meter = LossMeter::default();
        (0..400).flat_map(|n| [2 * n + 1, 2 * n]).for_each(|n| _ = meter.packet(n));
        assert_eq!(meter.loss(WINDOW), Loss::default());
    }

    #[test]
    fn a_sender_that_was_away_lost_nothing() {
        let mut meter = LossMeter::default();
        (0..100).chain(5000..5100).for_each(|n| _ = meter.packet(n));
        assert_eq!(meter.loss(WINDOW), Loss::default());
    }
}
