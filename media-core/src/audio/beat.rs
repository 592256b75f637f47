//! When the engine's blocks fall. A device calls every so often; a block that falls just after the microphone brought its
//! samples, or just before the speaker fetches them, waits for nothing. Where devices work in pieces so small that it hardly
//! matters, the same is done for the packets of the one person there is to hear. Pure arithmetic on times that are passed in.
//!
//! What does not follow the engine's pace (another length, or too unsteady) is left as it comes.

use crate::time::MediaTime;

/// Length of a block, in microseconds.
pub(super) const BLOCK_MICROS: i64 = 10_000;
/// So long before a block its samples should be there, in microseconds: what a call may be late.
const AHEAD: i64 = 2_000;
/// Calls that wander further within a window follow no beat.
const UNSTEADY: i64 = 4_000;
/// Blocks in a window.
const WINDOW: u32 = 50;
/// Nothing is moved for less.
const CLOSE: i64 = 300;
/// A block is moved by at most so much against the one before: 2 %.
const STEP: i64 = 200;

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Whom {
    /// Blocks come after its calls.
    #[default]
    Microphone,
    /// Blocks come before its calls.
    Speaker,
    /// Blocks come after them.
    Packets,
}

/// What is followed, and when it last called or came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Follow(pub(super) Whom, pub(super) MediaTime);

/// Moves the blocks.
#[derive(Debug, Default)]
pub(super) struct Beat {
    whom: Whom,
    /// Of the window: the first block's distance from the call, and how far the others were off it.
    first: Option<i64>,
    low: i64,
    high: i64,
    seen: u32,
    /// Yet to move.
    ahead: i64,
    /// What the last move was for.
    tried: i64,
    /// A move changed nothing: the device calls all the time, so that its last call is as near wherever a block falls.
    /// Moving on and on would make the engine slow or fast for ever. Packets do not come all the time; where a move seems to
    /// have changed nothing, their sender moved, too.
    futile: bool,
}

impl Beat {
    /// The block due at `due` is done; answers by how many microseconds the next is to be moved.
    pub(super) fn step(&mut self, due: MediaTime, follow: Option<Follow>) -> i64 {
        let Some(Follow(whom, at)) = follow else {
            *self = Self::default();
            return 0;
        };
        let distance = match whom {
            Whom::Microphone | Whom::Packets => beat_after(at, due),
            Whom::Speaker => beat_after(due, at),
        };
        if whom != self.whom {
            *self = Self { whom, ..Self::default() };
        }
        if self.ahead != 0 {
            let step = self.ahead.clamp(-STEP, STEP);
            self.ahead -= step;
            return step;
        }
        if whom == Whom::Packets && at > due {
            // A block that is made up for tells nothing: it is done after its time, when later packets are here, too.
            return 0;
        }
        let first = *self.first.get_or_insert(distance);
        let off = wrapped(distance - first);
        self.low = self.low.min(off);
        self.high = self.high.max(off);
        self.seen += 1;
        if self.seen == WINDOW {
            self.decide(first);
        }
        0
    }

    /// Blocks are being moved.
    #[must_use]
    pub(super) const fn moves(&self) -> bool {
        self.ahead != 0
    }

    fn decide(&mut self, first: i64) {
        let error = wrapped(first + self.low - AHEAD);
        let steady = self.high - self.low <= UNSTEADY;
        let wanted = if steady && error.abs() > CLOSE { error } else { 0 };
        let again = wanted.signum() * self.tried.signum() > 0 && wanted.abs() * 2 > self.tried.abs();
        let futile = self.whom != Whom::Packets && (self.futile || again);
        *self = Self { whom: self.whom, futile, tried: wanted, ..Self::default() };
        if !futile {
            self.ahead = match self.whom {
                Whom::Microphone | Whom::Packets => -wanted,
                Whom::Speaker => wanted,
            };
        }
    }
}

/// How long after `earlier`, or a whole number of blocks after it, `later` falls, in microseconds.
fn beat_after(earlier: MediaTime, later: MediaTime) -> i64 {
    beat_of(BLOCK_MICROS, earlier, later)
}

/// The same for what comes again every `length` microseconds, which is more than zero.
pub(super) fn beat_of(length: i64, earlier: MediaTime, later: MediaTime) -> i64 {
    (later.as_micros().cast_signed() - earlier.as_micros().cast_signed()).rem_euclid(length)
}

/// Into half a block either way.
fn wrapped(micros: i64) -> i64 {
    (micros + BLOCK_MICROS / 2).rem_euclid(BLOCK_MICROS) - BLOCK_MICROS / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance of the last block from the call it follows, of a device that calls `every` so many microseconds.
    fn follows(whom: Whom, phase: u64, every: u64, jitter: u64) -> i64 {
        let mut beat = Beat::default();
        let mut due = MediaTime::from_micros(1_000_000);
        let mut last = 0;
        for block in 0..1000_u64 {
            let calls = (due.as_micros() - phase) / every;
            let called = MediaTime::from_micros(phase + calls * every + block % 3 * jitter / 2);
            last = if whom == Whom::Speaker { beat_after(due, called) } else { beat_after(called, due) };
            let by = beat.step(due, Some(Follow(whom, called)));
            due = MediaTime::from_micros(due.as_micros().saturating_add_signed(BLOCK_MICROS + by));
        }
        last
    }

    #[test]
    fn blocks_fall_just_after_microphone_and_packets_and_just_before_the_speaker() {
        for whom in [Whom::Microphone, Whom::Packets, Whom::Speaker] {
            for phase in [0, 1_000, 2_500, 5_000, 7_777, 9_900] {
                for every in [10_000, 20_000, 9_998, 10_001, 5_000] {
                    let after = follows(whom, phase, every, 0);
                    // Devices of 5 ms have a call within reach either way.
                    let after = if every == 5_000 { after % 5_000 } else { after };
                    assert!((1_400..=2_600).contains(&after), "{after} us, {whom:?} {phase} {every}");
                }
            }
        }
    }

    #[test]
    fn packets_whose_sender_moves_too_are_still_followed() {
        let mut beat = Beat::default();
        let (mut due, mut sent) = (1_000_000_u64, 999_500_u64);
        for block in 0..500 {
            let came = MediaTime::from_micros(sent);
            let by = beat.step(MediaTime::from_micros(due), Some(Follow(Whom::Packets, came)));
            // While we move away from them they come after us.
            let after = if block < 150 { by } else { 0 };
            sent = sent.saturating_add_signed(BLOCK_MICROS + after);
            due = due.saturating_add_signed(BLOCK_MICROS + by);
        }
        let after = beat_after(MediaTime::from_micros(sent), MediaTime::from_micros(due));
        assert!((1_400..=2_600).contains(&after), "{after} us");
    }

    #[test]
    fn a_device_that_calls_all_the_time_does_not_change_the_pace() {
        use Whom::{Microphone, Speaker};
        for (whom, every) in
            [(Microphone, 500), (Microphone, 667), (Microphone, 1_000), (Speaker, 500), (Speaker, 1_333)]
        {
            let mut beat = Beat::default();
            let (mut due, mut moved) = (1_000_100_u64, 0);
            for _ in 0..1000 {
                let before = MediaTime::from_micros(due / every * every);
                let by = beat.step(MediaTime::from_micros(due), Some(Follow(whom, before)));
                moved += by;
                due = due.saturating_add_signed(BLOCK_MICROS + by);
            }
            assert!(moved.abs() <= 5_000, "{moved} us in ten seconds, calls every {every}, {whom:?}");
        }
    }

    #[test]
    fn late_calls_count_not_the_usual_ones() {
        let after = follows(Whom::Microphone, 3_000, 10_000, 1_500);
        assert!((1_400..=4_200).contains(&after), "{after} us");
    }

    #[test]
    fn a_device_without_a_beat_moves_nothing() {
        let mut beat = Beat::default();
        for block in 0..1000_u64 {
            let due = MediaTime::from_micros(1_000_000 + block * 10_000);
            let called = MediaTime::from_micros(due.as_micros() - block * 7_919 % 10_000);
            assert_eq!(beat.step(due, Some(Follow(Whom::Microphone, called))), 0);
        }
    }
}
