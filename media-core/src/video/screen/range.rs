//! Binary arithmetic coding with adaptive probabilities: what the text codec is written with and read with.
//! Pure and integer only, so that both ends compute the same on every machine; bytes from outside never panic, and after
//! their end zeros are read.

/// Probabilities are in 1/65536.
const ONE: u32 = 1 << 16;
/// Nothing is more certain than this: a wrong guess costs 11 bits.
const LEAST: u32 = 32;

/// How likely a bit is set, learned from the bits before: the mean of a quick learner and a slow one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    quick: u16,
    slow: u16,
}

impl Chance {
    /// As likely as not.
    pub(super) const EVEN: Self = Self { quick: 1 << 15, slow: 1 << 15 };

    /// In 1/65536.
    pub(super) const fn value(self) -> u32 {
        let value = (self.quick as u32 + self.slow as u32) >> 1;
        if value < LEAST {
            LEAST
        } else if value > ONE - LEAST {
            ONE - LEAST
        } else {
            value
        }
    }

    /// A bit was seen.
    pub(super) const fn learn(&mut self, bit: bool) {
        if bit {
            self.quick += (u16::MAX - self.quick) >> 4;
            self.slow += (u16::MAX - self.slow) >> 7;
        } else {
            self.quick -= self.quick >> 4;
            self.slow -= self.slow >> 7;
        }
    }
}

/// One side of the coding. The same code drives both: a writer is given the bits, a reader finds them.
pub(super) trait Coder {
    /// Codes a bit that is set with this chance (in 1/65536); the reader ignores what it is given.
    fn code(&mut self, bit: bool, chance: u32) -> bool;

    /// Codes a bit and learns from it.
    fn bit(&mut self, bit: bool, chance: &mut Chance) -> bool {
        let bit = self.code(bit, chance.value());
        chance.learn(bit);
        bit
    }
}

/// Writes.
#[derive(Debug)]
pub(super) struct Writer {
    low: u32,
    high: u32,
    out: Vec<u8>,
}

impl Writer {
    /// Goes on behind what is there.
    pub(super) const fn behind(out: Vec<u8>) -> Self {
        Self { low: 0, high: u32::MAX, out }
    }

    /// Everything.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Zeros follow: the shortest number that begins so and lies inside.
        let top = (self.low >> 24).wrapping_add(1);
        if top <= 0xff && (top << 24) <= self.high {
            self.out.push(top as u8);
        } else {
            self.out.extend_from_slice(&self.high.to_be_bytes());
        }
        self.out
    }
}

const fn split(low: u32, high: u32, chance: u32) -> u32 {
    low + (((high - low) as u64 * chance as u64) >> 16) as u32
}

impl Coder for Writer {
    fn code(&mut self, bit: bool, chance: u32) -> bool {
        let middle = split(self.low, self.high, chance);
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.out.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
        }
        bit
    }
}

/// Reads.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    low: u32,
    high: u32,
    value: u32,
    rest: &'a [u8],
    /// Zeros read behind the end.
    beyond: usize,
}

impl<'a> Reader<'a> {
    /// Reads what a [`Writer`] wrote.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut reader = Self { low: 0, high: u32::MAX, value: 0, rest: bytes, beyond: 0 };
        for _ in 0..4 {
            reader.value = reader.value << 8 | reader.next();
        }
        reader
    }

    /// Whether more was read than a writer would have left out.
    pub(super) const fn is_beyond(&self) -> bool {
        self.beyond > 4
    }

    fn next(&mut self) -> u32 {
        match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                u32::from(*byte)
            }
            None => {
                self.beyond = self.beyond.saturating_add(1);
                0
            }
        }
    }
}

impl Coder for Reader<'_> {
    fn code(&mut self, _: bool, chance: u32) -> bool {
        let middle = split(self.low, self.high, chance);
        let bit = self.value <= middle;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
            self.value = self.value << 8 | self.next();
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn what_was_written_is_read_and_rare_bits_cost_little_while_they_stay_away() {
        let mut random = Seeded::new(1);
        for share in [0.0, 0.01, 0.5, 0.99] {
            let bits: Vec<bool> = (0..20_000).map(|_| random.unit() < share).collect();
            let (mut writer, mut chance) = (Writer::behind(vec![7]), Chance::EVEN);
            for bit in &bits {
                writer.bit(*bit, &mut chance);
            }
            let bytes = writer.finish();
            let entropy = if share == 0.0 { 0.0 } else { -share * share.log2() - (1.0 - share) * (1.0 - share).log2() };
            assert!((bytes.len() as f64) < 20_000.0 / 8.0 * entropy * 1.1 + 80.0, "{share}: {} bytes", bytes.len());
            let (mut reader, mut chance) = (Reader::new(&bytes[1..]), Chance::EVEN);
            assert!(bits.iter().all(|bit| reader.bit(false, &mut chance) == *bit), "{share}");
            assert!(!reader.is_beyond());
        }
    }

    #[test]
    fn every_ending_is_short_and_reads_back() {
        for length in 0..200 {
            let mut random = Seeded::new(length);
            let bits: Vec<(bool, u32)> =
                (0..length).map(|_| (random.bits() & 1 == 1, 32 + (random.bits() % 65_000) as u32)).collect();
            let mut writer = Writer::behind(Vec::new());
            for (bit, chance) in &bits {
                writer.code(*bit, *chance);
            }
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            assert!(bits.iter().all(|(bit, chance)| reader.code(false, *chance) == *bit), "{length}");
        }
    }
}
