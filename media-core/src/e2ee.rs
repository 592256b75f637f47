//! Seals frames before they meet the network and opens them after: LiveKit's frame format, so official SDKs with the
//! same passphrase understand us. Pure; randomness is drawn here (and only here) because a repeated IV would break AES-GCM.
//!
//! ```text
//! sealed = H || AES-128-GCM(key, iv, aad = H, frame after H) || tag (16) || iv (12) || 0x0C || key index
//! ```
//! `H` stays clear for the forwarding host and the packetiser: 1 byte of Opus; 3 of a VP8 delta frame, 10 of a key
//! frame; H.264 up to and including two bytes of its first slice. What follows `H` of an H.264 frame is escaped so that
//! it never looks like a start code. Everything fails closed: what cannot be opened is an error, never passed on.

mod frame;
mod keys;

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;

pub(crate) use frame::{escape_after, unescaped_after};
pub use keys::{DeriveKey, FrameKey, KeyRing, SLOTS};

use crate::frame::Codec;

/// Bytes added to a frame: tag, IV, IV length and key index. H.264 may grow a little more by escaping.
pub const OVERHEAD: usize = TAG + TRAILER;
/// Largest frame sealed or opened; the assembler refuses longer ones earlier.
pub const MAX_FRAME: usize = 4 * 1024 * 1024;

const TAG: usize = 16;
/// IV, its length, key index.
const TRAILER: usize = NONCE_LEN + 2;

/// Why a frame was not sealed. Such a frame must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealFrame {
    /// The ring has no key to seal with.
    #[error("there is no key to seal with")]
    NoKey,
    /// Shorter than its clear header, or an H.264 access unit without a slice.
    #[error("the frame is malformed")]
    Malformed,
    /// Over [`MAX_FRAME`].
    #[error("a frame of {0} bytes is too large")]
    TooLarge(usize),
    /// The system gave no randomness.
    #[error("no randomness")]
    NoRandomness,
}

/// Why a frame was not opened. It must be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenFrame {
    /// It carries no seal: plaintext in a sealed meeting.
    #[error("the frame is not sealed")]
    NotSealed,
    /// It was sealed with another key, or changed on its way.
    #[error("the frame does not open with our key")]
    WrongKey,
    /// We have no key in the slot it names.
    #[error("no key in slot {0}")]
    NoKey(u8),
    /// Too short, or an H.264 access unit without a slice.
    #[error("the frame is malformed")]
    Malformed,
    /// Made by the server (blank frames when a track is muted): never taken, since the server could put anything there.
    #[error("the frame was made by the server")]
    ServerInjected,
    /// Over [`MAX_FRAME`].
    #[error("a frame of {0} bytes is too large")]
    TooLarge(usize),
}

/// Seals the frames of one local track, or the data packets of one participant.
///
/// Its IVs are eight random bytes drawn at birth and a counter; the random part is drawn anew when the counter wraps.
/// No byte of an IV is zero: H.264 escapes zeros, and the official native SDKs read the IV before they undo that.
/// One key may be shared by many sealers (every participant has the meeting's key): 64 random bits keep them apart.
pub struct Sealer {
    ring: KeyRing,
    prefix: [u8; 8],
    counter: u32,
    random: SystemRandom,
}

impl Sealer {
    /// A sealer that uses the ring's current key.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub fn new(ring: KeyRing) -> Result<Self, SealFrame> {
        let random = SystemRandom::new();
        let prefix = draw_prefix(&random)?;
        Ok(Self { ring, prefix, counter: 0, random })
    }

    /// Seals one whole encoded frame. An empty frame stays empty.
    ///
    /// # Errors
    /// See [`SealFrame`]; nothing of the frame may then be sent.
    pub fn seal(&mut self, codec: Codec, frame: &[u8]) -> Result<Bytes, SealFrame> {
        if frame.is_empty() {
            return Ok(Bytes::new());
        }
        if frame.len() > MAX_FRAME {
            return Err(SealFrame::TooLarge(frame.len()));
        }
        let (index, key) = self.ring.current().ok_or(SealFrame::NoKey)?;
        // Receivers rebuild H.264 with four-byte start codes, and the clear header is authenticated: so must we.
        let rewritten = (codec == Codec::H264).then(|| frame::with_long_start_codes(frame)).flatten();
        let frame = rewritten.as_deref().unwrap_or(frame);
        let clear = frame::clear_header(codec, frame).ok_or(SealFrame::Malformed)?;
        let iv = self.next_iv()?;

        let mut out = Vec::with_capacity(frame.len() + OVERHEAD + frame.len() / 64);
        out.extend_from_slice(frame);
        let (head, body) = out.split_at_mut(clear);
        let tag = key
            .aead()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::from(&*head), body)
            .map_err(|_| SealFrame::Malformed)?;
        out.extend_from_slice(tag.as_ref());
        out.extend_from_slice(&iv);
        out.extend_from_slice(&[12, index]);
        if codec == Codec::H264 {
            frame::escape_after(&mut out, clear);
        }
        Ok(out.into())
    }

    /// Seals the bytes of a data packet (LiveKit `EncryptedPacket`): no clear header, no authenticated extra.
    ///
    /// # Errors
    /// See [`SealFrame`].
    pub fn seal_data(&mut self, data: &[u8]) -> Result<SealedData, SealFrame> {
        if data.len() > MAX_FRAME {
            return Err(SealFrame::TooLarge(data.len()));
        }
        let (index, key) = self.ring.current().ok_or(SealFrame::NoKey)?;
        let iv = self.next_iv()?;
        let mut out = data.to_vec();
        key.aead()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut out)
            .map_err(|_| SealFrame::Malformed)?;
        Ok(SealedData { iv, key_index: index, value: out.into() })
    }

    fn next_iv(&mut self) -> Result<[u8; NONCE_LEN], SealFrame> {
        let mut iv = [0; NONCE_LEN];
        iv[..8].copy_from_slice(&self.prefix);
        let mut rest = self.counter;
        for byte in iv[8..].iter_mut().rev() {
            *byte = u8::try_from(rest % 255).expect("a remainder of 255") + 1;
            rest /= 255;
        }
        if self.counter == LAST_COUNT {
            self.prefix = draw_prefix(&self.random)?;
            self.counter = 0;
        } else {
            self.counter += 1;
        }
        Ok(iv)
    }
}

/// Four digits of 1 to 255 count this far.
const LAST_COUNT: u32 = 255_u32.pow(4) - 1;

/// Eight random bytes, none of them zero.
fn draw_prefix(random: &SystemRandom) -> Result<[u8; 8], SealFrame> {
    let mut prefix = [0; 8];
    while prefix.contains(&0) {
        random.fill(&mut prefix).map_err(|_| SealFrame::NoRandomness)?;
    }
    Ok(prefix)
}

/// A sealed data packet: the fields of LiveKit's `EncryptedPacket`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedData {
    /// 12 bytes.
    pub iv: [u8; NONCE_LEN],
    /// The slot of the key, 0..16.
    pub key_index: u8,
    /// Ciphertext and tag.
    pub value: Bytes,
}

/// Opens what others sealed with a key of the ring. Cheap to clone.
#[derive(Clone)]
pub struct Opener {
    ring: KeyRing,
    /// `JoinResponse.sif_trailer`: how the server marks frames it made itself.
    server_mark: Bytes,
}

impl Opener {
    /// An opener for frames sealed with a key of `ring`. `server_mark` is `JoinResponse.sif_trailer`, empty when there
    /// is none.
    #[must_use]
    pub const fn new(ring: KeyRing, server_mark: Bytes) -> Self {
        Self { ring, server_mark }
    }

    /// Opens one whole frame. An empty frame stays empty.
    ///
    /// # Errors
    /// See [`OpenFrame`]; the frame must then be dropped.
    pub fn open(&self, codec: Codec, sealed: &[u8]) -> Result<Bytes, OpenFrame> {
        if sealed.is_empty() {
            return Ok(Bytes::new());
        }
        if sealed.len() > MAX_FRAME + MAX_FRAME / 2 {
            return Err(OpenFrame::TooLarge(sealed.len()));
        }
        if !self.server_mark.is_empty() && sealed.ends_with(&self.server_mark) {
            return Err(OpenFrame::ServerInjected);
        }
        let &[.., iv_len, index] = sealed else { return Err(OpenFrame::NotSealed) };
        if usize::from(iv_len) != NONCE_LEN || usize::from(index) >= SLOTS {
            return Err(OpenFrame::NotSealed);
        }
        let clear = frame::clear_header(codec, sealed).ok_or(OpenFrame::Malformed)?;
        let key = self.ring.key(index).ok_or(OpenFrame::NoKey(index))?;
        let mut out = match codec {
            Codec::H264 => frame::unescaped_after(sealed, clear),
            Codec::Opus | Codec::Vp8 => sealed.to_vec(),
        };
        if out.len() < clear + OVERHEAD {
            return Err(OpenFrame::NotSealed);
        }
        let iv_at = out.len() - TRAILER;
        let mut iv = [0; NONCE_LEN];
        iv.copy_from_slice(&out[iv_at..iv_at + NONCE_LEN]);
        out.truncate(iv_at);
        let (head, body) = out.split_at_mut(clear);
        let opened = key
            .aead()
            .open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(&*head), body)
            .map_err(|_| OpenFrame::WrongKey)?
            .len();
        out.truncate(clear + opened);
        Ok(out.into())
    }

    /// Opens a sealed data packet (LiveKit `EncryptedPacket`).
    ///
    /// # Errors
    /// See [`OpenFrame`].
    pub fn open_data(&self, key_index: u32, iv: &[u8], value: &[u8]) -> Result<Bytes, OpenFrame> {
        if value.len() > MAX_FRAME {
            return Err(OpenFrame::TooLarge(value.len()));
        }
        let iv: [u8; NONCE_LEN] = iv.try_into().map_err(|_| OpenFrame::Malformed)?;
        let index = u8::try_from(key_index).map_err(|_| OpenFrame::Malformed)?;
        let key = self.ring.key(index).ok_or(OpenFrame::NoKey(index))?;
        let mut out = value.to_vec();
        let opened = key
            .aead()
            .open_in_place(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut out)
            .map_err(|_| OpenFrame::WrongKey)?
            .len();
        out.truncate(opened);
        Ok(out.into())
    }
}

/// How what we send is protected. There is no third way, and plain is always said out loud.
pub enum Sealing {
    /// Sealed with the meeting's key.
    Sealed(Sealer),
    /// The meeting is openly not sealed.
    Plain,
}

impl Sealing {
    /// Protects one frame as the meeting wants it.
    ///
    /// # Errors
    /// See [`SealFrame`].
    pub fn protect(&mut self, codec: Codec, frame: &Bytes) -> Result<Bytes, SealFrame> {
        match self {
            Self::Sealed(sealer) => sealer.seal(codec, frame),
            Self::Plain => Ok(frame.clone()),
        }
    }
}

/// How what we receive must be protected.
#[derive(Clone)]
pub enum Opening {
    /// Only frames that open with the meeting's key are taken.
    Sealed(Opener),
    /// The meeting is openly not sealed.
    Plain,
}

impl Opening {
    /// Opens one frame as the meeting wants it.
    ///
    /// # Errors
    /// See [`OpenFrame`].
    pub fn open(&self, codec: Codec, frame: &Bytes) -> Result<Bytes, OpenFrame> {
        match self {
            Self::Sealed(opener) => opener.open(codec, frame),
            Self::Plain => Ok(frame.clone()),
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener")
    }
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sealed(_) => "Sealed",
            Self::Plain => "Plain",
        })
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sealed(_) => "Sealed",
            Self::Plain => "Plain",
        })
    }
}

#[cfg(test)]
mod tests;
