//! A key combination that works while another program has the keyboard. Values only.
//!
//! The page asks for one as text; only what this type accepts ever reaches the system. A page that went astray can
//! therefore not listen to what is typed elsewhere: keys that write text need two modifiers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no shortcut for the whole system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseShortcut {
    /// A part of it is neither a modifier nor a key of the list, something is twice, or the order is wrong.
    #[error("not a combination of known keys")]
    Unknown,
    /// The key alone, or with so few modifiers, belongs to whatever has the keyboard.
    #[error("the key needs more modifiers")]
    TooFewModifiers,
    /// Every system uses it for something else.
    #[error("the system needs it")]
    Reserved,
}

/// Keys held down together with [`Key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Modifiers {
    /// Control.
    pub ctrl: bool,
    /// Alt; Option on a Mac.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
    /// The Windows key; Command on a Mac.
    pub meta: bool,
}

impl Modifiers {
    fn count(self) -> usize {
        [self.ctrl, self.alt, self.shift, self.meta].into_iter().filter(|held| *held).count()
    }

    const fn beyond_shift(self) -> bool {
        self.ctrl || self.alt || self.meta
    }
}

/// The key itself. Letters are meant by what is printed on them, so the combination is the same on every layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// `b'A'` to `b'Z'`.
    Letter(u8),
    /// 0 to 9, in the row above the letters.
    Digit(u8),
    /// 1 to 24.
    Function(u8),
    /// The space bar.
    Space,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Pause.
    Pause,
    /// Scroll lock.
    ScrollLock,
    /// 変換 of Japanese keyboards.
    Convert,
    /// 無変換 of Japanese keyboards.
    NonConvert,
}

/// Named keys, as `KeyboardEvent.code` calls them.
const NAMED: [(&str, Key); 10] = [
    ("Space", Key::Space),
    ("Insert", Key::Insert),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PageUp", Key::PageUp),
    ("PageDown", Key::PageDown),
    ("Pause", Key::Pause),
    ("ScrollLock", Key::ScrollLock),
    ("Convert", Key::Convert),
    ("NonConvert", Key::NonConvert),
];

impl Key {
    fn parse(text: &str) -> Option<Self> {
        if let [letter @ b'A'..=b'Z'] = text.as_bytes() {
            return Some(Self::Letter(*letter));
        }
        if let [digit @ b'0'..=b'9'] = text.as_bytes() {
            return Some(Self::Digit(digit - b'0'));
        }
        if let Some((_, key)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Some(*key);
        }
        let number: u8 = text.strip_prefix('F')?.parse().ok()?;
        // One way of writing each: not `F01`, not `F+1`.
        let key = Self::Function(number);
        ((1..=24).contains(&number) && key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letter(letter) => write!(f, "{}", char::from(*letter)),
            Self::Digit(digit) => write!(f, "{digit}"),
            Self::Function(number) => write!(f, "F{number}"),
            Self::Space
            | Self::Insert
            | Self::Home
            | Self::End
            | Self::PageUp
            | Self::PageDown
            | Self::Pause
            | Self::ScrollLock
            | Self::Convert
            | Self::NonConvert => {
                let name = NAMED.iter().find(|(_, key)| key == self).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// A combination that may be asked for system-wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shortcut {
    modifiers: Modifiers,
    key: Key,
}

impl Shortcut {
    /// Bytes of the longest one as text.
    pub const MAX: usize = 40;

    /// What is held.
    #[must_use]
    pub const fn modifiers(self) -> Modifiers {
        self.modifiers
    }

    /// What is pressed.
    #[must_use]
    pub const fn key(self) -> Key {
        self.key
    }

    fn check(self) -> Result<Self, ParseShortcut> {
        let held = self.modifiers;
        let enough = match self.key {
            Key::Letter(_) | Key::Digit(_) | Key::Space => held.count() >= 2 && held.beyond_shift(),
            Key::Insert | Key::Home | Key::End | Key::PageUp | Key::PageDown => held.beyond_shift(),
            Key::Function(_) | Key::Pause | Key::ScrollLock | Key::Convert | Key::NonConvert => true,
        };
        if !enough {
            return Err(ParseShortcut::TooFewModifiers);
        }
        // Closing a window, and the text consoles of Linux.
        let closes = self.key == Key::Function(4) && held.alt;
        let console = matches!(self.key, Key::Function(1..=12)) && held.ctrl && held.alt;
        if closes || console { Err(ParseShortcut::Reserved) } else { Ok(self) }
    }
}

impl FromStr for Shortcut {
    type Err = ParseShortcut;

    /// Reads `Ctrl+Alt+Shift+Meta+KEY`, each modifier at most once and in this order.
    fn from_str(text: &str) -> Result<Self, ParseShortcut> {
        if text.len() > Self::MAX {
            return Err(ParseShortcut::Unknown);
        }
        let mut rest = text;
        let mut held = |name: &str| match rest.strip_prefix(name) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        };
        let modifiers =
            Modifiers { ctrl: held("Ctrl+"), alt: held("Alt+"), shift: held("Shift+"), meta: held("Meta+") };
        let key = Key::parse(rest).ok_or(ParseShortcut::Unknown)?;
        Self { modifiers, key }.check()
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Modifiers { ctrl, alt, shift, meta } = self.modifiers;
        for (held, name) in [(ctrl, "Ctrl+"), (alt, "Alt+"), (shift, "Shift+"), (meta, "Meta+")] {
            if held {
                f.write_str(name)?;
            }
        }
        self.key.fmt(f)
    }
}

impl Serialize for Shortcut {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shortcut {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Shortcut, ParseShortcut> {
        text.parse()
    }

    #[test]
    fn what_a_person_would_choose_is_read_and_written_the_same() {
        for text in [
            "Ctrl+Shift+M",
            "Alt+Meta+0",
            "F8",
            "Shift+F24",
            "Pause",
            "ScrollLock",
            "NonConvert",
            "Ctrl+Insert",
            "Ctrl+Alt+Shift+Meta+NonConvert",
        ] {
            assert_eq!(read(text).map(|s| s.to_string()).as_deref(), Ok(text));
            assert!(text.len() <= Shortcut::MAX);
        }
    }

    #[test]
    fn keys_that_write_text_cannot_be_taken_from_other_programs() {
        for text in ["M", "5", "Space", "Shift+M", "Ctrl+C", "Meta+V", "Shift+Space", "Home", "Shift+End"] {
            assert_eq!(read(text), Err(ParseShortcut::TooFewModifiers), "{text}");
        }
    }

    #[test]
    fn what_the_system_needs_is_left_to_it() {
        for text in ["Alt+F4", "Alt+Shift+F4", "Ctrl+Alt+F1", "Ctrl+Alt+F12"] {
            assert_eq!(read(text), Err(ParseShortcut::Reserved), "{text}");
        }
    }

    #[test]
    fn there_is_one_way_of_writing_each() {
        for text in ["", "+", "Ctrl+", "Shift+Ctrl+M", "Ctrl+Ctrl+Alt+M", "ctrl+alt+m", "Ctrl+Alt+m", "F0", "F25"] {
            assert_eq!(read(text), Err(ParseShortcut::Unknown), "{text}");
        }
        for text in ["F01", "F+1", "Ctrl+Alt+Delete", "Ctrl+Alt+Ａ", "Enter", &"Ctrl+".repeat(100)] {
            assert_eq!(read(text), Err(ParseShortcut::Unknown), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_comes_back_as_it_was(text in "(Ctrl\\+|Alt\\+|Shift\\+|Meta\\+|F|\\PC){0,6}") {
            if let Ok(shortcut) = read(&text) {
                prop_assert_eq!(shortcut.to_string(), text);
            }
        }
    }
}
