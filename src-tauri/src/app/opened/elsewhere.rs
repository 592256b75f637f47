//! Linux and Windows hand links over on a command line; see `instance`.

use tauri::RunEvent;

/// None.
pub(super) fn links(_event: &RunEvent) -> Vec<String> {
    Vec::new()
}
