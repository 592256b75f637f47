//! Windows and macOS: a crashed page is noticed by its silence.

use std::sync::Arc;

use tauri::WebviewWindow;

/// Never calls back.
pub(super) fn on_page_process_gone(_window: &WebviewWindow, _gone: Arc<dyn Fn() + Send + Sync>) {}
