//! Mute from anywhere, keys to talk, and the system-wide shortcuts as far as the session knows them. Part of the session;
//! who listens for the keys is the window's business.

use std::time::Instant;

use media_core::audio::{AudioInput, Cue};
use protocol::bridge::{Code, Failure, SetShortcut, Severity, ShortcutState, ShortcutUse, ShortcutView, ShortcutsView};
use protocol::policy::Capability;
use protocol::shortcut::Shortcut;

use super::Session;
use super::call::Stage;
use crate::client::{MuteWish, Voice};
use crate::talk::{Finger, Turn};
use crate::transport::Lane;

/// What the window found out about the shortcuts.
pub(super) struct Shortcuts {
    pub(super) mute: ShortcutState,
    pub(super) talk: ShortcutState,
}

impl Default for Shortcuts {
    fn default() -> Self {
        Self { mute: ShortcutState::Unknown, talk: ShortcutState::Unknown }
    }
}

impl Session {
    /// Mutes or unmutes, wherever the wish comes from. Muted means that nobody hears this person: an announcement by
    /// megaphone ends, too.
    pub(super) fn mute(&mut self, wish: MuteWish) -> Result<Voice, Failure> {
        let Some(call) = &self.call else {
            return Err(Failure::of(Code::NotInMeeting, "there is no meeting"));
        };
        let open = |lane: Lane| call.own.get(&lane).is_some_and(|own| own.wanted);
        let heard = open(Lane::Microphone) || open(Lane::Megaphone);
        let unmute = match wish {
            MuteWish::Toggle => !heard,
            MuteWish::Mute => false,
            MuteWish::Unmute => true,
        };
        if !unmute {
            self.switch(Lane::Megaphone, false)?;
        }
        if unmute && heard {
            // Whoever holds a key to talk goes on speaking after releasing it.
            self.talk.overrule();
        } else {
            self.switch_voice(unmute)?;
        }
        Ok(if unmute { Voice::Open } else { Voice::Muted })
    }

    /// The same by a key that works everywhere, or a command bound to one: whoever presses it may look elsewhere, so it is
    /// told by ear, on the own speaker only.
    pub(super) fn mute_by_key(&mut self, wish: MuteWish) -> Result<Voice, Failure> {
        let voice = self.mute(wish)?;
        if self.settings.key_sounds {
            self.sound_order(AudioInput::Cue(match voice {
                Voice::Open => Cue::Open,
                Voice::Muted => Cue::Muted,
            }));
        }
        Ok(voice)
    }

    /// The microphone's own switch. Keys that are held have no say any more.
    pub(super) fn switch_voice(&mut self, on: bool) -> Result<(), Failure> {
        self.talk.overrule();
        let result = self.switch(Lane::Microphone, on);
        self.told_elsewhere(&result);
        result
    }

    /// A key to talk is down (again) or up.
    pub(super) fn hold(&mut self, finger: Finger, down: bool) -> Result<(), Failure> {
        if !down {
            let turn = self.talk.release(finger);
            return self.obey(turn);
        }
        let Some(call) = &self.call else {
            return Err(Failure::of(Code::NotInMeeting, "there is no meeting"));
        };
        let open = call.own.get(&Lane::Microphone).is_some_and(|own| own.wanted);
        let turn = self.talk.press(finger, open, Instant::now());
        let result = self.obey(turn);
        if result.is_err() {
            // Not allowed now: the key must not open the microphone later, when it repeats and somebody allows it.
            self.talk.overrule();
        }
        result
    }

    /// Lets go of keys whose release was lost, and of those whose microphone something else closed.
    pub(super) fn settle_talk(&mut self, now: Instant) {
        let turn = self.talk.due(now);
        if let Err(failure) = self.obey(turn) {
            tracing::debug!(code = ?failure.code, "there is nothing left to mute");
        }
        let open = self.call.as_ref().and_then(|c| c.own.get(&Lane::Microphone)).is_some_and(|own| own.wanted);
        if self.talk.speaks() && !open {
            self.talk.overrule();
        }
    }

    fn obey(&mut self, turn: Turn) -> Result<(), Failure> {
        match turn {
            Turn::Stay => Ok(()),
            Turn::Open => {
                let result = self.switch(Lane::Microphone, true);
                self.told_elsewhere(&result);
                result
            }
            Turn::Close => self.switch(Lane::Microphone, false),
            Turn::CloseStuck => {
                self.notice(Code::TalkKeyStuck, None, Severity::Warning);
                self.switch(Lane::Microphone, false)
            }
        }
    }

    /// Whoever presses a key in another program sees no answer: what was refused is told in the window.
    fn told_elsewhere(&mut self, result: &Result<(), Failure>) {
        if let Err(Failure { code: Code::NotAllowed, .. }) = result {
            self.notice(Code::NotAllowed, None, Severity::Warning);
        }
    }

    /// Is the microphone kept open for the key to talk? Only where that key works, in a meeting, with the right to
    /// speak, and if the person did not say otherwise.
    pub(super) fn is_ready_to_talk(&self) -> bool {
        let key = self.settings.talk_key.is_some() && matches!(self.shortcuts.talk, ShortcutState::Works { .. });
        let inside = self.call.as_ref().is_some_and(|c| c.stage == Stage::In && c.crowd.is_some());
        // A device that failed is not tried again and again: the next press does that.
        let sound =
            self.call.as_ref().and_then(|c| c.own.get(&Lane::Microphone)).is_none_or(|own| own.problem.is_none());
        key && inside && sound && self.settings.ready_to_talk && self.gate.grants().allows(Capability::Microphone)
    }

    pub(super) fn set_shortcut(&mut self, ask: &SetShortcut) -> Result<(), Failure> {
        let keys = match &ask.keys {
            None => None,
            Some(text) => Some(text.parse::<Shortcut>().map_err(|why| Failure::of(Code::ShortcutUnsuitable, why))?),
        };
        let other = match ask.what {
            ShortcutUse::Mute => self.settings.talk_key,
            ShortcutUse::Talk => self.settings.mute_key,
        };
        if keys.is_some() && keys == other {
            return Err(Failure::of(Code::ShortcutTaken, "by our other shortcut"));
        }
        let (place, state) = match ask.what {
            ShortcutUse::Mute => (&mut self.settings.mute_key, &mut self.shortcuts.mute),
            ShortcutUse::Talk => (&mut self.settings.talk_key, &mut self.shortcuts.talk),
        };
        // Pressing the same keys once more asks for them once more.
        let again = keys.is_some() && matches!(state, ShortcutState::Refused { .. });
        if again {
            *state = ShortcutState::Unknown;
        }
        if *place != keys {
            *place = keys;
            *state = ShortcutState::Unknown;
            self.save_settings();
        }
        Ok(())
    }

    /// The window tried a shortcut. An answer about keys that are not chosen any more is dropped.
    pub(super) fn on_shortcut(&mut self, what: ShortcutUse, keys: Option<Shortcut>, state: ShortcutState) {
        let (chosen, place) = match what {
            ShortcutUse::Mute => (self.settings.mute_key, &mut self.shortcuts.mute),
            ShortcutUse::Talk => (self.settings.talk_key, &mut self.shortcuts.talk),
        };
        if chosen != keys {
            return;
        }
        let before = std::mem::replace(place, state);
        let lost = |state: &ShortcutState| *state == ShortcutState::Refused { code: Code::ShortcutLost };
        let is_lost = lost(&self.shortcuts.mute) || lost(&self.shortcuts.talk);
        if !is_lost {
            self.page.withdraw(Code::ShortcutLost);
        } else if matches!(before, ShortcutState::Works { .. }) {
            // Whoever relies on it does not look at the settings. One word for both keys.
            self.page.withdraw(Code::ShortcutLost);
            self.notice(Code::ShortcutLost, None, Severity::Warning);
        }
    }

    pub(super) fn shortcuts_view(&self) -> ShortcutsView {
        let view = |keys: Option<Shortcut>, state: &ShortcutState| ShortcutView {
            keys: keys.map(|keys| keys.to_string()),
            state: state.clone(),
        };
        ShortcutsView {
            mute: view(self.settings.mute_key, &self.shortcuts.mute),
            talk: view(self.settings.talk_key, &self.shortcuts.talk),
        }
    }
}
