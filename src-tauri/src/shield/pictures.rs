//! Which clipboards lose their content in a protected meeting, on systems whose clipboard has to be looked at from outside:
//! pictures that come soon after a key that takes pictures. What offers any text, or files, is never touched. Pure.

use std::time::{Duration, Instant};

/// So long after the key a picture is taken for its doing: tools let people choose a part of the screen first.
const AFTER_KEY: Duration = Duration::from_secs(20);
/// Clipboard managers put back what was removed. After so many times they have won, and it is said.
const TRIES: u32 = 20;

/// One form in which a clipboard's content is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    /// Text of any kind, or files.
    Kept,
    Other,
}

impl Kind {
    /// By the name its makers gave it.
    pub(super) fn named(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let begins = |heads: &[&str]| heads.iter().any(|head| name.starts_with(head));
        if begins(&[
            "text",
            "html",
            "rich text",
            "csv",
            "unicodetext",
            "filename",
            "public.utf8",
            "public.html",
            "public.rtf",
            "public.file-url",
        ]) {
            Self::Kept
        } else if begins(&["png", "jfif", "gif", "image/", "public.png", "public.tiff", "public.jpeg", "nextiff"]) {
            Self::Picture
        } else {
            Self::Other
        }
    }
}

/// What was pressed, and what came since.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    until: Option<Instant>,
    tries: u32,
}

impl Pictures {
    /// A key that takes pictures was pressed.
    pub(super) fn key(&mut self, now: Instant) {
        self.until = Some(now + AFTER_KEY);
        self.tries = 0;
    }

    /// Is the clipboard looked at now? Without such a key nobody looks.
    pub(super) fn looks(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until) && self.tries < TRIES
    }

    /// Something came: does it go?
    pub(super) fn goes(&mut self, kinds: &[Kind], now: Instant) -> bool {
        if !self.looks(now) || kinds.contains(&Kind::Kept) || !kinds.contains(&Kind::Picture) {
            return false;
        }
        self.tries += 1;
        if self.tries == TRIES {
            tracing::warn!("another program keeps putting a picture back on the clipboard");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_picture_after_the_key_goes_and_text_and_files_never_do() {
        let now = Instant::now();
        let picture = [Kind::Other, Kind::named("PNG"), Kind::Picture];
        let mut pictures = Pictures::default();
        assert!(!pictures.goes(&picture, now), "no key was pressed");
        pictures.key(now);
        assert!(pictures.goes(&picture, now + Duration::from_secs(19)));
        assert!(!pictures.goes(&picture, now + AFTER_KEY), "that is somebody's own");
        for kept in ["HTML Format", "Rich Text Format", "text/html", "Csv", "FileNameW", "public.utf8-plain-text"] {
            assert!(!pictures.goes(&[Kind::Picture, Kind::named(kept)], now), "{kept}");
        }
        assert!(!pictures.goes(&[Kind::Other], now) && !pictures.goes(&[], now));
    }

    #[test]
    fn a_program_that_puts_it_back_for_ever_wins_in_the_end() {
        let now = Instant::now();
        let mut pictures = Pictures::default();
        pictures.key(now);
        let gone = (0..100).filter(|_| pictures.goes(&[Kind::Picture], now)).count();
        assert_eq!(gone, TRIES as usize);
        pictures.key(now);
        assert!(pictures.goes(&[Kind::Picture], now), "the next key begins anew");
    }
}
