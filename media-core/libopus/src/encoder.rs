//! The encoder. Owned by one thread at a time; every call is bounded by the frame it is given.

use std::ffi::c_int;
use std::ptr::NonNull;

use opusic_sys as sys;

use crate::{RATE, Refused, counted, length, refusal};

/// An encoder of one channel.
#[derive(Debug)]
pub struct Encoder(NonNull<sys::OpusEncoder>);

// SAFETY: the state is memory of its own, without thread-local parts; `&mut self` keeps calls apart.
unsafe impl Send for Encoder {}

impl Encoder {
    /// For speech: variable bit rate, complexity 10. Not the library's own application for it, which filters what it hears
    /// and adds emphasis (PLCMOS .06 worse at 48 kbit/s).
    ///
    /// # Errors
    /// No memory.
    pub fn speech() -> Result<Self, Refused> {
        Self::create(sys::OPUS_APPLICATION_AUDIO, sys::OPUS_SIGNAL_VOICE)
    }

    /// For any sound, music above all: variable bit rate, complexity 10.
    ///
    /// # Errors
    /// No memory.
    pub fn music() -> Result<Self, Refused> {
        Self::create(sys::OPUS_APPLICATION_AUDIO, sys::OPUS_SIGNAL_MUSIC)
    }

    fn create(application: c_int, signal: i32) -> Result<Self, Refused> {
        let mut error: c_int = 0;
        // SAFETY: `error` outlives the call; the answer is null or a state that is ours.
        let state = unsafe { sys::opus_encoder_create(RATE, 1, application, &raw mut error) };
        let mut encoder = Self(NonNull::new(state).ok_or_else(|| refusal(error))?);
        encoder.set(sys::OPUS_SET_VBR_REQUEST, 1)?;
        encoder.set(sys::OPUS_SET_SIGNAL_REQUEST, signal)?;
        encoder.set(sys::OPUS_SET_COMPLEXITY_REQUEST, 10)?;
        Ok(encoder)
    }

    /// Bits a second, 500 to 510,000.
    ///
    /// # Errors
    /// Out of range.
    pub fn set_bitrate(&mut self, bits: i32) -> Result<(), Refused> {
        self.set(sys::OPUS_SET_BITRATE_REQUEST, bits)
    }

    /// Make all packets of one length, whatever is in them?
    ///
    /// # Errors
    /// The library refused.
    pub fn set_constant(&mut self, constant: bool) -> Result<(), Refused> {
        self.set(sys::OPUS_SET_VBR_REQUEST, i32::from(!constant))
    }

    /// What the receiver is expected to lose, 0 to 100 percent: how much error correction is added.
    ///
    /// # Errors
    /// Out of range.
    pub fn set_loss_percent(&mut self, percent: i32) -> Result<(), Refused> {
        self.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent)
    }

    /// Add a rough copy of each frame to the next one (in-band error correction)?
    ///
    /// # Errors
    /// The library refused.
    pub fn set_inband_fec(&mut self, on: bool) -> Result<(), Refused> {
        self.set(sys::OPUS_SET_INBAND_FEC_REQUEST, i32::from(on))
    }

    /// Make nothing of silence?
    ///
    /// # Errors
    /// The library refused.
    pub fn set_dtx(&mut self, on: bool) -> Result<(), Refused> {
        self.set(sys::OPUS_SET_DTX_REQUEST, i32::from(on))
    }

    /// Deep redundancy: how much of the past each packet describes, in units of 10 ms, 0 to 104. Needs an expected loss.
    ///
    /// # Errors
    /// Out of range.
    pub fn set_dred(&mut self, units: i32) -> Result<(), Refused> {
        self.set(sys::OPUS_SET_DRED_DURATION_REQUEST, units)
    }

    /// Encodes a frame of 2.5 to 60 ms; answers how many bytes of `out` are the packet. One or two bytes: silence that
    /// need not be sent.
    ///
    /// # Errors
    /// Not the length of a frame, or `out` is too short.
    pub fn encode(&mut self, samples: &[f32], out: &mut [u8]) -> Result<usize, Refused> {
        let (frame, room) = (length(samples.len())?, length(out.len())?);
        // SAFETY: both slices are as long as said and outlive the call; the library writes at most `room` bytes.
        counted(unsafe { sys::opus_encode_float(self.0.as_ptr(), samples.as_ptr(), frame, out.as_mut_ptr(), room) })
    }

    fn set(&mut self, request: c_int, value: i32) -> Result<(), Refused> {
        // SAFETY: every request used here takes one `opus_int32` by value.
        match unsafe { sys::opus_encoder_ctl(self.0.as_ptr(), request, value) } {
            sys::OPUS_OK => Ok(()),
            code => Err(refusal(code)),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: ours, and nobody uses it any more.
        unsafe { sys::opus_encoder_destroy(self.0.as_ptr()) };
    }
}
