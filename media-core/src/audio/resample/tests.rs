//! Tones through every usual pair of rates, and exact counts.

use super::*;
use crate::testing::{correlation, tone, tone_power};

/// Runs `input` through in blocks of 10 ms of output.
fn run(resampler: &mut Resampler, input: &[f32], block: usize) -> Vec<f32> {
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let wanted = resampler.wanted(block);
        let Some(more) = input.get(at..at + wanted) else { return out };
        resampler.push(more);
        at += wanted;
        let mut piece = vec![0.0; block];
        resampler.pull(&mut piece);
        out.extend(piece);
    }
}

#[test]
fn a_tone_keeps_its_pitch_and_loudness_at_every_rate() {
    for (from, to) in
        [(48_000, 48_000), (44_100, 48_000), (48_000, 44_100), (16_000, 48_000), (96_000, 48_000), (8_000, 48_000)]
    {
        let mut resampler = Resampler::new(from, to).unwrap();
        let out = run(&mut resampler, &tone(1000.0, from, from as usize), to as usize / 100);
        let steady = &out[to as usize / 10..to as usize * 9 / 10];
        assert!(tone_power(steady, 1000.0, to) > 0.999, "{from} to {to}");
        let rms = (steady.iter().map(|s| s * s).sum::<f32>() / steady.len() as f32).sqrt();
        assert!((rms - 0.353_55).abs() < 0.002, "{from} to {to}: {rms}");
    }
}

#[test]
fn what_would_fold_back_is_taken_out() {
    let mut resampler = Resampler::new(48_000, 16_000).unwrap();
    let out = run(&mut resampler, &tone(11_000.0, 48_000, 48_000), 160);
    let loud = out[800..].iter().fold(0.0_f32, |m, s| m.max(s.abs()));
    assert!(loud < 0.005, "{loud}");
}

#[test]
fn equal_rates_change_nothing_audible() {
    let mut speech = crate::testing::Speech::new(3, 48_000);
    let input = speech.take(48_000);
    let out = run(&mut Resampler::new(48_000, 48_000).unwrap(), &input, 480);
    let (lag, alike) = correlation(&input[..40_000], &out, 200);
    assert!(alike > 0.999 && lag < 48, "{lag} {alike}");
}

#[test]
fn bending_takes_in_more_or_less() {
    for by in [-0.01, 0.0, 0.01] {
        let mut resampler = Resampler::new(48_000, 48_000).unwrap();
        resampler.bend(by);
        let out = run(&mut resampler, &vec![0.1; 480_000], 480);
        let expected = 480_000.0 / (1.0 + by);
        assert!((out.len() as f64 - expected).abs() < 1000.0, "{by}: {}", out.len());
    }
}

#[test]
fn ready_says_what_can_be_pulled() {
    let mut resampler = Resampler::new(48_000, 44_100).unwrap();
    let mut total = 0;
    for _ in 0..1000 {
        resampler.push(&[0.0; 480]);
        let ready = resampler.ready();
        assert_eq!(resampler.wanted(ready), 0);
        resampler.pull(&mut vec![0.0; ready]);
        total += ready;
    }
    assert!((440_900..=441_000).contains(&total), "{total}");
}

#[test]
fn odd_rates_are_refused() {
    assert!(Resampler::new(7_999, 48_000).is_none());
    assert!(Resampler::new(48_000, 400_000).is_none());
    assert!(Resampler::new(0, 0).is_none());
}
