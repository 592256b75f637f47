//! The door: a hello with an invitation's proof or a session's token becomes a welcome or a refusal.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::ids::{DisplayName, RoomId, UserId};
use protocol::office::{Entry, Refusal, ToClient, VERSION};
use protocol::policy::Role;
use protocol::shield::ShieldStatus;
use zeroize::Zeroizing;

use super::throttle::Rate;
use super::{Authority, Caller, Conn, Effect, Member, Presence, SESSION_LIFE, Session};
use crate::store::{Hash, Write};

/// Entry bytes of an invitation.
const PROOF: usize = 16;
/// Bytes of a session token.
const TOKEN: usize = 32;

pub(super) struct Hello {
    pub(super) version: u32,
    pub(super) room: RoomId,
    pub(super) entry: Entry,
    pub(super) name: DisplayName,
    pub(super) shield: ShieldStatus,
}

/// Who the door found, and with what they can come back.
struct Found {
    user: UserId,
    role: Role,
    token: Zeroizing<String>,
    hash: Hash,
}

impl Authority {
    pub(super) fn hello(&mut self, conn: Conn, from: IpAddr, hello: Hello, now: u32) {
        if hello.version != VERSION {
            return self.refuse(conn, Refusal::Version, None);
        }
        let wait = self.throttle.wait(from, now);
        let found = match (&hello.entry, wait) {
            (Entry::Invite { .. }, Some(_)) => Err(Refusal::TooManyTries),
            (Entry::Invite { id, proof }, None) => self.by_invite(&hello.room, id, proof, now),
            // Colleagues behind the same address come back while somebody else there is guessing.
            (Entry::Session { token }, _) => self.by_session(&hello.room, token, now),
        };
        match found {
            Ok(found) => self.welcome(conn, hello, found, now),
            Err(_) if wait.is_some() => self.refuse(conn, Refusal::TooManyTries, wait),
            Err(why) => {
                if matches!(why, Refusal::Invite | Refusal::Session) {
                    self.throttle.wrong(from, now);
                }
                self.refuse(conn, why, None);
            }
        }
    }

    fn by_invite(
        &mut self,
        room: &RoomId,
        id: &protocol::ids::InviteId,
        proof: &str,
        now: u32,
    ) -> Result<Found, Refusal> {
        let hash = secret_hash::<PROOF>(proof).ok_or(Refusal::Invite)?;
        let invite = self.rooms.get(room).and_then(|r| r.invites.get(id));
        // The comparison runs in any case, so that its time does not say whether the invitation exists.
        let stored = invite.map_or([0; 32], |i| i.verifier);
        let right = verify_slices_are_equal(&hash, &stored).is_ok();
        let Some(invite) = invite.filter(|_| right) else { return Err(Refusal::Invite) };
        if invite.expires_at < now {
            return Err(Refusal::Expired);
        }
        let role = invite.role;
        if self.rooms.get(room).is_some_and(|r| r.members.len() >= self.capacity.members) {
            return Err(Refusal::Full);
        }
        let user = UserId::parse(self.word("u_", 9)).expect("base64url is a user id");
        let token = Zeroizing::new(self.word("", TOKEN));
        let hash = secret_hash::<TOKEN>(&token).expect("just made with that length");
        Ok(Found { user, role, token, hash })
    }

    fn by_session(&mut self, room: &RoomId, token: &str, now: u32) -> Result<Found, Refusal> {
        // Looking up a hash needs no constant time: whoever guesses cannot steer SHA-256 byte by byte.
        let hash = secret_hash::<TOKEN>(token).ok_or(Refusal::Session)?;
        let place = self.rooms.get_mut(room).ok_or(Refusal::Session)?;
        let session = place.sessions.get(&hash).ok_or(Refusal::Session)?;
        if session.used_at.saturating_add(SESSION_LIFE) < now {
            place.sessions.remove(&hash);
            return Err(Refusal::Session);
        }
        let user = session.user.clone();
        let role = place.members.get(&user).ok_or(Refusal::Session)?.role;
        Ok(Found { user, role, token: Zeroizing::new(token.to_owned()), hash })
    }

    fn welcome(&mut self, conn: Conn, hello: Hello, found: Found, now: u32) {
        let Hello { room, name, shield, .. } = hello;
        let Found { user, role, token, hash } = found;
        if !self.fits(&room, &user) {
            return self.refuse(conn, Refusal::Full, Some(60));
        }
        let place = self.rooms.get_mut(&room).expect("the door found it there");
        let exempt = place.members.get(&user).is_some_and(|m| m.exempt);
        place.members.insert(user.clone(), Member { role, exempt });
        place.sessions.insert(hash, Session { user: user.clone(), used_at: now });
        let before = place.present.remove(&user);
        let (old, signal) = before.as_ref().map_or((None, false), |p| (p.office, p.signal));
        let mut present = Presence { exempt, office: Some(conn), signal, ..Presence::new(name.clone(), role) };
        (present.pictures, present.incidents) = match before {
            Some(before) => (before.pictures, before.incidents),
            None => (place.minimum.lets_pictures(role, exempt, &shield), present.incidents),
        };
        place.present.insert(user.clone(), present);
        self.believe(&room, &user, shield, now);
        let place = self.rooms.get(&room).expect("just filled");
        let (title, matrix, minimum, people) = (place.title.clone(), place.matrix, place.minimum, place.people());

        // Kept before the welcome is sent: what a client was told survives a kill.
        self.effects.push(Effect::Keep(Write::Member {
            room: room.clone(),
            user: user.clone(),
            role,
            name: name.clone(),
            exempt,
        }));
        self.effects.push(Effect::Keep(Write::Session {
            token: hash,
            room: room.clone(),
            user: user.clone(),
            used_at: now,
        }));
        if let Some(old) = old {
            // The same person on a new socket: the old one is a dead network's or another window's.
            self.conns.remove(&old);
            self.effects.push(Effect::Close { conn: old });
        }
        self.conns.insert(conn, Caller::In { room: room.clone(), user: user.clone(), rate: Rate::messages() });
        let signal_token = self.mint.token(&user, &name, &room, role);
        let welcome = ToClient::Welcome {
            version: VERSION,
            you: user.clone(),
            room: room.clone(),
            title,
            role,
            matrix,
            people,
            signal_token,
            session_token: token.to_string(),
            host: self.host.clone(),
            addresses: self.addresses.clone(),
            shield_minimum: minimum,
        };
        self.send(conn, welcome);
        self.tell_watermark(&room, &user);
        self.tell_people(&room);
    }
}

/// SHA-256 of a secret of exactly `N` bytes, given as base64url.
pub(super) fn secret_hash<const N: usize>(text: &str) -> Option<Hash> {
    if text.len() > Entry::MAX_SECRET {
        return None;
    }
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    (bytes.len() == N).then(|| sha256(&bytes))
}

/// SHA-256, as invitations and sessions are kept.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
