//! Whether an RTP payload begins a key frame. Works on sealed frames: the descriptors, VP8's first byte and H.264's
//! parameter sets and slice headers stay in the clear (LiveKit's frame format). Reads bytes from outside: never panics.

use peer::Codec;

/// True for a packet a decoder can start with.
#[must_use]
pub fn begins_key_frame(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus => true,
        Codec::Vp8 => vp8(payload).unwrap_or(false),
        Codec::H264 => h264(payload).unwrap_or(false),
    }
}

/// RFC 7741 4.2: first packet of partition 0, and the frame's inverse key bit.
fn vp8(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let starts = first & 0x10 != 0 && first & 0x07 == 0;
    let mut at = 1;
    if first & 0x80 != 0 {
        let extensions = *payload.get(at)?;
        at += 1;
        if extensions & 0x80 != 0 {
            at += if *payload.get(at)? & 0x80 == 0 { 1 } else { 2 };
        }
        if extensions & 0x40 != 0 {
            at += 1;
        }
        if extensions & 0x30 != 0 {
            at += 1;
        }
    }
    Some(starts && payload.get(at)? & 0x01 == 0)
}

const SLICE_IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// RFC 6184: an IDR slice or a sequence parameter set, alone, aggregated or as the first fragment.
fn h264(payload: &[u8]) -> Option<bool> {
    let starts = |kind: u8| kind == SLICE_IDR || kind == SPS;
    match payload.first()? & 0x1f {
        STAP_A => {
            let mut rest = &payload[1..];
            while rest.len() > 2 {
                let size = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                if starts(rest[2] & 0x1f) {
                    return Some(true);
                }
                rest = rest.get(2 + size..)?;
            }
            Some(false)
        }
        FU_A => {
            let fragment = *payload.get(1)?;
            Some(fragment & 0x80 != 0 && starts(fragment & 0x1f))
        }
        kind => Some(starts(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp8_key_frames_are_seen_through_any_descriptor() {
        assert!(begins_key_frame(Codec::Vp8, &[0x10, 0x00]));
        assert!(!begins_key_frame(Codec::Vp8, &[0x10, 0x01]), "a delta frame");
        assert!(!begins_key_frame(Codec::Vp8, &[0x00, 0x00]), "not the first packet");
        assert!(begins_key_frame(Codec::Vp8, &[0x90, 0xf0, 0x81, 0x23, 0x04, 0x05, 0x00]));
        assert!(begins_key_frame(Codec::Vp8, &[0x90, 0x80, 0x11, 0x00]), "short picture id");
    }

    #[test]
    fn h264_key_frames_are_seen_alone_aggregated_and_fragmented() {
        assert!(begins_key_frame(Codec::H264, &[0x65, 1]));
        assert!(begins_key_frame(Codec::H264, &[0x67, 1]));
        assert!(!begins_key_frame(Codec::H264, &[0x41, 1]));
        assert!(begins_key_frame(Codec::H264, &[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1]));
        assert!(!begins_key_frame(Codec::H264, &[0x78, 0, 2, 0x41, 1]));
        assert!(begins_key_frame(Codec::H264, &[0x7c, 0x85, 1]));
        assert!(!begins_key_frame(Codec::H264, &[0x7c, 0x05, 1]), "a later fragment");
    }

    #[test]
    fn every_short_payload_is_survived() {
        for first in 0..=255 {
            for second in [0, 1, 0x80, 0xff] {
                for length in 0..6 {
                    let payload = [first, second, second, second, second, second];
                    let _: bool = begins_key_frame(Codec::Vp8, &payload[..length]);
                    let _: bool = begins_key_frame(Codec::H264, &payload[..length]);
                }
            }
        }
    }
}
