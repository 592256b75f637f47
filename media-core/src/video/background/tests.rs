//! A drawn person before a room with stripes: what the network says of them, what is blurred and what is not.

use bytes::Bytes;

use super::*;

const PERSON: &[u8] = include_bytes!("tests/person.i420");
/// What TensorFlow Lite says of that person.
const TOLD: &[u8] = include_bytes!("tests/person.mask");
/// Steps of 255 in which both may differ: half of one is rounding.
const TOLERANCE: f32 = 1.0;

fn at(millis: u64) -> MediaTime {
    MediaTime::from_micros(millis * 1000)
}

fn size(width: u32, height: u32) -> Size {
    Size::even(width, height).unwrap()
}

fn picture(size: Size, data: Vec<u8>, millis: u64) -> Picture {
    Picture::new(size, Bytes::from(data), at(millis)).unwrap()
}

/// The drawn person at any size.
fn person(size: Size, millis: u64) -> Picture {
    let (w, h) = (size.width as usize, size.height as usize);
    let luma = WIDTH * HEIGHT;
    let planes = [(w, h, 0, 1), (w / 2, h / 2, luma, 2), (w / 2, h / 2, luma * 5 / 4, 2)];
    let mut data = Vec::new();
    for (w, h, start, part) in planes {
        let (wide, high) = (WIDTH / part, HEIGHT / part);
        data.extend((0..w * h).map(|n| PERSON[start + (n / w) * high / h * wide + (n % w) * wide / w]));
    }
    picture(size, data, millis)
}

/// A wall of tiles, in which the network finds nobody.
fn room(size: Size, millis: u64) -> Picture {
    let (w, h) = (size.width as usize, size.height as usize);
    let tile = |n: usize| n % w * 32 / w + n / w * 18 / h;
    let mut data: Vec<u8> = (0..w * h).map(|n| if tile(n).is_multiple_of(2) { 90 } else { 180 }).collect();
    data.resize(size.i420_len(), 128);
    picture(size, data, millis)
}

/// The largest step between neighbours of a line, in a part of the picture given in parts of 256 and 144.
fn steepest(picture: &Picture, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> u8 {
    let (w, h) = (picture.size().width as usize, picture.size().height as usize);
    let lines = picture.y().chunks_exact(w).take(bottom * h / HEIGHT).skip(top * h / HEIGHT);
    let steps = lines.flat_map(|line| line[left * w / WIDTH..right * w / WIDTH].array_windows());
    steps.map(|[a, b]| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn the_network_says_what_tensorflow_lite_says() {
    for cpu in [Cpu::new(), Cpu::plain()] {
        let mut mask = Mask::new(network::FILE, cpu).unwrap();
        mask.look(&person(size(256, 144), 0));
        let worst = mask.said().iter().zip(TOLD).map(|(ours, told)| (ours * 255.0 - f32::from(*told)).abs());
        let worst = worst.fold(0.0, f32::max);
        assert!(worst <= TOLERANCE, "off by {worst} of 255, {cpu:?}");
        let sure = mask.said().iter().filter(|said| **said > 0.9).count();
        assert!(sure > 7000, "the fixture shows a person: {sure} pixels");
    }
}

#[test]
fn a_damaged_network_is_refused_or_harmless() {
    for len in (0..network::FILE.len()).step_by(997).chain(0..2000) {
        assert!(Background::of(&network::FILE[..len]).is_err(), "cut at {len}");
    }
    let mut longer = network::FILE.to_vec();
    longer.push(0);
    assert!(Background::of(&longer).is_err(), "something behind the end");
    let mut harmless = 0;
    for byte in 0..5600 {
        let mut other = network::FILE.to_vec();
        other[byte] ^= 1 << (byte % 8);
        if let Some(mut mask) = Mask::new(&other, Cpu::new()) {
            harmless += 1;
            if harmless % 16 == 0 {
                mask.look(&person(size(64, 36), 0));
            }
        }
    }
    assert!(harmless < 1500, "most numbers of the plan are bound to others: {harmless} of 5600");
}

#[test]
fn the_background_is_blurred_and_the_person_is_not() {
    for size in [size(256, 144), size(640, 480), size(1280, 720), size(1282, 722)] {
        let mut background = Background::new().unwrap();
        let before = person(size, 0);
        let after = background.blur(&before).unwrap();
        assert_eq!((after.size(), after.at), (size, before.at));
        assert!(steepest(&before, (4, 64), (8, 100)) > 60, "there are stripes");
        let left = steepest(&after, (4, 64), (8, 100));
        assert!(left <= 6, "stripes of {size:?} are left: {left}");
        let (w, h) = (size.width as usize, size.height as usize);
        let face = |picture: &Picture| -> Vec<u8> {
            let lines = picture.y().chunks_exact(w).take(80 * h / HEIGHT).skip(50 * h / HEIGHT);
            lines.flat_map(|line| &line[118 * w / WIDTH..138 * w / WIDTH]).copied().collect()
        };
        let (was, is) = (face(&before), face(&after));
        let off = was.iter().zip(&is).map(|(was, is)| was.abs_diff(*is)).max().unwrap();
        let touched = was.iter().zip(&is).filter(|(was, is)| was != is).count();
        assert!(off <= 4 && touched * 200 <= was.len(), "the face of {size:?} is as it was: {touched} pixels by {off}");
    }
}

#[test]
fn where_nobody_is_all_is_blurred() {
    let mut background = Background::new().unwrap();
    let after = background.blur(&room(size(640, 360), 0)).unwrap();
    let left = steepest(&after, (0, 256), (0, 144));
    assert!(left <= 6, "something of the room is seen: {left}");
}

#[test]
fn no_shine_of_the_person_lies_around_them() {
    let mut background = Background::new().unwrap();
    let after = background.blur(&person(size(1280, 720), 0)).unwrap();
    // Between ear and stripes: as bright as the mean of the stripes, although dark hair is near.
    let beside = after.y()[40 * 5 * 1280 + 70 * 5];
    let far = after.y()[40 * 5 * 1280 + 30 * 5];
    assert!(beside.abs_diff(far) < 16, "{beside} beside the head, {far} far from it");
}

#[test]
fn who_leaves_is_believed_at_the_next_look() {
    let size = size(640, 360);
    let mut background = Background::new().unwrap();
    background.blur(&person(size, 0)).unwrap();
    background.blur(&room(size, 33)).unwrap();
    let after = background.blur(&room(size, 66)).unwrap();
    let left = steepest(&after, (0, 256), (0, 144));
    assert!(left <= 12, "the room where the person was is seen for two pictures at most: {left}");
}

#[test]
fn every_size_is_taken_and_a_new_one_is_looked_at_anew() {
    let mut background = Background::new().unwrap();
    let sizes = [(2, 2), (2, 240), (240, 2), (36, 64), (1080, 1920), (1920, 400), (640, 360), (642, 362), (4, 4)];
    for (n, (width, height)) in sizes.into_iter().enumerate() {
        let size = size(width, height);
        // Times that go back as well.
        let after = background.blur(&person(size, 1000 - 7 * n as u64)).unwrap();
        assert_eq!(after.size(), size);
    }
}

#[test]
fn memory_is_used_again() {
    let mut background = Background::new().unwrap();
    let mut places = std::collections::BTreeSet::new();
    for n in 0..20 {
        places.insert(background.blur(&person(size(640, 360), n * 33)).unwrap().y().as_ptr());
    }
    assert!(places.len() <= 2, "{} places for pictures nobody holds", places.len());
}
