//! Asks the system to keep the window out of screenshots, and tells honestly what came of it.
//! Called from any thread but the one that draws; says `none` rather than hope. What is shown to people comes from here.

use protocol::shield::ShieldStatus;
use tauri::WebviewWindow;

#[cfg(any(target_os = "windows", test))]
mod affinity;
#[cfg(target_os = "windows")]
#[path = "shield/windows.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "shield/macos.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "shield/linux.rs"]
mod system;
#[cfg(not(any(target_os = "windows", target_os = "macos", target_os = "linux")))]
#[path = "shield/fallback.rs"]
mod system;

/// Must it be raised again when the window comes back?
pub const FORGETS: bool = system::FORGETS;

/// Raises the shield on every top-level window of this program, or raises it again: systems forget it when a window
/// is hidden and shown. The worst of what they answered is the answer.
#[must_use]
pub fn raise(window: &WebviewWindow) -> ShieldStatus {
    let status = system::raise(window);
    if status.failed {
        tracing::warn!(mechanism = ?status.mechanism, "the screenshot shield did not hold");
    }
    status
}
