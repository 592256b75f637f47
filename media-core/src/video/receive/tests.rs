//! The whole way of a picture in virtual time: encode, seal, pack, lose, assemble, open, decode.

use bytes::Bytes;
use protocol::policy::{Gate, Grants};

use super::super::codec::Decoder as _;
use super::super::h264::Decoder;
use super::super::send::{ShowPermit, VideoLimits, VideoSender};
use super::*;
use crate::e2ee::{FrameKey, KeyRing, Opener, Sealer, Sealing};
use crate::frame::{SealedFrame, Size};
use crate::rtp::Packetizer;
use crate::testing::{LossyNetwork, TestCard, Weather, psnr, read_counter};
use crate::time::Bitrate;

fn keys(n: u8) -> KeyRing {
    KeyRing::with(FrameKey::from_bytes(&[n; 16]).unwrap())
}

fn opening(n: u8) -> Opening {
    Opening::Sealed(Opener::new(keys(n), Bytes::new()))
}

fn at(ms: u64) -> MediaTime {
    MediaTime::from_micros(5_000_000 + ms * 1000)
}

fn allowed() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

fn sender(gate: &Gate, sealing: Sealing) -> VideoSender {
    let limits = VideoLimits { size: Size { width: 320, height: 180 }, fps: 30, bitrate: Bitrate::kbps(600) };
    VideoSender::new(ShowPermit::Camera(gate.permit().unwrap()), sealing, limits, 1).unwrap()
}

#[test]
fn pictures_survive_a_lossy_network() {
    let gate = allowed();
    let mut sender = sender(&gate, Sealing::Sealed(Sealer::new(keys(1)).unwrap()));
    let mut receiver = VideoReceiver::new(Codec::H264, opening(1));
    let weather = Weather {
        loss: 0.02,
        burst: 1.5,
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(20),
        duplicate: 0.01,
        ..Weather::CLEAR
    };
    let mut network = LossyNetwork::new(3, weather);
    let (mut packetizer, mut card) = (Packetizer::new(9), TestCard::new(Size { width: 640, height: 360 }));
    let mut small = TestCard::new(Size { width: 320, height: 180 });
    let mut decoder = Decoder::new().unwrap();
    let (mut shown, mut asked, mut states) = (Vec::new(), 0, Vec::new());
    for n in 0..300_u16 {
        let now = at(u64::from(n) * 33);
        if let Some(sent) = sender.send(&card.paint(n, now), now).unwrap() {
            assert_ne!(sent.clear.data, sent.sealed.data);
            let mut packets = Vec::new();
            packetizer.pack(&sent.sealed, &mut packets).unwrap();
            packets.into_iter().for_each(|p| network.send(p, now));
        }
        while let Some((when, packet)) = network.receive(now) {
            receiver.packet(packet, when);
        }
        receiver.tick(now);
        while let Some(out) = receiver.poll() {
            match out {
                VideoOutput::Frame(frame) => {
                    assert!(!shown.is_empty() || frame.key, "the first frame is a key frame");
                    if let Ok(Some(picture)) = decoder.decode(&frame, now) {
                        let counter = read_counter(&picture).expect("no damaged picture is ever shown");
                        assert!(psnr(&small.paint(counter, now), &picture).unwrap() > 22.0);
                        shown.push(counter);
                    }
                }
                VideoOutput::RequestKeyFrame => {
                    asked += 1;
                    sender.request_key_frame();
                }
                VideoOutput::State(state) => states.push(state),
            }
        }
    }
    assert!(shown.windows(2).all(|w| w[0] < w[1]), "in order");
    assert!(shown.len() > 120, "{} of 300 shown, {:?}", shown.len(), receiver.stats());
    assert!(asked > 0 && asked < 25, "{asked} key frames asked for in ten seconds");
    assert_eq!(states, [TrackState::Playing]);
    assert_eq!(receiver.stats().unopened, 0, "a loss is never taken for a wrong key");
}

fn one_frame(sealing: Sealing) -> Vec<Packet> {
    let gate = allowed();
    let mut card = TestCard::new(Size { width: 320, height: 180 });
    let sent = sender(&gate, sealing).send(&card.paint(1, at(0)), at(0)).unwrap().unwrap();
    let mut packets = Vec::new();
    Packetizer::new(0).pack(&sent.sealed, &mut packets).unwrap();
    packets
}

#[test]
fn a_wrong_key_and_plaintext_are_told_and_not_shown() {
    for (packets, opening, told) in [
        (one_frame(Sealing::Sealed(Sealer::new(keys(2)).unwrap())), opening(1), TrackState::WrongKey),
        (one_frame(Sealing::Plain), opening(1), TrackState::NotSealed),
        (one_frame(Sealing::Plain), Opening::Plain, TrackState::Playing),
    ] {
        let mut receiver = VideoReceiver::new(Codec::H264, opening);
        packets.into_iter().for_each(|p| receiver.packet(p, at(0)));
        let out: Vec<VideoOutput> = std::iter::from_fn(|| receiver.poll()).collect();
        assert!(out.contains(&VideoOutput::State(told)), "{out:?}");
        let shown = out.iter().any(|o| matches!(o, VideoOutput::Frame(_)));
        assert_eq!(shown, told == TrackState::Playing);
    }
}

#[test]
fn a_reader_that_fell_behind_starts_again_with_a_key_frame() {
    let mut receiver = VideoReceiver::new(Codec::Vp8, Opening::Plain);
    let mut packetizer = Packetizer::new(0);
    let mut push = |receiver: &mut VideoReceiver, n: u32, key: bool| {
        let data = vec![if key { 0x10 } else { 0x11 }; 50].into();
        let frame = SealedFrame { codec: Codec::Vp8, rtp_time: n * 3000, key, level: None, data };
        let mut packets = Vec::new();
        packetizer.pack(&frame, &mut packets).unwrap();
        packets.into_iter().for_each(|p| receiver.packet(p, at(u64::from(n) * 33)));
    };
    push(&mut receiver, 0, true);
    push(&mut receiver, 1, false);
    receiver.cut(at(40));
    push(&mut receiver, 2, false);
    push(&mut receiver, 3, true);
    push(&mut receiver, 4, false);
    let out: Vec<VideoOutput> = std::iter::from_fn(|| receiver.poll()).collect();
    let frames: Vec<(u32, bool)> = out
        .iter()
        .filter_map(|o| match o {
            VideoOutput::Frame(f) => Some((f.rtp_time / 3000, f.key)),
            VideoOutput::RequestKeyFrame | VideoOutput::State(_) => None,
        })
        .collect();
    assert_eq!(frames, [(3, true), (4, false)]);
    assert!(out.contains(&VideoOutput::RequestKeyFrame));
}

#[test]
fn a_silent_reader_is_bounded() {
    let mut receiver = VideoReceiver::new(Codec::Vp8, Opening::Plain);
    let mut packetizer = Packetizer::new(0);
    for n in 0..1000_u32 {
        let data = vec![0x10; 50].into();
        let frame = SealedFrame { codec: Codec::Vp8, rtp_time: n * 3000, key: true, level: None, data };
        let mut packets = Vec::new();
        packetizer.pack(&frame, &mut packets).unwrap();
        packets.into_iter().for_each(|p| receiver.packet(p, at(u64::from(n) * 33)));
        assert!(receiver.ready.len() <= 200, "{}", receiver.ready.len());
    }
}
