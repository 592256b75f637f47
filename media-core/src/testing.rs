//! Synthetic hardware, a lossy network and measures, for tests and the demo (feature `testing`).
//! Seeded and reproducible. Only [`devices`] runs threads and looks at a clock: it stands in for hardware, which has both.

mod card;
pub mod devices;
mod font;
mod measure;
mod network;
mod sound;

pub use card::{TestCard, TextScreen, read_counter};
pub use devices::{DeviceKind, FakeDevices, FakeSetup, Fault};
pub use font::columns as letter;
pub use measure::{correlation, psnr, ssim, tone_power};
pub use network::{LossyNetwork, Weather};
pub use sound::{Speech, tone};

/// A small seeded generator (SplitMix64): the same numbers on every machine. Not for secrets.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0.0 to 1.0, without 1.0.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `low` to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

#[cfg(test)]
mod tests;
