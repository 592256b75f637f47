//! Bytes from outside: refused or survived, never a panic, never a dead neighbour.

use rtc::rtp::header::Header;

use super::*;

#[test]
fn garbled_datagrams_do_not_end_a_connection() {
    let mut path = Path::new();
    let mic = path.sender("mic", Codec::Opus);
    path.left.open_data_channel("_reliable", Delivery::Reliable).unwrap();
    path.connect();
    // From now on every packet also arrives truncated, garbled and backwards, ahead of the true one.
    for _ in 0..400 {
        path.write(mic, 7, b"opus").unwrap();
        path.drain();
        let copies: Vec<(bool, BytesMut, SocketAddr, SocketAddr)> = path
            .air
            .values()
            .map(|(to_right, packet)| (*to_right, packet.bytes.clone(), packet.local, packet.remote))
            .collect();
        for (to_right, original, from, to) in copies {
            for _ in 0..4 {
                let mut bytes = original.clone();
                let cut = usize::try_from(path.dice() % 2000).unwrap() % (bytes.len() + 1);
                match path.dice() % 3 {
                    0 => bytes.truncate(cut),
                    1 => {
                        if let Some(byte) = bytes.get_mut(cut) {
                            *byte ^= 0x55;
                        }
                    }
                    _ => bytes.reverse(),
                }
                let datagram = Datagram { now: path.now, protocol: Protocol::Udp, local: to, remote: from, bytes };
                if to_right { path.right.handle(datagram) } else { path.left.handle(datagram) }
            }
        }
        path.run(Duration::from_millis(5));
    }
    assert!(path.left.is_connected() && path.right.is_connected(), "{:?} {:?}", path.left, path.right);
    path.right_events.clear();
    path.write(mic, 8, b"opus").unwrap();
    path.run(Duration::from_millis(50));
    assert_eq!(path.received().len(), 1);
}

#[test]
fn random_bytes_of_every_class_are_survived() {
    let mut path = Path::new();
    path.sender("mic", Codec::Opus);
    path.connect();
    for first in 0..=255_u8 {
        for length in [1_usize, 2, 3, 11, 12, 13, 19, 20, 21, 40, 60, 200, 1400] {
            let mut bytes = BytesMut::with_capacity(length);
            bytes.extend((0..length).map(|_| u8::try_from(path.dice() & 0xff).unwrap()));
            bytes[0] = first;
            let datagram =
                Datagram { now: path.now, protocol: Protocol::Udp, local: addr(RIGHT), remote: addr(LEFT), bytes };
            path.right.handle(datagram);
        }
    }
    path.run(Duration::from_secs(1));
    assert!(path.right.is_connected(), "{:?}", path.right);
}

/// A member may put anything into packets that are authentic: numbers, payload types, extensions, broken RED, broken repairs.
#[test]
fn whatever_a_member_puts_into_its_packets_costs_nobody_a_connection() {
    let red = |flow| PeerConfig { red: true, ..PeerConfig::new(flow) };
    let mut path = Path::with(red(Flow::Send), red(Flow::Receive), Protocol::Udp);
    path.sender("mic", Codec::Opus);
    path.sender("cam", Codec::H264);
    let honest = path.sender("screen-sound", Codec::Opus);
    path.connect();
    let abused = || path.left.senders.iter().filter(|(id, _)| **id != honest).map(|(_, sender)| sender);
    let known: Vec<u32> = abused().flat_map(|sender| sender.layers.iter().map(|layer| layer.ssrc)).collect();
    let kinds: Vec<u8> = abused().flat_map(|sender| [sender.payload_type, sender.red]).flatten().collect();
    assert_eq!((known.len(), kinds.len()), (2, 3), "Opus, RED around it, H.264");
    for round in 0..4000_u32 {
        let some = |path: &mut Path, most: u64| -> Bytes {
            let length = path.dice() % (most + 1);
            (0..length).map(|_| u8::try_from(path.dice() & 0xff).unwrap()).collect()
        };
        let (profile, ids, longest) = match path.dice() % 3 {
            0 => (0xBEDE_u16, 14, 16),
            1 => (0x1000, 255, 40),
            _ => (0x1234, 0, 0),
        };
        let extensions = (0..path.dice() % 5).map(|_| {
            let mut payload = some(&mut path, longest);
            if profile == 0xBEDE && payload.is_empty() {
                payload = Bytes::from_static(&[0]);
            }
            rtc::rtp::header::Extension { id: u8::try_from(path.dice() % ids.max(1) + 1).unwrap(), payload }
        });
        let extensions: Vec<_> = if ids == 0 { vec![] } else { extensions.collect() };
        let number = path.dice();
        let header = Header {
            version: 2,
            marker: number & 1 == 1,
            extension: !extensions.is_empty(),
            extension_profile: profile,
            extensions,
            payload_type: match number >> 8 & 3 {
                0 => u8::try_from(number >> 10 & 0x7f).unwrap(),
                _ => kinds[usize::try_from(number >> 10).unwrap() % kinds.len()],
            },
            // SRTP itself drops what is far behind.
            sequence_number: u16::try_from((2 * round + u32::try_from(number >> 20 & 0x1f).unwrap()) & 0xffff).unwrap(),
            timestamp: round.wrapping_mul(0x9E37_79B9),
            ssrc: known[usize::try_from(number >> 32).unwrap() % known.len()],
            ..Header::default()
        };
        let payload = some(&mut path, 60);
        path.left.plane.lock().outbound.push_back((path.now, rtc::rtp::Packet { header, payload }));
        path.run(Duration::from_millis(1));
    }
    let survived = path.received();
    assert!(survived.len() > 500 && survived.iter().any(|packet| packet.red), "{} came through", survived.len());
    for packet in survived.iter().filter(|packet| packet.red) {
        assert!(crate::red::read(&packet.payload).map_or(0, |blocks| blocks.len()) <= crate::red::MAX_EARLIER + 1);
    }
    assert!(path.left.is_connected() && path.right.is_connected(), "{:?} {:?}", path.left, path.right);
    path.right_events.clear();
    path.write(honest, 9, b"opus").unwrap();
    path.run(Duration::from_millis(50));
    assert!(path.received().iter().any(|packet| &packet.payload[..] == b"opus"), "what is right still comes");
}

#[test]
fn broken_descriptions_are_errors() {
    let mut path = Path::new();
    path.sender("mic", Codec::Opus);
    path.sender("cam", Codec::H264);
    path.left.open_data_channel("_reliable", Delivery::Reliable).unwrap();
    let offer = path.left.create_offer(false, path.now).unwrap();
    let lines: Vec<&str> = offer.lines().collect();
    let mut dead = vec![];
    let mut attempt = |sdp: String, what: String| {
        let mut peer = Peer::new(PeerConfig::new(Flow::Receive), path.now).unwrap();
        if matches!(peer.accept_offer(&sdp, path.now), Err(PeerError::Dead)) {
            dead.push(what);
        }
    };
    let rewritten = |at: usize, new: &str| -> String {
        lines.iter().enumerate().map(|(i, line)| format!("{}\r\n", if i == at { new } else { line })).collect()
    };
    for at in 0..lines.len() {
        let line = lines[at];
        attempt(rewritten(at, ""), format!("without {line}"));
        attempt(lines[..at].iter().map(|line| format!("{line}\r\n")).collect(), format!("cut before {line}"));
        attempt(rewritten(at, &line[..line.len() / 2]), format!("half of {line}"));
        attempt(rewritten(at, &format!("{line} \u{fffd}:=;/9999999999999")), format!("tail on {line}"));
        attempt(rewritten(at, &line.replace(|c: char| c.is_ascii_digit(), "9")), format!("nines in {line}"));
    }
    assert!(dead.is_empty(), "the library panicked on: {dead:#?}");
}

#[test]
fn a_panic_in_the_library_costs_only_this_peer() {
    let mut path = Path::new();
    path.sender("mic", Codec::Opus);
    let panic: Result<(), PeerError> = path.left.guarded(|_| panic!("on purpose"));
    assert!(matches!(panic, Err(PeerError::Dead)));
    path.drain();
    assert!(path.left_events.iter().any(|event| matches!(event, Event::Failed)));
    assert!(matches!(path.left.create_offer(false, path.now), Err(PeerError::Dead)));
    assert!(path.left.poll_timeout().is_none() && path.left.poll_transmit().is_none());
}

#[test]
fn candidates_without_end_names_and_nonsense_are_refused() {
    let mut path = Path::new();
    assert!(path.left.add_remote_candidate("{").is_err());
    assert!(path.left.add_remote_candidate("{\"candidate\":\"candidate:1 1 udp 1 me.local 9 typ host\"}").is_ok());
    assert!(path.left.early_candidates.len() == 1, "only the numeric one of the set-up is kept");
    let one = "{\"candidate\":\"candidate:1 1 udp 1 10.0.0.9 9 typ host\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}";
    let refused = (0..200).filter(|_| path.left.add_remote_candidate(one).is_err()).count();
    assert!(refused >= 130);
    let unspecified = path.left.add_local_candidate(LocalCandidate::Udp(addr("0.0.0.0:5")));
    assert!(matches!(unspecified, Err(PeerError::Candidate)));
}
