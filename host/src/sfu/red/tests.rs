//! Plain packets out of RED: lost, late, twice and broken ones.

use std::time::Instant;

use bytes::Bytes;
use peer::{Codec, Kind, TrackKey};

use super::*;

/// A packet with the ones before it, `earlier` of them; each is its sequence number, in words.
fn packet(track: TrackKey, sequence: u16, earlier: u16) -> RtpIn {
    let word = |n: u16| format!("packet {n}").into_bytes();
    let mut payload = vec![];
    for n in (1..=earlier).rev() {
        let length = u32::try_from(word(sequence.wrapping_sub(n)).len()).unwrap();
        payload.push(0x80 | 111);
        payload.extend_from_slice(&((u32::from(n) * 960) << 10 | length).to_be_bytes()[1..]);
    }
    payload.push(111);
    for n in (0..=earlier).rev() {
        payload.extend(word(sequence.wrapping_sub(n)));
    }
    RtpIn {
        now: Instant::now(),
        track,
        layer: 0,
        codec: Codec::Opus,
        marker: false,
        sequence,
        timestamp: u32::from(sequence) * 960,
        ssrc: 7,
        audio_level: Some(30),
        red: true,
        payload: payload.into(),
    }
}

fn key() -> TrackKey {
    // Only a peer makes keys.
    let mut plane = peer::Peer::new(peer::PeerConfig::new(peer::Flow::Receive), Instant::now()).unwrap();
    let sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:0123456789012345678901\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=msid:s mic\r\n\
        a=rtpmap:111 opus/48000/2\r\n";
    plane.accept_offer(sdp, Instant::now()).unwrap();
    while let Some(event) = plane.poll_event() {
        if let peer::Event::TrackAdded(track) = event {
            assert_eq!(track.kind, Kind::Audio);
            return track.key;
        }
    }
    panic!("the offer has a track")
}

/// What is handed out: sequence numbers, each checked against its words and its time.
fn take(plain: &mut Plain, packet: &RtpIn) -> Vec<u16> {
    let taken = plain.take(packet);
    for packet in &taken {
        assert!(!packet.red);
        assert_eq!(packet.payload, Bytes::from(format!("packet {}", packet.sequence)));
        assert_eq!(packet.timestamp, u32::from(packet.sequence) * 960);
    }
    taken.iter().map(|packet| packet.sequence).collect()
}

#[test]
fn what_was_lost_comes_out_of_the_next_packet_in_its_place() {
    let (key, mut plain) = (key(), Plain::default());
    assert_eq!(take(&mut plain, &packet(key, 10, 2)), [10], "nobody listened before");
    assert_eq!(take(&mut plain, &packet(key, 11, 2)), [11]);
    assert_eq!(take(&mut plain, &packet(key, 14, 2)), [12, 13, 14]);
    assert_eq!(take(&mut plain, &packet(key, 18, 2)), [16, 17, 18], "15 is lost for good");
}

#[test]
fn nothing_is_handed_out_twice_in_whatever_order_it_comes() {
    let (key, mut plain) = (key(), Plain::default());
    take(&mut plain, &packet(key, 65_533, 0));
    assert_eq!(take(&mut plain, &packet(key, 65_535, 1)), [65_534, 65_535]);
    assert_eq!(take(&mut plain, &packet(key, 65_534, 1)), [0_u16; 0], "late: it was there already");
    assert_eq!(take(&mut plain, &packet(key, 65_535, 1)), [0_u16; 0], "twice");
    let bare = RtpIn { red: false, payload: Bytes::from_static(b"packet 1"), ..packet(key, 1, 0) };
    let bare = |sequence: u16| RtpIn { sequence, timestamp: u32::from(sequence) * 960, ..bare.clone() };
    assert_eq!(take(&mut plain, &bare(1)), [1], "not every packet of the track is RED");
    assert_eq!(take(&mut plain, &bare(1)), [0_u16; 0]);
    plain.take(&packet(key, 2000, 0));
    assert!(plain.take(&packet(key, 1900, 1)).is_empty(), "too old to know");
    assert_eq!(plain.take(&RtpIn { ssrc: 8, ..packet(key, 1, 0) }).len(), 1, "another stream begins anew");
}

#[test]
fn broken_red_brings_nothing() {
    let key = key();
    let whole = packet(key, 9, 2);
    for length in 0..whole.payload.len() {
        let cut = RtpIn { payload: whole.payload.slice(..length), ..whole.clone() };
        Plain::default().take(&cut);
        if length < 9 {
            assert_eq!(inside(&cut.payload), None);
        }
    }
    assert_eq!(inside(&whole.payload), Some(111));
    let mut mixed = whole.payload.to_vec();
    mixed[4] = 0x80 | 13;
    assert_eq!(inside(&mixed.into()), None, "comfort noise between Opus is nothing we pass on");
}
