//! `org.freedesktop.portal.GlobalShortcuts`, the only way on Wayland. The desktop shows a dialog when keys are bound and may
//! give other keys than those asked for; what it gave is told in its own words. It may also take them back, hang or die:
//! a key that is held then counts as released.

use std::sync::Arc;
use std::time::Duration;

use ashpd::desktop::CreateSessionOptions;
use ashpd::desktop::global_shortcuts::{
    Activated, BindShortcuts, BindShortcutsOptions, Deactivated, GlobalShortcuts, NewShortcut,
};
use ashpd::zbus::Message;
use futures_util::StreamExt;
use protocol::bridge::{Code, Language, ShortcutState, ShortcutUse};
use protocol::shortcut::{Key, Shortcut};
use tauri::async_runtime::JoinHandle;

use super::super::{Heard, Presses, Taken, Wanted};
use crate::profile::IDENTIFIER;
use crate::words::Tongue;

/// How long the portal may take where no person is asked.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it may take to take keys back.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
enum NoKeys {
    /// It said no, or there is none.
    #[error(transparent)]
    Portal(#[from] ashpd::Error),
    /// No bus, or it is gone.
    #[error(transparent)]
    Bus(#[from] ashpd::zbus::Error),
    /// It is there and does not answer.
    #[error("the portal does not answer")]
    Silent,
    /// It died before it had answered.
    #[error("the portal went away while it was asked")]
    Died,
}

impl NoKeys {
    const fn code(&self) -> Code {
        match self {
            Self::Portal(ashpd::Error::Response(_)) => Code::ShortcutTaken,
            Self::Portal(_) | Self::Bus(_) | Self::Silent => Code::ShortcutUnsupported,
            Self::Died => Code::ShortcutLost,
        }
    }
}

/// Keys that are ours until it is closed.
pub(super) struct Session {
    portal: Arc<ashpd::desktop::Session<GlobalShortcuts>>,
    ears: JoinHandle<()>,
}

impl Session {
    /// Gives them back.
    pub(super) async fn close(self) {
        self.ears.abort();
        match tokio::time::timeout(GOODBYE, self.portal.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the portal went first"),
            Err(_) => tracing::warn!("the portal does not take its keys back"),
        }
    }
}

/// Asks the desktop for keys. It may ask the person, and so may take as long as a person does.
pub(super) async fn take(wanted: Wanted, presses: Presses) -> (Option<Session>, Taken) {
    // A task of its own: the library takes a portal that answers nonsense for a bug, and panics.
    match tauri::async_runtime::spawn(bind(wanted, presses)).await {
        Ok(Ok((session, taken))) => (Some(session), taken),
        Ok(Err(error)) => {
            tracing::info!(%error, "no shortcuts from the portal");
            (None, Taken::none(wanted, error.code()))
        }
        Err(error) => {
            tracing::error!(%error, "asking the portal panicked");
            (None, Taken::none(wanted, Code::ShortcutUnsupported))
        }
    }
}

async fn bind(wanted: Wanted, presses: Presses) -> Result<(Session, Taken), NoKeys> {
    let (shortcuts, portal) = tokio::time::timeout(ANSWER, open()).await.map_err(|_| NoKeys::Silent)??;
    // Before binding: a press may come at once. One stream for all, because a release must not overtake its press.
    let mut signals = shortcuts.receive_all_signals().await?;
    let mut owner = shortcuts.receive_owner_changed().await?;
    let asked: Vec<NewShortcut> = wanted.iter().map(|(what, keys)| in_our_words(what, keys)).collect();
    let options = BindShortcutsOptions::default();
    // However long a person takes to answer the dialog; but a portal that died answers nothing.
    let bound = tokio::select! {
        bound = shortcuts.bind_shortcuts(&portal, &asked, None, options) => bound?.response(),
        _ = owner.next() => return Err(NoKeys::Died),
    };
    let bound = match bound {
        Ok(bound) => bound,
        Err(error) => {
            portal.close().await?;
            return Err(error.into());
        }
    };
    let state =
        |what: ShortcutUse, keys: Option<Shortcut>| keys.map_or(ShortcutState::Unknown, |_| given(&bound, what));
    let taken = Taken { mute: state(ShortcutUse::Mute, wanted.mute), talk: state(ShortcutUse::Talk, wanted.talk) };
    let portal = Arc::new(portal);
    let watched = Arc::clone(&portal);
    let ears = tauri::async_runtime::spawn(async move {
        let mut closed = match watched.receive_closed().await {
            Ok(closed) => Box::pin(closed),
            Err(error) => {
                tracing::warn!(%error, "the portal went at once");
                pass(&presses, Heard::Lost).await;
                return;
            }
        };
        let mut is_back = loop {
            let heard = tokio::select! {
                // It died, or another one took its place: no session survives that.
                new = owner.next() => break new.flatten().is_some(),
                // The desktop took the keys back. Nobody asks for them again before the person does.
                _ = closed.next() => {
                    pass(&presses, Heard::Lost).await;
                    return;
                }
                Some(signal) = signals.next() => heard(&signal),
            };
            if let Some(heard) = heard
                && !pass(&presses, heard).await
            {
                return;
            }
        };
        pass(&presses, Heard::Lost).await;
        while !is_back {
            let Some(new) = owner.next().await else { return };
            is_back = new.is_some();
        }
        pass(&presses, Heard::Back).await;
    });
    Ok((Session { portal, ears }, taken))
}

async fn open() -> Result<(GlobalShortcuts, ashpd::desktop::Session<GlobalShortcuts>), NoKeys> {
    // Newer portals want to know which program asks; older ones know no such question.
    match ashpd::AppID::try_from(IDENTIFIER) {
        Ok(id) => {
            if let Err(error) = ashpd::register_host_app(id).await {
                tracing::debug!(%error, "the portal does not ask who we are");
            }
        }
        Err(error) => tracing::debug!(%error, "no name for the portal"),
    }
    let shortcuts = GlobalShortcuts::new().await?;
    let portal = shortcuts.create_session(CreateSessionOptions::default()).await?;
    Ok((shortcuts, portal))
}

/// As the desktop shows it to the person.
fn in_our_words(what: ShortcutUse, keys: Shortcut) -> NewShortcut {
    let tongue = Tongue::of(Language::System);
    let words = match what {
        ShortcutUse::Mute => tongue.mutes(),
        ShortcutUse::Talk => tongue.talks(),
    };
    NewShortcut::new(name(what), words).preferred_trigger(trigger(keys).as_str())
}

/// What became of one that was asked for.
fn given(bound: &BindShortcuts, what: ShortcutUse) -> ShortcutState {
    let Some(given) = bound.shortcuts().iter().find(|given| given.id() == name(what)) else {
        return ShortcutState::Refused { code: Code::ShortcutTaken };
    };
    // Words of another program: shown as text, and not a page of it.
    let words: String = given.trigger_description().trim().chars().filter(|c| !c.is_control()).take(60).collect();
    ShortcutState::Works { desktop: (!words.is_empty()).then_some(words) }
}

/// A signal of the portal; `None` for what is none of our keys.
fn heard(signal: &Message) -> Option<Heard> {
    let (header, body) = (signal.header(), signal.body());
    match header.member()?.as_str() {
        "Activated" => what(body.deserialize::<Activated>().ok()?.shortcut_id()).map(Heard::Down),
        "Deactivated" => what(body.deserialize::<Deactivated>().ok()?.shortcut_id()).map(Heard::Up),
        _ => None,
    }
}

/// `false`: nobody listens any more.
async fn pass(presses: &Presses, heard: Heard) -> bool {
    presses.send(heard).await.is_ok()
}

const fn name(what: ShortcutUse) -> &'static str {
    match what {
        ShortcutUse::Mute => "mute",
        ShortcutUse::Talk => "talk",
    }
}

fn what(name_given: &str) -> Option<ShortcutUse> {
    [ShortcutUse::Mute, ShortcutUse::Talk].into_iter().find(|what| name(*what) == name_given)
}

/// As in the XDG shortcuts specification: modifiers, then the name of an XKB keysym.
fn trigger(keys: Shortcut) -> String {
    let held = keys.modifiers();
    let mut out = String::new();
    for (is_held, name) in [(held.ctrl, "CTRL+"), (held.alt, "ALT+"), (held.shift, "SHIFT+"), (held.meta, "LOGO+")] {
        if is_held {
            out.push_str(name);
        }
    }
    let key = match keys.key() {
        Key::Letter(letter) => char::from(letter.to_ascii_lowercase()).to_string(),
        Key::Digit(_) | Key::Function(_) | Key::Insert | Key::Home | Key::End | Key::Pause => keys.key().to_string(),
        Key::Space => "space".to_owned(),
        Key::PageUp => "Page_Up".to_owned(),
        Key::PageDown => "Page_Down".to_owned(),
        Key::ScrollLock => "Scroll_Lock".to_owned(),
        Key::Convert => "Henkan".to_owned(),
        Key::NonConvert => "Muhenkan".to_owned(),
    };
    out.push_str(&key);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_desktops_name_them() {
        for (keys, named) in [
            ("Ctrl+Shift+M", "CTRL+SHIFT+m"),
            ("Alt+Meta+PageUp", "ALT+LOGO+Page_Up"),
            ("F8", "F8"),
            ("NonConvert", "Muhenkan"),
            ("Ctrl+Alt+Space", "CTRL+ALT+space"),
        ] {
            assert_eq!(trigger(keys.parse().unwrap()), named);
        }
    }
}
