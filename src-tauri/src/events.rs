//! The door for events: carries them from the client to the page, in order.
//! A task per subscription. Waits while the page does not answer, so that nothing piles up inside the web view; the
//! client's own bounded queue then overflows, the page sees a gap in the numbers, and subscribes again.

use std::time::Duration;

use protocol::bridge::Event;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, WebviewWindow};
use tokio::sync::mpsc::Receiver;

use crate::desk::{Desk, Lease};
use crate::windows;

/// How often a silent page is asked after.
const AGAIN: Duration = Duration::from_millis(500);

/// Forwards until the page or the client has had enough.
pub(crate) fn forward(window: &WebviewWindow, lease: Lease, mut news: Receiver<Event>, channel: Channel<Event>) {
    let (app, watched) = (window.app_handle().clone(), windows::is_main(window));
    tauri::async_runtime::spawn(async move {
        while let Some(event) = news.recv().await {
            if watched && !page_answers(&app, &lease).await || !lease.lasts() {
                return;
            }
            if let Err(error) = channel.send(event) {
                tracing::debug!(%error, "the page is gone");
                return;
            }
        }
    });
}

/// Waits for a page that is busy; `false` when it is another one by now.
async fn page_answers(app: &AppHandle, lease: &Lease) -> bool {
    let desk = app.state::<Desk>();
    while lease.lasts() {
        if desk.pulse(|pulse, now| pulse.answers(now)) {
            return true;
        }
        tokio::time::sleep(AGAIN).await;
    }
    false
}
