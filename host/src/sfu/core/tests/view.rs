//! What of a camera with layers everybody gets, and what its publisher is told: by wish, by link.

use super::*;

const RIDS: [&str; 3] = ["q", "h", "f"];

impl World {
    /// A camera with three layers; its sender.
    fn publish_layers(&mut self, at: usize, sid_text: &str) -> SenderId {
        let cid = format!("cid-{sid_text}");
        let layer = |(quality, rid): (usize, &&str)| Layer {
            quality: u8::try_from(quality).unwrap(),
            width: 320 << quality,
            height: 180 << quality,
            rid: (*rid).to_owned(),
        };
        let layers = RIDS.iter().enumerate().map(layer).collect();
        let track = AllowedTrack { layers, ..self.track(sid_text, &cid, TrackSource::Camera) };
        let session = self.clients[at].key;
        self.command(SfuCommand::Allow { session, track });
        let spec = SenderSpec { track_id: cid, stream_id: "-".into(), codec: Codec::H264 };
        let sender = self.clients[at].publisher.add_simulcast_sender(spec, &RIDS).unwrap();
        self.publish_offer(at);
        sender
    }

    fn wish(&mut self, at: usize, sid_text: &str, wish: TrackWish) {
        let session = self.clients[at].key;
        self.command(SfuCommand::Wish { session, sid: sid(sid_text), wish });
    }

    /// What the publisher was last told of its layers.
    fn told(&self) -> Option<[bool; 3]> {
        self.events.iter().rev().find_map(|event| match event {
            SfuEvent::LayersWanted { qualities, .. } => Some(*qualities),
            _ => None,
        })
    }

    /// The layer of the last packet somebody got.
    fn shown(&self, at: usize) -> Option<u8> {
        self.clients[at].received.last().map(|packet| packet.payload[1])
    }
}

/// A camera that sends what it is told to: 150, 450 and 1500 kbit/s, key frames when asked for.
struct Camera {
    sender: SenderId,
    count: u32,
    sequences: [u16; 3],
    fresh: [bool; 3],
}

impl Camera {
    fn new(sender: SenderId) -> Self {
        Self { sender, count: 0, sequences: [0; 3], fresh: [true; 3] }
    }

    fn film(&mut self, world: &mut World, time: Duration) {
        for _ in 0..time.as_millis() / 33 {
            let told = world.told().unwrap_or([true; 3]);
            let asked = std::mem::take(&mut world.clients[0].asked);
            for layer in 0..3 {
                if !told[layer] {
                    self.fresh[layer] = true;
                    continue;
                }
                // Which layer was asked for does not matter here: all of them answer.
                let key = std::mem::take(&mut self.fresh[layer]) || !asked.is_empty();
                let packets = [1, 2, 6][layer];
                for packet in 0..packets {
                    let first = if key && packet == 0 { 0x65 } else { 0x41 };
                    let mut payload = vec![first, u8::try_from(layer).unwrap()];
                    payload.resize([600, 900, 1040][layer], 0);
                    let out = RtpOut {
                        marker: packet + 1 == packets,
                        sequence: self.sequences[layer],
                        timestamp: self.count * 3000,
                        audio_level: None,
                        red: false,
                        payload: payload.into(),
                    };
                    self.sequences[layer] = self.sequences[layer].wrapping_add(1);
                    let now = world.now;
                    let peer = &mut world.clients[0].publisher;
                    peer.write_layer(self.sender, u8::try_from(layer).unwrap(), out, now).unwrap();
                }
            }
            self.count += 1;
            world.millis(33);
        }
    }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn a_publisher_sends_what_is_looked_at_and_nothing_else() {
    let mut world = World::meeting();
    let mut camera = Camera::new(world.publish_layers(0, "TR_cam"));
    world.subscribe(1, "TR_cam", true);
    world.millis(300);
    camera.film(&mut world, seconds(1));
    assert_eq!(world.shown(1), Some(2), "the best one");
    assert_eq!(world.told(), None, "less is told later");
    camera.film(&mut world, seconds(6));
    assert_eq!(world.told(), Some([false, false, true]));
    world.subscribe(2, "TR_cam", true);
    world.wish(2, "TR_cam", TrackWish { size: Some((200, 112)), ..TrackWish::default() });
    assert_eq!(world.told(), Some([true, false, true]), "more is told at once");
    camera.film(&mut world, seconds(1));
    assert_eq!((world.shown(1), world.shown(2)), (Some(2), Some(0)));
    world.wish(1, "TR_cam", TrackWish { disabled: true, ..TrackWish::default() });
    camera.film(&mut world, seconds(6));
    assert_eq!(world.told(), Some([true, false, false]));
    world.subscribe(2, "TR_cam", false);
    camera.film(&mut world, seconds(6));
    assert_eq!(world.told(), Some([false; 3]), "nobody looks: nothing is encoded");
    let had = world.clients[1].received.len();
    world.wish(1, "TR_cam", TrackWish::default());
    camera.film(&mut world, Duration::from_millis(300));
    assert!(world.clients[1].received.len() > had, "and it is back at once");
    assert_eq!(world.shown(1), Some(2), "on the best layer");
}

#[test]
fn a_late_joiner_gets_the_best_layer_and_costs_one_key_frame_of_it() {
    let mut world = World::meeting();
    let mut camera = Camera::new(world.publish_layers(0, "TR_cam"));
    world.subscribe(1, "TR_cam", true);
    world.millis(300);
    camera.film(&mut world, seconds(8));
    let asked = world.counters.key_frames_asked.value();
    world.subscribe(2, "TR_cam", true);
    camera.film(&mut world, Duration::from_millis(400));
    assert_eq!(world.shown(2), Some(2));
    assert!(
        world.counters.key_frames_asked.value() <= asked + 2,
        "asked {} times",
        world.counters.key_frames_asked.value() - asked
    );
    assert_eq!(world.clients[2].received[0].payload[0], 0x65, "it begins with a key frame");
}

#[test]
fn who_has_a_narrow_link_gets_a_smaller_layer_and_nobody_else_does() {
    let mut world = World::meeting();
    let mut camera = Camera::new(world.publish_layers(0, "TR_cam"));
    for at in [1, 2] {
        world.subscribe(at, "TR_cam", true);
    }
    world.millis(300);
    let end = world.clients[1].local(Target::Subscriber);
    world.links.insert(end, (700_000.0, world.now));
    camera.film(&mut world, seconds(10));
    assert_eq!(world.shown(2), Some(2));
    assert!(world.shown(1) < Some(2), "{:?}", world.shown(1));
    let waits = world.links[&end].1.saturating_duration_since(world.now);
    assert!(waits < Duration::from_millis(150), "no queue stands on it: {waits:?}");
    let received = &world.clients[1].received;
    let sequences: Vec<u16> = received.iter().map(|packet| packet.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "and it sees no gap");
    world.links.insert(end, (50e6, world.now));
    camera.film(&mut world, seconds(40));
    assert_eq!(world.shown(1), Some(2), "a link that became wide is used");
}
