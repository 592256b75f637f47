//! A polite end from outside (logout, `kill`, Ctrl-C) is the same as closing the window.

use tauri::AppHandle;

#[cfg(unix)]
#[path = "signals/unix.rs"]
mod system;
#[cfg(not(unix))]
#[path = "signals/elsewhere.rs"]
mod system;

/// Waits for the first such signal.
pub(super) fn listen(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        match system::end().await {
            Ok(()) => super::quit(&app),
            Err(error) => tracing::warn!(%error, "no signals"),
        }
    });
}
