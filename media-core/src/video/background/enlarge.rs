//! Small planes seen at full size, between pixels in a straight line, a line at a time: across once for each line of the
//! small one, down while it is read. Pure; allocates only for a wider plane than before.

/// A small plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) data: &'a [u8],
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Enlarges one plane at a time.
#[derive(Debug, Default)]
pub(super) struct Enlarger {
    /// For each pixel across: the small one to its left, the one to its right, and how much of the latter, of 256.
    columns: Vec<(u16, u16, u16)>,
    /// Two neighbouring lines, each pixel times 256.
    above: Vec<u16>,
    below: Vec<u16>,
    /// Which small line `above` is.
    at: Option<usize>,
    height: usize,
}

/// One line of full size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    above: &'a [u16],
    below: &'a [u16],
    /// How much of the lower one, of 256.
    part: u32,
}

impl Line<'_> {
    /// The pixel at that place, 0 to 255.
    #[inline(always)]
    pub(super) fn at(&self, x: usize) -> u32 {
        (u32::from(self.above[x]) * (256 - self.part) + u32::from(self.below[x]) * self.part) >> 16
    }
}

impl Enlarger {
    /// From now on this plane, at this size.
    #[inline(always)]
    pub(super) fn begin(&mut self, plane: Plane<'_>, (width, height): (usize, usize)) {
        self.at = None;
        self.height = height;
        self.above.resize(width, 0);
        self.below.resize(width, 0);
        self.columns.clear();
        self.columns.extend((0..width).map(|x| {
            let (left, part) = place(x, width, plane.width);
            (left as u16, (left + 1).min(plane.width - 1) as u16, part as u16)
        }));
    }

    /// A line of it; best asked for from top to bottom.
    #[inline(always)]
    pub(super) fn line(&mut self, plane: Plane<'_>, y: usize) -> Line<'_> {
        let (top, part) = place(y, self.height, plane.height);
        if self.at != Some(top) {
            if top > 0 && self.at == Some(top - 1) {
                std::mem::swap(&mut self.above, &mut self.below);
            } else {
                across(plane, top, &self.columns, &mut self.above);
            }
            across(plane, (top + 1).min(plane.height - 1), &self.columns, &mut self.below);
            self.at = Some(top);
        }
        let width = self.columns.len();
        Line { above: &self.above[..width], below: &self.below[..width], part }
    }
}

#[inline(always)]
fn across(plane: Plane<'_>, y: usize, columns: &[(u16, u16, u16)], into: &mut [u16]) {
    let line = &plane.data[y * plane.width..(y + 1) * plane.width];
    for (into, (left, right, part)) in into.iter_mut().zip(columns) {
        let (left, right) = (line[usize::from(*left)], line[usize::from(*right)]);
        *into = u16::from(left) * (256 - part) + u16::from(right) * part;
    }
}

/// Between which of `small` pixels number `at` of `large` lies: the first of them, and how much of the next, of 256.
#[inline(always)]
fn place(at: usize, large: usize, small: usize) -> (usize, u32) {
    let middle = ((2 * at + 1) * small * 128 / large).saturating_sub(128).min((small - 1) * 256);
    (middle / 256, (middle % 256) as u32)
}
