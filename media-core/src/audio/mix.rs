//! Adds the remote sounds up: a gain and a place each, the megaphone over the others, and a soft limit for both sides.
//! Pure; no allocation.

use super::Pan;
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
        if gain == 0.0 && self.now == 0.0 {
            return;
        }
        let step = (gain - self.now) / to.len().max(1) as f32;
        for (to, from) in to.iter_mut().zip(from) {
            self.now += step;
            *to += from * self.now;
        }
        self.now = gain;
    }
}

/// What is heard at once: left and right, the same until somebody stands aside.
#[derive(Debug, Clone)]
pub(super) struct Mix {
    sides: [AudioBlock; 2],
    wide: bool,
}

impl Mix {
    /// Silence; `wide` when the two sides may differ, else both are counted only once.
    #[must_use]
    pub(super) const fn new(wide: bool) -> Self {
        Self { sides: [[0.0; BLOCK]; 2], wide }
    }

    /// Left and right.
    #[must_use]
    pub(super) const fn sides(&self) -> (&AudioBlock, &AudioBlock) {
        let [left, right] = &self.sides;
        if self.wide { (left, right) } else { (left, left) }
    }

    /// The same, to keep.
    #[must_use]
    pub(super) const fn both(&self) -> [AudioBlock; 2] {
        let (left, right) = self.sides();
        [*left, *right]
    }

    /// The sides that count.
    pub(super) fn sides_mut(&mut self) -> &mut [AudioBlock] {
        &mut self.sides[..if self.wide { 2 } else { 1 }]
    }

    /// Adds what is everywhere.
    pub(super) fn add(&mut self, from: &AudioBlock) {
        for side in self.sides_mut() {
            for (to, from) in side.iter_mut().zip(from) {
                *to += from;
            }
        }
    }

    /// Both sides in one: what a room hears of them.
    #[must_use]
    pub(super) fn middle(&self) -> AudioBlock {
        let (left, right) = self.sides();
        if self.wide { std::array::from_fn(|n| 0.5 * (left[n] + right[n])) } else { *left }
    }
}

/// Where one sound stands in the mix, and how loud: moves within a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    sides: [Gain; 2],
}

impl Place {
    /// In the middle, as loud as it is.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self { sides: [Gain::new(1.0); 2] }
    }

    /// Adds `from` to `to`, moving to `gain` and `pan` over the block. In a mix with equal sides everybody stands in the
    /// middle: on a device with one channel nobody gets louder or quieter by standing aside.
    pub(super) fn add(&mut self, from: &AudioBlock, to: &mut Mix, gain: f32, pan: Pan) {
        let [left, right] = &mut self.sides;
        if to.wide {
            let (towards_left, towards_right) = pan.gains();
            left.add(from, &mut to.sides[0], gain * towards_left);
            right.add(from, &mut to.sides[1], gain * towards_right);
        } else {
            left.add(from, &mut to.sides[0], gain);
            *right = *left;
        }
    }

    /// Nothing of it is heard.
    #[must_use]
    pub(super) fn is_silent(&self) -> bool {
        self.sides.iter().all(|gain| gain.now == 0.0)
    }

    /// Its sides differ.
    #[must_use]
    pub(super) fn is_aside(&self) -> bool {
        self.sides[0].now != self.sides[1].now
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

    /// Limits a block of one side or both; what comes out is finite and within -1 to 1. Both sides are lowered alike, or what is loud on one
    /// would push everybody to the other.
    pub(super) fn limit(&mut self, sides: &mut [AudioBlock]) {
        let all = sides.iter().flatten();
        let peak = all.fold(0.0_f32, |peak, s| if s.is_finite() { peak.max(s.abs()) } else { peak });
        let wanted = if peak > 1.0 { 1.0 / peak } else { 1.0 };
        let next = if wanted < self.gain { wanted } else { (self.gain + RELEASE).min(wanted) };
        let step = (next - self.gain) / BLOCK as f32;
        for side in sides {
            let mut gain = self.gain;
            for sample in side.iter_mut() {
                gain += step;
                *sample = soft(*sample * gain);
            }
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
