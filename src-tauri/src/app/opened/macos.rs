//! macOS hands links over as an event, not on a command line.

use tauri::RunEvent;

/// The links of this event.
pub(super) fn links(event: &RunEvent) -> Vec<String> {
    if let RunEvent::Opened { urls } = event { urls.iter().map(ToString::to_string).collect() } else { Vec::new() }
}
