//! What this machine itself makes heard: the speaker test, a short friendly chord, and the cue that tells without a look what
//! a key did. Only for the own ear: nothing of it is ever sent. Pure arithmetic.

use std::f32::consts::TAU;

use super::Cue;
use crate::frame::{AudioBlock, SAMPLE_RATE};

/// 0.8 s.
const LENGTH: u32 = SAMPLE_RATE * 4 / 5;
/// Fades in and out over 50 ms.
const EDGE: f32 = 2400.0;
/// A, C sharp, E.
const NOTES: [f32; 3] = [440.0, 554.37, 659.26];

/// One note of a cue: 0.09 s.
const NOTE: u32 = SAMPLE_RATE * 9 / 100;
/// G4 and D5: a fifth, below where most voices are clearest.
const LOW: f32 = 392.0;
const HIGH: f32 = 587.33;
/// Soft: some 16 dB below a voice at full strength.
const SOFT: f32 = 0.12;

/// A cue being played: two notes, rising when one is heard from now on, falling when not any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chime {
    notes: [f32; 2],
    at: u32,
}

impl Chime {
    /// From its beginning.
    #[must_use]
    pub(super) const fn new(cue: Cue) -> Self {
        let notes = match cue {
            Cue::Open => [LOW, HIGH],
            Cue::Muted => [HIGH, LOW],
        };
        Self { notes, at: 0 }
    }

    /// Adds the next block; `false` when it is over.
    pub(super) fn add(&mut self, block: &mut AudioBlock) -> bool {
        for sample in block.iter_mut() {
            let Some(note) = self.notes.get((self.at / NOTE) as usize) else { return false };
            let t = (self.at % NOTE) as f32;
            // Each note swells and fades as one arch: no edge that would click.
            let arch = (TAU * t / NOTE as f32).cos().mul_add(-0.5, 0.5);
            *sample += SOFT * arch * (TAU * note * t / SAMPLE_RATE as f32).sin();
            self.at += 1;
        }
        true
    }
}

/// A tone being played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tone {
    at: u32,
}

impl Tone {
    /// From its beginning.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self { at: 0 }
    }

    /// Adds the next block; `false` when it is over.
    pub(super) fn add(&mut self, block: &mut AudioBlock) -> bool {
        for sample in block.iter_mut() {
            if self.at >= LENGTH {
                return false;
            }
            let t = self.at as f32;
            let edge = (t / EDGE).min((LENGTH - self.at) as f32 / EDGE).min(1.0);
            let chord: f32 = NOTES.iter().map(|note| (TAU * note * t / SAMPLE_RATE as f32).sin()).sum();
            *sample += 0.1 * edge * chord;
            self.at += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::BLOCK;
    use crate::testing::tone_power;

    fn whole(cue: Cue) -> Vec<f32> {
        let mut chime = Chime::new(cue);
        let mut out = Vec::new();
        loop {
            let mut block = [0.0; BLOCK];
            let more = chime.add(&mut block);
            out.extend_from_slice(&block);
            if !more {
                return out;
            }
        }
    }

    #[test]
    fn a_cue_rises_when_one_is_heard_and_falls_when_not() {
        let note = NOTE as usize;
        for (cue, first, second) in [(Cue::Open, LOW, HIGH), (Cue::Muted, HIGH, LOW)] {
            let sound = whole(cue);
            for (part, hertz, other) in [(&sound[..note], first, second), (&sound[note..2 * note], second, first)] {
                let share = |hertz: f32| tone_power(part, f64::from(hertz), SAMPLE_RATE);
                // Two thirds of an arch's power is at its note; the rest lies beside it.
                assert!(share(hertz) > 0.6 && share(other) < 0.05, "{cue:?} {hertz} {}", share(hertz));
            }
            assert!(sound.len() < SAMPLE_RATE as usize / 4, "over before the next word");
        }
    }

    #[test]
    fn a_cue_is_soft_and_has_no_edges() {
        for cue in [Cue::Open, Cue::Muted] {
            let sound = whole(cue);
            assert!(sound.iter().all(|s| s.abs() <= SOFT));
            // Its steepest step is that of its higher note; a click would be steeper.
            let steepest = SOFT * TAU * HIGH / SAMPLE_RATE as f32 * 1.05;
            assert!(sound.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= steepest), "{cue:?} clicks");
        }
    }
}
