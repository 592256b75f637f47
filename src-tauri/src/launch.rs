//! The command line: of this start, and of a second start that hands its own over to the window that is open.
//! Values only; nothing here is ever logged, because a link holds a secret.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use protocol::invite::Invite;

/// How the program was started.
#[derive(Clone, Default, Parser)]
#[command(name = "shoji", version, about = "Secure meetings: host one here, or join one by its invitation.")]
pub struct Launch {
    /// Keep settings, logs and secrets apart from the usual ones, in this folder; two such windows can run at once.
    #[arg(long, value_name = "DIR")]
    pub profile: Option<PathBuf>,

    /// An invitation (shoji://join/…) to show when the window is open.
    #[arg(value_name = "INVITATION")]
    link: Option<String>,
}

impl Launch {
    /// Reads a command line; its first word is the program.
    ///
    /// # Errors
    /// What is wrong with it, or the help that was asked for, in clap's words.
    pub fn read<T: Into<OsString> + Clone>(words: impl IntoIterator<Item = T>) -> Result<Self, clap::Error> {
        Self::try_parse_from(words)
    }

    /// The invitation, if it looks like one; whether it is one is the client's to say.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref().filter(|link| is_link(link))
    }
}

/// Something the system may have handed over for us: right scheme, not longer than an invitation.
#[must_use]
pub fn is_link(text: &str) -> bool {
    const SCHEME: &str = "shoji:";
    text.len() <= Invite::MAX_LENGTH && text.get(..SCHEME.len()).is_some_and(|head| head.eq_ignore_ascii_case(SCHEME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_and_a_profile_come_in_any_order() {
        for words in [["shoji", "--profile", "/p", "shoji://join/a"], ["shoji", "shoji://join/a", "--profile", "/p"]] {
            let launch = Launch::read(words).unwrap();
            assert_eq!(launch.profile, Some(PathBuf::from("/p")));
            assert_eq!(launch.link(), Some("shoji://join/a"));
        }
    }

    #[test]
    fn what_is_not_a_link_is_not_taken_for_one() {
        assert_eq!(Launch::read(["shoji", "https://example.org"]).unwrap().link(), None);
        assert_eq!(Launch::read(["shoji", "shoji"]).unwrap().link(), None);
        assert!(!is_link(&format!("shoji://join/{}", "x".repeat(4096))));
        assert!(!is_link("しょうじ"));
    }
}
