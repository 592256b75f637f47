//! Keeps of the sound what RNNoise 0.2 takes for a voice (Valin 2018; the parts around the network after Xiph's library,
//! BSD-3-Clause): gains per band, and between the harmonics of a voice what repeats with its period.
//! Pure; allocates only when made. Adds 20 ms: a transform looks at two blocks, and the network at the one after.

use super::super::Clean;
use super::super::spectrum::{FRAME, Spectrum, Transform};
use super::STEPS;
use super::bands::{self, BANDS, Bands, Cepstrum};
use super::network::{Features, Network};
use super::pitch::Pitch;
use crate::frame::{AudioBlock, BLOCK};

/// Below this power of all bands a block is silence, and nobody is asked.
const SILENCE: f32 = 0.04;
/// A gain falls by no more than this from block to block, as a room's echo would.
const FALL: f32 = 0.6;

/// Against everything that is not a voice: keyboards, dishes, traffic.
pub(in super::super) struct Strong {
    network: Network,
    pitch: Pitch,
    cepstrum: Cepstrum,
    transform: Transform,
    window: Vec<f32>,
    last: AudioBlock,
    /// The frame that is being looked at, and the one before it, which is being cleaned.
    now: Heard,
    before: Heard,
    gains: Bands,
    tail: AudioBlock,
}

/// A frame: itself and as it was a period earlier.
struct Heard {
    sound: Spectrum,
    earlier: Spectrum,
    power: Bands,
    earlier_power: Bands,
    /// How much of both is the same.
    alike: Bands,
}

impl Heard {
    const SILENCE: Self = Self {
        sound: Spectrum::ZERO,
        earlier: Spectrum::ZERO,
        power: [0.0; BANDS],
        earlier_power: [0.0; BANDS],
        alike: [0.0; BANDS],
    };
}

impl Strong {
    /// Has heard nothing yet.
    #[must_use]
    pub(in super::super) fn new() -> Self {
        Self {
            network: Network::new(),
            pitch: Pitch::new(),
            cepstrum: Cepstrum::new(),
            transform: Transform::new(),
            window: window(),
            last: [0.0; BLOCK],
            now: Heard::SILENCE,
            before: Heard::SILENCE,
            gains: [0.0; BANDS],
            tail: [0.0; BLOCK],
        }
    }

    /// Looks at a block (in 16-bit steps) and the one before it: what the network wants to know, unless it is silence.
    pub(super) fn hear(&mut self, block: &AudioBlock) -> Option<Features> {
        let Self { now, window, transform, .. } = self;
        transform.forward_windowed(&self.last, block, window, &mut now.sound);
        self.last = *block;
        let period = self.pitch.hear(block);
        let (first, second) = self.pitch.before(period);
        transform.forward_windowed(first, second, window, &mut now.earlier);
        for spectrum in [&mut now.sound, &mut now.earlier] {
            for part in spectrum.re.iter_mut().chain(&mut spectrum.im) {
                *part /= FRAME as f32;
            }
        }
        now.power = bands::power(&now.sound);
        now.earlier_power = bands::power(&now.earlier);
        now.alike = bands::common(&now.sound, &now.earlier);
        for (alike, (power, earlier)) in now.alike.iter_mut().zip(now.power.iter().zip(&now.earlier_power)) {
            *alike /= (0.001 + power * earlier).sqrt();
        }
        if now.power.iter().sum::<f32>() < SILENCE {
            return None;
        }
        let mut features = [0.0; 2 * BANDS + 1];
        let (levels, alike) = features.split_at_mut(BANDS);
        levels.copy_from_slice(&self.cepstrum.of(&levels_of(&now.power)));
        levels[0] -= 12.0;
        levels[1] -= 4.0;
        alike[..BANDS].copy_from_slice(&self.cepstrum.of(&now.alike));
        alike[BANDS] = 0.01 * (period as f32 - 300.0);
        Some(features)
    }

    /// Keeps of the frame before what the network takes for a voice.
    fn clean(&mut self, voice: &Bands) {
        repeat(&mut self.before, voice);
        let mut gains = [0.0; BANDS];
        for (band, gain) in gains.iter_mut().enumerate() {
            *gain = voice[band].max(FALL * self.gains[band]);
            // What grew meanwhile is not let through by a gain that was for less: the click of a key.
            let grown = (self.before.power[band] + 1e-3) / (self.now.power[band] + 1e-3);
            self.gains[band] = (*gain * grown).min(1.0);
        }
        scale(&mut self.before.sound, &gains);
    }
}

impl Clean for Strong {
    fn block(&mut self, block: &mut AudioBlock) {
        for sample in block.iter_mut() {
            *sample *= STEPS;
        }
        match self.hear(block) {
            Some(features) => {
                let voice = self.network.hear(&features);
                self.clean(&voice);
            }
            // What came just before the silence must not pass as it was; here the library lets a burst of noise through.
            None => scale(&mut self.before.sound, &self.gains),
        }
        let frame = self.transform.back(&self.before.sound);
        for (sample, weight) in frame.iter_mut().zip(&self.window) {
            *sample *= weight * (FRAME as f32 / STEPS);
        }
        for ((sample, new), tail) in block.iter_mut().zip(&frame[..BLOCK]).zip(&self.tail) {
            *sample = new + tail;
        }
        self.tail.copy_from_slice(&frame[BLOCK..]);
        std::mem::swap(&mut self.now, &mut self.before);
    }
}

/// Logarithms of powers, none far below the loudest band so far or much below its neighbour.
fn levels_of(power: &Bands) -> Bands {
    let (mut loudest, mut follow) = (-2.0_f32, -2.0_f32);
    power.map(|power| {
        let level = (power + 1e-2).log10().max(follow - 1.5).max(loudest - 7.0);
        loudest = loudest.max(level);
        follow = level.max(follow - 1.5);
        level
    })
}

/// Adds what was there a period earlier where less is kept than repeats: noise between the harmonics averages out.
fn repeat(frame: &mut Heard, voice: &Bands) {
    let Heard { sound, earlier, power, earlier_power, alike } = frame;
    let share: Bands = std::array::from_fn(|band| {
        let share = if alike[band] > voice[band] {
            1.0
        } else {
            let (alike, voice) = (alike[band] * alike[band], voice[band] * voice[band]);
            (alike * (1.0 - voice) / (0.001 + voice * (1.0 - alike))).clamp(0.0, 1.0).sqrt()
        };
        share * (power[band] / (1e-8 + earlier_power[band])).sqrt()
    });
    let share = bands::on_lines(&share);
    for (k, share) in share.iter().enumerate() {
        sound.re[k] += share * earlier.re[k];
        sound.im[k] += share * earlier.im[k];
    }
    // As loud as before.
    let now = bands::power(sound);
    scale(sound, &std::array::from_fn(|band| (power[band] / (1e-8 + now[band])).sqrt()));
}

/// As loud in each band as these gains say.
fn scale(spectrum: &mut Spectrum, gains: &Bands) {
    let lines = bands::on_lines(gains);
    for (part, gain) in spectrum.re.iter_mut().zip(&lines).chain(spectrum.im.iter_mut().zip(&lines)) {
        *part *= gain;
    }
}

/// The window of a frame; its square overlaps to one.
fn window() -> Vec<f32> {
    let half = |n: usize| {
        let sine = (std::f64::consts::FRAC_PI_2 * (n as f64 + 0.5) / BLOCK as f64).sin();
        (std::f64::consts::FRAC_PI_2 * sine * sine).sin() as f32
    };
    (0..FRAME).map(|n| half(n.min(FRAME - 1 - n))).collect()
}
