//! Spectra of two blocks of sound: 960 samples, 481 lines 50 Hz apart, real and imaginary parts apart so that loops over
//! lines become vector instructions. Pure; allocates only when made.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::frame::BLOCK;

/// Samples of a transform: the last block and this one.
pub(super) const FRAME: usize = 2 * BLOCK;
/// Lines of a spectrum.
pub(super) const LINES: usize = BLOCK + 1;

/// One real number per line: a power or a gain.
pub(super) type Lines = [f32; LINES];

/// A spectrum.
#[derive(Debug, Clone)]
pub(super) struct Spectrum {
    /// Real parts.
    pub(super) re: Lines,
    /// Imaginary parts.
    pub(super) im: Lines,
}

impl Spectrum {
    /// Silence.
    pub(super) const ZERO: Self = Self { re: [0.0; LINES], im: [0.0; LINES] };

    /// The power on a line.
    #[inline]
    pub(super) fn power(&self, line: usize) -> f32 {
        self.re[line] * self.re[line] + self.im[line] * self.im[line]
    }

    /// Adds the product of two others.
    pub(super) fn add_product(&mut self, a: &Self, b: &Self) {
        for k in 0..LINES {
            self.re[k] += a.re[k] * b.re[k] - a.im[k] * b.im[k];
            self.im[k] += a.re[k] * b.im[k] + a.im[k] * b.re[k];
        }
    }
}

/// There and back.
pub(super) struct Transform {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    samples: Vec<f32>,
    lines: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl std::fmt::Debug for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transform").finish_non_exhaustive()
    }
}

impl Transform {
    /// For [`FRAME`] samples.
    #[must_use]
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(FRAME), planner.plan_fft_inverse(FRAME));
        let scratch = forward.get_scratch_len().max(back.get_scratch_len());
        Self {
            samples: vec![0.0; FRAME],
            lines: vec![Complex::default(); LINES],
            scratch: vec![Complex::default(); scratch],
            forward,
            back,
        }
    }

    /// The spectrum of `first` followed by `second`, each one block.
    pub(super) fn forward(&mut self, first: &[f32], second: &[f32], into: &mut Spectrum) {
        self.samples[..BLOCK].copy_from_slice(first);
        self.samples[BLOCK..].copy_from_slice(second);
        self.run(into);
    }

    /// The same, each sample weighed.
    pub(super) fn forward_windowed(&mut self, first: &[f32], second: &[f32], window: &[f32], into: &mut Spectrum) {
        let samples = first.iter().chain(second).zip(window);
        for (to, (sample, weight)) in self.samples.iter_mut().zip(samples) {
            *to = sample * weight;
        }
        self.run(into);
    }

    fn run(&mut self, into: &mut Spectrum) {
        let done = self.forward.process_with_scratch(&mut self.samples, &mut self.lines, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those of the plan");
        for (k, line) in self.lines.iter().enumerate() {
            (into.re[k], into.im[k]) = (line.re, line.im);
        }
    }

    /// The samples of a spectrum.
    pub(super) fn back(&mut self, from: &Spectrum) -> &mut [f32] {
        for (k, line) in self.lines.iter_mut().enumerate() {
            *line = Complex::new(from.re[k], from.im[k]);
        }
        // A real signal has none there; rounding may leave some, and the library refuses it.
        self.lines[0].im = 0.0;
        self.lines[LINES - 1].im = 0.0;
        let done = self.back.process_with_scratch(&mut self.lines, &mut self.samples, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths are those of the plan");
        for sample in &mut self.samples {
            *sample *= 1.0 / FRAME as f32;
        }
        &mut self.samples
    }
}

/// A Hann window over a frame.
pub(super) fn hann() -> Vec<f32> {
    (0..FRAME).map(|n| (0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / FRAME as f64).cos()) as f32).collect()
}
