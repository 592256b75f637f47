//! Decides how to bend a resampler so that a ring between two clocks keeps a small margin.
//! Pure arithmetic; told the fill once per block of 10 ms.
//!
//! A ring filled in pieces saws up and down, so only the lowest fill of each second counts: that is the sound that waits
//! for nothing. Clocks differ by 200 ppm at most, which a small bend outruns; what is further off was a hold-up, and
//! comes back faster. Bending for every millisecond is worse than the millisecond: sound that never stands still.

/// Blocks in a window.
const WINDOW: u32 = 100;
/// Least margin, in seconds.
const MIN_MARGIN: f64 = 0.004;
/// Most margin.
const MAX_MARGIN: f64 = 0.060;
/// Added when it ran dry.
const MORE: f64 = 0.004;
/// Taken away per calm window: 2 ms in ten seconds.
const LESS: f64 = 0.000_2;
/// Beyond this over the margin, sound is cut out.
const FAR: f64 = 0.080;
/// So much over the margin nothing is bent: between clocks that agree the delay stands perfectly still.
const CALM_OVER: f64 = 0.012;
/// So much under it.
const CALM_UNDER: f64 = 0.004;
/// Once bending, until this close.
const CLOSE: f64 = 0.001;
/// Bend against clocks that differ: 1 ms in a second.
const BEND: f64 = 0.001;
/// Bend after a hold-up: 4 ms in a second, inaudible.
const FAST: f64 = 0.004;
/// What only a hold-up brings.
const HELD_UP: f64 = 0.025;

/// Keeps one ring steady.
#[derive(Debug, Clone)]
pub(super) struct Steady {
    margin: f64,
    lowest: f64,
    seen: u32,
    bend: f64,
}

impl Default for Steady {
    fn default() -> Self {
        Self::new()
    }
}

impl Steady {
    /// Starts with a margin of 10 ms.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self { margin: 0.010, lowest: f64::INFINITY, seen: 0, bend: 0.0 }
    }

    /// What should always be waiting, in seconds.
    #[must_use]
    pub(super) const fn margin(&self) -> f64 {
        self.margin
    }

    /// How much faster than nominal the ring should be emptied (or, negated, filled).
    #[must_use]
    pub(super) const fn bend(&self) -> f64 {
        self.bend
    }

    /// The ring ran dry: more margin from now on.
    pub(super) const fn ran_dry(&mut self) {
        self.margin = (self.margin + MORE).min(MAX_MARGIN);
        self.restart();
    }

    const fn restart(&mut self) {
        self.lowest = f64::INFINITY;
        self.seen = 0;
    }

    /// The fill now, after this block's share, in seconds. Answers how much is to be cut out at once: nearly always 0.
    pub(super) fn excess(&mut self, fill: f64) -> f64 {
        self.lowest = self.lowest.min(fill);
        self.seen += 1;
        if self.seen < WINDOW {
            return 0.0;
        }
        let error = self.lowest - self.margin;
        self.restart();
        if error > FAR {
            return error;
        }
        self.margin = (self.margin - LESS).max(MIN_MARGIN);
        let calm = match (self.bend == 0.0, error > 0.0) {
            (false, _) => CLOSE,
            (true, true) => CALM_OVER,
            (true, false) => CALM_UNDER,
        };
        let size = if error > HELD_UP { FAST } else { BEND };
        self.bend = if error.abs() <= calm { 0.0 } else { size.copysign(error) };
        0.0
    }
}
