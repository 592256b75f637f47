//! Sizes and averages.

use proptest::prelude::*;

use super::*;
use crate::testing::{TestCard, read_counter};
use crate::time::MediaTime;

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

#[test]
fn the_aspect_is_kept_and_sides_are_even() {
    assert_eq!(fit(size(1920, 1080), size(1280, 720)), size(1280, 720));
    assert_eq!(fit(size(640, 480), size(1280, 720)), size(640, 480), "never enlarged");
    assert_eq!(fit(size(1080, 1920), size(1280, 720)), size(404, 720));
    assert_eq!(fit(size(7680, 2), size(1280, 720)), size(1280, 2));
}

#[test]
fn a_counter_is_still_read_when_smaller() {
    let picture = TestCard::new(size(1280, 720)).paint(0xA5C3, MediaTime::ZERO);
    for limit in [size(640, 360), size(500, 500), size(322, 180), size(1278, 720)] {
        let small = Scaler::new().fit(&picture, limit);
        assert!(small.size().width <= limit.width && small.size().height <= limit.height);
        assert_eq!(read_counter(&small), Some(0xA5C3), "{limit:?}");
    }
}

#[test]
fn thin_lines_turn_grey_and_do_not_vanish() {
    let (w, h) = (64, 64);
    let mut data = vec![0; size(w, h).i420_len()];
    for line in data[..(w * h) as usize].chunks_exact_mut(w as usize) {
        line.iter_mut().step_by(2).for_each(|p| *p = 200);
    }
    let picture = Picture::new(size(w, h), data.into(), MediaTime::ZERO).unwrap();
    let small = Scaler::new().fit(&picture, size(32, 32));
    assert!(small.y().iter().all(|p| *p == 100));
}

proptest! {
    #[test]
    fn any_sizes_work_and_keep_a_flat_picture_flat(w in 1_u32..60, h in 1_u32..60, lw in 1_u32..60, lh in 1_u32..60, value in any::<u8>()) {
        let (from, limit) = (size(w * 2, h * 2), size(lw * 2, lh * 2));
        let picture = Picture::new(from, vec![value; from.i420_len()].into(), MediaTime::ZERO).unwrap();
        let small = Scaler::new().fit(&picture, limit);
        prop_assert!(small.size().width <= limit.width.max(2) && small.size().height <= limit.height.max(2));
        prop_assert!(small.data().iter().all(|p| *p == value));
    }
}
