//! Nothing clips, nothing clicks.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_within_full_scale_passes_unchanged() {
    let mut sides = [[0.5; BLOCK], [-0.25; BLOCK]];
    Limiter::new().limit(&mut sides);
    assert_eq!(sides, [[0.5; BLOCK], [-0.25; BLOCK]]);
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

#[test]
fn what_is_loud_on_one_side_pushes_nobody_to_the_other() {
    let mut limiter = Limiter::new();
    for _ in 0..20 {
        let mut sides = [[3.0; BLOCK], [0.3; BLOCK]];
        limiter.limit(&mut sides);
        assert!(sides[1][BLOCK - 1] < 0.11, "both sides are lowered alike: {}", sides[1][BLOCK - 1]);
    }
}

#[test]
fn in_the_middle_everything_is_as_it_was_without_sides() {
    let block: AudioBlock = std::array::from_fn(|n| (n as f32 / 7.0).sin());
    let (mut narrow, mut wide) = (Mix::new(false), Mix::new(true));
    for mix in [&mut narrow, &mut wide] {
        let mut place = Place::new();
        place.add(&block, mix, 1.0, Pan::CENTRE);
        place.add(&block, mix, 0.5, Pan::CENTRE);
        mix.add(&block);
    }
    let mut plain = [0.0; BLOCK];
    let mut gain = Gain::new(1.0);
    gain.add(&block, &mut plain, 1.0);
    gain.add(&block, &mut plain, 0.5);
    plain.iter_mut().zip(&block).for_each(|(to, from)| *to += from);
    assert_eq!(narrow.sides(), (&plain, &plain));
    assert_eq!(wide.sides(), (&plain, &plain));
    assert_eq!(narrow.middle(), plain);
}

#[test]
fn a_place_is_moved_to_within_a_block_and_left_the_same_way() {
    let mut place = Place::new();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for pan in [Pan::CENTRE, Pan::LEFT, Pan::LEFT, Pan::RIGHT, Pan::CENTRE] {
        let mut mix = Mix::new(true);
        place.add(&[0.5; BLOCK], &mut mix, 1.0, pan);
        left.extend_from_slice(mix.sides().0);
        right.extend_from_slice(mix.sides().1);
    }
    for side in [&left, &right] {
        assert!(side.windows(2).all(|w| (w[0] - w[1]).abs() < 0.002), "a step is a click");
    }
    assert_eq!(right[2 * BLOCK..3 * BLOCK], [0.0; BLOCK], "who is far left is only there");
    assert!((left[2 * BLOCK + 9] - 0.5 * std::f32::consts::SQRT_2).abs() < 1e-3, "and 3 dB louder");
    assert!(!place.is_aside());
}

#[test]
fn without_a_second_side_nobody_gets_louder_or_quieter() {
    let (mut place, mut mix) = (Place::new(), Mix::new(false));
    place.add(&[0.5; BLOCK], &mut mix, 1.0, Pan::LEFT);
    assert_eq!(mix.middle(), [0.5; BLOCK]);
    assert!(!place.is_aside());
}

#[test]
fn what_is_silent_costs_nothing_and_comes_back_softly() {
    let (mut place, mut mix) = (Place::new(), Mix::new(false));
    place.add(&[1.0; BLOCK], &mut mix, 0.0, Pan::CENTRE);
    assert!(place.is_silent());
    let mut mix = Mix::new(false);
    place.add(&[f32::NAN; BLOCK], &mut mix, 0.0, Pan::CENTRE);
    assert_eq!(mix.middle(), [0.0; BLOCK]);
    place.add(&[1.0; BLOCK], &mut mix, 1.0, Pan::CENTRE);
    assert!(mix.middle().windows(2).all(|w| (w[0] - w[1]).abs() < 0.01));
}

proptest! {
    #[test]
    fn whatever_is_added_stays_within_full_scale(samples in proptest::collection::vec(any::<f32>(), BLOCK), blocks in 1..5) {
        let mut limiter = Limiter::new();
        for _ in 0..blocks {
            let block: AudioBlock = samples.as_slice().try_into().unwrap();
            let mut sides = [[0.9; BLOCK], block];
            limiter.limit(&mut sides);
            prop_assert!(sides.iter().flatten().all(|s| s.is_finite() && s.abs() <= 1.0));
        }
    }
}
