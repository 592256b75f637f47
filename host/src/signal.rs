//! LiveKit signalling (v0: two connections, protocol 17) for every participant of the host: who is where, what they
//! publish, what they hear.
//! A pure state machine: requests, media events, ends of sockets and the time go in, [`Effect`]s come out. It touches no
//! socket or clock and never sees an RTP packet; `building` carries the effects out.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use livekit_protocol as lk;
use lk::signal_response::Message;
use protocol::ids::{RoomId, TrackSid, UserId};
use protocol::policy::{Grants, Role};
use protocol::signal::response;

use crate::office::Conn;
use crate::sfu::contract::{SessionKey, SfuCommand};
use crate::token::Visitor;

mod data;
mod info;
mod join;
mod links;
mod metadata;
mod pictures;
mod publish;
mod requests;
mod rights;
mod session;
mod subscribe;

pub use join::{Greeting, Refused, Resume};
pub(crate) use session::Session;
use session::Track;

/// Seconds between a client's pings, and after how many without an answer it gives up. The official server's values.
const PING_INTERVAL: i32 = 5;
const PING_TIMEOUT: i32 = 15;

/// A participant without a socket is kept for so long.
pub const DEPARTURE: Duration = Duration::from_secs(20);
/// A participant whose media never came up is sent away after so long.
pub const CONNECT: Duration = Duration::from_secs(60);
/// A participant whose media failed may mend it for so long.
pub const MEND: Duration = Duration::from_secs(5);

/// The moment, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Since the host started; never goes back.
    pub up: Duration,
    /// Unix milliseconds.
    pub unix_ms: u64,
}

impl Now {
    /// Unix seconds, as the office and invitations count.
    #[must_use]
    pub fn seconds(self) -> u32 {
        u32::try_from(self.unix_ms / 1000).unwrap_or(u32::MAX)
    }

    /// Unix seconds as LiveKit counts.
    fn unix(self) -> i64 {
        i64::from(self.seconds())
    }

    /// Unix milliseconds as LiveKit counts.
    fn unix_ms(self) -> i64 {
        i64::try_from(self.unix_ms).unwrap_or(i64::MAX)
    }
}

/// What the machine wants done, in order.
#[derive(Debug)]
pub enum Effect {
    /// Send one `SignalResponse`, already encoded: a broadcast is encoded once.
    Send {
        /// To whom.
        conn: Conn,
        /// What.
        frame: Bytes,
    },
    /// Close the socket after what was sent.
    Close {
        /// Which.
        conn: Conn,
    },
    /// Tell the media plane.
    Media(SfuCommand),
    /// Mint and send a fresh token.
    Refresh {
        /// To whom.
        conn: Conn,
        /// The limits it must keep.
        visitor: Box<Visitor>,
        /// Role now.
        role: Role,
    },
    /// A participant's session is over and none took its place.
    Left {
        /// Where.
        room: RoomId,
        /// Who.
        user: UserId,
    },
}

/// What was counted since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Full joins.
    pub joins: u64,
    /// Resumes.
    pub resumes: u64,
    /// Tracks refused.
    pub refused_tracks: u64,
    /// Messages refused.
    pub refused_messages: u64,
}

/// Fills with random bytes.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// The machine.
pub struct Switchboard {
    sessions: BTreeMap<SessionKey, Session>,
    conns: HashMap<Conn, SessionKey>,
    rooms: HashMap<RoomId, Room>,
    random: Random,
    next: u64,
    effects: Vec<Effect>,
    tally: Tally,
}

struct Room {
    sid: String,
    created: i64,
    /// Frames of this room that the host would inject end like this; it never injects any.
    sif_trailer: Vec<u8>,
    speaking: HashMap<SessionKey, f32>,
}

impl Switchboard {
    /// An empty one. `random` fills with random bytes.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self {
            sessions: BTreeMap::new(),
            conns: HashMap::new(),
            rooms: HashMap::new(),
            random,
            next: 1,
            effects: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// What has to be done since the last call.
    pub fn drain(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What was counted since the last call.
    pub fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Sessions now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Nobody here?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Live tracks now.
    #[must_use]
    pub fn live_tracks(&self) -> usize {
        self.sessions.values().flat_map(|s| s.tracks.values()).filter(|t| t.is_live()).count()
    }

    /// A socket is gone. Its participant may come back for [`DEPARTURE`].
    pub fn closed(&mut self, conn: Conn, now: Now) {
        let Some(key) = self.conns.remove(&conn) else { return };
        if let Some(session) = self.sessions.get_mut(&key)
            && session.conn == Some(conn)
        {
            session.conn = None;
            session.lost_at = Some(now.up);
        }
    }

    /// Time passes: who stayed away too long, or never got media, is let go. Call about twice a second.
    pub fn tick(&mut self, now: Now) {
        use lk::DisconnectReason::{ConnectionTimeout, JoinFailure, MediaFailure, SignalClose};
        let mut over = Vec::new();
        for (key, session) in &self.sessions {
            let past = |since: Option<Duration>, limit: Duration| since.is_some_and(|at| now.up >= at + limit);
            if past(session.lost_at, DEPARTURE) {
                over.push((*key, if session.active { SignalClose } else { ConnectionTimeout }));
            } else if past(session.failed_at, MEND) {
                over.push((*key, MediaFailure));
            } else if !session.active && now.up >= session.since + CONNECT {
                over.push((*key, JoinFailure));
            }
        }
        for (key, reason) in over {
            self.send_away(key, reason, lk::leave_request::Action::Reconnect);
        }
    }

    /// Every few minutes: a fresh token for everyone.
    pub fn refresh(&mut self) {
        for session in self.sessions.values() {
            if let Some(conn) = session.conn {
                let visitor = Box::new(session.visitor.clone());
                self.effects.push(Effect::Refresh { conn, visitor, role: session.role });
            }
        }
    }

    /// The host stops: everyone is asked to come back with a full join, because nothing of a session lasts.
    pub fn stop(&mut self) {
        let keys: Vec<SessionKey> = self.sessions.keys().copied().collect();
        for key in keys {
            self.say(key, leave(lk::DisconnectReason::ServerShutdown, lk::leave_request::Action::Reconnect));
            if let Some(session) = self.sessions.remove(&key) {
                if let Some(conn) = session.conn {
                    self.effects.push(Effect::Close { conn });
                }
                self.effects.push(Effect::Media(SfuCommand::Leave { session: key }));
            }
        }
        self.conns.clear();
        self.rooms.clear();
    }

    /// The media plane is gone: nobody can be heard here any more.
    pub fn media_ended(&mut self) {
        let keys: Vec<SessionKey> = self.sessions.keys().copied().collect();
        for key in keys {
            self.send_away(key, lk::DisconnectReason::MediaFailure, lk::leave_request::Action::Reconnect);
        }
    }

    /// Tells a participant why, and ends their session.
    fn send_away(&mut self, key: SessionKey, why: lk::DisconnectReason, action: lk::leave_request::Action) {
        self.say(key, leave(why, action));
        self.end(key, why);
    }

    /// Ends a session: media first, then everyone in the room is told.
    fn end(&mut self, key: SessionKey, why: lk::DisconnectReason) {
        self.end_for(key, why, true);
    }

    fn end_for(&mut self, key: SessionKey, why: lk::DisconnectReason, for_good: bool) {
        let Some(mut session) = self.sessions.remove(&key) else { return };
        if let Some(conn) = session.conn {
            self.conns.remove(&conn);
            self.effects.push(Effect::Close { conn });
        }
        self.effects.push(Effect::Media(SfuCommand::Leave { session: key }));
        let gone: Vec<TrackSid> = session.tracks.keys().cloned().collect();
        let megaphone = session.tracks.values().any(|t| t.is_live() && t.is_megaphone());
        for other in self.sessions.values_mut() {
            for sid in &gone {
                other.forget_track(sid);
            }
        }
        session.tracks.clear();
        session.version += 1;
        let mut info = session.info();
        info.state = lk::participant_info::State::Disconnected as i32;
        info.disconnect_reason = why as i32;
        let everywhere = megaphone && !session.visitor.permission.hidden;
        for other in self.keys_seeing(&session, everywhere) {
            let mut info = info.clone();
            if self.sessions[&other].visitor.room != session.visitor.room {
                info.identity = info::abroad(&info.identity);
            }
            self.tell_of(other, info);
        }
        if let Some(room) = self.rooms.get_mut(&session.visitor.room) {
            room.speaking.remove(&key);
        }
        let (room, user) = (session.visitor.room, session.visitor.user);
        if !self.sessions.values().any(|s| s.visitor.room == room) {
            self.rooms.remove(&room);
        }
        if for_good {
            self.effects.push(Effect::Left { room, user });
        }
    }

    /// Says something to one participant. Without a socket only what a client must not miss is held for its return.
    fn say(&mut self, key: SessionKey, message: Message) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        match session.conn {
            Some(conn) => self.effects.push(Effect::Send { conn, frame: response(message).into() }),
            None => session.hold(message),
        }
    }

    /// Tells one participant about another.
    fn tell_of(&mut self, to: SessionKey, info: lk::ParticipantInfo) {
        self.say(to, Message::Update(lk::ParticipantUpdate { participants: vec![info] }));
    }

    /// Everyone in a session's room but itself (nobody sees the hidden), or on the whole host.
    fn keys_seeing(&self, of: &Session, everywhere: bool) -> Vec<SessionKey> {
        let sees = |s: &Session| (everywhere || s.visitor.room == of.visitor.room) && s.key != of.key;
        if of.visitor.permission.hidden {
            return Vec::new();
        }
        self.sessions.values().filter(|s| sees(s)).map(|s| s.key).collect()
    }

    fn room_keys(&self, room: &RoomId) -> Vec<SessionKey> {
        self.sessions.values().filter(|s| s.visitor.room == *room).map(|s| s.key).collect()
    }

    fn find(&self, room: &RoomId, user: &UserId) -> Option<SessionKey> {
        self.sessions.values().find(|s| s.visitor.room == *room && s.visitor.user == *user).map(|s| s.key)
    }

    /// Whose track it is.
    fn publisher_of(&self, sid: &TrackSid) -> Option<SessionKey> {
        self.sessions.values().find(|s| s.tracks.contains_key(sid)).map(|s| s.key)
    }

    /// A sid: prefix and 12 letters of randomness.
    fn sid(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789abcdefgh";
        let mut bytes = [0_u8; 12];
        (self.random)(&mut bytes);
        let letters = bytes.iter().map(|b| char::from(LETTERS[usize::from(*b) % 64]));
        prefix.chars().chain(letters).collect()
    }
}

/// One leave message.
fn leave(reason: lk::DisconnectReason, action: lk::leave_request::Action) -> Message {
    Message::Leave(lk::LeaveRequest {
        // The old field, for clients before protocol 13.
        can_reconnect: action != lk::leave_request::Action::Disconnect,
        reason: reason as i32,
        action: action as i32,
        regions: None,
    })
}

/// What a person may do at most: the room's matrix within the limits of their token.
fn within(grants: Grants, limit: &lk::ParticipantPermission) -> Grants {
    let limit = protocol::signal::grants(limit);
    grants.iter().filter(|c| limit.allows(*c)).fold(Grants::NONE, |set, c| set.with(c, true))
}

/// For tests and for the administrators' API: tracks and people by name.
impl Switchboard {
    /// Participants of a room.
    #[must_use]
    pub fn participants(&self, room: &RoomId) -> Vec<lk::ParticipantInfo> {
        self.sessions.values().filter(|s| s.visitor.room == *room).map(Session::info).collect()
    }

    /// Ends a participant's session for an administrator. `false`: nobody of that name.
    pub fn remove(&mut self, room: &RoomId, user: &UserId) -> bool {
        let Some(key) = self.find(room, user) else { return false };
        let why = lk::DisconnectReason::ParticipantRemoved;
        self.send_away(key, why, lk::leave_request::Action::Disconnect);
        true
    }
}

#[cfg(test)]
mod tests;
