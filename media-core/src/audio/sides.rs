//! Left and right from our rate to the device's. While they are the same, which is nearly always, one is converted for
//! both. Pure; allocates only in its first blocks.

use super::resample::Resampler;
use crate::frame::{AudioBlock, SAMPLE_RATE};

/// Both sides on their way to one device.
#[derive(Debug)]
pub(super) struct Sides {
    left: Resampler,
    right: Resampler,
    /// The last block differed: the right one remembers another past.
    apart: bool,
    left_out: Vec<f32>,
    right_out: Vec<f32>,
}

impl Sides {
    /// To this rate; `None` when it is none we take.
    #[must_use]
    pub(super) fn new(rate: u32) -> Option<Self> {
        let left = Resampler::new(SAMPLE_RATE, rate)?;
        let right = left.clone();
        Some(Self { left, right, apart: false, left_out: Vec::new(), right_out: Vec::new() })
    }

    /// See [`Resampler::bend`].
    pub(super) fn bend(&mut self, by: f64) {
        self.left.bend(by);
    }

    /// Converts one block; both answers are equally long.
    pub(super) fn convert(&mut self, left: &AudioBlock, right: &AudioBlock) -> (&[f32], &[f32]) {
        let differ = left != right;
        if differ && !self.apart {
            self.right.follow(&self.left);
        }
        self.right.follow_speed(&self.left);
        self.left.push(left);
        let ready = self.left.ready();
        if differ || self.apart {
            // What differed is remembered for less than a block.
            self.right.push(right);
            self.right_out.resize(ready, 0.0);
            pull(&mut self.right, &mut self.right_out);
        }
        self.left_out.resize(ready, 0.0);
        pull(&mut self.left, &mut self.left_out);
        let right_out = if differ || self.apart { &self.right_out } else { &self.left_out };
        self.apart = differ;
        (&self.left_out, right_out)
    }
}

/// Steep edges at full scale swing over it between the samples.
fn pull(from: &mut Resampler, out: &mut [f32]) {
    from.pull(out);
    out.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::BLOCK;
    use crate::testing::tone;

    /// What comes out when the right side is so many times as loud as the left, from block to block.
    fn converted(rate: u32, louder: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let sound = tone(440.0, 48_000, louder.len() * BLOCK);
        let mut sides = Sides::new(rate).unwrap();
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for (n, louder) in louder.iter().enumerate() {
            let left: AudioBlock = std::array::from_fn(|i| sound[n * BLOCK + i]);
            sides.bend(if n % 3 == 0 { 0.001 } else { -0.001 });
            let (left, right) = sides.convert(&left, &left.map(|s| s * louder));
            lefts.extend_from_slice(left);
            rights.extend_from_slice(right);
        }
        (lefts, rights)
    }

    #[test]
    fn one_side_is_what_it_would_be_without_the_other() {
        for rate in [8_000, 44_100, 48_000, 96_000] {
            let (alone, _) = converted(rate, &[1.0; 30]);
            let (beside, halved) = converted(rate, &[0.5; 30]);
            assert_eq!(alone, beside);
            assert!(alone.iter().zip(&halved).all(|(whole, half)| (whole * 0.5 - half).abs() < 1e-6));
        }
    }

    /// Found by the fuzzer: decoded junk is that steep.
    #[test]
    fn nothing_leaves_full_scale() {
        for rate in [8_000, 44_100, 48_000, 96_000] {
            let mut sides = Sides::new(rate).unwrap();
            for n in 0..20 {
                let left: AudioBlock = std::array::from_fn(|i| if (i / (3 + n)) % 2 == 0 { 1.0 } else { -1.0 });
                let right = left.map(|s| -s);
                let (left, right) = sides.convert(&left, &right);
                assert!(left.iter().chain(right).all(|s| (-1.0..=1.0).contains(s)), "{rate} Hz");
            }
        }
    }

    #[test]
    fn sides_that_meet_are_the_same_again_and_part_without_a_click() {
        for rate in [8_000, 44_100, 48_000] {
            let mut louder = [1.0; 30];
            louder[10..20].fill(-1.0);
            let (left, right) = converted(rate, &louder);
            let block = rate as usize / 100;
            assert_eq!(left[..9 * block], right[..9 * block]);
            assert_eq!(left[22 * block..], right[22 * block..]);
            // The sides part and meet on a boundary: until there and from there on each is what it always was.
            let (same, _) = converted(rate, &[1.0; 30]);
            let (_, turned) = converted(rate, &[-1.0; 30]);
            assert_eq!(left, same);
            assert!(right[11 * block..19 * block].iter().zip(&turned[11 * block..]).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }
}
