//! Nothing clips, nothing clicks.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_within_full_scale_passes_unchanged() {
    let mut block = [0.5; BLOCK];
    Limiter::new().limit(&mut block);
    assert!(block.iter().all(|s| *s == 0.5));
}

#[test]
fn the_others_are_twelve_decibels_lower_under_a_megaphone() {
    let mut duck = Duck::new();
    (0..10).for_each(|_| {
        duck.step(true);
    });
    assert!((20.0 * duck.step(true).log10() + 12.0).abs() < 0.1);
    let back = (0..60).map(|_| duck.step(false)).last();
    assert_eq!(back, Some(1.0));
}

#[test]
fn a_gain_moves_within_a_block() {
    let mut gain = Gain::new(1.0);
    let mut out = [0.0; BLOCK];
    gain.add(&[1.0; BLOCK], &mut out, 0.0);
    assert!(out.windows(2).all(|w| (w[0] - w[1]).abs() < 0.01));
    assert!(out[BLOCK - 1] < 0.01);
}

proptest! {
    #[test]
    fn whatever_is_added_stays_within_full_scale(samples in proptest::collection::vec(any::<f32>(), BLOCK), blocks in 1..5) {
        let mut limiter = Limiter::new();
        for _ in 0..blocks {
            let mut block: AudioBlock = samples.as_slice().try_into().unwrap();
            limiter.limit(&mut block);
            prop_assert!(block.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
        }
    }
}
