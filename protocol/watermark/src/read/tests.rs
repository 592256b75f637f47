//! Marks survive what happens to pictures, and pictures without one are never believed to have one.

use proptest::prelude::*;
use protocol::ids::{RoomId, UserId};
use protocol::pii::Secret;

use super::*;
use crate::tile::Tile;

const SIZE: (usize, usize) = (1280, 720);

fn key(host: u8) -> Key {
    Key::of_room(&Secret::new([host; 32]), &RoomId::parse("room").unwrap())
}

/// The next of a row of numbers that look random, 0.0 to 1.0.
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1_u64 << 24) as f32
}

/// Lines of strokes on a ground, as text looks from afar.
fn page(ground: u8, ink: u8, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut out = vec![ground; SIZE.0 * SIZE.1];
    for line in 0..SIZE.1 / 24 {
        for stroke in 0..SIZE.0 / 5 {
            let (top, tall) = (line * 24 + 6, 4 + (random(&mut state) * 10.0) as usize);
            if random(&mut state) < 0.6 {
                for y in top..(top + tall).min(SIZE.1) {
                    out[y * SIZE.0 + stroke * 5..][..2].fill(ink);
                }
            }
        }
    }
    out
}

fn marked(mut page: Vec<u8>, key: &Key, viewer: &str) -> Grey {
    let tile = Tile::draw(&key.cells(key.viewer(&UserId::parse(viewer).unwrap())));
    for (n, pixel) in page.iter_mut().enumerate() {
        *pixel = tile.blend(n % SIZE.0, n / SIZE.0, *pixel);
    }
    Grey::new(SIZE.0, SIZE.1, page).unwrap()
}

/// The picture seen through a map from its pixels to those of `picture`, between pixels as far as they are near.
fn seen(picture: &Grey, size: (usize, usize), at: impl Fn(f32, f32) -> (f32, f32)) -> Grey {
    let pixel = |x: usize, y: usize| {
        f32::from(picture.pixels[y.min(picture.height - 1) * picture.width + x.min(picture.width - 1)])
    };
    let pixels = (0..size.0 * size.1).map(|n| {
        let (x, y) = at((n % size.0) as f32, (n / size.0) as f32);
        let (x, y) = (x.max(0.0), y.max(0.0));
        let (left, top, right, below) = (x as usize, y as usize, x.fract(), y.fract());
        let upper = pixel(left, top) * (1.0 - right) + pixel(left + 1, top) * right;
        let lower = pixel(left, top + 1) * (1.0 - right) + pixel(left + 1, top + 1) * right;
        (upper * (1.0 - below) + lower * below).round() as u8
    });
    Grey::new(size.0, size.1, pixels.collect()).unwrap()
}

/// Who is read.
fn who(picture: &Grey, key: &Key) -> Option<ViewerMark> {
    read(picture, key).map(|found| found.viewer)
}

#[test]
fn a_viewer_is_read_from_light_dark_and_empty_pages() {
    let key = key(1);
    let hana = key.viewer(&UserId::parse("hana").unwrap());
    for (ground, ink) in [(255, 20), (30, 200), (255, 255), (0, 0), (128, 128)] {
        assert_eq!(who(&marked(page(ground, ink, 1), &key, "hana"), &key), Some(hana), "ink {ink} on {ground}");
    }
}

#[test]
fn a_mark_survives_scaling_cropping_and_turning() {
    let key = key(1);
    let hana = key.viewer(&UserId::parse("hana").unwrap());
    let whole = marked(page(255, 20, 2), &key, "hana");
    for scale in [0.5_f32, 0.77, 1.31, 1.5] {
        let size = ((SIZE.0 as f32 * scale) as usize, (SIZE.1 as f32 * scale) as usize);
        let scaled = seen(&whole, size, |x, y| ((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5));
        assert_eq!(who(&scaled, &key), Some(hana), "scaled to {scale}");
    }
    let cropped = seen(&whole, (SIZE.0 * 3 / 5, SIZE.1 * 3 / 5), |x, y| (x + 301.0, y + 77.0));
    assert_eq!(who(&cropped, &key), Some(hana), "cropped");
    let doubled = seen(&whole, (SIZE.0 * 2, SIZE.1 * 2), |x, y| ((x - 0.5) / 2.0, (y - 0.5) / 2.0));
    assert_eq!(who(&doubled, &key), Some(hana), "of a screen with two device pixels to one");
    let turned = seen(&whole, SIZE, |x, y| (x + 0.03 * (y - 360.0), y - 0.03 * (x - 640.0)));
    assert_eq!(who(&turned, &key), Some(hana), "turned");
    let tilted = seen(&whole, SIZE, |x, y| {
        let depth = 1.0 + 2e-5 * x - 3e-5 * y;
        ((x + 0.01 * y) / depth, y / depth)
    });
    assert_eq!(who(&tilted, &key), Some(hana), "tilted");
}

#[test]
fn another_key_reads_nothing() {
    let picture = marked(page(255, 20, 3), &key(1), "hana");
    assert_eq!(read(&picture, &key(2)), None);
}

#[test]
fn pictures_without_a_mark_name_nobody() {
    let key = key(1);
    for seed in 0..6 {
        let (ground, ink) = [(255, 0), (20, 180), (128, 128)][seed as usize % 3];
        let picture = Grey::new(SIZE.0, SIZE.1, page(ground, ink, seed)).unwrap();
        assert_eq!(read(&picture, &key), None, "seed {seed}");
    }
}

#[test]
fn sizes_that_are_no_picture_are_refused() {
    assert_eq!(Grey::new(127, 500, vec![0; 127 * 500]), Err(BadPicture::Size(127, 500)));
    assert_eq!(Grey::new(20_000, 500, Vec::new()), Err(BadPicture::Size(20_000, 500)));
    assert_eq!(Grey::new(200, 200, vec![0; 5]), Err(BadPicture::Pixels(5)));
    assert_eq!(Grey::from_channels(200, 200, &[0; 200 * 200 * 5]), Err(BadPicture::Pixels(200_000)));
    assert_eq!(Grey::from_channels(0, 0, &[]), Err(BadPicture::Pixels(0)));
    assert_eq!(Grey::from_channels(200, 200, &[10; 200 * 200 * 4]).unwrap().pixels[0], 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_picture_makes_it_panic_or_name_somebody(
        width in 128_usize..520, height in 128_usize..520, seed: u64, kind in 0..5, period in 1_usize..300,
    ) {
        let mut state = seed;
        let pixels = (0..width * height).map(|n| {
            let (x, y) = (n % width, n / width);
            match kind {
                0 => (random(&mut state) * 256.0) as u8,
                1 => (x * 256 / width) as u8,
                2 => if (x / period + y / period) % 2 == 0 { 255 } else { 0 },
                3 => seed as u8,
                _ => ((x % period * 7) ^ (y % period * 13)) as u8,
            }
        });
        let picture = Grey::new(width, height, pixels.collect()).unwrap();
        prop_assert_eq!(read(&picture, &key(seed as u8)), None);
    }
}
