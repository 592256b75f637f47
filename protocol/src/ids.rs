//! Names of people, rooms and tracks, each a type of its own so that one cannot be passed for another.
//! Values only; every one is checked when it is parsed and can be trusted afterwards.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

/// Why a string cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseId {
    /// Nothing was given.
    #[error("an id must not be empty")]
    Empty,
    /// More bytes than the kind of id allows.
    #[error("an id of {got} bytes is longer than {max}")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A control character, or for sids anything but ASCII letters, digits, `_` and `-`.
    #[error("an id holds a character it must not")]
    Character,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, TS)]
        #[serde(transparent)]
        #[ts(type = "string")]
        pub struct $name(String);

        impl $name {
            /// Bytes an id of this kind may have.
            pub const MAX: usize = $max;

            /// Checks and takes a string.
            ///
            /// # Errors
            /// Empty, too long, or with a character this kind of id does not allow.
            pub fn parse(text: impl Into<String>) -> Result<Self, ParseId> {
                let text = text.into();
                if text.is_empty() {
                    return Err(ParseId::Empty);
                }
                if text.len() > Self::MAX {
                    return Err(ParseId::TooLong { got: text.len(), max: Self::MAX });
                }
                let allowed: fn(char) -> bool = $allowed;
                if !text.chars().all(allowed) {
                    return Err(ParseId::Character);
                }
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::parse(text.into_owned()).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn printable(c: char) -> bool {
    !c.is_control()
}

fn sid(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

id!(
    /// A person as the host knows them: LiveKit's participant identity.
    UserId, 256, printable
);
id!(
    /// A meeting room on one host: LiveKit's room name.
    RoomId, 128, sid
);
id!(
    /// One session of a person in a room (`PA_…`); a new one after each full join.
    ParticipantSid, 64, sid
);
id!(
    /// A published track (`TR_…`).
    TrackSid, 64, sid
);
id!(
    /// An invitation, as the host's store knows it. Says nothing about its secret.
    InviteId, 64, sid
);
id!(
    /// What a person is called on screen; 1 to 96 bytes, no control characters.
    DisplayName, 96, printable
);
id!(
    /// A program, by the name of its file.
    ProgramName, 96, printable
);
id!(
    /// A microphone, speaker, camera or screen, stable over unplug and replug where the system allows it.
    DeviceId, 512, printable
);

impl ProgramName {
    /// A name that may be too long or hold anything, as programs can be called what they like: cut, and without control
    /// characters. `None`: nothing is left.
    #[must_use]
    pub fn cut(text: &str) -> Option<Self> {
        let clean = text.chars().filter(|c| printable(*c));
        let mut name = String::new();
        for c in clean {
            if name.len() + c.len_utf8() > Self::MAX {
                break;
            }
            name.push(c);
        }
        Self::parse(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything_and_is_named_all_the_same() {
        assert_eq!(ProgramName::cut("scr\not\u{7}").unwrap().as_str(), "scrot");
        assert_eq!(ProgramName::cut("\n"), None);
        let long = ProgramName::cut(&"撮".repeat(50)).unwrap();
        assert_eq!(long.as_str().len(), 96, "cut between letters");
    }

    #[test]
    fn an_id_refuses_what_it_must_not_hold() {
        assert_eq!(RoomId::parse(""), Err(ParseId::Empty));
        assert_eq!(RoomId::parse("a b"), Err(ParseId::Character));
        assert_eq!(DisplayName::parse("a\nb"), Err(ParseId::Character));
        assert!(matches!(TrackSid::parse("x".repeat(65)), Err(ParseId::TooLong { got: 65, max: 64 })));
        assert_eq!(DisplayName::parse("佐藤 花子").unwrap().as_str(), "佐藤 花子");
    }

    #[test]
    fn an_id_from_json_is_checked_too() {
        assert!(serde_json::from_str::<RoomId>("\"../etc\"").is_err());
        assert_eq!(serde_json::from_str::<RoomId>("\"floor-1\"").unwrap().as_str(), "floor-1");
    }
}
