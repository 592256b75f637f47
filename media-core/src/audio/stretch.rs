//! Makes sound a little shorter or longer without a click and at the same pitch (WSOLA): one period of what is heard just
//! now is left out or said twice, blended over 5 ms where both places are most alike. Used where the delay of a remote
//! sound is not what it should be, so that its clock may differ from ours and nothing need be resampled.
//! Runs on the engine's thread; pure; never allocates beyond the room its caller's buffer has.

use std::ops::RangeInclusive;

/// The shortest period looked for, in samples at 48 kHz: 400 Hz.
pub(super) const SHORTEST: usize = 120;
/// The longest: 67 Hz.
pub(super) const LONGEST: usize = 720;
/// Two pieces are blended over so many samples.
pub(super) const FADE: usize = 240;
/// Likeness is judged over what is blended and so much before it.
const BEFORE: usize = 480;
/// What was played and is remembered.
const PAST: usize = BEFORE + LONGEST;
/// What is played next and looked at.
const AHEAD: usize = LONGEST + FADE;
/// The first look is at means of so many samples.
const THIN: usize = 8;
/// Mean square below which nothing is heard: -80 dBov.
const NOTHING: f32 = 1e-8;

/// Where the other of two like pieces lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Later,
    Earlier,
}

/// Stretches one sound.
#[derive(Debug)]
pub(super) struct Stretch {
    /// What was played, and for a search what comes next.
    around: [f32; PAST + AHEAD],
    thin: [f32; (PAST + AHEAD) / THIN],
}

impl Stretch {
    /// Has heard nothing.
    pub(super) const fn new() -> Self {
        Self { around: [0.0; PAST + AHEAD], thin: [0.0; (PAST + AHEAD) / THIN] }
    }

    /// This is being played.
    pub(super) fn played(&mut self, block: &[f32]) {
        let fresh = block.len().min(PAST);
        self.around.copy_within(fresh..PAST, 0);
        self.around[PAST - fresh..PAST].copy_from_slice(&block[block.len() - fresh..]);
    }

    /// Leaves a period out of what is played next, where it is found at least so `alike` (1.0: the same). Answers how many
    /// samples, 0 when there was none within `periods`. What is left is never shorter than [`FADE`].
    pub(super) fn shorten(&mut self, next: &mut Vec<f32>, periods: RangeInclusive<usize>, alike: f32) -> usize {
        let longest = (*periods.end()).min(next.len().saturating_sub(FADE));
        let Some((period, like)) = self.search(next, Side::Later, *periods.start()..=longest) else { return 0 };
        if like.is_nan() || like < alike {
            return 0;
        }
        // Backwards: a period may be shorter than the blend.
        for i in (0..FADE).rev() {
            next[i + period] = blend(next[i], next[i + period], i, like);
        }
        next.drain(..period);
        period
    }

    /// Says a period of what was played once more; otherwise like [`Stretch::shorten`]. `next` must have at least [`FADE`]
    /// samples, and room for [`LONGEST`] more if nothing may be allocated.
    pub(super) fn lengthen(&mut self, next: &mut Vec<f32>, periods: RangeInclusive<usize>, alike: f32) -> usize {
        if next.len() < FADE {
            return 0;
        }
        let Some((period, like)) = self.search(next, Side::Earlier, periods) else { return 0 };
        if like.is_nan() || like < alike {
            return 0;
        }
        let len = next.len();
        next.resize(len + period, 0.0);
        next.copy_within(..len, period);
        next[..period].copy_from_slice(&self.around[PAST - period..PAST]);
        for i in 0..FADE {
            next[i] = blend(next[i + period], next[i], i, like);
        }
        period
    }

    /// Is what comes next not louder than what was played: no word begins, that must not be touched?
    pub(super) fn goes_on(&self, next: &[f32]) -> bool {
        let next = &next[..next.len().min(AHEAD)];
        let loudness = |sound: &[f32]| energy(sound) / sound.len().max(1) as f32;
        loudness(next) <= 4.0 * loudness(&self.around[PAST - BEFORE..PAST]) + NOTHING
    }

    /// The best period and how alike the pieces are it lies between.
    fn search(&mut self, next: &[f32], side: Side, periods: RangeInclusive<usize>) -> Option<(usize, f32)> {
        let least = (*periods.start()).max(SHORTEST);
        let most = (*periods.end()).min(LONGEST);
        if least > most {
            return None;
        }
        let known = next.len().min(AHEAD);
        self.around[PAST..PAST + known].copy_from_slice(&next[..known]);
        self.around[PAST + known..].fill(0.0);
        for (mean, piece) in self.thin.iter_mut().zip(self.around.chunks_exact(THIN)) {
            *mean = piece.iter().sum::<f32>() / THIN as f32;
        }
        let pieces = least.div_ceil(THIN)..=most / THIN;
        let rough = best(pieces, |lag| alike(&self.thin, PAST / THIN, BEFORE / THIN, FADE / THIN, lag, side));
        let near = rough.map_or(least..=most, |(lag, _)| {
            (lag * THIN).saturating_sub(THIN).max(least)..=(lag * THIN + THIN).min(most)
        });
        best(near, |lag| alike(&self.around, PAST, BEFORE, FADE, lag, side))
    }
}

fn best(lags: RangeInclusive<usize>, like: impl Fn(usize) -> f32) -> Option<(usize, f32)> {
    lags.map(|lag| (lag, like(lag))).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// How alike the sound around `at` is to that `lag` samples away: 1.0 the same, 0.0 nothing in common. Unlike a plain
/// correlation it falls too where one is louder.
fn alike(sound: &[f32], at: usize, before: usize, after: usize, lag: usize, side: Side) -> f32 {
    let here = &sound[at - before..at + after];
    let there = match side {
        Side::Later => &sound[at - before + lag..at + after + lag],
        Side::Earlier => &sound[at - before - lag..at + after - lag],
    };
    let (mut both, mut power) = (0.0, 0.0);
    for (a, b) in here.iter().zip(there) {
        both += a * b;
        power += a * a + b * b;
    }
    if power <= NOTHING * (before + after) as f32 { 1.0 } else { 2.0 * both / power }
}

/// From one piece to the other, at its `i`th sample; as loud in between as they are, however alike.
fn blend(from: f32, to: f32, i: usize, alike: f32) -> f32 {
    let t = (i as f32 + 0.5) / FADE as f32;
    let power = (1.0 - t).powi(2) + t * t + 2.0 * t * (1.0 - t) * alike.clamp(0.0, 1.0);
    (from * (1.0 - t) + to * t) / power.sqrt()
}

fn energy(sound: &[f32]) -> f32 {
    sound.iter().map(|s| s * s).sum()
}

#[cfg(test)]
mod tests;
