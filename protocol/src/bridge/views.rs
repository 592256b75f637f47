//! The slices of the snapshot: what the page shows, in the words of the core.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Code, DeviceKind};
use crate::ids::{DeviceId, DisplayName, ParticipantSid, TrackSid, UserId};
use crate::policy::{Capability, Role, TrackKind, TrackSource};
use crate::shield::{ShieldIncident, ShieldLevel, ShieldMinimum, ShieldStatus};
use crate::watermark::Watermark;

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
    /// The sound that goes with it.
    pub share_sound: SwitchState,
    /// This person's megaphone.
    pub megaphone: SwitchState,
    /// Sealed or not, and why.
    pub seal: SealView,
    /// How good the connection is.
    pub link: LinkView,
    /// What the meeting demands of its windows. `None` on a foreign server.
    pub shield: Option<MeetingShieldView>,
    /// What is drawn over pictures here.
    pub watermark: WatermarkView,
    /// How many of the others confirmed in the last seconds that they hear this person. 0 also while nothing is said.
    pub heard_by: u32,
    /// The shared screen that has a window of its own.
    pub apart: Option<TrackSid>,
}

/// Protection from screenshots, as the meeting wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MeetingShieldView {
    /// What is demanded of whom.
    pub minimum: ShieldMinimum,
    /// What is demanded of this person.
    pub needed: ShieldLevel,
    /// An owner exempted this person.
    pub exempt: bool,
    /// This person gets pictures. Without, every picture of others is [`TrackState::Withheld`].
    pub pictures: bool,
    /// May this person change the minimum and exempt others?
    pub editable: bool,
}

/// What is drawn over pictures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct WatermarkView {
    /// As the meeting wants it.
    pub is: Watermark,
    /// This person's invisible mark: a PNG tile of 256 x 256 CSS pixels in base64, a few kilobytes. `None` where none is
    /// drawn.
    pub tile: Option<String>,
    /// May this person change what is drawn?
    pub editable: bool,
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
    /// Open for push-to-talk, so that the first syllable is not cut off; nothing of it is sent.
    Ready,
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
    /// An owner exempted them from the protection that the meeting demands.
    pub exempt: bool,
    /// The host sends them pictures; without, they only hear.
    pub pictures: bool,
    /// How loud this person hears them, in percent.
    pub volume: u8,
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
    /// The host does not send it: this window protects less than the meeting demands.
    Withheld,
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
    /// Can the sound of other programs be shared beside a screen?
    pub system_sound: bool,
    /// Hearing oneself before a meeting.
    pub rehearsal: RehearsalView,
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

/// What can be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScreenKind {
    /// Everything on a monitor.
    Monitor,
    /// One window.
    Window,
    /// Whatever the person chooses in the desktop's own dialog, which opens when this is shared. Without a name and a size.
    Portal,
}

/// One monitor or window that can be shared.
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
    /// Which of them.
    pub kind: ScreenKind,
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

/// How much noise is taken out of the own sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSuppression {
    /// None: music and everything else comes over as it is.
    Off,
    /// What stays the same: fans, hiss, hum.
    Standard,
    /// Everything that is not a voice.
    Strong,
}

/// How large and how often a shared screen is sent, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShareQuality {
    /// 1920 x 1080, 30 pictures a second.
    #[default]
    Standard,
    /// 3840 x 2160, 15 pictures a second: small letters of a large screen.
    Fine,
    /// 1280 x 720, 10 pictures a second: old computers and thin connections.
    Light,
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
    /// Blur what is behind this person before the camera's picture goes anywhere.
    pub blur_background: bool,
    /// In meetings that demand protection: cover the window while another one has the keyboard, where the system lets us.
    pub cover_unfocused: bool,
    /// A screen was shared with the sound of other programs last time.
    pub share_sound: bool,
    /// How a screen is shared; also while one is.
    pub share_quality: ShareQuality,
    /// Keep the microphone open in meetings while the system-wide key to talk is set.
    pub ready_to_talk: bool,
    /// Tell with a short sound what a system-wide key did to the microphone.
    pub key_sounds: bool,
    /// Take what the speaker plays out of the microphone.
    pub echo_cancellation: bool,
    /// How much noise is taken out of the microphone.
    pub noise_suppression: NoiseSuppression,
    /// Bring the own voice to an even loudness.
    pub automatic_gain: bool,
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
    /// [`SettingsView::blur_background`].
    pub blur_background: Option<bool>,
    /// [`SettingsView::cover_unfocused`].
    pub cover_unfocused: Option<bool>,
    /// [`SettingsView::share_quality`].
    pub share_quality: Option<ShareQuality>,
    /// Keep the microphone open in meetings while the system-wide key to talk is set.
    pub ready_to_talk: Option<bool>,
    /// Tell with a short sound what a system-wide key did to the microphone.
    pub key_sounds: Option<bool>,
    /// Take what the speaker plays out of the microphone.
    pub echo_cancellation: Option<bool>,
    /// How much noise is taken out of the microphone.
    pub noise_suppression: Option<NoiseSuppression>,
    /// Bring the own voice to an even loudness.
    pub automatic_gain: Option<bool>,
}

/// Does a system-wide shortcut work?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ShortcutState {
    /// Not looked at yet, or none is chosen.
    Unknown,
    /// It works, in meetings.
    Works {
        /// The keys in the desktop's words, where the desktop chooses them.
        desktop: Option<String>,
    },
    /// It does not.
    Refused {
        /// Why.
        code: Code,
    },
}

/// One system-wide shortcut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ShortcutView {
    /// What is chosen, as in [`crate::shortcut::Shortcut`].
    pub keys: Option<String>,
    /// What the system says.
    pub state: ShortcutState,
}

/// The system-wide shortcuts. None is set until this person chooses one, and they are taken only during meetings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ShortcutsView {
    /// Mutes and unmutes.
    pub mute: ShortcutView,
    /// Unmuted while it is held.
    pub talk: ShortcutView,
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
    /// What kind of device it is about, for words without a name.
    pub device: Option<DeviceKind>,
    /// Something that is wrong, or just news.
    pub severity: Severity,
    /// The capture it is about.
    pub capture: Option<CaptureView>,
}

/// A window of this meeting was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CaptureView {
    /// Whose window; `None`: this one.
    pub person: Option<String>,
    /// How and by what.
    pub incident: ShieldIncident,
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

/// The microphone, recorded for a moment and played back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RehearsalView {
    /// Not asked for.
    #[default]
    Off,
    /// Speak now.
    Recording,
    /// Listen now.
    Playing,
    /// Over.
    Done {
        /// How it was.
        heard: HeardView,
    },
}

/// How much was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HeardView {
    /// A voice could be heard.
    Well,
    /// Something, but far too quiet.
    Faintly,
    /// Nothing.
    Nothing,
}
