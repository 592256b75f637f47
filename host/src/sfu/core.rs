//! Every session, connection and track of the host, without a socket or a clock. The driver feeds commands, packets and
//! time and fetches packets and events; tests do the same in virtual time.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peer::{ChannelId, Datagram, Delivery, Event, Flow, LocalCandidate, Peer, PeerConfig, Protocol, Transmit};
use protocol::ids::{RoomId, TrackSid};

use crate::sfu::contract::{SessionKey, SfuCommand, SfuEvent, Target};
use crate::sfu::counters::Counters;
use crate::sfu::demux::{Demux, Verdict};
use crate::sfu::speakers::Speakers;

mod layers;
mod publish;
mod subscribe;
mod view;

use publish::Track;

/// Labels of LiveKit's data channels.
const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";

/// Messages kept for a reliable channel that is not open yet.
const MAX_EARLY_DATA: usize = 256;

/// Housekeeping: layers that stopped, key frames that did not come.
const TICK: Duration = Duration::from_millis(500);

/// Connection quality is reported this often.
const QUALITY: Duration = Duration::from_secs(5);

/// One of a session's two connections.
type End = (SessionKey, Target);

/// Names a track inside the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TrackIndex(u64);

struct Session {
    room: RoomId,
    participant_sid: String,
    publisher: Peer,
    subscriber: Option<Subscriber>,
    /// May it receive pictures?
    pictures: bool,
    /// What the client's offer announced, and which allowed track it is.
    announced: Vec<publish::Announced>,
}

struct Subscriber {
    peer: Peer,
    outstanding: Option<u32>,
    next_offer: u32,
    last_offer: String,
    wants_offer: bool,
    wants_restart: bool,
    reliable: Option<ChannelId>,
    lossy: Option<ChannelId>,
    open: HashSet<ChannelId>,
    early: VecDeque<Bytes>,
    is_written: bool,
    /// The queue its pictures were last reduced for.
    hold: Option<Instant>,
}

impl Session {
    fn end(&mut self, target: Target) -> Option<&mut Peer> {
        match target {
            Target::Publisher => Some(&mut self.publisher),
            Target::Subscriber => self.subscriber.as_mut().map(|subscriber| &mut subscriber.peer),
        }
    }
}

/// The media plane's state.
pub struct Core {
    candidates: Vec<SocketAddr>,
    loudest: usize,
    /// Pictures are made to fit what a listener's link is thought to carry. Off in the product: on busy machines the
    /// thought was wrong too often: a browser's camera stayed at 360 lines.
    fits_links: bool,
    sessions: HashMap<SessionKey, Session>,
    tracks: HashMap<TrackIndex, Track>,
    by_sid: HashMap<TrackSid, TrackIndex>,
    next_track: u64,
    rooms: HashMap<RoomId, Speakers<TrackIndex>>,
    demux: Demux<End>,
    /// Ends that may have something to say.
    dirty: VecDeque<End>,
    is_dirty: HashSet<End>,
    /// Subscribers that only have packets to send: asking them for more would cost as much as sending.
    written: Vec<SessionKey>,
    timers: BTreeSet<(Instant, EndOrder)>,
    due: HashMap<End, Instant>,
    next_tick: Instant,
    next_quality: Instant,
    transmits: Vec<Transmit>,
    events: Vec<SfuEvent>,
    counters: Arc<Counters>,
}

/// [`End`] with an order, for the timer set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EndOrder(SessionKey, bool);

impl From<End> for EndOrder {
    fn from((session, target): End) -> Self {
        Self(session, target == Target::Subscriber)
    }
}

impl From<EndOrder> for End {
    fn from(order: EndOrder) -> Self {
        (order.0, if order.1 { Target::Subscriber } else { Target::Publisher })
    }
}

impl Core {
    /// An empty building. `candidates` are told to every client, for UDP and for passive TCP.
    #[must_use]
    pub fn new(candidates: Vec<SocketAddr>, loudest: usize, counters: Arc<Counters>, now: Instant) -> Self {
        Self {
            candidates,
            loudest,
            fits_links: false,
            sessions: HashMap::new(),
            tracks: HashMap::new(),
            by_sid: HashMap::new(),
            next_track: 0,
            rooms: HashMap::new(),
            demux: Demux::default(),
            dirty: VecDeque::new(),
            is_dirty: HashSet::new(),
            written: vec![],
            timers: BTreeSet::new(),
            due: HashMap::new(),
            next_tick: now + TICK,
            next_quality: now + QUALITY,
            transmits: vec![],
            events: vec![],
            counters,
        }
    }

    // --- input ---------------------------------------------------------------------------------------------------

    /// Carries out one command. Unknown sessions and tracks are ignored: they may have left meanwhile.
    pub fn command(&mut self, command: SfuCommand, now: Instant) {
        match command {
            SfuCommand::Join { session, room, participant_sid, can_subscribe, pictures } => {
                if let Err(error) = self.join(session, room, participant_sid, (can_subscribe, pictures), now) {
                    tracing::warn!(?session, %error, "no connection for a session");
                    self.events.push(SfuEvent::NegotiationFailed { session, target: Target::Publisher });
                }
            }
            SfuCommand::PublisherOffer { session, sdp, id } => self.publisher_offer(session, &sdp, id, now),
            SfuCommand::SubscriberAnswer { session, sdp, id } => self.subscriber_answer(session, &sdp, id, now),
            SfuCommand::Trickle { session, target, candidate } => {
                if let Some(peer) = self.sessions.get_mut(&session).and_then(|session| session.end(target)) {
                    if let Err(error) = peer.add_remote_candidate(&candidate) {
                        tracing::debug!(?session, %error, "candidate refused");
                    }
                    self.touch((session, target));
                }
            }
            SfuCommand::Allow { session, track } => self.allow(session, track, now),
            SfuCommand::Remove { sid } => self.remove(&sid),
            SfuCommand::Mute { sid, muted } => self.mute(&sid, muted, now),
            SfuCommand::Subscribe { session, sid, on } => self.subscribe(session, &sid, on, now),
            SfuCommand::Wish { session, sid, wish } => self.wish(session, &sid, wish, now),
            SfuCommand::Pictures { session, on } => self.pictures(session, on, now),
            SfuCommand::SendData { to, reliable, bytes } => self.send_data(&to, reliable, &bytes, now),
            SfuCommand::Resume { session } => self.resume(session),
            SfuCommand::Leave { session } => self.leave(session),
        }
    }

    /// One received packet.
    pub fn packet(&mut self, datagram: Datagram) {
        self.counters.packets_in.add(1);
        match self.demux.sort(datagram.protocol, datagram.remote, &datagram.bytes, datagram.now) {
            Verdict::For(end) => {
                if let Some(peer) = self.sessions.get_mut(&end.0).and_then(|session| session.end(end.1)) {
                    peer.handle(datagram);
                    self.touch(end);
                }
            }
            Verdict::Stranger => self.counters.strangers.add(1),
            Verdict::TooMany => self.counters.over_allowance.add(1),
        }
    }

    /// A TCP stream ended.
    pub fn hung_up(&mut self, remote: SocketAddr) {
        self.demux.hung_up(remote);
    }

    /// Runs what is due.
    pub fn timeout(&mut self, now: Instant) {
        while let Some((at, order)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            let end = End::from(order);
            self.due.remove(&end);
            if let Some(peer) = self.sessions.get_mut(&end.0).and_then(|session| session.end(end.1)) {
                peer.handle_timeout(now);
                self.touch(end);
            }
        }
        self.speakers(now);
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.tick(now);
        }
        if now >= self.next_quality {
            self.next_quality = now + QUALITY;
            self.quality();
        }
    }

    // --- output --------------------------------------------------------------------------------------------------

    /// Works off what the inputs caused; call after a batch of inputs, then fetch [`Core::take_transmits`] and
    /// [`Core::take_events`].
    pub fn flush(&mut self, now: Instant) {
        loop {
            while let Some(end) = self.dirty.pop_front() {
                self.is_dirty.remove(&end);
                self.drain(end, now);
            }
            let Some(key) = self.written.pop() else { break };
            self.drain_written(key, now);
        }
    }

    /// Packets to send; consecutive ones of a connection belong together.
    pub fn take_transmits(&mut self, into: &mut Vec<Transmit>) {
        into.append(&mut self.transmits);
    }

    /// What the control plane should know.
    pub fn take_events(&mut self) -> Vec<SfuEvent> {
        std::mem::take(&mut self.events)
    }

    /// When [`Core::timeout`] wants to be called at the latest.
    #[must_use]
    pub fn next_timeout(&self, now: Instant) -> Instant {
        let timer = self.timers.first().map(|(at, _)| *at);
        let speakers = self.rooms.values().filter_map(|room| room.due(now)).min();
        [timer, speakers].into_iter().flatten().fold(self.next_tick.min(self.next_quality), Instant::min)
    }

    fn touch(&mut self, end: End) {
        if self.is_dirty.insert(end) {
            self.dirty.push_back(end);
        }
    }

    fn drain(&mut self, end: End, now: Instant) {
        let mut happened = vec![];
        {
            let Some(peer) = self.sessions.get_mut(&end.0).and_then(|session| session.end(end.1)) else { return };
            while let Some(event) = peer.poll_event() {
                happened.push(event);
            }
        }
        for event in happened {
            match end.1 {
                Target::Publisher => self.on_publisher(end.0, event, now),
                Target::Subscriber => self.on_subscriber(end.0, event, now),
            }
        }
        if end.1 == Target::Subscriber {
            self.offer(end.0, now);
            self.watch_link(end.0, now);
        }
        let Some(peer) = self.sessions.get_mut(&end.0).and_then(|session| session.end(end.1)) else { return };
        while let Some(transmit) = peer.poll_transmit() {
            self.demux.sent(end, transmit.protocol, transmit.remote, &transmit.bytes, now);
            self.transmits.push(transmit);
        }
        self.schedule(end);
    }

    /// Media alone: no event can follow from it, and no timer that was not already running.
    fn drain_written(&mut self, key: SessionKey, now: Instant) {
        let Some(subscriber) = self.sessions.get_mut(&key).and_then(|session| session.subscriber.as_mut()) else {
            return;
        };
        subscriber.is_written = false;
        while let Some(transmit) = subscriber.peer.poll_transmit() {
            self.demux.sent((key, Target::Subscriber), transmit.protocol, transmit.remote, &transmit.bytes, now);
            self.transmits.push(transmit);
        }
    }

    /// A description of this end told the other side our ufrag.
    fn expect(&mut self, end: End) {
        let Self { sessions, demux, .. } = self;
        if let Some(peer) = sessions.get_mut(&end.0).and_then(|session| session.end(end.1)) {
            demux.expect(peer.local_ufrag(), end);
        }
    }

    fn schedule(&mut self, end: End) {
        let Some(peer) = self.sessions.get_mut(&end.0).and_then(|session| session.end(end.1)) else { return };
        let next = peer.poll_timeout();
        if next == self.due.get(&end).copied() {
            return;
        }
        if let Some(old) = self.due.remove(&end) {
            self.timers.remove(&(old, end.into()));
        }
        if let Some(next) = next {
            self.due.insert(end, next);
            self.timers.insert((next, end.into()));
        }
    }

    // --- sessions ------------------------------------------------------------------------------------------------

    fn join(
        &mut self,
        key: SessionKey,
        room: RoomId,
        participant_sid: String,
        (can_subscribe, pictures): (bool, bool),
        now: Instant,
    ) -> Result<(), peer::PeerError> {
        self.leave(key);
        let publisher = self.connection(Flow::Receive, now)?;
        let subscriber = if can_subscribe {
            let mut peer = self.connection(Flow::Send, now)?;
            let reliable = peer.open_data_channel(RELIABLE, Delivery::Reliable)?;
            let lossy = peer.open_data_channel(LOSSY, Delivery::Lossy)?;
            Some(Subscriber {
                peer,
                outstanding: None,
                next_offer: 1,
                last_offer: String::new(),
                wants_offer: true,
                wants_restart: false,
                reliable: Some(reliable),
                lossy: Some(lossy),
                open: HashSet::new(),
                early: VecDeque::new(),
                is_written: false,
                hold: None,
            })
        } else {
            None
        };
        self.rooms.entry(room.clone()).or_insert_with(|| Speakers::new(self.loudest));
        let announced = vec![];
        self.sessions.insert(key, Session { room, participant_sid, publisher, subscriber, pictures, announced });
        self.touch((key, Target::Publisher));
        self.touch((key, Target::Subscriber));
        Ok(())
    }

    fn connection(&self, flow: Flow, now: Instant) -> Result<Peer, peer::PeerError> {
        // Official SDKs ask for lost sound and send it again without saying so beforehand.
        let config = PeerConfig { red: true, assume_sound_nack: true, patient: true, ..PeerConfig::new(flow) };
        let mut peer = Peer::new(config, now)?;
        for address in &self.candidates {
            peer.add_local_candidate(LocalCandidate::Udp(*address))?;
            peer.add_local_candidate(LocalCandidate::TcpPassive(*address))?;
        }
        Ok(peer)
    }

    fn leave(&mut self, key: SessionKey) {
        let Some(mut session) = self.sessions.remove(&key) else { return };
        let own: Vec<TrackSid> = self
            .tracks
            .values()
            .filter(|track| track.publisher == key)
            .map(|track| track.allowed.sid.clone())
            .collect();
        for sid in own {
            self.remove(&sid);
        }
        for track in self.tracks.values_mut() {
            track.subscriptions.retain(|subscription| subscription.session != key);
        }
        for target in [Target::Publisher, Target::Subscriber] {
            let end = (key, target);
            if let Some(peer) = session.end(target) {
                peer.close();
                while let Some(transmit) = peer.poll_transmit() {
                    self.transmits.push(transmit);
                }
            }
            self.demux.forget(end);
            if let Some(at) = self.due.remove(&end) {
                self.timers.remove(&(at, end.into()));
            }
        }
        if !self.sessions.values().any(|other| other.room == session.room) {
            self.rooms.remove(&session.room);
        }
    }

    fn send_data(&mut self, to: &[SessionKey], reliable: bool, bytes: &Bytes, now: Instant) {
        for key in to {
            let Some(subscriber) = self.sessions.get_mut(key).and_then(|session| session.subscriber.as_mut()) else {
                continue;
            };
            if !subscriber.send(reliable, bytes, now) {
                self.counters.data_lost.add(1);
            }
            self.touch((*key, Target::Subscriber));
        }
    }

    fn speakers(&mut self, now: Instant) {
        let Self { rooms, tracks, events, .. } = self;
        for (room, voices) in rooms {
            let Some(speakers) = voices.poll(now) else { continue };
            let speakers = speakers
                .into_iter()
                .filter_map(|(index, level)| tracks.get(&index).map(|track| (track.publisher, level)))
                .collect();
            events.push(SfuEvent::Speakers { room: room.clone(), speakers });
        }
    }

    fn quality(&mut self) {
        for (key, session) in &mut self.sessions {
            let mut worst = session.publisher.quality();
            if let Some(subscriber) = &mut session.subscriber {
                let other = subscriber.peer.quality();
                worst.loss_percent = worst.loss_percent.max(other.loss_percent);
                worst.rtt = other.rtt.or(worst.rtt);
            }
            let rtt_ms = worst.rtt.map(|rtt| u32::try_from(rtt.as_millis()).unwrap_or(u32::MAX));
            self.events.push(SfuEvent::Quality { session: *key, loss_percent: worst.loss_percent, rtt_ms });
        }
    }

    /// A packet as the driver received it.
    #[must_use]
    pub fn datagram(
        protocol: Protocol,
        local: SocketAddr,
        remote: SocketAddr,
        bytes: BytesMut,
        now: Instant,
    ) -> Datagram {
        Datagram { now, protocol, local, remote, bytes }
    }
}

impl Subscriber {
    fn send(&mut self, reliable: bool, bytes: &Bytes, now: Instant) -> bool {
        let channel = if reliable { self.reliable } else { self.lossy };
        let Some(channel) = channel else { return false };
        if self.open.contains(&channel) {
            return self.peer.send_data(channel, bytes, now).is_ok();
        }
        if !reliable || self.early.len() >= MAX_EARLY_DATA {
            return false;
        }
        self.early.push_back(bytes.clone());
        true
    }

    fn opened(&mut self, channel: ChannelId, now: Instant) {
        self.open.insert(channel);
        if Some(channel) == self.reliable {
            for bytes in std::mem::take(&mut self.early) {
                if let Err(error) = self.peer.send_data(channel, &bytes, now) {
                    tracing::debug!(%error, "early data lost");
                }
            }
        }
    }
}

impl Core {
    fn on_subscriber(&mut self, key: SessionKey, event: Event, now: Instant) {
        match event {
            Event::Connected => {
                self.events.push(SfuEvent::Connected { session: key, target: Target::Subscriber });
                self.subscriber_ready(key, now);
            }
            Event::Failed => self.events.push(SfuEvent::Disconnected { session: key, target: Target::Subscriber }),
            Event::NegotiationNeeded => {
                if let Some(subscriber) = self.sessions.get_mut(&key).and_then(|s| s.subscriber.as_mut()) {
                    subscriber.wants_offer = true;
                }
            }
            Event::KeyFrameRequested { sender, .. } => self.key_frame_wanted(key, sender, now),
            Event::ChannelOpen { channel, .. } => {
                if let Some(subscriber) = self.sessions.get_mut(&key).and_then(|s| s.subscriber.as_mut()) {
                    subscriber.opened(channel, now);
                    self.touch((key, Target::Subscriber));
                }
            }
            Event::ChannelClosed { channel, .. } => {
                if let Some(subscriber) = self.sessions.get_mut(&key).and_then(|s| s.subscriber.as_mut()) {
                    subscriber.open.remove(&channel);
                }
            }
            // Clients may answer on the channels we opened; LiveKit accepts that too.
            Event::Data { label, bytes, .. } => self.data(key, &label, bytes),
            // Nothing is published on this connection.
            Event::Disconnected | Event::TrackAdded(_) | Event::TrackRemoved(_) | Event::Rtp(_) => {}
        }
    }

    fn data(&mut self, session: SessionKey, label: &str, bytes: Bytes) {
        let reliable = match label {
            RELIABLE => true,
            LOSSY => false,
            // Unlabelled bytes have no sender's name on them; they go nowhere.
            _ => return,
        };
        self.events.push(SfuEvent::Data { session, reliable, bytes });
    }
}

#[cfg(test)]
mod tests;
