//! Sound to speak with: speech-like syllables and plain tones. Pure and seeded.

use std::f64::consts::TAU;

use super::Seeded;

/// A sine of `frequency` Hz at `rate`, amplitude 0.5.
#[must_use]
pub fn tone(frequency: f64, rate: u32, samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (0.5 * (TAU * frequency * n as f64 / f64::from(rate)).sin()) as f32).collect()
}

/// Endless sound with the rhythm and pitch of speech: voiced syllables with harmonics, gliding pitch, short pauses.
/// Different seeds do not correlate.
#[derive(Debug, Clone)]
pub struct Speech {
    random: Seeded,
    rate: f64,
    phase: f64,
    pitch: f64,
    glide: f64,
    formant: f64,
    left: u32,
    length: u32,
    loud: f64,
}

impl Speech {
    /// For samples at `rate`.
    #[must_use]
    pub fn new(seed: u64, rate: u32) -> Self {
        let mut speech = Self {
            random: Seeded::new(seed),
            rate: f64::from(rate.max(1)),
            phase: 0.0,
            pitch: 140.0,
            glide: 1.0,
            formant: 600.0,
            left: 0,
            length: 1,
            loud: 0.0,
        };
        speech.syllable();
        speech
    }

    fn syllable(&mut self) {
        let pause = self.loud > 0.0 && self.random.unit() < 0.25;
        let seconds = if pause { self.random.between(0.05, 0.2) } else { self.random.between(0.08, 0.28) };
        self.length = (seconds * self.rate) as u32 + 1;
        self.left = self.length;
        self.loud = if pause { 0.0 } else { self.random.between(0.25, 0.6) };
        self.pitch = self.random.between(95.0, 240.0);
        self.glide = 1.0 + self.random.between(-0.4, 0.4) / f64::from(self.length);
        self.formant = self.random.between(350.0, 1600.0);
    }

    /// The next samples.
    pub fn fill(&mut self, out: &mut [f32]) {
        for sample in out {
            if self.left == 0 {
                self.syllable();
            }
            self.left -= 1;
            self.pitch *= self.glide;
            self.phase = (self.phase + self.pitch / self.rate).fract();
            let mut sum = 0.0;
            for harmonic in 1..=12_u32 {
                let h = f64::from(harmonic);
                let distance = (self.pitch * h - self.formant) / 500.0;
                sum += (TAU * self.phase * h).sin() * (0.15 + (-distance * distance).exp()) / h.sqrt();
            }
            let place = f64::from(self.left) / f64::from(self.length);
            // Rises and falls over the outer fifths.
            let edge = (place.min(1.0 - place) * 5.0).min(1.0);
            *sample = (sum * edge * self.loud * 0.35).clamp(-1.0, 1.0) as f32;
        }
    }

    /// So many samples.
    pub fn take(&mut self, samples: usize) -> Vec<f32> {
        let mut out = vec![0.0; samples];
        self.fill(&mut out);
        out
    }
}
