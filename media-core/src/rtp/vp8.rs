//! RFC 7741: the VP8 payload descriptor. We send it in tests only; others send it to us.
//! Pure; payloads from outside never panic.

use bytes::{BufMut, Bytes, BytesMut};

use super::MTU;

const EXTENDED: u8 = 0x80;
const START: u8 = 0x10;

/// Packs one VP8 frame with 15-bit picture ids, one partition.
pub(super) fn pack(frame: &Bytes, picture_id: u16, mut push: impl FnMut(Bytes)) {
    let room = MTU - 4;
    let pieces = frame.len().div_ceil(room).max(1);
    let size = frame.len().div_ceil(pieces).max(1);
    for (i, piece) in frame.chunks(size).enumerate() {
        let mut out = BytesMut::with_capacity(piece.len() + 4);
        out.put_u8(EXTENDED | if i == 0 { START } else { 0 });
        out.put_u8(0x80); // I: a picture id follows
        out.put_u16(0x8000 | picture_id & 0x7FFF);
        out.put_slice(piece);
        push(out.freeze());
    }
}

/// What the descriptor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// First packet of the frame (S set, partition 0).
    pub(crate) starts_frame: bool,
    /// Where the VP8 bytes begin.
    pub(crate) len: usize,
}

impl Descriptor {
    /// Reads it; `None` when truncated.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut len = 1;
        if first & EXTENDED != 0 {
            let flags = *payload.get(1)?;
            len = 2;
            if flags & 0x80 != 0 {
                // PictureID: one byte, two when its M bit is set.
                len += if payload.get(len)? & 0x80 != 0 { 2 } else { 1 };
            }
            if flags & 0x40 != 0 {
                len += 1; // TL0PICIDX
            }
            if flags & 0x30 != 0 {
                len += 1; // TID, Y, KEYIDX
            }
        }
        (payload.len() > len).then_some(Self { starts_frame: first & START != 0 && first & 0x07 == 0, len })
    }
}

/// Puts the payloads of one frame together again.
#[derive(Debug, Default)]
pub(crate) struct Depacketizer;

impl Depacketizer {
    /// Appends the VP8 bytes of a payload; `None` when malformed.
    pub(crate) fn take(payload: &[u8], out: &mut Vec<u8>) -> Option<Descriptor> {
        let descriptor = Descriptor::parse(payload)?;
        out.extend_from_slice(&payload[descriptor.len..]);
        Some(descriptor)
    }
}
