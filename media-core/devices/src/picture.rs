//! What a camera or screen delivers, as I420, and how often it may.
//! Values only. Bytes come from drivers: their lengths are checked, and a broken picture is an error, never a panic.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_core::device::PictureWish;
use media_core::frame::{Picture, Size};
use media_core::time::MediaTime;
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPackedImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, bgra_to_yuv420,
    rgb_to_yuv420, yuyv422_to_yuv420,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// How a driver lays out its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// 4:2:2, packed Y U Y V.
    Yuyv,
    /// 4:2:0, a plane of Y and a plane of interleaved U V.
    Nv12,
    /// 4:2:0, three planes.
    #[cfg_attr(not(any(test, target_os = "linux")), expect(dead_code, reason = "only V4L2 offers it"))]
    I420,
    /// One JPEG per picture; bytes behind its end are padding.
    Mjpeg,
}

/// One picture as a driver hands it over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) pixels: Pixels,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Bytes from one line of the first plane to the next; 0 when lines are tight. Nothing for JPEG.
    pub(crate) stride: u32,
    pub(crate) bytes: &'a [u8],
}

/// Why a picture is unusable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// Too small, too large.
    #[error("a picture of {0} x {1} pixels")]
    Size(u32, u32),
    /// Fewer bytes than its size needs.
    #[error("a picture of {got} bytes instead of {needed}")]
    Short {
        /// Bytes there are.
        got: usize,
        /// Bytes there should be.
        needed: usize,
    },
    /// The JPEG or the conversion.
    #[error("{0}")]
    Decode(String),
}

impl Raw<'_> {
    /// As an I420 picture; odd sides lose their last line.
    pub(crate) fn to_picture(self, at: MediaTime) -> Result<Picture, Broken> {
        match self.pixels {
            Pixels::Yuyv => self.yuyv(at),
            Pixels::Nv12 => self.nv12(at),
            Pixels::I420 => self.i420(at),
            Pixels::Mjpeg => self.mjpeg(at),
        }
    }

    /// The lines of a plane that starts at `from`, checked to be there.
    fn plane(&self, from: usize, stride: usize, lines: usize) -> Result<&[u8], Broken> {
        let needed = from + stride * lines;
        self.bytes.get(from..needed).ok_or(Broken::Short { got: self.bytes.len(), needed })
    }

    fn stride_of(&self, tight: u32) -> usize {
        self.stride.max(tight) as usize
    }

    fn yuyv(&self, at: MediaTime) -> Result<Picture, Broken> {
        let size = even(self.width, self.height)?;
        let stride = self.stride_of(self.width.next_multiple_of(2) * 2);
        let yuy = self.plane(0, stride, size.height as usize)?;
        let packed = YuvPackedImage { yuy, yuy_stride: stride as u32, width: size.width, height: size.height };
        planar(size, at, |image| yuyv422_to_yuv420(image, &packed))
    }

    fn nv12(&self, at: MediaTime) -> Result<Picture, Broken> {
        let size = even(self.width, self.height)?;
        let stride = self.stride_of(self.width.next_multiple_of(2));
        let (w, lines) = (size.width as usize, self.height as usize);
        let luma = self.plane(0, stride, lines)?;
        let chroma = self.plane(stride * lines, stride, size.height as usize / 2)?;
        let mut data = Vec::with_capacity(size.i420_len());
        for line in luma.chunks_exact(stride).take(size.height as usize) {
            data.extend_from_slice(&line[..w]);
        }
        for half in 0..2 {
            for line in chroma.chunks_exact(stride) {
                data.extend(line[..w].iter().skip(half).step_by(2));
            }
        }
        Picture::new(size, data.into(), at).ok_or(Broken::Size(self.width, self.height))
    }

    fn i420(&self, at: MediaTime) -> Result<Picture, Broken> {
        let size = even(self.width, self.height)?;
        let stride = self.stride_of(self.width.next_multiple_of(2));
        let (lines, half, half_lines) = (self.height as usize, stride / 2, (self.height as usize).div_ceil(2));
        let luma = self.plane(0, stride, lines)?;
        let chroma = self.plane(stride * lines, half, 2 * half_lines)?;
        let (w, h) = (size.width as usize, size.height as usize);
        let mut data = Vec::with_capacity(size.i420_len());
        for line in luma.chunks_exact(stride).take(h) {
            data.extend_from_slice(&line[..w]);
        }
        for plane in chroma.chunks_exact(half * half_lines) {
            for line in plane.chunks_exact(half).take(h / 2) {
                data.extend_from_slice(&line[..w / 2]);
            }
        }
        Picture::new(size, data.into(), at).ok_or(Broken::Size(self.width, self.height))
    }

    fn mjpeg(&self, at: MediaTime) -> Result<Picture, Broken> {
        let most = Size::MAX_SIDE as usize;
        let options = DecoderOptions::default()
            .set_max_width(most)
            .set_max_height(most)
            .set_strict_mode(false)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let bytes = with_tables(self.bytes);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*bytes), options);
        let rgb = decoder.decode().map_err(|e| Broken::Decode(e.to_string()))?;
        let info = decoder.info().ok_or_else(|| Broken::Decode("no header".into()))?;
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        let size = even(width, height)?;
        let needed = width as usize * height as usize * 3;
        if rgb.len() < needed {
            return Err(Broken::Short { got: rgb.len(), needed });
        }
        planar(size, at, |image| {
            let stride = width * 3;
            let lines = &rgb[..stride as usize * size.height as usize];
            rgb_to_yuv420(image, lines, stride, YuvRange::Limited, YuvStandardMatrix::Bt601, MODE)
        })
    }
}

const MODE: YuvConversionMode = YuvConversionMode::Balanced;

/// Many webcams leave the Huffman tables out, as the JPEGs inside an AVI do: then an `AVI1` segment is put behind the
/// start marker, which makes the decoder use the standard tables.
fn with_tables(jpeg: &[u8]) -> Cow<'_, [u8]> {
    const START: [u8; 2] = [0xff, 0xd8];
    const AVI1: [u8; 9] = [0xff, 0xe0, 0, 7, b'A', b'V', b'I', b'1', 0];
    let Some(mut rest) = jpeg.strip_prefix(&START) else { return Cow::Borrowed(jpeg) };
    while let [0xff, marker, high, low, ..] = *rest {
        match marker {
            // Tables are there.
            0xc4 => return Cow::Borrowed(jpeg),
            // The picture starts and there were none.
            0xda => return Cow::Owned([&START[..], &AVI1, &jpeg[2..]].concat()),
            _ => {}
        }
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Borrowed(jpeg)
}

/// A screen's BGRA (or BGRX) lines, `stride` bytes each.
#[cfg_attr(not(any(test, unix, windows)), expect(dead_code, reason = "only screens need it"))]
pub(crate) fn from_bgra(size: Size, bgra: &[u8], stride: u32, at: MediaTime) -> Result<Picture, Broken> {
    let needed = stride as usize * size.height as usize;
    let lines = bgra.get(..needed).ok_or(Broken::Short { got: bgra.len(), needed })?;
    planar(size, at, |image| bgra_to_yuv420(image, lines, stride, YuvRange::Limited, YuvStandardMatrix::Bt601, MODE))
}

/// The size of a picture of a screen of so many pixels that is not larger than wished and keeps its shape.
#[cfg_attr(not(any(test, target_os = "macos")), expect(dead_code, reason = "only macOS scales before we see it"))]
pub(crate) fn fit(width: u32, height: u32, wish: PictureWish) -> Option<Size> {
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (most_w, most_h) = (u64::from(wish.width), u64::from(wish.height));
    let (w, h) = if w <= most_w && h <= most_h {
        (w, h)
    } else if w * most_h >= h * most_w {
        (most_w, h * most_w / w)
    } else {
        (w * most_h / h, most_h)
    };
    Size::even(u32::try_from(w).ok()?, u32::try_from(h).ok()?)
}

fn even(width: u32, height: u32) -> Result<Size, Broken> {
    Size::even(width, height).ok_or(Broken::Size(width, height))
}

/// Makes a picture whose planes `fill` writes.
fn planar<E: std::fmt::Display>(
    size: Size,
    at: MediaTime,
    fill: impl FnOnce(&mut YuvPlanarImageMut<'_, u8>) -> Result<(), E>,
) -> Result<Picture, Broken> {
    let mut data = vec![0; size.i420_len()];
    let luma = size.width as usize * size.height as usize;
    let (y, chroma) = data.split_at_mut(luma);
    let (u, v) = chroma.split_at_mut(luma / 4);
    let mut image = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: size.width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: size.width / 2,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: size.width / 2,
        width: size.width,
        height: size.height,
    };
    fill(&mut image).map_err(|e| Broken::Decode(e.to_string()))?;
    Picture::new(size, Bytes::from(data), at).ok_or(Broken::Size(size.width, size.height))
}

/// Media time on the process's time line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that stood at zero at `start`.
    pub(crate) const fn new(start: Instant) -> Self {
        Self { start }
    }

    /// Now.
    pub(crate) fn now(self) -> MediaTime {
        MediaTime::ZERO + self.start.elapsed()
    }
}

/// Lets at most so many pictures a second through, keeping an even beat when more are offered.
#[derive(Debug)]
pub(crate) struct Pace {
    beat: Duration,
    due: MediaTime,
}

impl Pace {
    /// `fps` of 0 counts as 1.
    pub(crate) fn new(fps: u32) -> Self {
        Self { beat: Duration::from_secs(1) / fps.max(1), due: MediaTime::ZERO }
    }

    /// From one picture to the next.
    #[cfg_attr(
        not(any(test, windows, all(unix, not(target_os = "macos")))),
        expect(dead_code, reason = "only screens need it")
    )]
    pub(crate) const fn beat(&self) -> Duration {
        self.beat
    }

    /// May this picture pass? A source that is a little early is not punished by a whole beat.
    pub(crate) fn admits(&mut self, now: MediaTime) -> bool {
        if now + self.beat / 4 < self.due {
            return false;
        }
        let next = self.due + self.beat;
        self.due = if now.since(next) > Duration::ZERO { now + self.beat } else { next };
        true
    }
}

#[cfg(target_os = "linux")]
pub(crate) mod packed;
#[cfg(test)]
mod tests;
