//! What of a frame stays clear, and the escaping that keeps sealed H.264 from looking like start codes.
//! Pure functions over bytes from outside: no panic for any input.

use crate::frame::Codec;
use crate::video::annexb;

/// Bytes of `frame` that stay clear; `None` when it is too short or has no slice.
pub(super) fn clear_header(codec: Codec, frame: &[u8]) -> Option<usize> {
    match codec {
        Codec::Opus => (!frame.is_empty()).then_some(1),
        Codec::Vp8 => {
            let is_key = frame.first()? & 1 == 0;
            let clear = if is_key { 10 } else { 3 };
            (frame.len() >= clear).then_some(clear)
        }
        Codec::H264 => {
            let slice = annexb::nals(frame).find(|nal| matches!(nal.kind(frame), Some(1 | 5)))?;
            let clear = slice.start + 2;
            (clear <= frame.len()).then_some(clear)
        }
    }
}

/// The frame with every start code four bytes long, when it has shorter ones.
pub(super) fn with_long_start_codes(frame: &[u8]) -> Option<Vec<u8>> {
    if annexb::nals(frame).all(|nal| nal.start >= 4 && frame[nal.start - 4] == 0) {
        return None;
    }
    let mut out = Vec::with_capacity(frame.len() + 16);
    for nal in annexb::nals(frame) {
        out.extend_from_slice(&annexb::START_CODE);
        out.extend_from_slice(&frame[nal.start..nal.end]);
    }
    Some(out)
}

/// Inserts 03 after every 00 00 that is followed by a byte of at most 03, from `from` on (H.264 7.4.1.1).
pub(crate) fn escape_after(frame: &mut Vec<u8>, from: usize) {
    let body = &frame[from..];
    let mut zeros = 0;
    let wanted = body.iter().any(|&b| {
        let hit = zeros >= 2 && b <= 3;
        zeros = if b == 0 { zeros + 1 } else { 0 };
        hit
    });
    if !wanted {
        return;
    }
    let mut out = Vec::with_capacity(frame.len() + body.len() / 64 + 8);
    out.extend_from_slice(&frame[..from]);
    let mut zeros = 0;
    for &b in body {
        if zeros >= 2 && b <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(b);
        zeros = if b == 0 { zeros + 1 } else { 0 };
    }
    *frame = out;
}

/// A copy with the escaping from `from` on taken out again.
pub(crate) fn unescaped_after(frame: &[u8], from: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(frame.len());
    out.extend_from_slice(&frame[..from]);
    let mut zeros = 0;
    for &b in &frame[from..] {
        if zeros >= 2 && b == 3 {
            zeros = 0;
            continue;
        }
        out.push(b);
        zeros = if b == 0 { zeros + 1 } else { 0 };
    }
    out
}
