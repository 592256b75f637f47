//! Makes a picture easier to tell and looks the same: the shades between ink and paper become few, and greys really grey.
//! What is of one colour stays exactly so, and so do the colours most of the picture is made of. Pure.

use super::page::{Planes, side};
use crate::frame::{Picture, Size};

/// Shades of luma lie so far apart: no sample is off by more than half of it.
pub(super) const STEP: u8 = 10;
/// Chroma this near to grey is grey.
const GREY: u8 = 3;
/// Colours that stay as they are, at most.
const EXACT: usize = 10;
/// A colour of so great a part of the picture stays as it is.
const PART: u32 = 50;
/// Colours are counted on one line of so many.
const EVERY: usize = 4;

/// Simplifies the pictures of one source.
pub(super) struct Simplifier {
    /// Luma that stays as it is; once so, always so, or a still picture would change.
    exact: Vec<u8>,
    luma: [u8; 256],
    chroma: [u8; 256],
    out: Vec<u8>,
    size: Option<Size>,
}

impl Simplifier {
    pub(super) fn new() -> Self {
        let chroma = std::array::from_fn(|v| {
            let v = v as u8;
            if v.abs_diff(128) <= GREY { 128 } else { v & !3 | 2 }
        });
        let mut new = Self { exact: Vec::new(), luma: [0; 256], chroma, out: Vec::new(), size: None };
        new.settle();
        new
    }

    /// The picture, simpler; plane after plane.
    pub(super) fn simplify(&mut self, picture: &Picture) -> &[u8] {
        self.count(picture);
        let size = picture.size();
        if self.size != Some(size) {
            self.out = vec![0; size.i420_len()];
            self.size = Some(size);
        }
        let (w, h) = (size.width as usize, size.height as usize);
        let (y, rest) = self.out.split_at_mut(w * h);
        let (u, v) = rest.split_at_mut(w * h / 4);
        plane(picture.y(), y, w, side(0), &self.luma);
        plane(picture.u(), u, w / 2, side(1), &self.chroma);
        plane(picture.v(), v, w / 2, side(2), &self.chroma);
        &self.out
    }

    fn count(&mut self, picture: &Picture) {
        if self.exact.len() >= EXACT {
            return;
        }
        let mut counts = [0_u32; 256];
        let mut all = 0;
        for line in picture.y().chunks_exact(picture.size().width as usize).step_by(EVERY) {
            for sample in line {
                counts[usize::from(*sample)] += 1;
            }
            all += line.len() as u32;
        }
        let mut common: Vec<u8> = (0..=255).filter(|v| counts[usize::from(*v)] > all / PART).collect();
        common.sort_by_key(|v| std::cmp::Reverse(counts[usize::from(*v)]));
        let known = self.exact.len();
        for value in common {
            if self.exact.len() < EXACT && self.exact.iter().all(|e| e.abs_diff(value) > STEP / 2) {
                self.exact.push(value);
            }
        }
        if self.exact.len() > known {
            self.settle();
        }
    }

    fn settle(&mut self) {
        for value in 0..=255_u8 {
            let near = self.exact.iter().filter(|e| e.abs_diff(value) <= STEP / 2).min_by_key(|e| e.abs_diff(value));
            let shade = (u16::from(value) + u16::from(STEP) / 2) / u16::from(STEP) * u16::from(STEP);
            self.luma[usize::from(value)] = near.copied().unwrap_or(u8::try_from(shade).unwrap_or(u8::MAX));
        }
    }
}

/// Blocks of one value as they are, the others by the table.
fn plane(from: &[u8], to: &mut [u8], width: usize, side: usize, table: &[u8; 256]) {
    for (from, to) in from.chunks(width * side).zip(to.chunks_mut(width * side)) {
        for x in (0..width).step_by(side) {
            let right = (x + side).min(width);
            let first = from[x];
            let is_flat = from.chunks_exact(width).all(|line| is_all(&line[x..right], first));
            for (from, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
                if is_flat {
                    to[x..right].fill(first);
                } else {
                    for (from, to) in from[x..right].iter().zip(&mut to[x..right]) {
                        *to = table[usize::from(*from)];
                    }
                }
            }
        }
    }
}

fn is_all(samples: &[u8], value: u8) -> bool {
    match <[u8; 8]>::try_from(samples) {
        Ok(eight) => u64::from_ne_bytes(eight) == u64::from_ne_bytes([value; 8]),
        Err(_) => samples.iter().all(|sample| *sample == value),
    }
}

/// Takes the planes of a picture apart.
pub(super) fn planes(size: Size, data: &[u8]) -> Planes<'_> {
    let luma = size.width as usize * size.height as usize;
    [&data[..luma], &data[luma..luma + luma / 4], &data[luma + luma / 4..]]
}
