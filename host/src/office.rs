//! What the host decides on the office channel: who comes in, who is what, who may do what.
//! A pure state machine: messages, connections' ends and the time go in, [`Effect`]s come out. It touches no socket,
//! clock or disk; `building` carries the effects out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use protocol::ids::{DisplayName, InviteId, RoomId, UserId};
use protocol::office::{Person, Refusal, ToClient, ToHost};
use protocol::policy::{Grants, Matrix, Role};
use protocol::shield::{ShieldIncident, ShieldMinimum, ShieldStatus};
use protocol::watermark::{MarkCells, Watermark};
use zeroize::Zeroizing;

use crate::store::{Hash, Saved, Write};

mod entry;
mod rights;
mod shield;
mod throttle;
mod watermark;

pub use entry::sha256 as entry_hash;
use throttle::{Rate, Throttle};

/// One WebSocket, office or signalling, unique for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conn(pub u64);

/// How much one host takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Rooms known.
    pub rooms: usize,
    /// People in all rooms.
    pub people: usize,
    /// People in one room.
    pub room_people: usize,
    /// People a room remembers.
    pub members: usize,
    /// Living invitations of one room.
    pub invites: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { rooms: 1000, people: 500, room_people: 300, members: 5000, invites: 500 }
    }
}

/// A session that was not used for so long is forgotten: 30 days.
const SESSION_LIFE: u32 = 30 * 24 * 3600;

/// An owner invitation made in-process is good for ten minutes: long enough to enter, too short to be found later.
const OWNER_INVITE_LIFE: u32 = 600;

/// Longest title kept, in bytes.
const MAX_TITLE: usize = 200;

/// Randomness, signatures and marks, from outside.
pub trait Mint: Send {
    /// Fills with random bytes.
    fn random(&mut self, bytes: &mut [u8]);
    /// A join token for `/rtc`.
    fn token(&mut self, user: &UserId, name: &DisplayName, room: &RoomId, role: Role) -> String;
    /// The invisible mark of a person in a room; always the same.
    fn mark(&mut self, user: &UserId, room: &RoomId) -> MarkCells;
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Say something to one client.
    Send {
        /// To whom.
        conn: Conn,
        /// What.
        message: Box<ToClient>,
    },
    /// Close a client's channel after what was said.
    Close {
        /// Whose.
        conn: Conn,
    },
    /// Keep something.
    Keep(Write),
    /// A person's role or grants changed: signalling and media follow at once.
    Regrant {
        /// Where.
        room: RoomId,
        /// Who.
        user: UserId,
        /// What they are now.
        role: Role,
        /// What they may do now.
        grants: Grants,
    },
    /// A person is sent pictures from now on, or sound only: media follows at once.
    Pictures {
        /// Where.
        room: RoomId,
        /// Who.
        user: UserId,
        /// On or off.
        on: bool,
    },
    /// Something for the log.
    Note {
        /// Where.
        room: RoomId,
        /// About whom, or by whom.
        user: UserId,
        /// What.
        what: Noted,
    },
}

/// What the host's log holds about protection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// This person's window is protected like this now.
    Shield(ShieldStatus),
    /// Reports of this person stopped, or cannot be read: nothing is believed.
    ShieldUnknown,
    /// This person is sent pictures, or not.
    Pictures(bool),
    /// This person's window was captured, or somebody tried.
    Incident(ShieldIncident),
    /// This owner changed what the meeting demands.
    Minimum(ShieldMinimum),
    /// This person was exempted, or that ended.
    Exempt(bool),
}

/// What somebody who comes in may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// What they are.
    pub role: Role,
    /// By the room's matrix.
    pub grants: Grants,
    /// Are they sent pictures?
    pub pictures: bool,
}

/// The machine.
pub struct Authority {
    rooms: HashMap<RoomId, Room>,
    conns: HashMap<Conn, Caller>,
    throttle: Throttle,
    capacity: Capacity,
    mint: Box<dyn Mint>,
    host: String,
    addresses: Vec<String>,
    effects: Vec<Effect>,
}

struct Room {
    title: String,
    matrix: Matrix,
    minimum: ShieldMinimum,
    watermark: Watermark,
    created_at: u32,
    members: HashMap<UserId, Member>,
    invites: HashMap<InviteId, Invitation>,
    sessions: HashMap<Hash, Session>,
    present: BTreeMap<UserId, Presence>,
}

struct Member {
    role: Role,
    exempt: bool,
}

struct Invitation {
    role: Role,
    verifier: Hash,
    expires_at: u32,
}

struct Session {
    user: UserId,
    used_at: u32,
}

struct Presence {
    name: DisplayName,
    role: Role,
    shield: ShieldStatus,
    /// Unix seconds until which `shield` is believed; `None`: nothing was reported, and it says so.
    believed_until: Option<u32>,
    exempt: bool,
    /// What signalling and media were told last.
    pictures: bool,
    incidents: Rate,
    office: Option<Conn>,
    signal: bool,
}

enum Caller {
    Greeting { from: IpAddr },
    In { room: RoomId, user: UserId, rate: Rate },
}

/// An owner's way into a room, made in-process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerInvite {
    /// The room.
    pub room: RoomId,
    /// The invitation.
    pub id: InviteId,
    /// Unix seconds.
    pub expires_at: u32,
}

impl Authority {
    /// A machine with what was saved.
    #[must_use]
    pub fn new(saved: Saved, capacity: Capacity, mint: Box<dyn Mint>, host: String, addresses: Vec<String>) -> Self {
        let mut this = Self {
            rooms: HashMap::new(),
            conns: HashMap::new(),
            throttle: Throttle::default(),
            capacity,
            mint,
            host,
            addresses,
            effects: Vec::new(),
        };
        for write in saved.all {
            this.restore(write);
        }
        this
    }

    fn restore(&mut self, write: Write) {
        match write {
            Write::Room { room, title, matrix, minimum, created_at } => {
                self.rooms.insert(room, Room { minimum, ..Room::new(title, matrix, created_at) });
            }
            Write::Member { room, user, role, name: _, exempt } => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.members.insert(user, Member { role, exempt });
                }
            }
            Write::Invite { room, id, role, verifier, expires_at } => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.invites.insert(id, Invitation { role, verifier, expires_at });
                }
            }
            Write::Session { token, room, user, used_at } => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.sessions.insert(token, Session { user, used_at });
                }
            }
            Write::Watermark { room, watermark } => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.watermark = watermark;
                }
            }
            Write::Forget { .. } => {}
        }
    }

    /// What has to be done since the last call.
    pub fn drain(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// A client's channel opened; it says nothing before its hello.
    pub fn opened(&mut self, conn: Conn, from: IpAddr) {
        self.conns.insert(conn, Caller::Greeting { from });
    }

    /// A client's channel is gone. Its last report is believed for a moment longer: a socket that breaks comes back.
    pub fn closed(&mut self, conn: Conn, now: u32) {
        let Some(Caller::In { room, user, .. }) = self.conns.remove(&conn) else { return };
        let Some(place) = self.rooms.get_mut(&room) else { return };
        if let Some(person) = place.present.get_mut(&user)
            && person.office == Some(conn)
        {
            person.office = None;
            person.hang_up(now);
            self.settle(&room, &user);
        }
    }

    /// A message of a client. `now` in unix seconds.
    pub fn handle(&mut self, conn: Conn, message: ToHost, now: u32) {
        if self.floods(conn, now) {
            return;
        }
        match (self.conns.get(&conn), message) {
            (None, _) => {}
            (Some(Caller::Greeting { from }), ToHost::Hello { version, room, entry, name, shield }) => {
                let from = *from;
                self.hello(conn, from, entry::Hello { version, room, entry, name, shield }, now);
            }
            (Some(Caller::Greeting { .. }), _) => self.refuse(conn, Refusal::Malformed, None),
            (Some(Caller::In { room, user, .. }), message) => {
                let (room, user) = (room.clone(), user.clone());
                self.wish(conn, &room, &user, message, now);
            }
        }
    }

    /// A frame that is no message. A stranger is sent away, a person inside is told.
    pub fn malformed(&mut self, conn: Conn, now: u32) {
        if self.floods(conn, now) {
            return;
        }
        match self.conns.get(&conn) {
            None => {}
            Some(Caller::Greeting { .. }) => self.refuse(conn, Refusal::Malformed, None),
            Some(Caller::In { room, user, .. }) => {
                let (room, user) = (room.clone(), user.clone());
                // It may have been a report that says less than the last one.
                self.disbelieve(&room, &user);
                self.deny(conn, "", Refusal::Malformed);
            }
        }
    }

    /// Too many messages: the person is sent away and may come back by a session after a while.
    fn floods(&mut self, conn: Conn, now: u32) -> bool {
        let Some(Caller::In { room, user, rate }) = self.conns.get_mut(&conn) else { return false };
        if rate.take(now) {
            return false;
        }
        let (room, user) = (room.clone(), user.clone());
        if let Some(person) = self.rooms.get_mut(&room).and_then(|r| r.present.get_mut(&user)) {
            person.office = None;
            person.hang_up(now);
        }
        self.refuse(conn, Refusal::TooManyTries, Some(10));
        self.settle(&room, &user);
        true
    }

    /// Somebody did not say hello in time.
    pub fn silent(&mut self, conn: Conn) {
        if let Some(Caller::Greeting { .. }) = self.conns.get(&conn) {
            self.refuse(conn, Refusal::Malformed, None);
        }
    }

    /// Makes a room, and an owner invitation for it. The caller keeps the secret whose hash is `verifier`.
    ///
    /// # Errors
    /// [`Refusal::Full`]: too many rooms.
    pub fn open_room(&mut self, title: &str, verifier: Hash, now: u32) -> Result<OwnerInvite, Refusal> {
        if self.rooms.len() >= self.capacity.rooms {
            return Err(Refusal::Full);
        }
        let room = RoomId::parse(self.word("r_", 12)).expect("base64url is a room name");
        self.add_room(&room, title, now);
        self.owner_invite(&room, verifier, now).ok_or(Refusal::Full)
    }

    /// Makes a room of this name unless it is there.
    ///
    /// # Errors
    /// [`Refusal::Full`]: too many rooms.
    pub fn ensure_room(&mut self, room: &RoomId, title: &str, now: u32) -> Result<(), Refusal> {
        if self.rooms.contains_key(room) {
            return Ok(());
        }
        if self.rooms.len() >= self.capacity.rooms {
            return Err(Refusal::Full);
        }
        self.add_room(room, title, now);
        Ok(())
    }

    /// Another owner invitation for a room of an earlier run; `None`: it is not here.
    pub fn owner_invite(&mut self, room: &RoomId, verifier: Hash, now: u32) -> Option<OwnerInvite> {
        self.invite(room, Role::Owner, verifier, now.saturating_add(OWNER_INVITE_LIFE))
    }

    /// An invitation made in-process, by whoever started the host.
    pub fn invite(&mut self, room: &RoomId, role: Role, verifier: Hash, expires_at: u32) -> Option<OwnerInvite> {
        let id = InviteId::parse(self.word("i_", 12)).expect("base64url is an invitation's id");
        let place = self.rooms.get_mut(room)?;
        place.invites.insert(id.clone(), Invitation { role, verifier, expires_at });
        let (room, kept) = (room.clone(), id.clone());
        self.effects.push(Effect::Keep(Write::Invite { room: room.clone(), id: kept, role, verifier, expires_at }));
        Some(OwnerInvite { room, id, expires_at })
    }

    /// Is there such a room?
    #[must_use]
    pub fn knows(&self, room: &RoomId) -> bool {
        self.rooms.contains_key(room)
    }

    /// Rooms by name, with title, creation time and people.
    #[must_use]
    pub fn rooms(&self) -> Vec<(RoomId, u32, usize)> {
        self.rooms.iter().map(|(id, r)| (id.clone(), r.created_at, r.present.len())).collect()
    }

    /// What a person who is in the room may do by the matrix; `None`: not in.
    #[must_use]
    pub fn grants(&self, room: &RoomId, user: &UserId) -> Option<Grants> {
        let place = self.rooms.get(room)?;
        place.present.get(user).map(|p| place.matrix.grants(p.role))
    }

    /// Where else the host can be reached; goes into the next welcomes.
    pub fn set_addresses(&mut self, addresses: Vec<String>) {
        self.addresses = addresses;
    }

    /// People in all rooms now.
    #[must_use]
    pub fn people(&self) -> usize {
        self.rooms.values().map(|r| r.present.len()).sum()
    }

    /// Somebody comes in by a join token. Returns what they are and may do. A person the room knows keeps the role it
    /// knows, whatever the token says; others get the token's role, or are members.
    ///
    /// # Errors
    /// [`Refusal::Full`].
    pub fn admit(
        &mut self,
        room: &RoomId,
        user: &UserId,
        name: &DisplayName,
        role: Option<Role>,
        now: u32,
    ) -> Result<Admission, Refusal> {
        // LiveKit makes rooms when somebody with a good token comes; so do we.
        self.ensure_room(room, room.as_str(), now)?;
        let fits = self.fits(room, user);
        let place = self.rooms.get_mut(room).expect("made above if it was not there");
        let known = place.members.get(user);
        let role = known.map_or(role.unwrap_or(Role::Member), |m| m.role);
        let exempt = known.is_some_and(|m| m.exempt);
        if !fits {
            return Err(Refusal::Full);
        }
        let fresh = !place.present.contains_key(user);
        let person = place.present.entry(user.clone()).or_insert_with(|| {
            // Whoever never speaks to the office reports nothing.
            let pictures = place.minimum.lets_pictures(role, exempt, &ShieldStatus::default());
            Presence { exempt, pictures, ..Presence::new(name.clone(), role) }
        });
        person.signal = true;
        let (role, pictures) = (person.role, person.pictures);
        let grants = place.matrix.grants(role);
        if fresh {
            self.tell_people(room);
        }
        Ok(Admission { role, grants, pictures })
    }

    /// A participant's session is over.
    pub fn departed(&mut self, room: &RoomId, user: &UserId) {
        if let Some(person) = self.rooms.get_mut(room).and_then(|r| r.present.get_mut(user)) {
            person.signal = false;
            self.settle(room, user);
        }
    }

    /// The host stops: everyone is told, nobody is kept.
    pub fn stop(&mut self) {
        let conns: Vec<Conn> = self.conns.keys().copied().collect();
        for conn in conns {
            self.send(conn, ToClient::Closing);
            self.effects.push(Effect::Close { conn });
        }
    }

    /// Every few minutes: what is over is forgotten, and everyone gets a fresh join token.
    pub fn refresh(&mut self, now: u32) {
        for place in self.rooms.values_mut() {
            place.invites.retain(|_, i| i.expires_at >= now);
            place.sessions.retain(|_, s| s.used_at.saturating_add(SESSION_LIFE) >= now);
        }
        let (invites_before, sessions_before) = (now, now.saturating_sub(SESSION_LIFE));
        self.effects.push(Effect::Keep(Write::Forget { invites_before, sessions_before }));
        let mut tokens = Vec::new();
        for (room, place) in &self.rooms {
            for (user, person) in &place.present {
                if let Some(conn) = person.office {
                    tokens.push((conn, self.mint.token(user, &person.name, room, person.role)));
                }
            }
        }
        for (conn, signal_token) in tokens {
            self.send(conn, ToClient::Token { signal_token });
        }
        self.throttle.forget(now);
    }

    fn add_room(&mut self, room: &RoomId, title: &str, now: u32) {
        let mut title: String = title.chars().filter(|c| !c.is_control()).collect();
        while title.len() > MAX_TITLE {
            title.pop();
        }
        let fresh = Room::new(title, Matrix::default(), now);
        self.effects.push(Effect::Keep(fresh.kept(room)));
        self.rooms.insert(room.clone(), fresh);
    }

    fn fits(&self, room: &RoomId, user: &UserId) -> bool {
        let Some(place) = self.rooms.get(room) else { return false };
        place.present.contains_key(user)
            || (place.present.len() < self.capacity.room_people && self.people() < self.capacity.people)
    }

    /// Takes a person out of the room when neither channel holds them any more.
    fn settle(&mut self, room: &RoomId, user: &UserId) {
        let Some(place) = self.rooms.get_mut(room) else { return };
        if place.present.get(user).is_some_and(|p| p.office.is_none() && !p.signal) {
            place.present.remove(user);
            self.tell_people(room);
        }
    }

    fn tell_people(&mut self, room: &RoomId) {
        let Some(place) = self.rooms.get(room) else { return };
        let people = place.people();
        let conns: Vec<Conn> = place.present.values().filter_map(|p| p.office).collect();
        for conn in conns {
            self.send(conn, ToClient::People { people: people.clone() });
        }
    }

    fn send(&mut self, conn: Conn, message: ToClient) {
        self.effects.push(Effect::Send { conn, message: Box::new(message) });
    }

    fn refuse(&mut self, conn: Conn, why: Refusal, retry_after: Option<u32>) {
        self.conns.remove(&conn);
        self.send(conn, ToClient::Refused { why, retry_after });
        self.effects.push(Effect::Close { conn });
    }

    fn deny(&mut self, conn: Conn, about: &str, why: Refusal) {
        self.send(conn, ToClient::Denied { about: about.to_owned(), why });
    }

    /// A random name of `bytes` random bytes.
    fn word(&mut self, prefix: &str, bytes: usize) -> String {
        use base64::Engine;
        let mut random = Zeroizing::new(vec![0; bytes]);
        self.mint.random(&mut random);
        format!("{prefix}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&*random))
    }
}

impl Presence {
    /// Somebody of whom nothing is known but name and role.
    fn new(name: DisplayName, role: Role) -> Self {
        Self {
            name,
            role,
            shield: ShieldStatus::default(),
            believed_until: None,
            exempt: false,
            pictures: false,
            incidents: Rate::incidents(),
            office: None,
            signal: false,
        }
    }
}

impl Room {
    fn new(title: String, matrix: Matrix, created_at: u32) -> Self {
        let (members, invites, sessions) = (HashMap::new(), HashMap::new(), HashMap::new());
        let minimum = ShieldMinimum::default();
        let watermark = Watermark::default();
        Self { title, matrix, minimum, watermark, created_at, members, invites, sessions, present: BTreeMap::new() }
    }

    fn kept(&self, room: &RoomId) -> Write {
        let (title, matrix, minimum, created_at) = (self.title.clone(), self.matrix, self.minimum, self.created_at);
        Write::Room { room: room.clone(), title, matrix, minimum, created_at }
    }

    fn people(&self) -> Vec<Person> {
        let person = |(user, p): (&UserId, &Presence)| Person {
            user: user.clone(),
            name: p.name.clone(),
            role: p.role,
            shield: p.shield,
            exempt: p.exempt,
            pictures: p.pictures,
        };
        self.present.iter().map(person).collect()
    }
}

#[cfg(test)]
mod tests;
