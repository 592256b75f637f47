//! What a participant says about itself: name, metadata, attributes. Never its role.

use livekit_protocol as lk;
use lk::request_response::{Reason, Request};
use protocol::ids::DisplayName;

use super::Switchboard;
use crate::sfu::contract::SessionKey;
use crate::token::is_ours;

/// The official server's limits, in bytes.
const MAX_METADATA: usize = 512 * 1024;
const MAX_ATTRIBUTES: usize = 64 * 1024;

impl Switchboard {
    pub(super) fn update_metadata(&mut self, key: SessionKey, update: lk::UpdateParticipantMetadata) {
        let id = update.request_id;
        let reason = self.change_metadata(key, &update);
        let echo = (reason != Reason::Ok).then_some(Request::UpdateMetadata(update));
        self.answer_request(key, id, reason, echo);
        if reason == Reason::Ok {
            self.tell_all(key);
        }
    }

    fn change_metadata(&mut self, key: SessionKey, update: &lk::UpdateParticipantMetadata) -> Reason {
        let session = self.sessions.get_mut(&key).expect("asked just now");
        let visitor = &mut session.visitor;
        if !visitor.permission.can_update_metadata || update.attributes.keys().any(|k| is_ours(k)) {
            return Reason::NotAllowed;
        }
        let mut attributes = visitor.attributes.clone();
        for (name, value) in &update.attributes {
            // An empty value takes the attribute away, as with the official server.
            if value.is_empty() {
                attributes.remove(name);
            } else {
                attributes.insert(name.clone(), value.clone());
            }
        }
        let size: usize = attributes.iter().map(|(k, v)| k.len() + v.len()).sum();
        if update.metadata.len() > MAX_METADATA || size > MAX_ATTRIBUTES {
            return Reason::LimitExceeded;
        }
        if !update.name.is_empty() {
            let Ok(name) = DisplayName::parse(update.name.clone()) else { return Reason::InvalidName };
            visitor.name = name;
        }
        if !update.metadata.is_empty() {
            visitor.metadata.clone_from(&update.metadata);
        }
        visitor.attributes = attributes;
        Reason::Ok
    }
}
