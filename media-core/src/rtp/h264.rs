//! RFC 6184, packetization-mode 1: single NAL unit, STAP-A, FU-A. Sends all three, takes all three.
//! Pure; payloads from outside never panic and never allocate more than they bring.

use bytes::{BufMut, Bytes, BytesMut};

use super::{MTU, Packetize};
use crate::video::annexb;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const START: u8 = 0x80;
const END: u8 = 0x40;

/// Packs an Annex-B access unit. Small units that follow each other share a STAP-A.
pub(super) fn pack(frame: &Bytes, mut push: impl FnMut(Bytes)) -> Result<(), Packetize> {
    let mut group: Vec<Bytes> = Vec::new();
    let mut grouped = 1;
    let mut any = false;
    for nal in annexb::nals(frame) {
        let unit = frame.slice(nal.start..nal.end);
        if unit.is_empty() {
            continue;
        }
        any = true;
        if grouped + 2 + unit.len() > MTU {
            flush(&mut group, &mut push);
            grouped = 1;
        }
        if unit.len() > MTU {
            fragment(&unit, &mut push);
            continue;
        }
        grouped += 2 + unit.len();
        group.push(unit);
    }
    flush(&mut group, &mut push);
    if any { Ok(()) } else { Err(Packetize::Malformed) }
}

fn flush(group: &mut Vec<Bytes>, push: &mut impl FnMut(Bytes)) {
    match group.as_slice() {
        [] => {}
        [one] => push(one.clone()),
        many => {
            let mut out = BytesMut::with_capacity(MTU);
            // The strongest nal_ref_idc and any forbidden bit of those inside (RFC 6184 section 5.7).
            let head =
                many.iter().fold(0, |head, unit| (head & 0x80) | (unit[0] & 0x80) | (head & 0x60).max(unit[0] & 0x60));
            out.put_u8(head | STAP_A);
            for unit in many {
                out.put_u16(u16::try_from(unit.len()).unwrap_or(u16::MAX));
                out.put_slice(unit);
            }
            push(out.freeze());
        }
    }
    group.clear();
}

fn fragment(unit: &Bytes, push: &mut impl FnMut(Bytes)) {
    let (indicator, kind) = (unit[0] & 0xE0 | FU_A, unit[0] & 0x1F);
    let body = unit.slice(1..);
    // Even pieces: one tiny last packet costs as much as a full one.
    let pieces = body.len().div_ceil(MTU - 2);
    let size = body.len().div_ceil(pieces);
    for (i, piece) in body.chunks(size).enumerate() {
        let mut out = BytesMut::with_capacity(piece.len() + 2);
        let start = if i == 0 { START } else { 0 };
        let end = if (i + 1) * size >= body.len() { END } else { 0 };
        out.put_u8(indicator);
        out.put_u8(start | end | kind);
        out.put_slice(piece);
        push(out.freeze());
    }
}

/// Why a payload was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Depacketize {
    /// Truncated, empty, or of a type mode 1 does not have.
    #[error("malformed payload")]
    Malformed,
    /// A middle or end of a fragmented unit whose start is missing.
    #[error("a fragment without its start")]
    NoStart,
}

/// Puts the payloads of one access unit together again, with four-byte start codes.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    in_fragment: bool,
}

impl Depacketizer {
    pub(crate) const fn new() -> Self {
        Self { in_fragment: false }
    }

    /// Appends the payload's units to `out`; answers how it may begin an access unit.
    pub(crate) fn take(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Depacketize> {
        let &[head, ref rest @ ..] = payload else { return Err(Depacketize::Malformed) };
        match head & 0x1F {
            1..=23 => {
                self.in_fragment = false;
                out.extend_from_slice(&annexb::START_CODE);
                out.extend_from_slice(payload);
                Ok(())
            }
            STAP_A => {
                self.in_fragment = false;
                let mut rest = rest;
                while !rest.is_empty() {
                    let Some((size, after)) = rest.split_first_chunk::<2>() else { return Err(Depacketize::Malformed) };
                    let size = usize::from(u16::from_be_bytes(*size));
                    if size == 0 || size > after.len() {
                        return Err(Depacketize::Malformed);
                    }
                    let (unit, after) = after.split_at(size);
                    out.extend_from_slice(&annexb::START_CODE);
                    out.extend_from_slice(unit);
                    rest = after;
                }
                Ok(())
            }
            FU_A => {
                let &[flags, ref body @ ..] = rest else { return Err(Depacketize::Malformed) };
                if flags & START != 0 {
                    out.extend_from_slice(&annexb::START_CODE);
                    out.push(head & 0xE0 | flags & 0x1F);
                } else if !self.in_fragment {
                    return Err(Depacketize::NoStart);
                }
                self.in_fragment = flags & END == 0;
                out.extend_from_slice(body);
                Ok(())
            }
            _ => Err(Depacketize::Malformed),
        }
    }

    /// Between access units.
    pub(crate) const fn reset(&mut self) {
        self.in_fragment = false;
    }
}
