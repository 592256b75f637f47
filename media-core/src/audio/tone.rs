//! The speaker test: a short friendly chord.
//! Pure arithmetic.

use std::f32::consts::TAU;

use crate::frame::{AudioBlock, SAMPLE_RATE};

/// 0.8 s.
const LENGTH: u32 = SAMPLE_RATE * 4 / 5;
/// Fades in and out over 50 ms.
const EDGE: f32 = 2400.0;
/// A, C sharp, E.
const NOTES: [f32; 3] = [440.0, 554.37, 659.26];

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
