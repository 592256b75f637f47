//! Packets of the real encoder, taken apart and put together.

use proptest::prelude::*;

use super::*;
use crate::{Decoder, Dred, Encoder};

const ID: u8 = 125;

fn packets(dred: i32) -> Vec<Vec<u8>> {
    packets_of(960, 32_000, dred)
}

fn packets_of(frame: usize, bits: i32, dred: i32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::speech().unwrap();
    encoder.set_bitrate(bits).unwrap();
    encoder.set_loss_percent(20).unwrap();
    encoder.set_dred(dred).unwrap();
    let mut out = [0; 1275];
    (0..50)
        .map(|n| {
            let samples: Vec<f32> =
                (0..frame).map(|i| 0.3 * (((n * frame + i) as f32) * 0.03 + ((n / 5) as f32).sin()).sin()).collect();
            let len = encoder.encode(&samples, &mut out).unwrap();
            out[..len].to_vec()
        })
        .collect()
}

#[test]
fn what_is_added_is_found_again_and_changes_no_sound() {
    for dred in [0, 20] {
        let (mut plain, mut extended) = (Decoder::new().unwrap(), Decoder::new().unwrap());
        for packet in packets(dred) {
            let payload: Vec<u8> = (0..packet.len() * 3).map(|i| (i * 7) as u8).collect();
            let longer = extend(&packet, ID, &payload).unwrap();
            assert_eq!(extension(&longer, ID), Some(&payload[..]));
            assert_eq!(extension(&packet, ID), None);
            assert_eq!(samples(&longer), Some(960));
            let (mut a, mut b) = ([0.0; 960], [0.0; 960]);
            assert_eq!(plain.decode(&packet, &mut a), Ok(960));
            assert_eq!(extended.decode(&longer, &mut b), Ok(960));
            assert_eq!(a, b);
            assert_eq!(strip(&longer), strip(&packet));
        }
    }
}

#[test]
fn packets_of_several_frames_carry_and_are_carried() {
    let mut several = 0;
    for (frame, bits) in [(480, 40_000), (1920, 9_000), (1920, 36_000), (2880, 30_000), (5760, 16_000), (5760, 40_000)]
    {
        let (mut plain, mut extended, mut stripped) =
            (Decoder::new().unwrap(), Decoder::new().unwrap(), Decoder::new().unwrap());
        for packet in packets_of(frame, bits, 0) {
            several += usize::from(packet[0] & 3 != 0);
            let longer = extend(&packet, ID, &packet).unwrap();
            assert_eq!((extension(&longer, ID), samples(&longer)), (Some(&packet[..]), Some(frame)));
            let short = strip(&longer).unwrap();
            assert_eq!(Some(&short), strip(&packet).as_ref());
            assert!(short.len() <= packet.len() && sound(&longer) == sound(&packet));
            let mut out = [[0.0; MAX_SAMPLES]; 3];
            plain.decode(&packet, &mut out[0]).unwrap();
            extended.decode(&longer, &mut out[1]).unwrap();
            stripped.decode(&short, &mut out[2]).unwrap();
            assert!(out[0] == out[1] && out[0] == out[2], "{frame} samples at {bits} bit/s");
        }
    }
    assert!(several > 150, "{several} packets of several frames");
}

#[test]
fn deep_redundancy_is_still_read_behind_our_extension() {
    let mut dred = Dred::new().unwrap();
    let reach: Vec<(usize, usize)> = packets(40)
        .iter()
        .map(|packet| {
            let longer = extend(packet, ID, &[9; 300]).unwrap();
            (dred.read(packet).unwrap(), dred.read(&longer).unwrap())
        })
        .collect();
    assert!(reach.iter().all(|(plain, longer)| plain == longer));
    assert!(reach.iter().any(|(plain, _)| *plain >= 4800), "{reach:?}");
}

#[test]
fn a_stripped_packet_sounds_the_same() {
    let (mut plain, mut stripped) = (Decoder::new().unwrap(), Decoder::new().unwrap());
    for packet in packets(20) {
        let short = strip(&packet).unwrap();
        assert!(short.len() <= packet.len());
        let (mut a, mut b) = ([0.0; 960], [0.0; 960]);
        plain.decode(&packet, &mut a).unwrap();
        stripped.decode(&short, &mut b).unwrap();
        assert_eq!(a, b);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..600), id in any::<u8>()) {
        prop_assert!(samples(&bytes).is_none_or(|n| n <= MAX_SAMPLES));
        prop_assert!(extension(&bytes, id).is_none_or(|payload| payload.len() < bytes.len()));
        if let Some(short) = strip(&bytes) {
            prop_assert!(short.len() <= bytes.len());
        }
        if let Some(longer) = extend(&bytes, ID, &bytes) {
            prop_assert_eq!(extension(&longer, ID), Some(&bytes[..]));
        }
        let mut out = [0.0; MAX_SAMPLES];
        let mut decoder = Decoder::new().unwrap();
        if let (Some(said), Ok(got)) = (samples(&bytes), decoder.decode(&bytes, &mut out)) {
            prop_assert_eq!(said, got);
        }
        decoder.restore(&bytes, &mut out[..960]).ok();
        let mut dred = Dred::new().unwrap();
        if let Ok(reach) = dred.read(&bytes) {
            decoder.describe(&dred, reach.min(960), &mut out[..960]).ok();
        }
    }
}
