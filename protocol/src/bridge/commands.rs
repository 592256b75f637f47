//! What commands of the page take and answer. The list of the commands is in the parent.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{DeviceId, DisplayName, TrackSid, UserId};
use crate::policy::{Capability, Role};
use crate::shield::ShieldLevel;
use crate::watermark::Watermark;

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

/// `look_at_screens`: one small picture of each comes through the frames door, as the track `still:` and its id. Asked again
/// for fresh ones, once a second is enough and twice the most; asked for none, when nobody chooses any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LookAtScreens {
    /// A [`ScreenView::id`] each; at most 64.
    pub screens: Vec<DeviceId>,
}

/// `start_share`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct StartShare {
    /// A [`ScreenView::id`].
    pub screen: DeviceId,
    /// Share what other programs play, too; nothing where [`DevicesView::system_sound`](super::DevicesView) says no.
    pub sound: bool,
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

/// `set_shield_minimum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetShieldMinimum {
    /// Of whom; `None`: of everyone in the meeting.
    pub role: Option<Role>,
    /// At least; `none` demands nothing.
    pub level: ShieldLevel,
}

/// `set_shield_exempt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetShieldExempt {
    /// Who.
    pub user: UserId,
    /// From now on?
    pub exempt: bool,
}

/// `set_watermark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetWatermark {
    /// From now on.
    pub watermark: Watermark,
}

/// `set_volume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetVolume {
    /// Whose voice.
    pub user: UserId,
    /// In percent: 0 silent, 100 as it is, 200 at most.
    pub percent: u8,
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

/// `look_at`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LookAt {
    /// Every picture on the screen; [`MAX_LOOKED_AT`] at most.
    pub pictures: Vec<ShownPicture>,
}

/// Pictures one window may show at once.
pub const MAX_LOOKED_AT: usize = 256;

/// A picture and the place it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ShownPicture {
    /// Its name on the frames door.
    pub track: String,
    /// Pixels of the display, not of the page.
    pub width: u16,
    /// Pixels of the display, not of the page.
    pub height: u16,
}

/// `open_stage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct OpenStage {
    /// A screen that somebody else shows.
    pub track: TrackSid,
}

/// What a system-wide shortcut does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShortcutUse {
    /// Mutes and unmutes.
    Mute,
    /// Unmuted while it is held.
    Talk,
}

/// `set_shortcut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetShortcut {
    /// For what.
    pub what: ShortcutUse,
    /// As in [`crate::shortcut::Shortcut`]; `None`: no shortcut.
    pub keys: Option<String>,
}
