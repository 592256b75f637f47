//! From packets in their order to an even stream of blocks: decodes what the jitter buffer gives, makes up what is missing,
//! and keeps the delay where it should be by leaving out and adding single periods of what is heard.
//! Runs on the engine's thread; pure and bounded.

use libopus::packet;

use super::level::is_quiet;
use super::opus::{Decoder, OpusError};
use super::skipped::Skipped;
use super::stretch::{FADE, LONGEST, SHORTEST, Stretch};
use crate::frame::{AudioBlock, BLOCK};
use crate::receive::jitter::{Jitter, Next};
use crate::time::MediaTime;

/// In speech we may be later by this without anything being done, and, where the network is not quiet, by a share of what is
/// aimed at: a delay that stands still is worth more than a few milliseconds, and what was late once may be late again.
const NEAR: i64 = 2 * 48;
/// What is aimed at on a quiet network: [`MIN_TARGET`](crate::receive::jitter::MIN_TARGET).
const QUIET: i64 = 5 * 48;
/// In the pauses, where nothing is heard of it, less.
const NEAR_IN_PAUSES: i64 = 2 * 48;
/// Once something is done, until it is off by no more than this part of what is allowed.
const CLOSE: i64 = 3;
/// This far off, periods follow each other quickly.
const FAR: i64 = 40 * 48;
/// Blocks between two periods.
const REST: u32 = 10;
/// The same when far off, or where it is not heard.
const SHORT_REST: u32 = 2;
/// How alike two pieces must be to be blended while somebody speaks.
const ALIKE: f32 = 0.9;
/// So much less when off by [`VERY_FAR`].
const LENIENT: f32 = 0.3;
/// See [`LENIENT`].
const VERY_FAR: i64 = 100 * 48;
/// And so much less for each block in which nothing was alike enough: there are sounds without any period.
const PATIENCE: f32 = 0.002;
/// The same when far off.
const LITTLE_PATIENCE: f32 = 0.01;
/// Packets may be looked for so much too early, as they and ticks do not meet; when earlier by a share of what is aimed at,
/// something is done.
const EARLY: i64 = 7 * 24;
/// See where it is used.
const MOVES: i64 = 8 * 48;
/// Beyond this much too late, whole frames are left out.
const CUT: i64 = 150 * 48;
/// Since the sound began, clocks or the network have moved by this.
const DRIFT: i64 = 24;
/// Samples of the longest packet.
const LONGEST_FRAME: usize = 120 * 48;
/// Speech of this many bits a second needs no enhancing: it would only be changed (PESQ .015 worse at 56 kbit/s). Compared
/// with the longest packets of late, which are longer by a third than all of them.
const RICH: f32 = 52_000.0;
/// How the longest packets are forgotten, with each: half of them in twelve seconds.
const FORGETS: f32 = 0.9989;
/// Sound kept decoded so that a period is found in it.
const WANTED: usize = BLOCK + LONGEST + FADE;

/// What turns packets into sound.
pub(super) trait Decode {
    /// See [`Decoder::decode`].
    fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError>;
    /// See [`Decoder::restore`].
    fn restore(&mut self, next: &[u8], before: usize, samples: usize) -> Result<&[f32], OpusError>;
    /// See [`Decoder::conceal`].
    fn conceal(&mut self, samples: usize) -> Result<&[f32], OpusError>;
    /// See [`Decoder::enhance`].
    fn enhance(&mut self, enhanced: bool) -> Result<(), OpusError>;
}

impl Decode for Decoder {
    fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError> {
        Self::decode(self, packet)
    }

    fn restore(&mut self, next: &[u8], before: usize, samples: usize) -> Result<&[f32], OpusError> {
        Self::restore(self, next, before, samples)
    }

    fn conceal(&mut self, samples: usize) -> Result<&[f32], OpusError> {
        Self::conceal(self, samples)
    }

    fn enhance(&mut self, enhanced: bool) -> Result<(), OpusError> {
        Self::enhance(self, enhanced)
    }
}

/// What was done to the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Played {
    /// Blocks made up.
    pub(super) concealed: u64,
    /// Frames restored.
    pub(super) restored: u64,
    /// Blocks cut out.
    pub(super) dropped: u64,
    /// Periods left out or added.
    pub(super) stretched: u64,
}

/// Plays one sound.
#[derive(Debug)]
pub(super) struct Player<D = Decoder> {
    pub(super) jitter: Jitter,
    decoder: D,
    stretch: Stretch,
    /// Decoded and not yet played.
    pcm: Vec<f32>,
    /// Of a frame left out: its beginning, to be blended into what follows.
    seam: Vec<f32>,
    silent: bool,
    /// What came while it was not decoded.
    skipped: Skipped,
    /// How far off the delay was when the sound began.
    began: Option<i64>,
    /// The delay is being corrected.
    correcting: bool,
    /// Blocks since a period was left out or added.
    rested: u32,
    /// How much less alike two pieces may be because nothing was found for a while.
    eager: f32,
    /// Bits a second of the longest packets of late.
    bits: f32,
    done: Played,
}

impl<D: Decode> Player<D> {
    /// Has played nothing.
    pub(super) fn new(decoder: D) -> Self {
        Self {
            jitter: Jitter::new(),
            decoder,
            stretch: Stretch::new(),
            pcm: Vec::with_capacity(WANTED + LONGEST_FRAME + LONGEST),
            seam: Vec::with_capacity(FADE),
            silent: true,
            skipped: Skipped::default(),
            began: None,
            correcting: false,
            rested: 0,
            eager: 0.0,
            bits: 0.0,
            done: Played::default(),
        }
    }

    /// The next block; `voice`: somebody may be speaking.
    pub(super) fn block(&mut self, now: MediaTime, voice: bool, out: &mut AudioBlock) {
        self.fill(now);
        self.correct(now, voice);
        let take = BLOCK.min(self.pcm.len());
        let (here, missing) = out.split_at_mut(take);
        here.copy_from_slice(&self.pcm[..take]);
        missing.fill(0.0);
        self.pcm.drain(..take);
        self.stretch.played(out);
    }

    /// The delay now is later than aimed at by so many samples; negative: earlier.
    fn error(&self, now: MediaTime) -> i64 {
        self.jitter.error(now, self.pcm.len())
    }

    /// Sound that is decoded and waits.
    pub(super) const fn waiting(&self) -> usize {
        self.pcm.len()
    }

    /// Decodes from now on, or lets packets pass in silence.
    pub(super) fn listen(&mut self, listen: bool) {
        if listen {
            // The decoder goes on from what it missed, and what comes then fades in.
            self.skipped.catch_up(&mut self.decoder);
        } else {
            self.skipped.begin();
            self.silent = true;
        }
    }

    /// Is it decoded?
    pub(super) const fn listens(&self) -> bool {
        !self.skipped.is_on()
    }

    /// Enhances speech of few bits, or not.
    pub(super) fn enhance(&mut self, enhanced: bool) -> Result<(), OpusError> {
        self.decoder.enhance(enhanced)
    }

    /// Has the sound few bits?
    pub(super) fn is_poor(&self) -> bool {
        self.bits < RICH
    }

    /// What was done so far.
    pub(super) const fn done(&self) -> Played {
        self.done
    }

    fn fill(&mut self, now: MediaTime) {
        // Bounded: every round adds a frame, and a frame is at least 2.5 ms.
        for _ in 0..16 {
            if self.pcm.len() >= BLOCK {
                break;
            }
            self.feed(now);
        }
    }

    /// Takes a step towards the delay aimed at, where it is due and not heard.
    fn correct(&mut self, now: MediaTime, voice: bool) {
        self.rested = self.rested.saturating_add(1);
        let error = self.error(now);
        let aimed = i64::try_from(self.jitter.target().as_micros()).unwrap_or(0) * 48 / 1000;
        let share = (aimed * 3 / 4).min((aimed - QUIET).max(0));
        let late = if voice { NEAR + share } else { NEAR_IN_PAUSES + (aimed / 4).min(share) };
        let late = error > if self.correcting { late / CLOSE } else { late };
        // Packets are looked for once less than a block is left, so what is left then is no help against late ones.
        let ahead = error - self.rest();
        // Nothing to mend where it began so: the tick nearest to what is aimed at.
        let began = if self.silent { ahead } else { *self.began.get_or_insert(ahead) };
        // Where much is aimed at, it is for copies of what was lost, and the aim moves more than a voice should.
        let early = EARLY + if voice && !self.correcting { (aimed / 8).max(aimed * 5 / 8 - MOVES) } else { 0 };
        let early = ahead < -early && ahead < began - DRIFT;
        self.correcting = late || early;
        if !self.correcting {
            self.eager = 0.0;
            return;
        }
        let off = error.abs();
        if self.rested < if off > FAR || !voice { SHORT_REST } else { REST } {
            return;
        }
        // What is here anyway may be decoded a little earlier.
        while late && self.pcm.len() < WANTED && self.jitter.ready() {
            self.feed(now);
        }
        let pause = is_quiet(&self.pcm) || (!voice && self.stretch.goes_on(&self.pcm));
        let very = off.min(VERY_FAR) as f32 / VERY_FAR as f32;
        let alike = if pause { -1.0 } else { ALIKE - LENIENT * very - self.eager };
        let changed = if late { self.sooner(error, pause, alike) } else { self.later(error, pause, alike) };
        if changed > 0 {
            self.done.stretched += 1;
            self.rested = 0;
            self.eager = 0.0;
        } else {
            self.eager += if off > FAR { LITTLE_PATIENCE } else { PATIENCE };
        }
    }

    /// What will be left of what is decoded when the next packet is looked for.
    fn rest(&self) -> i64 {
        (self.pcm.len() % BLOCK) as i64
    }

    /// Leaves a period out, but none that makes the next packet be looked for too early. In a pause
    /// any length does, so the one that is wanted. Of what will be left when the next packet is looked for, more may go than
    /// is aimed at: it is no help against late packets.
    fn sooner(&mut self, error: i64, pause: bool, alike: f32) -> usize {
        let rest = self.rest();
        let ticks = (error - rest + EARLY).div_euclid(BLOCK as i64);
        let useless = rest.min(error + EARLY);
        let most = usize::try_from((rest + ticks * BLOCK as i64).max(useless))
            .unwrap_or(0)
            .min(self.pcm.len().saturating_sub(BLOCK));
        let most = most.min(LONGEST);
        self.stretch.shorten(&mut self.pcm, if pause { most } else { 0 }..=most, alike)
    }

    /// Adds a period, one that makes the next packet be looked for at least a tick later if there is any.
    fn later(&mut self, error: i64, pause: bool, alike: f32) -> usize {
        let rest = self.rest();
        let ticks = (rest - error - EARLY).div_euclid(BLOCK as i64).max(0) + 1;
        let least = usize::try_from(BLOCK as i64 - rest).unwrap_or(0).max(SHORTEST);
        let wanted = usize::try_from(ticks * BLOCK as i64 - rest).unwrap_or(0).clamp(SHORTEST, LONGEST);
        let periods = if pause { wanted..=wanted } else { least..=LONGEST.min(least + BLOCK) };
        self.stretch.lengthen(&mut self.pcm, periods, alike)
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
                let bits = (8 * 48_000 * packet::sound(&payload)) as f32 / samples.len().max(1) as f32;
                self.bits = bits.max(self.bits * FORGETS);
                let error = self.jitter.error(now, from + samples.len());
                // One at a time: the next one must be heard again.
                if error > CUT && self.seam.is_empty() && samples.len() >= FADE {
                    self.seam.extend_from_slice(&samples[..FADE]);
                    self.done.dropped += (samples.len() / BLOCK) as u64;
                    return;
                }
                self.pcm.extend_from_slice(samples);
                self.join(from);
            }
            Next::Restore { next, before, samples } => match self.decoder.restore(&next, before, samples) {
                Ok(samples) => {
                    self.pcm.extend_from_slice(samples);
                    self.done.restored += 1;
                    self.join(from);
                }
                Err(_) => self.conceal(samples),
            },
            Next::Conceal(samples) => self.conceal(samples),
            Next::Silence => {
                if !self.silent {
                    // Let what was made up die away rather than stop.
                    self.silent = true;
                    self.began = None;
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
        self.done.concealed += (samples / BLOCK) as u64;
        let from = self.pcm.len();
        match self.decoder.conceal(samples) {
            Ok(made) => self.pcm.extend_from_slice(made),
            Err(_) => self.pcm.resize(from + samples, 0.0),
        }
        self.join(from);
    }

    /// Joins what begins at `from` to what came before it.
    fn join(&mut self, from: usize) {
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
}

#[cfg(test)]
mod tests;
