//! Floods and forgeries: nobody else notices.

use super::*;

fn hurl(world: &mut World, remote: SocketAddr, bytes: &[u8]) {
    let datagram = Core::datagram(Protocol::Udp, address(HOST), remote, BytesMut::from(bytes), world.now);
    world.core.packet(datagram);
}

#[test]
fn a_flood_of_garbage_leaves_the_others_undisturbed() {
    let mut world = World::meeting();
    let mic = world.publish(0, "TR_mic", TrackSource::Microphone);
    world.subscribe(1, "TR_mic", true);
    world.millis(100);
    world.write(0, mic, 0, 20, b"opus");
    world.millis(100);
    let had = world.clients[1].received.len();
    let victim = world.clients[0].local(Target::Publisher);
    for sequence in 1..30_u16 {
        for first in 0..=255_u8 {
            let stranger = SocketAddr::from(([10, 9, first, 1], sequence));
            hurl(&mut world, stranger, &[first; 64]);
            // Forged as if from a connected client.
            hurl(&mut world, victim, &[first; 64]);
        }
        world.write(0, mic, sequence, 20, b"opus");
        world.millis(20);
    }
    world.millis(100);
    assert_eq!(world.clients[1].received.len(), had + 29, "every packet of the meeting arrived");
    assert!(world.counters.strangers.value() >= 29 * 250);
    assert!(world.clients.iter().all(|client| client.publisher.is_connected() && client.subscriber.is_connected()));
}

#[test]
fn a_forged_binding_request_moves_nobody() {
    let mut world = World::meeting();
    let ufrag = world.core.sessions[&SessionKey(1)].publisher.local_ufrag().to_owned();
    let name = format!("{ufrag}:evil");
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend_from_slice(&[3; 12]);
    request.extend_from_slice(&[0, 6, 0, u8::try_from(name.len()).unwrap()]);
    request.extend_from_slice(name.as_bytes());
    request.resize(request.len().next_multiple_of(4), 0);
    request[3] = u8::try_from(request.len() - 20).unwrap();
    let thief = address("10.6.6.6:666");
    hurl(&mut world, thief, &request);
    let victim = world.clients[1].local(Target::Publisher);
    hurl(&mut world, victim, &request);
    world.millis(100);
    let strangers = world.counters.strangers.value();
    hurl(&mut world, thief, &[0x80; 40]);
    assert_eq!(world.counters.strangers.value(), strangers + 1, "still a stranger");
    let channel = world.clients[1].channels[RELIABLE];
    let now = world.now;
    world.clients[1].publisher.send_data(channel, b"still me", now).unwrap();
    world.millis(100);
    assert!(world.events.iter().any(|event| {
        matches!(event, SfuEvent::Data { session: SessionKey(2), bytes, .. } if bytes.as_ref() == b"still me")
    }));
}

#[test]
fn unusable_descriptions_fail_only_their_sender() {
    let mut world = World::meeting();
    for sdp in ["", "v=0", "m=audio\r\n", "\u{0}\u{ffff}"] {
        world.command(SfuCommand::PublisherOffer { session: SessionKey(1), sdp: sdp.into(), id: 1 });
    }
    world.command(SfuCommand::SubscriberAnswer { session: SessionKey(1), sdp: "junk".into(), id: 0 });
    let session = SessionKey(1);
    world.command(SfuCommand::Trickle { session, target: Target::Publisher, candidate: "{}".into() });
    world.command(SfuCommand::PublisherOffer { session: SessionKey(77), sdp: String::new(), id: 1 });
    world.millis(100);
    let failed = world.count(|event| {
        matches!(event, SfuEvent::NegotiationFailed { session: SessionKey(1), target: Target::Publisher })
    });
    assert_eq!(failed, 4);
    assert_eq!(world.count(|event| matches!(event, SfuEvent::NegotiationFailed { .. })), 4);
    let mic = world.publish(1, "TR_mic", TrackSource::Microphone);
    world.subscribe(2, "TR_mic", true);
    world.millis(100);
    for sequence in 0..10 {
        world.write(1, mic, sequence, 20, b"opus");
        world.millis(20);
    }
    assert!(!world.clients[2].received.is_empty());
}
