//! Lowers what echo the filter left over, line by line, where it stands out of what the near side says.
//! Pure; allocates only when made. Adds [`LAG`] samples of delay.
//!
//! What is left has three sources: what the filter has not learned yet (it says so itself), the echo's own distortion at
//! the same pitch, and distortion at other pitches, as a small speaker makes when it is loud. The latter two are learned
//! from how the power of the rest moves with the power of the predicted echo; a near voice does not move with it.

use super::super::spectrum::{FRAME, LINES, Lines, Spectrum, Transform, hann};
use crate::frame::{AudioBlock, BLOCK};

/// Delay in samples: half the length of the filter that carries the gains. 3 ms.
pub(super) const LAG: usize = 144;
const _: () = assert!(2 * LAG < BLOCK && FRAME == 2 * BLOCK);

/// The window takes 5/8 of the power away.
const SCALE: f32 = 1.0 / 0.375;
/// Bands in which distortion at other pitches is learned, and lines of each: up to 24 kHz.
const BANDS: usize = 32;
const BAND: usize = 15;
/// Lines whose power counts as the echo's loudness: 100 Hz to 8 kHz.
const LOUDNESS: std::ops::Range<usize> = 2..160;
/// Lines that tell a near voice: 400 Hz to 6 kHz.
const VOICE: std::ops::Range<usize> = 8..120;
/// A room answers for longer than the filter is long: the echo's power falls by this at most per block.
const TAIL: f32 = 0.6;
/// Smoothing of powers, per block.
const SMOOTH: f32 = 0.5;
/// The least that is left of an echo on its own line.
const LEAK: f32 = 0.003;
/// What a near voice stands out by.
const STANDS_OUT: f32 = 4.0;
/// Share of lines that must stand out for a near voice to be there.
const NEAR: f32 = 0.3;
/// How much more than the expected echo is taken away.
const OVER: f32 = 2.0;
/// Distortion at other pitches is taken for twice as loud as learned.
const OVER_DISTORTION: f32 = 2.0;
/// The least gain beside a near voice: -20 dB.
const FLOOR_NEAR: f32 = 0.1;
/// The least gain without one: -50 dB.
const FLOOR: f32 = 0.003;

/// Learns how much of one power goes along with another, from how they move together.
#[derive(Debug, Clone, Copy)]
struct Follows {
    mean: f32,
    spread: f32,
    together: f32,
}

impl Follows {
    const NEW: Self = Self { mean: 0.0, spread: 0.0, together: 0.0 };

    /// Takes a power; `moved` is how far the other is from its mean. With `chance` as many standard deviations of mere
    /// chance off, answers the share of the other's `spread` that this one follows.
    fn learn(&mut self, power: f32, moved: f32, spread: f32, speed: f32, chance: f32) -> f32 {
        let own = power - self.mean;
        self.mean += speed * own;
        self.spread += speed * (own * own - self.spread);
        self.together += speed * (own * moved - self.together);
        let chance = chance * (0.5 * speed * self.spread * spread).sqrt();
        ((self.together - chance) / (spread + 1e-12)).clamp(0.0, 1.0)
    }
}

/// Mean and spread of the power that is followed.
#[derive(Debug, Clone, Copy)]
struct Leads {
    mean: f32,
    spread: f32,
}

impl Leads {
    const NEW: Self = Self { mean: 0.0, spread: 0.0 };

    /// How far a power is from its mean.
    fn learn(&mut self, power: f32, speed: f32) -> f32 {
        let moved = power - self.mean;
        self.mean += speed * moved;
        self.spread += speed * (moved * moved - self.spread);
        moved
    }
}

/// On the same line: half a second, two standard deviations.
const LINE_SPEED: f32 = 0.02;
const LINE_CHANCE: f32 = 2.0;
/// Across lines: two seconds, three standard deviations, because it takes away more of a near voice when it is wrong.
const BAND_SPEED: f32 = 0.005;
const BAND_CHANCE: f32 = 3.0;

/// The suppressor.
#[derive(Debug)]
pub(super) struct Residual {
    transform: Transform,
    window: Vec<f32>,
    /// Half of the window of the gains' filter.
    taper: Vec<f32>,
    last_rest: AudioBlock,
    last_echo: AudioBlock,
    rest: Spectrum,
    echo: Spectrum,
    line_leads: Vec<Leads>,
    line_follows: Vec<Follows>,
    loudness: Leads,
    band_follows: [Follows; BANDS],
    /// Power of the predicted echo, falling slowly.
    tail: Lines,
    loudness_tail: f32,
    rest_power: Lines,
    left_power: Lines,
    near: f32,
    gain: Lines,
    /// The filters of the last and of this block's gains.
    old: Spectrum,
    new: Spectrum,
    product: Spectrum,
}

impl Residual {
    /// Lets everything through.
    pub(super) fn new() -> Self {
        let bell = |n| 0.5 + 0.5 * (std::f64::consts::PI * f64::from(n) / (LAG + 1) as f64).cos();
        let mut residual = Self {
            transform: Transform::new(),
            window: hann(),
            taper: (0..=LAG as u32).map(|n| bell(n) as f32).collect(),
            last_rest: [0.0; BLOCK],
            last_echo: [0.0; BLOCK],
            rest: Spectrum::ZERO,
            echo: Spectrum::ZERO,
            line_leads: vec![Leads::NEW; LINES],
            line_follows: vec![Follows::NEW; LINES],
            loudness: Leads::NEW,
            band_follows: [Follows::NEW; BANDS],
            tail: [0.0; LINES],
            loudness_tail: 0.0,
            rest_power: [0.0; LINES],
            left_power: [0.0; LINES],
            near: 1.0,
            gain: [1.0; LINES],
            old: Spectrum::ZERO,
            new: Spectrum::ZERO,
            product: Spectrum::ZERO,
        };
        residual.carry();
        residual.old = residual.new.clone();
        residual
    }

    /// Takes the predicted echo, the power of the echo that was `missed`, and the rest; lowers the echo in the rest.
    /// `lost`: the prediction is of no use at the moment and everything may be echo.
    pub(super) fn block(&mut self, echo: &AudioBlock, missed: &Lines, lost: bool, rest: &mut AudioBlock) {
        self.transform.forward_windowed(&self.last_rest, rest, &self.window, &mut self.rest);
        self.transform.forward_windowed(&self.last_echo, echo, &self.window, &mut self.echo);
        self.last_echo = *echo;
        self.expect(missed, lost);
        self.decide();
        self.carry();
        self.apply(rest);
    }

    /// How much echo is expected to be left on each line.
    fn expect(&mut self, missed: &Lines, lost: bool) {
        let loudness = LOUDNESS.map(|k| self.echo.power(k)).sum::<f32>() * SCALE / LOUDNESS.len() as f32;
        let moved = self.loudness.learn(loudness, BAND_SPEED);
        self.loudness_tail = (TAIL * self.loudness_tail).max(loudness);
        let mut distortion = [0.0; BANDS];
        for (band, (share, follows)) in distortion.iter_mut().zip(&mut self.band_follows).enumerate() {
            let power = (band * BAND..(band + 1) * BAND).map(|k| self.rest.power(k)).sum::<f32>() * SCALE / BAND as f32;
            *share = follows.learn(power, moved, self.loudness.spread, BAND_SPEED, BAND_CHANCE);
        }
        for k in 0..LINES {
            let (rest, echo) = (self.rest.power(k) * SCALE, self.echo.power(k) * SCALE);
            let moved = self.line_leads[k].learn(echo, LINE_SPEED);
            let leak = self.line_follows[k].learn(rest, moved, self.line_leads[k].spread, LINE_SPEED, LINE_CHANCE);
            self.tail[k] = (TAIL * self.tail[k]).max(echo);
            let distorted = OVER_DISTORTION * distortion[(k / BAND).min(BANDS - 1)] * self.loudness_tail;
            let left = missed[k] + leak.max(LEAK) * self.tail[k] + distorted;
            let left = if lost { left.max(rest) } else { left };
            self.rest_power[k] = SMOOTH * self.rest_power[k] + (1.0 - SMOOTH) * rest;
            self.left_power[k] = SMOOTH * self.left_power[k] + (1.0 - SMOOTH) * left;
        }
    }

    fn decide(&mut self) {
        let stands_out = VOICE.filter(|&k| self.rest_power[k] > STANDS_OUT * self.left_power[k]).count();
        let near = stands_out as f32 / VOICE.len() as f32;
        // At once when a voice begins, slowly when it ends.
        self.near = if near > self.near { near } else { 0.8 * self.near + 0.2 * near };
        let somebody = self.near > NEAR;
        for k in 0..LINES {
            let around = k.saturating_sub(2)..(k + 3).min(LINES);
            let rest = self.rest_power[around.clone()].iter().sum::<f32>() + 1e-9;
            let left = self.left_power[around].iter().sum::<f32>();
            let gain = (1.0 - OVER * left / rest).max(0.0);
            self.gain[k] = if somebody { gain.max(FLOOR_NEAR) } else { (gain * gain).max(FLOOR) };
        }
    }

    /// Makes a filter of the gains: symmetric, so that every line is late by the same.
    fn carry(&mut self) {
        self.product = Spectrum { re: self.gain, im: [0.0; LINES] };
        let samples = self.transform.back(&self.product);
        let mut taps = [0.0; BLOCK];
        for (n, taper) in self.taper.iter().enumerate() {
            taps[LAG - n] = samples[n] * taper;
            taps[LAG + n] = samples[n] * taper;
        }
        self.transform.forward(&taps, &[0.0; BLOCK], &mut self.new);
    }

    /// Filters the block, from the last gains over to the new ones.
    fn apply(&mut self, rest: &mut AudioBlock) {
        self.transform.forward(&self.last_rest, rest, &mut self.rest);
        self.last_rest = *rest;
        self.product = Spectrum::ZERO;
        self.product.add_product(&self.rest, &self.old);
        let mut before = [0.0; BLOCK];
        before.copy_from_slice(&self.transform.back(&self.product)[BLOCK..]);
        self.product = Spectrum::ZERO;
        self.product.add_product(&self.rest, &self.new);
        let after = &self.transform.back(&self.product)[BLOCK..];
        for (n, ((to, before), after)) in rest.iter_mut().zip(&before).zip(after).enumerate() {
            *to = before + (after - before) * ((n as f32 + 0.5) / BLOCK as f32);
        }
        std::mem::swap(&mut self.old, &mut self.new);
    }
}
