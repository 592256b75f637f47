//! What the next sample of a plane will be: the heart of the text codec. The same letter is drawn the same way again and
//! again, so what followed these neighbours last time follows them now. Both ends learn the same from the same samples.
//! Pure; fixed memory.

use super::plane::Plane;
use super::range::{Chance, Coder};

/// Places in each memory, as a power of two.
const PLACES: u32 = 18;
/// Ways to be sure of a guess.
const SURE: usize = 1 << 12;
/// Contexts of a sample that was not guessed.
const NEW: u32 = 16;

/// What a guess weighs at most, in 1/65536.
const HEAVIEST: i32 = 1 << 20;

/// What followed some neighbours before.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Other neighbours with the same place are told apart by this.
    check: u8,
    last: u8,
    /// How often in a row.
    times: u8,
    /// What it was before.
    before: u8,
}

impl Seen {
    fn learn(&mut self, check: u8, value: u8) {
        if self.check != check || self.times == 0 {
            *self = Self { check, last: value, times: 1, before: value };
        } else if self.last == value {
            self.times = self.times.saturating_add(1).min(60);
        } else if self.times > 8 {
            self.before = value;
            self.times /= 4;
        } else {
            self.before = self.last;
            self.last = value;
            self.times = 1;
        }
    }
}

/// Everything learned since the last key frame.
pub(super) struct Model {
    /// By many neighbours, by some, by few.
    memories: [Vec<Seen>; 3],
    guesses: Vec<Chance>,
    new: [Vec<Chance>; 3],
    weights: Vec<[i32; 3]>,
}

/// The places of the neighbours of one sample.
struct Around {
    places: [usize; 3],
    checks: [u8; 3],
    west: u8,
    north: u8,
    north_west: u8,
    north_east: u8,
    old: u8,
}

impl Model {
    /// Knows nothing.
    pub(super) fn new() -> Self {
        let seen = || vec![Seen::default(); 1 << PLACES];
        Self {
            memories: [seen(), seen(), seen()],
            guesses: vec![Chance::EVEN; 3 * SURE],
            new: [vec![Chance::EVEN; 2 << 8], vec![Chance::EVEN; 1 << NEW], vec![Chance::EVEN; 1 << NEW]],
            weights: vec![[1 << 14; 3]; 2 << 8],
        }
    }

    /// Codes the sample at this place of the plane; `kind` is 0 for luma. What is there before is what was there in the
    /// picture before.
    pub(super) fn sample<C: Coder>(&mut self, coder: &mut C, plane: &Plane, at: usize, kind: usize, value: u8) -> u8 {
        let around = look(plane.samples(), plane.stride(), at, kind);
        let seen: [Seen; 3] = std::array::from_fn(|i| {
            let seen = self.memories[i][around.places[i]];
            if seen.check == around.checks[i] { seen } else { Seen::default() }
        });
        let value = self.guess(coder, &around, seen, kind, value);
        for i in 0..3 {
            self.memories[i][around.places[i]].learn(around.checks[i], value);
        }
        value
    }

    fn guess<C: Coder>(&mut self, coder: &mut C, a: &Around, seen: [Seen; 3], kind: usize, value: u8) -> u8 {
        // The candidates, best first, each once.
        let mut tried = [0_u8; 4];
        let mut count = 0;
        let flat = usize::from(a.west == a.north)
            | usize::from(a.north == a.north_west) << 1
            | usize::from(a.north == a.north_east) << 2;
        let first = seen.iter().position(|s| s.times > 0).unwrap_or(3);
        let candidates = [
            (seen[0].times, seen[0].last),
            (seen[1].times, seen[1].last),
            (seen[2].times, seen[2].last),
            (1, a.west),
            (1, a.north),
            (u8::from(seen[0].times > 0), seen[0].before),
            (u8::from(seen[1].times > 0), seen[1].before),
            (u8::from(seen[2].times > 0), seen[2].before),
        ];
        for (source, (times, candidate)) in candidates.into_iter().enumerate() {
            if times == 0 || tried[..count].contains(&candidate) {
                continue;
            }
            let sure = match count {
                0 => {
                    let agree = usize::from(seen[1].times > 0 && seen[1].last == candidate)
                        | usize::from(seen[2].times > 0 && seen[2].last == candidate) << 1
                        | usize::from(a.old == candidate) << 2;
                    first << 10 | level(times) << 7 | agree << 4 | flat << 1
                }
                _ => source << 8 | level(times) << 5 | flat << 2 | usize::from(a.old == candidate) << 1,
            };
            let sure = count.min(2) * SURE + (sure | usize::from(kind > 0)) % SURE;
            if coder.bit(value == candidate, &mut self.guesses[sure]) {
                return candidate;
            }
            tried[count] = candidate;
            count += 1;
            if count == 3 {
                break;
            }
        }
        self.fresh(coder, a, kind, value)
    }

    /// A value nothing pointed to, bit by bit.
    fn fresh<C: Coder>(&mut self, coder: &mut C, a: &Around, kind: usize, value: u8) -> u8 {
        let kind = usize::from(kind > 0);
        let near = mix(u32::from(a.west >> 4)
            | u32::from(a.north >> 4) << 4
            | u32::from(a.north_east >> 5) << 8
            | (kind as u32) << 12);
        let mean = (u32::from(a.west) + u32::from(a.north)) >> 3
            | u32::from(a.west > a.north) << 7
            | (kind as u32) << 8
            | (u32::from(a.north_west) >> 5) << 9;
        let far = mix(mean ^ 0x5bd1);
        let mut node = 1_usize;
        for shift in (0..8).rev() {
            let places = [
                kind << 8 | node,
                (near.wrapping_add((node as u32).wrapping_mul(0x9e37_79b1)) >> (32 - NEW)) as usize,
                (far.wrapping_add((node as u32).wrapping_mul(0x85eb_ca6b)) >> (32 - NEW)) as usize,
            ];
            let stretched: [i32; 3] = std::array::from_fn(|i| stretch(self.new[i][places[i]].value()));
            let weights = &mut self.weights[kind << 8 | node];
            let sum: i64 = (0..3).map(|i| i64::from(weights[i]) * i64::from(stretched[i])).sum();
            let chance = squash((sum >> 16) as i32);
            let bit = coder.code(value >> shift & 1 == 1, chance);
            let error = (if bit { 65_535 } else { 0 }) - chance as i32;
            for i in 0..3 {
                weights[i] = (weights[i] + ((stretched[i] * (error >> 4)) >> 12)).clamp(-HEAVIEST, HEAVIEST);
                self.new[i][places[i]].learn(bit);
            }
            node = node << 1 | usize::from(bit);
        }
        (node & 0xff) as u8
    }
}

const fn level(times: u8) -> usize {
    match times {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 3,
        5..=7 => 4,
        8..=15 => 5,
        16..=31 => 6,
        _ => 7,
    }
}

fn look(samples: &[u8], stride: usize, at: usize, kind: usize) -> Around {
    let wide = |from: usize| u64::from_le_bytes(samples[from..from + 8].try_into().expect("eight of them"));
    let here = u32::from_le_bytes(samples[at - 4..at].try_into().expect("four of them"));
    let (one, two, three) = (wide(at - stride - 3), wide(at - 2 * stride - 3), wide(at - 3 * stride - 3));
    // x - 4 .. x - 1; and above x - 3 .. x + 4, x - 3 .. x + 4, x - 1 .. x + 2.
    let kind = (kind as u64) << 60;
    let many = hash(&[u64::from(here), one, two, three & 0x0000_ffff_ffff_0000, kind]);
    let some = hash(&[u64::from(here >> 8), one & 0x0000_ffff_ffff_ff00, two & 0x0000_00ff_ffff_0000, kind | 1]);
    let few = hash(&[u64::from(here >> 16), one & 0x0000_00ff_ffff_0000, two & 0x0000_0000_ff00_0000, kind | 2]);
    let place = |h: u64| (h >> (64 - PLACES)) as usize;
    let check = |h: u64| (h >> 16) as u8;
    Around {
        places: [place(many), place(some), place(few)],
        checks: [check(many), check(some), check(few)],
        west: samples[at - 1],
        north: samples[at - stride],
        north_west: samples[at - stride - 1],
        north_east: samples[at - stride + 1],
        old: samples[at],
    }
}

fn hash(words: &[u64]) -> u64 {
    let mut h = 0_u64;
    for word in words {
        h = (h ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h ^= h >> 29;
    }
    h.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

const fn mix(word: u32) -> u32 {
    let word = word.wrapping_mul(0x2c1b_3c6d);
    (word ^ word >> 15).wrapping_mul(0x297a_2d39)
}

/// ln(p / (1 - p)) in 1/256, of a chance in 1/65536.
fn stretch(chance: u32) -> i32 {
    i32::from(STRETCH[(chance >> 4) as usize])
}

/// The reverse of [`stretch`].
fn squash(logit: i32) -> u32 {
    let logit = logit.clamp(-2047, 2047);
    SQUASH[(logit + 2048) as usize]
}

static SQUASH: [u32; 4096] = squashes();
static STRETCH: [i16; 4096] = stretches();

/// 65536 / (1 + e^-x) by steps of e^(1/256), in integers so that every machine has the same.
const fn squashes() -> [u32; 4096] {
    let mut table = [0_u32; 4096];
    // e^(i / 256) in 1/2^40, by multiplying.
    let step: u128 = 1_103_814_994_613; // 2^40 * e^(1/256)
    let mut power: u128 = 1 << 40;
    let mut i = 0;
    while i < 2048 {
        // p = e^x / (1 + e^x)
        let p = (power << 16) / (power + (1 << 40));
        let p = if p > 65_504 { 65_504 } else { p as u32 };
        table[2048 + i] = p;
        table[2048 - i] = 65_536 - p;
        power = (power * step) >> 40;
        i += 1;
    }
    table[0] = 32;
    table
}

const fn stretches() -> [i16; 4096] {
    let squash = squashes();
    let mut table = [0_i16; 4096];
    let mut x = 1;
    let mut i = 0;
    while i < 4096 {
        let p = (i as u32) << 4 | 8;
        while x < 4095 && squash[x] < p {
            x += 1;
        }
        table[i] = x as i16 - 2048;
        i += 1;
    }
    table
}
