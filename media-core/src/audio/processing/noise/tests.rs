//! Promises of the strong suppression: it does what RNNoise 0.2 does (`tests/vectors/noise.py`), the same every time.

use std::fmt::Write;

use super::network::{Features, Network};
use super::products::{Column, Matrix, ROW, Row, round};
use super::weights::{INPUTS, Weights};
use super::*;
use crate::testing::Seeded;

static VECTORS: &[u8] = include_bytes!("../../../../tests/vectors/noise.bin");

/// What the library makes of a block.
struct Vector {
    heard: AudioBlock,
    cleaned: AudioBlock,
    features: Features,
    gains: bands::Bands,
}

fn vectors() -> Vec<Vector> {
    let sound = |bytes: &[u8]| {
        let (samples, _) = bytes.as_chunks();
        std::array::from_fn(|n| f32::from(i16::from_le_bytes(samples[n])))
    };
    let floats = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect::<Vec<_>>();
    let read = |bytes: &[u8]| {
        let (heard, bytes) = bytes.split_at(2 * BLOCK);
        let (cleaned, bytes) = bytes.split_at(2 * BLOCK);
        let (features, gains) = bytes.split_at(4 * INPUTS);
        Vector {
            heard: sound(heard),
            cleaned: sound(cleaned),
            features: floats(features).try_into().unwrap(),
            gains: floats(gains).try_into().unwrap(),
        }
    };
    VECTORS.chunks_exact(4 * BLOCK + 4 * (INPUTS + bands::BANDS)).map(read).collect()
}

#[test]
fn the_network_is_told_what_rnnoise_is_told() {
    let mut strong = Strong::new();
    for (n, vector) in vectors().iter().enumerate() {
        let features = strong.hear(&vector.heard).expect("somebody speaks");
        for (k, (ours, theirs)) in features.iter().zip(&vector.features).enumerate() {
            assert!((ours - theirs).abs() < 0.001, "block {n}, feature {k}: {ours} for {theirs}");
        }
    }
}

#[test]
fn the_network_answers_what_rnnoise_answers() {
    // The library divides with twelve bits, so that here and there a value is rounded to the next byte.
    let mut network = Network::new();
    let mut sum = 0.0;
    let vectors = vectors();
    for (n, vector) in vectors.iter().enumerate() {
        for (band, (ours, theirs)) in network.hear(&vector.features).iter().zip(&vector.gains).enumerate() {
            assert!((ours - theirs).abs() < 0.05, "block {n}, band {band}: {ours} for {theirs}");
            sum += (ours - theirs).abs() / vector.gains.len() as f32;
        }
    }
    assert!(sum / (vectors.len() as f32) < 0.003, "{} in the mean", sum / vectors.len() as f32);
}

#[test]
fn what_is_left_is_what_rnnoise_leaves() {
    let (mut power, mut other) = (0.0, 0.0);
    let mut strong = Strong::new();
    for vector in vectors() {
        let mut block = vector.heard.map(|sample| sample / STEPS);
        strong.block(&mut block);
        for (ours, theirs) in block.iter().zip(vector.cleaned) {
            power += theirs * theirs;
            other += (ours * STEPS - theirs).powi(2);
        }
    }
    let decibel = 10.0 * (power / other).log10();
    assert!(decibel > 40.0, "{decibel} dB");
}

#[test]
fn noise_that_stops_leaves_without_a_burst() {
    let mut random = Seeded::new(7);
    let mut strong = Strong::new();
    let mut powers = (0..200).map(|n| {
        let mut block = std::array::from_fn(|_| if n < 195 { random.between(-0.02, 0.02) as f32 } else { 0.0 });
        strong.block(&mut block);
        block.iter().map(|sample| sample * sample).sum::<f32>()
    });
    let steady = powers.by_ref().skip(150).take(45).fold(0.0, f32::max);
    for power in powers {
        assert!(power < 2.0 * steady, "{power} after {steady}");
    }
}

#[test]
fn every_run_says_the_same() {
    let run = || {
        let mut strong = Strong::new();
        let mut clean = |vector: &Vector| {
            let mut block = vector.heard.map(|sample| sample / STEPS);
            strong.block(&mut block);
            block
        };
        vectors().iter().map(&mut clean).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_weights_are_those_that_were_taken_out() {
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, weights::file());
    let hex = sum.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let readme = include_str!("../../../../../assets/noise/README.md");
    assert!(readme.contains(&hex), "{hex} is not what the README says");
}

#[test]
fn a_file_of_another_length_or_version_is_refused() {
    let file = weights::file();
    for length in (0..300).chain([file.len() / 2, file.len() - 4, file.len() - 1]) {
        assert!(Weights::read(&file[..length]).is_none(), "{length} bytes are enough");
    }
    for at in (0..36).step_by(4) {
        let mut other = file.to_vec();
        other[at] ^= 1;
        assert!(Weights::read(other.leak()).is_none(), "changed at {at}");
    }
}

#[test]
fn no_sum_of_two_products_overflows() {
    for matrix in Weights::new().matrices() {
        for row in matrix.rows() {
            for pair in row.as_chunks::<2>().0 {
                let [a, b] = pair.map(|w| i32::from(w as i8));
                let (above, below) = (a.max(0) + b.max(0), a.min(0) + b.min(0));
                assert!(above <= 129 && below >= -129, "{a} and {b}");
            }
        }
    }
}

#[test]
fn the_fast_products_are_the_plain_ones() {
    let mut random = Seeded::new(4);
    let mut weight = || random.between(-64.0, 65.0) as i8 as u8;
    let rows: Vec<Row> = (0..21).map(|_| std::array::from_fn(|_| weight())).collect();
    let matrix = Matrix::new(rows.leak());
    let column: Column = std::array::from_fn(|n| [-127, 127, 0, 1, -1, 93, -93][n % 7]);
    let ways = matrix.times_in_all_ways(&column);
    assert!(ways.iter().all(|way| *way == ways[0]), "{ways:?}");
}

#[test]
fn values_are_rounded_to_the_nearest_step() {
    let values = [-1.0, -0.9999, -0.0041, -0.0039, 0.0, 0.0039, 0.0041, 0.5, 1.0];
    let mut rounded = [0; 9];
    round(&values, &mut rounded);
    assert_eq!(rounded, [-127, -127, -1, 0, 0, 0, 1, 64, 127]);
    assert_eq!(ROW % 32, 0, "a row is whole registers");
}
