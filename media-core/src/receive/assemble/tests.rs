//! Whole frames or none.

use proptest::prelude::*;

use super::*;
use crate::frame::SealedFrame;
use crate::rtp::Packetizer;

fn ms(n: u64) -> MediaTime {
    MediaTime::from_micros(n * 1000)
}

fn access_unit(n: u8, key: bool) -> Vec<u8> {
    let mut data = Vec::new();
    if key {
        data.extend_from_slice(&[0, 0, 0, 1, 0x67, 0x42, n | 1, 0, 0, 0, 1, 0x68, 0xCE]);
    }
    data.extend_from_slice(&[0, 0, 0, 1, if key { 0x65 } else { 0x41 }]);
    data.extend(std::iter::repeat_n(n | 1, 3000));
    data
}

fn stream(frames: u8) -> Vec<Packet> {
    let (mut packetizer, mut out) = (Packetizer::new(65_530), Vec::new());
    for n in 0..frames {
        let data = access_unit(n, n.is_multiple_of(5)).into();
        let frame = SealedFrame { codec: Codec::H264, rtp_time: u32::from(n) * 3000, key: false, level: None, data };
        packetizer.pack(&frame, &mut out).unwrap();
    }
    out
}

fn run(packets: &[Packet]) -> Vec<Assembled> {
    let mut assembler = Assembler::new(Codec::H264);
    let mut out = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        assembler.insert(packet.clone(), ms(n as u64));
        out.extend(std::iter::from_fn(|| assembler.poll(ms(n as u64))));
    }
    out.extend(std::iter::from_fn(|| assembler.poll(ms(100_000))));
    out
}

fn times(out: &[Assembled]) -> Vec<Option<u32>> {
    out.iter()
        .map(|a| match a {
            Assembled::Frame { rtp_time, .. } => Some(rtp_time / 3000),
            Assembled::Broken => None,
        })
        .collect()
}

#[test]
fn frames_come_out_whole_and_in_order() {
    let mut packets = stream(10);
    packets.swap(2, 3);
    packets.swap(7, 9);
    let out = run(&packets);
    assert_eq!(times(&out), (0..10).map(Some).collect::<Vec<_>>());
    let Assembled::Frame { data, .. } = &out[5] else { panic!() };
    assert_eq!(&data[..], access_unit(5, true));
}

#[test]
fn a_frame_with_a_hole_never_comes_out() {
    let packets = stream(10);
    for lost in 0..packets.len() {
        let mut some = packets.clone();
        some.remove(lost);
        for assembled in run(&some) {
            if let Assembled::Frame { rtp_time, data } = assembled {
                let n = (rtp_time / 3000) as u8;
                assert_eq!(&data[..], access_unit(n, n.is_multiple_of(5)), "packet {lost} was lost");
            }
        }
    }
}

#[test]
fn a_key_frame_right_after_a_loss_is_not_thrown_away() {
    let packets = stream(6);
    let key_begins = packets.iter().position(|p| p.rtp_time == 5 * 3000).unwrap();
    let mut some = packets;
    some.remove(key_begins - 1);
    assert_eq!(times(&run(&some)).last(), Some(&Some(5)));
}

#[test]
fn a_frame_without_end_is_dropped_at_its_limit() {
    let mut assembler = Assembler::new(Codec::H264);
    let mut broken = 0;
    for n in 0..8000_u32 {
        let head = if n == 0 { vec![0x67, 1] } else { vec![0x7C, if n == 1 { 0x85 } else { 0x05 }] };
        let payload = [head, vec![9; 1000]].concat().into();
        assembler.insert(Packet { sequence: n as u16, rtp_time: 0, marker: false, level: None, payload }, ms(0));
        while let Some(out) = assembler.poll(ms(0)) {
            assert_eq!(out, Assembled::Broken);
            broken += 1;
        }
        assert!(assembler.frame.capacity() <= 2 * MAX_FRAME);
    }
    assert_eq!(broken, 1);
}

proptest! {
    #[test]
    fn any_packets_are_survived(
        packets in proptest::collection::vec((0_u16..200, 0_u32..5, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..300),
        vp8 in any::<bool>(),
    ) {
        let mut assembler = Assembler::new(if vp8 { Codec::Vp8 } else { Codec::H264 });
        for (n, (sequence, rtp_time, marker, payload)) in packets.into_iter().enumerate() {
            assembler.insert(Packet { sequence, rtp_time, marker, level: None, payload: payload.into() }, ms(n as u64 * 10));
            while let Some(out) = assembler.poll(ms(n as u64 * 10)) {
                if let Assembled::Frame { data, .. } = out {
                    prop_assert!(!data.is_empty() && data.len() <= MAX_FRAME);
                }
            }
        }
    }
}
