//! The loop around both peers: packets in, timers, orders, packets out. One task; never blocks, never decides.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use media_core::frame::{AudioLevel, Codec, SealedFrame};
use media_core::rtp::{Packet, Packetizer};
use peer::{
    ChannelId, Datagram, Delivery, Event, LocalCandidate, Peer, PeerError, Protocol, RtpIn, RtpOut, SenderId,
    SenderSpec, TrackKey, Transmit,
};
use protocol::ids::TrackSid;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::pacer::Pacer;
use super::tcp::{self, Dialled};
use super::uplink::{Meter, Uplink, YOUNG};
use super::{Lane, Note, Order, Sink};
use crate::secrets;

/// Largest datagram taken.
const DATAGRAM: usize = 2048;
/// Packets read in a row before timers and orders get their turn.
const BATCH: usize = 64;
/// UDP gets this long before TCP candidates are dialled, too.
const UDP_HEAD_START: Duration = Duration::from_millis(1500);
/// TCP candidates dialled per connection.
const MAX_DIALS: usize = 4;
/// How often the session hears how the connections fare.
const QUALITY_EVERY: Duration = Duration::from_secs(2);
/// A key frame of one track is asked for at most this often.
const KEY_EVERY: Duration = Duration::from_millis(300);
/// A peer that wants no timer is looked at this often.
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct Driver {
    publisher: Side,
    /// Its channel for data that may get lost.
    lossy: ChannelId,
    subscriber: Side,
    lanes: HashMap<Lane, SendingLane>,
    routes: HashMap<TrackSid, Route>,
    tracks: HashMap<TrackKey, TrackSid>,
    notes: Box<dyn Fn(Note) -> bool + Send + Sync>,
    dialled: mpsc::Sender<Dialled>,
    next_quality: Instant,
    /// Packets of pictures that wait for their turn.
    pacer: Pacer<(Lane, u8, RtpOut)>,
    uplink: Uplink,
    screen: Meter,
    /// When the first picture was sent.
    shows_since: Option<Instant>,
}

struct Side {
    publisher: bool,
    peer: Peer,
    socket: UdpSocket,
    local: SocketAddr,
    /// Told to the server with the first description.
    candidate: Option<String>,
    up: bool,
    dead: bool,
    /// Passive TCP candidates of the server, for when UDP does not get through.
    passive: Vec<SocketAddr>,
    dial_at: Option<Instant>,
    streams: HashMap<SocketAddr, mpsc::Sender<BytesMut>>,
}

struct SendingLane {
    sender: SenderId,
    /// One per layer.
    packetizers: Vec<Packetizer>,
}

struct Route {
    sink: Sink,
    key: Option<TrackKey>,
    asked: Option<Instant>,
    wants_key: bool,
}

impl Driver {
    pub(super) fn new(
        publisher: (Peer, UdpSocket),
        subscriber: (Peer, UdpSocket),
        notes: Box<dyn Fn(Note) -> bool + Send + Sync>,
        uplink: Uplink,
    ) -> std::io::Result<Self> {
        let mut publisher = Side::new(true, publisher)?;
        let mut open =
            |label, delivery| publisher.peer.open_data_channel(label, delivery).map_err(std::io::Error::other);
        open("_reliable", Delivery::Reliable)?;
        let lossy = open("_lossy", Delivery::Lossy)?;
        open("_data_track", Delivery::Lossy)?;
        Ok(Self {
            publisher,
            subscriber: Side::new(false, subscriber)?,
            lossy,
            lanes: HashMap::new(),
            routes: HashMap::new(),
            tracks: HashMap::new(),
            notes,
            // Replaced in `run`, which owns the other end.
            dialled: mpsc::channel(1).0,
            next_quality: Instant::now() + QUALITY_EVERY,
            pacer: Pacer::default(),
            uplink,
            screen: Meter::default(),
            shows_since: None,
        })
    }

    pub(super) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut frames: mpsc::Receiver<(Lane, u8, SealedFrame)>,
    ) {
        let (dialled, mut streams) = mpsc::channel(64);
        self.dialled = dialled;
        loop {
            self.settle();
            let wake = tokio::time::Instant::from_std(self.wake());
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else { break };
                    self.on_order(order);
                    while let Ok(order) = orders.try_recv() {
                        self.on_order(order);
                    }
                }
                Some((lane, layer, frame)) = frames.recv() => {
                    self.on_frame(lane, layer, &frame);
                    while let Ok((lane, layer, frame)) = frames.try_recv() {
                        self.on_frame(lane, layer, &frame);
                    }
                }
                ready = self.subscriber.socket.readable() => self.subscriber.read(ready),
                ready = self.publisher.socket.readable() => self.publisher.read(ready),
                Some(stream) = streams.recv() => self.on_stream(stream),
                () = tokio::time::sleep_until(wake) => self.on_time(Instant::now()),
            }
        }
        self.publisher.close();
        self.subscriber.close();
    }

    fn wake(&mut self) -> Instant {
        let far = Instant::now() + IDLE;
        let paced = self.pacer.wake(Instant::now());
        let timers = [self.publisher.wake(), self.subscriber.wake(), Some(self.next_quality), paced];
        timers.into_iter().flatten().fold(far, Instant::min)
    }

    fn on_time(&mut self, now: Instant) {
        for side in [&mut self.publisher, &mut self.subscriber] {
            side.peer.handle_timeout(now);
            if side.dial_at.is_some_and(|at| at <= now) {
                side.dial_at = None;
                side.dial(&self.dialled);
            }
        }
        if now >= self.next_quality {
            self.next_quality = now + QUALITY_EVERY;
            let (sent, got) = (self.publisher.peer.quality(), self.subscriber.peer.quality());
            if self.publisher.up || self.subscriber.up {
                self.note(Note::Quality {
                    loss_percent: sent.loss_percent.max(got.loss_percent),
                    sent_loss_percent: sent.loss_percent,
                    rtt: sent.rtt.or(got.rtt),
                    resent_percent: sent.resent_percent,
                });
            }
        }
        for route in self.routes.values_mut().filter(|r| r.wants_key) {
            route.ask(&mut self.subscriber.peer, now);
        }
    }

    /// After every step: what happened goes to its place, what is to be sent is sent.
    fn settle(&mut self) {
        self.pace(Instant::now());
        while let Some(event) = self.publisher.peer.poll_event() {
            self.on_event(true, event);
        }
        while let Some(event) = self.subscriber.peer.poll_event() {
            self.on_event(false, event);
        }
        self.publisher.flush();
        self.subscriber.flush();
    }

    fn on_event(&mut self, publisher: bool, event: Event) {
        match event {
            Event::Rtp(packet) => self.on_rtp(packet),
            Event::Connected => {
                let side = self.side(publisher);
                side.up = true;
                side.dial_at = None;
                self.note(Note::Up { publisher });
            }
            Event::Disconnected => {
                self.side(publisher).up = false;
                self.note(Note::Down { publisher });
            }
            Event::Failed => self.die(publisher),
            Event::TrackAdded(track) => {
                // LiveKit: `PA_…|TR_…` and `TR_…`; with synchronised streams only the second is the track.
                let sid = track.stream_id.split_once('|').map(|(_, t)| t).filter(|t| t.starts_with("TR"));
                let sid = if track.track_id.starts_with("TR") { Some(track.track_id.as_str()) } else { sid };
                let Some(sid) = sid.and_then(|sid| TrackSid::parse(sid).ok()) else {
                    tracing::debug!("a track without a sid");
                    return;
                };
                if let Some(route) = self.routes.get_mut(&sid) {
                    route.key = Some(track.key);
                }
                self.tracks.insert(track.key, sid);
            }
            Event::TrackRemoved(key) => {
                if let Some(sid) = self.tracks.remove(&key)
                    && let Some(route) = self.routes.get_mut(&sid)
                    && route.key == Some(key)
                {
                    route.key = None;
                }
            }
            Event::KeyFrameRequested { sender, layer } => {
                if let Some((lane, _)) = self.lanes.iter().find(|(_, l)| l.sender == sender) {
                    let lane = *lane;
                    self.note(Note::KeyWanted(lane, layer));
                }
            }
            Event::Data { bytes, .. } => self.note(Note::Data(bytes)),
            // We offer when the session says so: it knows what else will change in the same breath.
            Event::NegotiationNeeded | Event::ChannelOpen { .. } | Event::ChannelClosed { .. } => {}
        }
    }

    fn on_rtp(&mut self, packet: RtpIn) {
        let Some(route) = self.tracks.get(&packet.track).and_then(|sid| self.routes.get_mut(sid)) else { return };
        route.key = Some(packet.track);
        if route.wants_key {
            route.ask(&mut self.subscriber.peer, packet.now);
        }
        if packet.payload.is_empty() {
            return;
        }
        let codec = match packet.codec {
            peer::Codec::Opus => Codec::Opus,
            peer::Codec::Vp8 => Codec::Vp8,
            peer::Codec::H264 => Codec::H264,
        };
        let level = packet.audio_level.map(|below_full| AudioLevel { below_full, voice: false });
        let media = Packet {
            sequence: packet.sequence,
            rtp_time: packet.timestamp,
            marker: packet.marker,
            level,
            payload: packet.payload,
        };
        (route.sink.0)(codec, media, packet.now);
    }

    fn on_frame(&mut self, lane: Lane, layer: u8, frame: &SealedFrame) {
        let Some(sending) = self.lanes.get_mut(&lane) else { return };
        if !self.publisher.peer.sender_ready(sending.sender) {
            return;
        }
        let Some(packetizer) = sending.packetizers.get_mut(usize::from(layer)) else { return };
        let mut packets = Vec::new();
        if let Err(error) = packetizer.pack(frame, &mut packets) {
            tracing::warn!(%error, ?lane, "a frame could not be packed");
            return;
        }
        let sender = sending.sender;
        let now = Instant::now();
        for packet in packets {
            let out = RtpOut {
                marker: packet.marker,
                sequence: packet.sequence,
                timestamp: packet.rtp_time,
                audio_level: packet.level.map(|l| l.below_full),
                red: false,
                payload: packet.payload,
            };
            if lane.codec() != Codec::Opus {
                self.queue(lane, layer, out);
            } else if let Err(error) = self.publisher.peer.write_rtp(sender, out, now) {
                tracing::debug!(%error, ?lane, "a packet was not sent");
                return;
            }
        }
    }

    /// Pictures wait for their turn.
    fn queue(&mut self, lane: Lane, layer: u8, out: RtpOut) {
        let bytes = out.payload.len();
        if lane == Lane::Screen {
            self.screen.add(bytes);
        }
        let Err(given_up) = self.pacer.push((lane, layer, out), bytes) else { return };
        tracing::warn!(packets = given_up.len(), "pictures are given up: the link does not carry them");
        let chains: HashSet<(Lane, u8)> = given_up.into_iter().map(|(lane, layer, _)| (lane, layer)).collect();
        for (lane, layer) in chains {
            self.note(Note::KeyWanted(lane, layer));
        }
    }

    /// Sends the pictures whose turn it is, and tells those who encode what the link carries.
    fn pace(&mut self, now: Instant) {
        let estimate = self.publisher.peer.estimate(now);
        self.pacer.follow(estimate);
        let young = self.shows_since.is_none_or(|at| now.saturating_duration_since(at) < YOUNG);
        self.uplink.set(estimate, self.screen.rate(now), young);
        while let Some((lane, layer, out)) = self.pacer.due(now) {
            self.shows_since.get_or_insert(now);
            let Some(sending) = self.lanes.get(&lane) else { continue };
            if let Err(error) = self.publisher.peer.write_layer(sending.sender, layer, out, now) {
                tracing::debug!(%error, ?lane, "a packet was not sent");
            }
        }
    }

    fn on_order(&mut self, order: Order) {
        let now = Instant::now();
        match order {
            Order::Offer { ice_restart } => match self.publisher.peer.create_offer(ice_restart, now) {
                Ok(sdp) => {
                    self.note(Note::Offer(sdp));
                    self.tell_candidate(true, ice_restart, now);
                }
                Err(error) => self.stuck(true, &error),
            },
            Order::Answer(sdp) => {
                if let Err(error) = self.publisher.peer.set_answer(&sdp, now) {
                    self.stuck(true, &error);
                }
            }
            Order::SubscriberOffer { sdp, id } => match self.subscriber.peer.accept_offer(&sdp, now) {
                Ok(sdp) => {
                    self.note(Note::Answer { sdp, id });
                    self.tell_candidate(false, false, now);
                }
                Err(error) => self.stuck(false, &error),
            },
            Order::Candidate { publisher, json } => {
                let side = self.side(publisher);
                if let Some(address) = tcp::passive_address(&json) {
                    side.passive.push(address);
                }
                match side.peer.add_remote_candidate(&json) {
                    Ok(()) | Err(PeerError::Candidate) => {}
                    Err(error) => tracing::debug!(%error, "a candidate was not taken"),
                }
            }
            Order::AddLane { lane, cid } => self.add_lane(lane, cid),
            Order::RemoveLane(lane) => {
                if let Some(gone) = self.lanes.remove(&lane)
                    && let Err(error) = self.publisher.peer.remove_sender(gone.sender)
                {
                    self.stuck(true, &error);
                }
            }
            Order::Route(sid, sink) => {
                let key = self.tracks.iter().find(|(_, s)| **s == sid).map(|(key, _)| *key);
                self.routes.insert(sid, Route { sink, key, asked: None, wants_key: false });
            }
            Order::Unroute(sid) => {
                self.routes.remove(&sid);
            }
            Order::NeedKey(sid) => {
                if let Some(route) = self.routes.get_mut(&sid) {
                    route.wants_key = true;
                    route.ask(&mut self.subscriber.peer, now);
                }
            }
            Order::Data(bytes) => {
                if let Err(error) = self.publisher.peer.send_data(self.lossy, &bytes, now) {
                    tracing::debug!(%error, "a data packet was not sent");
                }
            }
        }
    }

    fn add_lane(&mut self, lane: Lane, cid: String) {
        if let Some(old) = self.lanes.remove(&lane)
            && let Err(error) = self.publisher.peer.remove_sender(old.sender)
        {
            tracing::debug!(%error, "an old sender was gone already");
        }
        let codec = match lane.codec() {
            Codec::Opus => peer::Codec::Opus,
            Codec::H264 => peer::Codec::H264,
            Codec::Vp8 => peer::Codec::Vp8,
        };
        let spec = SenderSpec { track_id: cid, stream_id: "-".to_owned(), codec };
        let rids = lane.rids();
        let added = match rids {
            [] => self.publisher.peer.add_sender(spec),
            _ => self.publisher.peer.add_simulcast_sender(spec, rids),
        };
        match added {
            Ok(sender) => {
                let first = || u16::from_be_bytes(*secrets::random::<2>().expose());
                let packetizers = (0..rids.len().max(1)).map(|_| Packetizer::new(first())).collect();
                self.lanes.insert(lane, SendingLane { sender, packetizers });
            }
            Err(error) => self.stuck(true, &error),
        }
    }

    fn on_stream(&mut self, dialled: Dialled) {
        match dialled {
            Dialled::Open { publisher, local, out } => {
                let side = self.side(publisher);
                match side.peer.add_local_candidate(LocalCandidate::TcpActive(local)) {
                    Ok(json) => {
                        side.streams.insert(local, out);
                        self.note(Note::Candidate { publisher, json });
                    }
                    Err(error) => tracing::debug!(%error, "a TCP candidate was not taken"),
                }
            }
            Dialled::Packet { publisher, local, remote, bytes } => {
                let now = Instant::now();
                let datagram = Datagram { now, protocol: Protocol::Tcp, local, remote, bytes };
                self.side(publisher).peer.handle(datagram);
            }
            Dialled::Closed { publisher, local } => {
                self.side(publisher).streams.remove(&local);
            }
        }
    }

    /// Our candidate follows the first description, and again after an ICE restart, which forgets the old ones.
    fn tell_candidate(&mut self, publisher: bool, again: bool, now: Instant) {
        let side = self.side(publisher);
        let json = if again {
            match side.peer.add_local_candidate(LocalCandidate::Udp(side.local)) {
                Ok(json) => Some(json),
                Err(error) => {
                    tracing::debug!(%error, "the candidate is known already");
                    None
                }
            }
        } else {
            side.candidate.take()
        };
        if !side.up {
            side.dial_at = Some(now + UDP_HEAD_START);
        }
        if let Some(json) = json {
            self.note(Note::Candidate { publisher, json });
        }
    }

    fn stuck(&mut self, publisher: bool, error: &PeerError) {
        tracing::warn!(%error, publisher, "the negotiation failed");
        self.die(publisher);
    }

    fn die(&mut self, publisher: bool) {
        let side = self.side(publisher);
        side.up = false;
        if !std::mem::replace(&mut side.dead, true) {
            self.note(Note::Dead { publisher });
        }
    }

    const fn side(&mut self, publisher: bool) -> &mut Side {
        if publisher { &mut self.publisher } else { &mut self.subscriber }
    }

    fn note(&self, note: Note) {
        if !(self.notes)(note) {
            tracing::debug!("the session does not listen");
        }
    }
}

impl Side {
    fn new(publisher: bool, (mut peer, socket): (Peer, UdpSocket)) -> std::io::Result<Self> {
        let local = socket.local_addr()?;
        let candidate = peer.add_local_candidate(LocalCandidate::Udp(local)).map_err(std::io::Error::other)?;
        Ok(Self {
            publisher,
            peer,
            socket,
            local,
            candidate: Some(candidate),
            up: false,
            dead: false,
            passive: Vec::new(),
            dial_at: None,
            streams: HashMap::new(),
        })
    }

    fn wake(&mut self) -> Option<Instant> {
        [self.peer.poll_timeout(), self.dial_at].into_iter().flatten().min()
    }

    fn read(&mut self, ready: std::io::Result<()>) {
        if let Err(error) = ready {
            tracing::debug!(%error, "a socket is not readable");
            return;
        }
        for _ in 0..BATCH {
            let mut bytes = BytesMut::with_capacity(DATAGRAM);
            match self.socket.try_recv_buf_from(&mut bytes) {
                Ok((_, remote)) => {
                    let now = Instant::now();
                    self.peer.handle(Datagram { now, protocol: Protocol::Udp, local: self.local, remote, bytes });
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                // An ICMP "port unreachable" of an earlier packet: the next one may well arrive.
                Err(error) => tracing::trace!(%error, "nothing read"),
            }
        }
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.peer.poll_transmit() {
            self.send(&transmit);
        }
    }

    fn send(&mut self, transmit: &Transmit) {
        match transmit.protocol {
            Protocol::Udp => {
                if let Err(error) = self.socket.try_send_to(&transmit.bytes, transmit.remote) {
                    // The network lost it, so to speak: whoever needs it asks again.
                    tracing::trace!(%error, "a packet was not sent");
                }
            }
            Protocol::Tcp => {
                if let Some(stream) = self.streams.get(&transmit.local)
                    && stream.try_send(transmit.bytes.clone()).is_err()
                {
                    tracing::trace!("a TCP stream is full");
                }
            }
        }
    }

    fn dial(&mut self, dialled: &mpsc::Sender<Dialled>) {
        if self.up {
            return;
        }
        for address in self.passive.drain(..).take(MAX_DIALS) {
            tokio::spawn(tcp::dial(self.publisher, address, dialled.clone()));
        }
    }

    fn close(&mut self) {
        self.peer.close();
        self.flush();
    }
}

impl Route {
    fn ask(&mut self, peer: &mut Peer, now: Instant) {
        if self.asked.is_some_and(|at| now.duration_since(at) < KEY_EVERY) {
            return;
        }
        let Some(key) = self.key else { return };
        if peer.request_key_frame(key, 0, now).is_ok() {
            self.asked = Some(now);
            self.wants_key = false;
        }
    }
}
