//! A system nothing is known about: nothing is done, and that is said.

use protocol::shield::ShieldStatus;
use tauri::WebviewWindow;

/// Nothing to lose.
pub(super) const FORGETS: bool = false;

/// None, by nothing.
pub(super) fn raise(_window: &WebviewWindow) -> ShieldStatus {
    ShieldStatus::default()
}
