//! Push-to-talk: which keys to talk are held, and whether the microphone follows them.
//! Pure: run by the session, which passes the time in and opens or closes the microphone as [`Turn`] says.
//!
//! A key opens the microphone only where it was closed, and then closes it again. Whatever else opens or closes the
//! microphone meanwhile (a click, a right that falls, a device that goes) wins, and the key has no say until it was
//! released: a key that repeats by itself must not open what a person or a host just closed.

use std::time::{Duration, Instant};

/// A page that holds says so every second; one that was not heard of for so long has lost its key.
pub(crate) const WINDOW_LEASE: Duration = Duration::from_secs(3);
/// Nobody speaks for longer without a pause; a book that lies on the key does.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// Where the key is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finger {
    /// In our window, by the page.
    Window,
    /// By the system, whichever window has the keyboard; or by a command from outside.
    System,
}

/// What the session has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Stay,
    /// Open the microphone.
    Open,
    /// Close it.
    Close,
    /// Close it, and tell the person that the key was down for too long.
    CloseStuck,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Press {
    Up,
    /// Speaking by this key.
    Speaks {
        since: Instant,
        heard: Instant,
    },
    /// Still down, but without a say.
    Spent {
        heard: Instant,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Talk {
    window: Press,
    system: Press,
}

impl Default for Talk {
    fn default() -> Self {
        Self { window: Press::Up, system: Press::Up }
    }
}

impl Talk {
    /// A key goes down, or is still down. `open`: the microphone is open by now.
    pub(crate) fn press(&mut self, finger: Finger, open: bool, now: Instant) -> Turn {
        let by_key = self.speaks();
        let press = self.of(finger);
        match press {
            Press::Speaks { heard, .. } | Press::Spent { heard } => {
                *heard = now;
                Turn::Stay
            }
            Press::Up if open && !by_key => {
                // Open by a switch: it stays open when the key is released.
                *press = Press::Spent { heard: now };
                Turn::Stay
            }
            Press::Up => {
                *press = Press::Speaks { since: now, heard: now };
                if by_key { Turn::Stay } else { Turn::Open }
            }
        }
    }

    /// A key goes up.
    pub(crate) fn release(&mut self, finger: Finger) -> Turn {
        let was = std::mem::replace(self.of(finger), Press::Up);
        let closes = matches!(was, Press::Speaks { .. }) && !self.speaks();
        if closes { Turn::Close } else { Turn::Stay }
    }

    /// Something else decided about the microphone: keys that are down have no say any more.
    pub(crate) fn overrule(&mut self) {
        for press in [&mut self.window, &mut self.system] {
            if let Press::Speaks { heard, .. } = *press {
                *press = Press::Spent { heard };
            }
        }
    }

    /// Is the microphone open because of a key?
    pub(crate) const fn speaks(&self) -> bool {
        matches!(self.window, Press::Speaks { .. }) || matches!(self.system, Press::Speaks { .. })
    }

    /// Lets go of keys whose release was lost.
    pub(crate) fn due(&mut self, now: Instant) -> Turn {
        let before = self.speaks();
        let mut stuck = false;
        for press in [&mut self.window, &mut self.system] {
            if let Press::Speaks { since, heard } = *press
                && now.duration_since(since) >= LONGEST
            {
                *press = Press::Spent { heard };
                stuck = true;
            }
        }
        if let Press::Speaks { heard, .. } | Press::Spent { heard } = self.window
            && now.duration_since(heard) >= WINDOW_LEASE
        {
            self.window = Press::Up;
        }
        match (before && !self.speaks(), stuck) {
            (true, true) => Turn::CloseStuck,
            (true, false) => Turn::Close,
            (false, _) => Turn::Stay,
        }
    }

    /// When [`Self::due`] has something to do next.
    pub(crate) fn wake(&self) -> Option<Instant> {
        let lease = match self.window {
            Press::Speaks { heard, .. } | Press::Spent { heard } => Some(heard + WINDOW_LEASE),
            Press::Up => None,
        };
        let longest = |press: &Press| match press {
            Press::Speaks { since, .. } => Some(*since + LONGEST),
            Press::Spent { .. } | Press::Up => None,
        };
        [lease, longest(&self.window), longest(&self.system)].into_iter().flatten().min()
    }

    const fn of(&mut self, finger: Finger) -> &mut Press {
        match finger {
            Finger::Window => &mut self.window,
            Finger::System => &mut self.system,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A microphone that does as it is told, and a clock that is turned by hand.
    struct Room {
        talk: Talk,
        open: bool,
        told: bool,
        now: Instant,
    }

    impl Room {
        fn new() -> Self {
            Self { talk: Talk::default(), open: false, told: false, now: Instant::now() }
        }

        fn follow(&mut self, turn: Turn) {
            match turn {
                Turn::Stay => {}
                Turn::Open => {
                    assert!(!self.open, "opened twice");
                    self.open = true;
                }
                Turn::Close => self.open = false,
                Turn::CloseStuck => {
                    self.open = false;
                    self.told = true;
                }
            }
        }

        fn press(&mut self, finger: Finger) {
            let turn = self.talk.press(finger, self.open, self.now);
            self.follow(turn);
        }

        fn release(&mut self, finger: Finger) {
            let turn = self.talk.release(finger);
            self.follow(turn);
        }

        fn switch(&mut self, open: bool) {
            self.open = open;
            self.talk.overrule();
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
            let turn = self.talk.due(self.now);
            self.follow(turn);
        }
    }

    #[test]
    fn held_is_open_and_released_is_closed() {
        for finger in [Finger::Window, Finger::System] {
            let mut room = Room::new();
            room.press(finger);
            assert!(room.open);
            room.release(finger);
            assert!(!room.open);
            room.release(finger);
            assert!(!room.open, "a release too many changes nothing");
            assert_eq!(room.talk.wake(), None);
        }
    }

    #[test]
    fn a_key_that_repeats_changes_nothing() {
        let mut room = Room::new();
        for _ in 0..50 {
            // `follow` would notice a second opening.
            room.press(Finger::System);
            room.pass(SECOND / 30);
            assert!(room.open);
        }
        room.release(Finger::System);
        assert!(!room.open);
    }

    #[test]
    fn a_microphone_opened_by_a_switch_stays_open() {
        let mut room = Room::new();
        room.switch(true);
        room.press(Finger::System);
        room.release(Finger::System);
        assert!(room.open);
    }

    #[test]
    fn muted_while_held_stays_muted_until_pressed_anew() {
        let mut room = Room::new();
        room.press(Finger::System);
        room.switch(false);
        room.press(Finger::System);
        assert!(!room.open, "the key repeats");
        room.release(Finger::System);
        room.press(Finger::System);
        assert!(room.open);
    }

    #[test]
    fn unmuted_while_held_stays_open_after_release() {
        let mut room = Room::new();
        room.press(Finger::Window);
        room.switch(true);
        room.release(Finger::Window);
        assert!(room.open);
    }

    #[test]
    fn a_page_that_falls_silent_lets_go() {
        let mut room = Room::new();
        room.press(Finger::Window);
        for _ in 0..5 {
            room.pass(SECOND);
            room.press(Finger::Window);
        }
        assert!(room.open, "it says that it holds");
        assert_eq!(room.talk.wake(), Some(room.now + WINDOW_LEASE));
        room.pass(WINDOW_LEASE);
        assert!(!room.open);
        assert!(!room.told, "nothing that a person did wrong");
    }

    #[test]
    fn a_page_that_fell_silent_after_it_was_overruled_may_speak_again() {
        let mut room = Room::new();
        room.press(Finger::Window);
        room.switch(false);
        room.pass(WINDOW_LEASE);
        room.press(Finger::Window);
        assert!(room.open);
    }

    #[test]
    fn a_key_that_lies_under_a_book_is_told_once() {
        let mut room = Room::new();
        room.press(Finger::System);
        room.pass(LONGEST - SECOND);
        assert!(room.open);
        room.pass(SECOND);
        assert!(!room.open && room.told);
        room.told = false;
        room.press(Finger::System);
        room.pass(LONGEST);
        assert!(!room.open && !room.told, "it still lies there");
    }

    #[test]
    fn with_two_keys_the_last_one_closes() {
        let mut room = Room::new();
        room.press(Finger::Window);
        room.press(Finger::System);
        room.release(Finger::Window);
        assert!(room.open);
        room.release(Finger::System);
        assert!(!room.open);
    }

    #[test]
    fn when_the_page_of_two_keys_falls_silent_the_other_key_goes_on() {
        let mut room = Room::new();
        room.press(Finger::Window);
        room.press(Finger::System);
        room.pass(WINDOW_LEASE);
        assert!(room.open);
        room.release(Finger::System);
        assert!(!room.open);
    }
}
