//! Offers and answers over the life of a connection.

use super::*;

#[test]
fn tracks_come_and_go_many_times_without_the_description_growing() {
    let mut path = Path::new();
    let mic = path.sender("mic", Codec::Opus);
    path.connect();
    let mut longest = 0;
    for round in 0_u16..12 {
        let codec = if round % 2 == 0 { Codec::H264 } else { Codec::Vp8 };
        let camera = path.sender(&format!("cam{round}"), codec);
        assert!(path.left.poll_event().is_some_and(|event| matches!(event, Event::NegotiationNeeded)));
        assert!(path.left.poll_event().is_none(), "asked once");
        path.negotiate();
        path.run(Duration::from_millis(50));
        path.write(camera, round, &[0x65; 200]).unwrap();
        path.write(mic, round, b"opus").unwrap();
        path.run(Duration::from_millis(100));
        let track = (*path.tracks().last().unwrap()).clone();
        assert_eq!(track.track_id, format!("cam{round}"));
        assert!(
            path.received().iter().any(|packet| packet.track == track.key && packet.codec == codec),
            "round {round}: {codec:?} arrives under its own key"
        );
        path.left.remove_sender(camera).unwrap();
        path.negotiate();
        path.run(Duration::from_millis(50));
        assert!(path.right_events.iter().any(|event| matches!(event, Event::TrackRemoved(key) if *key == track.key)));
        let offer = path.left.create_offer(false, path.now).unwrap();
        if round == 1 {
            longest = offer.len();
        }
        assert!(round < 2 || offer.len() <= longest + 64, "the section is reused: {} > {longest}", offer.len());
        let answer = path.right.accept_offer(&offer, path.now).unwrap();
        path.left.set_answer(&answer, path.now).unwrap();
    }
    let sound = path.received().iter().filter(|packet| packet.codec == Codec::Opus).count();
    assert_eq!(sound, 12, "sound was undisturbed");
}

#[test]
fn an_ice_restart_moves_the_connection_and_media_goes_on() {
    let mut path = Path::new();
    let mic = path.sender("mic", Codec::Opus);
    path.connect();
    let before = path.left.local_ufrag().to_owned();
    let offer = path.left.create_offer(true, path.now).unwrap();
    assert_ne!(path.left.local_ufrag(), before);
    let answer = path.right.accept_offer(&offer, path.now).unwrap();
    path.left.set_answer(&answer, path.now).unwrap();
    path.run(Duration::from_secs(2));
    assert!(path.left.is_connected() && path.right.is_connected());
    path.write(mic, 9, b"opus").unwrap();
    path.run(Duration::from_millis(50));
    assert_eq!(path.received().len(), 1);
}

#[test]
fn a_silent_path_is_noticed_and_a_restart_brings_it_back() {
    let mut path = Path::new();
    path.sender("mic", Codec::Opus);
    path.connect();
    path.loss_percent = 100;
    path.run(Duration::from_secs(8));
    assert!(path.left_events.iter().any(|event| matches!(event, Event::Disconnected)));
    assert!(!path.left.is_connected());
    path.loss_percent = 0;
    path.left_events.clear();
    let offer = path.left.create_offer(true, path.now).unwrap();
    let answer = path.right.accept_offer(&offer, path.now).unwrap();
    path.left.set_answer(&answer, path.now).unwrap();
    path.run(Duration::from_secs(3));
    assert!(path.left_events.iter().any(|event| matches!(event, Event::Connected)), "{:?}", path.left);
    path.loss_percent = 100;
    path.run(Duration::from_secs(30));
    assert!(path.left_events.iter().any(|event| matches!(event, Event::Failed)));
}

#[test]
fn only_one_offer_is_outstanding() {
    let mut path = Path::new();
    assert!(matches!(path.left.create_offer(false, path.now), Err(PeerError::State)), "nothing to offer");
    path.sender("mic", Codec::Opus);
    let offer = path.left.create_offer(false, path.now).unwrap();
    assert!(matches!(path.left.create_offer(false, path.now), Err(PeerError::State)));
    assert!(matches!(path.left.accept_offer(&offer, path.now), Err(PeerError::State)));
    let answer = path.right.accept_offer(&offer, path.now).unwrap();
    path.left.set_answer(&answer, path.now).unwrap();
    assert!(matches!(path.left.set_answer(&answer, path.now), Err(PeerError::State)));
}

/// What a browser offers for a simulcast camera: rids, and no SSRC.
fn simulcast_offer(base: &str) -> String {
    let mut offer = String::new();
    for line in base.lines().filter(|line| !line.starts_with("a=ssrc")) {
        offer.push_str(line);
        offer.push_str("\r\n");
    }
    offer + "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"
}

#[test]
fn a_simulcast_answer_negotiates_what_browsers_insist_on() {
    let mut path = Path::new();
    path.sender("cam", Codec::Vp8);
    let offer = simulcast_offer(&path.left.create_offer(false, path.now).unwrap());
    let answer = path.right.accept_offer(&offer, path.now).unwrap();
    for needed in [
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        "a=rid:q recv",
        "a=rid:h recv",
        "a=rid:f recv",
        "a=simulcast:recv q;h;f",
        "a=recvonly",
    ] {
        assert!(answer.contains(needed), "{needed} is missing in\n{answer}");
    }
    path.drain();
    assert_eq!(path.tracks()[0].rids, ["q", "h", "f"]);
}
