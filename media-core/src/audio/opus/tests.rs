//! Speech through the codec, with loss.

use proptest::prelude::*;

use super::*;
use crate::testing::{Speech, correlation, tone_power};

fn frames(samples: &[f32]) -> Vec<Bytes> {
    let mut encoder = Encoder::new(EncoderSettings::default()).unwrap();
    samples.chunks_exact(PACKET_SAMPLES).map(|f| encoder.encode(f).unwrap().unwrap()).collect()
}

#[test]
fn speech_comes_through() {
    let said = Speech::new(2, 48_000).take(96_000);
    let mut decoder = Decoder::new().unwrap();
    let heard: Vec<f32> = frames(&said).iter().flat_map(|p| decoder.decode(p).unwrap().to_vec()).collect();
    let (lag, alike) = correlation(&said[9600..86_400], &heard[9600..], 960);
    assert!(alike > 0.9, "correlation {alike} at {lag}");
}

#[test]
fn one_lost_packet_is_restored() {
    let packets = frames(&crate::testing::tone(440.0, 48_000, 48_000));
    let mut decoder = Decoder::new().unwrap();
    for packet in &packets[..20] {
        decoder.decode(packet).unwrap();
    }
    let restored = decoder.restore(&packets[21], PACKET_SAMPLES, PACKET_SAMPLES).unwrap();
    assert_eq!(restored.len(), PACKET_SAMPLES);
    assert!(tone_power(restored, 440.0, 48_000) > 0.5);
}

#[test]
fn silence_need_not_be_sent() {
    let mut encoder = Encoder::new(EncoderSettings { dtx: true, ..EncoderSettings::default() }).unwrap();
    let sent = (0..100).filter(|_| encoder.encode(&[0.0; PACKET_SAMPLES]).unwrap().is_some()).count();
    assert!(sent < 40, "{sent} of 100 packets of silence sent");
}

#[test]
fn the_bit_rate_is_near_what_was_asked() {
    let bytes: usize = frames(&Speech::new(2, 48_000).take(480_000)).iter().map(Bytes::len).sum();
    assert!((20_000..48_000).contains(&(bytes * 8 / 10)), "{} bit/s", bytes * 8 / 10);
}

proptest! {
    #[test]
    fn junk_is_refused_or_decoded_but_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = Decoder::new().unwrap();
        if let Some(samples) = Decoder::samples(&junk) {
            prop_assert!(samples <= packet::MAX_SAMPLES);
        }
        if let Ok(out) = decoder.decode(&junk) {
            prop_assert!(out.len() <= packet::MAX_SAMPLES);
        }
        for samples in [0, 1, 480, 960, 100_000] {
            if let Ok(out) = decoder.restore(&junk, samples, samples) {
                prop_assert!(out.len() <= packet::MAX_SAMPLES);
            }
        }
    }
}
