//! The page itself: settings, notices, what it can decode, that it lives, and its two doors. Called by the page; three lines each and no decisions.

use std::sync::Arc;

use protocol::bridge::{
    DismissNotice, Event, Failure, LookAt, Nothing, OpenStage, PageCodecs, SetShortcut, SettingsChange, Snapshot,
};
use tauri::ipc::{Channel, InvokeResponseBody};
use tauri::{State, WebviewWindow};

use crate::desk::Desk;
use crate::events;
use crate::frames::FramesDoor;
use crate::windows;

#[tauri::command]
pub(super) async fn change_settings(desk: State<'_, Desk>, req: SettingsChange) -> Result<(), Failure> {
    desk.client().await?.change_settings(req).await
}

#[tauri::command]
pub(super) async fn set_shortcut(desk: State<'_, Desk>, req: SetShortcut) -> Result<(), Failure> {
    desk.client().await?.set_shortcut(req).await
}

#[tauri::command]
pub(super) async fn dismiss_notice(desk: State<'_, Desk>, req: DismissNotice) -> Result<(), Failure> {
    desk.client().await?.dismiss_notice(req).await
}

#[tauri::command]
pub(super) async fn open_stage(desk: State<'_, Desk>, req: OpenStage) -> Result<(), Failure> {
    desk.client().await?.open_stage(req).await
}

#[tauri::command]
pub(super) async fn close_stage(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.close_stage(req).await
}

#[tauri::command]
pub(super) async fn report_codecs(desk: State<'_, Desk>, req: PageCodecs) -> Result<(), Failure> {
    desk.client().await?.report_codecs(req).await
}

#[tauri::command]
pub(super) async fn look_at(window: WebviewWindow, desk: State<'_, Desk>, req: LookAt) -> Result<(), Failure> {
    desk.client().await?.look_at(window.label(), req).await
}

#[tauri::command]
pub(super) fn heartbeat(window: WebviewWindow, desk: State<'_, Desk>, req: Nothing) {
    let Nothing {} = req;
    if windows::is_main(&window) {
        desk.pulse(|pulse, now| pulse.beat(now));
    }
}

#[tauri::command]
pub(super) async fn subscribe(
    window: WebviewWindow,
    desk: State<'_, Desk>,
    channel: Channel<Event>,
) -> Result<Snapshot, Failure> {
    let (snapshot, news) = desk.client().await?.subscribe().await.ok_or_else(Desk::closed)?;
    events::forward(&window, desk.lease_events(window.label()), news, channel);
    Ok(snapshot)
}

#[tauri::command]
pub(super) async fn open_frames(
    window: WebviewWindow,
    desk: State<'_, Desk>,
    channel: Channel<InvokeResponseBody>,
) -> Result<(), Failure> {
    let door = Arc::new(FramesDoor::new(channel, desk.lease_frames(window.label())));
    desk.client().await?.attach_page(window.label(), door);
    Ok(())
}

#[tauri::command]
pub(super) fn ack_frames(window: WebviewWindow, desk: State<'_, Desk>, track: &str, seq: u32) {
    if let Some(client) = desk.client_now() {
        client.ack_frames(window.label(), track, seq);
    }
}
