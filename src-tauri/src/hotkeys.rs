//! System-wide shortcuts: takes them from the desktop while a meeting is open and passes presses on to the client.
//! A task of its own. Which keys may be taken at all is `protocol::shortcut`'s decision; what a press does is the client's.
//!
//! X11 is listened to by us: the usual library looks only every 50 ms, which is a syllable, reports success where there is
//! no X server, and cannot notice that a release was lost. On Windows and macOS it is used. On Wayland programs
//! cannot take keys; the desktop's portal gives them, with a dialog of its own when they are chosen.

use std::time::Duration;

use protocol::bridge::{Code, ShortcutState, ShortcutUse, Snapshot, Switch};
use protocol::shortcut::Shortcut;
use tauri::{AppHandle, Manager};
use tokio::sync::{mpsc, watch};

use crate::desk::Desk;

#[cfg(target_os = "linux")]
#[path = "hotkeys/linux.rs"]
mod system;
#[cfg(any(target_os = "windows", target_os = "macos"))]
#[path = "hotkeys/native.rs"]
mod system;

mod grip;
#[cfg(any(target_os = "macos", test))]
mod mac_key;

use self::grip::Grip;

/// Presses waiting; a person has ten fingers.
const PRESSES: usize = 64;
/// How often a key to talk that is held is looked at, where the system lets us look.
const LOOK: Duration = Duration::from_millis(50);

/// A key that is listened for went down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Down, once however long it is held.
    Down(ShortcutUse),
    /// Up, or as good as up: it cannot be watched any more.
    Up(ShortcutUse),
    /// Whoever gave the keys took them back, or is gone: no release will be heard any more.
    #[cfg(target_os = "linux")]
    Lost,
    /// Whoever gave the keys was gone and is there again; they may be asked for once more.
    #[cfg(target_os = "linux")]
    Back,
}

/// Where presses go. Full only when nobody listens any more.
pub(crate) type Presses = mpsc::Sender<Heard>;

/// What is to be listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// Mutes and unmutes.
    pub(crate) mute: Option<Shortcut>,
    /// Speaks while held.
    pub(crate) talk: Option<Shortcut>,
}

impl Wanted {
    /// What this person chose.
    pub(crate) fn chosen(snapshot: &Snapshot) -> Self {
        let parse = |keys: &Option<String>| keys.as_ref().and_then(|text| text.parse().ok());
        Self { mute: parse(&snapshot.shortcuts.mute.keys), talk: parse(&snapshot.shortcuts.talk.keys) }
    }

    /// Each with its use.
    pub(crate) fn iter(self) -> impl Iterator<Item = (ShortcutUse, Shortcut)> {
        let with = |what, keys: Option<Shortcut>| keys.map(|keys| (what, keys));
        [with(ShortcutUse::Mute, self.mute), with(ShortcutUse::Talk, self.talk)].into_iter().flatten()
    }
}

/// What became of [`Wanted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Mutes and unmutes.
    pub(crate) mute: ShortcutState,
    /// Speaks while held.
    pub(crate) talk: ShortcutState,
}

impl Taken {
    /// The same for whatever is wanted.
    pub(crate) fn all(wanted: Wanted, state: &ShortcutState) -> Self {
        let of = |keys: Option<Shortcut>| keys.map_or(ShortcutState::Unknown, |_| state.clone());
        Self { mute: of(wanted.mute), talk: of(wanted.talk) }
    }

    /// Nothing that is wanted can be had.
    pub(crate) fn none(wanted: Wanted, code: Code) -> Self {
        Self::all(wanted, &ShortcutState::Refused { code })
    }

    /// Writes down what became of one.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn put(&mut self, what: ShortcutUse, state: ShortcutState) {
        match what {
            ShortcutUse::Mute => self.mute = state,
            ShortcutUse::Talk => self.talk = state,
        }
    }
}

/// When to listen for what. Pure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// To be listened for from now on.
    pub(crate) listen: Wanted,
    /// To be asked for first, only to see whether it can be had: chosen outside of a meeting.
    pub(crate) try_out: Option<Wanted>,
    /// Counts how often the person pressed keys once more that had been refused.
    pub(crate) round: u32,
}

impl Plan {
    /// Outside of a meeting other programs keep their keys; what was just chosen is tried out, so that a conflict is told
    /// while the person looks at it. At the start of the program nothing is tried: a desktop may ask with a dialog.
    pub(crate) fn of(before: Option<(Wanted, u32)>, chosen: Wanted, round: u32, in_meeting: bool) -> Self {
        if in_meeting {
            return Self { listen: chosen, try_out: None, round };
        }
        let fresh = before.is_some_and(|before| before != (chosen, round)) && chosen != Wanted::default();
        Self { listen: Wanted::default(), try_out: fresh.then_some(chosen), round }
    }
}

/// The order to the task.
#[derive(Debug, Clone)]
pub(crate) struct Hotkeys(watch::Sender<Plan>);

impl Hotkeys {
    /// Starts the task; nothing is listened for yet.
    pub(crate) fn start(app: &AppHandle) -> Self {
        let (orders, plans) = watch::channel(Plan::default());
        tauri::async_runtime::spawn(run(app.clone(), plans));
        Self(orders)
    }

    /// Follows a plan from now on. The same as before changes nothing.
    pub(crate) fn follow(&self, plan: Plan) {
        self.0.send_if_modified(|now| {
            let changed = *now != plan;
            *now = plan;
            changed
        });
    }
}

async fn run(app: AppHandle, mut plans: watch::Receiver<Plan>) {
    let (presses, mut heard) = mpsc::channel(PRESSES);
    let mut ears = system::Ears::new(&app, presses);
    let mut listening = Wanted::default();
    let mut round = 0;
    let mut grip = Grip::default();
    loop {
        tokio::select! {
            changed = plans.changed() => {
                if changed.is_err() {
                    return;
                }
                let plan = *plans.borrow_and_update();
                if let Some(wanted) = plan.try_out {
                    let taken = ears.take(wanted).await;
                    report(&app, wanted, taken);
                    ears.take(plan.listen).await;
                } else if (plan.listen, plan.round) != (listening, round) {
                    let taken = ears.take(plan.listen).await;
                    report(&app, plan.listen, taken);
                }
                (listening, round) = (plan.listen, plan.round);
                // Whatever was held before is not watched any more.
                grip = Grip::default();
                act(&app, ShortcutUse::Talk, false).await;
            }
            Some(event) = heard.recv() => match event {
                Heard::Down(what) => {
                    act(&app, what, true).await;
                    if what == ShortcutUse::Talk {
                        grip.press();
                        look(&app, &mut grip, listening).await;
                    }
                }
                Heard::Up(what) => {
                    if what == ShortcutUse::Talk {
                        grip.release();
                    }
                    act(&app, what, false).await;
                }
                #[cfg(target_os = "linux")]
                Heard::Lost => {
                    grip.release();
                    act(&app, ShortcutUse::Talk, false).await;
                    report(&app, listening, Taken::none(listening, Code::ShortcutLost));
                }
                #[cfg(target_os = "linux")]
                Heard::Back => {
                    let taken = ears.take(listening).await;
                    report(&app, listening, taken);
                }
            },
            () = tokio::time::sleep(LOOK), if grip.is_watched() => look(&app, &mut grip, listening).await,
        }
    }
}

fn report(app: &AppHandle, wanted: Wanted, taken: Taken) {
    let Some(client) = app.state::<Desk>().client_now() else { return };
    for (what, keys, state) in
        [(ShortcutUse::Mute, wanted.mute, taken.mute), (ShortcutUse::Talk, wanted.talk, taken.talk)]
    {
        if keys.is_some() {
            client.report_shortcut(what, keys, state);
        }
    }
}

/// Asks the keyboard itself about the key to talk: a release that was lost is made up for.
async fn look(app: &AppHandle, grip: &mut Grip, listening: Wanted) {
    let really = listening.talk.and_then(system::really_down);
    if grip.look(really) {
        tracing::info!("the release of the key to talk was lost");
        act(app, ShortcutUse::Talk, false).await;
    }
}

async fn act(app: &AppHandle, what: ShortcutUse, down: bool) {
    let Some(client) = app.state::<Desk>().client_now() else { return };
    let done = match (what, down) {
        (ShortcutUse::Mute, true) => client.mute_by_key(client::MuteWish::Toggle).await.map(|_| ()),
        (ShortcutUse::Mute, false) => Ok(()),
        (ShortcutUse::Talk, on) => client.hold_from_anywhere(Switch { on }).await,
    };
    if let Err(failure) = done {
        tracing::debug!(code = ?failure.code, "a shortcut did nothing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(mute: Option<&str>, talk: Option<&str>) -> Wanted {
        let parse = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        Wanted { mute: parse(mute), talk: parse(talk) }
    }

    #[test]
    fn keys_are_taken_only_during_a_meeting() {
        let chosen = wanted(Some("F8"), Some("F9"));
        assert_eq!(Plan::of(None, chosen, 0, true), Plan { listen: chosen, try_out: None, round: 0 });
        assert_eq!(Plan::of(Some((chosen, 0)), chosen, 0, false), Plan::default());
    }

    #[test]
    fn a_fresh_choice_is_tried_out_and_the_start_of_the_program_is_none() {
        let chosen = wanted(None, Some("F9"));
        assert_eq!(Plan::of(None, chosen, 0, false), Plan::default());
        let none = Wanted::default();
        let tried = Plan { listen: none, try_out: Some(chosen), round: 0 };
        assert_eq!(Plan::of(Some((none, 0)), chosen, 0, false), tried);
        assert_eq!(Plan::of(Some((chosen, 0)), none, 0, false), Plan::default(), "nothing to try");
    }

    #[test]
    fn keys_that_were_refused_are_asked_for_again_when_they_are_pressed_again() {
        let chosen = wanted(None, Some("F9"));
        let tried = Plan { listen: Wanted::default(), try_out: Some(chosen), round: 1 };
        assert_eq!(Plan::of(Some((chosen, 0)), chosen, 1, false), tried);
        assert_ne!(Plan::of(Some((chosen, 0)), chosen, 0, true), Plan::of(Some((chosen, 0)), chosen, 1, true));
    }
}
