//! What flows through the media core: blocks of sound, pictures, encoded frames, sealed frames.
//! Values only.

use bytes::Bytes;

use crate::time::MediaTime;

/// Samples per second inside the core, always.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of one channel in one block of 10 ms.
pub const BLOCK: usize = 480;

/// 10 ms of mono sound at 48 kHz, nominally -1.0 to 1.0.
pub type AudioBlock = [f32; BLOCK];

/// The size of a picture in pixels; both even, 2 to 7680.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// Largest side taken.
    pub const MAX_SIDE: u32 = 7680;

    /// Rounds down to even sides. `None` when a side is under 2 or over [`Size::MAX_SIDE`].
    #[must_use]
    pub const fn even(width: u32, height: u32) -> Option<Self> {
        let (width, height) = (width & !1, height & !1);
        if width < 2 || height < 2 || width > Self::MAX_SIDE || height > Self::MAX_SIDE {
            return None;
        }
        Some(Self { width, height })
    }

    /// Bytes of an I420 picture of this size.
    #[must_use]
    pub const fn i420_len(self) -> usize {
        let luma = self.width as usize * self.height as usize;
        luma + luma / 2
    }
}

/// An I420 picture (BT.601 limited range), planes tight one after the other: Y, U, V. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Picture {
    size: Size,
    data: Bytes,
    /// When it was captured.
    pub at: MediaTime,
}

impl Picture {
    /// Takes planes. `None` when the length does not fit the size.
    #[must_use]
    pub fn new(size: Size, data: Bytes, at: MediaTime) -> Option<Self> {
        (data.len() == size.i420_len()).then_some(Self { size, data, at })
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Luma, `width` bytes a line.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        &self.data[..self.luma()]
    }

    /// Blue difference, `width / 2` bytes a line.
    #[must_use]
    pub fn u(&self) -> &[u8] {
        &self.data[self.luma()..self.luma() + self.luma() / 4]
    }

    /// Red difference, `width / 2` bytes a line.
    #[must_use]
    pub fn v(&self) -> &[u8] {
        &self.data[self.luma() + self.luma() / 4..]
    }

    /// All planes.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    const fn luma(&self) -> usize {
        self.size.width as usize * self.size.height as usize
    }
}

/// A codec we can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 6716, RTP by RFC 7587.
    Opus,
    /// Annex B access units, RTP by RFC 6184.
    H264,
    /// RFC 6386, RTP by RFC 7741.
    Vp8,
}

/// One whole encoded frame, in the clear. Never crosses to the network: see [`SealedFrame`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// How it is encoded.
    pub codec: Codec,
    /// RTP clock (48 kHz sound, 90 kHz pictures).
    pub rtp_time: u32,
    /// Decodable without an earlier one. Always true for sound.
    pub key: bool,
    /// Opus packet, Annex-B access unit with four-byte start codes, or VP8 frame.
    pub data: Bytes,
}

/// One encoded frame as the network may see it: sealed, or plain in a meeting that is openly not sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFrame {
    /// How it is encoded inside.
    pub codec: Codec,
    /// RTP clock.
    pub rtp_time: u32,
    /// Decodable without an earlier one.
    pub key: bool,
    /// Loudness for the audio-level extension (RFC 6464): -dBov 0..=127 and voice; `None` for pictures.
    pub level: Option<AudioLevel>,
    /// The payload.
    pub data: Bytes,
}

/// RFC 6464: how loud a packet of sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// -dBov: 0 is the loudest, 127 silence.
    pub below_full: u8,
    /// Contains speech, as far as the sender can tell.
    pub voice: bool,
}
