//! One participant's session and its tracks: values and small questions about them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use livekit_protocol as lk;
use lk::signal_response::Message;
use protocol::ids::{ParticipantSid, TrackSid, UserId};
use protocol::policy::{Grants, Role, TrackKind, TrackSource};

use crate::office::Conn;
use crate::sfu::contract::SessionKey;
use crate::token::Visitor;

/// Messages held for a participant without a socket.
const MAX_HELD: usize = 256;
/// Removed tracks remembered, so that a client that lists them after a resume is not thrown out.
const MAX_REMOVED: usize = 64;

pub(crate) struct Session {
    pub(super) key: SessionKey,
    pub(super) sid: ParticipantSid,
    pub(super) visitor: Visitor,
    pub(super) role: Role,
    pub(super) grants: Grants,
    /// Is it sent pictures?
    pub(super) pictures: bool,
    pub(super) conn: Option<Conn>,
    pub(super) lost_at: Option<Duration>,
    pub(super) failed_at: Option<Duration>,
    pub(super) since: Duration,
    pub(super) joined_ms: i64,
    pub(super) active: bool,
    pub(super) version: u32,
    pub(super) client_protocol: i32,
    pub(super) capabilities: Vec<i32>,
    pub(super) auto_subscribe: bool,
    pub(super) adaptive: bool,
    pub(super) tracks: BTreeMap<TrackSid, Track>,
    pub(super) queued: Vec<lk::AddTrackRequest>,
    pub(super) removed: VecDeque<TrackSid>,
    /// Explicit wishes that differ from `auto_subscribe` or came before the track.
    pub(super) wanted: HashMap<TrackSid, bool>,
    /// Subscribed now.
    pub(super) hears: HashSet<TrackSid>,
    pub(super) listeners: Listeners,
    pub(super) last_reliable: u32,
    pub(super) quality: Option<lk::ConnectionQuality>,
    pub(super) rate: Rate,
    pub(super) data_rate: Rate,
    held: VecDeque<Message>,
}

/// Who may subscribe to this participant (LiveKit `SubscriptionPermission`).
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Listeners {
    #[default]
    Everyone,
    Only(Vec<Listener>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listener {
    pub(super) sid: String,
    pub(super) identity: String,
    pub(super) all: bool,
    pub(super) tracks: HashSet<String>,
}

/// One track.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) info: lk::TrackInfo,
    pub(super) cid: String,
    pub(super) kind: TrackKind,
    pub(super) source: TrackSource,
    pub(super) live: bool,
}

impl Track {
    pub(super) const fn is_live(&self) -> bool {
        self.live
    }

    /// A camera or a screen, by source and kind; see `AllowedTrack::shows`.
    pub(super) const fn shows(&self) -> bool {
        matches!(self.kind, TrackKind::Video) || matches!(self.source, TrackSource::Camera | TrackSource::ScreenShare)
    }

    pub(super) fn is_megaphone(&self) -> bool {
        self.source == TrackSource::Megaphone
    }
}

/// How many messages a client may send: a bucket that refills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    size: u32,
    per_second: u32,
    left: u32,
    at: Duration,
}

impl Rate {
    const fn new(size: u32, per_second: u32, now: Duration) -> Self {
        Self { size, per_second, left: size, at: now }
    }

    /// Signalling requests: a join with 60 tracks and all their candidates fits into the bucket.
    pub(super) const fn requests(now: Duration) -> Self {
        Self::new(600, 100, now)
    }

    /// Data packets: a file in 15 kB chunks runs at 30 MB/s.
    pub(super) const fn packets(now: Duration) -> Self {
        Self::new(4000, 2000, now)
    }

    pub(super) fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_millis() * u128::from(self.per_second) / 1000;
        if passed > 0 {
            self.left = self.size.min(self.left.saturating_add(u32::try_from(passed).unwrap_or(self.size)));
            self.at = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

impl Session {
    /// Subscriber-primary: its media is up when the connection it mostly needs is.
    pub(super) const fn primary(&self) -> crate::sfu::contract::Target {
        if self.visitor.permission.can_subscribe {
            crate::sfu::contract::Target::Subscriber
        } else {
            crate::sfu::contract::Target::Publisher
        }
    }

    /// Would this session listen to that track, if allowed?
    pub(super) fn wants(&self, sid: &TrackSid) -> bool {
        self.wanted.get(sid).copied().unwrap_or(self.auto_subscribe)
    }

    /// Does this publisher let that participant listen to the track?
    pub(super) fn lets(&self, sid: &TrackSid, listener: &ParticipantSid, identity: &UserId) -> bool {
        match &self.listeners {
            Listeners::Everyone => true,
            Listeners::Only(list) => list.iter().any(|l| {
                let named = if l.sid.is_empty() { l.identity == identity.as_str() } else { l.sid == listener.as_str() };
                named && (l.all || l.tracks.contains(sid.as_str()))
            }),
        }
    }

    pub(super) fn forget_track(&mut self, sid: &TrackSid) {
        self.hears.remove(sid);
        self.wanted.remove(sid);
    }

    pub(super) fn remember_removed(&mut self, sid: TrackSid) {
        if self.removed.len() == MAX_REMOVED {
            self.removed.pop_front();
        }
        self.removed.push_back(sid);
    }

    /// Holds what must not be missed; the rest is said afresh after a resume.
    pub(super) fn hold(&mut self, message: Message) {
        let gone = lk::participant_info::State::Disconnected as i32;
        let worth = match &message {
            Message::TrackPublished(_)
            | Message::TrackUnpublished(_)
            | Message::RequestResponse(_)
            | Message::Mute(_)
            | Message::SubscriptionPermissionUpdate(_) => true,
            Message::Update(update) => update.participants.iter().any(|p| p.state == gone),
            // LiveKit's words, not ours: everything else is either repeated or worthless later.
            _ => false,
        };
        if worth && self.held.len() < MAX_HELD {
            self.held.push_back(message);
        }
    }

    pub(super) fn take_held(&mut self) -> VecDeque<Message> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn new(key: SessionKey, sid: ParticipantSid, visitor: Visitor, now: super::Now) -> Self {
        Self {
            key,
            sid,
            visitor,
            role: Role::Guest,
            grants: Grants::NONE,
            pictures: false,
            conn: None,
            lost_at: None,
            failed_at: None,
            since: now.up,
            joined_ms: now.unix_ms(),
            active: false,
            version: 1,
            client_protocol: 0,
            capabilities: Vec::new(),
            auto_subscribe: true,
            adaptive: false,
            tracks: BTreeMap::new(),
            queued: Vec::new(),
            removed: VecDeque::new(),
            wanted: HashMap::new(),
            hears: HashSet::new(),
            listeners: Listeners::Everyone,
            last_reliable: 0,
            quality: None,
            rate: Rate::requests(now.up),
            data_rate: Rate::packets(now.up),
            held: VecDeque::new(),
        }
    }
}
