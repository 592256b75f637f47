//! Whom the office lets see pictures: the lock is the media plane's, this tells it and the client.

use livekit_protocol as lk;
use lk::signal_response::Message;
use protocol::ids::{RoomId, TrackSid, UserId};

use super::{Effect, Switchboard};
use crate::sfu::contract::{SessionKey, SfuCommand};

impl Switchboard {
    /// A person is sent pictures from now on, or sound only. Nothing happens when nothing changed, or nobody is here of
    /// that name: who joins later brings the office's word along.
    pub fn show_pictures(&mut self, room: &RoomId, user: &UserId, on: bool) {
        let Some(key) = self.find(room, user) else { return };
        let session = self.sessions.get_mut(&key).expect("just found");
        if session.pictures == on {
            return;
        }
        session.pictures = on;
        self.effects.push(Effect::Media(SfuCommand::Pictures { session: key, on }));
        self.tell_streams(key);
    }

    /// Tells a client which of its pictures are paused, in LiveKit's words: official SDKs show that instead of a frozen
    /// picture. Told on every change, and after a resume, whose socket may have missed one.
    pub(super) fn tell_streams(&mut self, key: SessionKey) {
        let Some(listener) = self.sessions.get(&key) else { return };
        let paused = !listener.pictures;
        let state = if paused { lk::StreamState::Paused } else { lk::StreamState::Active };
        let states: Vec<lk::StreamStateInfo> = self
            .sessions
            .values()
            .flat_map(|publisher| publisher.tracks.iter().map(move |(sid, track)| (publisher, sid, track)))
            .filter(|(_, sid, track)| track.shows() && listener.hears.contains(*sid))
            .map(|(publisher, sid, _)| stream(publisher.sid.as_str(), sid, state))
            .collect();
        if !states.is_empty() {
            self.say(key, Message::StreamStateUpdate(lk::StreamStateUpdate { stream_states: states }));
        }
    }

    /// A picture was subscribed to that is not sent.
    pub(super) fn tell_paused(&mut self, key: SessionKey, sid: &TrackSid) {
        let Some(publisher) = self.publisher_of(sid) else { return };
        let info = stream(self.sessions[&publisher].sid.as_str(), sid, lk::StreamState::Paused);
        self.say(key, Message::StreamStateUpdate(lk::StreamStateUpdate { stream_states: vec![info] }));
    }
}

fn stream(participant: &str, track: &TrackSid, state: lk::StreamState) -> lk::StreamStateInfo {
    lk::StreamStateInfo {
        participant_sid: participant.to_owned(),
        track_sid: track.as_str().to_owned(),
        state: state as i32,
    }
}
