//! The period at which a voice repeats itself, 60 to 768 samples, as RNNoise and Opus look for it (Xiph, BSD-3-Clause):
//! in sound of half the rate made flat by linear prediction, first coarsely, then finely, then whether a fraction of the
//! period found does as well. Pure; no allocation.
//!
//! The network was trained with what this finds, wrong or right, so its limits and factors are not ours to improve.

use crate::frame::{AudioBlock, BLOCK};

use super::super::spectrum::FRAME;

const SHORTEST: usize = 60;
const LONGEST: usize = 768;
/// Samples kept.
const KEPT: usize = FRAME + LONGEST;
/// The same at half the rate.
const HALF: usize = KEPT / 2;
/// A frame and the longest period at half the rate.
const FRAME2: usize = FRAME / 2;
const LONGEST2: usize = LONGEST / 2;
/// Periods searched at half the rate, counted from the longest; shorter ones are found as fractions.
const LAGS2: usize = (LONGEST - 3 * SHORTEST) / 2;
/// A frame and the periods at a quarter of the rate.
const FRAME4: usize = FRAME / 4;
const LAGS4: usize = LAGS2 / 2;
/// Of the linear prediction.
const ORDER: usize = 4;

/// What was heard lately, and the period found last.
pub(super) struct Pitch {
    kept: [f32; KEPT],
    period: usize,
    strength: f32,
}

impl Pitch {
    /// Has heard silence.
    pub(super) fn new() -> Self {
        Self { kept: [0.0; KEPT], period: 0, strength: 0.0 }
    }

    /// The period of the last two blocks, of which this is the second (in 16-bit steps).
    pub(super) fn hear(&mut self, block: &AudioBlock) -> usize {
        self.kept.copy_within(BLOCK.., 0);
        self.kept[KEPT - BLOCK..].copy_from_slice(block);
        let flat = flatten(&halve(&self.kept));
        let found = LONGEST - search(&flat);
        (self.period, self.strength) = shorten(&flat, found, self.period, self.strength);
        self.period
    }

    /// The two blocks that long before.
    pub(super) fn before(&self, period: usize) -> (&[f32], &[f32]) {
        self.kept[LONGEST - period..][..FRAME].split_at(BLOCK)
    }
}

/// Every second sample, smoothed.
fn halve(samples: &[f32; KEPT]) -> [f32; HALF] {
    let mut out = [0.0; HALF];
    out[0] = 0.5 * (0.5 * samples[1] + samples[0]);
    for (out, near) in out[1..].iter_mut().zip(samples[1..].windows(3).step_by(2)) {
        *out = 0.5 * (0.5 * (near[0] + near[2]) + near[1]);
    }
    out
}

/// Takes away what four samples foretell of the next.
fn flatten(samples: &[f32; HALF]) -> [f32; HALF] {
    let mut alike: [f32; ORDER + 1] = std::array::from_fn(|k| dot(&samples[k..], &samples[..HALF - k]));
    // Noise 40 dB down and a little blur keep the prediction tame.
    alike[0] *= 1.0001;
    for (k, alike) in alike.iter_mut().enumerate() {
        *alike -= *alike * (0.008 * k as f32) * (0.008 * k as f32);
    }
    let mut predict = predictor(&alike);
    let mut fade = 1.0;
    for factor in &mut predict {
        fade *= 0.9;
        *factor *= fade;
    }
    // And a zero at the top of the spectrum.
    let taps: [f32; ORDER + 2] = std::array::from_fn(|k| {
        let tap = |k: usize| if k == 0 { 1.0 } else { predict.get(k - 1).copied().unwrap_or(0.0) };
        if k == 0 { 1.0 } else { tap(k) + 0.8 * tap(k - 1) }
    });
    let mut out = *samples;
    for (k, tap) in taps.iter().enumerate().skip(1) {
        for (out, sample) in out[k..].iter_mut().zip(samples) {
            *out += tap * sample;
        }
    }
    out
}

/// Levinson and Durbin: the factors that predict best, given how alike samples so far apart are.
fn predictor(alike: &[f32; ORDER + 1]) -> [f32; ORDER] {
    let mut factors = [0.0; ORDER];
    let mut error = alike[0];
    if error == 0.0 {
        return factors;
    }
    for n in 0..ORDER {
        let known: f32 = (0..n).map(|k| factors[k] * alike[n - k]).sum();
        let reflected = -(known + alike[n + 1]) / error;
        let before = factors;
        factors[n] = reflected;
        for k in 0..n {
            factors[k] = before[k] + reflected * before[n - 1 - k];
        }
        error -= reflected * reflected * error;
        if error < 0.001 * alike[0] {
            break;
        }
    }
    factors
}

/// Where the last frame is most alike something earlier: samples at the full rate after the earliest.
fn search(flat: &[f32; HALF]) -> usize {
    let mut quarter = [0.0; HALF / 2];
    for (to, from) in quarter.iter_mut().zip(flat.iter().step_by(2)) {
        *to = *from;
    }
    let mut coarse = [0.0; LAGS4];
    for (n, sample) in quarter[LONGEST2 / 2..][..FRAME4].iter().enumerate() {
        for (sum, earlier) in coarse.iter_mut().zip(&quarter[n..]) {
            *sum += sample * earlier;
        }
    }
    let near = best_two(&coarse, &quarter, FRAME4);
    let mut fine = [0.0; LAGS2];
    for (lag, sum) in fine.iter_mut().enumerate() {
        if near.iter().any(|near| lag.abs_diff(2 * near) <= 2) {
            *sum = dot(&flat[LONGEST2..], &flat[lag..][..FRAME2]).max(-1.0);
        }
    }
    let [best, _] = best_two(&fine, flat, FRAME2);
    match fine.get(best.wrapping_sub(1)..best + 2) {
        Some(&[left, middle, right]) => (2 * best).saturating_add_signed(-lean(left, middle, right)),
        _ => 2 * best,
    }
}

/// To which neighbour a peak leans, in half steps. (The search takes the other one; so did the network's training.)
fn lean(left: f32, middle: f32, right: f32) -> isize {
    if right - left > 0.7 * (middle - left) {
        1
    } else if left - right > 0.7 * (middle - right) {
        -1
    } else {
        0
    }
}

/// The two places where what is common is largest for the power there.
fn best_two(common: &[f32], samples: &[f32], frame: usize) -> [usize; 2] {
    let mut best = [(0, -1.0, 0.0), (1, -1.0, 0.0)];
    let mut power = 1.0 + dot(samples, &samples[..frame]);
    for (n, &common) in common.iter().enumerate() {
        if common > 0.0 {
            // So small that no square leaves the range of numbers.
            let common = common * 1e-12;
            let square = common * common;
            let beats = |(_, other, its_power): (usize, f32, f32)| square * its_power > other * power;
            if beats(best[1]) {
                best[1] = (n, square, power);
                if beats(best[0]) {
                    best.swap(0, 1);
                }
            }
        }
        power += samples[n + frame] * samples[n + frame] - samples[n] * samples[n];
        power = power.max(1.0);
    }
    best.map(|(n, ..)| n)
}

/// Which multiple of a fraction of the period must repeat, too: by the fraction.
const CHECK: [usize; 16] = [0, 0, 3, 2, 3, 2, 5, 2, 3, 2, 3, 2, 5, 2, 3, 2];

/// The period or the fraction of it at which the sound repeats itself as well, and how well: a search finds multiples as
/// easily. A period near the last one is believed more.
fn shorten(flat: &[f32; HALF], found: usize, last: usize, strength: f32) -> (usize, f32) {
    let now = &flat[LONGEST2..];
    let at = |lag: usize| dot(now, &flat[LONGEST2 - lag..][..FRAME2]);
    let whole = (found / 2).min(LONGEST2 - 1);
    let last = last / 2;
    let mut powers = [0.0; LONGEST2 + 1];
    let mine = at(0);
    let mut power = mine;
    powers[0] = mine;
    for (lag, kept) in powers.iter_mut().enumerate().skip(1) {
        let (first, gone) = (flat[LONGEST2 - lag], now[FRAME2 - lag]);
        power += first * first - gone * gone;
        *kept = power.max(0.0);
    }
    let alike = |common: f32, power: f32| common / (1.0 + mine * power).sqrt();
    let mut best = (whole, at(whole), powers[whole]);
    let wholly = alike(best.1, best.2);
    let mut best_alike = wholly;
    for (part, check) in CHECK.iter().enumerate().skip(2) {
        let lag = (2 * whole + part) / (2 * part);
        if lag < SHORTEST / 2 {
            break;
        }
        let second = match part {
            2 if lag + whole > LONGEST2 => whole,
            2 => lag + whole,
            _ => (2 * check * whole + part) / (2 * part),
        };
        let common = 0.5 * (at(lag) + at(second));
        let power = 0.5 * (powers[lag] + powers[second]);
        let same = alike(common, power);
        let trust = match lag.abs_diff(last) {
            0 | 1 => strength,
            2 if 5 * part * part < whole => 0.5 * strength,
            _ => 0.0,
        };
        // The shorter, the easier it is by chance.
        let wanted =
            if lag < 3 * (SHORTEST / 2) { (0.85 * wholly - trust).max(0.4) } else { (0.7 * wholly - trust).max(0.3) };
        if same > wanted {
            best = (lag, common, power);
            best_alike = same;
        }
    }
    let (lag, common, power) = best;
    let common = common.max(0.0);
    let gain = if power <= common { 1.0 } else { common / (power + 1.0) };
    let period = (2 * lag).saturating_add_signed(lean(at(lag - 1), at(lag), at(lag + 1)));
    (period.max(SHORTEST), gain.min(best_alike))
}

/// The sum of products of `b` with as much of `a`; eight sums side by side become vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a[..b.len()].as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.0.iter().zip(b.0) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f32 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
