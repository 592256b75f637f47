//! A key to talk that is held: notices by looking at the keyboard that it is not any more. Pure; the task of the parent
//! asks the system and passes in what it says.

/// See the module. One for as long as the same keys are listened for.
#[derive(Debug, Default)]
pub(super) struct Grip {
    held: bool,
    /// The system has said of this key, while it was held, that it is down.
    trusted: bool,
    /// The system cannot be asked.
    blind: bool,
}

impl Grip {
    /// The system reported that it went down.
    pub(super) const fn press(&mut self) {
        self.held = true;
    }

    /// The system reported that it went up.
    pub(super) const fn release(&mut self) {
        self.held = false;
    }

    /// Is there anything to look at?
    pub(super) const fn is_watched(&self) -> bool {
        self.held && !self.blind
    }

    /// One look: `down` is what the keyboard says, `None` where it cannot be asked. Answers whether the release was lost.
    ///
    /// A system that never saw the key down does not tell us about it (it may want a permission for that, or know the key
    /// by another name): its "up" must not cut anybody short.
    pub(super) fn look(&mut self, down: Option<bool>) -> bool {
        if !self.held {
            return false;
        }
        match down {
            Some(true) => self.trusted = true,
            Some(false) if self.trusted => {
                self.held = false;
                return true;
            }
            Some(false) => {}
            None => self.blind = true,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_release_is_noticed_at_the_next_look_and_told_once() {
        let mut grip = Grip::default();
        grip.press();
        assert!(!grip.look(Some(true)));
        assert!(grip.is_watched());
        assert!(grip.look(Some(false)));
        assert!(!grip.is_watched());
        assert!(!grip.look(Some(false)), "said once");
    }

    #[test]
    fn a_release_that_was_heard_leaves_nothing_to_look_for() {
        let mut grip = Grip::default();
        grip.press();
        assert!(!grip.look(Some(true)));
        grip.release();
        assert!(!grip.is_watched() && !grip.look(Some(false)));
    }

    #[test]
    fn a_tap_that_is_over_before_the_first_look_is_noticed_once_the_system_is_known_to_tell() {
        let mut grip = Grip::default();
        grip.press();
        grip.look(Some(true));
        grip.release();
        grip.press();
        assert!(grip.look(Some(false)));
    }

    #[test]
    fn a_system_that_does_not_tell_cuts_nobody_short() {
        let mut grip = Grip::default();
        grip.press();
        for _ in 0..3 {
            assert!(!grip.look(Some(false)));
            assert!(grip.is_watched());
        }
    }

    #[test]
    fn a_system_that_cannot_be_asked_is_asked_once() {
        let mut grip = Grip::default();
        grip.press();
        assert!(!grip.look(None) && !grip.is_watched());
        grip.release();
        grip.press();
        assert!(!grip.is_watched());
    }
}
