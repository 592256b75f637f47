//! Packets as bytes (RFC 6716, section 3): how long they are, and what their padding carries. Bytes that decoders of
//! today do not know are padding to them, so whatever is added here is heard by nobody who does not look for it
//! (draft-ietf-mlcodec-opus-extension). Pure; takes any bytes.

use crate::RATE;

/// Samples of the longest packet there is: 120 ms.
pub const MAX_SAMPLES: usize = 5760;
/// One frame of any number, with its count in a byte of its own.
const ANY_COUNT: u8 = 3;
const PADDED: u8 = 0x40;
/// Frames of different lengths.
const VARIED: u8 = 0x80;
/// Extensions from here on have a length of their own.
const FIRST_LONG: u8 = 32;

/// Samples at 48 kHz in a packet; `None` when it is not Opus.
#[must_use]
pub fn samples(packet: &[u8]) -> Option<usize> {
    let toc = *packet.first()?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(packet.get(1)? & 0x3f),
    };
    let samples = frames * frame_samples(toc);
    (1..=MAX_SAMPLES).contains(&samples).then_some(samples)
}

/// Samples of one frame, from the first byte (RFC 6716, table 2).
fn frame_samples(toc: u8) -> usize {
    let rate = RATE.unsigned_abs() as usize;
    let size = (toc >> 3) & 3;
    if toc & 0x80 != 0 {
        (rate << size) / 400
    } else if toc & 0x60 == 0x60 {
        if toc & 0x08 != 0 { rate / 50 } else { rate / 100 }
    } else if size == 3 {
        rate * 60 / 1000
    } else {
        (rate << size) / 100
    }
}

/// A packet taken apart.
struct Parts<'a> {
    toc: u8,
    /// How many frames.
    count: u8,
    /// Are they of different lengths, each but the last with its length in front of all of them?
    varied: bool,
    /// The lengths, if any, and the frames.
    frames: &'a [u8],
    padding: &'a [u8],
}

/// `None`: not Opus.
fn parts(packet: &[u8]) -> Option<Parts<'_>> {
    let (&toc, rest) = packet.split_first()?;
    let plain = Parts { toc, count: 1, varied: false, frames: rest, padding: &[] };
    match toc & 3 {
        0 => Some(plain),
        1 => (rest.len() % 2 == 0).then_some(Parts { count: 2, ..plain }),
        2 => (!rest.is_empty()).then_some(Parts { count: 2, varied: true, ..plain }),
        _ => {
            let (padding, frames) = padding(rest)?;
            let count = packet[1] & 0x3f;
            (count > 0).then_some(Parts { toc, count, varied: packet[1] & VARIED != 0, frames, padding })
        }
    }
}

/// Of a packet with a count, behind its first byte: the padding, and the frames with their lengths.
fn padding(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&count, mut rest) = rest.split_first()?;
    let mut padded = 0;
    if count & PADDED != 0 {
        loop {
            let (&more, behind) = rest.split_first()?;
            rest = behind;
            // 255 stands for 254 bytes and another length.
            padded += usize::from(more.min(254));
            if more < 255 {
                break;
            }
        }
    }
    let (frames, padding) = rest.split_at_checked(rest.len().checked_sub(padded)?)?;
    Some((padding, frames))
}

/// The packet without padding, as short as it can be; `None` when it is not Opus.
#[must_use]
pub fn strip(packet: &[u8]) -> Option<Vec<u8>> {
    let Parts { toc, count, varied, frames, .. } = parts(packet)?;
    let mut out = Vec::with_capacity(2 + frames.len());
    match (count, varied) {
        (1, _) => out.push(toc & !3),
        (2, false) => out.push(toc & !3 | 1),
        (2, true) => out.push(toc & !3 | 2),
        _ => out.extend([toc | ANY_COUNT, count | if varied { VARIED } else { 0 }]),
    }
    out.extend_from_slice(frames);
    Some(out)
}

/// Bytes of the packet that are sound, without what its padding carries.
#[must_use]
pub fn sound(packet: &[u8]) -> usize {
    parts(packet).map_or(0, |parts| parts.frames.len())
}

/// The packet with one more extension of number `id` (32 to 127), in front of those it has; `None` when it is not Opus
/// or `id` is none.
#[must_use]
pub fn extend(packet: &[u8], id: u8, payload: &[u8]) -> Option<Vec<u8>> {
    if !(FIRST_LONG..=127).contains(&id) {
        return None;
    }
    let Parts { toc, count, varied, frames, padding } = parts(packet)?;
    let padded = 2 + payload.len() / 255 + payload.len() + padding.len();
    let mut out = Vec::with_capacity(4 + padded / 254 + frames.len() + padded);
    out.extend([toc | ANY_COUNT, PADDED | count | if varied { VARIED } else { 0 }]);
    let mut left = padded;
    while left >= 255 {
        out.push(255);
        left -= 254;
    }
    out.push(u8::try_from(left).unwrap_or(254));
    out.extend_from_slice(frames);
    out.push(id << 1 | 1);
    out.extend(std::iter::repeat_n(255, payload.len() / 255));
    out.push(u8::try_from(payload.len() % 255).unwrap_or(0));
    out.extend_from_slice(payload);
    out.extend_from_slice(padding);
    Some(out)
}

/// The payload of the first extension of number `id` in a packet.
#[must_use]
pub fn extension(packet: &[u8], id: u8) -> Option<&[u8]> {
    let (&toc, rest) = packet.split_first()?;
    if toc & 3 != ANY_COUNT {
        return None;
    }
    let (mut left, _) = padding(rest)?;
    while let Some((&head, behind)) = left.split_first() {
        let (found, long) = (head >> 1, head & 1 == 1);
        let (payload, rest) = match found {
            0 if !long => return None,
            // Repetitions belong to packets of several frames, which we do not look into.
            2 => return None,
            0 => behind.split_at(0),
            1..FIRST_LONG => behind.split_at_checked(usize::from(long))?,
            _ if !long => (behind, &behind[behind.len()..]),
            _ => {
                let full = behind.iter().take_while(|b| **b == 255).count();
                let last = *behind.get(full)?;
                behind[full + 1..].split_at_checked(full * 255 + usize::from(last))?
            }
        };
        if found == id {
            return Some(payload);
        }
        left = rest;
    }
    None
}

#[cfg(test)]
mod tests;
