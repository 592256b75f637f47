//! Takes away what no voice contains: rumble, hum and the constant offset of cheap microphones, below 70 Hz.
//! Pure; no allocation, no delay.

use crate::frame::{AudioBlock, SAMPLE_RATE};

/// Where it is 3 dB down.
const CORNER: f64 = 70.0;

/// A Butterworth filter of the second order.
#[derive(Debug, Clone)]
pub(super) struct HighPass {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl HighPass {
    /// Starts from silence.
    #[must_use]
    pub(super) fn new() -> Self {
        let k = (std::f64::consts::PI * CORNER / f64::from(SAMPLE_RATE)).tan();
        let norm = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
        Self {
            b: [norm, -2.0 * norm, norm],
            a: [2.0 * (k * k - 1.0) * norm, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * norm],
            state: [0.0; 2],
        }
    }

    /// Filters a block.
    pub(super) fn block(&mut self, block: &mut AudioBlock) {
        for sample in block.iter_mut() {
            let x = f64::from(*sample);
            let y = self.b[0] * x + self.state[0];
            self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
            self.state[1] = self.b[2] * x - self.a[1] * y;
            *sample = y as f32;
        }
        // Numbers too small for the processor's fast path would slow down everything after silence.
        for state in &mut self.state {
            if state.abs() < 1e-30 {
                *state = 0.0;
            }
        }
    }
}
