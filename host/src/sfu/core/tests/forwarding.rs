//! Whose packets reach whom.

use super::*;

#[test]
fn what_one_publishes_reaches_those_who_subscribed_and_nobody_else() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    world.subscribe(1, "TR_mic", true);
    world.millis(100);
    for sequence in 0..50 {
        world.write(0, mic, sequence, 20, b"opus");
        world.millis(20);
    }
    let heard = world.clients[1].sequences("TR_mic");
    assert!(heard.len() >= 45, "{} packets: the section is made when the first one tells the codec", heard.len());
    assert!(heard.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{heard:?}");
    assert!(world.clients[2].received.is_empty());
    let stream = &world.clients[1].tracks[0].stream_id;
    assert_eq!(stream, "PA_1|TR_mic");
    assert_eq!(world.count(|event| matches!(event, SfuEvent::TrackLive { mime, .. } if mime == "audio/opus")), 1);
    assert_eq!(world.count(|event| matches!(event, SfuEvent::FirstSubscriber { .. })), 1);
    let level = world.clients[1].received[9].audio_level;
    assert_eq!(level, Some(20), "receivers see who is loud");
}

#[test]
fn nothing_of_a_muted_or_removed_track_is_forwarded() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    world.subscribe(1, "TR_mic", true);
    let mut sequence = 0;
    let mut speak = |world: &mut World, packets: usize| {
        for _ in 0..packets {
            world.write(0, mic, sequence, 20, b"opus");
            sequence += 1;
            world.millis(20);
        }
    };
    speak(&mut world, 20);
    let before = world.clients[1].received.len();
    assert!(before > 10);
    world.command(SfuCommand::Mute { sid: sid("TR_mic"), muted: true });
    world.millis(50);
    let at_mute = world.clients[1].received.len();
    speak(&mut world, 20);
    assert_eq!(world.clients[1].received.len(), at_mute, "muted");
    world.command(SfuCommand::Mute { sid: sid("TR_mic"), muted: false });
    speak(&mut world, 20);
    world.millis(50);
    assert!(world.clients[1].received.len() >= at_mute + 20, "back at once, without negotiation");
    let heard = world.clients[1].sequences("TR_mic");
    assert!(heard.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "no gap to ask for: {heard:?}");
    world.command(SfuCommand::Remove { sid: sid("TR_mic") });
    world.millis(50);
    let at_removal = world.clients[1].received.len();
    let refused = world.counters.rtp_refused.value();
    speak(&mut world, 20);
    assert_eq!(world.clients[1].received.len(), at_removal, "removed");
    assert!(world.counters.rtp_refused.value() >= refused + 20, "and counted");
}

#[test]
fn media_that_was_never_allowed_goes_nowhere() {
    let mut world = World::meeting();
    let spec = SenderSpec { track_id: "smuggled".into(), stream_id: "-".into(), codec: Codec::Opus };
    let smuggled = world.clients[0].publisher.add_sender(spec).unwrap();
    world.publish_offer(0);
    // Allowed is a camera: sound must not pass as one.
    let camera = world.track("TR_cam", "cam", TrackSource::Camera);
    world.command(SfuCommand::Allow { session: SessionKey(1), track: camera });
    world.subscribe(1, "TR_cam", true);
    world.millis(100);
    for sequence in 0..20 {
        world.write(0, smuggled, sequence, 0, b"opus");
        world.millis(20);
    }
    assert!(world.clients[1].received.is_empty());
    assert!(world.counters.rtp_refused.value() >= 20);
    assert_eq!(world.count(|event| matches!(event, SfuEvent::TrackLive { .. })), 0);
}

#[test]
fn a_picture_begins_with_a_key_frame_that_was_asked_for() {
    let mut world = World::meeting();
    let camera = world.publish(0, "TR_cam", TrackSource::Camera);
    world.millis(50);
    world.write(0, camera, 0, 0, KEY);
    world.millis(50);
    world.subscribe(1, "TR_cam", true);
    for sequence in 1..20 {
        let payload = if world.clients[0].asked.is_empty() { DELTA } else { KEY };
        world.clients[0].asked.clear();
        world.write(0, camera, sequence, 0, payload);
        world.millis(33);
    }
    let first = world.clients[1].received.first().expect("pictures arrive");
    assert_eq!(first.payload.as_ref(), KEY);
    assert!(world.counters.key_frames_asked.value() >= 1);
    // A receiver's request reaches the publisher.
    let key = world.clients[1].tracks[0].key;
    let now = world.now;
    world.clients[0].asked.clear();
    world.millis(400);
    world.clients[1].subscriber.request_key_frame(key, 0, now).unwrap();
    world.clients[1].subscriber.request_key_frame(key, 0, now).unwrap();
    world.millis(100);
    assert_eq!(world.clients[0].asked, [camera], "once");
}

#[test]
fn a_cameras_copy_gets_a_second_key_frame_once_and_a_screens_none() {
    let mut world = World::meeting();
    let camera = world.publish(0, "TR_cam", TrackSource::Camera);
    let screen = world.publish(0, "TR_screen", TrackSource::ScreenShare);
    for sid in ["TR_cam", "TR_screen"] {
        world.subscribe(1, sid, true);
    }
    world.millis(50);
    let (mut sequence, mut asked) = (0, vec![]);
    let mut film = |world: &mut World, asked: &mut Vec<SenderId>, pictures: usize| {
        for _ in 0..pictures {
            let wanted = std::mem::take(&mut world.clients[0].asked);
            for sender in [camera, screen] {
                let key = sequence == 0 || wanted.contains(&sender);
                world.write(0, sender, sequence, 0, if key { KEY } else { DELTA });
            }
            asked.extend(wanted);
            sequence += 1;
            world.millis(33);
        }
    };
    film(&mut world, &mut asked, 20);
    let keys = |world: &World| {
        let track = world.clients[1].tracks.iter().find(|remote| remote.track_id == "TR_cam").expect("it is there").key;
        let key = |packet: &&RtpIn| packet.track == track && packet.payload.as_ref() == KEY;
        world.clients[1].received.iter().filter(key).count()
    };
    assert_eq!(keys(&world), 1, "it begins with one");
    asked.clear();
    film(&mut world, &mut asked, 300);
    assert_eq!(asked, [camera], "who could not open the first one gets another, and it stays at that");
    assert_eq!(keys(&world), 2);
}

#[test]
fn only_the_loudest_microphones_are_forwarded_but_a_megaphone_always_is() {
    let mut world = World::with_loudest(2);
    for _ in 0..6 {
        world.join("room");
    }
    let elsewhere = world.join("another-room");
    world.millis(1500);
    let mics: Vec<SenderId> =
        (0..5).map(|at| world.publish(at, &format!("TR_mic{at}"), TrackSource::Microphone)).collect();
    let megaphone = world.publish(0, "TR_mega", TrackSource::Megaphone);
    for at in 0..5 {
        world.subscribe(5, &format!("TR_mic{at}"), true);
    }
    world.subscribe(5, "TR_mega", true);
    world.subscribe(elsewhere, "TR_mega", true);
    world.millis(200);
    let level = |at: usize| if at == 1 || at == 3 { 15 } else { 90 };
    for sequence in 0..100 {
        for (at, mic) in mics.iter().enumerate() {
            world.write(at, *mic, sequence, level(at), b"opus");
        }
        world.write(0, megaphone, sequence, 90, b"mega");
        world.millis(20);
    }
    let heard = |world: &World, track: &str| world.clients[5].sequences(track).len();
    assert!(heard(&world, "TR_mic1") > 90 && heard(&world, "TR_mic3") > 90);
    for quiet in ["TR_mic0", "TR_mic2", "TR_mic4"] {
        assert!(heard(&world, quiet) < 20, "{quiet}: {}", heard(&world, quiet));
    }
    assert!(heard(&world, "TR_mega") > 90);
    assert!(world.clients[elsewhere].sequences("TR_mega").len() > 90, "across rooms");
    let speakers = world.events.iter().rev().find_map(|event| match event {
        SfuEvent::Speakers { speakers, .. } if !speakers.is_empty() => Some(speakers.clone()),
        _ => None,
    });
    let who: Vec<u64> = speakers.expect("speakers are reported").iter().map(|(key, _)| key.0).collect();
    assert_eq!(who, [2, 4], "sessions 2 and 4 speak");
}

#[test]
fn data_goes_up_as_events_and_down_on_the_named_channel() {
    let mut world = World::meeting();
    for label in [RELIABLE, LOSSY] {
        let channel = world.clients[0].channels[label];
        let now = world.now;
        world.clients[0].publisher.send_data(channel, label.as_bytes(), now).unwrap();
    }
    world.millis(100);
    let got: Vec<(bool, Bytes)> = world
        .events
        .iter()
        .filter_map(|event| match event {
            SfuEvent::Data { session: SessionKey(1), reliable, bytes } => Some((*reliable, bytes.clone())),
            _ => None,
        })
        .collect();
    assert!(got.contains(&(true, Bytes::from_static(b"_reliable"))), "{got:?}");
    assert!(got.contains(&(false, Bytes::from_static(b"_lossy"))), "{got:?}");
    for reliable in [true, false] {
        let to = vec![SessionKey(2), SessionKey(3), SessionKey(99)];
        world.command(SfuCommand::SendData { to, reliable, bytes: Bytes::from_static(b"news") });
    }
    world.millis(100);
    for at in [1, 2] {
        let mut labels: Vec<&str> = world.clients[at].data.iter().map(|(label, _)| label.as_str()).collect();
        labels.sort_unstable();
        assert_eq!(labels, [LOSSY, RELIABLE]);
    }
    assert!(world.clients[0].data.is_empty());
}

#[test]
fn red_goes_on_as_it_is_to_those_who_take_it_and_plain_to_others() {
    let mut world = World::new();
    let [speaker, red, plain] = [true, true, false].map(|red| world.join_speaking("room", red));
    world.millis(1000);
    let mic = world.publish(speaker, "TR_mic", TrackSource::Microphone);
    world.subscribe(red, "TR_mic", true);
    world.subscribe(plain, "TR_mic", true);
    world.millis(100);
    assert_eq!(world.clients[speaker].publisher.takes_red(mic), Some(111), "the host answers RED");
    let say = |world: &mut World, sequence: u16, earlier: &[u8], payload: &[u8], red: bool| {
        let mut bytes = vec![];
        if red {
            bytes.extend_from_slice(&[0x80 | 111, 0x0f, 0, u8::try_from(earlier.len()).unwrap(), 111]);
            bytes.extend_from_slice(earlier);
        }
        bytes.extend_from_slice(payload);
        let packet = RtpOut {
            marker: false,
            sequence,
            timestamp: u32::from(sequence) * 960,
            audio_level: Some(20),
            red,
            payload: bytes.into(),
        };
        world.clients[speaker].publisher.write_rtp(mic, packet, world.now).unwrap();
        world.millis(20);
    };
    for sequence in 0..10 {
        say(&mut world, sequence, b"then", b"now", true);
    }
    for client in &mut world.clients {
        client.received.clear();
    }
    // 11 is lost on the way to the host; 13 is too long for RED and comes plain.
    say(&mut world, 10, b"nine", b"ten", true);
    say(&mut world, 12, b"eleven", b"twelve", true);
    say(&mut world, 13, b"", b"thirteen", false);
    let heard = |world: &World, at: usize| -> Vec<(bool, u16, Bytes)> {
        let received = &world.clients[at].received;
        received.iter().map(|packet| (packet.red, packet.sequence, packet.payload.clone())).collect()
    };
    let first = heard(&world, plain)[0].1;
    let words: [(u16, &[u8]); 4] = [(0, b"ten"), (1, b"eleven"), (2, b"twelve"), (3, b"thirteen")];
    let expected: Vec<_> = words.iter().map(|(n, word)| (false, first + n, Bytes::copy_from_slice(word))).collect();
    assert_eq!(heard(&world, plain), expected, "plain, and what was lost is there");
    let taken: Vec<(bool, usize)> = heard(&world, red).iter().map(|(red, _, bytes)| (*red, bytes.len())).collect();
    assert_eq!(taken, [(true, 5 + 4 + 3), (true, 5 + 6 + 6), (false, 8)], "as it came");
    let refused = world.counters.rtp_refused.value();
    let broken = RtpOut {
        marker: false,
        sequence: 14,
        timestamp: 0,
        audio_level: None,
        red: true,
        payload: Bytes::from_static(&[0xef, 0, 3, 255, 111, 0]),
    };
    world.clients[speaker].publisher.write_rtp(mic, broken, world.now).unwrap();
    world.millis(20);
    assert_eq!(world.counters.rtp_refused.value(), refused + 1, "what is no RED goes nowhere");
    assert_eq!(heard(&world, red).len(), 3);
}
