//! Protection from screenshots, as far as the host decides it: what a meeting demands, who reports what and for how long
//! that is believed, who is therefore sent pictures, and what was captured.
//!
//! A client reports every `SHIELD_BEAT` and on every change. Silence, a channel that is gone and words that cannot
//! be read all end in the same place: nothing is believed, as of somebody who never reported.

use protocol::ids::{RoomId, UserId};
use protocol::office::{Refusal, SHIELD_LEASE, ToClient};
use protocol::policy::Role;
use protocol::shield::{ShieldIncident, ShieldLevel, ShieldStatus};

use super::{Authority, Conn, Effect, Member, Noted, Presence};
use crate::store::Write;

/// Seconds for which the last report is believed after a channel is gone: what a client needs to come back over a
/// broken socket, and too short to take many pictures in.
const GONE: u32 = 3;

impl Presence {
    /// Their channel is gone.
    pub(super) fn hang_up(&mut self, now: u32) {
        let end = now.saturating_add(GONE);
        self.believed_until = self.believed_until.map(|until| until.min(end));
    }

    fn is_stale(&self, now: u32) -> bool {
        self.believed_until.is_some_and(|until| {
            // A clock that was put back must not make a report last: what is too far ahead counts as over, too.
            now >= until || until - now > 2 * SHIELD_LEASE
        })
    }

    fn forget_shield(&mut self) {
        self.believed_until = None;
        self.shield = ShieldStatus::default();
    }
}

impl Authority {
    /// Looks at the clock: reports that are too old are not believed any more. Call about twice a second.
    pub fn tick(&mut self, now: u32) {
        let stale: Vec<(RoomId, UserId)> = self
            .rooms
            .iter()
            .flat_map(|(room, place)| place.present.iter().map(move |(user, person)| (room, user, person)))
            .filter(|(_, _, person)| person.is_stale(now))
            .map(|(room, user, _)| (room.clone(), user.clone()))
            .collect();
        for (room, user) in stale {
            self.disbelieve(&room, &user);
        }
    }

    /// Takes a report. Did anything change that others see?
    pub(super) fn believe(&mut self, room: &RoomId, user: &UserId, status: ShieldStatus, now: u32) -> bool {
        let Some(person) = self.person(room, user) else { return false };
        person.believed_until = Some(now.saturating_add(SHIELD_LEASE));
        let before = std::mem::replace(&mut person.shield, status);
        // First the lock, then everything else.
        let seen = self.review_pictures(room, user);
        // A test that was repeated with the same end is no news for the log.
        if (before.level, before.mechanism, before.failed) != (status.level, status.mechanism, status.failed) {
            self.note(room, user, Noted::Shield(status));
        }
        seen || before != status
    }

    /// Nothing this person reported is believed any more.
    pub(super) fn disbelieve(&mut self, room: &RoomId, user: &UserId) {
        let Some(person) = self.person(room, user) else { return };
        if person.believed_until.is_none() {
            return;
        }
        person.forget_shield();
        self.review_pictures(room, user);
        self.note(room, user, Noted::ShieldUnknown);
        self.tell_people(room);
    }

    /// Decides anew whether a person is sent pictures. Did it change?
    pub(super) fn review_pictures(&mut self, room: &RoomId, user: &UserId) -> bool {
        let Some(place) = self.rooms.get_mut(room) else { return false };
        let Some(person) = place.present.get_mut(user) else { return false };
        let on = place.minimum.lets_pictures(person.role, person.exempt, &person.shield);
        if person.pictures == on {
            return false;
        }
        person.pictures = on;
        self.effects.push(Effect::Pictures { room: room.clone(), user: user.clone(), on });
        self.note(room, user, Noted::Pictures(on));
        true
    }

    pub(super) fn set_minimum(
        &mut self,
        conn: Conn,
        room: &RoomId,
        (by, role): (&UserId, Role),
        of: Option<Role>,
        level: ShieldLevel,
    ) {
        if role != Role::Owner {
            return self.deny(conn, "set_shield_minimum", Refusal::NotAllowed);
        }
        let Some(place) = self.rooms.get_mut(room) else { return };
        let before = place.minimum;
        place.minimum.set(of, level);
        let minimum = place.minimum;
        if minimum == before {
            return;
        }
        let kept = place.kept(room);
        let everyone: Vec<(UserId, Option<Conn>)> =
            place.present.iter().map(|(user, person)| (user.clone(), person.office)).collect();
        for (user, _) in &everyone {
            self.review_pictures(room, user);
        }
        self.note(room, by, Noted::Minimum(minimum));
        for conn in everyone.into_iter().filter_map(|(_, office)| office) {
            self.send(conn, ToClient::ShieldMinimum { minimum });
        }
        self.tell_people(room);
        self.effects.push(Effect::Keep(kept));
    }

    pub(super) fn set_exempt(&mut self, conn: Conn, room: &RoomId, role: Role, who: &UserId, exempt: bool) {
        if role != Role::Owner {
            return self.deny(conn, "set_shield_exempt", Refusal::NotAllowed);
        }
        let Some(place) = self.rooms.get_mut(room) else { return };
        let Some(person) = place.present.get_mut(who) else {
            return self.deny(conn, "set_shield_exempt", Refusal::NoSuchPerson);
        };
        if person.exempt == exempt {
            return;
        }
        person.exempt = exempt;
        let (role, name) = (person.role, person.name.clone());
        // Kept with the person, so that it holds before their window is protected the next time.
        place.members.insert(who.clone(), Member { role, exempt });
        self.review_pictures(room, who);
        self.note(room, who, Noted::Exempt(exempt));
        self.tell_people(room);
        self.effects.push(Effect::Keep(Write::Member { room: room.clone(), user: who.clone(), role, name, exempt }));
    }

    /// A capture: into the log, and to the owners who are here. The person themself was told by their own client.
    pub(super) fn incident(&mut self, room: &RoomId, user: &UserId, incident: ShieldIncident, now: u32) {
        let Some(person) = self.person(room, user) else { return };
        if !person.incidents.take(now) {
            return;
        }
        let name = person.name.clone();
        self.note(room, user, Noted::Incident(incident.clone()));
        let Some(place) = self.rooms.get(room) else { return };
        let owners = place.present.iter().filter(|(other, p)| p.role == Role::Owner && *other != user);
        let owners: Vec<Conn> = owners.filter_map(|(_, p)| p.office).collect();
        for owner in owners {
            let (user, name, incident) = (user.clone(), name.clone(), incident.clone());
            self.send(owner, ToClient::ShieldIncident { user, name, incident });
        }
    }

    fn person(&mut self, room: &RoomId, user: &UserId) -> Option<&mut Presence> {
        self.rooms.get_mut(room)?.present.get_mut(user)
    }

    fn note(&mut self, room: &RoomId, user: &UserId, what: Noted) {
        self.effects.push(Effect::Note { room: room.clone(), user: user.clone(), what });
    }
}
