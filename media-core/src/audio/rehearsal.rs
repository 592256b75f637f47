//! Hearing oneself before a meeting: a few seconds of the microphone are kept in memory, played back once and forgotten.
//! Runs on the engine's thread; pure. Nothing of it is encoded or sent.

use super::level::Meter;
use crate::frame::{AudioBlock, AudioLevel, BLOCK};

/// Blocks recorded: three seconds.
const BLOCKS: usize = 300;
/// Blocks over which the loudness is taken: a tenth of a second.
const SPAN: usize = 10;
/// Blocks between the recording and its playback, so that the end is not cut off by the beginning.
const PAUSE: usize = 30;

/// One recording on its way through.
pub(super) struct Rehearsal {
    samples: Vec<f32>,
    played: usize,
    pause: usize,
    meter: Meter,
    loudest: AudioLevel,
}

impl Rehearsal {
    /// Nothing recorded yet.
    pub(super) fn new() -> Self {
        Self {
            samples: Vec::with_capacity(BLOCKS * BLOCK),
            played: 0,
            pause: 0,
            meter: Meter::new(),
            loudest: AudioLevel { below_full: 127, voice: false },
        }
    }

    fn is_full(&self) -> bool {
        self.samples.len() >= BLOCKS * BLOCK
    }

    /// Takes a block of the microphone; `true` once, when that was the last one.
    pub(super) fn hear(&mut self, block: &AudioBlock) -> bool {
        if self.is_full() {
            return false;
        }
        self.samples.extend_from_slice(block);
        self.meter.push(block);
        if (self.samples.len() / BLOCK).is_multiple_of(SPAN) {
            let level = self.meter.take();
            self.loudest.below_full = self.loudest.below_full.min(level.below_full);
            self.loudest.voice |= level.voice;
        }
        self.is_full()
    }

    /// Adds what is played now; how loud the loudest tenth of a second was when all is played.
    pub(super) fn add(&mut self, mix: &mut AudioBlock) -> Option<AudioLevel> {
        if !self.is_full() {
            return None;
        }
        if self.pause < PAUSE {
            self.pause += 1;
            return None;
        }
        let end = (self.played + BLOCK).min(self.samples.len());
        for (to, from) in mix.iter_mut().zip(&self.samples[self.played..end]) {
            *to += from;
        }
        self.played = end;
        (end == self.samples.len()).then_some(self.loudest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_played_once_and_its_loudness_told() {
        let mut rehearsal = Rehearsal::new();
        let mut mix = [0.0; BLOCK];
        assert_eq!(rehearsal.add(&mut mix), None);
        for n in 0..BLOCKS {
            // Loud in the second second only.
            let loud = if (100..200).contains(&n) { 0.1 } else { 0.0 };
            assert_eq!(rehearsal.hear(&[loud; BLOCK]), n == BLOCKS - 1);
            assert_eq!(rehearsal.add(&mut mix), None);
        }
        assert!(!rehearsal.hear(&[1.0; BLOCK]), "it is full");
        let (mut played, mut ended) = (Vec::new(), None);
        while ended.is_none() {
            let mut mix = [0.25; BLOCK];
            ended = rehearsal.add(&mut mix);
            played.push(mix[0] - 0.25);
            assert!(played.len() <= BLOCKS + PAUSE, "it ends");
        }
        assert_eq!(ended.map(|l| l.below_full), Some(20));
        assert_eq!(played.iter().filter(|s| **s > 0.09).count(), 100);
    }
}
