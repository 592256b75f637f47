//! The office channel: versioned JSON messages on `wss://HOST/office`, beside LiveKit's signalling.
//! Values only; the host decides with them and the client believes them, after TLS has proven whose they are.
//!
//! One text frame is one message, at most [`MAX_MESSAGE`] bytes. The client's first message is [`ToHost::Hello`]; the
//! host's first is [`ToClient::Welcome`] or [`ToClient::Refused`]. Unknown `type`s from a newer peer are an error on
//! the host and are skipped by the client.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{DisplayName, InviteId, RoomId, UserId};
use crate::policy::{Capability, Grants, Matrix, Role};
use crate::shield::{ShieldIncident, ShieldLevel, ShieldMinimum, ShieldStatus};
use crate::watermark::{MarkCells, Watermark};

/// Version of these messages. A host refuses another one with [`Refusal::Version`].
pub const VERSION: u32 = 1;

/// Bytes one office message may have.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Longest life of an invitation: 30 days.
pub const MAX_INVITE_SECONDS: u32 = 30 * 24 * 3600;

/// A client reports its shield at least this often.
pub const SHIELD_BEAT: Duration = Duration::from_secs(5);

/// Seconds for which a host believes a report: two beats may be late, a client that stopped reporting is found out.
pub const SHIELD_LEASE: u32 = 12;

/// How a person asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// With an invitation.
    Invite {
        /// Which.
        id: InviteId,
        /// The 16 entry bytes of its secret, base64url.
        proof: String,
    },
    /// Coming back: the session token of an earlier welcome, base64url.
    Session {
        /// Known only to this client (in its keyring) and, as a hash, to the host.
        token: String,
    },
}

impl Entry {
    /// Longest `proof` or `token` looked at.
    pub const MAX_SECRET: usize = 128;
}

/// From a client to its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToHost {
    /// First message.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// Which room.
        room: RoomId,
        /// How to be let in.
        entry: Entry,
        /// What to be called.
        name: DisplayName,
        /// What protects this person's window.
        shield: ShieldStatus,
    },
    /// Owner: allow or forbid one capability for one role.
    SetRight {
        /// For whom.
        role: Role,
        /// What.
        capability: Capability,
        /// Allowed from now on?
        allowed: bool,
    },
    /// Owner: give a person another role. The last owner cannot step down.
    SetRole {
        /// Who.
        user: UserId,
        /// To what.
        role: Role,
    },
    /// Owner, or member for guests: make an invitation.
    CreateInvite {
        /// Echoed in the answer.
        request: u32,
        /// What its bearers become.
        role: Role,
        /// How long it is good for, in seconds; at most [`MAX_INVITE_SECONDS`].
        lasts: u32,
        /// SHA-256 of the 16 entry bytes, base64url: the host never sees the secret.
        verifier: String,
    },
    /// Owner: draw this over pictures at everyone who sees them.
    SetWatermark {
        /// From now on.
        watermark: Watermark,
    },
    /// The protection of this person's window: on every change, and every [`SHIELD_BEAT`]. Who stays silent for
    /// [`SHIELD_LEASE`] seconds counts as unprotected.
    Shield {
        /// Now.
        status: ShieldStatus,
    },
    /// Somebody captured this person's window, or tried to.
    ShieldIncident {
        /// What is known of it.
        incident: ShieldIncident,
    },
    /// Owner: demand this much protection before pictures are sent.
    SetShieldMinimum {
        /// Of whom; `None`: of everyone in the meeting.
        role: Option<Role>,
        /// At least.
        level: ShieldLevel,
    },
    /// Owner: this person is sent pictures without protection, for instance because a screen reader or magnifier must
    /// see the window; or that ends. Everyone is told.
    SetShieldExempt {
        /// Who.
        user: UserId,
        /// From now on?
        exempt: bool,
    },
    /// Still there?
    Ping {
        /// Echoed in the answer.
        nonce: u32,
    },
}

/// A person in the room, as everyone in it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// LiveKit identity.
    pub user: UserId,
    /// What they are called.
    pub name: DisplayName,
    /// Their role.
    pub role: Role,
    /// What protects their window, as they last reported; nothing once the report is too old to be believed.
    pub shield: ShieldStatus,
    /// An owner exempted them from the meeting's demand for protection.
    #[serde(default)]
    pub exempt: bool,
    /// The host sends them pictures; without, they get sound only.
    #[serde(default = "yes")]
    pub pictures: bool,
}

const fn yes() -> bool {
    true
}

/// Why someone is not let in, or a wish is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The invitation is unknown, revoked, or its secret is wrong. One answer for all, so that nobody learns which.
    Invite,
    /// The invitation is over.
    Expired,
    /// The session is unknown; join with an invitation.
    Session,
    /// The host speaks another version.
    Version,
    /// Too many tries from there; wait.
    TooManyTries,
    /// The host or room is full.
    Full,
    /// The role does not allow it.
    NotAllowed,
    /// The message made no sense here.
    Malformed,
    /// The host is stopping.
    Closing,
    /// The person wished for is not in the room.
    NoSuchPerson,
    /// The last owner cannot step down.
    LastOwner,
}

/// From a host to its client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient {
    /// You are in.
    Welcome {
        /// [`VERSION`].
        version: u32,
        /// LiveKit identity of this person.
        you: UserId,
        /// The room.
        room: RoomId,
        /// What the room is called.
        title: String,
        /// This person's role.
        role: Role,
        /// What every role may do.
        matrix: Matrix,
        /// Everyone in the room, this person too.
        people: Vec<Person>,
        /// LiveKit join token for `/rtc`, good for minutes.
        signal_token: String,
        /// For coming back later; belongs into the keyring.
        session_token: String,
        /// Name and version of the host program.
        host: String,
        /// Where else the host can be reached, best first; goes into invitations.
        addresses: Vec<String>,
        /// What the meeting demands before it sends pictures.
        #[serde(default)]
        shield_minimum: ShieldMinimum,
    },
    /// You are not let in. The host closes the socket after this.
    Refused {
        /// Why.
        why: Refusal,
        /// Seconds to wait before another try makes sense.
        retry_after: Option<u32>,
    },
    /// One wish was not granted; the channel stays.
    Denied {
        /// `type` of the wish.
        about: String,
        /// Why.
        why: Refusal,
    },
    /// Rights changed.
    Rights {
        /// All of them.
        matrix: Matrix,
        /// This person's role now.
        role: Role,
        /// What this person may do now: always `matrix.grants(role)`.
        grants: Grants,
    },
    /// Who is in the room now.
    People {
        /// All of them.
        people: Vec<Person>,
    },
    /// What the meeting demands before it sends pictures was changed.
    ShieldMinimum {
        /// To this.
        minimum: ShieldMinimum,
    },
    /// To owners: somebody's window was captured.
    ShieldIncident {
        /// Whose.
        user: UserId,
        /// What they are called.
        name: DisplayName,
        /// What is known of it.
        incident: ShieldIncident,
    },
    /// What this person draws over pictures from now on; also follows every welcome. A host that never says it draws
    /// nothing.
    Watermark {
        /// What.
        watermark: Watermark,
        /// This person's own mark; only where marks are drawn.
        cells: Option<MarkCells>,
    },
    /// An invitation was made.
    InviteCreated {
        /// The number of the wish.
        request: u32,
        /// Its id.
        id: InviteId,
        /// Unix seconds after which it is refused.
        expires_at: u32,
    },
    /// A fresh LiveKit join token, sent before the last one ends.
    Token {
        /// For `/rtc`.
        signal_token: String,
    },
    /// Answer to [`ToHost::Ping`].
    Pong {
        /// As asked.
        nonce: u32,
    },
    /// The host stops on purpose.
    Closing,
}

/// Why a frame is not an office message.
#[derive(Debug, thiserror::Error)]
pub enum ParseOffice {
    /// Over [`MAX_MESSAGE`].
    #[error("an office message of {0} bytes is too long")]
    TooLong(usize),
    /// Not a message of this version.
    #[error("not an office message: {0}")]
    Json(#[from] serde_json::Error),
}

impl ToHost {
    /// Reads one text frame.
    ///
    /// # Errors
    /// Too long, or not a message.
    pub fn parse(text: &str) -> Result<Self, ParseOffice> {
        if text.len() > MAX_MESSAGE {
            return Err(ParseOffice::TooLong(text.len()));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// One text frame.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plain values always become JSON")
    }
}

impl ToClient {
    /// Reads one text frame.
    ///
    /// # Errors
    /// Too long, or not a message.
    pub fn parse(text: &str) -> Result<Self, ParseOffice> {
        if text.len() > MAX_MESSAGE {
            return Err(ParseOffice::TooLong(text.len()));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// One text frame.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plain values always become JSON")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hello_reads_back() {
        let hello = ToHost::Hello {
            version: VERSION,
            room: RoomId::parse("r").unwrap(),
            entry: Entry::Session { token: "t".into() },
            name: DisplayName::parse("花子").unwrap(),
            shield: ShieldStatus::default(),
        };
        assert_eq!(ToHost::parse(&hello.to_text()).unwrap(), hello);
    }

    #[test]
    fn an_oversized_message_is_refused_before_it_is_read() {
        let text = format!(r#"{{"type":"ping","nonce":1,"x":"{}"}}"#, "y".repeat(MAX_MESSAGE));
        assert!(matches!(ToHost::parse(&text), Err(ParseOffice::TooLong(_))));
    }

    #[test]
    fn a_person_and_a_welcome_of_a_host_without_shields_read_as_before() {
        let old = r#"{"user":"u_1","name":"n","role":"guest","shield":{"level":"none","mechanism":"unsupported","failed":false}}"#;
        let person: Person = serde_json::from_str(old).unwrap();
        assert!(person.pictures && !person.exempt);
    }

    #[test]
    fn an_unknown_field_is_refused_by_the_host() {
        assert!(ToHost::parse(r#"{"type":"ping","nonce":1,"role":"owner"}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,400}") {
            let _ = ToHost::parse(&text).is_ok();
            let _ = ToClient::parse(&text).is_ok();
        }
    }
}
