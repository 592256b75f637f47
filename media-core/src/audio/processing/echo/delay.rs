//! Finds how long after it was played sound is heard again, from 0 to 0.7 s: for every lag, how well the microphone
//! follows the speaker (magnitude-squared coherence, the mean of 80 lines).
//! Pure; allocates only when made.

use super::super::spectrum::{FRAME, LINES, Spectrum, Transform, hann};
use crate::frame::{AudioBlock, BLOCK};

/// Lags looked at, a block apart.
pub(super) const LAGS: usize = 70;
/// Lines looked at: 300 Hz to 4.3 kHz, where voices are.
const LOW: usize = 6;
const HIGH: usize = 86;
const SEEN: usize = HIGH - LOW;
const _: () = assert!(HIGH < LINES);
/// Everything is smoothed over about 20 blocks; so much likeness comes about by chance alone: 0.05.
const SMOOTH: f32 = 0.95;
/// Likeness of what is heard to what was played at a lag that means something.
const CLEAR: f32 = 0.25;
/// Another lag must be this much more like it than the one found before.
const BETTER: f32 = 1.2;
/// Blocks in a row the same lag must win.
const WINS: u32 = 6;
/// Two looks must agree to this many samples: the pitch of a voice repeats every few milliseconds.
const AGREE: i64 = 48;
/// Smaller changes the filter learns by itself: 20 ms.
const CHANGED: i64 = 960;

/// Part of a spectrum.
#[derive(Debug, Clone)]
struct Few {
    re: [f32; SEEN],
    im: [f32; SEEN],
}

impl Few {
    const ZERO: Self = Self { re: [0.0; SEEN], im: [0.0; SEEN] };

    fn copy(&mut self, from: &Spectrum) {
        self.re.copy_from_slice(&from.re[LOW..HIGH]);
        self.im.copy_from_slice(&from.im[LOW..HIGH]);
    }

    fn smooth_power(&self, into: &mut [f32; SEEN]) {
        for (k, into) in into.iter_mut().enumerate() {
            let power = self.re[k] * self.re[k] + self.im[k] * self.im[k];
            *into = SMOOTH * *into + (1.0 - SMOOTH) * power;
        }
    }
}

/// Looks for the delay.
#[derive(Debug)]
pub(super) struct Delay {
    transform: Transform,
    window: Vec<f32>,
    /// What was played, the newest at `newest`, and its smoothed power then.
    played: Vec<Few>,
    played_power: Vec<[f32; SEEN]>,
    newest: usize,
    power: [f32; SEEN],
    heard: Few,
    heard_power: [f32; SEEN],
    /// Smoothed product of both, by lag.
    cross: Vec<Few>,
    likeness: [f32; LAGS],
    last_played: AudioBlock,
    last_heard: AudioBlock,
    spectrum: Spectrum,
    candidate: usize,
    wins: u32,
    looked: Option<i64>,
    found: Option<i64>,
}

impl Delay {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self {
            transform: Transform::new(),
            window: hann(),
            played: vec![Few::ZERO; LAGS],
            played_power: vec![[0.0; SEEN]; LAGS],
            newest: 0,
            power: [0.0; SEEN],
            heard: Few::ZERO,
            heard_power: [0.0; SEEN],
            cross: vec![Few::ZERO; LAGS],
            likeness: [0.0; LAGS],
            last_played: [0.0; BLOCK],
            last_heard: [0.0; BLOCK],
            spectrum: Spectrum::ZERO,
            candidate: 0,
            wins: 0,
            looked: None,
            found: None,
        }
    }

    /// Takes a block of each; answers the delay in samples when another than before was found.
    pub(super) fn block(&mut self, played: &AudioBlock, heard: &AudioBlock) -> Option<i64> {
        self.newest = (self.newest + LAGS - 1) % LAGS;
        self.transform.forward_windowed(&self.last_played, played, &self.window, &mut self.spectrum);
        self.played[self.newest].copy(&self.spectrum);
        self.played[self.newest].smooth_power(&mut self.power);
        self.played_power[self.newest] = self.power;
        self.transform.forward_windowed(&self.last_heard, heard, &self.window, &mut self.spectrum);
        self.heard.copy(&self.spectrum);
        self.heard.smooth_power(&mut self.heard_power);
        (self.last_played, self.last_heard) = (*played, *heard);
        for (lag, (cross, likeness)) in self.cross.iter_mut().zip(&mut self.likeness).enumerate() {
            let at = (self.newest + lag) % LAGS;
            let (played, power, heard) = (&self.played[at], &self.played_power[at], &self.heard);
            let mut sum = 0.0;
            for k in 0..SEEN {
                let re = played.re[k] * heard.re[k] + played.im[k] * heard.im[k];
                let im = played.re[k] * heard.im[k] - played.im[k] * heard.re[k];
                cross.re[k] = SMOOTH * cross.re[k] + (1.0 - SMOOTH) * re;
                cross.im[k] = SMOOTH * cross.im[k] + (1.0 - SMOOTH) * im;
                let both = power[k] * self.heard_power[k] + 1e-9;
                sum += (cross.re[k] * cross.re[k] + cross.im[k] * cross.im[k]) / both;
            }
            *likeness = sum / SEEN as f32;
        }
        self.judge()
    }

    fn judge(&mut self) -> Option<i64> {
        let (best, &value) = self.likeness.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        if value < CLEAR || best.abs_diff(self.candidate) > 1 {
            self.candidate = best;
            self.wins = 0;
            return None;
        }
        self.wins += 1;
        if self.wins < WINS {
            return None;
        }
        self.wins = 0;
        let exact = self.exact(best);
        let agreed = self.looked.replace(exact).is_some_and(|looked| (looked - exact).abs() < AGREE);
        let changed = self
            .found
            .is_none_or(|found| (found - exact).abs() >= CHANGED && value > BETTER * self.around(found, 0, 1));
        if !agreed || !changed {
            return None;
        }
        self.found = Some(exact);
        Some(exact)
    }

    /// The most likeness from so many blocks before a delay to so many after it.
    fn around(&self, delay: i64, before: usize, after: usize) -> f32 {
        let lag = usize::try_from(delay / BLOCK as i64).unwrap_or(0).min(LAGS - 1);
        let lags = lag.saturating_sub(before)..(lag + after + 1).min(LAGS);
        self.likeness[lags].iter().copied().fold(0.0, f32::max)
    }

    /// What was played is clearly heard, but not where it was last found: the delay has most likely just changed.
    pub(super) fn is_elsewhere(&self) -> bool {
        let Some(found) = self.found else { return false };
        let best = self.likeness.iter().copied().fold(0.0, f32::max);
        best > CLEAR && best > BETTER * self.around(found, 2, 3)
    }

    /// To the sample: the peak of the cross-correlation, its lines weighed by their coherence.
    fn exact(&mut self, lag: usize) -> i64 {
        self.spectrum = Spectrum::ZERO;
        let (cross, power) = (&self.cross[lag], &self.played_power[(self.newest + lag) % LAGS]);
        for k in 0..SEEN {
            let weight = 1.0 / (self.heard_power[k] * power[k] + 1e-12).sqrt();
            self.spectrum.re[LOW + k] = cross.re[k] * weight;
            self.spectrum.im[LOW + k] = cross.im[k] * weight;
        }
        let samples = self.transform.back(&self.spectrum);
        let peak = samples.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at);
        // The second half of the frame is the time before.
        let within = if peak >= BLOCK { peak as i64 - FRAME as i64 } else { peak as i64 };
        (lag * BLOCK) as i64 + within
    }
}
