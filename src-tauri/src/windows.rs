//! The windows: how they open, what their pages may never do, how they close.
//! Runs on the main thread. Decides nothing about meetings.

use std::path::PathBuf;

use tauri::utils::config::BackgroundThrottlingPolicy;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent, Wry};

use crate::desk::Desk;
use crate::words::NAME;
use crate::{app, shield};

mod size;
pub(crate) mod stage;

/// The main window's name, as in `capabilities/main.json`.
pub(crate) const MAIN: &str = "main";
/// Logical pixels.
const SIZE: (f64, f64) = (1100.0, 720.0);
/// Logical pixels.
const SMALLEST: (f64, f64) = (760.0, 540.0);

/// Opens the main window, hidden until there is something to see.
///
/// # Errors
/// The system has no window or no web view for us.
pub(crate) fn open(app: &AppHandle, page_data: PathBuf) -> tauri::Result<WebviewWindow> {
    let window = window(app, MAIN, page_data)
        .title(NAME)
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .center()
        .visible(false)
        .build()?;
    let own = window.clone();
    window.on_window_event(move |event| on_event(&own, event));
    Ok(window)
}

/// What holds for every window of ours: its page is ours, stays ours, and keeps nothing.
fn window<'a>(app: &'a AppHandle, label: &str, page_data: PathBuf) -> WebviewWindowBuilder<'a, Wry, AppHandle> {
    WebviewWindowBuilder::new(app, label, WebviewUrl::App("index.html".into()))
        // Nothing of the page stays on the disk. A WebDriver gets hold of an ordinary context only.
        .incognito(!cfg!(feature = "window-tests"))
        .data_directory(page_data)
        .general_autofill_enabled(false)
        .browser_extensions_enabled(false)
        .devtools(cfg!(debug_assertions))
        .disable_drag_drop_handler()
        .background_throttling(BackgroundThrottlingPolicy::Disabled)
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_page_load(|window, load| {
            if matches!(load.event(), PageLoadEvent::Started) {
                let desk = window.state::<Desk>();
                desk.page_left(window.label());
                if let Some(client) = desk.client_now() {
                    client.page_left(window.label());
                }
                if is_main(&window) {
                    desk.pulse(|pulse, now| pulse.loading(now));
                }
            }
        })
}

/// Is it the window whose page is watched?
pub(crate) fn is_main(window: &WebviewWindow) -> bool {
    window.label() == MAIN
}

/// Brings the window to the front: the user started the program again or clicked a link.
pub(crate) fn bring_forward(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    for (step, done) in [("unminimize", window.unminimize()), ("show", window.show()), ("focus", window.set_focus())] {
        if let Err(error) = done {
            tracing::debug!(step, %error, "the window did not come forward");
        }
    }
}

fn on_event(window: &WebviewWindow, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            // The meeting is left properly first: others see us go, camera and microphone close.
            api.prevent_close();
            app::quit(window.app_handle());
        }
        WindowEvent::Focused(true) => {
            // The thread is started right after the window.
            if let Some(guard) = window.try_state::<shield::Guard>() {
                guard.again();
            }
        }
        _ => {}
    }
}

/// The page inside the program: `tauri://localhost`, on Windows `http://tauri.localhost`. Nothing else is ever shown.
fn is_own_page(url: &Url) -> bool {
    let own = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => cfg!(target_os = "windows") && url.host_str() == Some("tauri.localhost"),
        _ => false,
    };
    if !own {
        tracing::warn!(scheme = url.scheme(), "the page tried to go elsewhere and was kept");
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_never_goes_elsewhere() {
        let own = |url: &str| is_own_page(&url.parse().unwrap());
        assert!(own("tauri://localhost/index.html") || cfg!(target_os = "windows"));
        for url in ["https://example.org", "file:///etc/passwd", "data:text/html,x", "tauri://evil", "about:blank"] {
            assert!(!own(url), "{url}");
        }
        assert_eq!(own("http://tauri.localhost/"), cfg!(target_os = "windows"));
    }
}
