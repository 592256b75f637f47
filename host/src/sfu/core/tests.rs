//! Sessions in virtual time: clients are `Peer`s, the air takes 5 ms and loses nothing unless told to.

use std::collections::BTreeMap;

use peer::{Codec, RemoteTrack, RtpIn, RtpOut, SenderId, SenderSpec, TrackKey};
use protocol::policy::{TrackKind, TrackSource};

use super::*;
use crate::sfu::contract::{AllowedTrack, Layer, TrackWish};

mod forwarding;
mod hostile;
mod life;
mod pictures;
mod view;

const HOST: &str = "10.0.0.1:7000";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn sid(text: &str) -> TrackSid {
    TrackSid::parse(text).unwrap()
}

/// What a LiveKit client has: a publisher that offers and a subscriber that answers.
struct Client {
    key: SessionKey,
    publisher: Peer,
    subscriber: Peer,
    tracks: Vec<RemoteTrack>,
    received: Vec<RtpIn>,
    data: Vec<(String, Bytes)>,
    asked: Vec<SenderId>,
    channels: HashMap<String, ChannelId>,
}

impl Client {
    fn local(&self, target: Target) -> SocketAddr {
        let port = 4000 + u16::try_from(self.key.0).unwrap() * 2 + u16::from(target == Target::Subscriber);
        SocketAddr::from(([10, 0, 0, 2], port))
    }

    fn sequences(&self, track: &str) -> Vec<u16> {
        let keys: Vec<TrackKey> =
            self.tracks.iter().filter(|remote| remote.track_id == track).map(|remote| remote.key).collect();
        self.received.iter().filter(|packet| keys.contains(&packet.track)).map(|packet| packet.sequence).collect()
    }
}

struct World {
    now: Instant,
    core: Core,
    clients: Vec<Client>,
    air: BTreeMap<(Instant, u64), (bool, Transmit)>,
    order: u64,
    events: Vec<SfuEvent>,
    counters: Arc<Counters>,
    /// Answers to subscriber offers are withheld.
    deaf: bool,
    /// Who joins from now on may receive pictures.
    pictures: bool,
    /// Links from the host to clients that carry only so much, in bit/s, and when they are idle again.
    links: HashMap<SocketAddr, (f64, Instant)>,
}

impl World {
    fn new() -> Self {
        Self::with_loudest(12)
    }

    fn with_loudest(loudest: usize) -> Self {
        let now = Instant::now();
        let counters = Arc::new(Counters::default());
        let mut core = Core::new(vec![address(HOST)], loudest, Arc::clone(&counters), now);
        core.fits_links = true;
        Self {
            now,
            core,
            clients: vec![],
            air: BTreeMap::new(),
            order: 0,
            events: vec![],
            counters,
            deaf: false,
            pictures: true,
            links: HashMap::new(),
        }
    }

    fn join(&mut self, room: &str) -> usize {
        self.join_speaking(room, false)
    }

    /// With a client that speaks RED, or not.
    fn join_speaking(&mut self, room: &str, red: bool) -> usize {
        let config = |flow| PeerConfig { red, ..PeerConfig::new(flow) };
        let key = SessionKey(self.clients.len() as u64 + 1);
        let mut client = Client {
            key,
            publisher: Peer::new(config(Flow::Send), self.now).unwrap(),
            subscriber: Peer::new(config(Flow::Receive), self.now).unwrap(),
            tracks: vec![],
            received: vec![],
            data: vec![],
            asked: vec![],
            channels: HashMap::new(),
        };
        let (publisher, subscriber) = (client.local(Target::Publisher), client.local(Target::Subscriber));
        client.publisher.add_local_candidate(LocalCandidate::Udp(publisher)).unwrap();
        client.subscriber.add_local_candidate(LocalCandidate::Udp(subscriber)).unwrap();
        for (label, delivery) in [(RELIABLE, Delivery::Reliable), (LOSSY, Delivery::Lossy)] {
            let channel = client.publisher.open_data_channel(label, delivery).unwrap();
            client.channels.insert(label.into(), channel);
        }
        self.clients.push(client);
        self.command(SfuCommand::Join {
            session: key,
            room: RoomId::parse(room).unwrap(),
            participant_sid: format!("PA_{}", key.0),
            can_subscribe: true,
            pictures: self.pictures,
        });
        let at = self.clients.len() - 1;
        self.publish_offer(at);
        at
    }

    fn command(&mut self, command: SfuCommand) {
        self.core.command(command, self.now);
        self.settle();
    }

    fn publish_offer(&mut self, at: usize) {
        let sdp = self.clients[at].publisher.create_offer(false, self.now).unwrap();
        let session = self.clients[at].key;
        self.command(SfuCommand::PublisherOffer { session, sdp, id: 5 });
    }

    fn track(&self, sid_text: &str, cid: &str, source: TrackSource) -> AllowedTrack {
        let kind = match source {
            TrackSource::Camera | TrackSource::ScreenShare => TrackKind::Video,
            TrackSource::Microphone | TrackSource::Megaphone | TrackSource::ScreenShareAudio => TrackKind::Audio,
        };
        AllowedTrack {
            sid: sid(sid_text),
            cid: cid.into(),
            other_cids: vec![],
            kind,
            source,
            codec: None,
            red: false,
            muted: false,
            layers: vec![],
        }
    }

    /// Allows and offers a track; packets may be written after a moment.
    fn publish(&mut self, at: usize, sid_text: &str, source: TrackSource) -> SenderId {
        let cid = format!("cid-{sid_text}");
        let allowed = self.track(sid_text, &cid, source);
        let codec = if allowed.kind == TrackKind::Audio { Codec::Opus } else { Codec::H264 };
        let session = self.clients[at].key;
        self.command(SfuCommand::Allow { session, track: allowed });
        let spec = SenderSpec { track_id: cid, stream_id: "-".into(), codec };
        let sender = self.clients[at].publisher.add_sender(spec).unwrap();
        self.publish_offer(at);
        sender
    }

    fn subscribe(&mut self, at: usize, sid_text: &str, on: bool) {
        let session = self.clients[at].key;
        self.command(SfuCommand::Subscribe { session, sid: sid(sid_text), on });
    }

    fn write(&mut self, at: usize, sender: SenderId, sequence: u16, level: u8, payload: &[u8]) {
        let packet = RtpOut {
            marker: false,
            sequence,
            timestamp: u32::from(sequence) * 960,
            audio_level: Some(level),
            red: false,
            payload: Bytes::copy_from_slice(payload),
        };
        self.clients[at].publisher.write_rtp(sender, packet, self.now).expect("the publisher is connected");
    }

    /// Everything that happens without time passing.
    fn settle(&mut self) {
        for _ in 0..50 {
            self.core.flush(self.now);
            let mut packets = vec![];
            self.core.take_transmits(&mut packets);
            let mut busy = !packets.is_empty();
            for packet in packets {
                self.order += 1;
                let mut leaves = self.now;
                if let Some((rate, idle)) = self.links.get_mut(&packet.remote) {
                    *idle = (*idle).max(self.now) + Duration::from_secs_f64(packet.bytes.len() as f64 * 8.0 / *rate);
                    leaves = *idle;
                }
                self.air.insert((leaves + Duration::from_millis(5), self.order), (false, packet));
            }
            for event in self.core.take_events() {
                busy = true;
                self.on_event(event);
            }
            for at in 0..self.clients.len() {
                self.settle_client(at);
            }
            if !busy {
                return;
            }
        }
        panic!("the core never comes to rest");
    }

    fn on_event(&mut self, event: SfuEvent) {
        let client = |world: &Self, key: SessionKey| world.clients.iter().position(|client| client.key == key);
        match &event {
            SfuEvent::PublisherAnswer { session, sdp, .. } => {
                if let Some(at) = client(self, *session) {
                    self.clients[at].publisher.set_answer(sdp, self.now).unwrap();
                }
            }
            SfuEvent::SubscriberOffer { session, sdp, id } if !self.deaf => {
                if let Some(at) = client(self, *session) {
                    let answer = self.clients[at].subscriber.accept_offer(sdp, self.now).unwrap();
                    self.core
                        .command(SfuCommand::SubscriberAnswer { session: *session, sdp: answer, id: *id }, self.now);
                }
            }
            _ => {}
        }
        self.events.push(event);
    }

    fn settle_client(&mut self, at: usize) {
        let now = self.now;
        let client = &mut self.clients[at];
        while let Some(event) = client.subscriber.poll_event() {
            match event {
                Event::TrackAdded(track) => client.tracks.push(track),
                Event::Rtp(packet) => client.received.push(packet),
                Event::Data { label, bytes, .. } => client.data.push((label.to_string(), bytes)),
                _ => {}
            }
        }
        while let Some(event) = client.publisher.poll_event() {
            if let Event::KeyFrameRequested { sender, .. } = event {
                client.asked.push(sender);
            }
        }
        for target in [Target::Publisher, Target::Subscriber] {
            let peer = if target == Target::Publisher { &mut client.publisher } else { &mut client.subscriber };
            while let Some(packet) = peer.poll_transmit() {
                self.order += 1;
                self.air.insert((now + Duration::from_millis(5), self.order), (true, packet));
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let mut next = self.core.next_timeout(self.now);
            if let Some(((at, _), _)) = self.air.first_key_value() {
                next = next.min(*at);
            }
            for client in &mut self.clients {
                let timers = [client.publisher.poll_timeout(), client.subscriber.poll_timeout()];
                next = timers.into_iter().flatten().fold(next, Instant::min);
            }
            if next > end {
                self.now = end;
                return;
            }
            self.now = next.max(self.now + Duration::from_micros(200));
            while let Some(entry) = self.air.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (to_host, packet) = entry.remove();
                self.arrive(to_host, packet);
            }
            self.core.timeout(self.now);
            for client in &mut self.clients {
                client.publisher.handle_timeout(self.now);
                client.subscriber.handle_timeout(self.now);
            }
        }
    }

    fn arrive(&mut self, to_host: bool, packet: Transmit) {
        let datagram = Datagram {
            now: self.now,
            protocol: packet.protocol,
            local: packet.remote,
            remote: packet.local,
            bytes: packet.bytes,
        };
        if to_host {
            self.core.packet(datagram);
            return;
        }
        for client in &mut self.clients {
            if client.local(Target::Publisher) == datagram.local {
                return client.publisher.handle(datagram);
            }
            if client.local(Target::Subscriber) == datagram.local {
                return client.subscriber.handle(datagram);
            }
        }
    }

    fn millis(&mut self, milliseconds: u64) {
        self.run(Duration::from_millis(milliseconds));
    }

    /// Three people in a room, connected.
    fn meeting() -> Self {
        let mut world = Self::new();
        for _ in 0..3 {
            world.join("room");
        }
        world.millis(1500);
        for client in &world.clients {
            assert!(client.publisher.is_connected() && client.subscriber.is_connected(), "{:?}", client.key);
        }
        world
    }

    fn count(&self, which: impl Fn(&SfuEvent) -> bool) -> usize {
        self.events.iter().filter(|event| which(event)).count()
    }
}

/// A key frame's and a later frame's payload.
const KEY: &[u8] = &[0x65, 1, 2, 3];
const DELTA: &[u8] = &[0x41, 1, 2, 3];
