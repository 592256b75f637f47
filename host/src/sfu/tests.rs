//! The media plane on real sockets: UDP and ICE-TCP on loopback. Times are hang guards only.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peer::{
    Codec, Datagram, Deframer, Event, Flow, LocalCandidate, Peer, PeerConfig, Protocol, RtpOut, SenderId, SenderSpec,
    Transmit, frame_header,
};
use protocol::ids::{RoomId, TrackSid};
use protocol::policy::{TrackKind, TrackSource};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::*;
use crate::sfu::contract::{AllowedTrack, SessionKey};

const GUARD: Duration = Duration::from_secs(30);

enum Road {
    Udp(UdpSocket),
    Tcp(TcpStream, Deframer),
}

struct End {
    peer: Peer,
    road: Road,
    local: SocketAddr,
}

impl End {
    async fn udp(flow: Flow) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let local = socket.local_addr().unwrap();
        let mut peer = Peer::new(PeerConfig::new(flow), Instant::now()).unwrap();
        peer.add_local_candidate(LocalCandidate::Udp(local)).unwrap();
        Self { peer, road: Road::Udp(socket), local }
    }

    async fn tcp(flow: Flow, host: SocketAddr) -> Self {
        let stream = TcpStream::connect(host).await.unwrap();
        let local = stream.local_addr().unwrap();
        let mut peer = Peer::new(PeerConfig::new(flow), Instant::now()).unwrap();
        peer.add_local_candidate(LocalCandidate::TcpActive(local)).unwrap();
        Self { peer, road: Road::Tcp(stream, Deframer::default()), local }
    }

    /// Sends what there is, then waits a moment for packets.
    async fn step(&mut self, host: SocketAddr, events: &mut Vec<Event>) {
        while let Some(event) = self.peer.poll_event() {
            events.push(event);
        }
        while let Some(packet) = self.peer.poll_transmit() {
            self.send(packet).await;
        }
        let mut buffer = vec![0; 4096];
        let mut packets = vec![];
        let protocol = match &mut self.road {
            Road::Udp(socket) => {
                let mut patience = Duration::from_millis(2);
                while let Ok(Ok(length)) = tokio::time::timeout(patience, socket.recv(&mut buffer)).await {
                    packets.push(BytesMut::from(&buffer[..length]));
                    patience = Duration::ZERO;
                }
                Protocol::Udp
            }
            Road::Tcp(stream, deframer) => {
                if let Ok(Ok(length)) = tokio::time::timeout(Duration::from_millis(2), stream.read(&mut buffer)).await {
                    deframer.feed(&buffer[..length]);
                }
                while let Some(packet) = deframer.next_packet().unwrap() {
                    packets.push(packet);
                }
                Protocol::Tcp
            }
        };
        let now = Instant::now();
        for bytes in packets {
            self.peer.handle(Datagram { now, protocol, local: self.local, remote: host, bytes });
        }
        if self.peer.poll_timeout().is_some_and(|at| at <= now) {
            self.peer.handle_timeout(now);
        }
    }

    async fn send(&mut self, packet: Transmit) {
        match &mut self.road {
            Road::Udp(socket) => {
                socket.send_to(&packet.bytes, packet.remote).await.unwrap();
            }
            Road::Tcp(stream, _) => {
                stream.write_all(&frame_header(packet.bytes.len())).await.unwrap();
                stream.write_all(&packet.bytes).await.unwrap();
            }
        }
    }
}

/// One speaks over the first road, the other hears over the second.
async fn speak(publisher_by_tcp: bool, subscriber_by_tcp: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    let udp = std::net::UdpSocket::bind(host).unwrap();
    let (sfu, mut events) = Sfu::start(SfuConfig::new(udp, vec![host])).unwrap();
    let door = sfu.clone();
    let porter = tokio::spawn(async move {
        while let Ok((stream, remote)) = listener.accept().await {
            door.accept_tcp(stream, remote);
        }
    });
    let mut publisher = if publisher_by_tcp { End::tcp(Flow::Send, host).await } else { End::udp(Flow::Send).await };
    let mut subscriber =
        if subscriber_by_tcp { End::tcp(Flow::Receive, host).await } else { End::udp(Flow::Receive).await };
    for session in [1, 2] {
        sfu.send(SfuCommand::Join {
            session: SessionKey(session),
            room: RoomId::parse("room").unwrap(),
            participant_sid: format!("PA_{session}"),
            can_subscribe: session == 2,
            pictures: true,
        });
    }
    let sid = TrackSid::parse("TR_mic").unwrap();
    sfu.send(SfuCommand::Allow {
        session: SessionKey(1),
        track: AllowedTrack {
            sid: sid.clone(),
            cid: "mic".into(),
            other_cids: vec![],
            kind: TrackKind::Audio,
            source: TrackSource::Microphone,
            codec: None,
            red: false,
            muted: false,
            layers: vec![],
        },
    });
    sfu.send(SfuCommand::Subscribe { session: SessionKey(2), sid, on: true });
    let spec = SenderSpec { track_id: "mic".into(), stream_id: "-".into(), codec: Codec::Opus };
    let mic: SenderId = publisher.peer.add_sender(spec).unwrap();
    let sdp = publisher.peer.create_offer(false, Instant::now()).unwrap();
    sfu.send(SfuCommand::PublisherOffer { session: SessionKey(1), sdp, id: 1 });

    let (mut heard, mut sequence) = (0, 0_u16);
    let end = Instant::now() + GUARD;
    while heard < 20 {
        assert!(Instant::now() < end, "{heard} packets; {:?} {:?}", publisher.peer, subscriber.peer);
        while let Ok(event) = events.try_recv() {
            match event {
                SfuEvent::PublisherAnswer { sdp, .. } => publisher.peer.set_answer(&sdp, Instant::now()).unwrap(),
                SfuEvent::SubscriberOffer { session, sdp, id } => {
                    let sdp = subscriber.peer.accept_offer(&sdp, Instant::now()).unwrap();
                    sfu.send(SfuCommand::SubscriberAnswer { session, sdp, id });
                }
                _ => {}
            }
        }
        let out = RtpOut {
            marker: false,
            sequence,
            timestamp: u32::from(sequence) * 960,
            audio_level: Some(20),
            red: false,
            payload: Bytes::from_static(b"opus"),
        };
        if publisher.peer.write_rtp(mic, out, Instant::now()).is_ok() {
            sequence = sequence.wrapping_add(1);
        }
        let mut seen = vec![];
        publisher.step(host, &mut seen).await;
        seen.clear();
        subscriber.step(host, &mut seen).await;
        heard += seen.iter().filter(|event| matches!(event, Event::Rtp(_))).count();
    }
    assert!(sfu.counters().rtp_forwarded.value() >= 20);
    porter.abort();
}

#[tokio::test]
async fn sound_crosses_the_host_over_udp() {
    speak(false, false).await;
}

#[tokio::test]
async fn sound_crosses_the_host_over_tcp_where_udp_is_blocked() {
    speak(true, true).await;
    speak(false, true).await;
}

#[tokio::test]
async fn a_stream_that_is_not_ours_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    let udp = std::net::UdpSocket::bind(host).unwrap();
    let (sfu, _events) = Sfu::start(SfuConfig::new(udp, vec![host])).unwrap();
    for rubbish in [&b"\x00\x04abcd"[..], b"\xff\xff", b"\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42aaaaaaaaaaaa"] {
        let mut stream = TcpStream::connect(host).await.unwrap();
        let (accepted, remote) = listener.accept().await.unwrap();
        sfu.accept_tcp(accepted, remote);
        stream.write_all(rubbish).await.unwrap();
        let mut buffer = [0; 16];
        let read = tokio::time::timeout(GUARD, stream.read(&mut buffer)).await.expect("closed, not kept");
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
}
