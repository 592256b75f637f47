//! Noise suppression in two strengths: WebRTC's (what stays the same is noise), by the crate `sonora-ns`, and RNNoise's
//! (what is not a voice is noise), by its network and our own code around it.
//! Runs on the engine's thread; pure. Allocates only when made.

mod bands;
mod network;
mod pitch;
mod products;
mod strong;
mod weights;

use sonora::three_band_filter_bank::ThreeBandFilterBank;
use sonora_ns::config::SuppressionLevel;
use sonora_ns::noise_suppressor::NoiseSuppressor;

pub(super) use strong::Strong;

use super::Clean;
use crate::frame::{AudioBlock, BLOCK};

/// Both count in 16-bit steps.
const STEPS: f32 = 32_768.0;

/// Against steady noise: fans, hiss, hum.
pub(super) struct Standard {
    bands: ThreeBandFilterBank,
    suppressor: NoiseSuppressor,
    split: [[f32; BLOCK / 3]; 3],
}

impl Standard {
    /// Has heard no noise yet.
    #[must_use]
    pub(super) fn new(level: SuppressionLevel) -> Self {
        let config = sonora_ns::config::NsConfig { target_level: level };
        Self {
            bands: ThreeBandFilterBank::new(),
            suppressor: NoiseSuppressor::new_with_bands(config, 3),
            split: [[0.0; BLOCK / 3]; 3],
        }
    }
}

impl Clean for Standard {
    fn block(&mut self, block: &mut AudioBlock) {
        for sample in block.iter_mut() {
            *sample *= STEPS;
        }
        self.bands.analysis(block, &mut self.split);
        let [low, middle, high] = &mut self.split;
        self.suppressor.analyze(low);
        self.suppressor.process(low);
        let gain = self.suppressor.upper_band_gain();
        self.suppressor.process_upper_band(middle, 0, gain);
        self.suppressor.process_upper_band(high, 1, gain);
        self.bands.synthesis(&self.split, block);
        for sample in block.iter_mut() {
            *sample /= STEPS;
        }
    }
}

#[cfg(test)]
mod tests;
