//! Noise suppression in two strengths: WebRTC's (what stays the same is noise) and RNNoise's (what is not a voice is
//! noise), by the crates `sonora-ns` and `nnnoiseless`.
//! Runs on the engine's thread; pure. Allocates only when made.

use nnnoiseless::DenoiseState;
use sonora::three_band_filter_bank::ThreeBandFilterBank;
use sonora_ns::config::SuppressionLevel;
use sonora_ns::noise_suppressor::NoiseSuppressor;

use super::Clean;
use crate::frame::{AudioBlock, BLOCK};

/// Both libraries count in 16-bit steps.
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

/// Of the sound in a block, at least so much stays where nobody speaks: -20 dB.
const LEFT: f32 = 0.1;
/// Somebody speaks.
const VOICE: f32 = 0.5;
/// Of the way down, per block: a tenth of a second until it is quiet. Up it goes at once, for the beginning of a word.
const FALL: f32 = 0.15;

/// Against everything that is not a voice: keyboards, dishes, traffic. What stays the same goes first, and between words
/// what the network left (`npm run -s bench -- noise`: each of both adds to the score).
pub(super) struct Strong {
    steady: Standard,
    network: Box<DenoiseState<'static>>,
    input: AudioBlock,
    gate: f32,
}

impl Strong {
    /// Has heard nothing yet.
    #[must_use]
    pub(super) fn new() -> Self {
        Self {
            steady: Standard::new(SuppressionLevel::K6dB),
            network: DenoiseState::new(),
            input: [0.0; BLOCK],
            gate: 1.0,
        }
    }
}

impl Clean for Strong {
    fn block(&mut self, block: &mut AudioBlock) {
        self.steady.block(block);
        for (to, from) in self.input.iter_mut().zip(block.iter()) {
            *to = from * STEPS;
        }
        let voice = self.network.process_frame(block, &self.input);
        let wanted = LEFT + (1.0 - LEFT) * (voice / VOICE).min(1.0);
        let gate = if wanted > self.gate { wanted } else { self.gate + (wanted - self.gate) * FALL };
        let step = (gate - self.gate) / BLOCK as f32;
        for sample in block.iter_mut() {
            self.gate += step;
            *sample *= self.gate / STEPS;
        }
        self.gate = gate;
    }
}
