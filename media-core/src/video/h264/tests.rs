//! Encode, look at the bytes, decode, compare.

use super::super::codec::{Decoder as _, Encoder as _};
use super::*;
use crate::frame::Codec;
use crate::testing::{TestCard, TextScreen, psnr, read_counter, ssim};

const SIZE: Size = Size { width: 640, height: 360 };

fn frame(encoded: Encoded) -> EncodedFrame {
    EncodedFrame { codec: Codec::H264, rtp_time: 0, key: encoded.key, data: encoded.data }
}

#[test]
fn a_camera_comes_back_as_it_was() {
    let mut card = TestCard::new(SIZE);
    let mut encoder = Encoder::new(Content::Camera, 30, Bitrate::kbps(1000)).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut seen = 0;
    for n in 0..30 {
        let picture = card.paint(n, MediaTime::ZERO);
        let Some(encoded) = encoder.encode(&picture, false).unwrap() else { continue };
        assert_eq!(encoded.key, n == 0, "only the first is a key frame by itself");
        let out = decoder.decode(&frame(encoded), MediaTime::from_micros(u64::from(n))).unwrap().unwrap();
        assert_eq!((out.size(), out.at), (SIZE, MediaTime::from_micros(u64::from(n))));
        assert_eq!(read_counter(&out), Some(n));
        assert!(psnr(&picture, &out).unwrap() > 30.0, "{n}: {:?}", psnr(&picture, &out));
        seen += 1;
    }
    assert!(seen >= 20, "{seen} of 30");
}

#[test]
fn small_text_stays_sharp() {
    let mut text = TextScreen::new(SIZE);
    let mut encoder = Encoder::new(Content::Screen, 15, Bitrate::kbps(2500)).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let picture = text.paint(3, MediaTime::ZERO);
    let mut last = None;
    for _ in 0..8 {
        if let Some(encoded) = encoder.encode(&picture, false).unwrap() {
            last = decoder.decode(&frame(encoded), MediaTime::ZERO).unwrap().or(last);
        }
    }
    let last = last.unwrap();
    assert!(ssim(&picture, &last).unwrap() > 0.97, "{:?} {:?}", ssim(&picture, &last), psnr(&picture, &last));
}

#[test]
fn frames_are_constrained_baseline_with_one_slice_and_long_start_codes() {
    let mut card = TestCard::new(Size { width: 1280, height: 720 });
    let mut encoder = Encoder::new(Content::Camera, 30, Bitrate::kbps(1700)).unwrap();
    for n in 0..12 {
        let Some(encoded) = encoder.encode(&card.paint(n * 50, MediaTime::ZERO), n == 6).unwrap() else { continue };
        let data = &encoded.data;
        let kinds: Vec<u8> = annexb::nals(data).filter_map(|nal| nal.kind(data)).collect();
        let slices = kinds.iter().filter(|k| matches!(k, 1 | 5)).count();
        assert_eq!(slices, 1, "{kinds:?}");
        assert!(annexb::nals(data).all(|nal| nal.start >= 4 && data[nal.start - 4..nal.start] == annexb::START_CODE));
        assert_eq!(encoded.key, annexb::is_key(data));
        if encoded.key {
            assert_eq!(kinds, [7, 8, 5]);
            let sps = annexb::nals(data).next().unwrap();
            assert_eq!(data[sps.start + 1], 66, "baseline");
            assert_eq!(data[sps.start + 2] & 0x40, 0x40, "constrained");
        }
    }
}

#[test]
fn another_size_starts_with_a_key_frame_and_another_bit_rate_does_not() {
    let mut encoder = Encoder::new(Content::Camera, 30, Bitrate::kbps(1000)).unwrap();
    let mut decoder = Decoder::new().unwrap();
    for (n, size) in [(1, SIZE), (2, Size { width: 320, height: 180 }), (3, SIZE)] {
        let encoded = encoder.encode(&TestCard::new(size).paint(n, MediaTime::ZERO), false).unwrap().unwrap();
        assert!(encoded.key);
        let out = decoder.decode(&frame(encoded), MediaTime::ZERO).unwrap().unwrap();
        assert_eq!(out.size(), size);
    }
    encoder.set_bitrate(Bitrate::kbps(1050)).unwrap();
    assert!(encoder.encode(&TestCard::new(SIZE).paint(4, MediaTime::ZERO), false).unwrap().is_none_or(|e| !e.key));
    encoder.set_bitrate(Bitrate::kbps(300)).unwrap();
    assert!(encoder.encode(&TestCard::new(SIZE).paint(5, MediaTime::ZERO), false).unwrap().is_none_or(|e| !e.key));
    let other = TestCard::new(Size { width: 320, height: 180 }).paint(6, MediaTime::ZERO);
    assert!(encoder.encode(&other, false).unwrap().unwrap().key);
}

#[test]
fn junk_is_an_error_and_the_next_key_frame_helps() {
    let mut decoder = Decoder::new().unwrap();
    for junk in [&[][..], &[1, 2, 3], &[0, 0, 0, 1, 0x65, 0xB8, 9, 9, 9, 9], &[0, 0, 0, 1, 0x67]] {
        let junk = EncodedFrame { codec: Codec::H264, rtp_time: 0, key: true, data: junk.to_vec().into() };
        assert!(!matches!(decoder.decode(&junk, MediaTime::ZERO), Ok(Some(_))));
    }
    let mut encoder = Encoder::new(Content::Camera, 30, Bitrate::kbps(1000)).unwrap();
    let good = encoder.encode(&TestCard::new(SIZE).paint(9, MediaTime::ZERO), true).unwrap().unwrap();
    let out = decoder.decode(&frame(good), MediaTime::ZERO).unwrap().unwrap();
    assert_eq!(read_counter(&out), Some(9));
}

#[test]
fn what_is_too_large_is_refused() {
    let size = Size { width: 7680, height: 2160 };
    let data = vec![0; size.i420_len()].into();
    let picture = Picture::new(size, data, MediaTime::ZERO).unwrap();
    let mut encoder = Encoder::new(Content::Screen, 15, Bitrate::kbps(1000)).unwrap();
    assert_eq!(encoder.encode(&picture, false), Err(CodecError::TooLarge(7680, 2160)));
}
