//! From the microphone's ring to blocks of the engine: mono, 48 kHz, at the engine's pace.
//! Runs on the engine's thread. The device's clock and ours differ; the resampler's ratio is bent so that what waits in
//! the ring stays just enough, and never grows.

use super::resample::Resampler;
use super::steady::{Reserve, Steady};
use crate::channel::RingReader;
use crate::device::StreamFormat;
use crate::frame::{AudioBlock, BLOCK};
use crate::time::MediaTime;

/// Channels of a device, at most.
pub(super) const MAX_CHANNELS: u16 = 32;

/// An attached microphone.
#[derive(Debug)]
pub(super) struct Capture {
    ring: RingReader,
    format: StreamFormat,
    resampler: Resampler,
    steady: Steady,
    raw: Vec<f32>,
    mono: Vec<f32>,
    started: bool,
    underruns: u64,
    reserve: Reserve,
}

impl Capture {
    /// Attaches; `None` when the format is none we take.
    #[must_use]
    pub(super) fn new(ring: RingReader, format: StreamFormat) -> Option<Self> {
        if format.channels == 0 || format.channels > MAX_CHANNELS {
            return None;
        }
        let resampler = Resampler::new(format.rate, crate::frame::SAMPLE_RATE)?;
        Some(Self {
            ring,
            format,
            resampler,
            steady: Steady::new(),
            raw: Vec::new(),
            mono: Vec::new(),
            started: false,
            underruns: 0,
            reserve: Reserve::new(),
        })
    }

    /// One block, `now`. Silence (and `false`) when the device has not delivered enough; `moves`: the engine is changing
    /// when its blocks fall.
    pub(super) fn block(&mut self, out: &mut AudioBlock, now: MediaTime, moves: bool) -> bool {
        let channels = usize::from(self.format.channels);
        let reserve = self.last_call().map(|(at, piece)| self.reserve.step(at, now, piece, moves));
        let wanted = self.resampler.wanted(BLOCK);
        let waiting = self.ring.waiting() / channels;
        // At first, wait for the margin too: a device delivers in pieces, and the first gap comes at once.
        let first = self.frames(self.steady.margin() + reserve.unwrap_or(0.0));
        let enough = if self.started { wanted } else { wanted + first };
        if waiting < enough {
            if self.started {
                self.started = false;
                self.underruns += 1;
                self.steady.ran_dry(self.seconds(enough - waiting));
            }
            out.fill(0.0);
            return false;
        }
        if !self.started {
            // What piled up beyond that before we began is only delay.
            self.skip(waiting - enough);
            self.started = true;
        }
        let left = self.ring.waiting() / channels - wanted;
        let too_much = self.steady.excess(self.seconds(left), reserve);
        if too_much > 0.0 {
            // A stall of ours or theirs: old sound is worth less than delay.
            self.skip(self.frames(too_much));
        }
        self.resampler.bend(self.steady.bend());
        let wanted = self.resampler.wanted(BLOCK);
        self.read(wanted);
        self.resampler.push(&self.mono);
        self.resampler.pull(out);
        for sample in out.iter_mut() {
            if !sample.is_finite() {
                *sample = 0.0;
            }
        }
        true
    }

    /// When the device last brought sound and how much, in seconds, if it tells.
    #[must_use]
    pub(super) fn last_call(&self) -> Option<(MediaTime, f64)> {
        let call = self.ring.last_call()?;
        Some((call.at, self.seconds(call.samples / usize::from(self.format.channels))))
    }

    fn read(&mut self, frames: usize) {
        let channels = usize::from(self.format.channels);
        self.raw.resize(frames * channels, 0.0);
        let got = self.ring.read(&mut self.raw);
        self.raw[got..].fill(0.0);
        self.mono.clear();
        if channels == 1 {
            self.mono.extend_from_slice(&self.raw);
        } else {
            // The first two: further channels of a microphone array are often something else.
            self.mono.extend(self.raw.chunks_exact(channels).map(|frame| (frame[0] + frame[1]) / 2.0));
        }
    }

    fn skip(&mut self, frames: usize) {
        let mut left = frames;
        while left > 0 {
            let piece = left.min(BLOCK);
            self.read(piece);
            left -= piece;
        }
    }

    fn frames(&self, seconds: f64) -> usize {
        (seconds * f64::from(self.format.rate)).round() as usize
    }

    fn seconds(&self, frames: usize) -> f64 {
        frames as f64 / f64::from(self.format.rate)
    }

    /// Sound waiting in the ring.
    #[must_use]
    pub(super) fn waiting(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.seconds(self.ring.waiting() / usize::from(self.format.channels)))
    }

    /// Blocks for which nothing was ready.
    #[must_use]
    pub(super) const fn underruns(&self) -> u64 {
        self.underruns
    }

    /// Samples the ring lost.
    #[must_use]
    pub(super) fn lost(&self) -> u64 {
        self.ring.lost()
    }

    /// The device is gone and everything is read.
    #[must_use]
    pub(super) fn is_over(&self) -> bool {
        self.ring.is_abandoned() && self.ring.waiting() == 0
    }
}
