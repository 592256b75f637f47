//! Sets as encoders make them, sets of nobody, and every set cut at every byte.

use proptest::prelude::*;

use super::super::codec::{CodecError, Decoder as _, Encoder as _};
use super::super::{annexb, h264};
use super::*;
use crate::frame::{Codec, EncodedFrame};
use crate::testing::TestCard;
use crate::time::{Bitrate, MediaTime};

/// Writes what [`Bits`] reads.
#[derive(Default)]
struct Write(Vec<bool>);

impl Write {
    fn bit(mut self, bit: bool) -> Self {
        self.0.push(bit);
        self
    }

    fn number(mut self, n: u32) -> Self {
        let code = u64::from(n) + 1;
        let length = 64 - code.leading_zeros();
        self.0.extend((1..length).map(|_| false));
        self.0.extend((0..length).rev().map(|i| code >> i & 1 == 1));
        self
    }

    /// The unit, with its header, profile and level, its stop bit and escaped as it must be.
    fn unit(self, profile: u8) -> Vec<u8> {
        let bits: Vec<bool> = self.0.into_iter().chain([true]).collect();
        let bytes =
            bits.chunks(8).map(|c| c.iter().enumerate().fold(0_u8, |byte, (i, bit)| byte | u8::from(*bit) << (7 - i)));
        let mut unit = vec![0x67, profile, 0, 52];
        let mut zeros = 0;
        for byte in bytes {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

/// Baseline, as far as the size.
fn sps(references: u32, columns: u32, rows: u32, crop: Option<[u32; 4]>) -> Vec<u8> {
    let bits = Write::default().number(0).number(0).number(2).number(references).bit(false);
    let bits = bits.number(columns - 1).number(rows - 1).bit(true).bit(true).bit(crop.is_some());
    crop.into_iter().flatten().fold(bits, Write::number).bit(false).unit(66)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn sets_of_other_encoders_are_read() {
    for line in include_str!("../../../tests/vectors/sps.txt").lines().filter(|l| !l.starts_with('#')) {
        let [width, height, hex] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("three fields: {line}") };
        let size = Size { width: width.parse().unwrap(), height: height.parse().unwrap() };
        assert_eq!(picture_size(&bytes(hex)), Ok(size), "{line}");
    }
}

#[test]
fn the_largest_picture_is_taken_in_both_directions_and_none_above() {
    assert_eq!(picture_size(&sps(1, 256, 144, None)), Ok(Size { width: 4096, height: 2304 }));
    assert_eq!(picture_size(&sps(1, 144, 256, None)), Ok(Size { width: 2304, height: 4096 }));
    assert_eq!(picture_size(&sps(1, 257, 1, None)), Err(ReadSps::TooLarge(4112, 16)));
    assert_eq!(picture_size(&sps(1, 256, 145, None)), Err(ReadSps::TooLarge(4096, 2320)));
    assert_eq!(picture_size(&sps(0, 1 << 20, 1 << 20, None)), Err(ReadSps::TooLarge(1 << 24, 1 << 24)));
    assert_eq!(picture_size(&sps(16, u32::MAX, u32::MAX, None)), Err(ReadSps::TooLarge(u32::MAX, u32::MAX)));
    // What is cut off at the edges is decoded all the same.
    let hidden = sps(1, 512, 512, Some([4000, 0, 4000, 0]));
    assert_eq!(picture_size(&hidden), Err(ReadSps::TooLarge(8192, 8192)));
}

#[test]
fn reference_pictures_are_limited_like_the_picture_itself() {
    assert_eq!(picture_size(&sps(16, 80, 45, None)), Ok(Size { width: 1280, height: 720 }));
    assert_eq!(picture_size(&sps(5, 256, 144, None)), Ok(Size { width: 4096, height: 2304 }));
    assert_eq!(picture_size(&sps(6, 256, 144, None)), Err(ReadSps::References(6)));
    assert_eq!(picture_size(&sps(17, 1, 1, None)), Err(ReadSps::Malformed));
}

#[test]
fn a_picture_of_which_nothing_is_shown_is_none() {
    assert_eq!(picture_size(&sps(1, 2, 2, Some([1, 2, 3, 4]))), Ok(Size { width: 26, height: 18 }));
    assert_eq!(picture_size(&sps(1, 2, 2, Some([8, 8, 0, 0]))), Err(ReadSps::Malformed));
    assert_eq!(picture_size(&sps(1, 2, 2, Some([0, 0, u32::MAX - 1, u32::MAX - 1]))), Err(ReadSps::Malformed));
}

#[test]
fn other_colours_and_half_pictures_are_refused() {
    let start = || Write::default().number(0);
    assert_eq!(picture_size(&start().number(3).unit(244)), Err(ReadSps::Kind), "4:4:4");
    assert_eq!(picture_size(&start().number(0).unit(100)), Err(ReadSps::Kind), "no colour");
    assert_eq!(picture_size(&start().number(1).number(2).unit(110)), Err(ReadSps::Kind), "10 bits");
    let fields = start().number(0).number(2).number(1).bit(false).number(39).number(14).bit(false);
    assert_eq!(picture_size(&fields.unit(77)), Err(ReadSps::Kind), "interlaced");
}

#[test]
fn a_set_that_ends_too_early_is_malformed() {
    for whole in [sps(1, 80, 45, None), sps(4, 120, 68, Some([0, 0, 0, 4]))] {
        assert!(picture_size(&whole).is_ok());
        for end in 0..whole.len() {
            assert_eq!(picture_size(&whole[..end]), Err(ReadSps::Malformed), "cut at {end}");
        }
    }
    // A number without an end, and start codes inside.
    assert_eq!(picture_size(&[0x67, 66, 0, 52, 0, 0, 3, 0, 0, 3, 0, 0, 3, 0, 0]), Err(ReadSps::Malformed));
    assert_eq!(picture_size(&[0x67, 66, 0, 52, 0, 0, 1, 0xFF, 0xFF, 0xFF]), Err(ReadSps::Malformed));
}

#[test]
fn the_decoder_never_sees_a_stream_that_is_too_large() {
    let mut decoder = h264::Decoder::new().unwrap();
    for (unit, error) in [
        (sps(1, 512, 512, None), ReadSps::TooLarge(8192, 8192)),
        (sps(16, 256, 144, None), ReadSps::References(16)),
        (vec![0x67, 66], ReadSps::Malformed),
    ] {
        for header in [0x67, 0x6F, 0x27] {
            let mut data = annexb::START_CODE.to_vec();
            data.push(header);
            data.extend_from_slice(&unit[1..]);
            data.extend_from_slice(&[0, 0, 0, 1, 0x65, 0xB8, 9, 9, 9]);
            let frame = EncodedFrame { codec: Codec::H264, rtp_time: 0, key: true, data: data.into() };
            let refused = decoder.decode(&frame, MediaTime::ZERO).err();
            assert_eq!(refused, Some(CodecError::Sps(error)));
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        references in 0_u32..=4, columns in 1_u32..=144, rows in 1_u32..=144, crop in prop::option::of([0_u32..4, 0..4, 0..4, 0..4]),
    ) {
        let [left, right, top, bottom] = crop.unwrap_or_default();
        let (away_x, away_y) = (2 * (left + right), 2 * (top + bottom));
        let read = picture_size(&sps(references, columns, rows, crop));
        if away_x < columns * 16 && away_y < rows * 16 {
            prop_assert_eq!(read, Ok(Size { width: columns * 16 - away_x, height: rows * 16 - away_y }));
        } else {
            prop_assert_eq!(read, Err(ReadSps::Malformed));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(profile in prop::sample::select(vec![66_u8, 77, 100, 244, 83]), junk in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut unit = vec![0x67, profile, 0, 31];
        unit.extend_from_slice(&junk);
        if let Ok(size) = picture_size(&unit) {
            prop_assert!(size.width.max(size.height) <= MAX_SIDES.0 && size.width.min(size.height) <= MAX_SIDES.1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_our_encoder_says_of_its_pictures_is_read(width in 8_u32..200, height in 8_u32..200) {
        let size = Size { width: width * 2, height: height * 2 };
        let mut encoder = h264::Encoder::new(h264::Content::Camera, 30, Bitrate::kbps(500)).unwrap();
        let encoded = encoder.encode(&TestCard::new(size).paint(1, MediaTime::ZERO), true).unwrap().unwrap();
        let unit = annexb::nals(&encoded.data).find(|n| n.kind(&encoded.data) == Some(7)).unwrap();
        prop_assert_eq!(picture_size(&encoded.data[unit.start..unit.end]), Ok(size));
    }
}
