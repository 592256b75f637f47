//! Coming in: a full join, or a resume of a session whose socket broke.

use livekit_protocol as lk;
use lk::signal_response::Message;
use protocol::ids::ParticipantSid;

use super::{Effect, Now, PING_INTERVAL, PING_TIMEOUT, Room, Session, Switchboard, info, leave, within};
use crate::office::{Admission, Conn};
use crate::sfu::contract::{SessionKey, SfuCommand};
use crate::token::{Visitor, is_ours};

/// What a client says about itself when it joins.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeting {
    /// Subscribe to everything without being asked.
    pub auto_subscribe: bool,
    /// Start pictures at the lowest layer until it says how large they are shown.
    pub adaptive_stream: bool,
    /// LiveKit's client-to-client feature level.
    pub client_protocol: i32,
    /// LiveKit's capability numbers.
    pub capabilities: Vec<i32>,
    /// Attributes, taken only with leave to change its own metadata.
    pub attributes: std::collections::HashMap<String, String>,
}

impl Default for Greeting {
    fn default() -> Self {
        Self {
            auto_subscribe: true,
            adaptive_stream: false,
            client_protocol: 0,
            capabilities: Vec::new(),
            attributes: std::collections::HashMap::new(),
        }
    }
}

/// A resume was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// `sid=` of the query.
    pub sid: String,
}

/// The session to resume is not here: the client was told to join afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl Switchboard {
    /// A full join. An older session of the same identity in the same room ends.
    pub fn join(
        &mut self,
        conn: Conn,
        mut visitor: Visitor,
        greeting: Greeting,
        admission: Admission,
        now: Now,
    ) -> SessionKey {
        if let Some(old) = self.find(&visitor.room, &visitor.user) {
            let why = lk::DisconnectReason::DuplicateIdentity;
            self.say(old, leave(why, lk::leave_request::Action::Disconnect));
            self.end_for(old, why, false);
        }
        self.tally.joins += 1;
        if visitor.permission.can_update_metadata {
            visitor.attributes.extend(greeting.attributes.into_iter().filter(|(k, _)| !is_ours(k)));
        }
        let key = SessionKey(self.next);
        self.next += 1;
        let sid = ParticipantSid::parse(self.sid("PA_")).expect("letters and digits");
        let room = visitor.room.clone();
        if !self.rooms.contains_key(&room) {
            let mut sif_trailer = vec![0; 16];
            (self.random)(&mut sif_trailer);
            let fresh = Room { sid: self.sid("RM_"), created: now.unix(), sif_trailer, speaking: Default::default() };
            self.rooms.insert(room.clone(), fresh);
        }
        let mut session = Session::new(key, sid.clone(), visitor, now);
        session.role = admission.role;
        session.grants = within(admission.grants, &session.visitor.permission);
        session.pictures = admission.pictures;
        session.conn = Some(conn);
        session.client_protocol = greeting.client_protocol;
        session.capabilities = greeting.capabilities;
        session.auto_subscribe = greeting.auto_subscribe;
        session.adaptive = greeting.adaptive_stream;
        let can_subscribe = session.visitor.permission.can_subscribe;
        self.sessions.insert(key, session);
        self.conns.insert(conn, key);

        let join = self.join_response(key);
        self.say(key, Message::Join(join));
        self.refresh_one(key);
        let participant_sid = sid.as_str().to_owned();
        let pictures = admission.pictures;
        let join = SfuCommand::Join { session: key, room, participant_sid, can_subscribe, pictures };
        self.effects.push(Effect::Media(join));
        // Fast start: what is there already is in the first subscriber offer.
        self.review_listener(key);
        self.tell_others(key);
        key
    }

    /// A new socket for a session that is still here. Its participant keeps everything; missed news are told again.
    ///
    /// # Errors
    /// No such session of this identity: the client was told to join afresh and the socket closes.
    pub fn resume(&mut self, conn: Conn, visitor: &Visitor, resume: &Resume, now: Now) -> Result<SessionKey, Refused> {
        let key = self.find(&visitor.room, &visitor.user).filter(|k| self.sessions[k].sid.as_str() == resume.sid);
        let Some(key) = key else {
            let why = lk::DisconnectReason::StateMismatch;
            let frame = protocol::signal::response(leave(why, lk::leave_request::Action::Reconnect)).into();
            self.effects.push(Effect::Send { conn, frame });
            self.effects.push(Effect::Close { conn });
            return Err(Refused);
        };
        self.tally.resumes += 1;
        let session = self.sessions.get_mut(&key).expect("just found");
        if let Some(old) = session.conn.replace(conn) {
            self.conns.remove(&old);
            self.effects.push(Effect::Close { conn: old });
        }
        session.lost_at = None;
        // Media that failed gets its time to mend from now on.
        session.failed_at = session.failed_at.map(|_| now.up);
        let held = session.take_held();
        let last_message_seq = session.last_reliable;
        self.conns.insert(conn, key);
        self.say(
            key,
            Message::Reconnect(lk::ReconnectResponse {
                server_info: Some(info::server()),
                last_message_seq,
                ..Default::default()
            }),
        );
        self.refresh_one(key);
        for message in held {
            self.say(key, message);
        }
        let mut participants = self.others(key);
        participants.push(self.sessions[&key].info());
        self.say(key, Message::Update(lk::ParticipantUpdate { participants }));
        self.tell_streams(key);
        self.effects.push(Effect::Media(SfuCommand::Resume { session: key }));
        Ok(key)
    }

    fn join_response(&self, key: SessionKey) -> lk::JoinResponse {
        let session = &self.sessions[&key];
        let room = &self.rooms[&session.visitor.room];
        lk::JoinResponse {
            room: Some(self.room_info(&session.visitor.room)),
            participant: Some(session.info()),
            other_participants: self.others(key),
            server_version: env!("CARGO_PKG_VERSION").into(),
            subscriber_primary: session.visitor.permission.can_subscribe,
            ping_interval: PING_INTERVAL,
            ping_timeout: PING_TIMEOUT,
            server_info: Some(info::server()),
            sif_trailer: room.sif_trailer.clone(),
            enabled_publish_codecs: info::codecs(),
            fast_publish: true,
            ..Default::default()
        }
    }

    fn room_info(&self, name: &protocol::ids::RoomId) -> lk::Room {
        let room = &self.rooms[name];
        let here = self.sessions.values().filter(|s| s.visitor.room == *name);
        let publishers = here.clone().filter(|s| s.tracks.values().any(|t| t.is_live())).count();
        lk::Room {
            sid: room.sid.clone(),
            name: name.as_str().into(),
            creation_time: room.created,
            creation_time_ms: room.created * 1000,
            enabled_codecs: info::codecs(),
            num_participants: u32::try_from(here.count()).unwrap_or(u32::MAX),
            num_publishers: u32::try_from(publishers).unwrap_or(u32::MAX),
            ..Default::default()
        }
    }

    /// Everyone a participant is told about: its room, and whoever announces to the whole host.
    fn others(&self, key: SessionKey) -> Vec<lk::ParticipantInfo> {
        let me = &self.sessions[&key];
        let visible = self.sessions.values().filter(|s| s.key != key && !s.visitor.permission.hidden);
        visible
            .filter_map(|s| {
                if s.visitor.room == me.visitor.room { Some(s.info()) } else { s.announces().then(|| s.info_abroad()) }
            })
            .collect()
    }

    fn refresh_one(&mut self, key: SessionKey) {
        let session = &self.sessions[&key];
        if let Some(conn) = session.conn {
            let visitor = Box::new(session.visitor.clone());
            self.effects.push(Effect::Refresh { conn, visitor, role: session.role });
        }
    }

    /// Tells everyone else in the room how a participant is now.
    pub(super) fn tell_others(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(&key) else { return };
        let info = session.info();
        let frame: bytes::Bytes =
            protocol::signal::response(Message::Update(lk::ParticipantUpdate { participants: vec![info] })).into();
        for other in self.keys_seeing(session, false) {
            if let Some(conn) = self.sessions[&other].conn {
                self.effects.push(Effect::Send { conn, frame: frame.clone() });
            }
        }
    }

    /// Tells everyone, the participant too, how it is now; a new version each time.
    pub(super) fn tell_all(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.version += 1;
        let info = session.info();
        self.tell_others(key);
        self.tell_of(key, info);
    }

    /// Tells people in other rooms about a megaphone that opened or closed.
    pub(super) fn tell_abroad(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(&key) else { return };
        let mut info = session.info_abroad();
        if !session.announces() {
            info.state = lk::participant_info::State::Disconnected as i32;
        }
        let home = session.visitor.room.clone();
        for other in self.keys_seeing(session, true) {
            if self.sessions[&other].visitor.room != home {
                self.tell_of(other, info.clone());
            }
        }
    }

    pub(super) fn refresh_rights(&mut self, key: SessionKey) {
        self.refresh_one(key);
    }
}
