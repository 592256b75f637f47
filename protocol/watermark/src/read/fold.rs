//! Lays all tiles of a picture on top of each other, and compares that with the known cells. Pure.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use super::align::{Projection, Quad};
use super::map::Map;
use crate::tile::SIDE;

/// Samples along a side of a folded tile.
pub(super) const FOLD: usize = 64;
const SHRINK: usize = SIDE / FOLD;
/// Pixels of the tile to samples of the fold.
pub(super) const TO_FOLD: f32 = FOLD as f32 / SIDE as f32;

/// The known cells, ready to be looked for.
pub(super) struct Pattern {
    /// One value a pixel of the tile.
    field: Vec<f32>,
    /// Its spectrum as samples of a fold, conjugated, without a mean.
    spectrum: Vec<Complex32>,
    forward: Arc<dyn Fft<f32>>,
    backward: Arc<dyn Fft<f32>>,
}

/// The best shift of a fold against the known cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    /// How far the fold's best shift stands out of all others, in standard deviations.
    pub(super) stands_out: f32,
    /// What to subtract from folded coordinates to get those of the tile, in its pixels.
    pub(super) shift: [f32; 2],
}

impl Pattern {
    pub(super) fn new(field: Vec<f32>) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, backward) = (planner.plan_fft_forward(FOLD), planner.plan_fft_inverse(FOLD));
        let mut spectrum = vec![Complex32::default(); FOLD * FOLD];
        for (n, value) in field.iter().enumerate() {
            spectrum[n / SIDE / SHRINK * FOLD + n % SIDE / SHRINK].re += value;
        }
        transform(&*forward, &mut spectrum);
        for value in &mut spectrum {
            *value = value.conj();
        }
        spectrum[0] = Complex32::default();
        Self { field, spectrum, forward, backward }
    }

    /// Compares a fold at every shift.
    pub(super) fn compare(&self, folded: &[f32]) -> Match {
        let mut values: Vec<Complex32> = folded.iter().map(|v| Complex32::new(*v, 0.0)).collect();
        transform(&*self.forward, &mut values);
        for (value, pattern) in values.iter_mut().zip(&self.spectrum) {
            *value *= pattern;
        }
        transform(&*self.backward, &mut values);
        let power: f32 = values.iter().map(|v| v.re * v.re).sum();
        let best = (0..values.len()).max_by(|a, b| values[*a].re.total_cmp(&values[*b].re)).unwrap_or_default();
        let spread = (power / values.len() as f32).sqrt();
        Match {
            stands_out: if spread > 0.0 { values[best].re / spread } else { 0.0 },
            shift: [(best % FOLD * SHRINK) as f32, (best / FOLD * SHRINK) as f32],
        }
    }

    /// Sum of the samples in the middle `reach` of the map times the known cells below them.
    pub(super) fn agreement(&self, map: &Map, place: &Projection, reach: f32) -> f32 {
        let span = |size: usize| {
            let cut = (size as f32 * (1.0 - reach) / 2.0) as usize;
            cut..size - cut
        };
        let mut sum = 0.0;
        for y in span(map.height) {
            let row = &map.samples[y * map.width..];
            for x in span(map.width) {
                let (tx, ty) = place.at(x as f32, y as f32);
                let at = wrapped(ty) * SIDE + wrapped(tx);
                sum += row[x] * self.field[at];
            }
        }
        sum
    }
}

/// The pixel of the tile at this coordinate of the endless pattern.
fn wrapped(coordinate: f32) -> usize {
    (coordinate.floor() as i32).rem_euclid(SIDE as i32) as usize
}

/// Both ways of a square transform.
pub(super) fn transform(plan: &dyn Fft<f32>, values: &mut [Complex32]) {
    let side = plan.len();
    for _ in 0..2 {
        plan.process(values);
        for y in 0..side {
            for x in 0..y {
                values.swap(y * side + x, x * side + y);
            }
        }
    }
}

/// Folds an upright picture of this scale around its middle.
pub(super) fn upright(map: &Map, scale: f32, folded: &mut [f32]) {
    let places = |size: usize| -> Vec<usize> {
        let to_fold = map.pitch as f32 / scale * TO_FOLD;
        let middle = (size as f32 - 1.0) / 2.0;
        (0..size).map(|n| (((n as f32 - middle) * to_fold).floor() as i32).rem_euclid(FOLD as i32) as usize).collect()
    };
    let (columns, rows) = (places(map.width), places(map.height));
    folded.fill(0.0);
    for (samples, row) in map.samples.chunks_exact(map.width).zip(rows) {
        let folded = &mut folded[row * FOLD..][..FOLD];
        for (sample, column) in samples.iter().zip(&columns) {
            folded[*column] += sample;
        }
    }
}

/// Folds the middle `reach` of a picture through a linear map from its pixels to those of the tile.
pub(super) fn turned(map: &Map, turn: [[f32; 2]; 2], reach: f32) -> Vec<f32> {
    let mut folded = vec![0.0; FOLD * FOLD];
    let half = |size: usize| (size as f32 - 1.0) / 2.0;
    let (middle_x, middle_y) = (half(map.width), half(map.height));
    let step = map.pitch as f32 * TO_FOLD;
    let span = |size: usize| {
        let cut = (size as f32 * (1.0 - reach) / 2.0) as usize;
        cut..size - cut
    };
    for y in span(map.height) {
        let py = (y as f32 - middle_y) * step;
        for x in span(map.width) {
            let px = (x as f32 - middle_x) * step;
            let column = (turn[0][0] * px + turn[0][1] * py).floor() as i32;
            let row = (turn[1][0] * px + turn[1][1] * py).floor() as i32;
            let [column, row] = [column, row].map(|n| n.rem_euclid(FOLD as i32) as usize);
            folded[row * FOLD + column] += map.samples[y * map.width + x];
        }
    }
    folded
}

/// Folds a whole picture that lies there.
pub(super) fn whole(map: &Map, place: &Quad) -> Option<Vec<f32>> {
    let place = place.over(map)?;
    let mut folded = vec![0.0; FOLD * FOLD];
    for (y, row) in map.samples.chunks_exact(map.width).enumerate() {
        for (x, sample) in row.iter().enumerate() {
            let (tx, ty) = place.at(x as f32, y as f32);
            folded[wrapped(ty) / SHRINK * FOLD + wrapped(tx) / SHRINK] += sample;
        }
    }
    Some(folded)
}
