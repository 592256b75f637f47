//! The text codec from end to end: exact, cheap, and unmoved by what is broken.

use super::*;
use crate::frame::Picture;
use crate::testing::{Seeded, TextScreen};
use crate::time::MediaTime;
use crate::video::screen::simplify::planes;

const SIZE: Size = Size { width: 320, height: 180 };

fn page(counter: u16) -> Picture {
    TextScreen::new(SIZE).paint(counter, MediaTime::ZERO)
}

/// Everything the writer has to say about a picture, read; answers its bytes and frames.
fn tell(writer: &mut TextWriter, reader: &mut TextReader, picture: &Picture, budget: usize) -> (usize, usize) {
    let (mut bytes, mut frames) = (0, 0);
    while let Some(frame) = writer.write(planes(picture.size(), picture.data()), budget) {
        bytes += frame.data.len();
        frames += 1;
        let page = reader.read(&frame.data).expect("it is understood");
        let mut out = vec![0; picture.data().len()];
        page.copy_to(&mut out);
        assert_eq!(out == picture.data()[..], frame.whole, "whole when it says so, and not before");
        assert!(frames < 1000, "it comes to an end");
    }
    (bytes, frames)
}

fn with(picture: &Picture, change: impl FnOnce(&mut [u8])) -> Picture {
    let mut data = picture.data().to_vec();
    change(&mut data);
    Picture::new(picture.size(), data.into(), MediaTime::ZERO).unwrap()
}

#[test]
fn pictures_come_out_exactly_whatever_is_on_them() {
    let mut random = Seeded::new(1);
    for size in [Size { width: 2, height: 2 }, Size { width: 18, height: 34 }, Size { width: 130, height: 50 }, SIZE] {
        let (mut writer, mut reader) = (TextWriter::new(size), TextReader::default());
        let noise: Vec<u8> = (0..size.i420_len()).map(|_| random.bits() as u8).collect();
        let white = vec![235; size.i420_len()];
        for data in [&white, &noise, &noise, &white] {
            let picture = Picture::new(size, data.clone().into(), MediaTime::ZERO).unwrap();
            tell(&mut writer, &mut reader, &picture, 500);
        }
    }
}

#[test]
fn a_frame_is_about_as_long_as_was_asked_for() {
    let mut random = Seeded::new(5);
    let noise: Vec<u8> = (0..SIZE.i420_len()).map(|_| random.bits() as u8).collect();
    let noise = Picture::new(SIZE, noise.into(), MediaTime::ZERO).unwrap();
    for picture in [noise, page(1)] {
        let mut writer = TextWriter::new(SIZE);
        let mut frames = Vec::new();
        while let Some(frame) = writer.write(planes(SIZE, picture.data()), 6000) {
            frames.push(frame.data.len());
        }
        // A row of blocks, and a line of letters, are told whole.
        assert!(frames.iter().all(|length| *length < 16_000), "{frames:?}");
    }
}

#[test]
fn what_did_not_change_costs_nothing_and_a_word_little() {
    let (mut writer, mut reader) = (TextWriter::new(SIZE), TextReader::default());
    let first = page(1);
    let (whole, _) = tell(&mut writer, &mut reader, &first, 100_000);
    assert!(writer.write(planes(SIZE, first.data()), 1000).is_none());
    let word = with(&first, |data| (60..66).for_each(|y| data[y * 320 + 40..y * 320 + 60].fill(90)));
    let (bytes, frames) = tell(&mut writer, &mut reader, &word, 100_000);
    assert!(bytes < 120 && frames == 1, "{bytes} bytes of {whole}");
}

#[test]
fn letters_that_came_before_are_only_named() {
    let (mut writer, mut reader) = (TextWriter::new(SIZE), TextReader::default());
    let (first, _) = tell(&mut writer, &mut reader, &page(1), 100_000);
    tell(&mut writer, &mut reader, &page(7777), 100_000);
    let (again, _) = tell(&mut writer, &mut reader, &page(1), 100_000);
    assert!(again * 3 < first, "{again} bytes after {first}");
}

#[test]
fn what_scrolled_is_copied() {
    let (mut writer, mut reader) = (TextWriter::new(SIZE), TextReader::default());
    let tall = TextScreen::new(Size { width: 320, height: 240 }).paint(1, MediaTime::ZERO);
    let part = |top: usize| {
        let luma = tall.y()[top * 320..(top + 180) * 320].to_vec();
        let picture = Picture::new(SIZE, [luma, vec![128; 320 * 180 / 2]].concat().into(), MediaTime::ZERO);
        picture.unwrap()
    };
    let (first, _) = tell(&mut writer, &mut reader, &part(0), 100_000);
    for top in [7, 14, 3] {
        let (bytes, frames) = tell(&mut writer, &mut reader, &part(top), 2000);
        assert!(bytes * 4 < first && frames == 1, "{bytes} bytes after {first}");
    }
}

#[test]
fn a_picture_that_changes_while_it_is_told_is_right_in_the_end() {
    let (mut writer, mut reader) = (TextWriter::new(SIZE), TextReader::default());
    for counter in 0..40 {
        let picture = page(counter * 1001);
        if let Some(frame) = writer.write(planes(SIZE, picture.data()), 300) {
            reader.read(&frame.data).expect("it is understood");
        }
    }
    tell(&mut writer, &mut reader, &page(5), 300);
}

#[test]
fn who_missed_a_frame_says_so_until_a_key_frame_comes() {
    let (mut writer, mut reader) = (TextWriter::new(SIZE), TextReader::default());
    let frame = |writer: &mut TextWriter, counter| {
        writer.write(planes(SIZE, page(counter).data()), 100_000).expect("something changed").data
    };
    let (first, second, third) = (frame(&mut writer, 1), frame(&mut writer, 2), frame(&mut writer, 3));
    reader.read(&first).unwrap();
    assert_eq!(reader.read(&third).err(), Some(ReadText::Missing));
    assert_eq!(reader.read(&second).err(), Some(ReadText::Missing), "what it knew is gone");
    writer.restart();
    assert!(writer.is_new());
    let key = frame(&mut writer, 3);
    assert!(TextReader::is_key(&key));
    reader.read(&key).unwrap();
    assert!(TextReader::default().read(&second).is_err(), "a late joiner waits for one");
}

#[test]
fn bytes_from_outside_never_panic_and_take_no_memory_for_a_lie() {
    let mut writer = TextWriter::new(SIZE);
    let key = writer.write(planes(SIZE, page(1).data()), 100_000).unwrap().data;
    let next = writer.write(planes(SIZE, page(2).data()), 100_000).unwrap().data;
    for length in 0..HEAD + 40 {
        let _: bool = TextReader::default().read(&key[..length.min(key.len())]).is_ok();
    }
    let mut random = Seeded::new(3);
    for _ in 0..60 {
        let mut reader = TextReader::default();
        let mut broken = key.clone();
        for _ in 0..3 {
            let at = random.bits() as usize % broken.len();
            broken[at] = random.bits() as u8;
        }
        let _: bool = reader.read(&broken).is_ok();
        let mut broken = next.clone();
        let at = random.bits() as usize % broken.len();
        broken[at] ^= 1 << (random.bits() % 8);
        let _: bool = reader.read(&broken).is_ok();
    }
    let mut large = key.clone();
    large[4..8].fill(0xff);
    assert_eq!(TextReader::default().read(&large).err(), Some(ReadText::Size(0xffff, 0xffff)));
    let mut junk: Vec<u8> = (0..4000).map(|_| random.bits() as u8).collect();
    junk[..HEAD].copy_from_slice(&key[..HEAD]);
    let _: bool = TextReader::default().read(&junk).is_ok();
}
