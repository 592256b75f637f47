//! Sessions over time: subscribing again and again, wishes, layers, resuming, leaving.

use super::*;

#[test]
fn subscribing_again_and_again_reuses_the_section() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    world.millis(50);
    let mut sequence = 0;
    let mut sizes = vec![];
    for _ in 0..6 {
        world.subscribe(1, "TR_mic", true);
        let before = world.clients[1].received.len();
        for _ in 0..10 {
            world.write(0, mic, sequence, 20, b"opus");
            sequence += 1;
            world.millis(20);
        }
        assert!(world.clients[1].received.len() > before + 5, "sound after subscribing");
        world.subscribe(1, "TR_mic", false);
        world.millis(50);
        let last = world.events.iter().rev().find_map(|event| match event {
            SfuEvent::SubscriberOffer { session: SessionKey(2), sdp, .. } => Some(sdp.len()),
            _ => None,
        });
        sizes.push(last.unwrap());
    }
    assert!(sizes[5] < sizes[1] + 100, "{sizes:?}");
}

#[test]
fn offers_are_one_at_a_time_and_wait_for_their_answer() {
    let mut world = World::meeting();
    world.deaf = true;
    let offers =
        |world: &World| world.count(|event| matches!(event, SfuEvent::SubscriberOffer { session: SessionKey(2), .. }));
    let before = offers(&world);
    for at in 0..4 {
        let mic = world.publish(0, &format!("TR_{at}"), TrackSource::ScreenShareAudio);
        world.subscribe(1, &format!("TR_{at}"), true);
        world.millis(50);
        world.write(0, mic, 1, 20, b"opus");
        world.millis(50);
    }
    assert_eq!(offers(&world), before + 1, "the others wait");
    world.deaf = false;
    let (sdp, id) = world
        .events
        .iter()
        .rev()
        .find_map(|event| match event {
            SfuEvent::SubscriberOffer { session: SessionKey(2), sdp, id } => Some((sdp.clone(), *id)),
            _ => None,
        })
        .unwrap();
    let now = world.now;
    let answer = world.clients[1].subscriber.accept_offer(&sdp, now).unwrap();
    let session = SessionKey(2);
    world.command(SfuCommand::SubscriberAnswer { session, sdp: answer.clone(), id: id + 7 });
    assert_eq!(offers(&world), before + 1, "an answer to another offer is not this one's");
    world.command(SfuCommand::SubscriberAnswer { session, sdp: answer, id });
    world.millis(100);
    assert_eq!(offers(&world), before + 2, "one more offer for all that came meanwhile");
    assert_eq!(world.clients[1].tracks.len(), 4);
}

#[test]
fn a_wish_pauses_without_negotiation() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    world.subscribe(1, "TR_mic", true);
    let mut sequence = 0;
    let mut speak = |world: &mut World| {
        for _ in 0..10 {
            world.write(0, mic, sequence, 20, b"opus");
            sequence += 1;
            world.millis(20);
        }
        world.clients[1].received.len()
    };
    let first = speak(&mut world);
    let offers = world.count(|event| matches!(event, SfuEvent::SubscriberOffer { .. }));
    let wish = |disabled| SfuCommand::Wish {
        session: SessionKey(2),
        sid: sid("TR_mic"),
        wish: TrackWish { disabled, ..TrackWish::default() },
    };
    world.command(wish(true));
    assert!(speak(&mut world) <= first + 1);
    world.command(wish(false));
    assert!(speak(&mut world) >= first + 9);
    assert_eq!(world.count(|event| matches!(event, SfuEvent::SubscriberOffer { .. })), offers);
}

#[test]
fn a_resumed_session_gets_a_restart_offer_and_its_media_back() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    world.subscribe(1, "TR_mic", true);
    world.millis(100);
    world.write(0, mic, 1, 20, b"opus");
    world.millis(100);
    let ufrag = |world: &World| {
        world.events.iter().rev().find_map(|event| match event {
            SfuEvent::SubscriberOffer { session: SessionKey(2), sdp, .. } => {
                sdp.lines().find(|line| line.starts_with("a=ice-ufrag")).map(str::to_owned)
            }
            _ => None,
        })
    };
    let before = ufrag(&world);
    world.command(SfuCommand::Resume { session: SessionKey(2) });
    world.millis(1500);
    assert_ne!(ufrag(&world), before);
    assert!(world.clients[1].subscriber.is_connected());
    let had = world.clients[1].received.len();
    for sequence in 2..12 {
        world.write(0, mic, sequence, 20, b"opus");
        world.millis(20);
    }
    assert!(world.clients[1].received.len() >= had + 9);
    // A publisher restarts by its own offer.
    let now = world.now;
    let sdp = world.clients[0].publisher.create_offer(true, now).unwrap();
    world.command(SfuCommand::PublisherOffer { session: SessionKey(1), sdp, id: 9 });
    world.millis(1500);
    let had = world.clients[1].received.len();
    world.write(0, mic, 12, 20, b"opus");
    world.millis(100);
    assert_eq!(world.clients[1].received.len(), had + 1);
}

#[test]
fn leaving_takes_everything_along_and_disturbs_nobody() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    let other = world.publish(2, "TR_other", TrackSource::Microphone);
    for track in ["TR_mic", "TR_other"] {
        world.subscribe(1, track, true);
    }
    world.millis(100);
    world.write(0, mic, 1, 20, b"opus");
    world.write(2, other, 1, 20, b"opus");
    world.millis(100);
    world.command(SfuCommand::Leave { session: SessionKey(1) });
    world.command(SfuCommand::Leave { session: SessionKey(1) });
    world.millis(100);
    assert_eq!((world.core.sessions.len(), world.core.tracks.len()), (2, 1));
    let had = world.clients[1].received.len();
    world.write(2, other, 2, 20, b"opus");
    world.millis(100);
    assert_eq!(world.clients[1].received.len(), had + 1);
    world.command(SfuCommand::Leave { session: SessionKey(2) });
    world.command(SfuCommand::Leave { session: SessionKey(3) });
    assert!(world.core.timers.is_empty() && world.core.rooms.is_empty() && world.core.due.is_empty());
}

#[test]
fn simulcast_switches_layers_at_key_frames_and_leaves_no_gap() {
    let mut world = World::meeting();
    let camera = world.publish(0, "TR_cam", TrackSource::Camera);
    world.subscribe(1, "TR_cam", true);
    world.millis(100);
    world.write(0, camera, 0, 0, KEY);
    world.millis(100);
    // Layers come as the peer hands them up; rids were negotiated in `peer`'s own tests.
    let index = world.core.by_sid[&sid("TR_cam")];
    let layer =
        |quality: u8, rid: &str| Layer { quality, width: 320 << quality, height: 180 << quality, rid: rid.into() };
    let layers = [layer(0, "q"), layer(1, "h"), layer(2, "f")];
    let track = world.core.tracks.get_mut(&index).unwrap();
    track.layers = super::super::layers::Layers::new(&layers, &["q".into(), "h".into(), "f".into()]);
    let source = track.source.unwrap();
    world.millis(600);
    let (start, mut input) = (world.now, 1_u16);
    let mut frame = |world: &mut World, keys: &[u8]| {
        for layer in 0..3_u8 {
            let payload = if keys.contains(&layer) { KEY } else { DELTA };
            let packet = RtpIn {
                now: world.now,
                track: source,
                layer,
                codec: Codec::H264,
                marker: true,
                sequence: input.wrapping_add(u16::from(layer) * 9000),
                timestamp: u32::from(input) * 3000 + u32::from(layer) * 77,
                ssrc: 500 + u32::from(layer),
                audio_level: None,
                red: false,
                payload: Bytes::copy_from_slice(&[payload, &[layer]].concat()),
            };
            world.core.forward(SessionKey(1), packet, world.now);
        }
        input += 1;
        world.millis(33);
    };
    let shown = |world: &World| world.clients[1].received.last().map(|packet| packet.payload[4]);
    world.clients[1].received.clear();
    frame(&mut world, &[0, 1, 2]);
    frame(&mut world, &[]);
    world.millis(50);
    assert_eq!(shown(&world), Some(2), "the best one first");
    let wish = |size| SfuCommand::Wish {
        session: SessionKey(2),
        sid: sid("TR_cam"),
        wish: TrackWish { size: Some(size), ..TrackWish::default() },
    };
    world.command(wish((300, 170)));
    frame(&mut world, &[]);
    frame(&mut world, &[2]);
    world.millis(50);
    assert_eq!(shown(&world), Some(2), "the old layer goes on until the new one has a key frame");
    frame(&mut world, &[0]);
    frame(&mut world, &[]);
    world.millis(50);
    assert_eq!(shown(&world), Some(0));
    world.command(wish((4000, 3000)));
    frame(&mut world, &[2]);
    frame(&mut world, &[]);
    world.millis(50);
    assert_eq!(shown(&world), Some(2));
    let received = &world.clients[1].received;
    let sequences: Vec<u16> = received.iter().map(|packet| packet.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{sequences:?}");
    assert!(received.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) < 90_000));
    assert_eq!(
        received.iter().map(|packet| packet.ssrc).collect::<HashSet<_>>().len(),
        1,
        "one stream for the receiver"
    );
    assert!(world.now > start);
}
