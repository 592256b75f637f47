//! Camera and screen pixels into I420 (BT.601 limited range), in pooled memory.
//! Pure; lengths and sizes are checked before a byte is read.

use bytes::{Bytes, BytesMut};
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPackedImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, bgra_to_yuv420,
    rgb_to_yuv420, rgba_to_yuv420, yuyv422_to_yuv420,
};

use crate::frame::{Picture, Size};
use crate::time::MediaTime;

/// How pixels lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// Four bytes, blue first; the fourth is ignored. X11 and most screen captures.
    Bgra,
    /// Four bytes, red first; the fourth is ignored.
    Rgba,
    /// Three bytes, red first; a decoded JPEG.
    Rgb,
    /// Packed 4:2:2.
    Yuyv,
    /// Luma, then one plane of interleaved chroma, both with the same stride.
    Nv12,
    /// Tight planes; the stride is ignored.
    I420,
}

/// Pixels as a device gives them.
#[derive(Debug, Clone, Copy)]
pub struct RawPicture<'a> {
    /// How they lie.
    pub format: PixelFormat,
    /// Pixels across; an odd last column is cut off.
    pub width: u32,
    /// Pixels down; an odd last line is cut off.
    pub height: u32,
    /// Bytes from line to line.
    pub stride: usize,
    /// May be longer than needed.
    pub data: &'a [u8],
}

/// Why pixels could not be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConvertPicture {
    /// A side under 2 or over [`Size::MAX_SIDE`].
    #[error("a picture of {0} x {1} is not taken")]
    Size(u32, u32),
    /// Fewer bytes than the size and stride need.
    #[error("{got} bytes of pixels where {wanted} are needed")]
    Short {
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        wanted: usize,
    },
    /// The stride is shorter than a line.
    #[error("a stride of {0} is shorter than a line")]
    Stride(usize),
    /// The library refused.
    #[error("the pixels could not be converted")]
    Failed,
}

/// Memory for pictures, used again once nobody holds the picture any more.
#[derive(Debug, Default)]
pub struct Pool {
    kept: Vec<Bytes>,
}

impl Pool {
    /// Buffers remembered at most: one being filled, one in a slot, one encoded, one shown.
    const KEPT: usize = 6;

    /// Memory of exactly `len` bytes with unspecified contents.
    #[must_use]
    pub fn take(&mut self, len: usize) -> BytesMut {
        if let Some(free) = self.kept.iter().position(Bytes::is_unique)
            && let Ok(mut memory) = self.kept.swap_remove(free).try_into_mut()
        {
            memory.resize(len, 0);
            return memory;
        }
        BytesMut::zeroed(len)
    }

    /// Hands memory out as shared bytes and remembers it.
    #[must_use]
    pub fn keep(&mut self, memory: BytesMut) -> Bytes {
        let shared = memory.freeze();
        if self.kept.len() >= Self::KEPT {
            self.kept.remove(0);
        }
        self.kept.push(shared.clone());
        shared
    }
}

/// Converts the pixels of one source.
#[derive(Debug, Default)]
pub struct Converter {
    pool: Pool,
}

impl Converter {
    /// A converter with an empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Converts one picture.
    ///
    /// # Errors
    /// See [`ConvertPicture`].
    pub fn convert(&mut self, raw: RawPicture<'_>, at: MediaTime) -> Result<Picture, ConvertPicture> {
        let size = Size::even(raw.width, raw.height).ok_or(ConvertPicture::Size(raw.width, raw.height))?;
        let (w, h) = (size.width as usize, size.height as usize);
        let (line, lines) = match raw.format {
            PixelFormat::Bgra | PixelFormat::Rgba => (w * 4, h),
            PixelFormat::Rgb => (w * 3, h),
            PixelFormat::Yuyv => (w * 2, h),
            PixelFormat::Nv12 => (w, raw.height as usize + raw.height.div_ceil(2) as usize),
            PixelFormat::I420 => (w, h + h / 2),
        };
        let stride = if raw.format == PixelFormat::I420 { w } else { raw.stride };
        if stride < line {
            return Err(ConvertPicture::Stride(stride));
        }
        let wanted =
            stride.checked_mul(lines - 1).and_then(|n| n.checked_add(line)).ok_or(ConvertPicture::Stride(stride))?;
        if raw.data.len() < wanted {
            return Err(ConvertPicture::Short { got: raw.data.len(), wanted });
        }
        let mut out = self.pool.take(size.i420_len());
        self::fill(raw, size, stride, &mut out)?;
        Picture::new(size, self.pool.keep(out), at).ok_or(ConvertPicture::Failed)
    }
}

fn fill(raw: RawPicture<'_>, size: Size, stride: usize, out: &mut [u8]) -> Result<(), ConvertPicture> {
    let (w, h) = (size.width as usize, size.height as usize);
    let (y, rest) = out.split_at_mut(w * h);
    let (u, v) = rest.split_at_mut(w * h / 4);
    if raw.format == PixelFormat::I420 {
        y.copy_from_slice(&raw.data[..w * h]);
        u.copy_from_slice(&raw.data[w * h..w * h * 5 / 4]);
        v.copy_from_slice(&raw.data[w * h * 5 / 4..w * h * 3 / 2]);
        return Ok(());
    }
    if raw.format == PixelFormat::Nv12 {
        for (to, from) in y.chunks_exact_mut(w).zip(raw.data.chunks(stride)) {
            to.copy_from_slice(&from[..w]);
        }
        let chroma = &raw.data[stride * raw.height as usize..];
        for ((u, v), from) in u.chunks_exact_mut(w / 2).zip(v.chunks_exact_mut(w / 2)).zip(chroma.chunks(stride)) {
            for ((u, v), pair) in u.iter_mut().zip(v).zip(from.chunks_exact(2)) {
                (*u, *v) = (pair[0], pair[1]);
            }
        }
        return Ok(());
    }
    let mut planes = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: size.width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: size.width / 2,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: size.width / 2,
        width: size.width,
        height: size.height,
    };
    let stride = u32::try_from(stride).map_err(|_| ConvertPicture::Stride(stride))?;
    // The library wants whole lines: the last one may be short by what follows its pixels.
    let have = raw.data.len().min(stride as usize * h);
    let data = &raw.data[..have];
    let whole;
    let data = if have < stride as usize * h {
        let mut padded = data.to_vec();
        padded.resize(stride as usize * h, 0);
        whole = padded;
        &whole
    } else {
        data
    };
    let (range, matrix, mode) = (YuvRange::Limited, YuvStandardMatrix::Bt601, YuvConversionMode::Balanced);
    match raw.format {
        PixelFormat::Bgra => bgra_to_yuv420(&mut planes, data, stride, range, matrix, mode),
        PixelFormat::Rgba => rgba_to_yuv420(&mut planes, data, stride, range, matrix, mode),
        PixelFormat::Rgb => rgb_to_yuv420(&mut planes, data, stride, range, matrix, mode),
        PixelFormat::Yuyv => yuyv422_to_yuv420(
            &mut planes,
            &YuvPackedImage { yuy: data, yuy_stride: stride, width: size.width, height: size.height },
        ),
        PixelFormat::Nv12 | PixelFormat::I420 => Ok(()),
    }
    .map_err(|_| ConvertPicture::Failed)
}

#[cfg(test)]
mod tests;
