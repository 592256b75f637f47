//! Makes a microphone's sound fit to be sent: rumble, echo and noise out, the voice at an even loudness.
//! Runs on the engine's thread, once per block; pure. Allocates when a part is switched on and when an echo's delay jumps.
//!
//! Order: high-pass, echo (before anything that changes with time, or it could not be learned), noise, gain. With
//! everything off a block passes as it came, bit by bit. Delay added: echo 3 ms, standard noise suppression 8 ms, strong
//! 20 ms.

#[expect(
    clippy::needless_range_loop,
    reason = "several arrays of lines go side by side, and plain indices are what becomes vector instructions"
)]
mod echo;
mod gain;
mod high_pass;
mod noise;
mod spectrum;

use sonora_ns::config::SuppressionLevel;

use crate::frame::AudioBlock;

/// What is done to the microphone's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processing {
    /// Take out what the own speaker plays?
    pub echo: bool,
    /// Take out noise?
    pub noise: NoiseSuppression,
    /// Even out loudness?
    pub gain: bool,
}

impl Processing {
    /// Nothing is done: bit by bit what the microphone heard, without delay.
    pub const OFF: Self = Self { echo: false, noise: NoiseSuppression::Off, gain: false };
}

impl Default for Processing {
    fn default() -> Self {
        Self { echo: true, noise: NoiseSuppression::Standard, gain: true }
    }
}

/// How much noise is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoiseSuppression {
    /// None.
    Off,
    /// What stays the same: fans, hiss, hum. Music passes.
    Standard,
    /// Everything that is not a voice.
    Strong,
}

/// Takes what was played out of what is heard.
pub(super) trait CancelEcho: Send {
    /// `played` is the block before `heard`, as it went to the speaker.
    fn block(&mut self, played: &AudioBlock, heard: &mut AudioBlock);
}

/// Takes noise out.
pub(super) trait Clean: Send {
    /// Cleans a block.
    fn block(&mut self, block: &mut AudioBlock);
}

/// More probable than not: somebody speaks.
const SPEAKS: f32 = 0.5;

/// Everything done to the microphone's sound.
pub(super) struct Chain {
    wanted: Processing,
    high_pass: high_pass::HighPass,
    echo: Option<Box<dyn CancelEcho>>,
    noise: Option<Box<dyn Clean>>,
    gain: Option<gain::Gain>,
    voice: gain::Voice,
}

impl Chain {
    /// With nothing on.
    #[must_use]
    pub(super) fn new() -> Self {
        Self {
            wanted: Processing::OFF,
            high_pass: high_pass::HighPass::new(),
            echo: None,
            noise: None,
            gain: None,
            voice: gain::Voice::new(),
        }
    }

    /// From the next block on. A part that stays on keeps what it learned.
    pub(super) fn set(&mut self, wanted: Processing) {
        let before = std::mem::replace(&mut self.wanted, wanted);
        if before.echo != wanted.echo {
            self.echo = wanted.echo.then(new_echo);
        }
        if before.noise != wanted.noise {
            self.noise = match wanted.noise {
                NoiseSuppression::Off => None,
                NoiseSuppression::Standard => Some(Box::new(noise::Standard::new(SuppressionLevel::K18dB))),
                NoiseSuppression::Strong => Some(Box::new(noise::Strong::new())),
            };
        }
        if before.gain != wanted.gain {
            self.gain = wanted.gain.then(gain::Gain::new);
        }
    }

    /// Another microphone or speaker: the way between them is another.
    pub(super) fn other_device(&mut self) {
        self.echo = self.wanted.echo.then(new_echo);
    }

    /// Works on a block, after `played` went to the speaker. Does somebody speak in it? `None` when nobody looked.
    pub(super) fn block(&mut self, played: &AudioBlock, block: &mut AudioBlock) -> Option<bool> {
        if self.wanted == Processing::OFF {
            return None;
        }
        self.high_pass.block(block);
        if let Some(echo) = &mut self.echo {
            echo.block(played, block);
        }
        if let Some(noise) = &mut self.noise {
            noise.block(block);
        }
        let voice = self.voice.block(block);
        if let Some(gain) = &mut self.gain {
            gain.block(block, voice);
        }
        Some(voice > SPEAKS)
    }
}

fn new_echo() -> Box<dyn CancelEcho> {
    Box::new(echo::Echo::new())
}

#[cfg(test)]
mod tests;
