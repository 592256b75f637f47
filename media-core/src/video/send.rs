//! One local picture track: limit, scale, encode, seal.
//! Runs on the track's encode thread; the permit is asked before every frame. Pure: time is passed in.

use std::time::Duration;

use protocol::policy::{Camera, Permit, Screen};

use super::codec::{CodecError, Encoded, Encoder as _};
use super::h264::{Content, Encoder};
use super::scale::Scaler;
use crate::e2ee::{SealFrame, Sealing};
use crate::frame::{Codec, EncodedFrame, Picture, SealedFrame, Size};
use crate::time::{Bitrate, MediaTime};

/// Forced key frames come at most this often: each costs a picture's worth of sharpness.
pub const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(500);
/// A still picture is sent again this often, [`REFINEMENTS`] times, so that it grows sharp; then not at all.
const REFINE_EVERY: Duration = Duration::from_millis(150);
const REFINEMENTS: u32 = 8;
/// RTP clock of pictures.
const CLOCK: u32 = 90_000;

/// Leave to send one of our own pictures; asked for every frame.
#[derive(Debug, Clone)]
pub enum ShowPermit {
    /// A camera.
    Camera(Permit<Camera>),
    /// A screen.
    Screen(Permit<Screen>),
}

impl ShowPermit {
    /// Still allowed? A lock-free load.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self {
            Self::Camera(permit) => permit.is_live(),
            Self::Screen(permit) => permit.is_live(),
        }
    }

    const fn content(&self) -> Content {
        match self {
            Self::Camera(_) => Content::Camera,
            Self::Screen(_) => Content::Screen,
        }
    }
}

/// What a track is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoLimits {
    /// Larger pictures are scaled down.
    pub size: Size,
    /// Pictures a second, at most; 1 to 60.
    pub fps: u32,
    /// Aimed at.
    pub bitrate: Bitrate,
}

impl VideoLimits {
    /// 1280 x 720, 30 a second, 1.7 Mbit/s.
    pub const CAMERA: Self = Self { size: Size { width: 1280, height: 720 }, fps: 30, bitrate: Bitrate::kbps(1700) };
    /// 1920 x 1080, 30 a second as long as it is text ([`super::screen`]), 2.5 Mbit/s.
    pub const SCREEN: Self = Self { size: Size { width: 1920, height: 1080 }, fps: 30, bitrate: Bitrate::kbps(2500) };
}

/// Why a picture was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendPicture {
    /// The permit died: stop the thread and drop the device.
    #[error("the right was taken away")]
    Revoked,
    /// The encoder failed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The frame could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealFrame),
}

/// One frame, twice: in the clear for our own screen only, and as the network may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFrame {
    /// For the self-view.
    pub clear: EncodedFrame,
    /// For the network.
    pub sealed: SealedFrame,
    /// What was encoded.
    pub size: Size,
}

/// Sends one picture track.
pub struct VideoSender {
    permit: ShowPermit,
    sealing: Sealing,
    limits: VideoLimits,
    encoder: Encoder,
    scaler: Scaler,
    rtp_start: u32,
    last_rtp: Option<u32>,
    last: Option<Picture>,
    last_sent: Option<MediaTime>,
    last_key: Option<MediaTime>,
    key_wanted: bool,
    refinements: u32,
    unchanged: u64,
}

impl VideoSender {
    /// A sender whose first frame is a key frame. `rtp_start` should be random.
    ///
    /// # Errors
    /// The encoder did not start.
    pub fn new(permit: ShowPermit, sealing: Sealing, limits: VideoLimits, rtp_start: u32) -> Result<Self, SendPicture> {
        let limits = VideoLimits { fps: limits.fps.clamp(1, 60), ..limits };
        let encoder = Encoder::new(permit.content(), limits.fps, limits.bitrate)?;
        Ok(Self {
            permit,
            sealing,
            limits,
            encoder,
            scaler: Scaler::new(),
            rtp_start,
            last_rtp: None,
            last: None,
            last_sent: None,
            last_key: None,
            key_wanted: true,
            refinements: 0,
            unchanged: 0,
        })
    }

    /// Someone needs a key frame (PLI, FIR, a new subscriber, our own page). Comes with the next frame, or with
    /// [`VideoSender::idle`] when the picture stands still; at most every [`KEY_FRAME_INTERVAL`].
    pub const fn request_key_frame(&mut self) {
        self.key_wanted = true;
    }

    /// Sends within other limits from now on. The encoder starts anew: the next frame is a key frame.
    ///
    /// # Errors
    /// The encoder did not start again; the limits are what they were.
    pub fn set_limits(&mut self, limits: VideoLimits) -> Result<(), SendPicture> {
        let limits = VideoLimits { fps: limits.fps.clamp(1, 60), ..limits };
        if limits == self.limits {
            return Ok(());
        }
        self.encoder = Encoder::new(self.permit.content(), limits.fps, limits.bitrate)?;
        self.limits = limits;
        // A still picture is sharpened again at its new size.
        self.refinements = 0;
        Ok(())
    }

    /// What is sent.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.permit.content()
    }

    /// Pictures not sent because nothing had changed.
    #[must_use]
    pub const fn unchanged(&self) -> u64 {
        self.unchanged
    }

    /// A picture came. `None`: too soon after the last one, unchanged, or skipped by the rate control.
    ///
    /// # Errors
    /// See [`SendPicture`].
    pub fn send(&mut self, picture: &Picture, now: MediaTime) -> Result<Option<SentFrame>, SendPicture> {
        self.check()?;
        let same =
            self.last.as_ref().is_some_and(|last| last.size() == picture.size() && last.data() == picture.data());
        if same {
            self.unchanged += 1;
            return self.idle(now);
        }
        // Two thirds of a period: cameras are not exact, and a picture dropped for a millisecond halves the rate.
        let period = Duration::from_secs(1) / self.limits.fps;
        if self.last_sent.is_some_and(|at| now.since(at) < period * 2 / 3) {
            return Ok(None);
        }
        self.last = Some(picture.clone());
        self.refinements = 0;
        self.encode(now)
    }

    /// No picture came for a while: answers a wanted key frame, or makes a still picture sharper a few times.
    ///
    /// # Errors
    /// See [`SendPicture`].
    pub fn idle(&mut self, now: MediaTime) -> Result<Option<SentFrame>, SendPicture> {
        self.check()?;
        if self.last.is_none() {
            return Ok(None);
        }
        let rested = self.last_sent.is_none_or(|at| now.since(at) >= REFINE_EVERY);
        let refine = self.refinements < REFINEMENTS && rested;
        if refine {
            self.refinements += 1;
        }
        if refine || self.key_due(now) { self.encode(now) } else { Ok(None) }
    }

    /// Nothing was ever sent.
    pub(super) const fn is_fresh(&self) -> bool {
        self.last_rtp.is_none()
    }

    pub(super) fn check(&mut self) -> Result<(), SendPicture> {
        if self.permit.is_live() {
            return Ok(());
        }
        self.last = None;
        Err(SendPicture::Revoked)
    }

    fn key_due(&self, now: MediaTime) -> bool {
        self.key_wanted && self.last_key.is_none_or(|at| now.since(at) >= KEY_FRAME_INTERVAL)
    }

    fn encode(&mut self, now: MediaTime) -> Result<Option<SentFrame>, SendPicture> {
        let Some(last) = &self.last else { return Ok(None) };
        let picture = self.scaler.fit(last, self.limits.size);
        let key = self.key_due(now);
        let Some(encoded) = self.encoder.encode(&picture, key)? else { return Ok(None) };
        if encoded.key {
            self.key_wanted = false;
            self.last_key = Some(now);
        }
        self.last_sent = Some(now);
        self.protect(encoded, picture.size(), now).map(Some)
    }

    /// Seals one encoded frame as the next of this track.
    pub(super) fn protect(&mut self, encoded: Encoded, size: Size, now: MediaTime) -> Result<SentFrame, SendPicture> {
        let mut rtp_time = self.rtp_start.wrapping_add(now.rtp(CLOCK));
        // Two frames of one moment are two frames nevertheless.
        if let Some(last) = self.last_rtp
            && rtp_time.wrapping_sub(last).wrapping_sub(1) > u32::MAX / 2
        {
            rtp_time = last.wrapping_add(1);
        }
        self.last_rtp = Some(rtp_time);
        let clear = EncodedFrame { codec: Codec::H264, rtp_time, key: encoded.key, data: encoded.data };
        let sealed = SealedFrame {
            codec: Codec::H264,
            rtp_time,
            key: clear.key,
            level: None,
            data: self.sealing.protect(Codec::H264, &clear.data)?,
        };
        Ok(SentFrame { clear, sealed, size })
    }
}

#[cfg(test)]
mod tests;
