//! Wishes of people who are in: rights, roles, invitations.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::ids::{InviteId, RoomId, UserId};
use protocol::office::{MAX_INVITE_SECONDS, Refusal, ToClient, ToHost};
use protocol::policy::{Capability, Role};

use super::{Authority, Conn, Effect, Member};
use crate::store::{Hash, Write};

impl Authority {
    pub(super) fn wish(&mut self, conn: Conn, room: &RoomId, user: &UserId, message: ToHost, now: u32) {
        let Some(role) = self.rooms.get(room).and_then(|r| r.present.get(user)).map(|p| p.role) else { return };
        match message {
            ToHost::Hello { .. } => self.deny(conn, "hello", Refusal::Malformed),
            ToHost::SetRight { role: of, capability, allowed } => {
                self.set_right(conn, room, role, (of, capability, allowed));
            }
            ToHost::SetRole { user: who, role: to } => self.set_role(conn, room, role, &who, to),
            ToHost::SetWatermark { watermark } => self.set_watermark(conn, room, role, watermark),
            ToHost::CreateInvite { request, role: to, lasts, verifier } => {
                self.create_invite(conn, room, role, NewInvite { request, role: to, lasts, verifier: &verifier }, now);
            }
            ToHost::Shield { status } => {
                if self.believe(room, user, status, now) {
                    self.tell_people(room);
                }
            }
            ToHost::ShieldIncident { incident } => self.incident(room, user, incident, now),
            ToHost::SetShieldMinimum { role: of, level } => self.set_minimum(conn, room, (user, role), of, level),
            ToHost::SetShieldExempt { user: who, exempt } => self.set_exempt(conn, room, role, &who, exempt),
            ToHost::Ping { nonce } => self.send(conn, ToClient::Pong { nonce }),
        }
    }

    fn set_right(&mut self, conn: Conn, room: &RoomId, role: Role, change: (Role, Capability, bool)) {
        let (of, capability, allowed) = change;
        if role != Role::Owner {
            return self.deny(conn, "set_right", Refusal::NotAllowed);
        }
        let Some(place) = self.rooms.get_mut(room) else { return };
        let before = place.matrix;
        if place.matrix.set(of, capability, allowed).is_err() {
            return self.deny(conn, "set_right", Refusal::NotAllowed);
        }
        if place.matrix == before {
            return;
        }
        let (matrix, kept) = (place.matrix, place.kept(room));
        let changed: Vec<UserId> = place.present.iter().filter(|(_, p)| p.role == of).map(|(u, _)| u.clone()).collect();
        // First the lock, then the news: nothing waits for the disk or for the slowest reader.
        for user in changed {
            self.effects.push(Effect::Regrant { room: room.clone(), user, role: of, grants: matrix.grants(of) });
        }
        self.tell_rights(room);
        self.effects.push(Effect::Keep(kept));
    }

    fn set_role(&mut self, conn: Conn, room: &RoomId, role: Role, who: &UserId, to: Role) {
        if role != Role::Owner {
            return self.deny(conn, "set_role", Refusal::NotAllowed);
        }
        let Some(place) = self.rooms.get_mut(room) else { return };
        let owners = place.present.values().filter(|p| p.role == Role::Owner).count();
        let Some(person) = place.present.get_mut(who) else {
            return self.deny(conn, "set_role", Refusal::NoSuchPerson);
        };
        if person.role == to {
            return;
        }
        // Owners who are away do not count: a meeting must not be left with nobody who can run it.
        if person.role == Role::Owner && owners == 1 {
            return self.deny(conn, "set_role", Refusal::LastOwner);
        }
        person.role = to;
        let (name, office) = (person.name.clone(), person.office);
        let (matrix, grants) = (place.matrix, place.matrix.grants(to));
        let exempt = person.exempt;
        place.members.insert(who.clone(), Member { role: to, exempt });
        self.effects.push(Effect::Regrant { room: room.clone(), user: who.clone(), role: to, grants });
        // Another role may be demanded more or less protection.
        self.review_pictures(room, who);
        if let Some(theirs) = office {
            self.send(theirs, ToClient::Rights { matrix, role: to, grants });
            let signal_token = self.mint.token(who, &name, room, to);
            self.send(theirs, ToClient::Token { signal_token });
        }
        self.tell_people(room);
        self.effects.push(Effect::Keep(Write::Member {
            room: room.clone(),
            user: who.clone(),
            role: to,
            name,
            exempt,
        }));
    }

    fn create_invite(&mut self, conn: Conn, room: &RoomId, role: Role, new: NewInvite<'_>, now: u32) {
        let allowed = match role {
            Role::Owner => true,
            Role::Member => new.role == Role::Guest,
            Role::Guest => false,
        };
        if !allowed {
            return self.deny(conn, "create_invite", Refusal::NotAllowed);
        }
        let verifier = decode_verifier(new.verifier).filter(|_| (1..=MAX_INVITE_SECONDS).contains(&new.lasts));
        let Some(verifier) = verifier else { return self.deny(conn, "create_invite", Refusal::Malformed) };
        let Some(place) = self.rooms.get_mut(room) else { return };
        place.invites.retain(|_, i| i.expires_at >= now);
        if place.invites.len() >= self.capacity.invites {
            return self.deny(conn, "create_invite", Refusal::Full);
        }
        let expires_at = now.saturating_add(new.lasts);
        let Some(made) = self.invite(room, new.role, verifier, expires_at) else { return };
        let id: InviteId = made.id;
        self.send(conn, ToClient::InviteCreated { request: new.request, id, expires_at });
    }

    fn tell_rights(&mut self, room: &RoomId) {
        let Some(place) = self.rooms.get(room) else { return };
        let matrix = place.matrix;
        let told: Vec<(Conn, Role)> = place.present.values().filter_map(|p| Some((p.office?, p.role))).collect();
        for (conn, role) in told {
            self.send(conn, ToClient::Rights { matrix, role, grants: matrix.grants(role) });
        }
    }
}

struct NewInvite<'a> {
    request: u32,
    role: Role,
    lasts: u32,
    verifier: &'a str,
}

fn decode_verifier(text: &str) -> Option<Hash> {
    if text.len() > 64 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
