//! What a picture encoder and decoder are to the rest. Traits only; one file per codec implements them.

use bytes::Bytes;

use crate::frame::{EncodedFrame, Picture};
use crate::time::{Bitrate, MediaTime};

/// Why a picture could not be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The library refused, in its words.
    #[error("the codec failed: {0}")]
    Failed(String),
    /// Larger than the codec takes.
    #[error("a picture of {0} x {1} is too large")]
    TooLarge(u32, u32),
    /// It says of itself that it is nothing to decode; the library never saw it.
    #[error(transparent)]
    Sps(#[from] super::sps::ReadSps),
}

/// What came out of an encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Decodable without an earlier one.
    pub key: bool,
    /// The bytes.
    pub data: Bytes,
}

/// Turns pictures of one track into encoded frames.
pub trait Encoder: Send {
    /// Encodes one picture; `None` when the rate control skipped it. A new size starts with a key frame by itself.
    ///
    /// # Errors
    /// See [`CodecError`].
    fn encode(&mut self, picture: &Picture, key: bool) -> Result<Option<Encoded>, CodecError>;

    /// Aims at another bit rate.
    ///
    /// # Errors
    /// See [`CodecError`].
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), CodecError>;
}

/// Turns encoded frames of one track into pictures.
pub trait Decoder: Send {
    /// Decodes one frame; `None` when it made no picture. `at` is stamped on the picture.
    ///
    /// # Errors
    /// See [`CodecError`]; ask for a key frame then.
    fn decode(&mut self, frame: &EncodedFrame, at: MediaTime) -> Result<Option<Picture>, CodecError>;
}
