//! Which layers are sent, how large, and when they begin with a key frame.

use protocol::policy::{Gate, Grants};

use super::super::codec::Decoder as _;
use super::super::h264::Decoder;
use super::super::layers::share;
use super::*;
use crate::testing::{TestCard, read_counter};

const HD: Size = Size { width: 1280, height: 720 };

fn at(ms: u64) -> MediaTime {
    MediaTime::from_micros(5_000_000 + ms * 1000)
}

struct Studio {
    gate: Gate,
    sender: CameraSender,
    card: TestCard,
    shown: u16,
}

impl Studio {
    fn new() -> Self {
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let sender = CameraSender::new(gate.permit().unwrap(), Sealing::Plain, 30, 1);
        Self { gate, sender, card: TestCard::new(HD), shown: 0 }
    }

    fn wants(&mut self, kbps: Option<u32>, wanted: [bool; LAYERS]) {
        self.sender.set_shares(share(kbps.map(Bitrate::kbps), wanted)).unwrap();
    }

    fn shoot(&mut self) -> Vec<LayerFrame> {
        self.shown += 1;
        let now = at(u64::from(self.shown) * 34);
        self.sender.send(&self.card.paint(self.shown, now), now).unwrap()
    }

    /// Frames of so many pictures, as (layer, key).
    fn shoot_some(&mut self, pictures: u16) -> Vec<(usize, bool)> {
        let frames = (0..pictures).flat_map(|_| self.shoot());
        frames.map(|frame| (frame.layer, frame.frame.clear.key)).collect()
    }
}

#[test]
fn only_what_is_wanted_is_encoded_and_what_is_new_begins_with_a_key_frame() {
    let mut studio = Studio::new();
    assert_eq!(studio.shoot_some(2), [], "nobody wants anything");
    studio.wants(None, [false, false, true]);
    let first = studio.shoot();
    assert_eq!(first.iter().map(|f| (f.layer, f.frame.clear.key, f.frame.size)).collect::<Vec<_>>(), [(2, true, HD)]);
    studio.wants(None, [true, false, true]);
    let both: Vec<_> = studio.shoot().iter().map(|f| (f.layer, f.frame.clear.key)).collect();
    assert_eq!(both, [(2, false), (0, true)], "the one that runs is not disturbed");
    studio.wants(None, [false, true, false]);
    assert_eq!(studio.shoot_some(1), [(1, true)]);
}

#[test]
fn every_layer_decodes_to_the_same_moment() {
    let mut studio = Studio::new();
    studio.wants(None, [true; LAYERS]);
    let frames = studio.shoot();
    assert_eq!(frames.len(), LAYERS);
    for LayerFrame { layer, frame } in frames {
        let mut decoder = Decoder::new().unwrap();
        let picture = decoder.decode(&frame.clear, at(0)).unwrap().unwrap();
        assert_eq!(picture.size(), size_of(layer, HD));
        assert_eq!(frame.sealed.rtp_time, frame.clear.rtp_time);
        if layer == 2 {
            assert_eq!(read_counter(&picture), Some(1));
        }
    }
}

#[test]
fn key_frames_come_when_asked_for_and_not_too_often() {
    let mut studio = Studio::new();
    studio.wants(None, [true, false, true]);
    studio.shoot_some(20);
    studio.sender.request_key_frame(0);
    let next = studio.shoot_some(1);
    assert!(next.contains(&(0, true)) && !next.contains(&(2, true)), "{next:?}");
    studio.sender.request_key_frame(0);
    let soon = studio.shoot_some(4);
    assert!(!soon.contains(&(0, true)), "a third of a second has not passed: {soon:?}");
    let later = studio.shoot_some(6);
    assert_eq!(later.iter().filter(|frame| **frame == (0, true)).count(), 1, "{later:?}");
}

#[test]
fn a_narrow_link_makes_smaller_pictures_without_a_key_frame_for_every_change_of_rate() {
    let mut studio = Studio::new();
    studio.wants(None, [false, false, true]);
    studio.shoot_some(10);
    for kbps in [1600, 1200, 1000, 800, 700] {
        studio.wants(Some(kbps), [false, false, true]);
        let frames = studio.shoot_some(5);
        assert!(frames.iter().all(|(_, key)| !key), "{kbps}: {frames:?}");
    }
    studio.wants(Some(300), [false, false, true]);
    let small = (0..10).flat_map(|_| studio.shoot()).last().unwrap();
    assert!(small.frame.size.width < HD.width, "{:?}", small.frame.size);
}

#[test]
fn a_revoked_camera_sends_not_one_picture_more() {
    let mut studio = Studio::new();
    studio.wants(None, [true; LAYERS]);
    assert!(!studio.shoot().is_empty());
    studio.gate.set(Grants::NONE);
    let picture = studio.card.paint(9, at(900));
    assert_eq!(studio.sender.send(&picture, at(900)), Err(SendPicture::Revoked));
}
