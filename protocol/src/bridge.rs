//! The contract with the page: every command, one [`Snapshot`], one stream of [`Event`]s, one [`Failure`].
//! Values only. No key, token or invitation secret is in any of them, except the link the user asked to see.
//!
//! Intent goes up as a command, state comes down: `subscribe` answers a [`Snapshot`] and then [`Event`]s with rising
//! `seq`; a gap means subscribe again. Each event replaces one slice of the snapshot whole, so the page's reducer
//! is an assignment and can never disagree with Rust.
//! Times are unix seconds as `u32`; ids are strings; no 64-bit number crosses.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{DeviceId, DisplayName, ParticipantSid, TrackSid, UserId};
use crate::policy::{Capability, Role, TrackKind, TrackSource};
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
    /// Owner: allow or forbid a capability for a role.
    set_right(SetRight) -> ();
    /// Owner: give a person another role.
    set_role(SetRole) -> ();
    /// Make an invitation link and its QR code.
    create_invite(CreateInvite) -> CreatedInvite;
    /// Change settings of this person on this machine.
    change_settings(SettingsChange) -> ();
    /// Put a notice away.
    dismiss_notice(DismissNotice) -> ();
    /// What the page can decode, measured by decoding one real key frame of each.
    report_codecs(PageCodecs) -> ();
    /// The page is alive. Missing beats make the window reload it.
    heartbeat(Nothing) -> ();
}

/// A command without arguments, or an answer without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `host_meeting`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct HostMeeting {
    /// What the meeting is called; 1 to 96 bytes.
    pub title: String,
    /// What this person is called.
    pub name: DisplayName,
    /// Join with the microphone on?
    pub microphone: bool,
    /// Join with the camera on?
    pub camera: bool,
}

/// `read_invite`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ReadInvite {
    /// As pasted.
    pub link: String,
}

/// `join_invite`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct JoinInvite {
    /// As pasted.
    pub link: String,
    /// What this person is called.
    pub name: DisplayName,
    /// Join with the microphone on?
    pub microphone: bool,
    /// Join with the camera on?
    pub camera: bool,
}

/// `join_server`. The token and passphrase come from the user's own typing and go nowhere but the keyring.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct JoinServer {
    /// `wss://…` or `https://…`.
    pub url: String,
    /// LiveKit access token.
    pub token: String,
    /// End-to-end passphrase shared with the others. Empty: not sealed, and the meeting says so.
    pub passphrase: String,
    /// Join with the microphone on?
    pub microphone: bool,
    /// Join with the camera on?
    pub camera: bool,
}

/// `join_recent`, `forget_recent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct JoinRecent {
    /// [`RecentView::id`].
    pub id: String,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// On?
    pub on: bool,
}

/// `start_share`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct StartShare {
    /// A [`ScreenView::id`].
    pub screen: DeviceId,
}

/// Which kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
    /// Picture in.
    Camera,
}

/// `choose_device`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ChooseDevice {
    /// Which kind.
    pub kind: DeviceKind,
    /// `None`: whatever the system's default is.
    pub device: Option<DeviceId>,
}

/// `set_preview`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetPreview {
    /// Open the microphone and send levels.
    pub microphone: bool,
    /// Open the camera and send pictures to this page.
    pub camera: bool,
}

/// `set_right`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetRight {
    /// For whom.
    pub role: Role,
    /// What.
    pub capability: Capability,
    /// Allowed?
    pub allowed: bool,
}

/// `set_role`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// Who.
    pub user: UserId,
    /// To what.
    pub role: Role,
}

/// `create_invite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CreateInvite {
    /// What its bearers become.
    pub role: Role,
    /// Hours it is good for; 1 to 720.
    pub hours: u32,
}

/// Answer to `create_invite`: the one place where a secret is shown, because the user asked for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CreatedInvite {
    /// The link with its secret.
    pub link: String,
    /// The same as an SVG image.
    pub qr_svg: String,
    /// What its bearers become.
    pub role: Role,
    /// Unix seconds after which it is refused.
    pub expires_at: u32,
    /// The host's key, as read out loud.
    pub fingerprint: String,
}

/// What an invitation says, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct InviteView {
    /// The room.
    pub room: String,
    /// Where the host is looked for.
    pub addresses: Vec<String>,
    /// Unix seconds after which it is refused.
    pub expires_at: u32,
    /// Already over, by this machine's clock.
    pub expired: bool,
    /// The host's key, as read out loud.
    pub fingerprint: String,
}

/// `dismiss_notice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct DismissNotice {
    /// [`Notice::id`].
    pub id: u32,
}

/// `report_codecs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct PageCodecs {
    /// Decoded a real H.264 key frame.
    pub h264: bool,
    /// Decoded a real VP8 key frame.
    pub vp8: bool,
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

/// How loud everyone is, 0.0 to 1.0 (0 = -60 dBov or less, linear in dB).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
pub struct Levels {
    /// This machine's microphone, in a meeting or in the preview.
    pub microphone: f32,
    /// Others who speak now; whoever is missing is silent.
    pub people: Vec<PersonLevel>,
}

/// One speaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PersonLevel {
    /// Who.
    pub user: UserId,
    /// 0.0 to 1.0.
    pub level: f32,
}

/// The program itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct About {
    /// `0.1.0`.
    pub version: String,
    /// `linux`, `windows`, `macos`.
    pub os: String,
    /// What the system calls the person at this computer: a first proposal for their name, sent to nobody by itself.
    pub person: Option<DisplayName>,
}

/// Where the user is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Phase {
    /// Not in a meeting and not trying to be.
    Home,
    /// On the way in.
    Joining {
        /// How far.
        step: JoinStep,
    },
    /// In.
    InMeeting,
    /// In, but the connection is lost; it comes back by itself.
    Reconnecting {
        /// Why it was lost, as far as known.
        why: LostBecause,
        /// Tries so far.
        tries: u32,
    },
}

/// How far a join is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JoinStep {
    /// The host inside this app starts.
    StartingHost,
    /// Looking for the host.
    Finding,
    /// TLS and the office.
    Entering,
    /// Signalling and media.
    Connecting,
}

/// Why a connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LostBecause {
    /// No packets for a while.
    Network,
    /// The host cannot be reached.
    HostUnreachable,
    /// The host said it stops.
    HostClosing,
    /// The server asked for a fresh start.
    ServerAsked,
}

/// The meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MeetingView {
    /// What it is called.
    pub title: String,
    /// This person.
    pub me: UserId,
    /// Everyone, this person first, then by name.
    pub people: Vec<PersonView>,
    /// This person's role. `None` on a foreign server, where roles are not known.
    pub role: Option<Role>,
    /// What this person may do now.
    pub allowed: Vec<Capability>,
    /// Role x capability, for the rights panel. Empty on a foreign server.
    pub rights: Vec<RightsRow>,
    /// This person's microphone.
    pub microphone: SwitchState,
    /// This person's camera.
    pub camera: SwitchState,
    /// This person's shared screen.
    pub share: SwitchState,
    /// This person's megaphone.
    pub megaphone: SwitchState,
    /// Sealed or not, and why.
    pub seal: SealView,
    /// How good the connection is.
    pub link: LinkView,
}

/// One row of the rights panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RightsRow {
    /// Whose.
    pub role: Role,
    /// What is allowed.
    pub allowed: Vec<Capability>,
    /// May this person change the row?
    pub editable: bool,
}

/// State of one of this person's own sources. The page shows a source as open only when this says `on`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SwitchState {
    /// Closed: no device is open.
    Off,
    /// Being opened.
    Starting,
    /// Open and sent.
    On {
        /// Track for the own picture; `None` for sound.
        track: Option<String>,
    },
    /// Not possible now.
    Blocked {
        /// Why.
        code: Code,
    },
}

/// One person in the meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PersonView {
    /// Who.
    pub user: UserId,
    /// Session of theirs.
    pub sid: Option<ParticipantSid>,
    /// What they are called.
    pub name: String,
    /// Their role; `None` on a foreign server.
    pub role: Option<Role>,
    /// Is it this person?
    pub is_me: bool,
    /// Protection of their window; `None` on a foreign server.
    pub shield: Option<ShieldStatus>,
    /// What they publish.
    pub tracks: Vec<TrackView>,
}

/// One track of someone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TrackView {
    /// Its sid; the frames door uses the same.
    pub id: TrackSid,
    /// What it claims to be.
    pub source: TrackSource,
    /// Sound or picture.
    pub kind: TrackKind,
    /// Muted by its owner.
    pub muted: bool,
    /// What we do with it.
    pub state: TrackState,
}

/// What we do with someone's track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackState {
    /// Subscribed, nothing arrived yet.
    Waiting,
    /// Frames arrive and open.
    Playing,
    /// It is not sealed and this meeting is: refused.
    RefusedUnsealed,
    /// Frames arrive and do not open: another key.
    WrongKey,
    /// Neither the page nor Rust can decode it.
    NoDecoder,
}

/// Sealed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SealView {
    /// Everything sent is sealed and nothing else is let in.
    Sealed,
    /// Nothing is sealed: this server's meeting was joined without a passphrase.
    Open,
    /// Sealed, but some tracks of others were refused or do not open.
    Partly {
        /// How many were refused because they are not sealed.
        refused: u32,
        /// How many do not open with our key.
        wrong_key: u32,
    },
}

/// How good the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LinkView {
    /// In words.
    pub quality: LinkQuality,
    /// Round trip in milliseconds, when known.
    pub rtt_ms: Option<u32>,
    /// Packets lost on the way to us in the last seconds, in percent.
    pub loss_percent: Option<u32>,
}

/// A connection in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LinkQuality {
    /// Not measured yet.
    Unknown,
    /// Lost.
    Lost,
    /// Speech suffers.
    Poor,
    /// Fine.
    Good,
    /// As good as it gets.
    Excellent,
}

/// The host inside this app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HostingView {
    /// What the meeting is called.
    pub title: String,
    /// Where others reach it.
    pub addresses: Vec<String>,
    /// Its key, as read out loud.
    pub fingerprint: String,
    /// People connected.
    pub people: u32,
}

/// Devices of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct DevicesView {
    /// Sound in.
    pub microphones: Vec<DeviceView>,
    /// Sound out.
    pub speakers: Vec<DeviceView>,
    /// Picture in.
    pub cameras: Vec<DeviceView>,
    /// What can be shared.
    pub screens: Vec<ScreenView>,
    /// Why there is nothing to share, where that is so.
    pub screens_blocked: Option<Code>,
    /// Chosen; `None` = follow the default.
    pub microphone: Option<DeviceId>,
    /// Chosen; `None` = follow the default.
    pub speaker: Option<DeviceId>,
    /// Chosen; `None` = follow the default.
    pub camera: Option<DeviceId>,
    /// Track id of the camera preview on the frames door, while it runs.
    pub preview_track: Option<String>,
    /// Why the preview of the microphone cannot run.
    pub microphone_problem: Option<Code>,
    /// Why the preview of the camera cannot run.
    pub camera_problem: Option<Code>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceView {
    /// Stable.
    pub id: DeviceId,
    /// As the system calls it.
    pub name: String,
    /// The system's default?
    pub is_default: bool,
}

/// One monitor that can be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ScreenView {
    /// Stable while it is plugged in.
    pub id: DeviceId,
    /// As the system calls it.
    pub name: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The system's primary monitor?
    pub is_primary: bool,
}

/// Language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the system says; Japanese when unclear.
    System,
    /// 日本語.
    Ja,
    /// English.
    En,
}

/// Colours of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
    /// High contrast.
    Contrast,
}

/// What the user set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SettingsView {
    /// What this person is called; `None` until asked.
    pub name: Option<DisplayName>,
    /// Language.
    pub language: Language,
    /// Colours.
    pub theme: Theme,
    /// Mirror the own camera picture.
    pub mirror: bool,
}

/// `change_settings`: only what is given changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields, default)]
#[ts(optional_fields)]
pub struct SettingsChange {
    /// What this person is called.
    pub name: Option<DisplayName>,
    /// Language.
    pub language: Option<Language>,
    /// Colours.
    pub theme: Option<Theme>,
    /// Mirror the own camera picture.
    pub mirror: Option<bool>,
}

/// Where secrets are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum VaultView {
    /// In the system's keyring.
    Keyring {
        /// As the system calls it.
        name: String,
    },
    /// In memory for this run only.
    MemoryOnly {
        /// Why.
        code: Code,
    },
}

/// A meeting joined before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RecentView {
    /// For `join_recent`.
    pub id: String,
    /// What it was called.
    pub title: String,
    /// Unix seconds.
    pub last_joined: u32,
    /// Hosted by this app.
    pub own: bool,
    /// Its host answers on this network right now.
    pub nearby: bool,
    /// Its secret is still here; otherwise an invitation is needed again.
    pub can_join: bool,
}

/// Something the user should be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notice {
    /// For `dismiss_notice`.
    pub id: u32,
    /// What happened; the page has the words.
    pub code: Code,
    /// A name in the words: a device, a person, a program.
    pub about: Option<String>,
    /// Something that is wrong, or just news.
    pub severity: Severity,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// News; goes away by itself.
    Info,
    /// Degraded.
    Warning,
    /// Broken until someone acts.
    Error,
}

mod failure;
pub mod typescript;

pub use failure::{Code, Failure};
