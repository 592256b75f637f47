//! Load on the media plane alone: prints its CPU time per forwarded packet, one JSON object per line.
//! Run by hand: `cargo run --release -p host --example fanout`. The clients live on other threads of this process; only
//! the media thread's own CPU time counts. It must not measure anything else.

use std::collections::HashSet;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use host::sfu::contract::{AllowedTrack, Layer, SessionKey, SfuCommand, SfuEvent, Target, TrackWish};
use host::sfu::{Sfu, SfuConfig, SfuHandle};
use peer::{Codec, Datagram, Event, Flow, LocalCandidate, Peer, PeerConfig, Protocol, RtpOut, SenderId, SenderSpec};
use protocol::ids::{RoomId, TrackSid};
use protocol::policy::{TrackKind, TrackSource};
use tokio::sync::mpsc::Receiver;

/// What every publisher sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Film {
    /// Sound.
    Voice,
    /// One stream of 2.5 Mbit/s.
    Plain,
    /// Three layers; of the people who look, half look at the best, the others at the smaller ones.
    Layers,
}

const RIDS: [&str; 3] = ["q", "h", "f"];

impl Film {
    const fn codec(self) -> Codec {
        match self {
            Self::Voice => Codec::Opus,
            Self::Plain | Self::Layers => Codec::H264,
        }
    }

    /// (packets, bytes of each) of every layer, each time.
    const fn packets(self) -> &'static [(u16, usize)] {
        match self {
            Self::Voice => &[(1, 80)],
            Self::Plain => &[(9, 1157)],
            Self::Layers => &[(1, 660), (2, 940), (6, 1157)],
        }
    }

    const fn pause(self) -> Duration {
        match self {
            Self::Voice => Duration::from_millis(20),
            Self::Plain | Self::Layers => Duration::from_micros(33_333),
        }
    }

    fn layers(self) -> Vec<Layer> {
        let layer = |(quality, rid): (u8, &str)| Layer {
            quality,
            width: 320 << quality,
            height: 180 << quality,
            rid: rid.to_owned(),
        };
        if self == Self::Layers { (0..).zip(RIDS).map(layer).collect() } else { vec![] }
    }
}

struct End {
    peer: Peer,
    socket: UdpSocket,
    local: SocketAddr,
}

impl End {
    fn new(flow: Flow) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let mut peer = Peer::new(PeerConfig::new(flow), Instant::now())?;
        peer.add_local_candidate(LocalCandidate::Udp(local))?;
        Ok(Self { peer, socket, local })
    }

    fn step(&mut self, events: &mut Vec<Event>) {
        let mut buffer = [0; 2048];
        while let Ok((length, remote)) = self.socket.recv_from(&mut buffer) {
            self.peer.handle(Datagram {
                now: Instant::now(),
                protocol: Protocol::Udp,
                local: self.local,
                remote,
                bytes: BytesMut::from(&buffer[..length]),
            });
        }
        let now = Instant::now();
        if self.peer.poll_timeout().is_some_and(|at| at <= now) {
            self.peer.handle_timeout(now);
        }
        while let Some(event) = self.peer.poll_event() {
            events.push(event);
        }
        while let Some(packet) = self.peer.poll_transmit() {
            // A full socket buffer is loss, which the receiver repairs.
            if self.socket.send_to(&packet.bytes, packet.remote).is_err() {
                std::thread::yield_now();
            }
        }
    }
}

struct Client {
    publisher: Option<(End, SenderId)>,
    subscriber: End,
    got: HashSet<(u32, u16)>,
}

struct Load {
    sfu: SfuHandle,
    events: Receiver<SfuEvent>,
    clients: Vec<Client>,
    tick: u16,
}

fn key(at: usize) -> SessionKey {
    SessionKey(at as u64 + 1)
}

impl Load {
    fn new(publishers: usize, people: usize, film: Film) -> anyhow::Result<Self> {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let candidates = vec![udp.local_addr()?];
        let (sfu, events) = Sfu::start(SfuConfig::new(udp, candidates))?;
        let mut load = Self { sfu, events, clients: vec![], tick: 0 };
        for at in 0..people {
            load.sfu.send(SfuCommand::Join {
                session: key(at),
                room: RoomId::parse("load")?,
                participant_sid: format!("PA_{at}"),
                can_subscribe: true,
                pictures: true,
            });
            let publisher = if at < publishers { Some(load.publisher(at, film)?) } else { None };
            load.clients.push(Client { publisher, subscriber: End::new(Flow::Receive)?, got: HashSet::new() });
        }
        for at in 0..people {
            for of in (0..publishers).filter(|of| *of != at) {
                let sid = TrackSid::parse(format!("TR_{of}"))?;
                load.sfu.send(SfuCommand::Subscribe { session: key(at), sid: sid.clone(), on: true });
                if film == Film::Layers {
                    let size = [(1280, 720), (300, 170), (1280, 720), (600, 340)][(at + of) % 4];
                    let wish = TrackWish { size: Some(size), ..TrackWish::default() };
                    load.sfu.send(SfuCommand::Wish { session: key(at), sid, wish });
                }
            }
        }
        Ok(load)
    }

    fn publisher(&self, at: usize, film: Film) -> anyhow::Result<(End, SenderId)> {
        let mut end = End::new(Flow::Send)?;
        let cid = format!("cid{at}");
        let codec = film.codec();
        let video = codec != Codec::Opus;
        self.sfu.send(SfuCommand::Allow {
            session: key(at),
            track: AllowedTrack {
                sid: TrackSid::parse(format!("TR_{at}"))?,
                cid: cid.clone(),
                other_cids: vec![],
                kind: if video { TrackKind::Video } else { TrackKind::Audio },
                source: if video { TrackSource::Camera } else { TrackSource::Microphone },
                codec: None,
                red: false,
                muted: false,
                layers: film.layers(),
            },
        });
        let spec = SenderSpec { track_id: cid, stream_id: "-".into(), codec };
        let sender = match film {
            Film::Layers => end.peer.add_simulcast_sender(spec, &RIDS)?,
            Film::Voice | Film::Plain => end.peer.add_sender(spec)?,
        };
        let sdp = end.peer.create_offer(false, Instant::now())?;
        self.sfu.send(SfuCommand::PublisherOffer { session: key(at), sdp, id: 1 });
        Ok((end, sender))
    }

    fn step(&mut self) -> anyhow::Result<()> {
        while let Ok(event) = self.events.try_recv() {
            match event {
                SfuEvent::PublisherAnswer { session, sdp, .. } => {
                    if let Some((end, _)) = &mut self.clients[session.0 as usize - 1].publisher {
                        end.peer.set_answer(&sdp, Instant::now())?;
                    }
                }
                SfuEvent::SubscriberOffer { session, sdp, id } => {
                    let end = &mut self.clients[session.0 as usize - 1].subscriber;
                    let sdp = end.peer.accept_offer(&sdp, Instant::now())?;
                    self.sfu.send(SfuCommand::SubscriberAnswer { session, sdp, id });
                }
                SfuEvent::NegotiationFailed { session, target } | SfuEvent::Disconnected { session, target } => {
                    anyhow::bail!("{session:?} {target:?} failed");
                }
                SfuEvent::Trickle { .. }
                | SfuEvent::Connected { target: Target::Publisher | Target::Subscriber, .. }
                | SfuEvent::TrackLive { .. }
                | SfuEvent::TrackGone { .. }
                | SfuEvent::FirstSubscriber { .. }
                | SfuEvent::LayersWanted { .. }
                | SfuEvent::Speakers { .. }
                | SfuEvent::Data { .. }
                | SfuEvent::Quality { .. } => {}
            }
        }
        let mut events = vec![];
        for client in &mut self.clients {
            if let Some((end, _)) = &mut client.publisher {
                end.step(&mut events);
                events.clear();
            }
            client.subscriber.step(&mut events);
            for event in events.drain(..) {
                if let Event::Rtp(packet) = event {
                    client.got.insert((packet.ssrc, packet.sequence));
                }
            }
        }
        Ok(())
    }

    /// Sends the film from every publisher for `time`.
    fn play(&mut self, film: Film, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        let mut next = Instant::now();
        while Instant::now() < end {
            if Instant::now() >= next {
                next += film.pause();
                self.tick = self.tick.wrapping_add(1);
                for at in 0..self.clients.len() {
                    self.shoot(at, film);
                }
            }
            self.step()?;
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    /// One picture, or packet of sound, of one publisher.
    fn shoot(&mut self, at: usize, film: Film) {
        let Some((publisher, sender)) = &mut self.clients[at].publisher else { return };
        for (layer, (packets, size)) in (0..).zip(film.packets()) {
            let mut payload = vec![1; *size];
            for packet in 0..*packets {
                // Every frame begins like a key frame: the load is forwarding, not waiting for one.
                payload[0] = if packet == 0 { 0x65 } else { 0x41 };
                let out = RtpOut {
                    marker: packet + 1 == *packets,
                    sequence: self.tick.wrapping_mul(*packets).wrapping_add(packet),
                    timestamp: u32::from(self.tick) * 3000,
                    audio_level: Some(if at < 12 { 20 } else { 90 }),
                    red: false,
                    payload: Bytes::copy_from_slice(&payload),
                };
                if publisher.peer.write_layer(*sender, layer, out, Instant::now()).is_err() {
                    return;
                }
            }
        }
    }
}

fn measure(name: &str, publishers: usize, people: usize, film: Film) -> anyhow::Result<f64> {
    let mut load = Load::new(publishers, people, film)?;
    load.play(film, Duration::from_secs(8))?;
    for client in &mut load.clients {
        client.got.clear();
    }
    let before = (load.sfu.counters().rtp_forwarded.value(), load.sfu.counters().thread_cpu_us());
    load.play(film, Duration::from_secs(15))?;
    let forwarded = load.sfu.counters().rtp_forwarded.value() - before.0;
    // The thread notes its CPU time once a second.
    let cpu = load.sfu.counters().thread_cpu_us() - before.1;
    for _ in 0..200 {
        load.step()?;
        std::thread::sleep(Duration::from_millis(1));
    }
    let received: usize = load.clients.iter().map(|client| client.got.len()).sum();
    let per_packet = cpu as f64 / forwarded as f64;
    let loss = 1.0 - (received as f64 / forwarded as f64).min(1.0);
    writeln!(
        std::io::stdout(),
        "{{\"name\":\"{name}\",\"us_per_packet\":{per_packet:.2},\"forwarded\":{forwarded},\"received\":{received},\"loss\":{loss:.5},\"unsent\":{}}}",
        load.sfu.counters().unsent.value()
    )?;
    Ok(per_packet)
}

fn main() -> anyhow::Result<()> {
    let video = measure("video 1 to 50", 1, 51, Film::Plain)?;
    let layers = measure("layers 1 to 50", 1, 51, Film::Layers)?;
    let many = measure("layers 10 x 10", 10, 10, Film::Layers)?;
    let audio = measure("audio 30 x 30", 30, 30, Film::Voice)?;
    writeln!(
        std::io::stdout(),
        "{{\"scenario\":\"fanout\",\"video_us_per_packet\":{video:.2},\"layers_us_per_packet\":{layers:.2},\"layers_10x10_us_per_packet\":{many:.2},\"audio_us_per_packet\":{audio:.2}}}"
    )?;
    Ok(())
}
