//! How loud sound is (RFC 6464), and whether it may be speech.
//! Pure; no allocation.

use crate::frame::AudioLevel;

/// Speech stands out of the noise by this much, in dB.
const ABOVE_NOISE: f32 = 9.0;
/// What is quieter is never speech, in dBov.
const QUIETEST_SPEECH: f32 = -55.0;
/// Blocks of 10 ms the flag stays up: between words.
const HANGOVER: u8 = 30;

/// Measures one stream of sound.
#[derive(Debug, Clone)]
pub struct Meter {
    energy: f64,
    samples: usize,
    last: f32,
    noise: f32,
    hangover: u8,
    voice: bool,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter {
    /// A meter that has heard nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { energy: 0.0, samples: 0, last: -127.0, noise: -60.0, hangover: 0, voice: false }
    }

    /// Takes a block of about 10 ms.
    pub fn push(&mut self, block: &[f32]) {
        let energy = energy(block);
        self.energy += energy;
        self.samples += block.len();
        let level = decibel(energy, block.len());
        self.last = level;
        // The floor falls fast and rises slowly (3 dB a second), so that speech does not lift it.
        self.noise = if level < self.noise { level.max(-90.0) } else { (self.noise + 0.03).min(-30.0) };
        if level > QUIETEST_SPEECH && level > self.noise + ABOVE_NOISE {
            self.hangover = HANGOVER;
        } else {
            self.hangover = self.hangover.saturating_sub(1);
        }
        self.voice |= self.hangover > 0;
    }

    /// The level since the last call.
    pub fn take(&mut self) -> AudioLevel {
        let level = decibel(self.energy, self.samples);
        let voice = std::mem::take(&mut self.voice);
        self.energy = 0.0;
        self.samples = 0;
        AudioLevel { below_full: (-level).round().clamp(0.0, 127.0) as u8, voice }
    }

    /// The last block's, in dBov: 0 to -127.
    #[must_use]
    pub(super) const fn last(&self) -> f32 {
        self.last
    }

    /// Is there speech just now?
    #[must_use]
    pub const fn hears_voice(&self) -> bool {
        self.hangover > 0
    }
}

fn energy(block: &[f32]) -> f64 {
    block.iter().map(|s| f64::from(s * s)).sum()
}

/// dB below a full-scale square wave; -127 for silence.
fn decibel(energy: f64, samples: usize) -> f32 {
    if samples == 0 {
        return -127.0;
    }
    let mean = energy / samples as f64;
    // Not a number would come from a broken device; it counts as silence.
    if mean.is_nan() || mean <= 0.0 { -127.0 } else { (10.0 * mean.log10()).clamp(-127.0, 0.0) as f32 }
}

/// Quieter than -55 dBov: nobody misses it.
#[must_use]
pub(super) fn is_quiet(block: &[f32]) -> bool {
    decibel(energy(block), block.len()) < QUIETEST_SPEECH
}

#[cfg(test)]
mod tests;
