//! The sound in a sample buffer, lent in pieces. Runs on the stream's queue: copies, and allocates nothing.

use std::ptr::NonNull;

use objc2_core_audio_types::{
    AudioBuffer, AudioBufferList, AudioStreamBasicDescription, kAudioFormatFlagIsFloat,
    kAudioFormatFlagIsNonInterleaved, kAudioFormatLinearPCM,
};
use objc2_core_media::{CMAudioFormatDescriptionGetStreamBasicDescription, CMSampleBuffer};

/// Samples a second.
pub(crate) const RATE: u32 = 48_000;
/// Left and right.
pub(crate) const CHANNELS: u16 = 2;
/// Frames lent at a time.
const PIECE: usize = 512;
/// Bytes of a sample.
const SAMPLE: usize = 4;

/// A piece of sound.
pub(crate) enum Sound<'a> {
    /// A plane for each channel, as the system has it today.
    Apart(&'a [f32], &'a [f32]),
    /// Interleaved.
    Together(&'a [f32]),
}

/// A list of two: `AudioBufferList` ends in an array it declares with one.
#[repr(C)]
struct Two {
    list: AudioBufferList,
    second: AudioBuffer,
}

/// Room for a piece.
pub(crate) struct Pieces {
    samples: [f32; PIECE * CHANNELS as usize],
}

impl Pieces {
    /// Empty room.
    pub(crate) const fn new() -> Self {
        Self { samples: [0.0; PIECE * CHANNELS as usize] }
    }

    /// Lends everything a sample buffer holds.
    ///
    /// # Errors
    /// It is not the sound that was asked for, in words.
    pub(crate) fn of(&mut self, sample: &CMSampleBuffer, mut take: impl FnMut(Sound<'_>)) -> Result<(), String> {
        let apart = is_apart(sample)?;
        // SAFETY: reads a number.
        let frames = usize::try_from(unsafe { sample.num_samples() }).unwrap_or(0);
        let mut done = 0;
        while done < frames {
            let now = (frames - done).min(PIECE);
            self.copy(sample, done, now, apart)?;
            if apart {
                let (left, right) = self.samples.split_at(PIECE);
                take(Sound::Apart(&left[..now], &right[..now]));
            } else {
                take(Sound::Together(&self.samples[..now * usize::from(CHANNELS)]));
            }
            done += now;
        }
        Ok(())
    }

    fn copy(&mut self, sample: &CMSampleBuffer, from: usize, frames: usize, apart: bool) -> Result<(), String> {
        let (first, second) = self.samples.split_at_mut(PIECE);
        let bytes = (frames * SAMPLE) as u32;
        let plane = |room: &mut [f32]| AudioBuffer {
            mNumberChannels: 1,
            mDataByteSize: bytes,
            mData: room.as_mut_ptr().cast(),
        };
        let mut two = if apart {
            let list = AudioBufferList { mNumberBuffers: 2, mBuffers: [plane(first)] };
            Two { list, second: plane(second) }
        } else {
            let both = AudioBuffer {
                mNumberChannels: CHANNELS.into(),
                mDataByteSize: bytes * u32::from(CHANNELS),
                mData: self.samples.as_mut_ptr().cast(),
            };
            let none = AudioBuffer { mNumberChannels: 0, mDataByteSize: 0, mData: std::ptr::null_mut() };
            Two { list: AudioBufferList { mNumberBuffers: 1, mBuffers: [both] }, second: none }
        };
        let (from, frames) = (i32::try_from(from).unwrap_or(i32::MAX), frames as i32);
        // SAFETY: the list says how many buffers it has and how many bytes each has room for, and all of that is there;
        // what does not fit or does not exist is answered with an error.
        let status =
            unsafe { sample.copy_pcm_data_into_audio_buffer_list(from, frames, NonNull::from(&mut two).cast()) };
        if status == 0 { Ok(()) } else { Err(format!("sound cannot be read: {status}")) }
    }
}

/// Are the channels apart?
fn is_apart(sample: &CMSampleBuffer) -> Result<bool, String> {
    // SAFETY: reads what the buffer says of itself, or nothing.
    let format = unsafe { sample.format_description() }.ok_or("sound without a format")?;
    // SAFETY: points into the description, which lives until the end of this function; or is null.
    let format: Option<&AudioStreamBasicDescription> =
        unsafe { CMAudioFormatDescriptionGetStreamBasicDescription(&format).as_ref() };
    let format = format.ok_or("sound without a format")?;
    let is_ours = format.mFormatID == kAudioFormatLinearPCM
        && format.mFormatFlags & kAudioFormatFlagIsFloat != 0
        && format.mBitsPerChannel as usize == SAMPLE * 8
        && format.mChannelsPerFrame == u32::from(CHANNELS)
        && format.mSampleRate == f64::from(RATE);
    if !is_ours {
        return Err(format!("the system brings {} channels at {} Hz", format.mChannelsPerFrame, format.mSampleRate));
    }
    Ok(format.mFormatFlags & kAudioFormatFlagIsNonInterleaved != 0)
}
