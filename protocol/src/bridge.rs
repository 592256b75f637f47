//! The contract with the page: every command, one [`Snapshot`], one stream of [`Event`]s, one [`Failure`].
//! Values only. No key, token or invitation secret is in any of them, except the link the user asked to see.
//!
//! Intent goes up as a command, state comes down: `subscribe` answers a [`Snapshot`] and then [`Event`]s with rising
//! `seq`; a gap means subscribe again. Each event replaces one slice of the snapshot whole, so the page's reducer
//! is an assignment and can never disagree with Rust.
//! Times are unix seconds as `u32`; ids are strings; no 64-bit number crosses.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::shield::ShieldStatus;

/// Lists every command once; the Tauri permission list, the TypeScript map and the contract tests derive from it.
macro_rules! bridge {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $answer:ty;)*) => {
        /// The name of every command, in the order of the list.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),*];

        /// The `Commands` interface in TypeScript: name to `[request, answer]`.
        #[must_use]
        pub fn commands_ts(config: &ts_rs::Config) -> String {
            let mut out = String::from("export interface Commands {\n");
            $(out.push_str(&format!(
                "  {}: [{}, {}];\n", stringify!($name),
                ts_of::<$request>(config), ts_of::<$answer>(config)
            ));)*
            out.push_str("}\n");
            out
        }
    };
}

fn ts_of<T: TS>(config: &ts_rs::Config) -> String {
    T::name(config)
}

bridge! {
    /// Host a meeting on this machine and join it as its owner.
    host_meeting(HostMeeting) -> ();
    /// Say what an invitation link holds, without using it.
    read_invite(ReadInvite) -> InviteView;
    /// Join by an invitation link.
    join_invite(JoinInvite) -> ();
    /// Join any LiveKit server by URL and token.
    join_server(JoinServer) -> ();
    /// Join a meeting of the recent list again.
    join_recent(JoinRecent) -> ();
    /// Leave the meeting, or stop trying to join.
    leave(Nothing) -> ();
    /// Stop hosting: ends the meeting for everyone.
    stop_hosting(Nothing) -> ();
    /// Forget a meeting of the recent list and its secrets.
    forget_recent(JoinRecent) -> ();
    /// Microphone on or off.
    set_microphone(Switch) -> ();
    /// Camera on or off.
    set_camera(Switch) -> ();
    /// See small pictures of what could be shared, for choosing.
    look_at_screens(LookAtScreens) -> ();
    /// Share a screen.
    start_share(StartShare) -> ();
    /// Stop sharing.
    stop_share(Nothing) -> ();
    /// Megaphone on or off.
    set_megaphone(Switch) -> ();
    /// Choose a device, or follow the system's default.
    choose_device(ChooseDevice) -> ();
    /// Look for devices again.
    refresh_devices(Nothing) -> ();
    /// Try camera and microphone before a meeting; nothing leaves the machine.
    set_preview(SetPreview) -> ();
    /// Play a short tone on the chosen speaker.
    test_speaker(Nothing) -> ();
    /// Record the microphone for three seconds and play it back; nothing leaves the machine. Not in a meeting.
    test_microphone(Nothing) -> ();
    /// Owner: allow or forbid a capability for a role.
    set_right(SetRight) -> ();
    /// Owner: give a person another role.
    set_role(SetRole) -> ();
    /// Owner: demand so much protection from screenshots before pictures are sent, of everyone or of one role.
    set_shield_minimum(SetShieldMinimum) -> ();
    /// Owner: send a person pictures whatever protects their window, or not any more.
    set_shield_exempt(SetShieldExempt) -> ();
    /// Owner: what everyone sees drawn over pictures.
    set_watermark(SetWatermark) -> ();
    /// How loud this person hears another; for this meeting, nobody else hears of it.
    set_volume(SetVolume) -> ();
    /// Make an invitation link and its QR code.
    create_invite(CreateInvite) -> CreatedInvite;
    /// Change settings of this person on this machine.
    change_settings(SettingsChange) -> ();
    /// Put a notice away.
    dismiss_notice(DismissNotice) -> ();
    /// Show a shared screen in a window of its own; the main window shows the rest.
    open_stage(OpenStage) -> ();
    /// Close that window.
    close_stage(Nothing) -> ();
    /// What the page can decode, measured by decoding one real key frame of each.
    report_codecs(PageCodecs) -> ();
    /// Which pictures this window shows now, and how large: a whole list each time. What is not in it is hidden.
    look_at(LookAt) -> ();
    /// Speak while a key of this window is held. Sent again while it is, so that a page that is gone does not go on speaking.
    hold_to_talk(Switch) -> ();
    /// Choose a system-wide shortcut, or none.
    set_shortcut(SetShortcut) -> ();
    /// The page is alive. Missing beats make the window reload it.
    heartbeat(Nothing) -> ();
}

/// Everything the page knows at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Snapshot {
    /// Number of the last event that is contained.
    pub seq: u32,
    /// The program.
    pub about: About,
    /// Where the user is.
    pub phase: Phase,
    /// The meeting, from the moment the host let us in until leaving.
    pub meeting: Option<MeetingView>,
    /// The host inside this app.
    pub hosting: Option<HostingView>,
    /// Devices of this machine.
    pub devices: DevicesView,
    /// What the user set.
    pub settings: SettingsView,
    /// System-wide shortcuts.
    pub shortcuts: ShortcutsView,
    /// Where secrets are kept.
    pub vault: VaultView,
    /// Screenshot protection of this window.
    pub shield: ShieldStatus,
    /// Meetings joined before, newest first.
    pub recents: Vec<RecentView>,
    /// An invitation link the system handed over (a click on `shoji://…`), waiting on the home screen.
    pub pending_invite: Option<String>,
    /// What the user should be told, newest last.
    pub notices: Vec<Notice>,
}

/// One change: a slice of the snapshot, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Event {
    /// Rises by one.
    pub seq: u32,
    /// What changed.
    pub change: Change,
}

/// Which slice an event replaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "slice", content = "value", rename_all = "snake_case")]
pub enum Change {
    /// [`Snapshot::phase`].
    Phase(Phase),
    /// [`Snapshot::meeting`].
    Meeting(Option<MeetingView>),
    /// [`Snapshot::hosting`].
    Hosting(Option<HostingView>),
    /// [`Snapshot::devices`].
    Devices(DevicesView),
    /// [`Snapshot::settings`].
    Settings(SettingsView),
    /// [`Snapshot::shortcuts`].
    Shortcuts(ShortcutsView),
    /// [`Snapshot::vault`].
    Vault(VaultView),
    /// [`Snapshot::shield`].
    Shield(ShieldStatus),
    /// [`Snapshot::recents`].
    Recents(Vec<RecentView>),
    /// [`Snapshot::pending_invite`].
    PendingInvite(Option<String>),
    /// [`Snapshot::notices`].
    Notices(Vec<Notice>),
    /// Not in the snapshot: levels, about ten times a second while anything is heard.
    Levels(Levels),
}

mod commands;
mod failure;
pub mod typescript;
mod views;

pub use commands::*;
pub use failure::{Code, Failure};
pub use views::*;
