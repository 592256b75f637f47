//! Where a sound is played between left and right. A value that cannot be wrong.

use std::f32::consts::{FRAC_PI_4, SQRT_2};

/// A place between left (-1) and right (1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pan(f32);

impl Pan {
    /// The far left.
    pub const LEFT: Self = Self(-1.0);
    /// The middle: heard exactly as without a place.
    pub const CENTRE: Self = Self(0.0);
    /// The far right.
    pub const RIGHT: Self = Self(1.0);

    /// From -1.0 to 1.0; `None` outside and for what is no number.
    #[must_use]
    pub fn new(place: f32) -> Option<Self> {
        (-1.0..=1.0).contains(&place).then_some(Self(place))
    }

    /// Gains of left and right: equal power everywhere, 0 dB on both sides in the middle, so +3 dB and nothing at an end.
    #[must_use]
    pub(super) fn gains(self) -> (f32, f32) {
        if self == Self::CENTRE {
            return (1.0, 1.0);
        }
        let (right, left) = ((self.0 + 1.0) * FRAC_PI_4).sin_cos();
        // A cosine of a right angle is not quite nothing in floating point.
        (SQRT_2 * left.max(0.0), SQRT_2 * right)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_else_is_a_place() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.000_001, -1.000_001] {
            assert_eq!(Pan::new(wrong), None);
        }
        assert_eq!(Pan::new(-0.0), Some(Pan::CENTRE));
        assert_eq!(Pan::new(1.0), Some(Pan::RIGHT));
    }

    #[test]
    fn the_middle_changes_nothing_and_the_ends_are_one_sided() {
        assert_eq!(Pan::CENTRE.gains(), (1.0, 1.0));
        let (left, right) = Pan::LEFT.gains();
        assert!((left - SQRT_2).abs() < 1e-6 && right == 0.0, "{left} {right}");
        let (left, right) = Pan::RIGHT.gains();
        assert!((right - SQRT_2).abs() < 1e-6 && left < 1e-6, "{left} {right}");
    }

    proptest! {
        #[test]
        fn the_power_is_the_same_everywhere(place in -1.0_f32..=1.0) {
            let (left, right) = Pan::new(place).unwrap().gains();
            prop_assert!((left * left + right * right - 2.0).abs() < 1e-5);
            prop_assert!(left >= 0.0 && right >= 0.0);
            prop_assert_eq!(left > right, place < 0.0);
        }
    }
}
