//! Our camera as up to three layers: each picture is scaled down step by step, encoded once per layer that somebody wants,
//! and sealed. Runs on the camera's encode thread; the permit is asked before every picture. Pure: time is passed in.

use std::time::Duration;

use protocol::policy::{Camera, Permit};

use super::codec::Encoder;
use super::encoders;
use super::h264::Content;
use super::layers::{Fit, LAYERS, Shares, size_of};
use super::scale::Scaler;
use super::send::{SendPicture, SentFrame};
use crate::e2ee::Sealing;
use crate::frame::{Codec, EncodedFrame, Picture, SealedFrame, Size};
use crate::time::{Bitrate, MediaTime};

/// Forced key frames of a layer come at most this often, and those that are to help a newcomer at once.
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(300);
/// A layer with fewer bits than this has half the pictures: each of them is the better for it.
const HALF_BELOW: Bitrate = Bitrate::kbps(110);
/// RTP clock of pictures.
const CLOCK: u32 = 90_000;

/// One layer's frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFrame {
    /// Index into [`super::layers::RIDS`].
    pub layer: usize,
    /// In the clear and sealed.
    pub frame: SentFrame,
}

/// What runs for one layer.
#[derive(Default)]
struct Stream {
    encoder: Option<Box<dyn Encoder>>,
    bitrate: Option<Bitrate>,
    fit: Fit,
    key_wanted: bool,
    last_key: Option<MediaTime>,
    skip: bool,
}

/// Sends one camera.
pub struct CameraSender {
    permit: Permit<Camera>,
    sealing: Sealing,
    fps: u32,
    rtp_start: u32,
    /// Scales to each layer, the largest first.
    scalers: [Scaler; LAYERS],
    /// To what a layer's bits are enough for.
    fitters: [Scaler; LAYERS],
    streams: [Stream; LAYERS],
    last_sent: Option<MediaTime>,
}

impl CameraSender {
    /// A sender that sends nothing before [`CameraSender::set_shares`]. `rtp_start` should be random.
    #[must_use]
    pub fn new(permit: Permit<Camera>, sealing: Sealing, fps: u32, rtp_start: u32) -> Self {
        Self {
            permit,
            sealing,
            fps: fps.clamp(1, 60),
            rtp_start,
            scalers: Default::default(),
            fitters: Default::default(),
            streams: Default::default(),
            last_sent: None,
        }
    }

    /// What every layer may take from now on. A layer that was off begins with a key frame; one that stays on does not.
    ///
    /// # Errors
    /// An encoder did not start or did not follow; it is tried anew the next time.
    pub fn set_shares(&mut self, shares: Shares) -> Result<(), SendPicture> {
        for (stream, bitrate) in self.streams.iter_mut().zip(shares) {
            stream.bitrate = bitrate;
            let Some(bitrate) = bitrate else {
                // Its pictures are of long ago when it is wanted again.
                stream.encoder = None;
                continue;
            };
            match &mut stream.encoder {
                Some(encoder) => {
                    if let Err(error) = encoder.set_bitrate(bitrate) {
                        stream.encoder = None;
                        return Err(error.into());
                    }
                }
                None => {
                    stream.encoder = Some(encoders::open(Content::Camera, self.fps, bitrate)?);
                    stream.key_wanted = true;
                    stream.last_key = None;
                }
            }
        }
        Ok(())
    }

    /// Somebody needs a key frame of one layer; it comes with the next picture, at most every 300 ms.
    pub fn request_key_frame(&mut self, layer: usize) {
        if let Some(stream) = self.streams.get_mut(layer) {
            stream.key_wanted = true;
        }
    }

    /// May it still send? Otherwise there is no need to prepare a picture.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.permit.is_live()
    }

    /// A picture came. Empty: too soon after the last one, nothing is wanted, or the rate controls skipped it.
    ///
    /// # Errors
    /// See [`SendPicture`]; a layer whose encoder failed starts anew with the next [`CameraSender::set_shares`].
    pub fn send(&mut self, picture: &Picture, now: MediaTime) -> Result<Vec<LayerFrame>, SendPicture> {
        if !self.permit.is_live() {
            return Err(SendPicture::Revoked);
        }
        // Two thirds of a period: cameras are not exact, and a picture dropped for a millisecond halves the rate.
        let period = Duration::from_secs(1) / self.fps;
        if self.last_sent.is_some_and(|at| now.since(at) < period * 2 / 3) {
            return Ok(Vec::new());
        }
        self.last_sent = Some(now);
        let camera = picture.size();
        let mut frames = Vec::new();
        // From the largest down: the next smaller one is made from it.
        let mut larger = picture.clone();
        for layer in (0..LAYERS).rev() {
            if !self.streams[..=layer].iter().any(|stream| stream.encoder.is_some()) {
                break;
            }
            larger = self.scalers[layer].fit(&larger, size_of(layer, camera));
            if let Some(frame) = self.encode(layer, &larger, now)? {
                frames.push(LayerFrame { layer, frame });
            }
        }
        Ok(frames)
    }

    fn encode(&mut self, layer: usize, picture: &Picture, now: MediaTime) -> Result<Option<SentFrame>, SendPicture> {
        let stream = &mut self.streams[layer];
        let (Some(encoder), Some(bitrate)) = (&mut stream.encoder, stream.bitrate) else { return Ok(None) };
        let key = stream.key_wanted && stream.last_key.is_none_or(|at| now.since(at) >= KEY_FRAME_INTERVAL);
        stream.skip = bitrate < HALF_BELOW && !stream.skip && !key;
        if stream.skip {
            return Ok(None);
        }
        let fitting = stream.fit.size(picture.size(), bitrate);
        let picture = self.fitters[layer].fit(picture, fitting);
        let encoded = match encoder.encode(&picture, key) {
            Ok(Some(encoded)) => encoded,
            Ok(None) => return Ok(None),
            Err(error) => {
                stream.encoder = None;
                return Err(error.into());
            }
        };
        if encoded.key {
            stream.key_wanted = false;
            stream.last_key = Some(now);
        }
        self.seal(picture.size(), encoded.key, encoded.data, now).map(Some)
    }

    fn seal(&mut self, size: Size, key: bool, data: bytes::Bytes, now: MediaTime) -> Result<SentFrame, SendPicture> {
        let rtp_time = self.rtp_start.wrapping_add(now.rtp(CLOCK));
        let clear = EncodedFrame { codec: Codec::H264, rtp_time, key, data };
        let data = self.sealing.protect(Codec::H264, &clear.data)?;
        let sealed = SealedFrame { codec: Codec::H264, rtp_time, key, level: None, data };
        Ok(SentFrame { clear, sealed, size })
    }
}

#[cfg(test)]
mod tests;
