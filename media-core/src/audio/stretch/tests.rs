//! Exact lengths, no clicks, the same pitch.

use super::*;
use crate::testing::{Seeded, Speech, tone, tone_power};

/// Plays `sound` in blocks of 10 ms with a buffer of 40 ms and tries to stretch every `every`th block; answers what is
/// heard and by how much it is longer.
fn stretched(sound: &[f32], every: usize, side: Side, alike: f32) -> (Vec<f32>, isize) {
    let mut stretch = Stretch::new();
    let (mut next, mut heard, mut longer) = (Vec::with_capacity(8000), Vec::new(), 0);
    let (mut taken, mut block) = (0, 0);
    while taken + 1920 <= sound.len() {
        while next.len() < 1920 && taken < sound.len() {
            let piece = 480.min(sound.len() - taken);
            next.extend_from_slice(&sound[taken..taken + piece]);
            taken += piece;
        }
        if block % every == every - 1 {
            let before = next.len();
            let changed = match side {
                Side::Later => -(stretch.shorten(&mut next, SHORTEST..=LONGEST, alike) as isize),
                Side::Earlier => stretch.lengthen(&mut next, SHORTEST..=LONGEST, alike) as isize,
            };
            assert_eq!(next.len() as isize - before as isize, changed, "exactly the period");
            longer += changed;
        }
        stretch.played(&next[..480]);
        heard.extend(next.drain(..480));
        block += 1;
    }
    (heard, longer)
}

fn steepest(sound: &[f32]) -> f32 {
    sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

const SIDES: [Side; 2] = [Side::Later, Side::Earlier];

#[test]
fn a_sine_stays_a_sine_of_the_same_pitch() {
    for pitch in [110.0, 233.0, 440.0, 1000.0] {
        let said = tone(pitch, 48_000, 96_000);
        for side in SIDES {
            let (heard, longer) = stretched(&said, 3, side, 0.9);
            assert!(longer.abs() > 5_000, "{pitch} Hz {side:?}: {longer}");
            assert!(steepest(&heard) < 1.1 * steepest(&said), "{pitch} Hz {side:?} clicks");
            // A period is a whole number of samples; 60 small steps of phase a second are no other pitch.
            let turns = heard.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
            let wanted = pitch * heard.len() as f64 / 48_000.0;
            assert!((turns as f64 - wanted).abs() < 0.02 * wanted, "{pitch} Hz {side:?}: {turns} for {wanted}");
            let pure = tone_power(&heard[4_800..9_600], pitch, 48_000);
            assert!(pure > 0.95, "{pitch} Hz {side:?}: {pure} of it");
        }
    }
}

/// What lies in the upper octaves, as a share of all: heard where speech has nothing, it is a click.
fn share_above(sound: &[f32], rounds: usize) -> f64 {
    let mut left: Vec<f32> = sound.to_vec();
    let all: f64 = left.iter().map(|s| f64::from(s * s)).sum();
    // Differences of the fourth order leave next to nothing below 5 kHz.
    for _ in 0..rounds {
        left = left.windows(2).map(|pair| (pair[1] - pair[0]) / 2.0).collect();
    }
    left.iter().map(|s| f64::from(s * s)).sum::<f64>() / all
}

#[test]
fn speech_has_no_clicks() {
    let said = Speech::new(7, 48_000).take(480_000);
    for side in SIDES {
        let (heard, longer) = stretched(&said, 10, side, 0.9);
        assert!(longer.abs() > 7_000, "{side:?}: {longer}");
        assert!(steepest(&heard) < 1.2 * steepest(&said), "{side:?}: {} of {}", steepest(&heard), steepest(&said));
        let (clean, now) = (share_above(&said, 6), share_above(&heard, 6));
        assert!(now < 1.5 * clean + 1e-9, "{side:?}: {now:e} where {clean:e} was");
    }
    // What these bounds are worth: the same pieces joined without looking.
    let cut: Vec<f32> = said.chunks(4_800).flat_map(|piece| &piece[..piece.len() - 300]).copied().collect();
    assert!(share_above(&cut, 6) > 1.5 * share_above(&said, 6));
    assert!(steepest(&cut) > 1.2 * steepest(&said));
}

#[test]
fn what_is_not_alike_is_left_alone() {
    let mut random = Seeded::new(3);
    let noise: Vec<f32> = (0..48_000).map(|_| random.between(-0.3, 0.3) as f32).collect();
    for side in SIDES {
        assert_eq!(stretched(&noise, 2, side, 0.6).1, 0);
        // Forced, it stays as loud: a blend of strangers would have a hole of 3 dB.
        let (heard, longer) = stretched(&noise, 2, side, -1.0);
        assert!(longer.abs() > 5_000, "{longer}");
        let loud = |sound: &[f32]| sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
        assert!((loud(&heard) / loud(&noise) - 1.0).abs() < 0.05, "{} of {}", loud(&heard), loud(&noise));
    }
}

#[test]
fn silence_is_stretched_by_as_much_as_wanted() {
    let mut stretch = Stretch::new();
    let mut next = vec![0.0; 960];
    assert_eq!(stretch.shorten(&mut next, 300..=300, 0.9), 300);
    assert_eq!(stretch.lengthen(&mut next, 300..=300, 0.9), 300);
    assert_eq!(next, vec![0.0; 960]);
}

#[test]
fn too_little_sound_and_strange_wishes_change_nothing() {
    let mut stretch = Stretch::new();
    stretch.played(&[]);
    stretch.played(&tone(200.0, 48_000, 5_000));
    for len in 0..FADE + SHORTEST {
        let mut next = vec![0.1; len];
        assert_eq!(stretch.shorten(&mut next, 0..=usize::MAX, -1.0), 0);
        if len < FADE {
            assert_eq!(stretch.lengthen(&mut next, 0..=usize::MAX, -1.0), 0);
        }
        assert_eq!(next, vec![0.1; len]);
    }
    let mut next = vec![0.1; 2_000];
    for nothing in [0..=0, 0..=SHORTEST - 1, LONGEST + 1..=5_000, RangeInclusive::new(500, 400)] {
        assert_eq!(stretch.shorten(&mut next, nothing.clone(), -1.0), 0);
        assert_eq!(stretch.lengthen(&mut next, nothing, -1.0), 0);
    }
}

#[test]
fn sound_that_is_no_number_is_not_touched() {
    for broken in [f32::NAN, f32::INFINITY] {
        let mut stretch = Stretch::new();
        stretch.played(&tone(200.0, 48_000, 2_000));
        let mut next = tone(200.0, 48_000, 1_200);
        next[5] = broken;
        assert_eq!(stretch.shorten(&mut next, SHORTEST..=LONGEST, -1.0), 0);
        assert_eq!(stretch.lengthen(&mut next, SHORTEST..=LONGEST, -1.0), 0);
        // And forgotten once it is over.
        stretch.played(&next);
        let sound = tone(200.0, 48_000, 3_200);
        stretch.played(&sound[..2_000]);
        let mut next = sound[2_000..].to_vec();
        assert_eq!(stretch.shorten(&mut next, SHORTEST..=LONGEST, 0.9) % 240, 0);
        assert!(next.len() < 1_200);
    }
}
