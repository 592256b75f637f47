//! Coming, going and who else may come. Called by the page; three lines each and no decisions.

use protocol::bridge::{
    CreateInvite, CreatedInvite, Failure, HostMeeting, InviteView, JoinInvite, JoinRecent, JoinServer, Nothing,
    ReadInvite, SetRight, SetRole, SetShieldExempt, SetShieldMinimum, SetVolume, SetWatermark,
};
use tauri::State;

use crate::desk::Desk;

#[tauri::command]
pub(super) async fn host_meeting(desk: State<'_, Desk>, req: HostMeeting) -> Result<(), Failure> {
    desk.client().await?.host_meeting(req).await
}

#[tauri::command]
pub(super) async fn read_invite(desk: State<'_, Desk>, req: ReadInvite) -> Result<InviteView, Failure> {
    desk.client().await?.read_invite(req).await
}

#[tauri::command]
pub(super) async fn join_invite(desk: State<'_, Desk>, req: JoinInvite) -> Result<(), Failure> {
    desk.client().await?.join_invite(req).await
}

#[tauri::command]
pub(super) async fn join_server(desk: State<'_, Desk>, req: JoinServer) -> Result<(), Failure> {
    desk.client().await?.join_server(req).await
}

#[tauri::command]
pub(super) async fn join_recent(desk: State<'_, Desk>, req: JoinRecent) -> Result<(), Failure> {
    desk.client().await?.join_recent(req).await
}

#[tauri::command]
pub(super) async fn leave(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.leave(req).await
}

#[tauri::command]
pub(super) async fn stop_hosting(desk: State<'_, Desk>, req: Nothing) -> Result<(), Failure> {
    desk.client().await?.stop_hosting(req).await
}

#[tauri::command]
pub(super) async fn forget_recent(desk: State<'_, Desk>, req: JoinRecent) -> Result<(), Failure> {
    desk.client().await?.forget_recent(req).await
}

#[tauri::command]
pub(super) async fn set_right(desk: State<'_, Desk>, req: SetRight) -> Result<(), Failure> {
    desk.client().await?.set_right(req).await
}

#[tauri::command]
pub(super) async fn set_role(desk: State<'_, Desk>, req: SetRole) -> Result<(), Failure> {
    desk.client().await?.set_role(req).await
}

#[tauri::command]
pub(super) async fn set_shield_minimum(desk: State<'_, Desk>, req: SetShieldMinimum) -> Result<(), Failure> {
    desk.client().await?.set_shield_minimum(req).await
}

#[tauri::command]
pub(super) async fn set_shield_exempt(desk: State<'_, Desk>, req: SetShieldExempt) -> Result<(), Failure> {
    desk.client().await?.set_shield_exempt(req).await
}

#[tauri::command]
pub(super) async fn set_watermark(desk: State<'_, Desk>, req: SetWatermark) -> Result<(), Failure> {
    desk.client().await?.set_watermark(req).await
}

#[tauri::command]
pub(super) async fn set_volume(desk: State<'_, Desk>, req: SetVolume) -> Result<(), Failure> {
    desk.client().await?.set_volume(req).await
}

#[tauri::command]
pub(super) async fn create_invite(desk: State<'_, Desk>, req: CreateInvite) -> Result<CreatedInvite, Failure> {
    desk.client().await?.create_invite(req).await
}
