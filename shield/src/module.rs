//! The administrator's module in the X server (`xorg-shield`), where there is one: it shows a marked window black to every
//! other program. What it says is asked here and taken for what it is worth; only the self-test proves anything.
//! Run by whoever protects; it asks the server and waits.

use std::io::IoSlice;

use x11rb::connection::RequestConnection as _;
use x11rb::errors::ParseError;
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, PropMode, Window};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::x11_utils::TryParse;

use crate::Failed;

/// Nobody but the server can have an extension of this name.
const NAME: &[u8] = b"SHOJI-SHIELD";
/// Another major version means something else by the same requests.
const MAJOR: u16 = 1;

/// What the module says of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flags(u32);

impl Flags {
    const MARKED: u32 = 1;
    const EXEMPT: u32 = 1 << 1;
    const COMPOSITOR: u32 = 1 << 2;
    const LET_THROUGH: u32 = 1 << 3;
    const LENT: u32 = 1 << 5;

    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    fn doubt(self) -> Option<Doubt> {
        if !self.has(Self::MARKED) {
            Some(Doubt::NotMarked)
        } else if self.has(Self::EXEMPT) {
            Some(Doubt::Exempt)
        } else if self.has(Self::COMPOSITOR) && !self.has(Self::LET_THROUGH) {
            Some(Doubt::UnknownCompositor)
        } else if self.has(Self::LENT) {
            Some(Doubt::Lent)
        } else {
            None
        }
    }
}

/// Why a marked window is not protected, or had better not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The server did not take the mark.
    #[error("the window is not marked")]
    NotMarked,
    /// This program is let through everywhere, so it cannot see what others see: it runs as root.
    #[error("this program is let through everywhere")]
    Exempt,
    /// A compositor that the administrator did not list draws the screen: the person would see black, too.
    #[error("the compositor is not in the administrator's list")]
    UnknownCompositor,
    /// Somebody got hold of the window's pixels before it was marked. Hiding and showing the window gives it new ones.
    #[error("another program holds the window's pixels")]
    Lent,
}

/// The module.
pub struct Module {
    connection: RustConnection,
    opcode: u8,
    mark: Atom,
}

impl Module {
    /// Looks for it on a display; `None`: the one the environment names. Answers `None` where there is no module, or one
    /// that means something else.
    ///
    /// # Errors
    /// The display does not answer.
    pub fn find(display: Option<&str>) -> Result<Option<Self>, Failed> {
        let (connection, _) = x11rb::connect(display)?;
        let extension = connection.query_extension(NAME)?.reply()?;
        if !extension.present {
            return Ok(None);
        }
        let mark = connection.intern_atom(false, b"_SHOJI_PROTECTED")?.reply()?.atom;
        let module = Self { connection, opcode: extension.major_opcode, mark };
        let wanted = MAJOR.to_ne_bytes();
        let Answer(version) = module.ask(0, [wanted[0], wanted[1], 0, 0])?;
        // Two halves in this machine's byte order: major, minor.
        let bytes = version.to_ne_bytes();
        Ok((u16::from_ne_bytes([bytes[0], bytes[1]]) == MAJOR).then_some(module))
    }

    /// Marks a window of this process, mapped or not yet. From then on it is black to others, if nothing is in doubt.
    ///
    /// # Errors
    /// The display does not answer.
    pub fn protect(&self, window: Window) -> Result<Option<Doubt>, Failed> {
        self.connection.change_property32(PropMode::REPLACE, window, self.mark, AtomEnum::CARDINAL, &[1])?.check()?;
        self.doubt(window)
    }

    /// What is in doubt about a marked window now.
    ///
    /// # Errors
    /// The display does not answer, or the window is gone.
    pub fn doubt(&self, window: Window) -> Result<Option<Doubt>, Failed> {
        let Answer(flags) = self.ask(1, window.to_ne_bytes())?;
        Ok(Flags(flags).doubt())
    }

    /// Takes the mark away.
    ///
    /// # Errors
    /// The display does not answer.
    pub fn give_up(&self, window: Window) -> Result<(), Failed> {
        self.connection.delete_property(window, self.mark)?.check()?;
        Ok(())
    }

    /// One of the two requests; both are one word long and answer one.
    fn ask(&self, minor: u8, word: [u8; 4]) -> Result<Answer, Failed> {
        let length = 2_u16.to_ne_bytes();
        let request = [self.opcode, minor, length[0], length[1], word[0], word[1], word[2], word[3]];
        Ok(self.connection.send_request_with_reply::<Answer>(&[IoSlice::new(&request)], Vec::new())?.reply()?)
    }
}

/// The first word of an answer.
struct Answer(u32);

impl TryParse for Answer {
    fn try_parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let word = bytes.get(8..12).and_then(|word| word.try_into().ok()).ok_or(ParseError::InsufficientData)?;
        Ok((Self(u32::from_ne_bytes(word)), bytes.get(32..).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_that_holds_for_others_and_shows_to_the_person_is_beyond_doubt() {
        let doubt = |flags| Flags(flags).doubt();
        assert_eq!(doubt(0), Some(Doubt::NotMarked));
        assert_eq!(doubt(Flags::MARKED), None);
        assert_eq!(doubt(Flags::MARKED | Flags::EXEMPT), Some(Doubt::Exempt));
        assert_eq!(doubt(Flags::MARKED | Flags::LENT), Some(Doubt::Lent));
        assert_eq!(doubt(Flags::MARKED | Flags::COMPOSITOR), Some(Doubt::UnknownCompositor));
        // Also where the whole screen is black to others (bit 4).
        assert_eq!(doubt(Flags::MARKED | Flags::COMPOSITOR | Flags::LET_THROUGH | 1 << 4), None);
    }

    #[test]
    fn an_answer_is_the_third_word_of_a_reply() {
        let mut reply = [0; 32];
        reply[8..12].copy_from_slice(&5_u32.to_ne_bytes());
        let (Answer(word), rest) = Answer::try_parse(&reply).unwrap();
        assert!(word == 5 && rest.is_empty());
        assert!(Answer::try_parse(&reply[..10]).is_err());
    }
}
