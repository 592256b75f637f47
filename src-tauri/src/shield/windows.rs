//! Windows: `SetWindowDisplayAffinity` on every visible or hidden top-level window of this process, read back.
//! The window library sets it too, and throws the answer away; that is why it is asked again here.

use protocol::shield::ShieldStatus;
use tauri::WebviewWindow;
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::Foundation::{HWND, LPARAM};
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::Threading::GetCurrentProcessId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GetWindowDisplayAffinity, GetWindowThreadProcessId, SetWindowDisplayAffinity,
};

use super::affinity::{self, Affinity};

/// A window that was hidden and shown again may have lost it.
pub(super) const FORGETS: bool = true;

/// Raises it everywhere.
pub(super) fn raise(window: &WebviewWindow) -> ShieldStatus {
    let mut windows = top_level();
    if let Ok(handle) = window.hwnd() {
        let main: HWND = handle.0;
        if !windows.contains(&main) {
            windows.push(main);
        }
    }
    affinity::raise(build(), &windows, set, read)
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
