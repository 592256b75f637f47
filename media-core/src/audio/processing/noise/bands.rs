//! The network's 32 bands, each a little wider than the one below, as hearing divides them: what is in a band, and what a
//! gain per band is on every line. Pure; allocates only when made.

use std::f64::consts::PI;

use super::super::spectrum::{LINES, Lines, Spectrum};

/// Bands.
pub(super) const BANDS: usize = 32;
/// One number per band.
pub(super) type Bands = [f32; BANDS];

/// Lines between bands. A band rises from one of these to the next, where it is 1, and falls to the one after.
const EDGES: [usize; BANDS + 2] = [
    0, 2, 4, 6, 8, 10, 12, 15, 18, 21, 24, 28, 32, 36, 41, 47, 53, 60, 68, 77, 87, 98, 110, 124, 140, 157, 176, 198,
    223, 251, 282, 317, 356, 400,
];

/// The power in each band.
pub(super) fn power(of: &Spectrum) -> Bands {
    sum(|line| of.power(line))
}

/// What two spectra have in common in each band.
pub(super) fn common(a: &Spectrum, b: &Spectrum) -> Bands {
    sum(|line| a.re[line] * b.re[line] + a.im[line] * b.im[line])
}

fn sum(value: impl Fn(usize) -> f32) -> Bands {
    let mut sums = [0.0; BANDS + 2];
    for (n, edges) in EDGES.windows(2).enumerate() {
        let width = (edges[1] - edges[0]) as f32;
        let (mut all, mut rising) = (0.0, 0.0);
        for (k, line) in (edges[0]..edges[1]).enumerate() {
            let value = value(line);
            all += value;
            rising += value * k as f32;
        }
        sums[n + 1] += rising / width;
        sums[n] += all - rising / width;
    }
    // The first and the last band have the half beyond them, too, which nobody else would count.
    sums[1] = (sums[0] + sums[1]) * (2.0 / 3.0);
    sums[BANDS] = (sums[BANDS] + sums[BANDS + 1]) * (2.0 / 3.0);
    std::array::from_fn(|n| sums[n + 1])
}

/// From band to band in straight lines; nothing above the last (20 kHz).
pub(super) fn on_lines(bands: &Bands) -> Lines {
    let mut lines = [0.0; LINES];
    lines[..EDGES[1]].fill(bands[0]);
    for (n, pair) in bands.windows(2).enumerate() {
        let edges = EDGES[n + 1]..EDGES[n + 2];
        let step = (pair[1] - pair[0]) / edges.len() as f32;
        for (k, line) in lines[edges].iter_mut().enumerate() {
            *line = pair[0] + step * k as f32;
        }
    }
    lines[EDGES[BANDS]..EDGES[BANDS + 1]].fill(bands[BANDS - 1]);
    lines
}

/// How quickly numbers change from band to band: a cosine transform.
pub(super) struct Cepstrum {
    cosines: Vec<Bands>,
}

impl Cepstrum {
    pub(super) fn new() -> Self {
        // 22 bands of the first version: the second was trained with the same factor.
        let scale = (2.0_f64 / 22.0).sqrt();
        let cosine = |n: usize, k: usize| {
            let flat = if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
            (scale * flat * ((n as f64 + 0.5) * k as f64 * PI / BANDS as f64).cos()) as f32
        };
        Self { cosines: (0..BANDS).map(|n| std::array::from_fn(|k| cosine(n, k))).collect() }
    }

    pub(super) fn of(&self, bands: &Bands) -> Bands {
        let mut out = [0.0; BANDS];
        for (value, cosines) in bands.iter().zip(&self.cosines) {
            for (out, cosine) in out.iter_mut().zip(cosines) {
                *out += value * cosine;
            }
        }
        out
    }
}
