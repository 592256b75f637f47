//! Which of a camera's modes comes closest to a wish.
//! Values only.

use std::cmp::Reverse;

use media_core::device::PictureWish;

use crate::picture::Pixels;

/// One way a camera can work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mode {
    pub(super) pixels: Pixels,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Pictures a second.
    pub(super) fps: f64,
}

/// The best mode. In this order: fast enough to look alive; not larger than wished; as large as possible (or, when all
/// are too large, as small as possible); the wished rate; cheap to convert.
pub(super) fn best(modes: &[Mode], wish: PictureWish) -> Option<Mode> {
    let wished = f64::from(wish.fps.max(1));
    modes.iter().copied().filter(|m| m.width >= 2 && m.height >= 2).min_by_key(|mode| {
        let alive = mode.fps >= wished * 0.6;
        let fits = mode.width <= wish.width && mode.height <= wish.height;
        let area = i64::from(mode.width) * i64::from(mode.height);
        let area = if fits { -area } else { area };
        let short = millis((wished - mode.fps).max(0.0));
        let over = millis((mode.fps - wished).max(0.0));
        let cost = match mode.pixels {
            Pixels::I420 => 0,
            Pixels::Nv12 => 1,
            Pixels::Yuyv => 2,
            Pixels::Mjpeg => 3,
        };
        (Reverse(alive), Reverse(fits), area, short, over, cost)
    })
}

/// A rate with three decimals: 29.97 and 30 are told apart, rounding noise is not.
fn millis(fps: f64) -> u64 {
    (fps * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mode(pixels: Pixels, width: u32, height: u32, fps: f64) -> Mode {
        Mode { pixels, width, height, fps }
    }

    const LAPTOP: [Mode; 6] = [
        mode(Pixels::Yuyv, 640, 480, 30.0),
        mode(Pixels::Yuyv, 1280, 720, 10.0),
        mode(Pixels::Yuyv, 1920, 1080, 5.0),
        mode(Pixels::Mjpeg, 640, 480, 30.0),
        mode(Pixels::Mjpeg, 1280, 720, 30.0),
        mode(Pixels::Mjpeg, 1920, 1080, 30.0),
    ];

    fn chosen(modes: &[Mode], width: u32, height: u32, fps: u32) -> Option<Mode> {
        best(modes, PictureWish { width, height, fps })
    }

    #[test]
    fn a_slow_raw_mode_loses_against_a_fast_compressed_one() {
        assert_eq!(chosen(&LAPTOP, 1280, 720, 30), Some(LAPTOP[4]));
        assert_eq!(chosen(&LAPTOP, 1920, 1080, 30), Some(LAPTOP[5]));
        assert_eq!(chosen(&LAPTOP, 640, 480, 30), Some(LAPTOP[0]), "raw when both do");
    }

    #[test]
    fn nothing_larger_than_wished_unless_there_is_nothing_else() {
        assert_eq!(chosen(&LAPTOP, 1000, 1000, 30), Some(LAPTOP[0]));
        assert_eq!(chosen(&LAPTOP, 320, 240, 30), Some(LAPTOP[0]), "the smallest of the too large");
    }

    #[test]
    fn a_slow_camera_is_better_than_none() {
        let slow = [mode(Pixels::Yuyv, 640, 480, 7.5)];
        assert_eq!(chosen(&slow, 1280, 720, 30), Some(slow[0]));
        assert_eq!(chosen(&[], 1280, 720, 30), None);
    }

    #[test]
    fn fractional_rates_count_as_what_they_are() {
        let modes = [mode(Pixels::Nv12, 640, 480, 15.0), mode(Pixels::Yuyv, 640, 480, 30_000.0 / 1001.0)];
        assert_eq!(chosen(&modes, 640, 480, 30), Some(modes[1]));
    }
}
