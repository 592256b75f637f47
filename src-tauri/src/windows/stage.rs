//! The window beside the main one: a shared screen and nothing else. It opens protected as the main one is, or not at all,
//! remembers its size, and closes with the share. Follows the client's word; decides nothing about meetings.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::Client;
use protocol::bridge::{Code, LookAt};
use tauri::{AppHandle, Manager, WebviewWindow, WindowEvent};

use super::{size, window};
use crate::desk::Desk;
use crate::profile::Profile;
use crate::shield;

/// Its name, as in `capabilities/stage.json`.
pub(crate) const STAGE: &str = "stage";
/// Logical pixels.
const USUAL: (f64, f64) = (1000.0, 660.0);
/// Logical pixels.
const SMALLEST: (f64, f64) = (420.0, 300.0);
/// A protection that is raised anew is tested, which takes seconds; after so long it will not hold.
const PROTECTED_BY: Duration = Duration::from_secs(45);

/// Opens, closes and brings forward the window as the client wants it, until the program ends.
pub(crate) async fn follow(app: AppHandle, profile: Profile) {
    let Ok(client) = app.state::<Desk>().client().await else { return };
    let mut apart = client.apart();
    loop {
        let wanted = apart.borrow_and_update().is_some();
        match (wanted, app.get_webview_window(STAGE)) {
            (true, None) => {
                if let Err(code) = open(&app, &client, &profile).await {
                    client.window_refused(code);
                }
            }
            (true, Some(window)) => log(window.set_focus(), "come forward"),
            (false, Some(window)) => log(window.destroy(), "close"),
            (false, None) => {}
        }
        if apart.changed().await.is_err() {
            return;
        }
    }
}

/// Nothing of it is seen before it is protected, where that is demanded.
async fn open(app: &AppHandle, client: &Client, profile: &Profile) -> Result<(), Code> {
    // Its page is given nothing before it says what it shows.
    if client.look_at(STAGE, LookAt::default()).await.is_err() {
        return Err(Code::Internal);
    }
    let kept = profile.folder().join(size::FILE);
    let (width, height) = size::read(&kept, SMALLEST).unwrap_or(USUAL);
    let title = app.state::<Desk>().tongue().stage();
    let built = window(app, STAGE, profile.page_data())
        .title(title)
        .inner_size(width, height)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .center()
        .visible(false)
        .build();
    let window = built.map_err(|error| {
        tracing::error!(%error, "the stage has no window");
        Code::Internal
    })?;
    attend(&window, kept);
    #[cfg(target_os = "linux")]
    number(&window).await;
    if !is_protected(app).await {
        tracing::warn!("the stage cannot be protected and does not open");
        log(window.destroy(), "close");
        return Err(Code::StageUnprotected);
    }
    log(window.show(), "show");
    // Systems forget what they were asked for when a window is shown; what does not hold then is told by the shield.
    app.state::<shield::Guard>().again();
    log(window.set_focus(), "come forward");
    Ok(())
}

/// Gives the hidden window its number on X11, which otherwise comes when it is shown: nobody can cover a window without one.
#[cfg(target_os = "linux")]
async fn number(window: &WebviewWindow) {
    use gtk::prelude::WidgetExt as _;

    let (done, is_done) = tokio::sync::oneshot::channel();
    let own = window.clone();
    let asked = window.run_on_main_thread(move || {
        match own.gtk_window() {
            Ok(window) => window.realize(),
            Err(error) => tracing::debug!(%error, "the stage has no window of the toolkit's"),
        }
        // Whoever waited may have given up.
        done.send(()).ok();
    });
    log(asked, "reach the main thread");
    if is_done.await.is_err() {
        tracing::debug!("the stage got no number");
    }
}

async fn is_protected(app: &AppHandle) -> bool {
    let answer = app.state::<shield::Guard>().newcomer();
    let waits = tauri::async_runtime::spawn_blocking(move || answer.recv_timeout(PROTECTED_BY).unwrap_or(false));
    waits.await.unwrap_or(false)
}

fn attend(window: &WebviewWindow, kept: PathBuf) {
    let own = window.clone();
    let last = Arc::new(Mutex::new(None));
    window.on_window_event(move |event| match event {
        WindowEvent::Resized(pixels) => {
            let logical = pixels.to_logical::<f64>(own.scale_factor().unwrap_or(1.0));
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some((logical.width, logical.height));
        }
        WindowEvent::Focused(true) => own.state::<shield::Guard>().again(),
        WindowEvent::Destroyed => {
            keep(&kept, *last.lock().unwrap_or_else(PoisonError::into_inner));
            let desk = own.state::<Desk>();
            desk.page_left(STAGE);
            if let Some(client) = desk.client_now() {
                client.window_closed(STAGE);
            }
        }
        _ => {}
    });
}

fn keep(file: &Path, size: Option<(f64, f64)>) {
    let Some(size) = size else { return };
    if let Err(error) = size::write(file, size) {
        tracing::debug!(kind = ?error.kind(), "the size of the stage is not remembered");
    }
}

fn log(done: tauri::Result<()>, what: &'static str) {
    if let Err(error) = done {
        tracing::debug!(what, %error, "the stage did not");
    }
}
