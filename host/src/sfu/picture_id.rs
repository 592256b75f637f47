//! VP8's picture ids and temporal counters of one subscriber's copy: unbroken across mutes and layer switches, because a
//! receiver puts its pictures in order by them (RFC 7741 section 4.2). Reads bytes from outside: never panics. The
//! descriptor is in the clear also where the picture is sealed.

use bytes::{Bytes, BytesMut};

/// Where a copy stands.
#[derive(Debug, Default)]
pub struct PictureIds {
    source: Option<u32>,
    shift: u16,
    temporal_shift: u8,
    /// Newest written.
    last: Option<Id>,
}

/// What a descriptor says, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Id {
    at: usize,
    long: bool,
    picture: u16,
    /// Index and value of TL0PICIDX.
    temporal: Option<(usize, u8)>,
}

impl PictureIds {
    /// The next packet starts anew behind what was written.
    pub fn detach(&mut self) {
        self.source = None;
    }

    /// The payload with the ids of this copy; itself where nothing changes.
    pub fn map(&mut self, ssrc: u32, payload: &Bytes) -> Bytes {
        let Some(id) = read(payload) else { return payload.clone() };
        if self.source != Some(ssrc) {
            self.source = Some(ssrc);
            (self.shift, self.temporal_shift) = match self.last {
                Some(last) => {
                    let counted = last.temporal.zip(id.temporal);
                    let temporal = counted.map_or(0, |((_, last), (_, new))| last.wrapping_add(1).wrapping_sub(new));
                    (last.picture.wrapping_add(1).wrapping_sub(id.picture), temporal)
                }
                None => (0, 0),
            };
        }
        let mask = if id.long { 0x7FFF } else { 0x7F };
        let picture = id.picture.wrapping_add(self.shift) & mask;
        let temporal = id.temporal.map(|(at, counter)| (at, counter.wrapping_add(self.temporal_shift)));
        let newer = self.last.is_none_or(|last| (picture.wrapping_sub(last.picture) & mask) < mask / 2);
        if newer {
            self.last = Some(Id { picture, temporal, ..id });
        }
        if (picture, temporal) == (id.picture, id.temporal) {
            return payload.clone();
        }
        let mut changed = BytesMut::from(&payload[..]);
        let [high, low] = picture.to_be_bytes();
        if id.long {
            changed[id.at] = 0x80 | high;
            changed[id.at + 1] = low;
        } else {
            changed[id.at] = low;
        }
        if let Some((at, counter)) = temporal {
            changed[at] = counter;
        }
        changed.freeze()
    }
}

fn read(payload: &[u8]) -> Option<Id> {
    const EXTENDED: u8 = 0x80;
    let extensions = *payload.get(1).filter(|_| payload[0] & EXTENDED != 0)?;
    if extensions & 0x80 == 0 {
        return None;
    }
    let first = *payload.get(2)?;
    let long = first & 0x80 != 0;
    let picture = if long { u16::from_be_bytes([first & 0x7F, *payload.get(3)?]) } else { u16::from(first) };
    let after = if long { 4 } else { 3 };
    let temporal = (extensions & 0x40 != 0).then(|| payload.get(after).map(|counter| (after, *counter)));
    Some(Id { at: 2, long, picture, temporal: temporal.flatten() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Extended, with a long picture id and a temporal counter.
    fn long(picture: u16, counter: u8) -> Bytes {
        let [high, low] = picture.to_be_bytes();
        Bytes::copy_from_slice(&[0x90, 0xC0, 0x80 | high, low, counter, 7, 7, 7])
    }

    fn ids(payload: &[u8]) -> (u16, Option<u8>) {
        let id = read(payload).unwrap();
        (id.picture, id.temporal.map(|(_, counter)| counter))
    }

    #[test]
    fn one_source_passes_unchanged() {
        let mut copy = PictureIds::default();
        for picture in [32_766, 32_767, 0, 1] {
            assert_eq!(copy.map(1, &long(picture, 9)), long(picture, 9));
        }
    }

    #[test]
    fn a_switch_goes_on_where_the_other_stood_and_comes_round() {
        let mut copy = PictureIds::default();
        copy.map(1, &long(32_766, 254));
        copy.map(1, &long(32_767, 255));
        assert_eq!(ids(&copy.map(2, &long(500, 17))), (0, Some(0)));
        assert_eq!(ids(&copy.map(2, &long(501, 18))), (1, Some(1)));
        assert_eq!(ids(&copy.map(2, &long(500, 17))), (0, Some(0)), "sent again, it is the same one");
        copy.detach();
        assert_eq!(ids(&copy.map(2, &long(900, 40))), (2, Some(2)), "after a pause");
        assert_eq!(&copy.map(2, &long(901, 41))[5..], [7, 7, 7], "the picture itself is not touched");
    }

    #[test]
    fn short_ids_stay_short() {
        let short = |picture: u8| Bytes::copy_from_slice(&[0x90, 0x80, picture, 7]);
        let mut copy = PictureIds::default();
        copy.map(1, &short(126));
        assert_eq!(ids(&copy.map(2, &short(3))), (127, None));
        assert_eq!(ids(&copy.map(2, &short(4))), (0, None));
    }

    #[test]
    fn what_has_no_ids_and_what_is_cut_short_passes() {
        let mut copy = PictureIds::default();
        copy.map(1, &long(5, 5));
        for length in 0..6 {
            for first in [0, 0x10, 0x80, 0x90, 0xFF] {
                for second in [0, 0x40, 0x80, 0xC0, 0xFF] {
                    let payload = Bytes::copy_from_slice(&[first, second, 0x81, 2, 3, 4][..length]);
                    assert_eq!(copy.map(2, &payload).len(), length);
                    copy.detach();
                }
            }
        }
    }
}
