//! libopus 1.6 (RFC 6716) made safe: mono, 48 kHz. Used by `media-core`, which has no `unsafe` code of its own.
//!
//! Why not a published wrapper: `opus` knows neither the decoder's complexity (and so not its speech enhancement) nor
//! deep redundancy (DRED); `opusic-c` decodes DRED at one distance only and without asking how far it reaches.
//!
//! | module | what |
//! |---|---|
//! | [`Encoder`], [`Decoder`] | the codec |
//! | [`Dred`] | what a packet says about the sound before it |
//! | [`packet`] | packets as bytes: length, padding, extensions in the padding |

mod decoder;
mod dred;
mod encoder;
pub mod packet;

use std::ffi::{CStr, c_int};

pub use decoder::Decoder;
pub use dred::Dred;
pub use encoder::Encoder;

/// Samples a second, everywhere.
pub const RATE: i32 = 48_000;

/// The library refused, in its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("opus: {0}")]
pub struct Refused(pub &'static str);

/// A count, or a refusal.
fn counted(result: c_int) -> Result<usize, Refused> {
    usize::try_from(result).map_err(|_| refusal(result))
}

fn refusal(code: c_int) -> Refused {
    // SAFETY: any number is allowed; the answer is a static text.
    let text = unsafe { CStr::from_ptr(opusic_sys::opus_strerror(code)) };
    Refused(text.to_str().unwrap_or("unknown error"))
}

/// A length as the library counts.
fn length(len: usize) -> Result<i32, Refused> {
    i32::try_from(len).map_err(|_| Refused("too long"))
}
