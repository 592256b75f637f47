// Generated from protocol/src/bridge.rs by `cargo test -p protocol`. Do not edit: change the Rust side.

export type Role = "owner" | "member" | "guest";
export type Capability = "microphone" | "camera" | "screen_share" | "megaphone";
export type TrackSource = "megaphone" | "camera" | "microphone" | "screen_share" | "screen_share_audio";
export type TrackKind = "audio" | "video";
export type ShieldLevel = "none" | "deter" | "detect" | "block";
export type ShieldMechanism = "unsupported" | "windows_exclude_from_capture" | "windows_monitor" | "macos_sharing_type" | "macos_prevents_capture" | "x11_watch" | "x11_module" | "wayland_capture_control" | "wayland_window_rule" | "wayland_watch";
export type SelfTestOutcome = "held" | "leaked" | "cannot_tell";
export type SelfTest = { 
/**
 * When it ended, in unix seconds by the clock of the tested machine.
 */
at: number, 
/**
 * And how.
 */
outcome: SelfTestOutcome, };
export type ShieldStatus = { 
/**
 * How far it goes.
 */
level: ShieldLevel, 
/**
 * By what.
 */
mechanism: ShieldMechanism, 
/**
 * The system call failed or its result read back was not what was asked for.
 */
failed: boolean, 
/**
 * The last self-test; `None`: none was made since the program started.
 */
test: SelfTest | null, };
export type CaptureMethod = "get_image" | "shm_get_image" | "copy" | "composite" | "render" | "dri" | "double_buffer" | "damage" | "record" | "capture_key" | "clipboard" | "screen_recording" | "mirroring" | "meddling" | "watch_lost";
export type ShieldIncident = { 
/**
 * The program, by the name of its file, where it is known.
 */
program: ProgramName | null, 
/**
 * Its process on that machine, where it is known.
 */
pid: number | null, 
/**
 * How.
 */
method: CaptureMethod, 
/**
 * For how long it went on, as far as known; under a second is 0.
 */
seconds: number, 
/**
 * Was the window covered meanwhile?
 */
covered: boolean, };
export type ShieldMinimum = { 
/**
 * Of everyone in the meeting.
 */
everyone: ShieldLevel, 
/**
 * Of owners at least.
 */
owner: ShieldLevel, 
/**
 * Of members at least.
 */
member: ShieldLevel, 
/**
 * Of guests at least.
 */
guest: ShieldLevel, };
export type Nothing = Record<symbol, never>;
export type HostMeeting = { 
/**
 * What the meeting is called; 1 to 96 bytes.
 */
title: string, 
/**
 * What this person is called.
 */
name: DisplayName, 
/**
 * Join with the microphone on?
 */
microphone: boolean, 
/**
 * Join with the camera on?
 */
camera: boolean, };
export type ReadInvite = { 
/**
 * As pasted.
 */
link: string, };
export type JoinInvite = { 
/**
 * As pasted.
 */
link: string, 
/**
 * What this person is called.
 */
name: DisplayName, 
/**
 * Join with the microphone on?
 */
microphone: boolean, 
/**
 * Join with the camera on?
 */
camera: boolean, };
export type JoinServer = { 
/**
 * `wss://…` or `https://…`.
 */
url: string, 
/**
 * LiveKit access token.
 */
token: string, 
/**
 * End-to-end passphrase shared with the others. Empty: not sealed, and the meeting says so.
 */
passphrase: string, 
/**
 * Join with the microphone on?
 */
microphone: boolean, 
/**
 * Join with the camera on?
 */
camera: boolean, };
export type JoinRecent = { 
/**
 * [`RecentView::id`].
 */
id: string, };
export type Switch = { 
/**
 * On?
 */
on: boolean, };
export type LookAtScreens = { 
/**
 * A [`ScreenView::id`] each; at most 64.
 */
screens: Array<DeviceId>, };
export type StartShare = { 
/**
 * A [`ScreenView::id`].
 */
screen: DeviceId, 
/**
 * Share what other programs play, too; nothing where [`DevicesView::system_sound`](super::DevicesView) says no.
 */
sound: boolean, };
export type DeviceKind = "microphone" | "speaker" | "camera";
export type ChooseDevice = { 
/**
 * Which kind.
 */
kind: DeviceKind, 
/**
 * `None`: whatever the system's default is.
 */
device: DeviceId | null, };
export type SetPreview = { 
/**
 * Open the microphone and send levels.
 */
microphone: boolean, 
/**
 * Open the camera and send pictures to this page.
 */
camera: boolean, };
export type SetRight = { 
/**
 * For whom.
 */
role: Role, 
/**
 * What.
 */
capability: Capability, 
/**
 * Allowed?
 */
allowed: boolean, };
export type SetRole = { 
/**
 * Who.
 */
user: UserId, 
/**
 * To what.
 */
role: Role, };
export type SetShieldMinimum = { 
/**
 * Of whom; `None`: of everyone in the meeting.
 */
role: Role | null, 
/**
 * At least; `none` demands nothing.
 */
level: ShieldLevel, };
export type SetShieldExempt = { 
/**
 * Who.
 */
user: UserId, 
/**
 * From now on?
 */
exempt: boolean, };
export type SetWatermark = { 
/**
 * From now on.
 */
watermark: Watermark, };
export type SetVolume = { 
/**
 * Whose voice.
 */
user: UserId, 
/**
 * In percent: 0 silent, 100 as it is, 200 at most.
 */
percent: number, };
export type CreateInvite = { 
/**
 * What its bearers become.
 */
role: Role, 
/**
 * Hours it is good for; 1 to 720.
 */
hours: number, };
export type CreatedInvite = { 
/**
 * The link with its secret.
 */
link: string, 
/**
 * The same as an SVG image.
 */
qr_svg: string, 
/**
 * What its bearers become.
 */
role: Role, 
/**
 * Unix seconds after which it is refused.
 */
expires_at: number, 
/**
 * The host's key, as read out loud.
 */
fingerprint: string, };
export type InviteView = { 
/**
 * The room.
 */
room: string, 
/**
 * Where the host is looked for.
 */
addresses: Array<string>, 
/**
 * Unix seconds after which it is refused.
 */
expires_at: number, 
/**
 * Already over, by this machine's clock.
 */
expired: boolean, 
/**
 * The host's key, as read out loud.
 */
fingerprint: string, };
export type DismissNotice = { 
/**
 * [`Notice::id`].
 */
id: number, };
export type PageCodecs = { 
/**
 * Decoded a real H.264 key frame.
 */
h264: boolean, 
/**
 * Decoded a real VP8 key frame.
 */
vp8: boolean, };
export type ShownPicture = { 
/**
 * Its name on the frames door.
 */
track: string, 
/**
 * Pixels of the display, not of the page.
 */
width: number, 
/**
 * Pixels of the display, not of the page.
 */
height: number, };
export type LookAt = { 
/**
 * Every picture on the screen; [`MAX_LOOKED_AT`] at most.
 */
pictures: Array<ShownPicture>, };
export type OpenStage = { 
/**
 * A screen that somebody else shows.
 */
track: TrackSid, };
export type ShortcutUse = "mute" | "talk";
export type SetShortcut = { 
/**
 * For what.
 */
what: ShortcutUse, 
/**
 * As in [`crate::shortcut::Shortcut`]; `None`: no shortcut.
 */
keys: string | null, };
export type Snapshot = { 
/**
 * Number of the last event that is contained.
 */
seq: number, 
/**
 * The program.
 */
about: About, 
/**
 * Where the user is.
 */
phase: Phase, 
/**
 * The meeting, from the moment the host let us in until leaving.
 */
meeting: MeetingView | null, 
/**
 * The host inside this app.
 */
hosting: HostingView | null, 
/**
 * Devices of this machine.
 */
devices: DevicesView, 
/**
 * What the user set.
 */
settings: SettingsView, 
/**
 * System-wide shortcuts.
 */
shortcuts: ShortcutsView, 
/**
 * Where secrets are kept.
 */
vault: VaultView, 
/**
 * Screenshot protection of this window.
 */
shield: ShieldStatus, 
/**
 * Meetings joined before, newest first.
 */
recents: Array<RecentView>, 
/**
 * An invitation link the system handed over (a click on `shoji://…`), waiting on the home screen.
 */
pending_invite: string | null, 
/**
 * What the user should be told, newest last.
 */
notices: Array<Notice>, };
export type Event = { 
/**
 * Rises by one.
 */
seq: number, 
/**
 * What changed.
 */
change: Change, };
export type Change = { "slice": "phase", "value": Phase } | { "slice": "meeting", "value": MeetingView | null } | { "slice": "hosting", "value": HostingView | null } | { "slice": "devices", "value": DevicesView } | { "slice": "settings", "value": SettingsView } | { "slice": "shortcuts", "value": ShortcutsView } | { "slice": "vault", "value": VaultView } | { "slice": "shield", "value": ShieldStatus } | { "slice": "recents", "value": Array<RecentView> } | { "slice": "pending_invite", "value": string | null } | { "slice": "notices", "value": Array<Notice> } | { "slice": "levels", "value": Levels };
export type Levels = { 
/**
 * This machine's microphone, in a meeting or in the preview.
 */
microphone: number, 
/**
 * Others who speak now; whoever is missing is silent.
 */
people: Array<PersonLevel>, };
export type PersonLevel = { 
/**
 * Who.
 */
user: UserId, 
/**
 * 0.0 to 1.0.
 */
level: number, };
export type About = { 
/**
 * `0.1.0`.
 */
version: string, 
/**
 * `linux`, `windows`, `macos`.
 */
os: string, 
/**
 * What the system calls the person at this computer: a first proposal for their name, sent to nobody by itself.
 */
person: DisplayName | null, };
export type Phase = { "at": "home" } | { "at": "joining", 
/**
 * How far.
 */
step: JoinStep, } | { "at": "in_meeting" } | { "at": "reconnecting", 
/**
 * Why it was lost, as far as known.
 */
why: LostBecause, 
/**
 * Tries so far.
 */
tries: number, };
export type JoinStep = "starting_host" | "finding" | "entering" | "connecting";
export type LostBecause = "network" | "host_unreachable" | "host_closing" | "server_asked";
export type MeetingView = { 
/**
 * What it is called.
 */
title: string, 
/**
 * This person.
 */
me: UserId, 
/**
 * Everyone, this person first, then by name.
 */
people: Array<PersonView>, 
/**
 * This person's role. `None` on a foreign server, where roles are not known.
 */
role: Role | null, 
/**
 * What this person may do now.
 */
allowed: Array<Capability>, 
/**
 * Role x capability, for the rights panel. Empty on a foreign server.
 */
rights: Array<RightsRow>, 
/**
 * This person's microphone.
 */
microphone: SwitchState, 
/**
 * This person's camera.
 */
camera: SwitchState, 
/**
 * This person's shared screen.
 */
share: SwitchState, 
/**
 * The sound that goes with it.
 */
share_sound: SwitchState, 
/**
 * This person's megaphone.
 */
megaphone: SwitchState, 
/**
 * Sealed or not, and why.
 */
seal: SealView, 
/**
 * How good the connection is.
 */
link: LinkView, 
/**
 * What the meeting demands of its windows. `None` on a foreign server.
 */
shield: MeetingShieldView | null, 
/**
 * What is drawn over pictures here.
 */
watermark: WatermarkView, 
/**
 * How many of the others confirmed in the last seconds that they hear this person. 0 also while nothing is said.
 */
heard_by: number, 
/**
 * The shared screen that has a window of its own.
 */
apart: TrackSid | null, };
export type RightsRow = { 
/**
 * Whose.
 */
role: Role, 
/**
 * What is allowed.
 */
allowed: Array<Capability>, 
/**
 * May this person change the row?
 */
editable: boolean, };
export type MeetingShieldView = { 
/**
 * What is demanded of whom.
 */
minimum: ShieldMinimum, 
/**
 * What is demanded of this person.
 */
needed: ShieldLevel, 
/**
 * An owner exempted this person.
 */
exempt: boolean, 
/**
 * This person gets pictures. Without, every picture of others is [`TrackState::Withheld`].
 */
pictures: boolean, 
/**
 * May this person change the minimum and exempt others?
 */
editable: boolean, };
export type Watermark = "none" | "visible" | "invisible" | "both";
export type WatermarkView = { 
/**
 * As the meeting wants it.
 */
is: Watermark, 
/**
 * This person's invisible mark: a PNG tile of 256 x 256 CSS pixels in base64, a few kilobytes. `None` where none is
 * drawn.
 */
tile: string | null, 
/**
 * May this person change what is drawn?
 */
editable: boolean, };
export type SwitchState = { "is": "off" } | { "is": "ready" } | { "is": "starting" } | { "is": "on", 
/**
 * Track for the own picture; `None` for sound.
 */
track: string | null, } | { "is": "blocked", 
/**
 * Why.
 */
code: Code, };
export type PersonView = { 
/**
 * Who.
 */
user: UserId, 
/**
 * Session of theirs.
 */
sid: ParticipantSid | null, 
/**
 * What they are called.
 */
name: string, 
/**
 * Their role; `None` on a foreign server.
 */
role: Role | null, 
/**
 * Is it this person?
 */
is_me: boolean, 
/**
 * Protection of their window; `None` on a foreign server.
 */
shield: ShieldStatus | null, 
/**
 * An owner exempted them from the protection that the meeting demands.
 */
exempt: boolean, 
/**
 * The host sends them pictures; without, they only hear.
 */
pictures: boolean, 
/**
 * How loud this person hears them, in percent.
 */
volume: number, 
/**
 * What they publish.
 */
tracks: Array<TrackView>, };
export type TrackView = { 
/**
 * Its sid; the frames door uses the same.
 */
id: TrackSid, 
/**
 * What it claims to be.
 */
source: TrackSource, 
/**
 * Sound or picture.
 */
kind: TrackKind, 
/**
 * Muted by its owner.
 */
muted: boolean, 
/**
 * What we do with it.
 */
state: TrackState, };
export type TrackState = "waiting" | "playing" | "refused_unsealed" | "wrong_key" | "no_decoder" | "withheld";
export type SealView = { "is": "sealed" } | { "is": "open" } | { "is": "partly", 
/**
 * How many were refused because they are not sealed.
 */
refused: number, 
/**
 * How many do not open with our key.
 */
wrong_key: number, };
export type LinkView = { 
/**
 * In words.
 */
quality: LinkQuality, 
/**
 * Round trip in milliseconds, when known.
 */
rtt_ms: number | null, 
/**
 * Packets lost on the way to us in the last seconds, in percent.
 */
loss_percent: number | null, };
export type LinkQuality = "unknown" | "lost" | "poor" | "good" | "excellent";
export type HostingView = { 
/**
 * What the meeting is called.
 */
title: string, 
/**
 * Where others reach it.
 */
addresses: Array<string>, 
/**
 * Its key, as read out loud.
 */
fingerprint: string, 
/**
 * People connected.
 */
people: number, };
export type DevicesView = { 
/**
 * Sound in.
 */
microphones: Array<DeviceView>, 
/**
 * Sound out.
 */
speakers: Array<DeviceView>, 
/**
 * Picture in.
 */
cameras: Array<DeviceView>, 
/**
 * What can be shared.
 */
screens: Array<ScreenView>, 
/**
 * Why there is nothing to share, where that is so.
 */
screens_blocked: Code | null, 
/**
 * Can the sound of other programs be shared beside a screen?
 */
system_sound: boolean, 
/**
 * Hearing oneself before a meeting.
 */
rehearsal: RehearsalView, 
/**
 * Chosen; `None` = follow the default.
 */
microphone: DeviceId | null, 
/**
 * Chosen; `None` = follow the default.
 */
speaker: DeviceId | null, 
/**
 * Chosen; `None` = follow the default.
 */
camera: DeviceId | null, 
/**
 * Track id of the camera preview on the frames door, while it runs.
 */
preview_track: string | null, 
/**
 * Why the preview of the microphone cannot run.
 */
microphone_problem: Code | null, 
/**
 * Why the preview of the camera cannot run.
 */
camera_problem: Code | null, };
export type DeviceView = { 
/**
 * Stable.
 */
id: DeviceId, 
/**
 * As the system calls it.
 */
name: string, 
/**
 * The system's default?
 */
is_default: boolean, };
export type ScreenKind = "monitor" | "window" | "portal";
export type ScreenView = { 
/**
 * Stable while it is plugged in.
 */
id: DeviceId, 
/**
 * As the system calls it.
 */
name: string, 
/**
 * Pixels.
 */
width: number, 
/**
 * Pixels.
 */
height: number, 
/**
 * The system's primary monitor?
 */
is_primary: boolean, 
/**
 * Which of them.
 */
kind: ScreenKind, };
export type RehearsalView = { "is": "off" } | { "is": "recording" } | { "is": "playing" } | { "is": "done", 
/**
 * How it was.
 */
heard: HeardView, };
export type HeardView = "well" | "faintly" | "nothing";
export type Language = "system" | "ja" | "en";
export type Theme = "system" | "light" | "dark" | "contrast";
export type NoiseSuppression = "off" | "standard" | "strong";
export type ShareQuality = "standard" | "fine" | "light";
export type SettingsView = { 
/**
 * What this person is called; `None` until asked.
 */
name: DisplayName | null, 
/**
 * Language.
 */
language: Language, 
/**
 * Colours.
 */
theme: Theme, 
/**
 * Mirror the own camera picture.
 */
mirror: boolean, 
/**
 * Blur what is behind this person before the camera's picture goes anywhere.
 */
blur_background: boolean, 
/**
 * In meetings that demand protection: cover the window while another one has the keyboard, where the system lets us.
 */
cover_unfocused: boolean, 
/**
 * A screen was shared with the sound of other programs last time.
 */
share_sound: boolean, 
/**
 * How a screen is shared; also while one is.
 */
share_quality: ShareQuality, 
/**
 * Keep the microphone open in meetings while the system-wide key to talk is set.
 */
ready_to_talk: boolean, 
/**
 * Tell with a short sound what a system-wide key did to the microphone.
 */
key_sounds: boolean, 
/**
 * Take what the speaker plays out of the microphone.
 */
echo_cancellation: boolean, 
/**
 * How much noise is taken out of the microphone.
 */
noise_suppression: NoiseSuppression, 
/**
 * Bring the own voice to an even loudness.
 */
automatic_gain: boolean, };
export type SettingsChange = { 
/**
 * What this person is called.
 */
name?: DisplayName, 
/**
 * Language.
 */
language?: Language, 
/**
 * Colours.
 */
theme?: Theme, 
/**
 * Mirror the own camera picture.
 */
mirror?: boolean, 
/**
 * [`SettingsView::blur_background`].
 */
blur_background?: boolean, 
/**
 * [`SettingsView::cover_unfocused`].
 */
cover_unfocused?: boolean, 
/**
 * [`SettingsView::share_quality`].
 */
share_quality?: ShareQuality, 
/**
 * Keep the microphone open in meetings while the system-wide key to talk is set.
 */
ready_to_talk?: boolean, 
/**
 * Tell with a short sound what a system-wide key did to the microphone.
 */
key_sounds?: boolean, 
/**
 * Take what the speaker plays out of the microphone.
 */
echo_cancellation?: boolean, 
/**
 * How much noise is taken out of the microphone.
 */
noise_suppression?: NoiseSuppression, 
/**
 * Bring the own voice to an even loudness.
 */
automatic_gain?: boolean, };
export type ShortcutState = { "is": "unknown" } | { "is": "works", 
/**
 * The keys in the desktop's words, where the desktop chooses them.
 */
desktop: string | null, } | { "is": "refused", 
/**
 * Why.
 */
code: Code, };
export type ShortcutView = { 
/**
 * What is chosen, as in [`crate::shortcut::Shortcut`].
 */
keys: string | null, 
/**
 * What the system says.
 */
state: ShortcutState, };
export type ShortcutsView = { 
/**
 * Mutes and unmutes.
 */
mute: ShortcutView, 
/**
 * Unmuted while it is held.
 */
talk: ShortcutView, };
export type VaultView = { "is": "keyring", 
/**
 * As the system calls it.
 */
name: string, } | { "is": "memory_only", 
/**
 * Why.
 */
code: Code, };
export type RecentView = { 
/**
 * For `join_recent`.
 */
id: string, 
/**
 * What it was called.
 */
title: string, 
/**
 * Unix seconds.
 */
last_joined: number, 
/**
 * Hosted by this app.
 */
own: boolean, 
/**
 * Its host answers on this network right now.
 */
nearby: boolean, 
/**
 * Its secret is still here; otherwise an invitation is needed again.
 */
can_join: boolean, };
export type Notice = { 
/**
 * For `dismiss_notice`.
 */
id: number, 
/**
 * What happened; the page has the words.
 */
code: Code, 
/**
 * A name in the words: a device, a person, a program.
 */
about: string | null, 
/**
 * What kind of device it is about, for words without a name.
 */
device: DeviceKind | null, 
/**
 * Something that is wrong, or just news.
 */
severity: Severity, 
/**
 * The capture it is about.
 */
capture: CaptureView | null, };
export type CaptureView = { 
/**
 * Whose window; `None`: this one.
 */
person: string | null, 
/**
 * How and by what.
 */
incident: ShieldIncident, };
export type Severity = "info" | "warning" | "error";
export type Failure = { 
/**
 * The page has words for it.
 */
code: Code, 
/**
 * For a developer's eye; never shown, never matched, no people's data.
 */
detail: string, 
/**
 * Would trying again make sense?
 */
retry: boolean, };
export type Code = "invite_unreadable" | "invite_cut" | "invite_too_new" | "invite_refused" | "invite_expired" | "session_over" | "host_unreachable" | "host_key_changed" | "certificate_expired" | "certificate_wrong_name" | "certificate_unknown" | "tls_too_old" | "url_not_secure" | "url_unreadable" | "token_refused" | "not_a_meeting_server" | "relay_required" | "media_blocked" | "version_mismatch" | "too_many_tries" | "room_full" | "joined_elsewhere" | "removed" | "meeting_over" | "host_closing" | "host_start_failed" | "port_in_use" | "not_allowed" | "right_revoked" | "last_owner" | "device_missing" | "device_lost" | "device_back" | "device_busy" | "device_denied" | "device_failed" | "microphone_switched" | "share_unsupported" | "device_changed" | "microphone_silent" | "camera_dark" | "camera_still" | "blur_failed" | "share_lost" | "share_hidden" | "share_sound_failed" | "stage_unprotected" | "pictures_held_back" | "window_captured" | "other_captured" | "keyring_missing" | "keyring_locked" | "settings_not_saved" | "shortcut_unsuitable" | "shortcut_taken" | "shortcut_unsupported" | "shortcut_lost" | "talk_key_stuck" | "page_reloaded" | "track_refused" | "reconnected" | "bad_input" | "not_in_meeting" | "already_in_meeting" | "internal";
export type UserId = string;
export type DeviceId = string;
export type DisplayName = string;
export type ProgramName = string;
export type ParticipantSid = string;
export type TrackSid = string;

export interface Commands {
  host_meeting: [HostMeeting, null];
  read_invite: [ReadInvite, InviteView];
  join_invite: [JoinInvite, null];
  join_server: [JoinServer, null];
  join_recent: [JoinRecent, null];
  leave: [Nothing, null];
  stop_hosting: [Nothing, null];
  forget_recent: [JoinRecent, null];
  set_microphone: [Switch, null];
  set_camera: [Switch, null];
  look_at_screens: [LookAtScreens, null];
  start_share: [StartShare, null];
  stop_share: [Nothing, null];
  set_megaphone: [Switch, null];
  choose_device: [ChooseDevice, null];
  refresh_devices: [Nothing, null];
  set_preview: [SetPreview, null];
  test_speaker: [Nothing, null];
  test_microphone: [Nothing, null];
  set_right: [SetRight, null];
  set_role: [SetRole, null];
  set_shield_minimum: [SetShieldMinimum, null];
  set_shield_exempt: [SetShieldExempt, null];
  set_watermark: [SetWatermark, null];
  set_volume: [SetVolume, null];
  create_invite: [CreateInvite, CreatedInvite];
  change_settings: [SettingsChange, null];
  dismiss_notice: [DismissNotice, null];
  open_stage: [OpenStage, null];
  close_stage: [Nothing, null];
  report_codecs: [PageCodecs, null];
  look_at: [LookAt, null];
  hold_to_talk: [Switch, null];
  set_shortcut: [SetShortcut, null];
  heartbeat: [Nothing, null];
}

export const CODES: readonly Code[] = [
  "invite_unreadable",
  "invite_cut",
  "invite_too_new",
  "invite_refused",
  "invite_expired",
  "session_over",
  "host_unreachable",
  "host_key_changed",
  "certificate_expired",
  "certificate_wrong_name",
  "certificate_unknown",
  "tls_too_old",
  "url_not_secure",
  "url_unreadable",
  "token_refused",
  "not_a_meeting_server",
  "relay_required",
  "media_blocked",
  "version_mismatch",
  "too_many_tries",
  "room_full",
  "joined_elsewhere",
  "removed",
  "meeting_over",
  "host_closing",
  "host_start_failed",
  "port_in_use",
  "not_allowed",
  "right_revoked",
  "last_owner",
  "device_missing",
  "device_lost",
  "device_back",
  "device_busy",
  "device_denied",
  "device_failed",
  "microphone_switched",
  "share_unsupported",
  "device_changed",
  "microphone_silent",
  "camera_dark",
  "camera_still",
  "blur_failed",
  "share_lost",
  "share_hidden",
  "share_sound_failed",
  "stage_unprotected",
  "pictures_held_back",
  "window_captured",
  "other_captured",
  "keyring_missing",
  "keyring_locked",
  "settings_not_saved",
  "shortcut_unsuitable",
  "shortcut_taken",
  "shortcut_unsupported",
  "shortcut_lost",
  "talk_key_stuck",
  "page_reloaded",
  "track_refused",
  "reconnected",
  "bad_input",
  "not_in_meeting",
  "already_in_meeting",
  "internal",
] as const;

export const COMMANDS = [
  "host_meeting",
  "read_invite",
  "join_invite",
  "join_server",
  "join_recent",
  "leave",
  "stop_hosting",
  "forget_recent",
  "set_microphone",
  "set_camera",
  "look_at_screens",
  "start_share",
  "stop_share",
  "set_megaphone",
  "choose_device",
  "refresh_devices",
  "set_preview",
  "test_speaker",
  "test_microphone",
  "set_right",
  "set_role",
  "set_shield_minimum",
  "set_shield_exempt",
  "set_watermark",
  "set_volume",
  "create_invite",
  "change_settings",
  "dismiss_notice",
  "open_stage",
  "close_stage",
  "report_codecs",
  "look_at",
  "hold_to_talk",
  "set_shortcut",
  "heartbeat",
] as const;
