//! A convolutional code of rate 1/3 over 256 states, tail-biting: it ends in the state it began with, so no bit is spent
//! on a tail and none is better protected than another. Decoded from soft values by the Viterbi algorithm. Pure.

/// Bits carried.
pub const MESSAGE: usize = 48;
/// Bits sent.
pub const CODED: usize = MESSAGE * POLYNOMIALS.len();

/// The best known code of this length: free distance 18 (Larsen 1973).
const POLYNOMIALS: [u16; 3] = [0o557, 0o663, 0o711];
const MEMORY: u32 = 8;
const STATES: usize = 1 << MEMORY;
/// Rounds around the ring; the middle one has forgotten where the first began.
const LAPS: usize = 3;

/// The three sent bits when `bit` follows `state`; a state is the last eight bits, the newest lowest.
const fn step(state: usize, bit: usize) -> [bool; 3] {
    let register = ((state << 1) | bit) as u16;
    let mut out = [false; 3];
    let mut n = 0;
    while n < out.len() {
        out[n] = (register & POLYNOMIALS[n]).count_ones() % 2 == 1;
        n += 1;
    }
    out
}

const fn bit(message: u64, n: usize) -> usize {
    (message >> (MESSAGE - 1 - n) & 1) as usize
}

/// Encodes the lowest [`MESSAGE`] bits, highest first.
#[must_use]
pub fn encode(message: u64) -> [bool; CODED] {
    let mut state = (message & (STATES as u64 - 1)) as usize;
    let mut out = [false; CODED];
    for (n, sent) in out.chunks_exact_mut(3).enumerate() {
        sent.copy_from_slice(&step(state, bit(message, n)));
        state = (state << 1 | bit(message, n)) % STATES;
    }
    out
}

/// The likeliest message. A value is the more above zero the surer its bit is a one.
#[must_use]
pub fn decode(soft: &[f32; CODED]) -> u64 {
    let branches: Vec<[f32; 3]> =
        (0..2 * STATES).map(|n| step(n / 2, n % 2).map(|one| if one { 1.0 } else { -1.0 })).collect();
    let mut best = vec![0.0_f32; STATES];
    let mut from = vec![0_u8; LAPS * MESSAGE * STATES];
    let mut next = vec![0.0_f32; STATES];
    for (n, chosen) in from.chunks_exact_mut(STATES).enumerate() {
        let at = n % MESSAGE * 3;
        let gain = |register: usize| -> f32 {
            branches[register].iter().zip(&soft[at..at + 3]).map(|(sign, value)| sign * value).sum()
        };
        for state in 0..STATES {
            // The bit that fell out of the state before is unknown: 0 or 1.
            let (zero, one) = (state >> 1, state >> 1 | STATES >> 1);
            let by_zero = best[zero] + gain(zero << 1 | state & 1);
            let by_one = best[one] + gain(one << 1 | state & 1);
            (next[state], chosen[state]) = if by_one > by_zero { (by_one, 1) } else { (by_zero, 0) };
        }
        std::mem::swap(&mut best, &mut next);
    }
    let mut state = (0..STATES).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or_default();
    let mut message = 0;
    for (n, chosen) in from.chunks_exact(STATES).enumerate().rev() {
        if (MESSAGE..2 * MESSAGE).contains(&n) {
            message |= (state as u64 & 1) << (2 * MESSAGE - 1 - n);
        }
        state = state >> 1 | usize::from(chosen[state]) << (MEMORY - 1);
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn soft(coded: &[bool; CODED]) -> [f32; CODED] {
        coded.map(|one| if one { 1.0 } else { -1.0 })
    }

    proptest! {
        #[test]
        fn eight_wrong_bits_are_put_right(message in 0_u64..1 << MESSAGE, wrong: [prop::sample::Index; 8]) {
            let mut heard = soft(&encode(message));
            for index in wrong {
                let at = index.index(CODED);
                // The same place twice is wrong once.
                heard[at] = if encode(message)[at] { -1.0 } else { 1.0 };
            }
            prop_assert_eq!(decode(&heard), message);
        }

        #[test]
        fn any_values_decode_to_something(values in prop::collection::vec(any::<f32>(), CODED)) {
            let values: [f32; CODED] = values.try_into().unwrap();
            prop_assert!(decode(&values) < 1 << MESSAGE);
        }
    }
}
