//! The echo canceller in a simulated room, in virtual time and through the whole engine: far voice as packets, mix, ring,
//! speaker (which may clip, and whose clock may differ), room, microphone's ring, engine, what is sent.
//! Only echo cancellation is on, so that neither noise suppression nor gain flatters or spoils the figures.

use std::path::Path;

use media_core::audio::{NoiseSuppression, PACKET_SAMPLES, Processing, Resampler};
use media_core::testing::Seeded;
use serde_json::json;

use super::own_sound::{BLOCK, Desk, Judge, decibel, energy, speech};
use super::voice_loss::write_wav;
use super::{quantile, say, tenth};

const SECOND: usize = 48_000;
const ONLY_ECHO: Processing = Processing { echo: true, noise: NoiseSuppression::Off, gain: false };
/// Far and near voices, Japanese and English.
const PAIRS: [(&str, &str); 3] = [("emma", "aoi"), ("aoi", "james"), ("james", "emma")];
/// Delays before and after a jump, in ms.
const JUMPS: [(usize, usize); 6] = [(0, 100), (0, 300), (0, 500), (500, 0), (60, 97), (200, 40)];
/// When the delay jumps.
const JUMP_AT: usize = 12 * SECOND;
/// When the near side begins to speak.
const NEAR_AT: usize = 8 * SECOND;
/// A loud small speaker: peaks above this are cut off, at speech of -23.5 dB about a tenth of all samples in a syllable.
const CLIPS_AT: f32 = 0.15;
/// Hiss of the microphone, -78 dB.
const HISS: f64 = 2.2e-4;
/// What counts as cancelled after a jump, in dB, over this long.
const FOUND: f64 = 25.0;
const WINDOW: usize = SECOND / 10;

/// A living room's answer: the direct sound after 3 ms and reverberation of 0.3 s, 4 dB weaker in sum.
struct Room(Vec<(usize, f32)>);

impl Room {
    fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let mut taps = vec![(144, 1.0_f32)];
        for n in 0..700 {
            // Two reflections a millisecond, each somewhere in its half.
            let after = 192 + n * 24 + (random.unit() * 24.0) as usize;
            let loud = 10_f64.powf(-3.0 * (after - 144) as f64 / (0.3 * SECOND as f64));
            taps.push((after, if random.unit() < 0.5 { loud as f32 } else { -loud as f32 }));
        }
        let tail: f32 = taps[1..].iter().map(|(_, gain)| gain * gain).sum();
        for (_, gain) in &mut taps[1..] {
            *gain *= (0.4 / tail).sqrt();
        }
        // As loud at the microphone as at the far side's.
        let sum: f32 = taps.iter().map(|(_, gain)| gain * gain).sum();
        for (_, gain) in &mut taps {
            *gain /= sum.sqrt();
        }
        Self(taps)
    }

    /// What is heard of the last block of `played`, `delay` samples later.
    fn answer(&self, played: &[f32], delay: usize, out: &mut [f32; BLOCK]) {
        out.fill(0.0);
        let from = played.len() as i64 - BLOCK as i64;
        for (after, gain) in &self.0 {
            let first = from - (after + delay) as i64;
            for (n, out) in out.iter_mut().enumerate() {
                if let Ok(at) = usize::try_from(first + n as i64) {
                    *out += played[at] * gain;
                }
            }
        }
    }
}

/// What happens in a take.
#[derive(Clone, Copy)]
struct Scene<'a> {
    far: &'a [f32],
    near: Option<&'a [f32]>,
    /// Upside down, for telling echo from voice.
    flipped: bool,
    delay: (usize, usize),
    clips: bool,
    /// Clock of the microphone against the speaker's, in parts per million.
    drift: f64,
    silent: bool,
}

struct Take {
    echo: Vec<f32>,
    sent: Vec<f32>,
}

impl Scene<'_> {
    fn take(&self, processing: Processing) -> anyhow::Result<Take> {
        let room = Room::new(7);
        let mut hiss = Seeded::new(3);
        let mut desk = Desk::new(processing)?;
        let mut clock = Resampler::new(48_000, 48_000).ok_or_else(|| anyhow::anyhow!("no resampler"))?;
        clock.bend(-self.drift / 1e6);
        let (mut played, mut take) = (Vec::new(), Take { echo: Vec::new(), sent: Vec::new() });
        for tick in 0..self.far.len() / BLOCK {
            if tick % 2 == 0
                && let Some(said) = self.far.get(tick * BLOCK..tick * BLOCK + PACKET_SAMPLES)
            {
                desk.far(said.try_into()?)?;
            }
            let mut out = [0.0; BLOCK];
            desk.speaker.read(&mut out);
            if self.clips {
                out = out.map(|s| s.clamp(-CLIPS_AT, CLIPS_AT));
            }
            played.extend(out);
            let delay = if tick * BLOCK < JUMP_AT { self.delay.0 } else { self.delay.1 };
            room.answer(&played, delay * 48, &mut out);
            let loud = if self.silent { 0.0 } else { 1.0 };
            clock.push(&out.map(|s| s * if self.flipped { -loud } else { loud }));
            let mut heard = vec![0.0; clock.ready()];
            clock.pull(&mut heard);
            for sample in &mut heard {
                let at = take.echo.len();
                take.echo.push(*sample);
                let near = self.near.filter(|_| at >= NEAR_AT).and_then(|near| near.get(at)).copied().unwrap_or(0.0);
                *sample += near + hiss.between(-HISS, HISS) as f32;
            }
            desk.microphone.write(&heard);
            desk.tick(&mut take.sent)?;
        }
        Ok(take)
    }
}

/// From this second to that; a take is a little shorter at its end.
fn part(samples: &[f32], from: usize, to: usize) -> &[f32] {
    let to = to.min(samples.len());
    &samples[from.min(to)..to]
}

fn erle(take: &Take, from: usize, to: usize) -> f64 {
    decibel(energy(part(&take.echo, from, to)), energy(part(&take.sent, from, to)))
}

/// Milliseconds from the jump until the echo is cancelled and stays so for three windows in which there is one.
fn found_after(take: &Take) -> f64 {
    let audible = WINDOW as f64 * 1e-5;
    let (mut good, mut since) = (0, 0);
    for n in 0..150 {
        let from = JUMP_AT + n * WINDOW;
        let echo = energy(part(&take.echo, from, from + WINDOW));
        if echo < audible {
            continue;
        }
        if decibel(echo, energy(part(&take.sent, from, from + WINDOW))) < FOUND {
            good = 0;
            continue;
        }
        if good == 0 {
            since = n * WINDOW;
        }
        good += 1;
        if good == 3 {
            return since as f64 / 48.0;
        }
    }
    f64::INFINITY
}

struct Figures {
    far: f64,
    double: f64,
    drop: f64,
    mouth: f64,
    drift: f64,
    clipping: f64,
    jumps: Vec<f64>,
}

fn figures(far: &str, near: &str, judge: &mut Judge, folder: &Path) -> anyhow::Result<Figures> {
    let (far, long) = (speech(far, 24)?, speech(far, 60)?);
    let near = speech(near, 24)?;
    let end = far.len();
    let plain =
        Scene { far: &far, near: None, flipped: false, delay: (20, 20), clips: false, drift: 0.0, silent: false };
    let single = plain.take(ONLY_ECHO)?;
    let both = Scene { near: Some(&near), ..plain };
    let (up, down) = (both.take(ONLY_ECHO)?, Scene { flipped: true, ..both }.take(ONLY_ECHO)?);
    let left: Vec<f32> = up.sent.iter().zip(&down.sent).map(|(a, b)| (a - b) / 2.0).collect();
    let double = decibel(energy(part(&up.echo, NEAR_AT, end)), energy(part(&left, NEAR_AT, end)));

    let alone = Scene { silent: true, ..both }.take(ONLY_ECHO)?;
    let raw = both.take(Processing::OFF)?;
    let said = folder.join("said.wav");
    write_wav(&said, part(&near, NEAR_AT, end))?;
    let mut stoi = |take: &Take| -> anyhow::Result<f64> {
        let heard = folder.join("heard.wav");
        write_wav(&heard, part(&take.sent, NEAR_AT, end))?;
        judge.stoi(&said, &heard)
    };
    let (alone, together, mouth) = (stoi(&alone)?, stoi(&up)?, stoi(&raw)?);

    let mut drift = f64::INFINITY;
    for ppm in [100.0, -100.0] {
        let take = Scene { far: &long, drift: ppm, ..plain }.take(ONLY_ECHO)?;
        drift = drift.min(erle(&take, 5 * SECOND, long.len()));
    }
    let clipping = Scene { clips: true, ..plain }.take(ONLY_ECHO)?;
    let jumps = JUMPS
        .iter()
        .map(|delay| Ok(found_after(&Scene { delay: *delay, ..plain }.take(ONLY_ECHO)?)))
        .collect::<anyhow::Result<_>>()?;
    Ok(Figures {
        far: erle(&single, SECOND, end),
        double,
        drop: alone - together,
        mouth,
        drift,
        clipping: erle(&clipping, SECOND, end),
        jumps,
    })
}

/// Prints a line per pair of voices and the summary: of each figure the mean, of jumps the slowest.
///
/// # Errors
/// Speech is missing, Python or its packages cannot be had, or a take failed.
pub fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut judge = Judge::start()?;
    let mut all = Vec::new();
    for (far, near) in PAIRS {
        let figures = figures(far, near, &mut judge, folder.path())?;
        say(&json!({
            "far": far, "near": near,
            "erle_db": tenth(figures.far),
            "double_talk_erle_db": tenth(figures.double),
            "near_stoi_drop": thousandth(figures.drop),
            "near_stoi_unprocessed": thousandth(figures.mouth),
            "drift_erle_db": tenth(figures.drift),
            "clipping_erle_db": tenth(figures.clipping),
            "jumps_found_ms": figures.jumps.iter().map(|ms| ms.round()).collect::<Vec<_>>(),
        }))?;
        all.push(figures);
    }
    let mean = |of: fn(&Figures) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let jumps: Vec<f64> = all.iter().flat_map(|figures| figures.jumps.iter().copied()).collect();
    say(&json!({
        "scenario": "echo",
        "pairs": all.len(),
        "erle_db": tenth(mean(|f| f.far)),
        "double_talk_erle_db": tenth(mean(|f| f.double)),
        "near_stoi_drop": thousandth(mean(|f| f.drop)),
        "drift_erle_db": tenth(mean(|f| f.drift)),
        "clipping_erle_db": tenth(mean(|f| f.clipping)),
        "jump_found_ms": quantile(&jumps, 1.0).map(f64::round),
        "jump_found_median_ms": quantile(&jumps, 0.5).map(f64::round),
    }))
}

fn thousandth(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
