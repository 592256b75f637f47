//! Windows: `SetWindowDisplayAffinity` on every visible or hidden top-level window of this process (dialogs, too), read
//! back, and looked at: only a capture that shows a bare pattern and not the protected one proves anything.
//! The window library sets it too, and throws the answer away; that is why it is asked again here.

use std::cell::RefCell;

use protocol::shield::{SelfTest, ShieldStatus};
use tauri::{Manager, WebviewWindow};
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::Foundation::{HWND, LPARAM};
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::Threading::GetCurrentProcessId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GetWindowDisplayAffinity, GetWindowThreadProcessId, SetWindowDisplayAffinity,
};

use self::clipboard::Clipboard;
use super::affinity::{self, Affinity};
use super::{Orders, Tell, asked, unix_now};

#[path = "windows/clipboard.rs"]
mod clipboard;
#[path = "windows/stage.rs"]
mod stage;

/// It tells nothing by itself.
pub(super) enum Own {}

/// Keeps it as it is wanted. A window that was hidden and shown again may have lost it.
pub(super) fn keep(window: &WebviewWindow, orders: &Orders, tell: &Tell) {
    // Pictures that a key takes go off the clipboard while the meeting is protected, however far the rest holds.
    let guarded = RefCell::new(None);
    let raise = |window: &WebviewWindow| {
        let told = Tell(window.app_handle().clone());
        let guard = || Clipboard::guard(move |incident| told.incident(incident));
        if guarded.borrow().is_none() {
            *guarded.borrow_mut() = guard();
        }
        raise(window)
    };
    let lower = |window: &WebviewWindow| {
        guarded.borrow_mut().take();
        lower(window);
    };
    asked::keep(window, orders, tell, true, raise, lower);
}

/// Raises it everywhere, and looks whether it holds.
fn raise(window: &WebviewWindow) -> ShieldStatus {
    let status = affinity::raise(build(), &windows(window), set, read);
    let Some(affinity) = affinity::behind(status) else { return status };
    let outcome = stage::test(|stage| set(stage, affinity) && read(stage) == Some(affinity));
    affinity::proven(status, SelfTest { at: unix_now(), outcome })
}

/// Takes it back from every window.
fn lower(window: &WebviewWindow) {
    for window in windows(window) {
        if !set(window, Affinity::NONE) {
            tracing::warn!("a window stays out of captures");
        }
    }
}

fn windows(window: &WebviewWindow) -> Vec<HWND> {
    let mut windows = top_level();
    if let Ok(handle) = window.hwnd() {
        let main: HWND = handle.0;
        if !windows.contains(&main) {
            windows.push(main);
        }
    }
    windows
}
fn set(window: HWND, affinity: Affinity) -> bool {
    // SAFETY: a stale handle makes the call fail; it touches no memory of ours.
    unsafe { SetWindowDisplayAffinity(window, affinity.0) != 0 }
}

fn read(window: HWND) -> Option<Affinity> {
    let mut affinity = 0;
    // SAFETY: `affinity` outlives the call, which writes one u32 to it.
    let read = unsafe { GetWindowDisplayAffinity(window, &raw mut affinity) } != 0;
    read.then_some(Affinity(affinity))
}

/// Every top-level window of this process.
fn top_level() -> Vec<HWND> {
    let mut found: Vec<HWND> = Vec::new();
    // SAFETY: `collect` gets back the pointer it is given here, only during the call, and `found` outlives it.
    let complete = unsafe { EnumWindows(Some(collect), (&raw mut found) as LPARAM) };
    if complete == 0 {
        tracing::warn!("not every window could be listed");
    }
    found
}

/// # Safety
/// `found` is the address of a `Vec<HWND>` that nobody else uses during the call.
unsafe extern "system" fn collect(window: HWND, found: LPARAM) -> windows_sys::core::BOOL {
    let mut process = 0;
    // SAFETY: `process` outlives the call, which writes one u32 to it.
    unsafe { GetWindowThreadProcessId(window, &raw mut process) };
    // SAFETY: takes nothing and always succeeds.
    if process == unsafe { GetCurrentProcessId() } {
        // SAFETY: see above; the caller guarantees the address.
        unsafe { &mut *(found as *mut Vec<HWND>) }.push(window);
    }
    1
}

/// The build of Windows, past any compatibility shim; 0 when it will not say.
fn build() -> u32 {
    let size = u32::try_from(size_of::<OSVERSIONINFOW>()).expect("the structure has under 300 bytes");
    let mut version = OSVERSIONINFOW { dwOSVersionInfoSize: size, ..OSVERSIONINFOW::default() };
    // SAFETY: the structure says its own size and outlives the call.
    let status = unsafe { RtlGetVersion(&raw mut version) };
    if status == 0 { version.dwBuildNumber } else { 0 }
}
