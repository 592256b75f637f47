//! Promises of the processing as a whole; the echo canceller has tests of its own.

use super::*;
use crate::frame::BLOCK;
use crate::testing::{Seeded, Speech, tone};

fn blocks(samples: &[f32]) -> impl Iterator<Item = AudioBlock> + '_ {
    samples.chunks_exact(BLOCK).map(|block| block.try_into().unwrap())
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|s| f64::from(s * s)).sum::<f64>() / samples.len() as f64
}

fn through(wanted: Processing, heard: &[f32]) -> Vec<f32> {
    let mut chain = Chain::new();
    chain.set(wanted);
    let mut out = Vec::new();
    for mut block in blocks(heard) {
        chain.block(&[0.0; BLOCK], &mut block);
        out.extend(block);
    }
    out
}

fn hiss(seed: u64, loud: f64, samples: usize) -> Vec<f32> {
    let mut random = Seeded::new(seed);
    (0..samples).map(|_| random.between(-loud, loud) as f32).collect()
}

#[test]
fn with_everything_off_not_a_bit_changes() {
    let heard = Speech::new(3, 48_000).take(48_000);
    assert_eq!(through(Processing::OFF, &heard), heard);
}

#[test]
fn rumble_and_offset_go_and_voices_stay() {
    let wanted = Processing { echo: false, noise: NoiseSuppression::Off, gain: true };
    let chain = |heard: &[f32]| {
        let mut filter = high_pass::HighPass::new();
        let mut out = Vec::new();
        for mut block in blocks(heard) {
            filter.block(&mut block);
            out.extend(block);
        }
        power(&out[24_000..]) / power(&heard[24_000..])
    };
    assert!(chain(&tone(20.0, 48_000, 96_000)) < 0.01, "20 Hz stays");
    assert!(chain(&vec![0.5; 96_000]) < 1e-4, "an offset stays");
    assert!(chain(&tone(200.0, 48_000, 96_000)) > 0.95, "a deep voice goes");
    // Part of whatever is switched on.
    let out = through(wanted, &vec![0.3; 96_000]);
    assert!(power(&out[48_000..]) < 1e-4, "{}", power(&out[48_000..]));
}

#[test]
fn both_strengths_lower_hiss_and_keep_speech() {
    for noise in [NoiseSuppression::Standard, NoiseSuppression::Strong] {
        let wanted = Processing { echo: false, noise, gain: false };
        let quiet = hiss(1, 0.02, 5 * 48_000);
        let rest = power(&through(wanted, &quiet)[4 * 48_000..]) / power(&quiet);
        assert!(rest < 0.3, "{noise:?} leaves {rest}");
    }
    // The strong one knows real voices only, which these are not.
    let wanted = Processing { echo: false, noise: NoiseSuppression::Standard, gain: false };
    let said = Speech::new(5, 48_000).take(5 * 48_000);
    let kept = power(&through(wanted, &said)[48_000..]) / power(&said[48_000..]);
    assert!(kept > 0.5, "keeps {kept}");
}

#[test]
fn nothing_leaves_full_scale_and_nothing_is_not_a_number() {
    for noise in [NoiseSuppression::Off, NoiseSuppression::Standard, NoiseSuppression::Strong] {
        let loud: Vec<f32> = hiss(9, 6.0, 2 * 48_000);
        let wanted = Processing { echo: true, noise, gain: true };
        let mut chain = Chain::new();
        chain.set(wanted);
        for mut block in blocks(&loud) {
            let played = block;
            chain.block(&played, &mut block);
            assert!(block.iter().all(|s| s.is_finite() && s.abs() <= 1.0), "{noise:?}");
        }
    }
}

#[test]
fn a_quiet_voice_becomes_louder() {
    let wanted = Processing { echo: false, noise: NoiseSuppression::Off, gain: true };
    let said: Vec<f32> = Speech::new(5, 48_000).take(8 * 48_000).iter().map(|s| s * 0.05).collect();
    let out = through(wanted, &said);
    let gain = power(&out[6 * 48_000..]) / power(&said[6 * 48_000..]);
    assert!(gain > 2.0, "{gain}");
}

#[test]
fn parts_can_be_switched_at_any_time() {
    let mut chain = Chain::new();
    let said = Speech::new(8, 48_000).take(48_000);
    let choices = [
        Processing::default(),
        Processing::OFF,
        Processing { echo: true, noise: NoiseSuppression::Strong, gain: false },
        Processing { echo: false, noise: NoiseSuppression::Strong, gain: true },
    ];
    for (n, mut block) in blocks(&said).enumerate() {
        chain.set(choices[n % choices.len()]);
        if n % 7 == 0 {
            chain.other_device();
        }
        let before = block;
        chain.block(&before.clone(), &mut block);
        if n % choices.len() == 1 {
            assert_eq!(block, before, "off is off at once");
        }
    }
}
