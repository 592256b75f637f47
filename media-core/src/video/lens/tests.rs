//! Cameras of every kind, painted: covered with noise, in a dark room, frozen, slow.

use bytes::Bytes;

use super::*;
use crate::frame::Size;
use crate::testing::TestCard;

const SIZE: Size = Size { width: 640, height: 360 };

/// A picture whose luma is `base` and up to `noise` more, another one each time.
fn noisy(base: u8, noise: u8, seed: &mut u32, at: MediaTime) -> Picture {
    let mut data = vec![128; SIZE.i420_len()];
    for luma in &mut data[..(SIZE.width * SIZE.height) as usize] {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *luma = base + ((*seed >> 24) as u8 % (noise + 1));
    }
    Picture::new(SIZE, Bytes::from(data), at).unwrap()
}

/// With a lit face: one pixel in fifty.
fn with_face(picture: &Picture) -> Picture {
    let mut data = picture.data().to_vec();
    let width = SIZE.width as usize;
    for line in data[..width * SIZE.height as usize].chunks_exact_mut(width).skip(100).take(72) {
        line[300..364].fill(90);
    }
    Picture::new(SIZE, Bytes::from(data), picture.at).unwrap()
}

const fn millis(ms: u64) -> MediaTime {
    MediaTime::from_micros(ms * 1000)
}

/// Shows so many seconds at a rate; every change of mind and when, in milliseconds.
fn show(
    watch: &mut LensWatch,
    from_ms: u64,
    seconds: u64,
    fps: u64,
    mut paint: impl FnMut(MediaTime) -> Picture,
) -> Vec<(u64, Lens)> {
    let mut changes = Vec::new();
    let mut last = watch.lens;
    for n in 0..seconds * fps {
        let ms = from_ms + n * 1000 / fps;
        let lens = watch.look(&paint(millis(ms)));
        if lens != last {
            changes.push((ms, lens));
            last = lens;
        }
    }
    changes
}

#[test]
fn a_covered_camera_is_told_after_three_seconds_and_taken_back_at_once() {
    let (mut watch, mut seed) = (LensWatch::default(), 1);
    assert_eq!(show(&mut watch, 0, 20, 30, |at| noisy(80, 90, &mut seed, at)), []);
    let told = show(&mut watch, 20_000, 10, 30, |at| noisy(16, 20, &mut seed, at));
    assert!(matches!(told[..], [(23_000..23_600, Lens::Dark)]), "{told:?}");
    let back = show(&mut watch, 30_000, 10, 30, |at| noisy(80, 90, &mut seed, at));
    assert!(matches!(back[..], [(30_000..30_600, Lens::Clear)]), "{back:?}");
}

#[test]
fn a_hand_before_the_lens_for_a_moment_is_nobodys_business() {
    let (mut watch, mut seed) = (LensWatch::default(), 1);
    for round in 0..5 {
        let from = round * 4_000;
        assert_eq!(show(&mut watch, from, 2, 30, |at| noisy(16, 10, &mut seed, at)), []);
        assert_eq!(show(&mut watch, from + 2_000, 2, 30, |at| noisy(80, 90, &mut seed, at)), []);
    }
}

#[test]
fn a_face_in_a_dark_room_is_seen_however_few_pictures_there_are() {
    for fps in [30, 10, 5, 1] {
        let (mut watch, mut seed) = (LensWatch::default(), 1);
        let changes = show(&mut watch, 0, 30, fps, |at| with_face(&noisy(18, 20, &mut seed, at)));
        assert_eq!(changes, [], "at {fps} pictures a second");
    }
}

#[test]
fn fewer_pictures_in_little_light_change_no_judgement() {
    for fps in [30, 15, 7, 5] {
        let (mut watch, mut seed) = (LensWatch::default(), 1);
        assert_eq!(show(&mut watch, 0, 10, fps, |at| noisy(50, 30, &mut seed, at)), [], "dim, at {fps}");
        let told = show(&mut watch, 10_000, 10, fps, |at| noisy(16, 20, &mut seed, at));
        assert!(matches!(told[..], [(13_000..13_800, Lens::Dark)]), "dark, at {fps}: {told:?}");
    }
}

#[test]
fn a_picture_that_repeats_itself_is_told_and_a_living_one_is_not() {
    let mut card = TestCard::new(SIZE);
    let (mut watch, mut n) = (LensWatch::default(), 0);
    let living = show(&mut watch, 0, 10, 30, |at| {
        n += 1;
        card.paint(n, at)
    });
    assert_eq!(living, []);
    let told = show(&mut watch, 10_000, 10, 30, |at| card.paint(7, at));
    assert!(matches!(told[..], [(15_000..15_600, Lens::Still)]), "{told:?}");
    let back = show(&mut watch, 20_000, 2, 30, |at| {
        n += 1;
        card.paint(n, at)
    });
    assert!(matches!(back[..], [(20_000..20_600, Lens::Clear)]), "{back:?}");
}

#[test]
fn a_black_picture_that_repeats_itself_is_dark() {
    let (mut watch, mut seed) = (LensWatch::default(), 1);
    let told = show(&mut watch, 0, 20, 30, |at| noisy(16, 0, &mut seed, at));
    assert_eq!(told.len(), 1, "one thing is told, not two: {told:?}");
    assert_eq!(told[0].1, Lens::Dark);
}

#[test]
fn a_picture_smaller_than_the_grid_is_no_trouble() {
    let size = Size { width: 2, height: 2 };
    let picture = Picture::new(size, Bytes::from_static(&[200, 200, 200, 200, 128, 128]), MediaTime::ZERO).unwrap();
    assert_eq!(LensWatch::default().look(&picture), Lens::Clear);
}
