//! One remote sound: opened, put in order, decoded, played at the engine's pace.
//! Runs on the engine's thread; pure and bounded.

use super::level::{Meter, is_quiet};
use super::mix::{Mix, Place};
use super::opus::{Decoder, OpusError};
use super::rate::Report;
use super::redundancy;
use super::resample::Resampler;
use super::skipped::Skipped;
use super::standing::Standing;
use super::{Pan, RemoteAudio, RemoteStats};
use crate::e2ee::{OpenFrame, Opening};
use crate::frame::{AudioBlock, AudioLevel, BLOCK, Codec, SAMPLE_RATE};
use crate::receive::TrackState;
use crate::receive::jitter::{Carried, Jitter, Next};
use crate::rtp::{MTU, Packet};
use crate::time::MediaTime;

/// While somebody speaks, within this of the target nothing is bent: a delay that stands still is worth more than a few
/// milliseconds, and what was late once may be late again.
const FAR: i64 = 30 * 48;
/// Once bending in speech, until this close; in the pauses, where bending is not heard, it begins here.
const NEAR: i64 = 12 * 48;
/// Once bending in a pause, until this close.
const CLOSE: i64 = 2 * 48;
/// Bend per sample of error: 20 ms off is corrected at 1 %.
const PULL: f64 = 0.01 / 960.0;
const MIN_BEND: f64 = 0.004;
const MAX_BEND: f64 = 0.01;
/// In the pauses.
const QUIET_BEND: f64 = 0.02;
/// Beyond this much too late, quiet frames are left out.
const CUT_QUIET: i64 = 60 * 48;
/// Beyond this, any frame.
const CUT_ANY: i64 = 150 * 48;
/// Samples over which two pieces are blended, or sound fades in and out.
const FADE: usize = 240;

/// A remote sound.
pub(super) struct Remote {
    kind: RemoteAudio,
    opening: Opening,
    jitter: Jitter,
    decoder: Decoder,
    resampler: Resampler,
    /// Decoded and not yet resampled.
    pcm: Vec<f32>,
    /// Of a frame left out: its beginning, to be blended into what follows.
    seam: Vec<f32>,
    silent: bool,
    bending: bool,
    /// The last block was.
    quiet: bool,
    state: TrackState,
    wanted_gain: f32,
    pan: Pan,
    place: Place,
    /// Among the others.
    pub(super) standing: Standing,
    /// What came while it was not decoded.
    skipped: Skipped,
    meter: Meter,
    concealed: u64,
    restored: u64,
    unopened: u64,
    dropped: u64,
    /// Packets received when it was last asked.
    reported: u64,
}

impl Remote {
    /// A track that has sent nothing.
    ///
    /// # Errors
    /// The decoder did not start.
    pub(super) fn new(kind: RemoteAudio, opening: Opening) -> Result<Self, OpusError> {
        Ok(Self {
            kind,
            opening,
            jitter: Jitter::new(),
            decoder: Decoder::new()?,
            resampler: Resampler::new(SAMPLE_RATE, SAMPLE_RATE).ok_or(OpusError::Failed("no resampler"))?,
            pcm: Vec::with_capacity(4 * BLOCK),
            seam: Vec::with_capacity(FADE),
            silent: true,
            bending: false,
            quiet: true,
            state: TrackState::Waiting,
            wanted_gain: 1.0,
            pan: Pan::CENTRE,
            place: Place::new(),
            standing: Standing::new(kind != RemoteAudio::Microphone),
            skipped: Skipped::default(),
            meter: Meter::new(),
            concealed: 0,
            restored: 0,
            unopened: 0,
            dropped: 0,
            reported: 0,
        })
    }

    /// Takes a packet; answers the state when it changed.
    pub(super) fn packet(&mut self, packet: &Packet, at: MediaTime) -> Option<TrackState> {
        if packet.payload.is_empty() || packet.payload.len() > 2 * MTU {
            return None;
        }
        let state = match self.opening.open(Codec::Opus, &packet.payload) {
            Ok(payload) => {
                // In a plain meeting anything may be in there; in a sealed one the sender may still be broken.
                let samples = Decoder::samples(&payload)?;
                self.jitter.insert(packet.sequence, packet.rtp_time, samples, payload.clone(), at);
                self.standing.says(packet.level);
                for (copy, rank) in redundancy::carried(&payload).zip(1..) {
                    // A copy is as foreign as its carrier.
                    if let Some(samples) = Decoder::samples(copy.packet) {
                        let of = (packet.sequence, packet.rtp_time);
                        let payload = payload.slice_ref(copy.packet);
                        let carried = Carried { rank, back: copy.back, earlier: copy.earlier };
                        self.jitter.insert_carried(of, carried, samples, payload, at);
                    }
                }
                TrackState::Playing
            }
            // Blank frames the server makes when a track is muted.
            Err(OpenFrame::ServerInjected) => return None,
            Err(error) => {
                self.unopened += 1;
                match error {
                    OpenFrame::NotSealed => TrackState::NotSealed,
                    OpenFrame::WrongKey | OpenFrame::NoKey(_) => TrackState::WrongKey,
                    OpenFrame::ServerInjected | OpenFrame::Malformed | OpenFrame::TooLarge(_) => return None,
                }
            }
        };
        if state == self.state {
            return None;
        }
        self.state = state;
        Some(state)
    }

    /// The next block.
    pub(super) fn block(&mut self, now: MediaTime, out: &mut AudioBlock) {
        let bend = self.bend(now);
        self.resampler.bend(bend);
        let wanted = self.resampler.wanted(BLOCK);
        // Bounded: every round adds a frame, and a frame is at least 2.5 ms.
        for _ in 0..16 {
            if self.pcm.len() >= wanted {
                break;
            }
            self.feed(now);
        }
        let take = wanted.min(self.pcm.len());
        self.resampler.push(&self.pcm[..take]);
        self.pcm.drain(..take);
        self.resampler.pull(out);
        self.meter.push(out);
        self.quiet = is_quiet(out);
        self.standing.hears(self.meter.last());
    }

    /// Decodes from now on, or not. While it still sounds it is decoded whatever is asked: it fades out first.
    pub(super) fn listen(&mut self, listen: bool) {
        let listen = listen || !self.place.is_silent();
        if listen {
            // The decoder goes on from what it missed, and what comes then fades in.
            self.skipped.catch_up(&mut self.decoder);
        } else {
            self.skipped.begin();
            self.silent = true;
        }
    }

    /// Enhances speech of few bits from the next packet on, or not any more from the next pause on.
    pub(super) fn enhance(&mut self, enhance: bool) {
        if !enhance && !self.quiet {
            return;
        }
        if let Err(error) = self.decoder.enhance(enhance) {
            tracing::error!(%error, "the decoder does not do as it is told");
        }
    }

    /// How much faster than nominal to play.
    fn bend(&mut self, now: MediaTime) -> f64 {
        let error = self.jitter.error(now, self.pcm.len());
        let (allowed, most) = match (self.quiet, self.bending) {
            (true, false) => (NEAR, QUIET_BEND),
            (true, true) => (CLOSE, QUIET_BEND),
            (false, true) => (NEAR, MAX_BEND),
            (false, false) => (FAR, MAX_BEND),
        };
        self.bending = error.abs() > allowed;
        let size = (error.abs() as f64 * PULL).clamp(MIN_BEND, most);
        if self.bending { size.copysign(error as f64) } else { 0.0 }
    }

    fn feed(&mut self, now: MediaTime) {
        let from = self.pcm.len();
        let next = self.jitter.next(now, from);
        if self.skipped.is_on() {
            self.pcm.resize(from + self.skipped.skip(next), 0.0);
            return;
        }
        match next {
            Next::Packet(payload) => {
                let Ok(samples) = self.decoder.decode(&payload) else {
                    self.conceal(2 * BLOCK);
                    return;
                };
                let error = self.jitter.error(now, from + samples.len());
                let cut = error > CUT_ANY || (error > CUT_QUIET && is_quiet(samples));
                // One at a time: the next one must be heard again.
                if cut && self.seam.is_empty() && samples.len() >= FADE {
                    self.seam.extend_from_slice(&samples[..FADE]);
                    self.dropped += (samples.len() / BLOCK) as u64;
                    return;
                }
                self.pcm.extend_from_slice(samples);
                self.blend(from);
            }
            Next::Restore { next, before, samples } => match self.decoder.restore(&next, before, samples) {
                Ok(samples) => {
                    self.pcm.extend_from_slice(samples);
                    self.restored += 1;
                    self.blend(from);
                }
                Err(_) => self.conceal(samples),
            },
            Next::Conceal(samples) => self.conceal(samples),
            Next::Silence => {
                if !self.silent {
                    // Let what was made up die away rather than stop.
                    self.silent = true;
                    if let Ok(samples) = self.decoder.conceal(BLOCK) {
                        let n = samples.len() as f32;
                        self.pcm.extend(samples.iter().enumerate().map(|(i, s)| s * (1.0 - i as f32 / n)));
                        return;
                    }
                }
                self.pcm.resize(from + BLOCK, 0.0);
            }
        }
    }

    fn conceal(&mut self, samples: usize) {
        self.concealed += (samples / BLOCK) as u64;
        let from = self.pcm.len();
        match self.decoder.conceal(samples) {
            Ok(made) => self.pcm.extend_from_slice(made),
            Err(_) => self.pcm.resize(from + samples, 0.0),
        }
        self.blend(from);
    }

    /// Joins what begins at `from` to what came before it.
    fn blend(&mut self, from: usize) {
        let fresh = &mut self.pcm[from..];
        if !self.seam.is_empty() {
            for (i, (new, old)) in fresh.iter_mut().zip(&self.seam).enumerate() {
                let t = i as f32 / FADE as f32;
                *new = old * (1.0 - t) + *new * t;
            }
            self.seam.clear();
        }
        if self.silent {
            self.silent = false;
            for (i, sample) in fresh.iter_mut().take(FADE).enumerate() {
                *sample *= i as f32 / FADE as f32;
            }
        }
    }

    /// Adds a block to the mix.
    pub(super) fn mix(&mut self, block: &AudioBlock, duck: f32, to: &mut Mix) {
        let duck = match self.kind {
            RemoteAudio::Megaphone => 1.0,
            RemoteAudio::Microphone | RemoteAudio::Screen => duck,
        };
        let gain = if self.standing.is_mixed() { self.wanted_gain * duck } else { 0.0 };
        self.place.add(block, to, gain, self.pan);
    }

    /// How loud to play it.
    pub(super) fn set_gain(&mut self, gain: f32) {
        self.wanted_gain = if gain.is_nan() { 1.0 } else { gain.clamp(0.0, 4.0) };
        self.standing.volume(self.wanted_gain);
    }

    /// Where to play it.
    pub(super) const fn set_pan(&mut self, pan: Pan) {
        self.pan = pan;
    }

    /// Is it played elsewhere than in the middle?
    pub(super) fn is_aside(&self) -> bool {
        self.pan != Pan::CENTRE || self.place.is_aside()
    }

    /// Is a megaphone speaking?
    #[must_use]
    pub(super) fn speaks_over(&self) -> bool {
        self.kind == RemoteAudio::Megaphone && self.meter.hears_voice()
    }

    /// How its packets fared, if any came since the last call.
    pub(super) fn report(&mut self) -> Option<Report> {
        let received = self.jitter.stats().received;
        let any = std::mem::replace(&mut self.reported, received) != received;
        any.then(|| Report { loss: self.jitter.loss(), queued: self.jitter.queued(), rtt: None })
    }

    /// The level since the last call.
    pub(super) fn level(&mut self) -> AudioLevel {
        let measured = self.meter.take();
        // Who is not decoded still shows in the list of people.
        if self.skipped.is_on() { self.standing.said() } else { measured }
    }

    /// Counters and measures.
    #[must_use]
    pub(super) fn stats(&self, now: MediaTime) -> RemoteStats {
        let jitter = self.jitter.stats();
        RemoteStats {
            received: jitter.received,
            late: jitter.late,
            lost: jitter.lost,
            loss: self.jitter.loss(),
            queued: self.jitter.queued(),
            carried: jitter.carried,
            restored: self.restored,
            concealed: self.concealed,
            unopened: self.unopened,
            overflowed: jitter.overflowed,
            dropped_blocks: self.dropped,
            target: self.jitter.target(),
            // The block of `now` is played already.
            delay: self.jitter.delay(now, self.pcm.len() + BLOCK),
        }
    }
}
