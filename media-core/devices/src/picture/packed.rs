//! Pictures of which four bytes are a pixel and only a part may count, as PipeWire delivers screens. What is said about a
//! buffer is checked against it.

use media_core::frame::Picture;
use media_core::time::MediaTime;
use yuv::{YuvRange, YuvStandardMatrix, bgra_to_yuv420, rgba_to_yuv420};

use super::{Broken, MODE, even, planar};

/// Which colour of a pixel of four bytes comes first; the fourth byte is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Bgr,
    Rgb,
}

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Part {
    /// What of it lies within a whole that begins at 0, 0.
    pub(crate) fn within(self, whole: Self) -> Option<Self> {
        let width = self.width.min(whole.width.checked_sub(self.x)?);
        let height = self.height.min(whole.height.checked_sub(self.y)?);
        (width > 0 && height > 0).then_some(Self { width, height, ..self })
    }
}

/// A part of lines of four bytes a pixel, `line` pixels and `stride` bytes each.
pub(crate) fn from_packed(
    order: Order,
    part: Part,
    line: u32,
    bytes: &[u8],
    stride: u32,
    at: MediaTime,
) -> Result<Picture, Broken> {
    let size = even(part.width, part.height)?;
    let short = |needed| Broken::Short { got: bytes.len(), needed };
    if stride / 4 < line || part.width > line || part.x > line - part.width {
        return Err(short(line as usize * 4));
    }
    let (stride_bytes, lines) = (stride as usize, size.height as usize);
    let first = part.y as usize * stride_bytes + part.x as usize * 4;
    // The last line may end with its last pixel.
    let last = first + (lines - 1) * stride_bytes + size.width as usize * 4;
    let shown = bytes.get(first..last).ok_or_else(|| short(last))?;
    let full = lines * stride_bytes;
    let padded;
    let shown = match bytes.get(first..first + full) {
        Some(shown) => shown,
        None => {
            padded = [shown, &vec![0; full - shown.len()]].concat();
            &padded
        }
    };
    planar(size, at, |image| {
        let convert = match order {
            Order::Bgr => bgra_to_yuv420,
            Order::Rgb => rgba_to_yuv420,
        };
        convert(image, shown, stride, YuvRange::Limited, YuvStandardMatrix::Bt601, MODE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 x 4 pixels, black but for the lower right quarter, whose last line ends with its last pixel.
    fn bytes(pixel: [u8; 4]) -> Vec<u8> {
        let mut bytes = vec![0; 4 * 20 - 4];
        for line in 2..4 {
            for column in 2..4 {
                bytes[line * 20 + column * 4..][..4].copy_from_slice(&pixel);
            }
        }
        bytes
    }

    const WHOLE: Part = Part { x: 0, y: 0, width: 4, height: 4 };
    const QUARTER: Part = Part { x: 2, y: 2, width: 2, height: 2 };

    #[test]
    fn a_part_is_cut_out_whichever_colour_comes_first() {
        let red = from_packed(Order::Bgr, QUARTER, 4, &bytes([0, 0, 255, 0]), 20, MediaTime::ZERO).unwrap();
        let same = from_packed(Order::Rgb, QUARTER, 4, &bytes([255, 0, 0, 0]), 20, MediaTime::ZERO).unwrap();
        assert_eq!((red.y(), red.u(), red.v()), (same.y(), same.u(), same.v()));
        assert!(red.y().iter().all(|luma| luma.abs_diff(81) < 3), "{:?}", red.y());
    }

    #[test]
    fn what_lies_outside_of_a_buffer_is_an_error() {
        let bytes = bytes([1; 4]);
        let cut =
            |part, line, bytes: &[u8], stride| from_packed(Order::Bgr, part, line, bytes, stride, MediaTime::ZERO);
        assert!(cut(WHOLE, 4, &bytes, 20).is_ok());
        assert!(cut(WHOLE, 4, &bytes[1..], 20).is_err(), "a byte is missing");
        assert!(cut(WHOLE, 4, &bytes, 12).is_err(), "lines that overlap");
        assert!(cut(WHOLE, 4, &bytes, u32::MAX).is_err());
        assert!(cut(Part { x: 3, ..QUARTER }, 4, &bytes, 20).is_err(), "beyond the line");
        assert!(cut(Part { x: u32::MAX, ..QUARTER }, 4, &bytes, 20).is_err());
        assert!(cut(Part { y: u32::MAX, ..QUARTER }, 4, &bytes, 20).is_err());
        assert_eq!(Part { width: 9, ..QUARTER }.within(WHOLE), Some(QUARTER));
        assert_eq!(Part { x: 4, ..QUARTER }.within(WHOLE), None);
    }
}
