//! Linux: X11 lets every client read every window, and no Wayland compositor takes such a wish from a client. Nothing is
//! done yet, and that is said.

use protocol::shield::ShieldStatus;
use tauri::WebviewWindow;

/// Nothing to lose.
pub(super) const FORGETS: bool = false;

/// None, by nothing.
pub(super) fn raise(_window: &WebviewWindow) -> ShieldStatus {
    ShieldStatus::default()
}
