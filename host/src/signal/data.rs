//! Data packets: who sent it is written by the host, who gets it is checked, what is inside stays shut.

#![expect(deprecated, reason = "fields that today's official SDKs still read and write")]

use std::collections::HashSet;

use livekit_protocol as lk;
use lk::data_packet::Value;
use prost::Message as _;

use super::{Effect, Now, Switchboard};
use crate::sfu::contract::{SessionKey, SfuCommand};

/// Bytes of one packet (the official server's buffer).
const MAX_PACKET: usize = 65_535;
/// Identities one packet may name.
const MAX_DESTINATIONS: usize = 1000;

impl Switchboard {
    pub(super) fn data(&mut self, key: SessionKey, reliable: bool, bytes: &[u8], now: Now) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if !session.visitor.permission.can_publish_data || bytes.len() > MAX_PACKET || !session.data_rate.take(now.up) {
            self.tally.refused_messages += 1;
            return;
        }
        let Ok(mut packet) = lk::DataPacket::decode(bytes) else {
            self.tally.refused_messages += 1;
            return;
        };
        if packet.destination_identities.len() > MAX_DESTINATIONS || !passes(packet.value.as_ref()) {
            self.tally.refused_messages += 1;
            return;
        }
        if reliable && packet.sequence > 0 {
            // Sent again after a resume: it arrived the first time.
            if packet.sequence <= session.last_reliable {
                return;
            }
            session.last_reliable = packet.sequence;
        }
        // The channel says how it was sent; the Rust SDK writes the two kinds the wrong way round.
        packet.kind = if reliable { lk::data_packet::Kind::Reliable } else { lk::data_packet::Kind::Lossy } as i32;
        let hidden = session.visitor.permission.hidden;
        packet.participant_sid = if hidden { String::new() } else { session.sid.as_str().into() };
        packet.participant_identity = if hidden { String::new() } else { session.visitor.user.as_str().into() };
        let mut sids = HashSet::new();
        if let Some(Value::User(user)) = &mut packet.value {
            // Copies that old clients read, and destinations that old clients write.
            user.participant_sid.clone_from(&packet.participant_sid);
            user.participant_identity.clone_from(&packet.participant_identity);
            if packet.destination_identities.is_empty() {
                packet.destination_identities =
                    user.destination_identities.iter().take(MAX_DESTINATIONS).cloned().collect();
            }
            sids = user.destination_sids.iter().take(MAX_DESTINATIONS).cloned().collect();
        }
        let named: HashSet<&str> = packet.destination_identities.iter().map(String::as_str).collect();
        let room = session.visitor.room.clone();
        let to: Vec<SessionKey> = self
            .sessions
            .values()
            .filter(|s| s.key != key && s.visitor.room == room && s.visitor.permission.can_subscribe)
            .filter(|s| {
                (named.is_empty() && sids.is_empty())
                    || named.contains(s.visitor.user.as_str())
                    || sids.contains(s.sid.as_str())
            })
            .map(|s| s.key)
            .collect();
        if !to.is_empty() {
            let bytes = packet.encode_to_vec().into();
            self.effects.push(Effect::Media(SfuCommand::SendData { to, reliable, bytes }));
        }
    }
}

/// Kinds a participant may send. Speakers are the host's news, transcriptions an agent's, and nothing here reads
/// telephone tones or metrics.
fn passes(value: Option<&Value>) -> bool {
    match value {
        Some(
            Value::User(_)
            | Value::ChatMessage(_)
            | Value::RpcRequest(_)
            | Value::RpcAck(_)
            | Value::RpcResponse(_)
            | Value::StreamHeader(_)
            | Value::StreamChunk(_)
            | Value::StreamTrailer(_)
            | Value::EncryptedPacket(_),
        ) => true,
        Some(Value::Speaker(_)) => false,
        Some(Value::SipDtmf(_) | Value::Transcription(_) | Value::Metrics(_)) | None => false,
    }
}
