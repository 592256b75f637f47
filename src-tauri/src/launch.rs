//! The command line: of this start, and of a second start that hands its own over to the window that is open.
//! Values only; nothing here is ever logged, because a link holds a secret.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use client::MuteWish;
use protocol::invite::Invite;

use crate::control::Order;

/// How the program was started.
#[derive(Clone, Default, Parser)]
#[command(name = "shoji", version, about = "Secure meetings: host one here, or join one by its invitation.")]
pub struct Launch {
    /// Keep settings, logs and secrets apart from the usual ones, in this folder; two such windows can run at once.
    #[arg(long, value_name = "DIR")]
    pub profile: Option<PathBuf>,

    /// Mute or unmute the window that is open, and end: `on` mutes, `off` unmutes.
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["talk", "link"])]
    mute: Option<Turn>,

    /// As if a key to talk went down (`on`) or up (`off`) in the window that is open, and end.
    #[arg(long, value_name = "WHAT", conflicts_with = "link")]
    talk: Option<OnOff>,

    /// Say whose window a leaked picture (PNG or JPEG) was drawn for, in a meeting hosted by this app, and end.
    #[arg(long, value_name = "PICTURE", conflicts_with_all = ["mute", "talk", "link"])]
    pub read_mark: Option<PathBuf>,

    /// An invitation (shoji://join/…) to show when the window is open.
    #[arg(value_name = "INVITATION")]
    link: Option<String>,
}

/// What `--mute` takes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Turn {
    Toggle,
    On,
    Off,
}

/// What `--talk` takes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnOff {
    On,
    Off,
}

impl Launch {
    /// Reads a command line; its first word is the program.
    ///
    /// # Errors
    /// What is wrong with it, or the help that was asked for, in clap's words.
    pub fn read<T: Into<OsString> + Clone>(words: impl IntoIterator<Item = T>) -> Result<Self, clap::Error> {
        Self::try_parse_from(words)
    }

    /// What the window that is open is asked for, instead of opening one.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        let mute = self.mute.map(|turn| match turn {
            Turn::Toggle => MuteWish::Toggle,
            Turn::On => MuteWish::Mute,
            Turn::Off => MuteWish::Unmute,
        });
        let talk = self.talk.map(|talk| match talk {
            OnOff::On => true,
            OnOff::Off => false,
        });
        mute.map(Order::Mute).or(talk.map(Order::Talk))
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
    fn an_order_is_one_of_a_few_and_alone() {
        let order = |words: &[&str]| Launch::read(words.iter().copied()).map(|launch| launch.order()).map_err(|_| ());
        assert_eq!(order(&["shoji"]), Ok(None));
        assert_eq!(order(&["shoji", "--mute", "toggle"]), Ok(Some(Order::Mute(MuteWish::Toggle))));
        assert_eq!(order(&["shoji", "--profile", "/p", "--mute=off"]), Ok(Some(Order::Mute(MuteWish::Unmute))));
        assert_eq!(order(&["shoji", "--talk", "on"]), Ok(Some(Order::Talk(true))));
        for wrong in
            [&["shoji", "--mute"][..], &["shoji", "--mute", "maybe"], &["shoji", "--mute", "on", "--talk", "on"]]
        {
            assert_eq!(order(wrong), Err(()));
        }
        assert_eq!(order(&["shoji", "--mute", "on", "shoji://join/a"]), Err(()));
    }

    #[test]
    fn what_is_not_a_link_is_not_taken_for_one() {
        assert_eq!(Launch::read(["shoji", "https://example.org"]).unwrap().link(), None);
        assert_eq!(Launch::read(["shoji", "shoji"]).unwrap().link(), None);
        assert!(!is_link(&format!("shoji://join/{}", "x".repeat(4096))));
        assert!(!is_link("しょうじ"));
    }
}
