//! A shared screen whose resolution changes, or a window that is resized: who looks on sees the new size at once, as text
//! and as a film, without asking for anything.
#![expect(clippy::unwrap_used, reason = "a test: what is made here is right, or the test fails")]

use std::time::Duration;

use media_core::e2ee::Sealing;
use media_core::frame::{Picture, Size};
use media_core::time::{Bitrate, MediaTime};
use media_core::video::codec::Decoder as _;
use media_core::video::h264::Decoder;
use media_core::video::screen::receive::{ScreenReader, Screened};
use media_core::video::screen::send::ScreenSender;
use media_core::video::send::{ShowPermit, VideoLimits};
use protocol::policy::{Gate, Grants};

const LIMITS: VideoLimits =
    VideoLimits { size: Size { width: 1920, height: 1080 }, fps: 30, bitrate: Bitrate::kbps(2500) };
const SIZES: [Size; 4] = [
    Size { width: 640, height: 480 },
    Size { width: 400, height: 300 },
    Size { width: 802, height: 602 },
    Size { width: 640, height: 480 },
];

/// Lines of boxes, other ones for each size.
fn page(size: Size) -> Picture {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut data = vec![128; size.i420_len()];
    for (y, line) in data[..width * height].chunks_exact_mut(width).enumerate() {
        for (x, luma) in line.iter_mut().enumerate() {
            *luma = if (y / 8) % 2 == 0 && (x / (3 + width % 7)) % 2 == 0 { 30 } else { 220 };
        }
    }
    Picture::new(size, data.into(), MediaTime::ZERO).unwrap()
}

/// Shows a page of each size for two seconds; how large what was seen last of each is.
fn show(all_read: bool) -> Vec<Option<Size>> {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let permit = ShowPermit::Screen(gate.permit().unwrap());
    let mut sender = ScreenSender::new(permit, Sealing::Plain, LIMITS, 7).unwrap();
    sender.set_all_read(all_read);
    let (mut reader, mut decoder) = (ScreenReader::new(), Decoder::new().unwrap());
    let mut now = MediaTime::ZERO;
    let mut seen = Vec::new();
    for size in SIZES {
        let (picture, end, mut last) = (page(size), now + Duration::from_secs(2), None);
        let mut made = sender.send(&picture, now).unwrap();
        while end.since(now) > Duration::ZERO {
            if let Some(frame) = made.take() {
                let frame = frame.frame.clear;
                last = match reader.take(&frame).unwrap() {
                    Screened::Picture(size) => Some(size),
                    Screened::Video => decoder.decode(&frame, now).unwrap().map(|p| p.size()),
                    Screened::Waiting => last,
                };
            }
            now = now + sender.patience(now);
            made = sender.idle(now).unwrap();
        }
        if let Some(read) = reader.picture(now).filter(|_| all_read) {
            let off: u32 = read.y().iter().zip(picture.y()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            assert!(off < size.width * size.height, "it is that page, not another one of this size");
        }
        seen.push(last);
    }
    seen
}

#[test]
fn text_of_another_size_is_read_at_once() {
    assert_eq!(show(true), SIZES.map(Some));
}

#[test]
fn a_film_of_another_size_is_decoded_at_once() {
    assert_eq!(show(false), SIZES.map(Some));
}
