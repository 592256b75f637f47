//! The decoder. Owned by one thread at a time. Takes any bytes: what is not Opus is refused.

use std::ffi::c_int;
use std::ptr::{NonNull, null};

use opusic_sys as sys;

use crate::{Dred, RATE, Refused, counted, length, refusal};

/// A decoder of one stream.
#[derive(Debug)]
pub struct Decoder(NonNull<sys::OpusDecoder>);

// SAFETY: the state is memory of its own, without thread-local parts; `&mut self` keeps calls apart.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder. Stereo is mixed down.
    ///
    /// # Errors
    /// No memory.
    pub fn new() -> Result<Self, Refused> {
        let mut error: c_int = 0;
        // SAFETY: `error` outlives the call; the answer is null or a state that is ours.
        let state = unsafe { sys::opus_decoder_create(RATE, 1, &raw mut error) };
        Ok(Self(NonNull::new(state).ok_or_else(|| refusal(error))?))
    }

    /// 0 to 10. From 5 on losses are made up by a neural network, from 6 and 7 on narrow speech is enhanced by one.
    ///
    /// # Errors
    /// Out of range.
    pub fn set_complexity(&mut self, complexity: i32) -> Result<(), Refused> {
        // SAFETY: this request takes one `opus_int32` by value.
        match unsafe { sys::opus_decoder_ctl(self.0.as_ptr(), sys::OPUS_SET_COMPLEXITY_REQUEST, complexity) } {
            sys::OPUS_OK => Ok(()),
            code => Err(refusal(code)),
        }
    }

    /// Decodes a packet into `out`; answers how many samples it was.
    ///
    /// # Errors
    /// Not Opus, or longer than `out`.
    pub fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Refused> {
        // Without bytes the library would take it for a loss.
        if packet.is_empty() {
            return Err(Refused("empty packet"));
        }
        self.call(Some(packet), out, false)
    }

    /// The sound before `next`, of the length of `out`, from the rough copy in it; made up when there is none.
    ///
    /// # Errors
    /// Not Opus, or `out` is no multiple of 2.5 ms.
    pub fn restore(&mut self, next: &[u8], out: &mut [f32]) -> Result<usize, Refused> {
        if next.is_empty() {
            return Err(Refused("empty packet"));
        }
        self.call(Some(next), out, true)
    }

    /// Makes up what is missing, of the length of `out`.
    ///
    /// # Errors
    /// `out` is no multiple of 2.5 ms.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, Refused> {
        self.call(None, out, false)
    }

    /// The sound that began `before` samples ahead of the packet that `dred` was read from, of the length of `out`.
    ///
    /// # Errors
    /// `out` is no multiple of 2.5 ms, or `dred` holds nothing.
    pub fn describe(&mut self, dred: &Dred, before: usize, out: &mut [f32]) -> Result<usize, Refused> {
        if dred.reach() == 0 || before > dred.reach() {
            return Err(Refused("further back than described"));
        }
        let (before, frame) = (length(before)?, length(out.len())?);
        // SAFETY: `dred` holds a parsed and processed state (it has a reach); `out` has room for `frame` samples.
        counted(unsafe {
            sys::opus_decoder_dred_decode_float(self.0.as_ptr(), dred.state(), before, out.as_mut_ptr(), frame)
        })
    }

    fn call(&mut self, packet: Option<&[u8]>, out: &mut [f32], fec: bool) -> Result<usize, Refused> {
        let frame = length(out.len())?;
        let (data, len) = match packet {
            Some(bytes) => (bytes.as_ptr(), length(bytes.len())?),
            None => (null(), 0),
        };
        // SAFETY: `data` is null with length 0 or `len` readable bytes; `out` has room for `frame` samples of mono.
        counted(unsafe {
            sys::opus_decode_float(self.0.as_ptr(), data, len, out.as_mut_ptr(), frame, c_int::from(fec))
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: ours, and nobody uses it any more.
        unsafe { sys::opus_decoder_destroy(self.0.as_ptr()) };
    }
}
