//! Adds the remote sounds up: a gain each, the megaphone over the others, and a soft limit.
//! Pure; no allocation.

use crate::frame::{AudioBlock, BLOCK};

/// The others while the megaphone speaks: -12 dB.
const DUCKED: f32 = 0.25;
/// Where the soft limit begins.
const KNEE: f32 = 0.8;
/// Of the limiter's gain, per block: back up in about a quarter of a second.
const RELEASE: f32 = 0.04;

/// Moves from one gain to another within a block, so that nothing clicks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gain {
    now: f32,
}

impl Gain {
    /// Starts at this gain.
    #[must_use]
    pub(super) const fn new(gain: f32) -> Self {
        Self { now: gain }
    }

    /// Adds `from` to `to`, moving to `gain` over the block.
    pub(super) fn add(&mut self, from: &[f32], to: &mut [f32], gain: f32) {
        let step = (gain - self.now) / to.len().max(1) as f32;
        for (to, from) in to.iter_mut().zip(from) {
            self.now += step;
            *to += from * self.now;
        }
        self.now = gain;
    }
}

/// How loud the others are while a megaphone may speak over them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Duck {
    now: f32,
}

impl Duck {
    /// Not ducked.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self { now: 1.0 }
    }

    /// One block later: down within 50 ms, up within half a second.
    pub(super) fn step(&mut self, megaphone_speaks: bool) -> f32 {
        self.now = if megaphone_speaks { (self.now - 0.15).max(DUCKED) } else { (self.now + 0.015).min(1.0) };
        self.now
    }
}

/// Keeps the sum within full scale: lowers loud sums as a whole, and bends what still sticks out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limiter {
    gain: f32,
}

impl Limiter {
    /// A limiter that does nothing yet.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// Limits a block; what comes out is finite and within -1 to 1.
    pub(super) fn limit(&mut self, block: &mut AudioBlock) {
        let peak = block.iter().fold(0.0_f32, |peak, s| if s.is_finite() { peak.max(s.abs()) } else { peak });
        let wanted = if peak > 1.0 { 1.0 / peak } else { 1.0 };
        let next = if wanted < self.gain { wanted } else { (self.gain + RELEASE).min(wanted) };
        let step = (next - self.gain) / BLOCK as f32;
        for sample in block.iter_mut() {
            self.gain += step;
            *sample = soft(*sample * self.gain);
        }
        self.gain = next;
    }
}

fn soft(sample: f32) -> f32 {
    if !sample.is_finite() {
        return 0.0;
    }
    let size = sample.abs();
    if size <= KNEE {
        return sample;
    }
    let bent = KNEE + (1.0 - KNEE) * ((size - KNEE) / (1.0 - KNEE)).tanh();
    bent.copysign(sample)
}

#[cfg(test)]
mod tests;
