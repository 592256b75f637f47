//! macOS: `NSWindow.sharingType = none`, read back. Newer systems are reported to ignore it for some ways of capture,
//! so it never counts as more than `deter`.

use std::sync::mpsc;
use std::time::Duration;

use objc2_app_kit::{NSWindow, NSWindowSharingType};
use protocol::shield::{ShieldLevel, ShieldMechanism, ShieldStatus};
use tauri::WebviewWindow;

/// The window keeps it.
pub(super) const FORGETS: bool = false;

/// The main thread may be busy; it must not be waited for without end.
const ANSWER: Duration = Duration::from_secs(5);
const FAILED: ShieldStatus =
    ShieldStatus { level: ShieldLevel::None, mechanism: ShieldMechanism::MacosSharingType, failed: true, test: None };

/// Raises it on the main window; windows may be touched on the main thread only.
pub(super) fn raise(window: &WebviewWindow) -> ShieldStatus {
    let (reply, answer) = mpsc::sync_channel(1);
    let target = window.clone();
    let sent = window.run_on_main_thread(move || {
        if reply.send(set(&target)).is_err() {
            tracing::warn!("the screenshot shield answered too late");
        }
    });
    if sent.is_err() {
        return FAILED;
    }
    match answer.recv_timeout(ANSWER) {
        Ok(true) => ShieldStatus { level: ShieldLevel::Deter, failed: false, ..FAILED },
        Ok(false) | Err(_) => FAILED,
    }
}

fn set(window: &WebviewWindow) -> bool {
    let Ok(pointer) = window.ns_window() else { return false };
    // SAFETY: Tauri answers the live NSWindow of `window`, which is borrowed meanwhile, and this is the main thread.
    let window = unsafe { &*pointer.cast::<NSWindow>() };
    window.setSharingType(NSWindowSharingType::None);
    window.sharingType() == NSWindowSharingType::None
}
