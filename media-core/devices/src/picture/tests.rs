//! Pictures as cameras and screens deliver them become I420, whatever their size and padding.

use super::*;

fn raw(pixels: Pixels, width: u32, height: u32, stride: u32, bytes: &[u8]) -> Result<Picture, Broken> {
    Raw { pixels, width, height, stride, bytes }.to_picture(MediaTime::ZERO)
}

#[test]
fn every_layout_keeps_its_colours() {
    // Two lines of two pixels and two bytes of padding a line.
    let yuyv = raw(Pixels::Yuyv, 2, 2, 6, &[10, 90, 20, 160, 0, 0, 30, 90, 40, 160, 0, 0]).unwrap();
    let nv12 = raw(Pixels::Nv12, 2, 2, 4, &[10, 20, 0, 0, 30, 40, 0, 0, 90, 160, 0, 0]).unwrap();
    let i420 = raw(Pixels::I420, 2, 2, 4, &[10, 20, 0, 0, 30, 40, 0, 0, 90, 0, 160, 0]).unwrap();
    for (name, picture) in [("yuyv", yuyv), ("nv12", nv12), ("i420", i420)] {
        assert_eq!(picture.y(), [10, 20, 30, 40], "{name}");
        assert_eq!((picture.u(), picture.v()), (&[90][..], &[160][..]), "{name}");
    }
}

#[test]
fn a_white_screen_is_limited_range_white() {
    let size = Size::even(4, 2).unwrap();
    let picture = from_bgra(size, &[255; 32], 16, MediaTime::ZERO).unwrap();
    assert!(picture.y().iter().all(|y| (234..=236).contains(y)), "{:?}", picture.y());
    assert!(picture.u().iter().chain(picture.v()).all(|c| (127..=129).contains(c)));
}

#[test]
fn every_shorter_buffer_is_refused() {
    for (pixels, whole) in [(Pixels::Yuyv, 64), (Pixels::Nv12, 48), (Pixels::I420, 48)] {
        let bytes = vec![128; whole];
        for len in 0..whole {
            assert!(raw(pixels, 8, 4, 0, &bytes[..len]).is_err(), "{pixels:?} with {len} bytes");
        }
        assert!(raw(pixels, 8, 4, 0, &bytes).is_ok(), "{pixels:?}");
    }
    for pixels in [Pixels::Yuyv, Pixels::Nv12, Pixels::I420] {
        assert!(matches!(raw(pixels, 0, 4, 0, &[]), Err(Broken::Size(0, 4))));
        assert!(matches!(raw(pixels, 100_000, 4, 0, &[]), Err(Broken::Size(100_000, 4))));
    }
}

#[test]
fn odd_sides_lose_their_last_line() {
    for pixels in [Pixels::Yuyv, Pixels::Nv12, Pixels::I420] {
        let picture = raw(pixels, 5, 3, 0, &[128; 64]).unwrap();
        assert_eq!(picture.size(), Size { width: 4, height: 2 }, "{pixels:?}");
    }
}

#[test]
fn rubbish_is_no_jpeg() {
    for len in 0..200u32 {
        let mut bytes: Vec<u8> = (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (at, magic) in [0xff, 0xd8, 0xff].into_iter().enumerate() {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = magic;
            }
        }
        assert!(matches!(raw(Pixels::Mjpeg, 8, 8, 0, &bytes), Err(Broken::Decode(_) | Broken::Size(..))));
    }
}

#[test]
fn a_faster_source_is_held_to_the_beat() {
    let at = |ms| MediaTime::from_micros(1_000_000 + ms * 1000);
    let mut pace = Pace::new(15);
    let passed = (0..60u64).filter(|i| pace.admits(at(i * 1000 / 30))).count();
    assert!((29..=31).contains(&passed), "two seconds of 30 fps at 15: {passed}");
    let mut pace = Pace::new(30);
    let passed = (0..60u64).filter(|i| pace.admits(at(i * 1000 / 30 + i % 2 * 5))).count();
    assert!(passed >= 59, "a jittery source at the right rate keeps its pictures: {passed}");
}

#[test]
fn a_large_screen_is_made_as_small_as_wished_and_keeps_its_shape() {
    let wish = PictureWish { width: 1920, height: 1080, fps: 15 };
    let fitted = |width, height| fit(width, height, wish).map(|size| (size.width, size.height));
    assert_eq!(fitted(1920, 1080), Some((1920, 1080)));
    assert_eq!(fitted(1366, 767), Some((1366, 766)), "never larger than it is, and even");
    assert_eq!(fitted(5120, 2880), Some((1920, 1080)));
    assert_eq!(fitted(3024, 1964), Some((1662, 1080)));
    assert_eq!(fitted(1080, 1920), Some((606, 1080)), "turned");
    assert_eq!(fitted(5120, 1440), Some((1920, 540)));
    assert_eq!(fitted(u32::MAX, u32::MAX), Some((1080, 1080)));
    assert_eq!(fitted(100_000, 3), None, "nothing would be left of it");
    assert_eq!(fit(800, 600, PictureWish { width: 0, height: 0, fps: 1 }), None);
}
