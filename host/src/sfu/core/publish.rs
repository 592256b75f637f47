//! What clients send: their offers, which announced track is which allowed one, and every RTP packet's way to its
//! subscribers. Anything not allowed, muted or removed ends here.

use std::time::{Duration, Instant};

use peer::sdp::{Section, Wanted};
use peer::{Codec, Event, Kind, RemoteTrack, RtpIn, RtpOut, TrackKey};
use protocol::ids::TrackSid;
use protocol::policy::{TrackKind, TrackSource};

use super::layers::{Layers, Told};
use super::subscribe::{Second, Subscription};
use super::{Core, Session, TrackIndex};
use crate::sfu::contract::{AllowedTrack, SessionKey, SfuEvent, Target};
use crate::sfu::key_frame::begins_key_frame;
use crate::sfu::red::{Plain, inside};

/// A publisher is asked for a key frame of one layer at most this often: each costs everybody a burst.
const KEY_FRAME_PAUSE: Duration = Duration::from_millis(300);

/// A camera's copy gets a second key frame so long after its first packet; see [`Second`].
const SECOND_KEY_FRAME: Duration = Duration::from_secs(1);

/// A track of a client's description.
pub(super) struct Announced {
    pub(super) remote: RemoteTrack,
    pub(super) track: Option<TrackIndex>,
}

/// A track the control plane allowed.
pub(super) struct Track {
    pub(super) publisher: SessionKey,
    pub(super) allowed: AllowedTrack,
    pub(super) source: Option<TrackKey>,
    /// Known from the first packet.
    pub(super) codec: Option<Codec>,
    pub(super) layers: Layers,
    /// What its publisher was told about them.
    pub(super) told: Told,
    /// Once something of it came in RED.
    red: Option<Plain>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) had_subscriber: bool,
    asked: [Option<Instant>; 8],
}

impl Track {
    fn is_kind(&self, kind: Kind) -> bool {
        match self.allowed.kind {
            TrackKind::Audio => kind == Kind::Audio,
            TrackKind::Video => kind == Kind::Video,
        }
    }

    /// Ranked against the room's other microphones.
    fn is_ranked(&self) -> bool {
        match self.allowed.source {
            TrackSource::Microphone => true,
            TrackSource::Megaphone | TrackSource::Camera | TrackSource::ScreenShare | TrackSource::ScreenShareAudio => {
                false
            }
        }
    }

    fn detach_all(&mut self) {
        for subscription in &mut self.subscriptions {
            subscription.detach();
        }
    }
}

impl Core {
    pub(super) fn publisher_offer(&mut self, key: SessionKey, sdp: &str, id: u32, now: Instant) {
        let Self { sessions, tracks, .. } = self;
        let Some(session) = sessions.get_mut(&key) else { return };
        let wanted = |section: &Section| {
            let (_, cid) = section.msid.as_ref()?;
            let mut own = tracks.values().filter(|track| track.publisher == key).map(|track| &track.allowed);
            let allowed = own.find(|allowed| allowed.cid == *cid)?;
            Some(Wanted { codec: allowed.codec?, red: allowed.red })
        };
        match session.publisher.accept_offer_wanting(sdp, &wanted, now) {
            Ok(sdp) => self.events.push(SfuEvent::PublisherAnswer { session: key, sdp, id }),
            Err(error) => {
                tracing::info!(session = key.0, %error, "publisher offer refused");
                self.events.push(SfuEvent::NegotiationFailed { session: key, target: Target::Publisher });
            }
        }
        self.expect((key, Target::Publisher));
        self.touch((key, Target::Publisher));
    }

    pub(super) fn on_publisher(&mut self, key: SessionKey, event: Event, now: Instant) {
        match event {
            Event::Rtp(packet) => self.forward(key, packet, now),
            Event::TrackAdded(remote) => self.announce(key, remote),
            Event::TrackRemoved(track) => self.withdraw(key, track),
            Event::Connected => self.events.push(SfuEvent::Connected { session: key, target: Target::Publisher }),
            Event::Failed => self.events.push(SfuEvent::Disconnected { session: key, target: Target::Publisher }),
            Event::Data { label, bytes, .. } => self.data(key, &label, bytes),
            // The client negotiates this connection, and we send nothing on it.
            Event::Disconnected
            | Event::NegotiationNeeded
            | Event::KeyFrameRequested { .. }
            | Event::ChannelOpen { .. }
            | Event::ChannelClosed { .. } => {}
        }
    }

    // --- which is which ------------------------------------------------------------------------------------------

    pub(super) fn allow(&mut self, key: SessionKey, allowed: AllowedTrack, now: Instant) {
        if !self.sessions.contains_key(&key) {
            return;
        }
        let index = match self.by_sid.get(&allowed.sid) {
            Some(index) => {
                if let Some(track) = self.tracks.get_mut(index).filter(|track| track.publisher == key) {
                    track.allowed = allowed;
                }
                *index
            }
            None => {
                self.next_track += 1;
                let index = TrackIndex(self.next_track);
                self.by_sid.insert(allowed.sid.clone(), index);
                self.tracks.insert(
                    index,
                    Track {
                        publisher: key,
                        allowed,
                        source: None,
                        codec: None,
                        layers: Layers::default(),
                        told: Told::new(now),
                        red: None,
                        subscriptions: vec![],
                        had_subscriber: false,
                        asked: [None; 8],
                    },
                );
                index
            }
        };
        self.rank(index);
        self.match_announced(key);
    }

    fn announce(&mut self, key: SessionKey, remote: RemoteTrack) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.announced.push(Announced { remote, track: None });
        }
        self.match_announced(key);
    }

    /// First by the client's id, then the first of the kind: clients that cannot choose their ids publish one at a time.
    fn match_announced(&mut self, key: SessionKey) {
        let Self { sessions, tracks, .. } = self;
        let Some(session) = sessions.get_mut(&key) else { return };
        let mut free: Vec<(&TrackIndex, &mut Track)> =
            tracks.iter_mut().filter(|(_, track)| track.publisher == key && track.source.is_none()).collect();
        free.sort_by_key(|(index, _)| **index);
        for by_id in [true, false] {
            for announced in session.announced.iter_mut().filter(|announced| announced.track.is_none()) {
                let remote = &announced.remote;
                let found = free.iter_mut().find(|(_, track)| {
                    let cids = || std::iter::once(&track.allowed.cid).chain(&track.allowed.other_cids);
                    track.source.is_none()
                        && track.is_kind(remote.kind)
                        && (!by_id || cids().any(|cid| *cid == remote.track_id))
                });
                if let Some((index, track)) = found {
                    track.source = Some(remote.key);
                    track.layers = Layers::new(&track.allowed.layers, &remote.rids);
                    let top = track.layers.top();
                    for subscription in &mut track.subscriptions {
                        subscription.target = subscription.target.map(|_| top);
                    }
                    announced.track = Some(**index);
                }
            }
        }
    }

    fn withdraw(&mut self, key: SessionKey, remote: TrackKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.announced.retain(|announced| announced.remote.key != remote);
        let gone = self.tracks.values_mut().find(|track| track.publisher == key && track.source == Some(remote));
        if let Some(track) = gone {
            track.source = None;
            track.detach_all();
            let sid = track.allowed.sid.clone();
            self.events.push(SfuEvent::TrackGone { session: key, sid });
        }
    }

    pub(super) fn remove(&mut self, sid: &TrackSid) {
        let Some(index) = self.by_sid.remove(sid) else { return };
        let Some(track) = self.tracks.remove(&index) else { return };
        if let Some(session) = self.sessions.get_mut(&track.publisher) {
            // Its RTP may go on: it stays announced, and belongs to nothing any more.
            for announced in &mut session.announced {
                if announced.track == Some(index) {
                    announced.track = None;
                    announced.remote.track_id.clear();
                }
            }
            session.announced.retain(|announced| !announced.remote.track_id.is_empty());
            if let Some(room) = self.rooms.get_mut(&session.room) {
                room.remove(index);
            }
        }
        for subscription in &track.subscriptions {
            self.drop_sender(subscription);
        }
    }

    pub(super) fn mute(&mut self, sid: &TrackSid, muted: bool, now: Instant) {
        let Some(index) = self.by_sid.get(sid).copied() else { return };
        let Some(track) = self.tracks.get_mut(&index) else { return };
        track.allowed.muted = muted;
        track.detach_all();
        self.rank(index);
        self.tick(now);
    }

    /// Puts a microphone among the room's voices, or takes it away.
    fn rank(&mut self, index: TrackIndex) {
        let Self { sessions, tracks, rooms, .. } = self;
        let Some(track) = tracks.get(&index).filter(|track| track.is_ranked()) else { return };
        let Some(room) = sessions.get(&track.publisher).and_then(|session| rooms.get_mut(&session.room)) else {
            return;
        };
        if track.allowed.muted {
            room.remove(index);
        } else {
            room.add(index);
        }
    }

    // --- the way of a packet -------------------------------------------------------------------------------------

    pub(super) fn forward(&mut self, key: SessionKey, packet: RtpIn, now: Instant) {
        let Some(index) = self.sessions.get(&key).and_then(|session| session.track_of(packet.track)) else {
            self.counters.rtp_refused.add(1);
            return;
        };
        let Some(track) = self.tracks.get_mut(&index).filter(|track| track.is_kind(packet.codec.kind())) else {
            self.counters.rtp_refused.add(1);
            return;
        };
        let woke = track.layers.heard(packet.layer, packet.payload.len(), now);
        if track.codec != Some(packet.codec) && !packet.payload.is_empty() {
            let first = track.codec.replace(packet.codec).is_none();
            self.codec_known(index, first);
        }
        if woke && packet.codec.kind() == Kind::Video {
            // A layer begins with a key frame: whoever waits for it takes this very one.
            self.review(index, now);
        }
        let Self { tracks, sessions, rooms, counters, written, .. } = self;
        let Some(track) = tracks.get_mut(&index) else { return };
        if track.allowed.muted {
            counters.rtp_refused.add(1);
            return;
        }
        if track.is_ranked() {
            let room = sessions.get(&key).and_then(|session| rooms.get_mut(&session.room));
            if !room.is_some_and(|room| room.heard(index, packet.audio_level, now)) {
                track.detach_all();
                return;
            }
        }
        // What its blocks are named; those who call their Opus otherwise get plain packets.
        let mut red = None;
        if packet.red {
            let Some(named) = inside(&packet.payload) else {
                counters.rtp_refused.add(1);
                return;
            };
            red = Some(named);
            track.red.get_or_insert_default();
        }
        // Made once, if anybody needs them.
        let mut plain: Option<Vec<RtpIn>> = None;
        let video = packet.codec.kind() == Kind::Video;
        let starts = !video || begins_key_frame(packet.codec, &packet.payload);
        let second = packet.codec == Codec::H264 && track.allowed.source == TrackSource::Camera;
        for subscription in &mut track.subscriptions {
            let Some(sender) = subscription.sender else { continue };
            let follows = subscription.rewrite.follows(packet.ssrc);
            if subscription.target.is_none() {
                subscription.detach();
                continue;
            }
            if !follows && (subscription.target != Some(packet.layer) || !starts || packet.payload.is_empty()) {
                continue;
            }
            let Some(session) = sessions.get_mut(&subscription.session) else { continue };
            // The lock itself: no packet of a picture passes it, whatever was chosen above.
            if !session.pictures && track.allowed.shows() {
                subscription.detach();
                continue;
            }
            let Some(subscriber) = session.subscriber.as_mut() else { continue };
            if !subscriber.peer.sender_ready(sender) {
                counters.rtp_unsent.add(1);
                continue;
            }
            let takes = subscriber.peer.takes_red(sender);
            let whole = takes.is_some() && (!packet.red || takes == red);
            let copies = match &mut track.red {
                Some(state) if !whole => &plain.get_or_insert_with(|| state.take(&packet))[..],
                Some(_) | None => std::slice::from_ref(&packet),
            };
            for copy in copies {
                let Some((sequence, timestamp)) = subscription.rewrite.map(copy, now) else { continue };
                let payload = match copy.codec {
                    Codec::Vp8 => subscription.pictures.map(copy.ssrc, &copy.payload),
                    Codec::H264 | Codec::Opus => copy.payload.clone(),
                };
                subscription.layer = Some(copy.layer);
                let out = RtpOut {
                    marker: copy.marker || (!video && !follows),
                    sequence,
                    timestamp,
                    audio_level: copy.audio_level,
                    red: copy.red,
                    payload,
                };
                if subscriber.peer.write_rtp(sender, out, now).is_err() {
                    subscription.detach();
                    counters.rtp_unsent.add(1);
                    break;
                }
                if second && subscription.second == Second::Waits {
                    subscription.second = Second::Due(now + SECOND_KEY_FRAME);
                }
                counters.rtp_forwarded.add(1);
                if !std::mem::replace(&mut subscriber.is_written, true) {
                    written.push(subscription.session);
                }
            }
        }
    }

    /// The first packet of a track, or of another codec in it: subscribers get a section that can carry it.
    fn codec_known(&mut self, index: TrackIndex, first: bool) {
        let Some(track) = self.tracks.get_mut(&index) else { return };
        let (publisher, sid) = (track.publisher, track.allowed.sid.clone());
        let mut subscriptions = std::mem::take(&mut track.subscriptions);
        for subscription in &mut subscriptions {
            self.drop_sender(subscription);
            subscription.sender = self.make_sender(index, subscription.session);
            subscription.detach();
        }
        if let Some(track) = self.tracks.get_mut(&index) {
            track.subscriptions = subscriptions;
            let mime = track.codec.map_or("", Codec::mime).to_owned();
            if first {
                self.events.push(SfuEvent::TrackLive { session: publisher, sid, mime });
            }
        }
    }

    /// Asks the publisher for a key frame of one layer, not too often.
    pub(super) fn ask_key_frame(&mut self, index: TrackIndex, layer: u8, now: Instant) {
        let Some(track) = self.tracks.get_mut(&index) else { return };
        let (Some(source), TrackKind::Video, false) = (track.source, track.allowed.kind, track.allowed.muted) else {
            return;
        };
        let Some(asked) = track.asked.get_mut(usize::from(layer)) else { return };
        if asked.is_some_and(|at| now.saturating_duration_since(at) < KEY_FRAME_PAUSE) {
            return;
        }
        let key = track.publisher;
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.publisher.request_key_frame(source, layer, now).is_ok() {
            *asked = Some(now);
            self.counters.key_frames_asked.add(1);
            self.touch((key, Target::Publisher));
        }
    }
}

impl Session {
    fn track_of(&self, key: TrackKey) -> Option<TrackIndex> {
        self.announced.iter().find(|announced| announced.remote.key == key).and_then(|announced| announced.track)
    }
}
