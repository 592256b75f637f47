//! Load on the media plane alone: prints its CPU time per forwarded packet, one JSON object per line.
//! Run by hand: `cargo run --release -p host --example fanout`. The clients live on other threads of this process; only
//! the media thread's own CPU time counts. It must not measure anything else.

use std::collections::HashSet;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use host::sfu::contract::{AllowedTrack, SessionKey, SfuCommand, SfuEvent, Target};
use host::sfu::{Sfu, SfuConfig, SfuHandle};
use peer::{Codec, Datagram, Event, Flow, LocalCandidate, Peer, PeerConfig, Protocol, RtpOut, SenderId, SenderSpec};
use protocol::ids::{RoomId, TrackSid};
use protocol::policy::{TrackKind, TrackSource};
use tokio::sync::mpsc::Receiver;

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
}

fn key(at: usize) -> SessionKey {
    SessionKey(at as u64 + 1)
}

impl Load {
    fn new(publishers: usize, people: usize, codec: Codec) -> anyhow::Result<Self> {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let candidates = vec![udp.local_addr()?];
        let (sfu, events) = Sfu::start(SfuConfig::new(udp, candidates))?;
        let mut load = Self { sfu, events, clients: vec![] };
        for at in 0..people {
            load.sfu.send(SfuCommand::Join {
                session: key(at),
                room: RoomId::parse("load")?,
                participant_sid: format!("PA_{at}"),
                can_subscribe: true,
                pictures: true,
            });
            let publisher = if at < publishers { Some(load.publisher(at, codec)?) } else { None };
            load.clients.push(Client { publisher, subscriber: End::new(Flow::Receive)?, got: HashSet::new() });
        }
        for at in 0..people {
            for of in (0..publishers).filter(|of| *of != at) {
                let sid = TrackSid::parse(format!("TR_{of}"))?;
                load.sfu.send(SfuCommand::Subscribe { session: key(at), sid, on: true });
            }
        }
        Ok(load)
    }

    fn publisher(&self, at: usize, codec: Codec) -> anyhow::Result<(End, SenderId)> {
        let mut end = End::new(Flow::Send)?;
        let cid = format!("cid{at}");
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
                layers: vec![],
            },
        });
        let sender = end.peer.add_sender(SenderSpec { track_id: cid, stream_id: "-".into(), codec })?;
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

    /// Sends `packets` of `size` bytes every `pause` from every publisher for `time`.
    fn play(&mut self, packets: u16, size: usize, pause: Duration, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        let (mut next, mut tick) = (Instant::now(), 0_u16);
        let mut payload = vec![1; size];
        while Instant::now() < end {
            if Instant::now() >= next {
                next += pause;
                tick = tick.wrapping_add(1);
                for (at, client) in self.clients.iter_mut().enumerate() {
                    let Some((publisher, sender)) = &mut client.publisher else { continue };
                    for packet in 0..packets {
                        // Every frame begins like a key frame: the load is forwarding, not waiting for one.
                        payload[0] = if packet == 0 { 0x65 } else { 0x41 };
                        let out = RtpOut {
                            marker: packet + 1 == packets,
                            sequence: tick.wrapping_mul(packets).wrapping_add(packet),
                            timestamp: u32::from(tick) * 3000,
                            audio_level: Some(if at < 12 { 20 } else { 90 }),
                            red: false,
                            payload: Bytes::copy_from_slice(&payload),
                        };
                        if publisher.peer.write_rtp(*sender, out, Instant::now()).is_err() {
                            break;
                        }
                    }
                }
            }
            self.step()?;
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }
}

fn measure(name: &str, publishers: usize, people: usize, codec: Codec) -> anyhow::Result<f64> {
    let mut load = Load::new(publishers, people, codec)?;
    let (packets, size, pause) = if codec == Codec::Opus {
        (1, 80, Duration::from_millis(20))
    } else {
        (9, 1157, Duration::from_micros(33_333))
    };
    load.play(packets, size, pause, Duration::from_secs(8))?;
    for client in &mut load.clients {
        client.got.clear();
    }
    let before = (load.sfu.counters().rtp_forwarded.value(), load.sfu.counters().thread_cpu_us());
    load.play(packets, size, pause, Duration::from_secs(15))?;
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
    let video = measure("video 1 to 50", 1, 51, Codec::H264)?;
    let audio = measure("audio 30 x 30", 30, 30, Codec::Opus)?;
    writeln!(
        std::io::stdout(),
        "{{\"scenario\":\"fanout\",\"video_us_per_packet\":{video:.2},\"audio_us_per_packet\":{audio:.2}}}"
    )?;
    Ok(())
}
