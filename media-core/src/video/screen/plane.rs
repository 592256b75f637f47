//! One plane of samples with a margin around it, so that the samples before any sample can be looked at without asking
//! whether they exist. Values only.

/// Samples left and right of a line; what is looked at lies no further away.
pub(super) const SIDE: usize = 8;
/// Lines above.
pub(super) const ABOVE: usize = 4;

/// A plane.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    width: usize,
    height: usize,
    stride: usize,
    samples: Vec<u8>,
}

impl Plane {
    /// Everything of one value, the margin, too.
    pub(super) fn new(width: usize, height: usize, value: u8) -> Self {
        let stride = width + 2 * SIDE;
        Self { width, height, stride, samples: vec![value; stride * (height + ABOVE)] }
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    pub(super) const fn height(&self) -> usize {
        self.height
    }

    /// From a sample to the one below.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }

    /// Where a sample lies; also of samples in the margin.
    pub(super) const fn at(&self, x: usize, y: usize) -> usize {
        (y + ABOVE) * self.stride + SIDE + x
    }

    /// Everything with its margin; places are those of [`Plane::at`].
    pub(super) fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// See [`Plane::samples`].
    pub(super) fn samples_mut(&mut self) -> &mut [u8] {
        &mut self.samples
    }

    /// Part of a line.
    pub(super) fn line(&self, x: usize, y: usize, width: usize) -> &[u8] {
        let at = self.at(x, y);
        &self.samples[at..at + width]
    }

    /// Part of a line.
    pub(super) fn line_mut(&mut self, x: usize, y: usize, width: usize) -> &mut [u8] {
        let at = self.at(x, y);
        &mut self.samples[at..at + width]
    }
}
