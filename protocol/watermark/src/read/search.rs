//! Looks for where the tile lies on a picture, roughly. Pure.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex32;

use super::align::Quad;
use super::fold::{self, FOLD, Pattern};
use super::map::Map;
use crate::tile::SIDE;
use protocol::watermark::MARK_CELLS;

/// Scales looked for: a little more than half to one and a half.
const SCALES: (f32, f32) = (0.47, 1.58);
/// From one scale to the next: two pixels at the edge of a large picture.
const SCALE_STEP: f32 = 1.004;
/// Turns looked for, in degrees to each side, and their step.
const TURNS: (f32, f32) = (8.0, 0.3);
/// A tilt stretches one side; so much and in such steps.
const STRETCHES: [f32; 7] = [0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06];
/// Turned candidates that are compared with the known cells.
const CANDIDATES: usize = 16;
/// Samples along a side of the spectrum.
const SPECTRUM: usize = 1024;
/// A single line of the spectrum may be a line of text or a grid on a slide: it must not outweigh all others.
const LOUDEST: f32 = 12.0;

fn scales() -> impl Iterator<Item = f32> {
    // One to one is by far the commonest.
    let others = std::iter::successors(Some(SCALES.0), |scale| Some(scale * SCALE_STEP));
    std::iter::once(1.0).chain(others.take_while(|scale| *scale < SCALES.1))
}

fn size(map: &Map) -> (f32, f32) {
    ((map.width * map.pitch) as f32, (map.height * map.pitch) as f32)
}

/// The best places of an upright picture, best first.
pub(super) fn upright(map: &Map, pattern: &Pattern, most: usize) -> Vec<Quad> {
    let mut folded = vec![0.0; FOLD * FOLD];
    let mut found: Vec<(f32, Quad)> = scales()
        .map(|scale| {
            fold::upright(map, scale, &mut folded);
            let best = pattern.compare(&folded);
            let turn = [[1.0 / scale, 0.0], [0.0, 1.0 / scale]];
            (best.stands_out, Quad::affine(size(map), turn, best.shift.map(|v| -v)))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(most).map(|(_, quad)| quad).collect()
}

/// The best places of a picture that is turned or tilted, best first.
pub(super) fn tilted(map: &Map, pattern: &Pattern, most: usize) -> Vec<Quad> {
    let spectrum = spectrum(map);
    let lattice = lattice();
    let mut found: Vec<(f32, Candidate)> =
        candidates().map(|candidate| (candidate.score(&spectrum, &lattice, map.pitch), candidate)).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut distinct: Vec<Candidate> = Vec::new();
    for (_, candidate) in found {
        if distinct.iter().all(|other| !other.resembles(&candidate)) {
            distinct.push(candidate);
            if distinct.len() == CANDIDATES {
                break;
            }
        }
    }
    let mut found: Vec<(f32, Quad)> = distinct
        .into_iter()
        .map(|candidate| {
            let turn = candidate.turn();
            let of = |reach| pattern.compare(&fold::turned(map, turn, reach));
            // A tilt is small in the middle.
            let (whole, middle) = (of(1.0), of(0.5));
            let best = if whole.stands_out > middle.stands_out { whole } else { middle };
            (best.stands_out, Quad::affine(size(map), turn, best.shift.map(|v| -v)))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(most).map(|(_, quad)| quad).collect()
}

/// One scale, turn and stretch.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    scale: f32,
    /// Radians.
    angle: f32,
    stretch: f32,
}

fn candidates() -> impl Iterator<Item = Candidate> {
    let turns = (TURNS.0 / TURNS.1) as i32;
    scales().skip(1).flat_map(move |scale| {
        (-turns..=turns).flat_map(move |turn| {
            let angle = (turn as f32 * TURNS.1).to_radians();
            STRETCHES.into_iter().map(move |stretch| Candidate { scale, angle, stretch })
        })
    })
}

impl Candidate {
    /// From pixels of the picture to those of the tile.
    fn turn(&self) -> [[f32; 2]; 2] {
        let (sin, cos) = self.angle.sin_cos();
        let (x, y) = (1.0 / (self.scale * self.stretch), self.stretch / self.scale);
        [[cos * x, sin * y], [-sin * x, cos * y]]
    }

    fn resembles(&self, other: &Self) -> bool {
        (self.scale / other.scale).ln().abs() < 0.006
            && (self.angle - other.angle).abs() < 0.008
            && (self.stretch - other.stretch).abs() < 0.03
    }

    /// How loud the spectrum is where the lattice of this candidate has its points.
    fn score(&self, spectrum: &[f32], lattice: &[(f32, f32, f32)], pitch: usize) -> f32 {
        let [[a, b], [c, d]] = self.turn();
        let unit = pitch as f32 * SPECTRUM as f32 / SIDE as f32;
        let mut sum = 0.0;
        for (kx, ky, weight) in lattice {
            let (x, y) = ((kx * a + ky * c) * unit, (kx * b + ky * d) * unit);
            // Beyond the finest there is nothing.
            if x.abs().max(y.abs()) < SPECTRUM as f32 * 0.45 {
                let [x, y] = [x, y].map(|v| (v.round() as i32).rem_euclid(SPECTRUM as i32) as usize);
                sum += spectrum[y * SPECTRUM + x] * weight;
            }
        }
        sum
    }
}

/// The frequencies of the tile that its cells leave loud, half of them (the others mirror them), with their loudness.
/// Without those along the axes: lines of text and edges of windows lie there.
fn lattice() -> Vec<(f32, f32, f32)> {
    let loud = |k: i32| {
        let x = std::f32::consts::PI * k as f32 / MARK_CELLS as f32;
        (x.sin() / x).powi(2)
    };
    (1..12)
        .flat_map(|ky| (-12..=12).filter(|kx| *kx != 0).map(move |kx| (kx, ky)))
        .map(|(kx, ky)| (kx as f32, ky as f32, loud(kx) * loud(ky)))
        .filter(|(.., weight)| *weight > 0.1)
        .collect()
}

/// The power of the map's middle by frequency, against that of its neighbourhood.
fn spectrum(map: &Map) -> Vec<f32> {
    let (width, height) = (map.width.min(SPECTRUM), map.height.min(SPECTRUM));
    let (left, top) = ((map.width - width) / 2, (map.height - height) / 2);
    let hann = |n: usize, size: usize| (std::f32::consts::PI * (n as f32 + 0.5) / size as f32).sin().powi(2);
    let mut values = vec![Complex32::default(); SPECTRUM * SPECTRUM];
    for y in 0..height {
        let row = &map.samples[(top + y) * map.width + left..][..width];
        for (x, sample) in row.iter().enumerate() {
            values[y * SPECTRUM + x].re = sample * hann(x, width) * hann(y, height);
        }
    }
    fold::transform(&*FftPlanner::new().plan_fft_forward(SPECTRUM), &mut values);
    let power: Vec<f32> = values.iter().map(Complex32::norm_sqr).collect();
    let around = Map { width: SPECTRUM, height: SPECTRUM, pitch: 1, samples: Vec::new() }.blurred(&power, 20);
    power.iter().zip(around).map(|(power, around)| (power / (around + 1e-9)).min(LOUDEST) - 1.0).collect()
}
