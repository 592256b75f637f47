//! Puts packets into order and waits a little for missing ones.
//! Pure; holds at most [`Reorder::CAPACITY`] packets.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::MediaTime;

/// Extends 16-bit sequence numbers so that they never wrap.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwrap {
    last: Option<i64>,
}

impl Unwrap {
    /// The extended number: the one nearest to the highest so far.
    pub fn extend(&mut self, sequence: u16) -> i64 {
        let Some(last) = self.last else {
            let first = i64::from(sequence);
            self.last = Some(first);
            return first;
        };
        let low = u16::try_from(last.rem_euclid(1 << 16)).unwrap_or(0);
        let step = i64::from(sequence.wrapping_sub(low).cast_signed());
        let number = last + step;
        if number > last {
            self.last = Some(number);
        }
        number
    }
}

impl Unwrap {
    /// The same without moving on.
    pub(super) fn near(&self, sequence: u16) -> i64 {
        let last = self.last.unwrap_or_default();
        let low = u16::try_from(last.rem_euclid(1 << 16)).unwrap_or(0);
        last + i64::from(sequence.wrapping_sub(low).cast_signed())
    }
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered<T> {
    /// The next packet.
    Packet(T),
    /// So many packets were given up.
    Gap(u64),
}

/// A reorder buffer.
#[derive(Debug)]
pub struct Reorder<T> {
    unwrap: Unwrap,
    waiting: BTreeMap<i64, (MediaTime, T)>,
    next: Option<i64>,
    patience: Duration,
    lost: u64,
    late: u64,
}

impl<T> Reorder<T> {
    /// Packets held at most: over a second of 2.5 Mbit/s.
    pub const CAPACITY: usize = 512;
    /// A jump this far means the sender started anew.
    const JUMP: i64 = 3000;

    /// Waits `patience` for a missing packet: long enough for one retransmission.
    #[must_use]
    pub const fn new(patience: Duration) -> Self {
        Self { unwrap: Unwrap { last: None }, waiting: BTreeMap::new(), next: None, patience, lost: 0, late: 0 }
    }

    /// Takes a packet. Duplicates and late ones are dropped.
    pub fn insert(&mut self, sequence: u16, packet: T, now: MediaTime) {
        let number = self.unwrap.extend(sequence);
        let next = *self.next.get_or_insert(number);
        if number < next {
            if next - number > Self::JUMP {
                self.restart(number);
            } else {
                self.late += 1;
                return;
            }
        } else if number - next > Self::JUMP {
            self.restart(number);
        }
        self.waiting.entry(number).or_insert((now, packet));
    }

    fn restart(&mut self, number: i64) {
        self.lost += self.waiting.len() as u64;
        self.waiting.clear();
        // One less: what came before is lost for certain, and the reader must know.
        self.next = Some(number - 1);
        self.unwrap.last = Some(number);
    }

    /// The next packet, or a gap whose time is up, or nothing yet.
    pub fn pop(&mut self, now: MediaTime) -> Option<Ordered<T>> {
        let next = self.next?;
        let (&first, &(since, _)) = self.waiting.first_key_value()?;
        if first == next {
            let (_, packet) = self.waiting.remove(&first)?;
            self.next = Some(next + 1);
            return Some(Ordered::Packet(packet));
        }
        if self.waiting.len() >= Self::CAPACITY || now.since(since) >= self.patience {
            let gap = u64::try_from(first - next).unwrap_or(0);
            self.lost += gap;
            self.next = Some(first);
            return Some(Ordered::Gap(gap));
        }
        None
    }

    /// Packets given up so far.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Packets that came after they were given up, or twice.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Packets held.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests;
