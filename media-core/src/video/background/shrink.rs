//! A plane made smaller by averaging the pixels that fall into each; one that is smaller already repeats its pixels.
//! Pure; allocates only for a wider plane than before.

/// Memory for one line's sums.
#[derive(Debug, Default)]
pub(super) struct Shrinker(Vec<u32>);

impl Shrinker {
    /// Fills `to`; sizes are width and height, of `from` at least one pixel, and what is too short stays as it is.
    #[inline(always)]
    pub(super) fn shrink(
        &mut self,
        from: &[u8],
        (width, height): (usize, usize),
        to: &mut [f32],
        size: (usize, usize),
    ) {
        self.0.resize(width, 0);
        for (y, line) in to.chunks_exact_mut(size.0).enumerate() {
            let (top, end) = span(y, height, size.1);
            self.0.fill(0);
            for row in from.chunks_exact(width).skip(top).take(end - top) {
                for (sum, pixel) in self.0.iter_mut().zip(row) {
                    *sum += u32::from(*pixel);
                }
            }
            for (x, value) in line.iter_mut().enumerate() {
                let (left, right) = span(x, width, size.0);
                let sum: u32 = self.0[left..right].iter().sum();
                *value = sum as f32 / ((right - left) * (end - top)) as f32;
            }
        }
    }
}

/// Which of `from` values fall into number `at` of `to`; at least one.
#[inline(always)]
const fn span(at: usize, from: usize, to: usize) -> (usize, usize) {
    let (first, end) = (at * from / to, (at + 1) * from / to);
    (first, if end > first { end } else { first + 1 })
}
