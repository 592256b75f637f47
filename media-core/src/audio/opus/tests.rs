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
fn enhancing_changes_speech_of_few_bits_and_may_begin_without_a_click() {
    let said = Speech::new(2, 48_000).take(192_000);
    let settings = EncoderSettings { bitrate: Bitrate::kbps(12), ..EncoderSettings::default() };
    let mut encoder = Encoder::new(settings).unwrap();
    let packets: Vec<_> = said.chunks_exact(PACKET_SAMPLES).map(|f| encoder.encode(f).unwrap().unwrap()).collect();
    let heard = |enhance: fn(usize) -> bool| {
        let mut decoder = Decoder::new().unwrap();
        let decode = |(n, packet): (usize, &Bytes)| {
            decoder.enhance(enhance(n)).unwrap();
            decoder.decode(packet).unwrap().to_vec()
        };
        packets.iter().enumerate().flat_map(decode).collect::<Vec<f32>>()
    };
    let steepest = |sound: &[f32]| sound.windows(2).fold(0.0_f32, |most, pair| most.max((pair[1] - pair[0]).abs()));
    let (always, never) = (heard(|_| true), heard(|_| false));
    assert_ne!(always, never);
    let most = steepest(&always).max(steepest(&never));
    for late in [heard(|n| n > 23), heard(|n| n > 60), heard(|n| n > 101), heard(|n| n > 143)] {
        assert_eq!(late.len(), never.len());
        assert!(steepest(&late) < 1.1 * most, "{} beside {most}", steepest(&late));
    }
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
