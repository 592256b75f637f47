//! Sums of earlier packets (over GF(256)) carried by later ones: what a whole copy can do for one packet, a sum can do for
//! any one of those in it, so half as many bytes make good as much (Reed and Solomon's idea, with a window that slides).
//! Pure and bounded; bytes from outside are taken as they come.

use std::collections::VecDeque;

/// Packets remembered; no sum reaches further back.
const KEPT: usize = 48;
/// Sums remembered while more than one of their packets is missing.
const SUMS: usize = 24;
/// Packets in a sum, at most.
pub(super) const LONGEST: u8 = 24;
/// Bytes of the length in front of every packet in a sum.
const LENGTH: usize = 2;

/// Powers of two in GF(256), twice over, and their logarithms (polynomial x^8 + x^4 + x^3 + x^2 + 1).
const TABLES: ([u8; 510], [u8; 256]) = {
    let (mut powers, mut logarithms) = ([0; 510], [0; 256]);
    let (mut x, mut i) = (1_u16, 0);
    while i < 255 {
        powers[i] = x as u8;
        powers[i + 255] = x as u8;
        logarithms[x as usize] = i as u8;
        x <<= 1;
        if x & 0x100 != 0 {
            x ^= 0x11d;
        }
        i += 1;
    }
    (powers, logarithms)
};

const fn times(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    let (powers, logarithms) = &TABLES;
    powers[logarithms[a as usize] as usize + logarithms[b as usize] as usize]
}

const fn inverse(a: u8) -> u8 {
    let (powers, logarithms) = &TABLES;
    powers[255 - logarithms[a as usize] as usize]
}

/// What a packet counts in a sum: an element of Cauchy's matrix, so that as many sums as packets always have an answer.
const fn weight(sum: u8, packet: u8) -> u8 {
    inverse((sum & 0x7f) ^ (packet | 0x80))
}

/// Adds `weight` times `other` to `sum`, which grows where it is shorter.
fn add(sum: &mut Vec<u8>, other: impl ExactSizeIterator<Item = u8>, weight: u8) {
    if sum.len() < other.len() {
        sum.resize(other.len(), 0);
    }
    for (to, from) in sum.iter_mut().zip(other) {
        *to ^= times(weight, from);
    }
}

/// The sum of `packets`, each with its number, for the sum of this number.
pub(super) fn sum<'a>(number: u8, packets: impl Iterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut sum = Vec::new();
    for (packet, bytes) in packets {
        let length = (bytes.len() as u16).to_be_bytes();
        let whole: Vec<u8> = [&length, bytes].concat();
        add(&mut sum, whole.into_iter(), weight(number, packet));
    }
    sum
}

/// A sum as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum<'a> {
    /// Its own number, of which 128 are told apart.
    pub(super) number: u8,
    /// The number of its carrier, as its sender counts: also 128.
    pub(super) carrier: u8,
    /// How many packets are in it: those just before its carrier.
    pub(super) packets: u8,
    /// As long as the longest of them.
    pub(super) bytes: &'a [u8],
}

/// Missing packets with what each counts, and the bytes of their sum.
type Row = (Vec<(i64, u8)>, Vec<u8>);

#[derive(Debug)]
struct Waiting {
    /// Missing packets and what each counts.
    missing: Vec<(i64, u8)>,
    bytes: Vec<u8>,
}

/// Makes good what sums tell.
#[derive(Debug, Default)]
pub(super) struct Mender {
    /// Sequence number and bytes, of those that came or were made good.
    known: VecDeque<(i64, Vec<u8>)>,
    sums: VecDeque<Waiting>,
}

impl Mender {
    /// A packet came, as short as it can be.
    pub(super) fn packet(&mut self, sequence: i64, bytes: Vec<u8>) -> Vec<(i64, Vec<u8>)> {
        if self.known.iter().any(|(known, _)| *known == sequence) {
            return Vec::new();
        }
        self.learn(sequence, bytes);
        self.solve()
    }

    /// A sum came with the packet of this number; answers what is known now and was not before.
    pub(super) fn sum(&mut self, carrier: i64, sum: &Sum<'_>) -> Vec<(i64, Vec<u8>)> {
        if !(1..=LONGEST).contains(&sum.packets) || sum.bytes.len() < LENGTH {
            return Vec::new();
        }
        let mut waiting = Waiting { missing: Vec::new(), bytes: sum.bytes.to_vec() };
        for back in 1..=sum.packets {
            let weight = weight(sum.number, sum.carrier.wrapping_sub(back));
            waiting.missing.push((carrier - i64::from(back), weight));
        }
        for (sequence, bytes) in &self.known {
            waiting.take_out(*sequence, bytes);
        }
        if waiting.missing.is_empty() {
            return Vec::new();
        }
        if self.sums.len() == SUMS {
            self.sums.pop_front();
        }
        self.sums.push_back(waiting);
        self.solve()
    }

    /// Nothing of what waits will be of use.
    pub(super) fn forget(&mut self) {
        self.sums.clear();
    }

    fn learn(&mut self, sequence: i64, bytes: Vec<u8>) {
        self.sums.iter_mut().for_each(|sum| sum.take_out(sequence, &bytes));
        self.sums.retain(|sum| !sum.missing.is_empty());
        if self.known.len() == KEPT {
            self.known.pop_front();
        }
        self.known.push_back((sequence, bytes));
    }

    /// Gauss's elimination, of few rows and columns.
    fn solve(&mut self) -> Vec<(i64, Vec<u8>)> {
        let mut rows: Vec<Row> = self.sums.iter().map(|sum| (sum.missing.clone(), sum.bytes.clone())).collect();
        let mut columns: Vec<i64> = rows.iter().flat_map(|(missing, _)| missing.iter().map(|(s, _)| *s)).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut done = 0;
        for column in columns {
            let of = |row: &[(i64, u8)]| row.iter().find(|(s, _)| *s == column).map_or(0, |(_, weight)| *weight);
            let Some(pivot) = (done..rows.len()).find(|row| of(&rows[*row].0) != 0) else { continue };
            rows.swap(done, pivot);
            let scale = inverse(of(&rows[done].0));
            let (mut missing, mut bytes) = std::mem::take(&mut rows[done]);
            missing.iter_mut().for_each(|(_, weight)| *weight = times(*weight, scale));
            bytes.iter_mut().for_each(|byte| *byte = times(*byte, scale));
            for sum in rows.iter_mut().enumerate().filter(|(row, _)| *row != done).map(|(_, sum)| sum) {
                let factor = of(&sum.0);
                if factor == 0 {
                    continue;
                }
                for (sequence, weight) in &missing {
                    match sum.0.iter_mut().find(|(s, _)| s == sequence) {
                        Some((_, to)) => *to ^= times(*weight, factor),
                        None => sum.0.push((*sequence, times(*weight, factor))),
                    }
                }
                sum.0.retain(|(_, weight)| *weight != 0);
                add(&mut sum.1, bytes.iter().copied(), factor);
            }
            rows[done] = (missing, bytes);
            done += 1;
        }
        let found: Vec<(i64, Vec<u8>)> = rows
            .into_iter()
            .filter_map(|(missing, bytes)| match missing[..] {
                [(sequence, weight)] => Some((sequence, unwrapped(&bytes, weight)?)),
                _ => None,
            })
            .collect();
        for (sequence, bytes) in &found {
            self.learn(*sequence, bytes.clone());
        }
        found
    }
}

/// The packet in a sum that is nothing else any more.
fn unwrapped(bytes: &[u8], weight: u8) -> Option<Vec<u8>> {
    let scale = inverse(weight);
    let plain: Vec<u8> = bytes.iter().map(|byte| times(*byte, scale)).collect();
    let (length, packet) = plain.split_first_chunk::<LENGTH>()?;
    let (packet, filled) = packet.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    (!packet.is_empty() && filled.iter().all(|byte| *byte == 0)).then(|| packet.to_vec())
}

impl Waiting {
    fn take_out(&mut self, sequence: i64, bytes: &[u8]) {
        let Some(at) = self.missing.iter().position(|(missing, _)| *missing == sequence) else { return };
        let (_, weight) = self.missing.swap_remove(at);
        let length = (bytes.len() as u16).to_be_bytes();
        let whole: Vec<u8> = [&length, bytes].concat();
        add(&mut self.bytes, whole.into_iter(), weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(n: u32) -> Vec<u8> {
        (0..20 + (n * 7919 % 60)).map(|i| (n.wrapping_mul(31) ^ i.wrapping_mul(17)) as u8).collect()
    }

    /// Sends `n` packets, every second with a sum of the six before; answers what was never known.
    fn lost(n: u32, lose: impl Fn(u32) -> bool, every: u32) -> Vec<u32> {
        let mut mender = Mender::default();
        let mut known = vec![false; n as usize];
        for at in (0..n).filter(|at| !lose(*at)) {
            known[at as usize] = true;
            let mut found = mender.packet(i64::from(at), packet(at));
            if at >= 6 && at % every == 0 {
                let sent: Vec<Vec<u8>> = (1..=6).map(|back| packet(at - back)).collect();
                let bytes = sum(at as u8, sent.iter().enumerate().map(|(i, p)| ((at - 1 - i as u32) as u8, &p[..])));
                let sum = Sum { number: at as u8, carrier: at as u8, packets: 6, bytes: &bytes };
                found.extend(mender.sum(i64::from(at), &sum));
            }
            for (sequence, bytes) in found {
                assert_eq!(bytes, packet(sequence as u32), "packet {sequence}");
                known[sequence as usize] = true;
            }
        }
        (0..n).filter(|at| !known[*at as usize]).collect()
    }

    #[test]
    fn one_lost_packet_is_made_good_by_any_sum() {
        assert_eq!(lost(600, |n| n % 7 == 3 && n < 590, 2), Vec::<u32>::new());
    }

    #[test]
    fn as_many_sums_as_lost_packets_make_all_good() {
        assert_eq!(lost(600, |n| n % 12 < 3 && (12..580).contains(&n), 1), Vec::<u32>::new());
        assert_ne!(lost(600, |n| n % 12 < 7 && (12..580).contains(&n), 2), Vec::<u32>::new());
    }

    #[test]
    fn junk_is_bounded() {
        let mut mender = Mender::default();
        for n in 0..2000_i64 {
            let bytes: Vec<u8> = (0..n % 50).map(|i| (n * 31 + i * i) as u8).collect();
            let sum = Sum { number: n as u8, carrier: (n * 7) as u8, packets: (n % 30) as u8, bytes: &bytes };
            mender.sum(n * 3 % 400, &sum);
            mender.packet(n * 5 % 300, bytes);
        }
        assert!(mender.known.len() <= KEPT + SUMS && mender.sums.len() <= SUMS);
    }
}
