//! X11 or a Wayland portal, whichever the session is.

use protocol::shortcut::Shortcut;
use tauri::AppHandle;

use super::{Code, Presses, Taken, Wanted};

#[path = "portal.rs"]
mod portal;
#[path = "x11.rs"]
mod x11;

/// What listens.
pub(super) struct Ears {
    presses: Presses,
    x11: Option<x11::Grab>,
    portal: Option<portal::Session>,
}

impl Ears {
    pub(super) fn new(_app: &AppHandle, presses: Presses) -> Self {
        Self { presses, x11: None, portal: None }
    }

    /// Listens for this and nothing else from now on.
    pub(super) async fn take(&mut self, wanted: Wanted) -> Taken {
        self.x11 = None;
        if let Some(session) = self.portal.take() {
            session.close().await;
        }
        if wanted == Wanted::default() {
            return Taken::none(wanted, Code::ShortcutUnsupported);
        }
        let presses = self.presses.clone();
        if is_wayland() {
            let (session, taken) = portal::take(wanted, presses).await;
            self.portal = session;
            return taken;
        }
        let grabbed = tauri::async_runtime::spawn_blocking(move || x11::Grab::take(wanted, presses)).await;
        match grabbed {
            Ok(Ok((grab, taken))) => {
                self.x11 = Some(grab);
                taken
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "no shortcuts from X11");
                Taken::none(wanted, Code::ShortcutUnsupported)
            }
            Err(error) => {
                tracing::error!(%error, "taking shortcuts panicked");
                Taken::none(wanted, Code::ShortcutUnsupported)
            }
        }
    }
}

/// X11's thread looks by itself; under Wayland nobody may ask the keyboard.
pub(super) const fn really_down(_: Shortcut) -> Option<bool> {
    None
}

/// Under Wayland X11's grabs hear only X11's own windows.
fn is_wayland() -> bool {
    std::env::var_os("WAYLAND_DISPLAY").is_some_and(|name| !name.is_empty())
}
