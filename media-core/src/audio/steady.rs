//! Decides how to bend a resampler so that a ring between two clocks keeps just enough. Pure arithmetic; told the fill once
//! per block of 10 ms.
//!
//! A ring filled in pieces saws up and down, so what counts is its lowest fill: the sound that waits for nothing. How deep it
//! goes below its usual fill is remembered for a while, so that what was late once may be late again. How the clocks differ
//! is learnt from how the fill moves, and outrun exactly: echo cancellation needs a delay that stands still. What is further
//! off was a hold-up, and is bent away. Only while a device begins is sound cut out: what piled up before is nothing anybody
//! listens to yet.

use super::beat::{BLOCK_MICROS, beat_of};
use crate::time::MediaTime;

/// Blocks in a window.
const WINDOW: u32 = 100;
/// Windows remembered.
const MEMORY: usize = 10;
/// Least margin, in seconds, where the device tells when it calls; what its calls need comes from [`Reserve`].
const KNOWN: f64 = 0.001;
/// Least margin where it does not.
const UNKNOWN: f64 = 0.004;
/// Margin to begin with.
const FIRST_MARGIN: f64 = 0.004;
/// Most margin.
const MAX_MARGIN: f64 = 0.060;
/// Added to what was missing when it ran dry.
const MORE: f64 = 0.001;
/// After that nothing is taken away for so many windows.
const HOLD: u32 = 20;
/// Then so much per window.
const LESS: f64 = 0.000_5;
/// Beyond this over the margin, sound is cut out.
const FAR: f64 = 0.080;
/// So much over the margin nothing is bent: between clocks that agree the delay stands perfectly still.
const CALM_OVER: f64 = 0.002;
/// So much under it.
const CALM_UNDER: f64 = 0.000_7;
/// Once bending, until this close.
const CLOSE: f64 = 0.000_4;
/// Clocks differ by no more than this.
const MAX_DRIFT: f64 = 0.000_5;
/// Of what a window tells about the clocks, so much is believed.
const BELIEVED: f64 = 0.25;
/// Bend for a few milliseconds: 1 ms in a second.
const BEND: f64 = 0.001;
/// Bend after a hold-up: 4 ms in a second, inaudible.
const FAST: f64 = 0.004;
/// What only a hold-up brings, or a reserve that is wanted or not wanted any more.
const HELD_UP: f64 = 0.005;

/// Blocks in a window while a device begins.
const FIRST_WINDOW: u32 = 20;
/// Windows of that length: two seconds.
const FIRST_WINDOWS: u32 = 10;
/// So much over the margin is cut out while a device begins: a block, which is what can be left out whole.
const FIRST_FAR: f64 = 0.010;

/// Keeps one ring steady.
#[derive(Debug, Clone)]
pub(super) struct Steady {
    margin: f64,
    lowest: f64,
    sum: f64,
    seen: u32,
    depths: [f64; MEMORY],
    next_depth: usize,
    /// The fill of the window before, unless something was cut since.
    before: Option<f64>,
    /// How much faster the ring fills than it is emptied.
    drift: f64,
    /// How much was bent in the window before.
    last_bent: f64,
    /// What the fill is off by is bent away, besides.
    bend: f64,
    hold: u32,
    /// Windows left in which the device is taken to begin.
    first: u32,
}

impl Default for Steady {
    fn default() -> Self {
        Self::new()
    }
}

impl Steady {
    /// For a device that begins.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self {
            margin: FIRST_MARGIN,
            lowest: f64::INFINITY,
            sum: 0.0,
            seen: 0,
            depths: [0.0; MEMORY],
            next_depth: 0,
            before: None,
            drift: 0.0,
            last_bent: 0.0,
            bend: 0.0,
            hold: 0,
            first: FIRST_WINDOWS,
        }
    }

    /// What should always be waiting, in seconds.
    #[must_use]
    pub(super) const fn margin(&self) -> f64 {
        self.margin
    }

    /// How much faster than nominal the ring should be emptied (or, negated, filled).
    #[must_use]
    pub(super) const fn bend(&self) -> f64 {
        self.drift + self.bend
    }

    /// The ring ran dry, `missing` seconds short: more margin from now on. What comes back at once after a hold-up was
    /// not waited for, so the device is taken to begin anew.
    pub(super) fn ran_dry(&mut self, missing: f64) {
        self.margin = (self.margin + missing + MORE).min(MAX_MARGIN);
        self.hold = HOLD;
        self.first = FIRST_WINDOWS / 2;
        self.bend = 0.0;
        self.before = None;
        self.depths = [0.0; MEMORY];
        self.restart();
    }

    const fn restart(&mut self) {
        self.lowest = f64::INFINITY;
        self.sum = 0.0;
        self.seen = 0;
    }

    /// The fill now, after this block's share, in seconds, and what must be there besides the margin; `None` when the
    /// device does not tell when it calls. Answers how much is to be cut out at once: nearly always 0.
    pub(super) fn excess(&mut self, fill: f64, reserve: Option<f64>) -> f64 {
        self.lowest = self.lowest.min(fill);
        self.sum += fill;
        self.seen += 1;
        if self.seen < if self.first > 0 { FIRST_WINDOW } else { WINDOW } {
            return 0.0;
        }
        let usual = self.sum / f64::from(self.seen);
        // What bending moved within the window is no depth.
        let moved = self.bend.abs() * 0.005 * f64::from(self.seen);
        self.depths[self.next_depth] = (usual - self.lowest - moved).max(0.0);
        self.next_depth = (self.next_depth + 1) % MEMORY;
        self.learn(usual);
        let deepest = self.depths.iter().fold(0.0_f64, |most, depth| most.max(*depth));
        self.restart();
        // A piece that did not come in time shows as a depth: what was seen and what may come are the same, not a sum.
        let error = usual - deepest.max(reserve.unwrap_or(0.0)) - self.margin;
        if self.first > 0 {
            self.first -= 1;
        }
        if error > if self.first > 0 { FIRST_FAR } else { FAR } {
            self.before = None;
            return error;
        }
        if self.hold > 0 {
            self.hold -= 1;
        } else {
            self.margin = (self.margin - LESS).max(if reserve.is_some() { KNOWN } else { UNKNOWN });
        }
        let calm = match (self.bend == 0.0, error > 0.0) {
            (false, _) => CLOSE,
            (true, true) => CALM_OVER,
            (true, false) => CALM_UNDER,
        };
        let size = if error.abs() > HELD_UP { FAST } else { BEND };
        self.bend = if error.abs() <= calm { 0.0 } else { size.copysign(error) };
        0.0
    }

    /// What two windows tell about the clocks, once the device has begun.
    fn learn(&mut self, usual: f64) {
        let bent = self.bend();
        let last_bent = std::mem::replace(&mut self.last_bent, bent);
        if self.first > 0 {
            self.before = None;
            return;
        }
        let Some(before) = self.before.replace(usual) else { return };
        let seconds = f64::from(WINDOW) * 0.010;
        // Between the middles of both windows, half the time was bent so and half the time so.
        let differ = (usual - before) / seconds + (bent + last_bent) / 2.0;
        if differ.abs() < 2.0 * MAX_DRIFT {
            self.drift = (self.drift + (differ - self.drift) * BELIEVED).clamp(-MAX_DRIFT, MAX_DRIFT);
        }
    }
}

/// A call and a block nearer to each other than this may change places, in microseconds.
const NARROW: i64 = 1_500;
/// They will not any more beyond this.
const WIDE: i64 = 2_500;
/// Windows remembered by a reserve.
const WINDOWS: usize = 10;
/// Pieces are not taken for shorter, in microseconds: a device that calls all the time.
const SHORTEST_PIECE: i64 = 250;

/// Whether a piece of the device's, at most a whole block, must wait besides the margin, because the device's calls and the
/// engine's blocks fall so close together that one may come before the other.
#[derive(Debug, Clone)]
pub(super) struct Reserve {
    /// Of each window: how near a call and a block came, and the longest piece.
    windows: [(i64, i64); WINDOWS],
    now: usize,
    seen: u32,
    wanted: bool,
}

impl Reserve {
    const UNSEEN: (i64, i64) = (BLOCK_MICROS, SHORTEST_PIECE);

    /// Nothing is known.
    pub(super) const fn new() -> Self {
        Self { windows: [Self::UNSEEN; WINDOWS], now: 0, seen: 0, wanted: false }
    }

    /// `earlier` must come before `later`, again and again, one of them the device's call with a `piece` of so many seconds;
    /// `moves`: the engine is just changing that. Answers seconds.
    pub(super) fn step(&mut self, earlier: MediaTime, later: MediaTime, piece: f64, moves: bool) -> f64 {
        if moves {
            *self = Self { wanted: self.wanted, ..Self::new() };
        }
        let piece = ((piece * 1e6) as i64).clamp(SHORTEST_PIECE, BLOCK_MICROS);
        let (nearest, longest) = &mut self.windows[self.now];
        *longest = piece.max(*longest);
        if !moves {
            *nearest = beat_of(piece, earlier, later).min(*nearest);
            self.seen += 1;
        }
        let (nearest, longest) = self.windows.iter().fold(Self::UNSEEN, |(a, b), (c, d)| (a.min(*c), b.max(*d)));
        if self.seen >= WINDOW {
            self.seen = 0;
            self.now = (self.now + 1) % WINDOWS;
            self.windows[self.now] = Self::UNSEEN;
            self.wanted = nearest < if self.wanted { WIDE } else { NARROW };
        }
        if self.wanted { longest as f64 / 1e6 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests;
