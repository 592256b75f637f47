//! From blocks of the engine to the speaker's ring: the device's rate and channels, at the device's pace.
//! Runs on the engine's thread. The ring is primed so that the device never finds it empty in ordinary use, and the
//! resampler is bent so that it neither runs dry nor grows.

use super::sides::Sides;
use super::steady::{Reserve, Steady};
use crate::channel::RingWriter;
use crate::device::StreamFormat;
use crate::frame::AudioBlock;
use crate::time::MediaTime;

/// Beyond this nothing is written: the device does not read.
const STUCK: f64 = 0.25;
/// And this while it may not have begun: what piles up before is only delay.
const NOT_BEGUN: f64 = 0.05;
/// Taken to be missing when the ring was found empty.
const MISSING: f64 = 0.004;
/// Length of a block of the engine.
const BLOCK_SECONDS: f64 = 0.010;
/// Samples over which what follows sound that was left out is blended in.
const FADE: usize = 240;

/// An attached speaker.
#[derive(Debug)]
pub(super) struct Playout {
    ring: RingWriter,
    format: StreamFormat,
    sides: Sides,
    steady: Steady,
    /// Interleaved, as the device wants it.
    raw: Vec<f32>,
    underruns: u64,
    started: bool,
    reserve: Reserve,
    /// Blocks to leave out yet.
    left_out: usize,
    /// How the first of them began, left and right.
    seam: Option<[[f32; FADE]; 2]>,
}

impl Playout {
    /// Attaches; `None` when the format is none we take.
    #[must_use]
    pub(super) fn new(ring: RingWriter, format: StreamFormat) -> Option<Self> {
        if format.channels == 0 || format.channels > super::capture::MAX_CHANNELS {
            return None;
        }
        let sides = Sides::new(format.rate)?;
        Some(Self {
            ring,
            format,
            sides,
            steady: Steady::new(),
            raw: Vec::new(),
            underruns: 0,
            started: false,
            reserve: Reserve::new(),
            left_out: 0,
            seam: None,
        })
    }

    /// Left and right may differ.
    #[must_use]
    pub(super) const fn is_stereo(&self) -> bool {
        self.format.channels > 1
    }

    /// Writes one block, left and right, `now`; `moves`: the engine is changing when its blocks fall. A device of one
    /// channel plays the left side.
    pub(super) fn block(&mut self, mut sides: [AudioBlock; 2], now: MediaTime, moves: bool) {
        let waiting = self.fill();
        let called = self.last_call();
        if waiting > if called.is_some() { STUCK } else { NOT_BEGUN } {
            return;
        }
        let reserve = called.map(|(at, piece)| self.reserve.step(now, at, piece, moves));
        if self.ring.waiting() == 0 {
            if self.started {
                self.underruns += 1;
                self.steady.ran_dry(MISSING);
            }
            self.started = true;
            self.write_silence(self.steady.margin() + reserve.unwrap_or(0.0));
        }
        let too_much = self.steady.excess(self.fill(), reserve);
        if too_much > 0.0 {
            // Too much waits and bending would take seconds: leave out whole blocks, this one first.
            self.left_out = (too_much / BLOCK_SECONDS).round().max(1.0) as usize;
        }
        if self.left_out > 0 {
            self.left_out -= 1;
            self.seam.get_or_insert_with(|| sides.map(|side| std::array::from_fn(|n| side[n])));
            return;
        }
        if let Some(seam) = self.seam.take() {
            for (side, seam) in sides.iter_mut().zip(&seam) {
                for (n, (new, old)) in side.iter_mut().zip(seam).enumerate() {
                    let t = n as f32 / FADE as f32;
                    *new = old * (1.0 - t) + *new * t;
                }
            }
        }
        // Here more waiting means: make fewer samples of the same sound.
        self.sides.bend(self.steady.bend());
        let (left, right) = self.sides.convert(&sides[0], &sides[1]);
        let channels = usize::from(self.format.channels);
        if channels == 1 {
            self.ring.write(left);
            return;
        }
        self.raw.clear();
        for (left, right) in left.iter().zip(right) {
            // The subwoofer and the rear stay silent.
            self.raw.extend([*left, *right]);
            self.raw.extend(std::iter::repeat_n(0.0, channels - 2));
        }
        self.ring.write(&self.raw);
    }

    /// When the device last fetched sound and how much, in seconds, if it tells.
    #[must_use]
    pub(super) fn last_call(&self) -> Option<(MediaTime, f64)> {
        self.ring.last_call().map(|call| (call.at, self.seconds(call.samples)))
    }

    fn write_silence(&mut self, seconds: f64) {
        let frames = (seconds * f64::from(self.format.rate)) as usize;
        self.raw.clear();
        self.raw.resize(frames * usize::from(self.format.channels), 0.0);
        self.ring.write(&self.raw);
    }

    fn fill(&self) -> f64 {
        self.seconds(self.ring.waiting())
    }

    /// Of samples of all channels together.
    fn seconds(&self, samples: usize) -> f64 {
        (samples / usize::from(self.format.channels)) as f64 / f64::from(self.format.rate)
    }

    /// Sound waiting in the ring.
    #[must_use]
    pub(super) fn waiting(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.fill())
    }

    /// Times the ring was found empty.
    #[must_use]
    pub(super) const fn underruns(&self) -> u64 {
        self.underruns
    }

    /// The device is gone.
    #[must_use]
    pub(super) fn is_over(&self) -> bool {
        self.ring.is_abandoned()
    }
}
