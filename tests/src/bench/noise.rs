//! Noise suppression through the whole engine in virtual time: voices with noise at 5 dB below them, scored by DNSMOS
//! before and after, and what it costs.

use std::f64::consts::TAU;

use media_core::audio::{NoiseSuppression, Processing};
use media_core::testing::Seeded;
use serde_json::json;

use super::own_sound::{BLOCK, Desk, Judge, decibel, energy, speech, thread_seconds};
use super::say;
use super::voice_loss::write_wav;

const SECONDS: usize = 24;
const SAMPLES: usize = SECONDS * 48_000;
/// Not scored: the suppressor learns the noise.
const LESSON: usize = 4 * 48_000;
/// Speech over noise.
const SNR: f64 = 5.0;
const VOICES: [&str; 3] = ["aoi", "emma", "james"];

/// A fan: low, broad, humming a little and never quite the same.
fn fan(random: &mut Seeded) -> Vec<f32> {
    let (mut low, mut lower) = (0.0, 0.0);
    (0..SAMPLES)
        .map(|n| {
            let t = n as f64 / 48_000.0;
            low += 0.06 * (random.between(-1.0, 1.0) - low);
            lower += 0.01 * (low - lower);
            let hum = 0.02 * (TAU * 117.0 * t).sin() + 0.01 * (TAU * 234.0 * t).sin();
            let breath = 1.0 + 0.15 * (TAU * 0.7 * t).sin();
            ((0.35 * low + lower + hum) * breath + random.between(-0.01, 0.01)) as f32
        })
        .collect()
}

/// A keyboard: five strokes a second, each a click down and a softer one up.
fn keyboard(random: &mut Seeded) -> Vec<f32> {
    let mut out = vec![0.0; SAMPLES];
    let mut at = 0.0;
    while at < SECONDS as f64 - 0.5 {
        for (later, loud) in [(0.0, 1.0), (random.between(0.06, 0.12), 0.4)] {
            let from = ((at + later) * 48_000.0) as usize;
            let (pitch, fall) = (random.between(1_500.0, 4_500.0), random.between(0.002, 0.008));
            let loud = loud * random.between(0.5, 1.0);
            for n in 0..2_400 {
                let t = n as f64 / 48_000.0;
                let ring = 0.5 * (TAU * pitch * t).sin() + random.between(-0.7, 0.7);
                out[from + n] += (loud * ring * (-t / fall).exp()) as f32;
            }
        }
        at += random.between(0.08, 0.32);
    }
    out
}

/// Eight voices at once, from different places of all recordings, backwards so that none is understood.
fn babble(random: &mut Seeded) -> anyhow::Result<Vec<f32>> {
    let mut out = vec![0.0; SAMPLES];
    for n in 0..8 {
        let voice = speech(["aoi", "emma", "james", "hanako"][n % 4], 60)?;
        let from = (random.unit() * (voice.len() - SAMPLES) as f64) as usize;
        for (out, sample) in out.iter_mut().zip(voice[from..from + SAMPLES].iter().rev()) {
            *out += sample;
        }
    }
    Ok(out)
}

/// What is sent of `heard`, and seconds of processor time.
fn through(noise: NoiseSuppression, heard: &[f32]) -> anyhow::Result<(Vec<f32>, f64)> {
    let mut desk = Desk::new(Processing { echo: false, noise, gain: false })?;
    let mut sent = Vec::new();
    let before = thread_seconds()?;
    for block in heard.chunks_exact(BLOCK) {
        desk.microphone.write(block);
        desk.tick(&mut sent)?;
    }
    Ok((sent, thread_seconds()? - before))
}

/// Prints a line per noise and strength, means of all voices, and the summary.
///
/// # Errors
/// Speech is missing, Python or its packages cannot be had, or this is not Linux.
pub fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let heard = folder.path().join("heard.wav");
    let mut judge = Judge::start()?;
    let mut random = Seeded::new(11);
    let noises = [("fan", fan(&mut random)), ("keyboard", keyboard(&mut random)), ("babble", babble(&mut random)?)];
    let strengths = [("standard", NoiseSuppression::Standard), ("strong", NoiseSuppression::Strong)];
    let mut summary = serde_json::Map::new();
    let mut cost = [0.0; 2];
    for (kind, noise) in &noises {
        let (mut before, mut after) = (0.0, [0.0; 2]);
        for voice in VOICES {
            let said = speech(voice, SECONDS)?;
            let scale = 10_f64.powf((decibel(energy(&said), energy(noise)) - SNR) / 20.0) as f32;
            let mixed: Vec<f32> = said.iter().zip(noise).map(|(voice, noise)| voice + noise * scale).collect();
            let (sent, nothing) = through(NoiseSuppression::Off, &mixed)?;
            write_wav(&heard, &sent[LESSON..])?;
            before += judge.quality(&heard)?;
            for (n, (_, strength)) in strengths.iter().enumerate() {
                let (sent, seconds) = through(*strength, &mixed)?;
                write_wav(&heard, &sent[LESSON..])?;
                after[n] += judge.quality(&heard)?;
                cost[n] += (seconds - nothing) / (SECONDS * VOICES.len() * noises.len()) as f64 * 100.0;
            }
        }
        for ((strength, _), after) in strengths.iter().zip(after) {
            let [before, after] = [before, after].map(|sum| sum / VOICES.len() as f64);
            let gain = hundredth(after - before);
            say(&json!({
                "noise": kind, "strength": strength,
                "dnsmos_before": hundredth(before), "dnsmos_after": hundredth(after), "gain": gain,
            }))?;
            summary.insert(format!("{kind}_{strength}_gain"), json!(gain));
        }
    }
    summary.insert("scenario".to_owned(), json!("noise"));
    for ((strength, _), cost) in strengths.iter().zip(cost) {
        summary.insert(format!("{strength}_core_pct"), json!(hundredth(cost)));
    }
    say(&serde_json::Value::Object(summary))
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
