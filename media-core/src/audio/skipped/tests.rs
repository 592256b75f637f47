//! Who is woken up in the middle of a word sounds as if never asleep.

use super::*;
use crate::audio::{Encoder, EncoderSettings, PACKET_SAMPLES};
use crate::testing::Speech;

#[test]
fn a_decoder_that_caught_up_says_what_one_that_never_slept_says() {
    let mut encoder = Encoder::new(EncoderSettings::default()).unwrap();
    let mut speech = Speech::new(3, 48_000);
    let packets: Vec<Bytes> =
        (0..150).map(|_| encoder.encode(&speech.take(PACKET_SAMPLES)).unwrap().unwrap()).collect();
    let (mut awake, mut sleeps, mut stale) =
        (Decoder::new().unwrap(), Decoder::new().unwrap(), Decoder::new().unwrap());
    let mut skipped = Skipped::default();
    let (mut apart, mut apart_stale, mut power) = (0.0, 0.0, 0.0);
    for (n, packet) in packets.iter().enumerate() {
        let heard = awake.decode(packet).unwrap().to_vec();
        match n {
            0..50 => {
                sleeps.decode(packet).unwrap();
                stale.decode(packet).unwrap();
            }
            50..100 => {
                skipped.begin();
                assert_eq!(skipped.skip(Next::Packet(packet.clone())), PACKET_SAMPLES);
            }
            _ => {
                skipped.catch_up(&mut sleeps);
                assert!(!skipped.is_on());
                let far =
                    |other: &[f32]| heard.iter().zip(other).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>();
                apart += far(sleeps.decode(packet).unwrap());
                apart_stale += far(stale.decode(packet).unwrap());
                power += far(&[0.0; PACKET_SAMPLES]);
            }
        }
    }
    assert!(apart < power / 100.0, "20 dB below the voice at least: {apart} of {power}");
    assert!(apart < apart_stale / 2.0, "or nothing need be kept: {apart} against {apart_stale}");
}

#[test]
fn a_turn_passes_in_silence_whatever_it_brings() {
    let mut skipped = Skipped::default();
    assert_eq!(skipped.skip(Next::Silence), BLOCK);
    assert_eq!(skipped.skip(Next::Conceal(960)), 960);
    assert_eq!(skipped.skip(Next::Restore { next: Bytes::new(), before: 1, samples: 0 }), 1);
    assert!(skipped.skip(Next::Packet(Bytes::from_static(b"\xff\xff\xff"))) > 0);
}
