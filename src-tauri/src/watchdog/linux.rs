//! WebKitGTK tells when the process that runs the page crashed or was killed; no need to wait for the silence.

use std::sync::Arc;

use tauri::WebviewWindow;
use webkit2gtk::WebViewExt;

/// Calls back, on the main thread, when the page's process is gone.
pub(super) fn on_page_process_gone(window: &WebviewWindow, gone: Arc<dyn Fn() + Send + Sync>) {
    let connected = window.with_webview(move |view| {
        view.inner().connect_web_process_terminated(move |_, reason| {
            tracing::warn!(?reason, "the page's process ended");
            gone();
        });
    });
    if let Err(error) = connected {
        tracing::warn!(%error, "only the page's silence tells of a crash");
    }
}
