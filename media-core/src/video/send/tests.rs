//! When a picture is sent, and when not.

use protocol::policy::{Gate, Grants};

use super::*;
use crate::testing::{TestCard, TextScreen};

const SIZE: Size = Size { width: 320, height: 180 };

fn at(ms: u64) -> MediaTime {
    MediaTime::from_micros(5_000_000 + ms * 1000)
}

fn allowed() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

fn sender(permit: ShowPermit) -> VideoSender {
    let limits = VideoLimits { size: SIZE, fps: 30, bitrate: Bitrate::kbps(600) };
    VideoSender::new(permit, Sealing::Plain, limits, 1).unwrap()
}

#[test]
fn a_revoked_camera_sends_not_one_picture_more() {
    let mut gate = allowed();
    let mut sender = sender(ShowPermit::Camera(gate.permit().unwrap()));
    let mut card = TestCard::new(SIZE);
    assert!(sender.send(&card.paint(1, at(0)), at(0)).unwrap().is_some());
    gate.set(Grants::NONE);
    assert_eq!(sender.send(&card.paint(2, at(40)), at(40)), Err(SendPicture::Revoked));
    assert_eq!(sender.idle(at(500)), Err(SendPicture::Revoked));
}

#[test]
fn a_still_screen_grows_sharp_and_then_costs_nothing() {
    let gate = allowed();
    let mut sender = sender(ShowPermit::Screen(gate.permit().unwrap()));
    let picture = TextScreen::new(SIZE).paint(1, at(0));
    let mut sent = Vec::new();
    for n in 0..600_u64 {
        if sender.send(&picture, at(n * 33)).unwrap().is_some() {
            sent.push(n * 33);
        }
    }
    assert!(sent.len() <= 1 + REFINEMENTS as usize, "{sent:?}");
    assert!(sent.iter().all(|ms| *ms < 3000), "{sent:?}");
    assert!(sender.unchanged() > 500);
}

#[test]
fn a_still_screen_still_answers_a_key_frame_request() {
    let gate = allowed();
    let mut sender = sender(ShowPermit::Screen(gate.permit().unwrap()));
    let picture = TextScreen::new(SIZE).paint(1, at(0));
    for n in 0..200 {
        sender.send(&picture, at(n * 33)).unwrap();
    }
    sender.request_key_frame();
    let sent = sender.idle(at(10_000)).unwrap().unwrap();
    assert!(sent.clear.key && sent.sealed.key);
    assert_eq!(sender.idle(at(10_033)), Ok(None));
}

#[test]
fn key_frames_are_throttled() {
    let gate = allowed();
    let mut sender = sender(ShowPermit::Camera(gate.permit().unwrap()));
    let mut card = TestCard::new(SIZE);
    let mut keys = 0;
    for n in 0..60 {
        sender.request_key_frame();
        let sent = sender.send(&card.paint(n, at(0)), at(u64::from(n) * 33)).unwrap();
        keys += u32::from(sent.is_some_and(|s| s.clear.key));
    }
    assert!((3..=4).contains(&keys), "{keys} key frames in two seconds of begging");
}

#[test]
fn large_pictures_are_made_smaller_and_fast_ones_fewer() {
    let gate = allowed();
    let mut sender = sender(ShowPermit::Camera(gate.permit().unwrap()));
    let mut card = TestCard::new(Size { width: 1280, height: 960 });
    let mut sent = 0;
    for n in 0..100_u16 {
        if let Some(frame) = sender.send(&card.paint(n, at(0)), at(u64::from(n) * 8)).unwrap() {
            assert_eq!(frame.size, Size { width: 240, height: 180 });
            sent += 1;
        }
    }
    assert!(sent <= 34, "{sent} in 0.8 s at 30 a second");
}
