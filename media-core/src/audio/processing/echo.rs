//! Takes the sound of our own speaker out of the microphone: finds the delay, predicts the echo, lowers what is left.
//! Runs on the engine's thread; pure. Allocates when made and when the delay changes.
//!
//! Ours rather than a library's: the best there is in Rust (a port of WebRTC's AEC3) took more of a near voice away while
//! both spoke, and needed seconds to find a delay that jumped.

mod delay;
mod filter;
mod residual;

use delay::{Delay, LAGS};
use filter::Filter;
use residual::Residual;

use super::CancelEcho;
use crate::frame::{AudioBlock, BLOCK};

/// Blocks of the way from speaker to microphone that are learned: 240 ms of room.
const WAY: usize = 24;
/// Played sound kept: the longest delay and the way after it.
const KEPT: usize = (LAGS + WAY + 4) * BLOCK;
/// So much of the way is kept free before the first echo, in samples: 15 ms, because a delay found may be off by a pitch.
const FREE: i64 = 720;
/// Up to this delay the filter reaches by itself: 100 ms.
const IN_REACH: i64 = 4_800;

/// The echo canceller.
#[derive(Debug)]
pub(super) struct Echo {
    delay: Delay,
    filter: Filter,
    residual: Residual,
    /// What was played, the newest last.
    played: Vec<f32>,
    /// The delay at which the filter's way begins, in samples.
    begin: i64,
    /// The delay found last.
    found: Option<i64>,
    predicted: AudioBlock,
    rest: AudioBlock,
}

impl Echo {
    /// Knows nothing of the room yet.
    #[must_use]
    pub(super) fn new() -> Self {
        Self {
            delay: Delay::new(),
            filter: Filter::new(WAY),
            residual: Residual::new(),
            played: vec![0.0; KEPT],
            begin: 0,
            found: None,
            predicted: [0.0; BLOCK],
            rest: [0.0; BLOCK],
        }
    }

    fn follow(&mut self, found: i64) {
        let before = self.found.replace(found);
        if before.is_none() && found < IN_REACH {
            return;
        }
        let begin = (found - FREE).clamp(0, (LAGS * BLOCK) as i64);
        // The room stays the same: its echo lies where it lay, after the delay. At first only the view of it moves.
        let path = before.map_or(0, |before| found - before);
        let by = path - (begin - self.begin);
        self.begin = begin;
        let end = self.end() - BLOCK;
        self.filter.shift(by, &self.played[end - (WAY + 1) * BLOCK..end]);
    }

    /// Where the newest block that can be heard now ends.
    fn end(&self) -> usize {
        KEPT - usize::try_from(self.begin).unwrap_or(0)
    }
}

impl CancelEcho for Echo {
    fn block(&mut self, played: &AudioBlock, heard: &mut AudioBlock) {
        self.played.copy_within(BLOCK.., 0);
        self.played[KEPT - BLOCK..].copy_from_slice(played);
        if let Some(found) = self.delay.block(played, heard) {
            self.follow(found);
        }
        let end = self.end();
        let mut reference = [0.0; BLOCK];
        reference.copy_from_slice(&self.played[end - BLOCK..end]);
        self.filter.block(&reference, heard, &mut self.predicted, &mut self.rest);
        self.residual.block(&self.predicted, self.filter.missed(), self.delay.is_elsewhere(), &mut self.rest);
        *heard = self.rest;
    }
}

#[cfg(test)]
mod tests;
