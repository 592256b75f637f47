//! A simulated room: what is played comes back late, spread over an eighth of a second, with a little noise.

use super::*;
use crate::testing::{Seeded, Speech};

const SECOND: usize = 48_000;

/// Echo of `played` in a small room, `delay` samples late.
struct Room {
    taps: Vec<(usize, f32)>,
}

impl Room {
    fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let mut taps = vec![(0, 0.4)];
        for n in 1..60_usize {
            let loud = 0.25 * 10_f64.powf(-(n as f64) / 30.0);
            taps.push((n * 97 + (random.unit() * 60.0) as usize, random.between(-loud, loud) as f32));
        }
        Self { taps }
    }

    fn echo(&self, played: &[f32], at: usize, delay: usize) -> f32 {
        self.taps.iter().filter_map(|(after, gain)| Some(played.get(at.checked_sub(after + delay)?)? * gain)).sum()
    }
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|s| f64::from(s * s)).sum::<f64>()
}

fn decibel(a: f64, b: f64) -> f64 {
    10.0 * (a / b.max(1e-12)).log10()
}

fn cancel(played: &[f32], heard: &[f32]) -> Vec<f32> {
    let mut echo = Echo::new();
    let mut out = Vec::new();
    let mut before = [0.0; BLOCK];
    for (played, heard) in played.chunks_exact(BLOCK).zip(heard.chunks_exact(BLOCK)) {
        let mut block: AudioBlock = heard.try_into().unwrap();
        echo.block(&before, &mut block);
        out.extend(block);
        before.copy_from_slice(played);
    }
    out
}

/// Seconds `from` to `to`, without the delay the canceller adds and a jump makes.
fn seconds(samples: &[f32], from: usize, to: usize) -> &[f32] {
    &samples[from * SECOND..(to * SECOND).min(samples.len())]
}

#[test]
fn an_echo_goes() {
    for delay in [1_000, 9_000, 20_000] {
        let played = Speech::new(1, 48_000).take(6 * SECOND);
        let room = Room::new(4);
        let heard: Vec<f32> = (0..played.len()).map(|at| room.echo(&played, at, delay)).collect();
        let out = cancel(&played, &heard);
        let erle = decibel(power(seconds(&heard, 2, 6)), power(seconds(&out, 2, 6)));
        assert!(erle > 30.0, "delay {delay}: {erle} dB");
    }
}

#[test]
fn a_near_voice_passes_untouched_while_nothing_is_played() {
    let said = Speech::new(2, 48_000).take(3 * SECOND);
    let out = cancel(&vec![0.0; said.len()], &said);
    let lost: Vec<f32> = out[residual::LAG..].iter().zip(&said).map(|(a, b)| a - b).collect();
    let kept = decibel(power(&said), power(&lost));
    assert!(kept > 40.0, "{kept} dB");
}

#[test]
fn both_may_speak() {
    let played = Speech::new(1, 48_000).take(9 * SECOND);
    let said = Speech::new(2, 48_000).take(9 * SECOND);
    let room = Room::new(4);
    let echo: Vec<f32> = (0..played.len()).map(|at| room.echo(&played, at, 2_000)).collect();
    // The same with the echo upside down: half the sum of both is the voice, half the difference the echo.
    let mix = |sign: f32| -> Vec<f32> {
        let near = |at: usize| if at < 4 * SECOND { 0.0 } else { said[at] };
        (0..played.len()).map(|at| near(at) + sign * echo[at]).collect()
    };
    let (up, down) = (cancel(&played, &mix(1.0)), cancel(&played, &mix(-1.0)));
    let left: Vec<f32> = up.iter().zip(&down).map(|(a, b)| (a - b) / 2.0).collect();
    let erle = decibel(power(seconds(&echo, 5, 9)), power(seconds(&left, 5, 9)));
    assert!(erle > 20.0, "{erle} dB");
    let voice: Vec<f32> = up.iter().zip(&down).map(|(a, b)| (a + b) / 2.0).collect();
    let kept = power(seconds(&voice, 5, 9)) / power(seconds(&said, 5, 9));
    assert!(kept > 0.7, "keeps {kept} of the voice");
}

#[test]
fn a_delay_that_jumps_is_found() {
    let played = Speech::new(1, 48_000).take(12 * SECOND);
    let room = Room::new(4);
    for (from, to) in [(500, 20_000), (20_000, 500)] {
        let delay = |at: usize| if at < 6 * SECOND { from } else { to };
        let heard: Vec<f32> = (0..played.len()).map(|at| room.echo(&played, at, delay(at))).collect();
        let out = cancel(&played, &heard);
        let erle = decibel(power(seconds(&heard, 8, 12)), power(seconds(&out, 8, 12)));
        assert!(erle > 25.0, "{from} -> {to}: {erle} dB");
    }
}
