//! Brings a voice to the same loudness whoever speaks and however far away the microphone is, and tells whether somebody
//! speaks: the parts of WebRTC's second gain controller, by the crate `sonora-agc2`, and our own limiter.
//! Runs on the engine's thread; pure. Allocates only when made.

use sonora_agc2::adaptive_digital_gain_controller::{AdaptiveDigitalGainController, FrameInfo};
use sonora_agc2::common::{
    ADJACENT_SPEECH_FRAMES_THRESHOLD, SATURATION_PROTECTOR_INITIAL_HEADROOM_DB, VAD_RESET_PERIOD_MS, float_s16_to_dbfs,
};
use sonora_agc2::noise_level_estimator::NoiseLevelEstimator;
use sonora_agc2::saturation_protector::SaturationProtector;
use sonora_agc2::speech_level_estimator::{AdaptiveDigitalConfig, SpeechLevelEstimator};
use sonora_agc2::vad_wrapper::VoiceActivityDetectorWrapper;

use super::super::mix::Limiter;
use crate::frame::{AudioBlock, BLOCK, SAMPLE_RATE};

/// The library counts in 16-bit steps.
const STEPS: f32 = 32_768.0;
/// As WebRTC has it, but no louder than by 30 dB: beyond, a quiet room becomes a noisy one.
const GAINS: AdaptiveDigitalConfig = AdaptiveDigitalConfig {
    headroom_db: 5.0,
    max_gain_db: 30.0,
    initial_gain_db: 6.0,
    max_gain_change_db_per_second: 6.0,
    max_output_noise_level_dbfs: -50.0,
};

/// Tells voices from other sounds, by a small neural network.
#[derive(Debug)]
pub(super) struct Voice {
    detector: VoiceActivityDetectorWrapper,
    steps: AudioBlock,
}

impl Voice {
    /// Has heard nothing.
    #[must_use]
    pub(super) fn new() -> Self {
        let rate = SAMPLE_RATE.cast_signed();
        let detector =
            VoiceActivityDetectorWrapper::with_reset_period(VAD_RESET_PERIOD_MS, sonora_simd::detect_backend(), rate);
        Self { detector, steps: [0.0; BLOCK] }
    }

    /// How probably a block is of a voice, 0 to 1.
    pub(super) fn block(&mut self, block: &AudioBlock) -> f32 {
        for (to, from) in self.steps.iter_mut().zip(block) {
            *to = from * STEPS;
        }
        self.detector.analyze(&self.steps)
    }
}

/// The gain.
#[derive(Debug)]
pub(super) struct Gain {
    noise: NoiseLevelEstimator,
    level: SpeechLevelEstimator,
    headroom: SaturationProtector,
    controller: AdaptiveDigitalGainController,
    limiter: Limiter,
    peak: f32,
}

impl Gain {
    /// Knows no voice yet.
    #[must_use]
    pub(super) fn new() -> Self {
        Self {
            noise: NoiseLevelEstimator::default(),
            level: SpeechLevelEstimator::new(&GAINS, ADJACENT_SPEECH_FRAMES_THRESHOLD),
            headroom: SaturationProtector::new(
                SATURATION_PROTECTOR_INITIAL_HEADROOM_DB,
                ADJACENT_SPEECH_FRAMES_THRESHOLD,
            ),
            controller: AdaptiveDigitalGainController::new(GAINS, ADJACENT_SPEECH_FRAMES_THRESHOLD),
            limiter: Limiter::new(),
            peak: 0.0,
        }
    }

    /// Takes a block and how probably it is of a voice.
    pub(super) fn block(&mut self, block: &mut AudioBlock, speech_probability: f32) {
        for sample in block.iter_mut() {
            *sample *= STEPS;
        }
        let peak = block.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let rms = (block.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK as f32).sqrt();
        let noise_rms_dbfs = self.noise.analyze(&[block.as_slice()]);
        self.level.update(float_s16_to_dbfs(rms), speech_probability);
        let speech_level_dbfs = self.level.level_dbfs();
        self.headroom.analyze(speech_probability, float_s16_to_dbfs(peak), speech_level_dbfs);
        let info = FrameInfo {
            speech_probability,
            speech_level_dbfs,
            speech_level_reliable: self.level.is_confident(),
            noise_rms_dbfs,
            headroom_db: self.headroom.headroom_db(),
            limiter_envelope_dbfs: float_s16_to_dbfs(self.peak),
        };
        self.controller.process(&info, &mut [block.as_mut_slice()]);
        // The peak falls by 60 dB a second, as an envelope does.
        self.peak = block.iter().fold(self.peak * 0.933, |peak, sample| peak.max(sample.abs()));
        for sample in block.iter_mut() {
            *sample /= STEPS;
        }
        self.limiter.limit(std::slice::from_mut(block));
    }
}
