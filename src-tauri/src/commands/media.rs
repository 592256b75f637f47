//! Microphone, camera, screen, megaphone, and their devices. Called by the page; three lines each and no decisions.

use protocol::bridge::{ChooseDevice, Failure, LookAtScreens, Nothing, SetPreview, StartShare, Switch};
use tauri::State;

use crate::desk::Desk;

#[tauri::command]
pub(super) async fn set_microphone(desk: State<'_, Desk>, req: Switch) -> Result<(), Failure> {
    desk.client().await?.set_microphone(req).await
}

#[tauri::command]
pub(super) async fn hold_to_talk(desk: State<'_, Desk>, req: Switch) -> Result<(), Failure> {
    desk.client().await?.hold_to_talk(req).await
}

#[tauri::command]
pub(super) async fn set_camera(desk: State<'_, Desk>, req: Switch) -> Result<(), Failure> {
    desk.client().await?.set_camera(req).await
}

#[tauri::command]
pub(super) async fn look_at_screens(desk: State<'_, Desk>, req: LookAtScreens) -> Result<(), Failure> {
    desk.client().await?.look_at_screens(req).await
}

#[tauri::command]
pub(super) async fn start_share(desk: State<'_, Desk>, req: StartShare) -> Result<(), Failure> {
    desk.client().await?.start_share(req).await
}

#[tauri::command]
pub(super) async fn stop_share(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.stop_share(req).await
}

#[tauri::command]
pub(super) async fn set_megaphone(desk: State<'_, Desk>, req: Switch) -> Result<(), Failure> {
    desk.client().await?.set_megaphone(req).await
}

#[tauri::command]
pub(super) async fn choose_device(desk: State<'_, Desk>, req: ChooseDevice) -> Result<(), Failure> {
    desk.client().await?.choose_device(req).await
}

#[tauri::command]
pub(super) async fn refresh_devices(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.refresh_devices(req).await
}

#[tauri::command]
pub(super) async fn set_preview(desk: State<'_, Desk>, req: SetPreview) -> Result<(), Failure> {
    desk.client().await?.set_preview(req).await
}

#[tauri::command]
pub(super) async fn test_speaker(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.test_speaker(req).await
}

#[tauri::command]
pub(super) async fn test_microphone(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.test_microphone(req).await
}
