//! `org.freedesktop.portal.GlobalShortcuts`, the only way on Wayland. The desktop shows a dialog when keys are bound and may
//! give other keys than those asked for; what it gave is told in its own words.

use std::sync::Arc;

use ashpd::desktop::CreateSessionOptions;
use ashpd::desktop::global_shortcuts::{BindShortcutsOptions, GlobalShortcuts, NewShortcut};
use futures_util::StreamExt;
use protocol::bridge::{Code, Language, ShortcutState, ShortcutUse};
use protocol::shortcut::{Key, Shortcut};
use tauri::async_runtime::JoinHandle;

use super::super::{Heard, Presses, Taken, Wanted};
use crate::profile::IDENTIFIER;
use crate::words::Tongue;

/// Keys that are ours until it is closed.
pub(super) struct Session {
    portal: Arc<ashpd::desktop::Session<GlobalShortcuts>>,
    ears: JoinHandle<()>,
}

impl Session {
    /// Gives them back.
    pub(super) async fn close(self) {
        self.ears.abort();
        if let Err(error) = self.portal.close().await {
            tracing::debug!(%error, "the portal went first");
        }
    }
}

/// Asks the desktop for keys. It may ask the person, and so may take as long as a person does.
pub(super) async fn take(wanted: Wanted, presses: Presses) -> (Option<Session>, Taken) {
    match bind(wanted, presses).await {
        Ok((session, taken)) => (Some(session), taken),
        Err(error) => {
            tracing::info!(%error, "no shortcuts from the portal");
            let code = match error {
                ashpd::Error::Response(_) => Code::ShortcutTaken,
                _ => Code::ShortcutUnsupported,
            };
            (None, Taken::none(wanted, code))
        }
    }
}

async fn bind(wanted: Wanted, presses: Presses) -> Result<(Session, Taken), ashpd::Error> {
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
    let tongue = Tongue::of(Language::System);
    let asked: Vec<NewShortcut> = wanted
        .iter()
        .map(|(what, keys)| {
            let words = match what {
                ShortcutUse::Mute => tongue.mutes(),
                ShortcutUse::Talk => tongue.talks(),
            };
            NewShortcut::new(name(what), words).preferred_trigger(trigger(keys).as_str())
        })
        .collect();
    // Before binding: a press may come at once.
    let mut down = Box::pin(shortcuts.receive_activated().await?);
    let mut up = Box::pin(shortcuts.receive_deactivated().await?);
    let bound = shortcuts.bind_shortcuts(&portal, &asked, None, BindShortcutsOptions::default()).await?.response();
    let bound = match bound {
        Ok(bound) => bound,
        Err(error) => {
            portal.close().await?;
            return Err(error);
        }
    };
    let state = |what: ShortcutUse, keys: Option<Shortcut>| match keys {
        None => ShortcutState::Unknown,
        Some(_) => match bound.shortcuts().iter().find(|given| given.id() == name(what)) {
            Some(given) => {
                let words = given.trigger_description().trim();
                // Words of another program: shown as text, and not a page of it.
                let words: String = words.chars().filter(|c| !c.is_control()).take(60).collect();
                ShortcutState::Works { desktop: (!words.is_empty()).then_some(words) }
            }
            None => ShortcutState::Refused { code: Code::ShortcutTaken },
        },
    };
    let taken = Taken { mute: state(ShortcutUse::Mute, wanted.mute), talk: state(ShortcutUse::Talk, wanted.talk) };
    let portal = Arc::new(portal);
    let watched = Arc::clone(&portal);
    let ears = tauri::async_runtime::spawn(async move {
        let mut closed = match watched.receive_closed().await {
            Ok(closed) => Box::pin(closed),
            Err(error) => return tracing::warn!(%error, "the portal went at once"),
        };
        loop {
            let heard = tokio::select! {
                Some(press) = down.next() => {
                    let Some(what) = what(press.shortcut_id()) else { continue };
                    Some(Heard::Down(what))
                }
                Some(release) = up.next() => {
                    let Some(what) = what(release.shortcut_id()) else { continue };
                    Some(Heard::Up(what))
                }
                // The desktop took the keys back, or is gone: a release would not be heard.
                _ = closed.next() => None,
                else => None,
            };
            let last = heard.is_none();
            if presses.send(heard.unwrap_or(Heard::Up(ShortcutUse::Talk))).await.is_err() || last {
                return;
            }
        }
    });
    Ok((Session { portal, ears }, taken))
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
