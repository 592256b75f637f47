//! A meeting's key, and what it makes of a viewer: 32 bits of mark, 16 bits that prove it, 256 cells.
//! Pure. Only the host has keys; a viewer gets cells, from which neither the key nor another's cells follow.

use aws_lc_rs::hmac;
use protocol::ids::{RoomId, UserId};
use protocol::pii::Secret;
use protocol::watermark::{MARK_CELLS, MarkCells};

use crate::code::{self, CODED, MESSAGE};

/// Cells of a mark.
pub(crate) const CELLS: usize = MARK_CELLS * MARK_CELLS;
/// Cells that carry nothing but where the pattern lies.
pub(crate) const SYNC: usize = CELLS - CODED;

/// What makes and reads the marks of one meeting.
pub struct Key(hmac::Key);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SECRET")
    }
}

/// A viewer of one meeting, as a mark names them: nothing follows from it without the meeting's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewerMark(pub u32);

/// Where everything lies in the pattern of a meeting.
pub(crate) struct Layout {
    /// The known cells, and whether they are lighter.
    pub(crate) sync: Vec<(usize, bool)>,
    /// The cell of each coded bit, and whether it is turned round.
    pub(crate) coded: Vec<(usize, bool)>,
}

impl Key {
    /// The key of one room of a host.
    #[must_use]
    pub fn of_room(host: &Secret<32>, room: &RoomId) -> Self {
        let host = hmac::Key::new(hmac::HMAC_SHA256, host.expose());
        let room = hmac::sign(&host, &[b"shoji watermark 1 ", room.as_str().as_bytes()].concat());
        Self(hmac::Key::new(hmac::HMAC_SHA256, room.as_ref()))
    }

    /// The mark of a viewer. Two of a thousand share one with a chance of one in ten thousand.
    #[must_use]
    pub fn viewer(&self, user: &UserId) -> ViewerMark {
        ViewerMark(u32::from_be_bytes(self.bytes(b"viewer ", user.as_str().as_bytes())))
    }

    /// What the viewer with this mark lays over pictures.
    #[must_use]
    pub fn cells(&self, viewer: ViewerMark) -> MarkCells {
        let mut bits = [0_u8; MarkCells::BYTES];
        for (cell, lighter) in self.pattern(viewer).into_iter().enumerate() {
            bits[cell / 8] |= u8::from(lighter) << (7 - cell % 8);
        }
        MarkCells::new(bits)
    }

    /// The cells one by one: lighter or darker.
    pub(crate) fn pattern(&self, viewer: ViewerMark) -> [bool; CELLS] {
        let layout = self.layout();
        let mut cells = [false; CELLS];
        for (cell, lighter) in &layout.sync {
            cells[*cell] = *lighter;
        }
        for ((cell, turned), sent) in layout.coded.iter().zip(code::encode(self.message(viewer))) {
            cells[*cell] = sent != *turned;
        }
        cells
    }

    /// The viewer a decoded message names, if this key made it.
    pub(crate) fn check(&self, message: u64) -> Option<ViewerMark> {
        let viewer = ViewerMark((message >> 16) as u32);
        (message >> MESSAGE == 0 && self.message(viewer) == message).then_some(viewer)
    }

    fn message(&self, viewer: ViewerMark) -> u64 {
        let proof = u16::from_be_bytes(self.bytes(b"proof ", &viewer.0.to_be_bytes()));
        u64::from(viewer.0) << 16 | u64::from(proof)
    }

    pub(crate) fn layout(&self) -> Layout {
        // Cells in the order of their tags are shuffled as only the key can.
        let mut shuffled: Vec<([u8; 16], usize)> =
            (0..CELLS).map(|cell| (self.bytes(b"cell ", &(cell as u16).to_be_bytes()), cell)).collect();
        shuffled.sort_unstable();
        let mut cells = shuffled.into_iter().map(|(tag, cell)| (cell, tag[15] & 1 == 1));
        Layout { sync: cells.by_ref().take(SYNC).collect(), coded: cells.collect() }
    }

    fn bytes<const N: usize>(&self, label: &[u8], about: &[u8]) -> [u8; N] {
        let tag = hmac::sign(&self.0, &[label, about].concat());
        let start = tag.as_ref().first_chunk::<N>().copied();
        start.expect("nobody asks for more than the 32 bytes of a tag")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn key(host: u8, room: &str) -> Key {
        Key::of_room(&Secret::new([host; 32]), &RoomId::parse(room).unwrap())
    }

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    #[test]
    fn another_room_or_host_makes_another_mark_and_pattern() {
        let (a, b, c) = (key(1, "a"), key(1, "b"), key(2, "a"));
        let marks = BTreeSet::from([&a, &b, &c].map(|key| key.viewer(&user("hana"))));
        assert_eq!(marks.len(), 3);
        let differ = |x: &Key, y: &Key| {
            let (x, y) = (x.pattern(ViewerMark(7)), y.pattern(ViewerMark(7)));
            x.iter().zip(y).filter(|(x, y)| *x != y).count()
        };
        assert!(differ(&a, &b) > 80 && differ(&a, &c) > 80, "patterns of other keys are as good as random");
    }

    #[test]
    fn every_cell_has_one_task() {
        let layout = key(1, "a").layout();
        let all: BTreeSet<usize> = layout.sync.iter().chain(&layout.coded).map(|(cell, _)| *cell).collect();
        assert_eq!((layout.sync.len(), layout.coded.len(), all.len()), (SYNC, CODED, CELLS));
    }

    #[test]
    fn only_messages_of_the_key_are_believed() {
        let key = key(1, "a");
        let message = key.message(ViewerMark(0xDEAD_BEEF));
        assert_eq!(key.check(message), Some(ViewerMark(0xDEAD_BEEF)));
        for n in 0..MESSAGE {
            assert_eq!(key.check(message ^ 1 << n), None, "bit {n} is believed wrong");
        }
        assert_eq!(key.check(message | 1 << MESSAGE), None);
    }

    #[test]
    fn two_viewers_differ_in_many_cells() {
        let key = key(3, "room");
        let cells = |name: &str| key.pattern(key.viewer(&user(name)));
        let differ = cells("hana").iter().zip(cells("taro")).filter(|(a, b)| **a != *b).count();
        assert!(differ >= 18, "the free distance of the code at least, not {differ}");
    }
}
