//! Packing and unpacking, by the letter of the RFCs and for any bytes.

use proptest::prelude::*;

use super::*;

fn frame(codec: Codec, data: Vec<u8>) -> SealedFrame {
    SealedFrame { codec, rtp_time: 7, key: true, level: None, data: data.into() }
}

fn pack(frame: &SealedFrame) -> Vec<Packet> {
    let mut out = Vec::new();
    Packetizer::new(65_535).pack(frame, &mut out).unwrap();
    out
}

fn unpack_h264(packets: &[Packet]) -> Vec<u8> {
    let (mut depacketizer, mut out) = (H264Depacketizer::new(), Vec::new());
    for packet in packets {
        depacketizer.take(&packet.payload, &mut out).unwrap();
    }
    out
}

fn annexb(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|u| [&[0, 0, 0, 1], *u].concat()).collect()
}

#[test]
fn opus_is_one_packet() {
    let packets = pack(&frame(Codec::Opus, vec![9; 80]));
    assert_eq!((packets.len(), packets[0].sequence, packets[0].marker), (1, 65_535, false));
    let mut out = Vec::new();
    assert_eq!(Packetizer::new(0).pack(&frame(Codec::Opus, vec![9; 1300]), &mut out), Err(Packetize::Malformed));
}

#[test]
fn parameter_sets_share_a_packet_and_a_picture_is_fragmented() {
    let picture: Vec<u8> = std::iter::once(0x65).chain((0..5000_u32).map(|n| (n % 251) as u8 | 4)).collect();
    let data = annexb(&[&[0x67, 1, 2, 3], &[0x68, 4], &picture]);
    let packets = pack(&frame(Codec::H264, data.clone()));
    assert_eq!(packets[0].payload[0] & 0x1F, 24, "a STAP-A first");
    assert!(packets[1..].iter().all(|p| p.payload[0] & 0x1F == 28), "then FU-A");
    assert!(packets.iter().all(|p| p.payload.len() <= MTU && p.rtp_time == 7));
    assert_eq!(packets.iter().filter(|p| p.marker).count(), 1);
    assert!(packets.last().unwrap().marker);
    assert!(packets.windows(2).all(|w| w[1].sequence == w[0].sequence.wrapping_add(1)));
    assert_eq!(unpack_h264(&packets), data);
}

#[test]
fn a_frame_that_ends_with_zeros_keeps_them() {
    // A sealed frame ends with its key index, which is usually zero.
    let data = annexb(&[&[0x67, 1], &[0x41, 0x9A, 7, 7, 12, 0]]);
    assert_eq!(unpack_h264(&pack(&frame(Codec::H264, data.clone()))), data);
}

#[test]
fn a_fragment_without_its_start_is_refused() {
    let data = annexb(&[&[0x65; 4000]]);
    let packets = pack(&frame(Codec::H264, data));
    let mut out = Vec::new();
    assert!(H264Depacketizer::new().take(&packets[1].payload, &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn vp8_descriptors_of_every_shape_are_read() {
    assert_eq!(Vp8Descriptor::parse(&[0x10, 9]), Some(Vp8Descriptor { starts_frame: true, len: 1 }));
    assert_eq!(Vp8Descriptor::parse(&[0x11, 9]), Some(Vp8Descriptor { starts_frame: false, len: 1 }));
    assert_eq!(Vp8Descriptor::parse(&[0x90, 0x80, 0x05, 9]), Some(Vp8Descriptor { starts_frame: true, len: 3 }));
    assert_eq!(Vp8Descriptor::parse(&[0x90, 0x80, 0x85, 1, 9]), Some(Vp8Descriptor { starts_frame: true, len: 4 }));
    assert_eq!(
        Vp8Descriptor::parse(&[0x90, 0xF0, 0x85, 1, 2, 3, 9]),
        Some(Vp8Descriptor { starts_frame: true, len: 6 })
    );
    for short in [&[][..], &[0x90], &[0x90, 0x80], &[0x90, 0x80, 0x85], &[0x10]] {
        assert_eq!(Vp8Descriptor::parse(short), None);
    }
}

#[test]
fn vp8_comes_back() {
    let data: Vec<u8> = (0..5000_u32).map(|n| n as u8).collect();
    let packets = pack(&frame(Codec::Vp8, data.clone()));
    let mut out = Vec::new();
    let starts: Vec<bool> =
        packets.iter().map(|p| Vp8Depacketizer::take(&p.payload, &mut out).unwrap().starts_frame).collect();
    assert_eq!(out, data);
    assert!(starts[0] && starts[1..].iter().all(|s| !s));
    assert!(packets.iter().all(|p| p.payload.len() <= MTU));
}

proptest! {
    #[test]
    fn any_units_come_back(units in proptest::collection::vec(proptest::collection::vec(4_u8..255, 1..3000), 1..6)) {
        let units: Vec<Vec<u8>> = units.into_iter().map(|mut u| { u[0] = u[0] & 0x60 | 1; u }).collect();
        let data = annexb(&units.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let packets = pack(&frame(Codec::H264, data.clone()));
        prop_assert!(packets.iter().all(|p| p.payload.len() <= MTU));
        prop_assert_eq!(unpack_h264(&packets), data);
    }

    #[test]
    fn any_payload_is_taken_or_refused(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20)) {
        let (mut h264, mut out) = (H264Depacketizer::new(), Vec::new());
        let mut brought = 0;
        for payload in &payloads {
            brought += 5 * payload.len();
            // Refused or taken, never a panic, never more than it brought.
            let _refused = h264.take(payload, &mut out).is_err();
            let _refused = Vp8Depacketizer::take(payload, &mut Vec::new()).is_none();
            prop_assert!(out.len() <= brought);
        }
    }

    #[test]
    fn any_frame_is_packed_or_refused(data in proptest::collection::vec(any::<u8>(), 0..4000)) {
        for codec in [Codec::Opus, Codec::H264, Codec::Vp8] {
            let mut out = Vec::new();
            let _refused = Packetizer::new(0).pack(&frame(codec, data.clone()), &mut out).is_err();
            prop_assert!(out.iter().all(|p| p.payload.len() <= MTU));
        }
    }
}
