//! Deep redundancy (draft-ietf-mlcodec-opus-dred): a packet may describe up to a second of the sound before it, in few
//! bits and roughly. Read from any bytes; what describes nothing has no reach.

use std::ffi::c_int;
use std::ptr::NonNull;

use opusic_sys as sys;

use crate::{RATE, Refused, length, refusal};

/// A reader, and what it read last.
#[derive(Debug)]
pub struct Dred {
    reader: NonNull<sys::OpusDREDDecoder>,
    state: NonNull<sys::OpusDRED>,
    reach: usize,
}

// SAFETY: both states are memory of their own, without thread-local parts; `&mut self` keeps writers apart.
unsafe impl Send for Dred {}

impl Dred {
    /// A reader that has read nothing.
    ///
    /// # Errors
    /// No memory.
    pub fn new() -> Result<Self, Refused> {
        let mut error: c_int = 0;
        // SAFETY: `error` outlives the call; the answer is null or a state that is ours.
        let reader = unsafe { sys::opus_dred_decoder_create(&raw mut error) };
        let reader = NonNull::new(reader).ok_or_else(|| refusal(error))?;
        // SAFETY: as above.
        let state = unsafe { sys::opus_dred_alloc(&raw mut error) };
        let Some(state) = NonNull::new(state) else {
            // SAFETY: ours, and not used again.
            unsafe { sys::opus_dred_decoder_destroy(reader.as_ptr()) };
            return Err(refusal(error));
        };
        Ok(Self { reader, state, reach: 0 })
    }

    /// Reads what a packet describes, up to a second back. Answers [`Dred::reach`].
    ///
    /// # Errors
    /// Not Opus.
    pub fn read(&mut self, packet: &[u8]) -> Result<usize, Refused> {
        self.reach = 0;
        if packet.is_empty() {
            return Err(Refused("empty packet"));
        }
        let len = length(packet.len())?;
        let mut end: c_int = 0;
        // SAFETY: both states are ours, the packet has `len` bytes, `end` outlives the call.
        let found = unsafe {
            sys::opus_dred_parse(
                self.reader.as_ptr(),
                self.state.as_ptr(),
                packet.as_ptr(),
                len,
                RATE,
                RATE,
                &raw mut end,
                0,
            )
        };
        self.reach = usize::try_from(found).map_err(|_| refusal(found))?;
        Ok(self.reach)
    }

    /// How far before its packet it reaches, in samples; 0: it describes nothing.
    #[must_use]
    pub const fn reach(&self) -> usize {
        self.reach
    }

    pub(crate) const fn state(&self) -> *const sys::OpusDRED {
        self.state.as_ptr()
    }
}

impl Drop for Dred {
    fn drop(&mut self) {
        // SAFETY: ours, and nobody uses them any more.
        unsafe {
            sys::opus_dred_free(self.state.as_ptr());
            sys::opus_dred_decoder_destroy(self.reader.as_ptr());
        }
    }
}
