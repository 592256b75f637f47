//! Learns the way from the speaker to the microphone and predicts the echo: a partitioned-block Kalman filter in the
//! frequency domain (Enzner and Vary 2006; partitioned: Kuech, Mabande and Enzner 2014).
//! Pure; allocates when made and when the way's delay changes. Adds no delay.
//!
//! The filter knows for every line how unsure it is of the way and how loud everything but the echo is, so it learns fast
//! while only the far side speaks and nearly nothing while both do: there is no detector of double talk to be wrong.

use super::super::spectrum::{FRAME, LINES, Lines, Spectrum, Transform};
use crate::frame::{AudioBlock, BLOCK};

/// How sure we are that the way stays as it is, from block to block.
const STAYS: f32 = 0.9999;
/// Doubt of the first 10 ms of the way before anything is known: a microphone hears the speaker about as loud as it plays.
const DOUBT: f32 = 1.0;
/// Doubt of each later 10 ms, by that before it: a room of 0.4 s reverberation.
const FADES: f32 = 0.75;
/// How much of the theoretical share of its doubt a block takes. Neighbouring blocks of speech tell the same twice, so the
/// theory (0.5) stops learning too early: half as deep after a second.
const CONVINCED: f32 = 0.2;
/// What is not echo is smoothed over about five blocks.
const SMOOTH: f32 = 0.8;
/// Doubt after the way changed: of the unknown, and of what is known.
const SHAKEN: f32 = 0.1;
const SHAKEN_KNOWN: f32 = 0.2;
/// Parts of the way tidied per block, in turn (see [`Filter::tidy`]).
const TIDIED: usize = 2;
/// A way that takes away this much of the power is kept as proven.
const PROVEN: f32 = 0.1;
/// Looked at every 0.2 s.
const PROVE_EVERY: u32 = 20;
/// Power of a block below which nothing is proven: -67 dBov.
const AUDIBLE: f32 = 1e-4;

/// The filter.
#[derive(Debug)]
pub(super) struct Filter {
    transform: Transform,
    /// Spectra of what was played, the newest at `newest`.
    played: Vec<Spectrum>,
    newest: usize,
    last: AudioBlock,
    /// The way, as known: 10 ms each.
    way: Vec<Spectrum>,
    /// The way as it was when it last explained what was heard.
    proven: Vec<Spectrum>,
    doubt: Vec<Lines>,
    /// Power of what is not echo.
    other: Lines,
    /// Power of the echo that may still be missed.
    missed: Lines,
    echo: Spectrum,
    error: Spectrum,
    weight: Lines,
    heard_power: f32,
    rest_power: f32,
    since_proof: u32,
    next_tidy: usize,
}

impl Filter {
    /// For a way of so many blocks.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            transform: Transform::new(),
            played: vec![Spectrum::ZERO; blocks],
            newest: 0,
            last: [0.0; BLOCK],
            way: vec![Spectrum::ZERO; blocks],
            proven: vec![Spectrum::ZERO; blocks],
            doubt: (0..blocks).map(|block| [prior(block); LINES]).collect(),
            other: [1e-6; LINES],
            missed: [0.0; LINES],
            echo: Spectrum::ZERO,
            error: Spectrum::ZERO,
            weight: [0.0; LINES],
            heard_power: 0.0,
            rest_power: 0.0,
            since_proof: 0,
            next_tidy: 0,
        }
    }

    /// Takes a block as it was played and one as it was heard. `echo` becomes the predicted echo, `rest` what is left.
    pub(super) fn block(
        &mut self,
        played: &AudioBlock,
        heard: &AudioBlock,
        echo: &mut AudioBlock,
        rest: &mut AudioBlock,
    ) {
        let n = self.played.len();
        self.newest = (self.newest + n - 1) % n;
        self.transform.forward(&self.last, played, &mut self.played[self.newest]);
        self.last = *played;
        self.echo = Spectrum::ZERO;
        for (block, way) in self.way.iter().enumerate() {
            self.echo.add_product(&self.played[(self.newest + block) % n], way);
        }
        echo.copy_from_slice(&self.transform.back(&self.echo)[BLOCK..]);
        for ((rest, heard), echo) in rest.iter_mut().zip(heard).zip(echo.iter()) {
            *rest = heard - echo;
        }
        self.transform.forward(&[0.0; BLOCK], rest, &mut self.error);
        self.prove(heard, rest);
        self.learn();
        self.tidy();
    }

    /// Power of the echo that may still be missed, by line.
    pub(super) const fn missed(&self) -> &Lines {
        &self.missed
    }

    fn learn(&mut self) {
        let n = self.played.len();
        self.missed = [0.0; LINES];
        for (block, (doubt, way)) in self.doubt.iter_mut().zip(&self.way).enumerate() {
            let played = &self.played[(self.newest + block) % n];
            for k in 0..LINES {
                doubt[k] = STAYS * STAYS * doubt[k] + (1.0 - STAYS * STAYS) * (way.power(k) + 1e-8);
                self.missed[k] += doubt[k] * played.power(k);
            }
        }
        for k in 0..LINES {
            // Half of the error's frame is empty: what is there counts twice.
            let power = 2.0 * self.error.power(k);
            self.other[k] = (SMOOTH * self.other[k] + (1.0 - SMOOTH) * power).max(1e-9);
            self.weight[k] = 1.0 / (self.missed[k] + self.other[k]);
            self.error.re[k] *= self.weight[k];
            self.error.im[k] *= self.weight[k];
        }
        for (block, (doubt, way)) in self.doubt.iter_mut().zip(&mut self.way).enumerate() {
            let played = &self.played[(self.newest + block) % n];
            for k in 0..LINES {
                way.re[k] += doubt[k] * (played.re[k] * self.error.re[k] + played.im[k] * self.error.im[k]);
                way.im[k] += doubt[k] * (played.re[k] * self.error.im[k] - played.im[k] * self.error.re[k]);
                doubt[k] *= 1.0 - (CONVINCED * doubt[k] * played.power(k) * self.weight[k]).min(1.0);
            }
        }
    }

    /// Learning line by line lets each 10 ms of the way grow beyond its 10 ms, which wraps around: cut that off. Every part
    /// at every block would cost more than everything else here and gains nothing.
    fn tidy(&mut self) {
        let n = self.way.len();
        for _ in 0..TIDIED.min(n) {
            let way = &mut self.way[self.next_tidy];
            let mut first = [0.0; BLOCK];
            first.copy_from_slice(&self.transform.back(way)[..BLOCK]);
            self.transform.forward(&first, &[0.0; BLOCK], way);
            self.next_tidy = (self.next_tidy + 1) % n;
        }
    }

    fn prove(&mut self, heard: &AudioBlock, rest: &AudioBlock) {
        let power = |block: &AudioBlock| block.iter().map(|s| s * s).sum::<f32>();
        self.heard_power = 0.9 * self.heard_power + 0.1 * power(heard);
        self.rest_power = 0.9 * self.rest_power + 0.1 * power(rest);
        self.since_proof += 1;
        let proven = self.heard_power > AUDIBLE && self.rest_power < PROVEN * self.heard_power;
        if proven && self.since_proof >= PROVE_EVERY {
            self.since_proof = 0;
            self.proven.clone_from(&self.way);
        }
    }

    /// From now on the echo comes `by` samples later after what is given as played; `history` is that, up to the last
    /// block. What was learned since the change is forgotten: it was learned from the wrong sound.
    pub(super) fn shift(&mut self, by: i64, history: &[f32]) {
        let n = self.played.len();
        let mut answer = vec![0.0; n * BLOCK];
        for (part, way) in answer.chunks_exact_mut(BLOCK).zip(&self.proven) {
            part.copy_from_slice(&self.transform.back(way)[..BLOCK]);
        }
        let moved = |at: usize| usize::try_from(i64::try_from(at).unwrap_or(i64::MAX) - by).ok();
        let moved: Vec<f32> =
            (0..answer.len()).map(|at| moved(at).and_then(|from| answer.get(from)).copied().unwrap_or(0.0)).collect();
        for (way, part) in self.way.iter_mut().zip(moved.chunks_exact(BLOCK)) {
            self.transform.forward(part, &[0.0; BLOCK], way);
        }
        self.proven.clone_from(&self.way);
        for block in 0..n {
            let Some(end) = history.len().checked_sub(block * BLOCK) else { break };
            let Some(from) = end.checked_sub(FRAME) else { break };
            let (first, second) = history[from..end].split_at(BLOCK);
            self.transform.forward(first, second, &mut self.played[(self.newest + block) % n]);
        }
        if let Some(from) = history.len().checked_sub(BLOCK) {
            self.last.copy_from_slice(&history[from..]);
        }
        for (block, (doubt, way)) in self.doubt.iter_mut().zip(&self.way).enumerate() {
            for (k, doubt) in doubt.iter_mut().enumerate() {
                *doubt = doubt.max(SHAKEN * prior(block)).max(SHAKEN_KNOWN * way.power(k));
            }
        }
    }
}

/// Doubt of a block of the way of which nothing is known.
fn prior(block: usize) -> f32 {
    DOUBT * FADES.powi(i32::try_from(block).unwrap_or(i32::MAX))
}
