//! macOS: `NSWindow.sharingType = none`, read back. Newer systems are reported to ignore it for some ways of capture,
//! so it never counts as more than `deter`.

use std::cell::RefCell;
use std::sync::mpsc;
use std::time::Duration;

use objc2_app_kit::{NSWindow, NSWindowSharingType};
use protocol::shield::{ShieldLevel, ShieldMechanism, ShieldStatus};
use tauri::{Manager, WebviewWindow};

use self::clipboard::Clipboard;
use self::mirroring::Mirroring;
use super::{Orders, Tell, asked};

#[path = "macos/clipboard.rs"]
mod clipboard;
#[path = "macos/mirroring.rs"]
mod mirroring;

/// It tells nothing by itself.
pub(super) enum Own {}

/// The main thread may be busy; it must not be waited for without end.
const ANSWER: Duration = Duration::from_secs(5);
const FAILED: ShieldStatus =
    ShieldStatus { level: ShieldLevel::None, mechanism: ShieldMechanism::MacosSharingType, failed: true, test: None };

/// Keeps it as it is wanted. The window keeps what it was told.
pub(super) fn keep(window: &WebviewWindow, orders: &Orders, tell: &Tell) {
    // Pictures that keys take go off the pasteboard while the meeting is protected, however far the rest holds.
    let guarded = RefCell::new(None);
    let watched = RefCell::new(None);
    let raise = |window: &WebviewWindow| {
        if watched.borrow().is_none() {
            let told = Tell(window.app_handle().clone());
            *watched.borrow_mut() = Mirroring::guard(move |incident| told.incident(incident));
        }
        let told = Tell(window.app_handle().clone());
        *guarded.borrow_mut() = Clipboard::guard(move |incident| told.incident(incident));
        raise(window)
    };
    let lower = |window: &WebviewWindow| {
        guarded.borrow_mut().take();
        watched.borrow_mut().take();
        lower(window);
    };
    asked::keep(window, orders, tell, false, raise, lower);
}

/// Raises it on every window of this program.
fn raise(window: &WebviewWindow) -> ShieldStatus {
    let windows = window.app_handle().webview_windows();
    if windows.values().all(|window| ask(window, NSWindowSharingType::None)) {
        ShieldStatus { level: ShieldLevel::Deter, failed: false, ..FAILED }
    } else {
        FAILED
    }
}

/// Lets captures see them again.
fn lower(window: &WebviewWindow) {
    for window in window.app_handle().webview_windows().values() {
        if !ask(window, NSWindowSharingType::ReadOnly) {
            tracing::warn!("a window stays out of captures");
        }
    }
}

/// Windows may be touched on the main thread only.
fn ask(window: &WebviewWindow, wanted: NSWindowSharingType) -> bool {
    let (reply, answer) = mpsc::sync_channel(1);
    let target = window.clone();
    let sent = window.run_on_main_thread(move || {
        if reply.send(set(&target, wanted)).is_err() {
            tracing::warn!("the screenshot shield answered too late");
        }
    });
    sent.is_ok() && answer.recv_timeout(ANSWER).unwrap_or(false)
}

fn set(window: &WebviewWindow, wanted: NSWindowSharingType) -> bool {
    let Ok(pointer) = window.ns_window() else { return false };
    // SAFETY: Tauri answers the live NSWindow of `window`, which is borrowed meanwhile, and this is the main thread.
    let window = unsafe { &*pointer.cast::<NSWindow>() };
    window.setSharingType(wanted);
    window.sharingType() == wanted
}
