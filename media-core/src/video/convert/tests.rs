//! Colours of every layout, and lengths that do not fit.

use proptest::prelude::*;

use super::*;

const FORMATS: [PixelFormat; 6] =
    [PixelFormat::Bgra, PixelFormat::Rgba, PixelFormat::Rgb, PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::I420];

/// Pure red, in each layout; BT.601 limited: Y 81, U 90, V 240.
fn red(format: PixelFormat, pixels: usize) -> Vec<u8> {
    match format {
        PixelFormat::Bgra => [0, 0, 255, 0].repeat(pixels),
        PixelFormat::Rgba => [255, 0, 0, 0].repeat(pixels),
        PixelFormat::Rgb => [255, 0, 0].repeat(pixels),
        PixelFormat::Yuyv => [81, 90, 81, 240].repeat(pixels / 2),
        PixelFormat::Nv12 => [vec![81; pixels], [90, 240].repeat(pixels / 4)].concat(),
        PixelFormat::I420 => [vec![81; pixels], vec![90; pixels / 4], vec![240; pixels / 4]].concat(),
    }
}

const fn stride(format: PixelFormat, width: usize) -> usize {
    match format {
        PixelFormat::Bgra | PixelFormat::Rgba => width * 4,
        PixelFormat::Rgb => width * 3,
        PixelFormat::Yuyv => width * 2,
        PixelFormat::Nv12 | PixelFormat::I420 => width,
    }
}

#[test]
fn red_is_red_in_every_layout() {
    let mut converter = Converter::new();
    for format in FORMATS {
        let data = red(format, 64 * 48);
        let raw = RawPicture { format, width: 64, height: 48, stride: stride(format, 64), data: &data };
        let picture = converter.convert(raw, MediaTime::ZERO).unwrap();
        let near = |plane: &[u8], value: u8| plane.iter().all(|p| p.abs_diff(value) <= 2);
        assert!(near(picture.y(), 81) && near(picture.u(), 90) && near(picture.v(), 240), "{format:?}");
    }
}

#[test]
fn padded_lines_and_odd_sides_are_cut() {
    let mut converter = Converter::new();
    // 5 x 3 in lines of 32 bytes, the last one short.
    let mut data = [[0, 0, 255, 0].repeat(5), vec![77; 12]].concat().repeat(3);
    data.truncate(data.len() - 12);
    let raw = RawPicture { format: PixelFormat::Bgra, width: 5, height: 3, stride: 32, data: &data };
    let picture = converter.convert(raw, MediaTime::ZERO).unwrap();
    assert_eq!(picture.size(), Size { width: 4, height: 2 });
    assert!(picture.y().iter().all(|p| p.abs_diff(81) <= 2));
}

#[test]
fn memory_is_used_again_once_nobody_looks() {
    let mut converter = Converter::new();
    let data = red(PixelFormat::I420, 64 * 48);
    let raw = RawPicture { format: PixelFormat::I420, width: 64, height: 48, stride: 64, data: &data };
    let first = converter.convert(raw, MediaTime::ZERO).unwrap();
    let held = converter.convert(raw, MediaTime::ZERO).unwrap();
    let place = first.data().as_ptr();
    assert_ne!(place, held.data().as_ptr());
    drop(first);
    assert_eq!(converter.convert(raw, MediaTime::ZERO).unwrap().data().as_ptr(), place);
}

proptest! {
    #[test]
    fn any_description_is_converted_or_refused(
        format in 0_usize..6, width in 0_u32..70, height in 0_u32..50, stride in 0_usize..400, len in 0_usize..20_000,
    ) {
        let data = vec![7; len];
        let raw = RawPicture { format: FORMATS[format], width, height, stride, data: &data };
        if let Ok(picture) = Converter::new().convert(raw, MediaTime::ZERO) {
            prop_assert_eq!(Some(picture.size()), Size::even(width, height));
        }
    }
}
