//! The blurred background, at a quarter of the size: what the person covers is left out, so that no shine of them lies
//! around them. Three box blurs after one another look like a lens. Pure; allocates only for larger pictures than before.

use super::cpu::Work;
use super::enlarge::Plane;
use super::mask::{HEIGHT, WIDTH};
use super::shrink::Shrinker;
use crate::frame::Picture;

/// So many times smaller, each way.
const SMALLER: usize = 4;
/// Half the width of a box is this part of the picture's width: letters of a twentieth of its height cannot be read.
const RADIUS_OF: usize = 32;
const BOXES: usize = 3;
/// What the person covers counts little; nothing at all would leave holes.
const LEAST: f32 = 0.02;

/// The background of one picture.
#[derive(Debug, Default)]
pub(super) struct Backdrop {
    /// Width and height of luma, then of the other two.
    sizes: [(usize, usize); 2],
    planes: [Vec<u8>; 3],
    shrinker: Shrinker,
    /// How much of each pixel is background, and the same softened.
    shares: Vec<f32>,
    weights: Vec<f32>,
    values: Vec<f32>,
    softener: Softener,
}

impl Backdrop {
    /// Its planes: luma, blue, red.
    pub(super) fn planes(&self) -> [Plane<'_>; 3] {
        let [y, u, v] = &self.planes;
        let [luma, chroma] = self.sizes;
        [(y, luma), (u, chroma), (v, chroma)].map(|(data, (width, height))| Plane { data, width, height })
    }

    #[inline(always)]
    fn weigh(&mut self, coverage: &[u8], (width, height): (usize, usize)) {
        self.shares.resize(width * height, 0.0);
        for (y, line) in self.shares.chunks_exact_mut(width).enumerate() {
            let covered = &coverage[y * HEIGHT / height * WIDTH..][..WIDTH];
            for (x, share) in line.iter_mut().enumerate() {
                *share = (1.0 - f32::from(covered[x * WIDTH / width]) / 255.0).max(LEAST);
            }
        }
        self.weights.clone_from(&self.shares);
    }
}

/// Makes the background of a picture.
pub(super) struct Make<'a> {
    pub(super) backdrop: &'a mut Backdrop,
    pub(super) picture: &'a Picture,
    /// See [`Mask::coverage`](super::mask::Mask::coverage).
    pub(super) coverage: &'a [u8],
}

impl Work for Make<'_> {
    type Answer = ();

    #[inline(always)]
    fn done<const FUSED: bool>(self) {
        let Self { backdrop: all, picture, coverage } = self;
        let (w, h) = (picture.size().width as usize, picture.size().height as usize);
        let full = [(w, h), (w / 2, h / 2)];
        all.sizes = full.map(|(w, h)| (w.div_ceil(SMALLER), h.div_ceil(SMALLER)));
        let kinds = [(0, picture.y()), (1, picture.u()), (1, picture.v())];
        for (number, (kind, source)) in kinds.into_iter().enumerate() {
            let (width, height) = all.sizes[kind];
            let radius = (width / RADIUS_OF).max(2);
            // Both of the colours are weighed alike.
            if number < 2 {
                all.weigh(coverage, (width, height));
                all.softener.soften(&mut all.weights, (width, height), radius);
            }
            all.values.resize(width * height, 0.0);
            all.shrinker.shrink(source, full[kind], &mut all.values, (width, height));
            for (value, share) in all.values.iter_mut().zip(&all.shares) {
                *value *= share;
            }
            all.softener.soften(&mut all.values, (width, height), radius);
            let plane = &mut all.planes[number];
            plane.resize(width * height, 0);
            for ((out, value), weight) in plane.iter_mut().zip(&all.values).zip(&all.weights) {
                *out = (value / weight + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Memory for softening.
#[derive(Debug, Default)]
struct Softener {
    line: Vec<f32>,
    sums: Vec<f32>,
    spare: Vec<f32>,
}

impl Softener {
    /// Three times, across and down.
    #[inline(always)]
    fn soften(&mut self, values: &mut Vec<f32>, (width, height): (usize, usize), radius: usize) {
        self.line.resize(width, 0.0);
        for line in values.chunks_exact_mut(width) {
            for _ in 0..BOXES {
                self.line.copy_from_slice(line);
                across(&self.line, line, radius);
            }
        }
        self.spare.resize(width * height, 0.0);
        self.sums.resize(width, 0.0);
        for _ in 0..BOXES {
            down(values, &mut self.spare, &mut self.sums, radius);
            std::mem::swap(values, &mut self.spare);
        }
    }
}

/// The mean of a box along a line; outside there is nothing, which the weights know as well.
#[inline(always)]
fn across(from: &[f32], to: &mut [f32], radius: usize) {
    let part = 1.0 / (2 * radius + 1) as f32;
    let mut sum: f32 = from.iter().take(radius).sum();
    for (x, to) in to.iter_mut().enumerate() {
        sum += from.get(x + radius).copied().unwrap_or(0.0);
        *to = sum * part;
        sum -= x.checked_sub(radius).and_then(|x| from.get(x)).copied().unwrap_or(0.0);
    }
}

/// The same for all columns at once.
#[inline(always)]
fn down(from: &[f32], to: &mut [f32], sums: &mut [f32], radius: usize) {
    let width = sums.len();
    let part = 1.0 / (2 * radius + 1) as f32;
    let line = |y: usize| from.get(y * width..(y + 1) * width);
    sums.fill(0.0);
    for y in 0..radius {
        for (sum, value) in sums.iter_mut().zip(line(y).unwrap_or_default()) {
            *sum += value;
        }
    }
    for (y, to) in to.chunks_exact_mut(width).enumerate() {
        for (sum, value) in sums.iter_mut().zip(line(y + radius).unwrap_or_default()) {
            *sum += value;
        }
        for (to, sum) in to.iter_mut().zip(&*sums) {
            *to = sum * part;
        }
        let gone = y.checked_sub(radius).and_then(line).unwrap_or_default();
        for (sum, value) in sums.iter_mut().zip(gone) {
            *sum -= value;
        }
    }
}
