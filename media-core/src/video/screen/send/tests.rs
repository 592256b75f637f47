//! When a screen is text and when a film, and what others see meanwhile.

use bytes::Bytes;
use protocol::policy::{Gate, Grants, Screen};

use super::*;
use crate::frame::EncodedFrame;
use crate::testing::{Seeded, TextScreen, psnr, ssim};
use crate::video::screen::receive::{ScreenReader, Screened};

const SIZE: Size = Size { width: 640, height: 360 };

struct Show {
    gate: Gate,
    sender: ScreenSender,
    reader: ScreenReader,
    now: MediaTime,
    bytes: usize,
    frames: Vec<EncodedFrame>,
}

impl Show {
    fn new() -> Self {
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let permit = ShowPermit::Screen(gate.permit::<Screen>().unwrap());
        let limits = VideoLimits { size: SIZE, fps: 30, bitrate: Bitrate::kbps(1500) };
        let sender = ScreenSender::new(permit, Sealing::Plain, limits, 7).unwrap();
        let (reader, frames) = (ScreenReader::new(), Vec::new());
        Self { gate, sender, reader, now: MediaTime::ZERO, bytes: 0, frames }
    }

    /// Shows a picture once, then nothing changes for so long; answers what was sent, text or not.
    fn show(&mut self, picture: Option<&Picture>, time: Duration) -> Vec<bool> {
        let end = self.now + time;
        let mut sent = Vec::new();
        let mut picture = picture;
        while end.since(self.now) > Duration::ZERO {
            let made = match picture.take() {
                Some(picture) => self.sender.send(picture, self.now),
                None => self.sender.idle(self.now),
            };
            if let Some(made) = made.expect("nothing fails") {
                self.bytes += made.frame.sealed.data.len();
                sent.push(made.is_text);
                self.frames.push(made.frame.clear);
            }
            self.now = self.now + self.sender.patience(self.now);
        }
        sent
    }

    /// What the reader sees in the end.
    fn read(&mut self) -> Option<Picture> {
        for frame in self.frames.drain(..) {
            self.reader.take(&frame).expect("it is understood");
        }
        self.reader.picture(MediaTime::ZERO)
    }
}

fn text(counter: u16) -> Picture {
    TextScreen::new(SIZE).paint(counter, MediaTime::ZERO)
}

fn noise(seed: u64) -> Picture {
    let mut random = Seeded::new(seed);
    let data: Vec<u8> = (0..SIZE.i420_len()).map(|_| 100 + (random.bits() & 31) as u8).collect();
    Picture::new(SIZE, Bytes::from(data), MediaTime::ZERO).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn text_is_sharp_at_once_and_a_still_screen_sends_nothing() {
    let mut show = Show::new();
    show.sender.set_all_read(true);
    let sent = show.show(Some(&text(1)), SECOND);
    assert!(!sent.is_empty() && sent.iter().all(|text| *text), "{sent:?}");
    let seen = show.read().expect("a picture");
    assert!(psnr(&seen, &text(1)).unwrap() > 42.0 && ssim(&seen, &text(1)).unwrap() > 0.99);
    assert!(show.show(Some(&text(1)), 20 * SECOND).is_empty());
    assert_eq!(show.sender.unchanged(), 1);
}

#[test]
fn other_clients_get_h264_and_ours_text_again_when_they_are_gone() {
    let mut show = Show::new();
    let sent = show.show(Some(&text(1)), SECOND);
    assert!(!sent.is_empty() && sent.iter().all(|text| !text), "nobody said yet that they read text");
    assert!(show.frames[0].key);
    show.sender.set_all_read(true);
    show.frames.clear();
    let sent = show.show(None, SECOND);
    assert!(sent.iter().all(|text| *text) && show.frames[0].key, "{sent:?}");
    assert!(show.read().is_some());
    show.sender.set_all_read(false);
    let sent = show.show(None, SECOND);
    assert!(!sent.is_empty() && sent.iter().all(|text| !text));
    assert!(show.frames[0].key, "their decoders never saw a picture");
}

#[test]
fn a_film_is_sent_as_a_film_and_what_remains_of_it_as_it_is() {
    let mut show = Show::new();
    show.sender.set_all_read(true);
    show.show(Some(&text(1)), SECOND);
    let mut kinds = Vec::new();
    for seed in 0..60 {
        kinds.extend(show.show(Some(&noise(seed)), Duration::from_millis(33)));
    }
    assert!(!kinds.last().unwrap(), "text was too slow");
    let sent = show.show(Some(&text(2)), 2 * SECOND);
    assert!(*sent.last().unwrap(), "it is text again: {sent:?}");
    let seen = show.read().unwrap();
    assert!(ssim(&seen, &text(2)).unwrap() > 0.99);
}

#[test]
fn a_late_joiner_gets_everything_and_what_others_see_stays_until_it_is_there() {
    let mut show = Show::new();
    show.sender.set_all_read(true);
    show.show(Some(&text(1)), SECOND);
    show.read();
    show.sender.request_key_frame();
    show.show(None, SECOND);
    let mut late = ScreenReader::new();
    let mut waiting = 0;
    for frame in &show.frames {
        late.take(frame).expect("it begins with a key frame");
        waiting += usize::from(matches!(show.reader.take(frame), Ok(Screened::Waiting)));
    }
    assert!(waiting > 0 && waiting == show.frames.len() - 1, "{waiting} of {}", show.frames.len());
    let (late, other) = (late.picture(MediaTime::ZERO).unwrap(), show.reader.picture(MediaTime::ZERO).unwrap());
    assert_eq!(late.data(), other.data());
    assert!(ssim(&late, &text(1)).unwrap() > 0.99);
}

#[test]
fn the_link_is_never_given_more_than_it_takes() {
    let mut show = Show::new();
    show.sender.set_all_read(true);
    for counter in 0..30 {
        show.show(Some(&text(counter * 997)), Duration::from_millis(100));
    }
    let most = 1_500_000.0 / 8.0 * 3.0 + BURST + 2.0 * FRAME as f64;
    assert!((show.bytes as f64) < most, "{} bytes of at most {most}", show.bytes);
}

#[test]
fn frames_of_one_moment_have_times_of_their_own() {
    let mut show = Show::new();
    show.sender.set_all_read(true);
    let mut times = Vec::new();
    for (counter, picture) in [text(1), text(9999)].iter().enumerate() {
        let now = MediaTime::ZERO;
        let sent = show.sender.send(picture, now).unwrap();
        times.extend(sent.map(|sent| sent.frame.sealed.rtp_time));
        assert_eq!(times.len(), counter + 1, "there is room for two");
    }
    assert_ne!(times[0], times[1]);
}

#[test]
fn a_revoked_right_stops_the_next_frame() {
    let mut show = Show::new();
    show.sender.set_all_read(true);
    show.show(Some(&text(1)), SECOND);
    show.gate.set(Grants::NONE);
    assert_eq!(show.sender.idle(show.now), Err(SendPicture::Revoked));
    assert!(show.sender.shown().is_none(), "nothing of it is kept");
}
