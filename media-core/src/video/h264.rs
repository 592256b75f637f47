//! H.264 constrained baseline by openh264: one slice a frame, Annex B with four-byte start codes.
//! Runs on an encode or decode thread; pure.

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange, RateControlMode,
    UsageType,
};
use openh264::formats::{YUVSlices, YUVSource};

use super::annexb;
use super::codec::{CodecError, Encoded};
use super::convert::Pool;
use super::sps;
use crate::frame::{EncodedFrame, Picture, Size};
use crate::time::{Bitrate, MediaTime};

/// Largest long and short side openh264 takes.
const MAX_SIDES: (u32, u32) = (3840, 2160);

/// What is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Moving pictures of the world.
    Camera,
    /// Text and windows: sharpness before smoothness.
    Screen,
}

/// The encoder of one track.
pub struct Encoder {
    inner: openh264::encoder::Encoder,
    content: Content,
    fps: u32,
    bitrate: Bitrate,
    /// Of the pictures it was started with; none before the first.
    size: Option<Size>,
}

fn failed(error: &openh264::Error) -> CodecError {
    CodecError::Failed(error.to_string())
}

impl Encoder {
    /// An encoder for pictures of any size up to 3840 x 2160.
    ///
    /// # Errors
    /// The library did not start.
    pub fn new(content: Content, fps: u32, bitrate: Bitrate) -> Result<Self, CodecError> {
        Ok(Self { inner: Self::build(content, fps, bitrate)?, content, fps, bitrate, size: None })
    }

    fn build(content: Content, fps: u32, bitrate: Bitrate) -> Result<openh264::encoder::Encoder, CodecError> {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(bitrate.0))
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            // Without skipping it cannot hold its bit rate at all.
            .skip_frames(true)
            .profile(Profile::Baseline)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            // More threads mean more slices, and only the first slice's header may stay clear.
            .num_threads(1);
        let config = match content {
            Content::Camera => config
                .usage_type(UsageType::CameraVideoRealTime)
                .complexity(Complexity::Low)
                .scene_change_detect(false)
                .qp(QpRange::new(12, 46)),
            Content::Screen => config
                .usage_type(UsageType::ScreenContentRealTime)
                .complexity(Complexity::Medium)
                // The library insists on it for screens, and complains otherwise.
                .scene_change_detect(true)
                .background_detection(false)
                .adaptive_quantization(false)
                .qp(QpRange::new(10, 42)),
        };
        openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config).map_err(|e| failed(&e))
    }
}

impl super::codec::Encoder for Encoder {
    fn encode(&mut self, picture: &Picture, key: bool) -> Result<Option<Encoded>, CodecError> {
        let Size { width, height } = picture.size();
        if width.max(height) > MAX_SIDES.0 || width.min(height) > MAX_SIDES.1 {
            return Err(CodecError::TooLarge(width, height));
        }
        if self.size.is_some_and(|size| size != picture.size()) {
            // The wrapper would start it anew by itself, with the bit rate of long ago.
            self.inner = Self::build(self.content, self.fps, self.bitrate)?;
        } else if key && self.size.is_some() {
            self.inner.force_intra_frame();
        }
        self.size = Some(picture.size());
        let (w, h) = (width as usize, height as usize);
        let source = YUVSlices::new((picture.y(), picture.u(), picture.v()), (w, h), (w, w / 2, w / 2));
        let out = self.inner.encode(&source).map_err(|e| failed(&e))?;
        let key = match out.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip | FrameType::Invalid => return Ok(None),
        };
        let data = out.to_vec();
        Ok((!data.is_empty()).then(|| Encoded { key, data: data.into() }))
    }

    /// Changes under a fiftieth are ignored.
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), CodecError> {
        if bitrate.0.abs_diff(self.bitrate.0) * 50 <= self.bitrate.0 {
            return Ok(());
        }
        if self.size.is_some() {
            libopenh264::set_bitrate(&mut self.inner, self.bitrate.0, bitrate.0)
                .map_err(|refused| CodecError::Failed(refused.to_string()))?;
        } else {
            self.inner = Self::build(self.content, self.fps, bitrate)?;
        }
        self.bitrate = bitrate;
        Ok(())
    }
}

/// The decoder of one track.
pub struct Decoder {
    inner: openh264::decoder::Decoder,
    pool: Pool,
}

impl Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// The library did not start.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self { inner: openh264::decoder::Decoder::new().map_err(|e| failed(&e))?, pool: Pool::default() })
    }
}

impl super::codec::Decoder for Decoder {
    fn decode(&mut self, frame: &EncodedFrame, at: MediaTime) -> Result<Option<Picture>, CodecError> {
        look_at(&frame.data)?;
        let Some(decoded) = self.inner.decode(&frame.data).map_err(|e| failed(&e))? else { return Ok(None) };
        let (w, h) = decoded.dimensions();
        let (width, height) = (u32::try_from(w).unwrap_or(u32::MAX), u32::try_from(h).unwrap_or(u32::MAX));
        let size = Size::even(width, height).ok_or(CodecError::TooLarge(width, height))?;
        let (ys, us, vs) = decoded.strides();
        let (w, h) = (size.width as usize, size.height as usize);
        let mut out = self.pool.take(size.i420_len());
        let (y, rest) = out.split_at_mut(w * h);
        let (u, v) = rest.split_at_mut(w * h / 4);
        copy_plane(decoded.y(), ys, y, w);
        copy_plane(decoded.u(), us, u, w / 2);
        copy_plane(decoded.v(), vs, v, w / 2);
        Ok(Picture::new(size, self.pool.keep(out), at))
    }
}

/// What is checked before the library allocates for a frame from outside.
fn look_at(frame: &[u8]) -> Result<(), CodecError> {
    let mut units = annexb::nals(frame).peekable();
    if units.peek().is_none() {
        return Err(CodecError::Failed("no NAL unit".to_owned()));
    }
    for unit in units {
        // 15 is a subset set: it begins like any other, and the library reads it, too.
        if let Some(7 | 15) = unit.kind(frame) {
            sps::picture_size(&frame[unit.start..unit.end])?;
        }
    }
    Ok(())
}

fn copy_plane(from: &[u8], stride: usize, to: &mut [u8], width: usize) {
    for (from, to) in from.chunks(stride.max(1)).zip(to.chunks_exact_mut(width)) {
        if let Some(line) = from.get(..width) {
            to.copy_from_slice(line);
        }
    }
}

#[cfg(test)]
mod tests;
