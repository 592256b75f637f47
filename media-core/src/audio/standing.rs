//! Who of many people is decoded, and who of those is mixed: the loudest, so that a full room costs no more than a small
//! one and stays intelligible. Runs on the engine's thread; pure; no allocation.
//!
//! Two steps every block. Whoever *promises* to be loud is decoded: what the packets say (RFC 6464) is known before their
//! sound is due, so the decoder is awake before the first syllable. Of those, whoever *is* loud by our own measure is
//! mixed. Packets are said to be louder than they are? Whoever says so is believed less and less, and only that person
//! loses by it. Who says nothing is always decoded; who says that nothing can be heard is not. The loudest of those who are
//! mixed are enhanced.

use crate::frame::AudioLevel;

use super::MAX_REMOTES;

/// People mixed at most. Others mix or forward three (Google Meet, Agora), and laughter of a whole room
/// sounds thin there. A ninth voice as loud as the other eight adds half a decibel, which nobody hears.
pub(super) const MIXED: usize = 8;
/// People decoded at most, of those who say how loud they are: the mixed ones, and two whose promise is looked at.
pub(super) const DECODED: usize = 10;

/// Of those mixed, so many are enhanced at most: rarely do more speak at once, and then nobody hears how few bits they have.
pub(super) const ENHANCED: usize = 2;

/// A promise of no more than this is not worth decoding, in dBov: 30 dB below a quiet voice.
const INAUDIBLE: f32 = -75.0;
/// Nothing heard, in dBov.
const SILENT: f32 = -127.0;
/// What was heard counts less by this every block: 20 dB a second. Between words nobody loses the place.
const FADES: f32 = 0.2;
/// Who has a place keeps it unless another is louder by this, in dB: two voices do not take turns.
const KEEPS: f32 = 6.0;
/// Blocks after which promises are held against what was heard: longer than any jitter buffer holds sound back.
const WINDOW: u16 = 150;
/// A promise may be so much louder than what was heard, in dB: other senders measure otherwise.
const FAIR: f32 = 10.0;
/// Doubt that goes away every block in which nothing is decoded: 1 dB a second.
const FORGIVES: f32 = 0.01;

/// Where one remote sound stands among the others.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// A megaphone or the sound of a screen.
    always: bool,
    /// How much louder or quieter it is played, in dB.
    volume: f32,
    /// What its packets said lately, fading; `None` when the last one said nothing.
    said: Option<f32>,
    /// What we heard lately, fading.
    heard: f32,
    /// How much less than what it says it is.
    doubt: f32,
    decoded: bool,
    mixed: bool,
    /// Windows decoded in a row; beyond two they all are alike.
    watched: u8,
    blocks: u16,
    /// Loudest said in this window and the one before.
    window_said: [f32; 2],
    /// Loudest heard in the same.
    window_heard: [f32; 2],
}

impl Standing {
    /// Of a sound that has sent nothing; `always` is decoded and mixed whatever others do, and takes no one's place.
    pub(super) const fn new(always: bool) -> Self {
        Self {
            always,
            volume: 0.0,
            said: None,
            heard: SILENT,
            doubt: 0.0,
            decoded: true,
            mixed: always,
            watched: 0,
            blocks: 0,
            window_said: [SILENT; 2],
            window_heard: [SILENT; 2],
        }
    }

    /// A packet came that says this of its loudness.
    pub(super) fn says(&mut self, level: Option<AudioLevel>) {
        let Some(level) = level else {
            self.said = None;
            return;
        };
        let said = -f32::from(level.below_full.min(127));
        self.said = Some(self.said.unwrap_or(SILENT).max(said));
        self.window_said[0] = self.window_said[0].max(said);
    }

    /// A decoded block was so loud, in dBov.
    pub(super) const fn hears(&mut self, level: f32) {
        self.heard = self.heard.max(level);
        self.window_heard[0] = self.window_heard[0].max(level);
    }

    /// It is played with this gain: who is turned down needs no place.
    pub(super) fn volume(&mut self, gain: f32) {
        self.volume = if gain > 0.0 { 20.0 * gain.log10() } else { SILENT };
    }

    /// Said lately, in dB below full scale.
    pub(super) fn said(&self) -> AudioLevel {
        let below = self.said.map_or(127.0, |said| -said);
        AudioLevel { below_full: below.round().clamp(0.0, 127.0) as u8, voice: false }
    }

    /// Is it decoded?
    pub(super) const fn is_decoded(&self) -> bool {
        self.decoded
    }

    /// Is it to be heard?
    pub(super) const fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// How loud it may be, to be ranked for decoding; `None` when it is decoded anyway.
    pub(super) fn promise(&self) -> Option<f32> {
        if self.always {
            return None;
        }
        let kept = if self.decoded { KEEPS } else { 0.0 };
        Some((self.said? - self.doubt).max(self.heard) + self.volume + kept)
    }

    /// One block later: decoded or not from now on.
    pub(super) fn step(&mut self, bar: &mut Bar) {
        self.decoded = self.promise().is_none_or(|promise| promise > INAUDIBLE && bar.passes(promise));
        self.mixed &= self.decoded;
        self.fade();
    }

    /// How loud it is, to be ranked for the mix; `None` when it is mixed anyway or not decoded.
    pub(super) fn loudness(&self) -> Option<f32> {
        let kept = if self.mixed { KEEPS } else { 0.0 };
        (!self.always && self.decoded).then_some(self.heard + self.volume + kept)
    }

    /// Mixed from now on, or not.
    pub(super) fn seat(&mut self, bar: &mut Bar) {
        self.mixed = self.always || self.loudness().is_some_and(|loudness| bar.passes(loudness));
    }

    /// Is it enhanced from now on?
    pub(super) fn is_enhanced(&self, bar: &mut Bar) -> bool {
        self.mixed && self.loudness().is_none_or(|loudness| bar.passes(loudness))
    }

    fn fade(&mut self) {
        self.said = self.said.map(|said| (said - FADES).max(SILENT));
        self.heard = (self.heard - FADES).max(SILENT);
        if !self.decoded {
            self.doubt = (self.doubt - FORGIVES).max(0.0);
            self.watched = 0;
        }
        self.blocks += 1;
        if self.blocks < WINDOW {
            return;
        }
        self.blocks = 0;
        let [_, said] = self.window_said;
        if self.watched >= 2 && said > SILENT {
            let gap = said - self.window_heard[0].max(self.window_heard[1]);
            self.doubt = if gap > FAIR { gap } else { 0.0 };
        }
        self.watched = (self.watched + u8::from(self.decoded)).min(2);
        self.window_said = [SILENT, self.window_said[0]];
        self.window_heard = [SILENT, self.window_heard[0]];
    }
}

/// How loud everybody is, to find who is among the loudest.
#[derive(Debug)]
pub(super) struct Ranks {
    ranks: [f32; MAX_REMOTES],
    len: usize,
}

impl Ranks {
    /// Of these; more than [`MAX_REMOTES`] are left out.
    pub(super) fn of(ranks: impl Iterator<Item = f32>) -> Self {
        let mut all = Self { ranks: [SILENT; MAX_REMOTES], len: 0 };
        for (to, rank) in all.ranks.iter_mut().zip(ranks) {
            *to = rank;
            all.len += 1;
        }
        all
    }

    /// What one of the `room` loudest passes.
    pub(super) fn bar(mut self, room: usize) -> Bar {
        let ranks = &mut self.ranks[..self.len];
        if ranks.len() <= room || room == 0 {
            return Bar { least: f32::NEG_INFINITY, as_loud: room };
        }
        let (louder, least, _) = ranks.select_nth_unstable_by(room - 1, |a, b| b.total_cmp(a));
        let least = *least;
        let as_loud = room - louder.iter().filter(|rank| **rank > least).count();
        Bar { least, as_loud }
    }
}

/// What the loudest pass.
#[derive(Debug)]
pub(super) struct Bar {
    least: f32,
    /// Of those exactly as loud, so many.
    as_loud: usize,
}

impl Bar {
    fn passes(&mut self, rank: f32) -> bool {
        if rank > self.least {
            return true;
        }
        let room = rank == self.least && self.as_loud > 0;
        self.as_loud -= usize::from(room);
        room
    }
}

#[cfg(test)]
mod tests;
