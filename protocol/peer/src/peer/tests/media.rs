//! Sound, pictures and data across the path.

use super::*;

#[test]
fn sound_and_pictures_and_data_cross_the_connection() {
    let mut path = Path::new();
    let mic = path.sender("mic", Codec::Opus);
    let camera = path.sender("cam", Codec::H264);
    let channel = path.left.open_data_channel("_reliable", Delivery::Reliable).unwrap();
    path.left.open_data_channel("_lossy", Delivery::Lossy).unwrap();
    path.connect();

    let announced: Vec<_> = path.tracks().iter().map(|track| (track.track_id.clone(), track.kind)).collect();
    assert_eq!(announced, [("mic".to_owned(), Kind::Audio), ("cam".to_owned(), Kind::Video)]);
    for sequence in 0..50 {
        path.write(mic, sequence, b"opus").unwrap();
        path.write(camera, sequence, &[0x65; 1100]).unwrap();
        path.run(Duration::from_millis(20));
    }
    let received = path.received();
    let of = |codec| received.iter().filter(|packet| packet.codec == codec).collect::<Vec<_>>();
    assert_eq!(of(Codec::Opus).len(), 50);
    assert_eq!(of(Codec::H264).len(), 50);
    assert_eq!(of(Codec::Opus)[7].audio_level, Some(20), "active speakers depend on it");
    assert_eq!((of(Codec::Opus)[7].sequence, of(Codec::Opus)[7].timestamp), (7, 7 * 960));
    assert_eq!(of(Codec::H264)[3].payload.len(), 1100);

    path.left.send_data(channel, b"hello", path.now).unwrap();
    path.run(Duration::from_millis(100));
    let back = path
        .right_events
        .iter()
        .find_map(|event| match event {
            Event::Data { channel, bytes, .. } if bytes.as_ref() == b"hello" => Some(*channel),
            _ => None,
        })
        .expect("the message arrives");
    path.right.send_data(back, &vec![9; 60_000], path.now).unwrap();
    path.run(Duration::from_secs(1));
    assert!(
        path.left_events.iter().any(|event| matches!(event, Event::Data { bytes, .. } if bytes.len() == 60_000)),
        "and the long answer too"
    );
    let labels: Vec<_> = path
        .right_events
        .iter()
        .filter_map(|event| if let Event::ChannelOpen { label, .. } = event { Some(label.to_string()) } else { None })
        .collect();
    assert!(labels.contains(&"_reliable".into()) && labels.contains(&"_lossy".into()), "{labels:?}");
}

#[test]
fn a_key_frame_request_names_the_sender_it_is_for() {
    let mut path = Path::new();
    let _screen = path.sender("screen", Codec::Vp8);
    let camera = path.sender("cam", Codec::H264);
    path.connect();
    path.write(camera, 1, &[0x65; 100]).unwrap();
    path.run(Duration::from_millis(50));
    let key = path.received()[0].track;
    path.right.request_key_frame(key, 0, path.now).unwrap();
    path.run(Duration::from_millis(50));
    let asked: Vec<_> = path
        .left_events
        .iter()
        .filter_map(
            |event| if let Event::KeyFrameRequested { sender, layer: 0 } = event { Some(*sender) } else { None },
        )
        .collect();
    assert_eq!(asked, [camera]);
}

#[test]
fn five_percent_loss_is_repaired_with_bounded_retransmissions() {
    let mut path = Path::new();
    let camera = path.sender("cam", Codec::Vp8);
    path.connect();
    path.loss_percent = 5;
    path.packets = 0;
    let count = 2000_u16;
    for sequence in 0..count {
        path.write(camera, sequence.wrapping_add(65_000), &[1; 900]).unwrap();
        path.run(Duration::from_millis(4));
    }
    path.run(Duration::from_secs(1));
    let sequences: std::collections::BTreeSet<u16> = path.received().iter().map(|packet| packet.sequence).collect();
    assert!(sequences.len() >= usize::from(count) - 10, "{} of {count} arrived", sequences.len());
    assert!(path.packets < usize::from(count) * 3 / 2, "{} packets for {count}", path.packets);
    assert!(path.received().iter().all(|packet| packet.codec == Codec::Vp8 && packet.payload.len() == 900));
    let quality = path.left.quality();
    assert!(quality.loss_percent <= 5, "what was repaired was not lost: {quality:?}");
    let rtt = quality.rtt.expect("reports were exchanged");
    assert!((Duration::from_millis(8)..Duration::from_millis(40)).contains(&rtt), "{rtt:?}");
}

/// Sound over 10 % loss; how many of 500 packets arrive. The right end negotiates as official SDKs do: without `nack`.
fn sound_arrives(left: PeerConfig, right: PeerConfig, forget_nack: (bool, bool)) -> usize {
    let mut path = Path::with(left, right, Protocol::Udp);
    let mic = path.sender("mic", Codec::Opus);
    let forget = |sdp: String, forget: bool| if forget { sdp.replace("a=rtcp-fb:111 nack\r\n", "") } else { sdp };
    let offer = path.left.create_offer(false, path.now).unwrap();
    assert!(offer.contains("a=rtcp-fb:111 nack\r\n"));
    let answer = path.right.accept_offer(&forget(offer, forget_nack.0), path.now).unwrap();
    path.left.set_answer(&forget(answer, forget_nack.1), path.now).unwrap();
    path.run(Duration::from_secs(2));
    path.loss_percent = 10;
    for sequence in 0..500 {
        path.write(mic, sequence, &[1; 80]).unwrap();
        path.run(Duration::from_millis(20));
    }
    path.loss_percent = 0;
    path.run(Duration::from_secs(1));
    path.received().iter().map(|packet| packet.sequence).collect::<std::collections::BTreeSet<u16>>().len()
}

#[test]
fn lost_sound_is_sent_again() {
    let usual = PeerConfig::new;
    let arrived = sound_arrives(usual(Flow::Send), usual(Flow::Receive), (false, false));
    assert!(arrived >= 495, "{arrived} of 500 arrived");
}

#[test]
fn sound_is_sent_again_to_those_who_ask_without_having_said_that_they_would() {
    let host = PeerConfig { assume_sound_nack: true, ..PeerConfig::new(Flow::Send) };
    let arrived = sound_arrives(host, PeerConfig::new(Flow::Receive), (false, true));
    assert!(arrived >= 495, "{arrived} of 500 arrived");
}

#[test]
fn sound_is_asked_for_again_from_those_who_did_not_offer_it() {
    let host = PeerConfig { assume_sound_nack: true, ..PeerConfig::new(Flow::Receive) };
    let arrived = sound_arrives(PeerConfig::new(Flow::Send), host, (true, false));
    assert!(arrived >= 495, "{arrived} of 500 arrived");
    let arrived = sound_arrives(PeerConfig::new(Flow::Send), PeerConfig::new(Flow::Receive), (true, false));
    assert!(arrived < 480, "{arrived}: the path does lose");
}

#[test]
fn red_crosses_between_those_who_speak_it_and_never_reaches_others() {
    let red = |flow| PeerConfig { red: true, ..PeerConfig::new(flow) };
    let mut path = Path::with(red(Flow::Send), red(Flow::Receive), Protocol::Udp);
    let mic = path.sender("mic", Codec::Opus);
    assert_eq!(path.left.takes_red(mic), None, "not agreed yet");
    path.connect();
    assert_eq!(path.left.takes_red(mic), Some(111));
    let out = |red, sequence| RtpOut {
        marker: false,
        sequence,
        timestamp: 0,
        audio_level: None,
        red,
        payload: Bytes::from_static(&[111, 7]),
    };
    path.left.write_rtp(mic, out(true, 1), path.now).unwrap();
    path.left.write_rtp(mic, out(false, 2), path.now).unwrap();
    path.run(Duration::from_millis(50));
    let received: Vec<_> = path.received().iter().map(|packet| (packet.sequence, packet.codec, packet.red)).collect();
    assert_eq!(received, [(1, Codec::Opus, true), (2, Codec::Opus, false)]);

    for (left, right) in
        [(red(Flow::Send), PeerConfig::new(Flow::Receive)), (PeerConfig::new(Flow::Send), red(Flow::Receive))]
    {
        let mut path = Path::with(left, right, Protocol::Udp);
        let mic = path.sender("mic", Codec::Opus);
        path.connect();
        assert_eq!(path.left.takes_red(mic), None);
        assert!(matches!(path.left.write_rtp(mic, out(true, 1), path.now), Err(PeerError::NotNegotiated)));
    }
}

#[test]
fn a_packet_that_cannot_be_sent_is_refused_and_not_kept() {
    let mut path = Path::new();
    let camera = path.sender("cam", Codec::H264);
    assert!(matches!(path.write(camera, 1, b"early"), Err(PeerError::NotConnected)));
    path.connect();
    let later = path.sender("later", Codec::Vp8);
    assert!(matches!(path.write(later, 1, b"not offered yet"), Err(PeerError::NotNegotiated)));
    path.write(camera, 2, b"now").unwrap();
    path.run(Duration::from_millis(50));
    assert_eq!(path.received().len(), 1);
    path.left.remove_sender(camera).unwrap();
    assert!(matches!(path.write(camera, 3, b"gone"), Err(PeerError::Unknown(_))));
}

#[test]
fn the_same_works_over_tcp() {
    let mut path = Path::with(PeerConfig::new(Flow::Send), PeerConfig::new(Flow::Receive), Protocol::Tcp);
    let mic = path.sender("mic", Codec::Opus);
    path.connect();
    for sequence in 0..20 {
        path.write(mic, sequence, b"opus").unwrap();
        path.drain();
        assert!(path.air.values().all(|(_, packet)| packet.protocol == Protocol::Tcp), "media too goes by the stream");
        path.run(Duration::from_millis(20));
    }
    assert_eq!(path.received().len(), 20);
}
