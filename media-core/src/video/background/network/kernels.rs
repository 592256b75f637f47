//! The steps themselves, eight or sixteen numbers at a time. All is inlined into the one function that runs with the
//! processor's vector instructions. Pure; no allocation once the memory for a line is there.

use super::{Bend, Shape, Weights, Window};
use crate::video::background::cpu::add_product;

/// Outputs are made so many at a time; what is left over is a multiple of eight.
pub(super) const WIDE: usize = 16;
/// Depths of every value but the picture and the answer are a multiple of this.
pub(super) const NARROW: usize = 8;
/// Pixels at a time: with sixteen outputs each, the sums just fit into the registers.
const PIXELS: usize = 4;

/// Bends every number.
#[inline(always)]
pub(super) fn bend(bend: Bend, values: &mut [f32]) {
    match bend {
        Bend::Straight => {}
        Bend::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
        Bend::HardSwish => values.iter_mut().for_each(|value| *value *= (*value + 3.0).clamp(0.0, 6.0) / 6.0),
        Bend::Sigmoid => values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp())),
    }
}

/// Every output from everything its window sees.
#[inline(always)]
pub(super) fn convolution<const FUSED: bool>(
    from: &[f32],
    (shape, to): (Shape, Shape),
    window: Window,
    weights: &Weights,
    into: &mut [f32],
    seen: &mut Vec<f32>,
) {
    if window.side == 1 && window.stride == 1 {
        return product::<FUSED>(from, shape.deep, weights, into);
    }
    let inputs = window.side * window.side * shape.deep;
    let row = window.side * shape.deep;
    seen.resize(to.wide * inputs, 0.0);
    for (y, line) in into.chunks_exact_mut(to.wide * to.deep).enumerate() {
        seen.fill(0.0);
        for (x, seen) in seen.chunks_exact_mut(inputs).enumerate() {
            let (skip, left) = start(x * window.stride, window.left);
            let across = (window.side - skip).min(shape.wide - left);
            for (down, seen) in seen.chunks_exact_mut(row).enumerate() {
                let Some(above) = (y * window.stride + down).checked_sub(window.top) else { continue };
                if above >= shape.high {
                    continue;
                }
                let at = (above * shape.wide + left) * shape.deep;
                let count = across * shape.deep;
                seen[skip * shape.deep..][..count].copy_from_slice(&from[at..][..count]);
            }
        }
        product::<FUSED>(seen, inputs, weights, line);
    }
}

/// Where a window starts that is moved over `zeros` zeros: how much of it sees those, and where the rest begins.
#[inline(always)]
const fn start(at: usize, zeros: usize) -> (usize, usize) {
    (zeros.saturating_sub(at), at.saturating_sub(zeros))
}

/// Pixels of so many inputs each, with a matrix.
#[inline(always)]
fn product<const FUSED: bool>(from: &[f32], inputs: usize, weights: &Weights, into: &mut [f32]) {
    let outputs = weights.bias.len();
    let whole = from.chunks_exact(PIXELS * inputs);
    let rest = whole.remainder();
    let mut into = into.chunks_exact_mut(PIXELS * outputs);
    for (from, into) in whole.zip(&mut into) {
        let pixels: [&[f32]; PIXELS] = std::array::from_fn(|pixel| &from[pixel * inputs..(pixel + 1) * inputs]);
        pixels_by_matrix::<FUSED, PIXELS>(pixels, weights, into);
    }
    for (from, into) in rest.chunks_exact(inputs).zip(into.into_remainder().chunks_exact_mut(outputs)) {
        pixels_by_matrix::<FUSED, 1>([from], weights, into);
    }
}

#[inline(always)]
fn pixels_by_matrix<const FUSED: bool, const P: usize>(from: [&[f32]; P], weights: &Weights, into: &mut [f32]) {
    let inputs = from[0].len();
    let outputs = weights.bias.len();
    let mut at = 0;
    while at + WIDE <= outputs {
        block::<FUSED, P, WIDE>(from, &weights.worth[at * inputs..], &weights.bias[at..], (into, at, outputs));
        at += WIDE;
    }
    if at + NARROW <= outputs {
        block::<FUSED, P, NARROW>(from, &weights.worth[at * inputs..], &weights.bias[at..], (into, at, outputs));
    }
}

/// `W` outputs of `P` pixels.
#[inline(always)]
fn block<const FUSED: bool, const P: usize, const W: usize>(
    from: [&[f32]; P],
    worth: &[f32],
    bias: &[f32],
    (into, at, outputs): (&mut [f32], usize, usize),
) {
    let (worth, _) = worth.as_chunks::<W>();
    let Some(bias) = bias.first_chunk::<W>() else { return };
    let inputs = from[0].len();
    let (from, worth) = (from.map(|pixel| &pixel[..inputs]), &worth[..inputs]);
    let mut sums = [*bias; P];
    for input in 0..inputs {
        let worth = worth[input];
        for (sums, pixel) in sums.iter_mut().zip(from) {
            let value = pixel[input];
            for (sum, worth) in sums.iter_mut().zip(worth) {
                *sum = add_product::<FUSED>(worth, value, *sum);
            }
        }
    }
    for (pixel, sums) in sums.iter().enumerate() {
        into[pixel * outputs + at..][..W].copy_from_slice(sums);
    }
}

/// Every depth by what the window sees of it.
#[inline(always)]
pub(super) fn depthwise<const FUSED: bool>(
    from: &[f32],
    (shape, to): (Shape, Shape),
    window: Window,
    weights: &Weights,
    into: &mut [f32],
) {
    let (from, _) = from.as_chunks::<NARROW>();
    let (worth, _) = weights.worth.as_chunks::<NARROW>();
    let (bias, _) = weights.bias.as_chunks::<NARROW>();
    let deep = bias.len();
    let (pixels, _) = into.as_chunks_mut::<NARROW>();
    for (number, pixel) in pixels.chunks_exact_mut(deep).enumerate() {
        let (skip_down, top) = start(number / to.wide * window.stride, window.top);
        let (skip, left) = start(number % to.wide * window.stride, window.left);
        let down = (window.side - skip_down).min(shape.high - top);
        let across = (window.side - skip).min(shape.wide - left);
        for (depth, out) in pixel.iter_mut().enumerate() {
            let mut sums = bias[depth];
            for row in 0..down {
                let seen = &from[((top + row) * shape.wide + left) * deep..][..across * deep];
                let worth = &worth[((skip_down + row) * window.side + skip) * deep..][..across * deep];
                for (seen, worth) in seen.iter().zip(worth).skip(depth).step_by(deep) {
                    for ((sum, seen), worth) in sums.iter_mut().zip(seen).zip(worth) {
                        *sum = add_product::<FUSED>(*seen, *worth, *sum);
                    }
                }
            }
            *out = sums;
        }
    }
}

/// The sum of two values.
#[inline(always)]
pub(super) fn add(first: &[f32], second: &[f32], into: &mut [f32]) {
    for ((into, first), second) in into.iter_mut().zip(first).zip(second) {
        *into = first + second;
    }
}

/// Every depth times a number.
#[inline(always)]
pub(super) fn scale(from: &[f32], by: &[f32], into: &mut [f32]) {
    for (into, from) in into.chunks_exact_mut(by.len()).zip(from.chunks_exact(by.len())) {
        for ((into, from), by) in into.iter_mut().zip(from).zip(by) {
            *into = from * by;
        }
    }
}

/// The mean of every depth.
#[inline(always)]
pub(super) fn mean(from: &[f32], into: &mut [f32]) {
    let deep = into.len();
    into.fill(0.0);
    for pixel in from.chunks_exact(deep) {
        for (sum, value) in into.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    let part = deep as f32 / from.len() as f32;
    into.iter_mut().for_each(|sum| *sum *= part);
}

/// Twice the size: of both neighbours the nearer counts three times as much.
#[inline(always)]
pub(super) fn double(from: &[f32], shape: Shape, into: &mut [f32]) {
    let Shape { high, wide, deep } = shape;
    let pixel = |y: usize, x: usize| &from[(y * wide + x) * deep..][..deep];
    for (number, into) in into.chunks_exact_mut(deep).enumerate() {
        let (y, x) = (number / (2 * wide), number % (2 * wide));
        let (near_y, far_y) = neighbours(y, high);
        let (near_x, far_x) = neighbours(x, wide);
        let near = pixel(near_y, near_x).iter().zip(pixel(near_y, far_x));
        let far = pixel(far_y, near_x).iter().zip(pixel(far_y, far_x));
        for ((into, near), far) in into.iter_mut().zip(near).zip(far) {
            *into = 0.75 * (0.75 * near.0 + 0.25 * near.1) + 0.25 * (0.75 * far.0 + 0.25 * far.1);
        }
    }
}

/// The nearer of a pixel's neighbours at half the size, and the other one.
#[inline(always)]
fn neighbours(at: usize, size: usize) -> (usize, usize) {
    let near = at / 2;
    let far = if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(size - 1) };
    (near, far)
}

/// Every pixel becomes two by two, of one number each.
#[inline(always)]
pub(super) fn spread<const FUSED: bool>(
    from: &[f32],
    shape: Shape,
    weights: &Weights,
    into: &mut [f32],
    made: &mut Vec<f32>,
) {
    let outputs = weights.bias.len();
    let wide = 2 * shape.wide;
    made.resize(shape.wide * outputs, 0.0);
    for (line, two) in from.chunks_exact(shape.wide * shape.deep).zip(into.chunks_exact_mut(2 * wide)) {
        product::<FUSED>(line, shape.deep, weights, made);
        let (above, below) = two.split_at_mut(wide);
        let pairs = above.as_chunks_mut::<2>().0.iter_mut().zip(below.as_chunks_mut::<2>().0);
        for (made, (above, below)) in made.chunks_exact(outputs).zip(pairs) {
            *above = [made[0], made[1]];
            *below = [made[2], made[3]];
        }
    }
}
