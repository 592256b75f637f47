//! What a picture looks like without its content: flat ground taken away, text and edges muted, quiet and lively places
//! made equally loud. Pure.

use super::Grey;

/// Pixels along a side of the blocks whose ground is measured.
const BLOCK: usize = 32;
/// Levels around the ground that may be the mark.
const GROUND: f32 = 4.0;
/// Samples from which a coarser map is quicker and as good.
const MANY: usize = 200_000;

/// A map of what may be the mark. One sample stands for `pitch` x `pitch` pixels.
pub(super) struct Map {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels of the picture between samples.
    pub(super) pitch: usize,
    pub(super) samples: Vec<f32>,
}

impl Map {
    /// Samples of 2 x 2 pixels.
    pub(super) fn of(picture: &Grey) -> Self {
        let ground = Ground::measure(picture);
        let (width, height) = (picture.width / 2, picture.height / 2);
        let mut samples = vec![0.0_f32; width * height];
        let mut trust = vec![0.0_f32; width * height];
        let mut row = vec![(0.0, 0.0); picture.width];
        for (y, pixels) in picture.pixels.chunks_exact(picture.width).take(height * 2).enumerate() {
            ground.row(y, &mut row);
            for (x, (pixel, (level, spread))) in pixels.iter().zip(&row).take(width * 2).enumerate() {
                let off = f32::from(*pixel) - level;
                // What is far from the ground is a letter or an edge, and says nothing.
                let weight = (1.0 + (off / spread).powi(2)).powi(-2);
                samples[y / 2 * width + x / 2] += off * weight;
                trust[y / 2 * width + x / 2] += weight;
            }
        }
        let mut map = Self { width, height, pitch: 2, samples };
        let (level, mut trusted) = (map.blurred(&map.samples, 10), map.blurred(&trust, 10));
        for (((sample, trust), level), trusted) in map.samples.iter_mut().zip(&trust).zip(level).zip(&mut trusted) {
            *sample = (*sample - trust * level / (*trusted + 1e-3)) / 4.0;
            *trusted = *sample * *sample;
        }
        let power = map.blurred(&trusted, 15);
        for (sample, power) in map.samples.iter_mut().zip(power) {
            *sample /= (power + 0.3).sqrt();
        }
        map
    }

    /// The same with samples of twice the pitch, where this one has more than are needed.
    pub(super) fn coarse(&self) -> Option<Self> {
        if self.samples.len() <= MANY {
            return None;
        }
        let (width, height) = (self.width / 2, self.height / 2);
        let at = |x: usize, y: usize| self.samples[y * self.width + x];
        let samples = (0..width * height).map(|n| {
            let (x, y) = (n % width * 2, n / width * 2);
            (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4.0
        });
        Some(Self { width, height, pitch: self.pitch * 2, samples: samples.collect() })
    }

    /// Means over squares that reach so far to each side.
    pub(super) fn blurred(&self, values: &[f32], reach: usize) -> Vec<f32> {
        let across = means(values, self.width, reach);
        let turned = turn(&across, self.width);
        turn(&means(&turned, self.height, reach), self.height)
    }
}

/// Running means along rows; shorter at the ends.
fn means(values: &[f32], width: usize, reach: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for row in values.chunks_exact(width) {
        let mut sum: f64 = row[..reach.min(width)].iter().map(|v| f64::from(*v)).sum();
        for x in 0..width {
            if x + reach < width {
                sum += f64::from(row[x + reach]);
            }
            if x > reach {
                sum -= f64::from(row[x - reach - 1]);
            }
            let count = (x + reach + 1).min(width) - x.saturating_sub(reach);
            out.push((sum / count as f64) as f32);
        }
    }
    out
}

/// Rows become columns.
fn turn(values: &[f32], width: usize) -> Vec<f32> {
    let height = values.len() / width;
    (0..values.len()).map(|n| values[n % height * width + n / height]).collect()
}

/// The level of the ground and how far from it the mark may be, per block and in between.
struct Ground {
    columns: usize,
    rows: usize,
    level: Vec<f32>,
    spread: Vec<f32>,
}

impl Ground {
    fn measure(picture: &Grey) -> Self {
        let (columns, rows) = (picture.width.div_ceil(BLOCK), picture.height.div_ceil(BLOCK));
        let (level, spread) = (0..columns * rows).map(|n| Self::block(picture, n % columns, n / columns)).unzip();
        Self { columns, rows, level, spread }
    }

    /// The median around a block, refined by the mean close to it, and from the median of distances the spread.
    fn block(picture: &Grey, column: usize, row: usize) -> (f32, f32) {
        let span = |n: usize, size: usize| {
            let middle = n * BLOCK + BLOCK / 2;
            middle.saturating_sub(BLOCK)..(middle + BLOCK).min(size)
        };
        let mut counts = [0_u32; 256];
        for y in span(row, picture.height) {
            for pixel in &picture.pixels[y * picture.width..][span(column, picture.width)] {
                counts[usize::from(*pixel)] += 1;
            }
        }
        let half = counts.iter().sum::<u32>().div_ceil(2);
        let reaching_half = |counts: &mut dyn Iterator<Item = u32>| {
            let mut sum = 0;
            counts
                .take_while(|n| {
                    sum += n;
                    sum < half
                })
                .count()
        };
        let median = reaching_half(&mut counts.iter().copied());
        let at = |level: Option<usize>| level.and_then(|level| counts.get(level)).copied().unwrap_or_default();
        let distance = reaching_half(
            &mut (0..256).map(|far| at(median.checked_sub(far)) + if far > 0 { at(Some(median + far)) } else { 0 }),
        );
        let close = median.saturating_sub(GROUND as usize)..=(median + GROUND as usize).min(255);
        let (sum, count) = close.fold((0, 0), |(sum, count), v| (sum + counts[v] * v as u32, count + counts[v]));
        (sum as f32 / count.max(1) as f32, GROUND.max(2.5 * distance as f32))
    }

    /// Level and spread along a row of pixels.
    fn row(&self, y: usize, out: &mut [(f32, f32)]) {
        let place = |n: usize, blocks: usize| {
            let at = ((n as f32 + 0.5) / BLOCK as f32 - 0.5).clamp(0.0, (blocks - 1) as f32);
            (at as usize, (at as usize + 1).min(blocks - 1), at.fract())
        };
        let (above, below, share) = place(y, self.rows);
        let between = |grid: &[f32], column: usize| {
            grid[above * self.columns + column] * (1.0 - share) + grid[below * self.columns + column] * share
        };
        for (x, out) in out.iter_mut().enumerate() {
            let (left, right, share) = place(x, self.columns);
            let mix = |grid: &[f32]| between(grid, left) * (1.0 - share) + between(grid, right) * share;
            *out = (mix(&self.level), mix(&self.spread));
        }
    }
}
