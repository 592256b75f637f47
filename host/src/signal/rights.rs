//! Rights that change during the meeting: the lock first, then everyone is told.

use livekit_protocol as lk;
use protocol::ids::{RoomId, TrackSid, UserId};
use protocol::policy::{Grants, Role};

use super::{Switchboard, within};
use crate::sfu::contract::SessionKey;

impl Switchboard {
    /// What a person is and may do now. Tracks that are no longer allowed end at once: their RTP is dropped, their
    /// publisher and everyone else is told. Nothing happens when nothing changed.
    pub fn regrant(&mut self, room: &RoomId, user: &UserId, role: Role, grants: Grants) {
        let Some(key) = self.find(room, user) else { return };
        let session = self.sessions.get_mut(&key).expect("just found");
        let grants = within(grants, &session.visitor.permission);
        if session.grants == grants && session.role == role {
            return;
        }
        (session.role, session.grants) = (role, grants);
        self.enforce(key);
    }

    /// An administrator changes what a participant's token allowed; the room's matrix decides within it.
    /// `None`: nobody of that name.
    pub fn limit(
        &mut self,
        room: &RoomId,
        user: &UserId,
        limit: lk::ParticipantPermission,
        matrix: Grants,
    ) -> Option<lk::ParticipantInfo> {
        let key = self.find(room, user)?;
        let session = self.sessions.get_mut(&key).expect("just found");
        session.grants = within(matrix, &limit);
        session.visitor.permission = limit;
        self.enforce(key);
        self.review_listener(key);
        self.sessions.get(&key).map(super::Session::info)
    }

    fn enforce(&mut self, key: SessionKey) {
        let session = &self.sessions[&key];
        let fallen: Vec<TrackSid> = session
            .tracks
            .iter()
            .filter(|(_, t)| !t.source.capability(t.kind).is_some_and(|c| session.grants.allows(c)))
            .map(|(sid, _)| sid.clone())
            .collect();
        for sid in fallen {
            self.remove_track(key, &sid, true);
        }
        self.tell_all(key);
        self.refresh_rights(key);
    }
}
