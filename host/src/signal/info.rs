//! What others are told about a participant, in LiveKit's words.

use livekit_protocol as lk;
use protocol::signal::permission;

use super::Session;
use crate::token::{ROLE_ATTRIBUTE, role_word};

/// The codecs a client may publish; VP8 first, because official browsers' SDKs take the first they know.
pub(super) fn codecs() -> Vec<lk::Codec> {
    ["video/VP8", "video/H264", "audio/opus"]
        .into_iter()
        .map(|mime| lk::Codec { mime: mime.into(), fmtp_line: String::new() })
        .collect()
}

/// About this program.
pub(super) fn server() -> lk::ServerInfo {
    lk::ServerInfo {
        edition: lk::server_info::Edition::Standard as i32,
        version: env!("CARGO_PKG_VERSION").into(),
        protocol: protocol::signal::PROTOCOL,
        ..Default::default()
    }
}

/// What a megaphone's speaker is called in other rooms: an identity of theirs could exist there too.
pub(super) fn abroad(identity: &str) -> String {
    format!("megaphone:{identity}")
}

impl Session {
    /// The permission as LiveKit says it: rights of the matrix, limits of the token.
    pub(super) fn permission(&self) -> lk::ParticipantPermission {
        let limit = &self.visitor.permission;
        lk::ParticipantPermission {
            can_subscribe: limit.can_subscribe,
            can_publish_data: limit.can_publish_data,
            can_update_metadata: limit.can_update_metadata,
            hidden: limit.hidden,
            ..permission(self.grants)
        }
    }

    /// Everything, with live tracks only.
    pub(super) fn info(&self) -> lk::ParticipantInfo {
        let mut attributes = self.visitor.attributes.clone();
        attributes.insert(ROLE_ATTRIBUTE.into(), role_word(self.role).into());
        let tracks: Vec<lk::TrackInfo> = self.tracks.values().filter(|t| t.is_live()).map(|t| t.info.clone()).collect();
        let state = if self.active { lk::participant_info::State::Active } else { lk::participant_info::State::Joined };
        lk::ParticipantInfo {
            sid: self.sid.as_str().into(),
            identity: self.visitor.user.as_str().into(),
            state: state as i32,
            is_publisher: !tracks.is_empty(),
            tracks,
            metadata: self.visitor.metadata.clone(),
            joined_at: self.joined_ms / 1000,
            joined_at_ms: self.joined_ms,
            name: self.visitor.name.as_str().into(),
            version: self.version,
            permission: Some(self.permission()),
            kind: lk::participant_info::Kind::Standard as i32,
            attributes,
            client_protocol: self.client_protocol,
            capabilities: self.capabilities.clone(),
            ..Default::default()
        }
    }

    /// What people of other rooms are told: a voice with a name, nothing else.
    pub(super) fn info_abroad(&self) -> lk::ParticipantInfo {
        let own = self.info();
        let live = self.tracks.values().filter(|t| t.is_live() && t.is_megaphone());
        lk::ParticipantInfo {
            identity: abroad(&own.identity),
            tracks: live.map(|t| t.info.clone()).collect(),
            metadata: String::new(),
            attributes: std::collections::HashMap::new(),
            permission: Some(permission(protocol::policy::Grants::of(&[protocol::policy::Capability::Megaphone]))),
            ..own
        }
    }

    /// Does it speak to the whole host now?
    pub(super) fn announces(&self) -> bool {
        self.tracks.values().any(|t| t.is_live() && t.is_megaphone())
    }
}
