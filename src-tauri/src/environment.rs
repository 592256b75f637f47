//! What the process environment must say before the first thread and before the toolkit start.
//! Run once, first in `main`. Reads nothing but variables and the names of graphics devices.

#[cfg(target_os = "linux")]
#[path = "environment/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "environment/fallback.rs"]
mod system;

/// Variables through which another program could steer or read the page: a WebDriver, a remote inspector, extra
/// arguments for the browser engine. Release builds of the web engines honour them, so they go.
const STEERING: &[&str] = &[
    "TAURI_WEBVIEW_AUTOMATION",
    "TAURI_AUTOMATION",
    "WEBKIT_INSPECTOR_SERVER",
    "WEBKIT_INSPECTOR_HTTP_SERVER",
    "WEBVIEW2_ADDITIONAL_BROWSER_ARGUMENTS",
    "WEBVIEW2_BROWSER_EXECUTABLE_FOLDER",
    "WEBVIEW2_USER_DATA_FOLDER",
    "WEBVIEW2_PIPE_FOR_SCRIPT_DEBUGGER",
];

/// Removes what steers the page (unless built for window tests) and sets what the toolkit needs.
/// Only for the start of `main`, while the process has one thread.
pub fn prepare() {
    if !cfg!(feature = "window-tests") {
        for name in STEERING {
            // SAFETY: `prepare` runs first in `main`; no other thread exists that could read the environment.
            unsafe { std::env::remove_var(name) };
        }
    }
    for (name, value) in system::wanted() {
        if std::env::var_os(name).is_none() {
            // SAFETY: as above.
            unsafe { std::env::set_var(name, value) };
        }
    }
}
