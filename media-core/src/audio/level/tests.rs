//! Levels by RFC 6464 and the voice flag.

use super::*;
use crate::testing::{Speech, tone};

#[test]
fn levels_are_decibels_below_full_scale() {
    for (sample, below) in [(1.0, 0), (0.1, 20), (0.01, 40), (0.0, 127)] {
        let mut meter = Meter::new();
        meter.push(&[sample; 480]);
        assert_eq!(meter.take().below_full, below);
    }
    let mut meter = Meter::new();
    meter.push(&tone(1000.0, 48_000, 480));
    assert_eq!(meter.take().below_full, 9, "a sine of half amplitude");
    meter.push(&[f32::NAN; 480]);
    assert_eq!(meter.take().below_full, 127);
}

#[test]
fn speech_is_voice_and_steady_noise_is_not() {
    let mut meter = Meter::new();
    let mut speech = Speech::new(1, 48_000);
    (0..100).for_each(|_| meter.push(&speech.take(480)));
    assert!(meter.take().voice);
    let mut random = crate::testing::Seeded::new(1);
    let mut hum = || -> Vec<f32> { (0..480).map(|_| random.between(-0.01, 0.01) as f32).collect() };
    (0..2000).for_each(|_| meter.push(&hum()));
    meter.take();
    (0..100).for_each(|_| meter.push(&hum()));
    assert!(!meter.take().voice, "a fan is not a voice");
}
