//! What a command that did not work says, and everything that can go wrong in a way a person can act on.
//! Values only; the page has the words.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A command that did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, TS)]
#[error("{code:?}: {detail}")]
pub struct Failure {
    /// The page has words for it.
    pub code: Code,
    /// For a developer's eye; never shown, never matched, no people's data.
    pub detail: String,
    /// Would trying again make sense?
    pub retry: bool,
}

impl Failure {
    /// A failure that trying again will not mend.
    #[must_use]
    pub fn of(code: Code, detail: impl ToString) -> Self {
        Self { code, detail: detail.to_string(), retry: false }
    }

    /// A failure that may be gone the next time.
    #[must_use]
    pub fn passing(code: Code, detail: impl ToString) -> Self {
        Self { code, detail: detail.to_string(), retry: true }
    }
}

/// Everything that can go wrong in a way a person can act on. The page has a sentence and a hint for each, in both
/// languages; a test compares the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The link is not an invitation.
    InviteUnreadable,
    /// The link was cut: its secret part is missing or damaged.
    InviteCut,
    /// The link is of a newer version of the program.
    InviteTooNew,
    /// The host does not know the invitation, or its secret is wrong.
    InviteRefused,
    /// The invitation is over.
    InviteExpired,
    /// Coming back is over; a new invitation is needed.
    SessionOver,
    /// No address of the host answers.
    HostUnreachable,
    /// The host that answers has another key than the invitation says.
    HostKeyChanged,
    /// The server's certificate is expired.
    CertificateExpired,
    /// The server's certificate is for another name.
    CertificateWrongName,
    /// Nobody this machine trusts has signed the server's certificate.
    CertificateUnknown,
    /// The server does not speak TLS 1.3.
    TlsTooOld,
    /// The URL is not `wss://` or `https://`.
    UrlNotSecure,
    /// The URL is not one.
    UrlUnreadable,
    /// The server refused the token.
    TokenRefused,
    /// The server answers, but not as LiveKit does.
    NotAMeetingServer,
    /// The server demands a relay this version cannot use.
    RelayRequired,
    /// Signalling works, media does not get through.
    MediaBlocked,
    /// Host and client are of different versions.
    VersionMismatch,
    /// Too many tries; wait.
    TooManyTries,
    /// The room is full.
    RoomFull,
    /// Someone else joined as the same person.
    JoinedElsewhere,
    /// Removed from the meeting.
    Removed,
    /// The meeting is over.
    MeetingOver,
    /// The host stops.
    HostClosing,
    /// The host inside this app could not start.
    HostStartFailed,
    /// No free port to host on.
    PortInUse,
    /// The role does not allow it.
    NotAllowed,
    /// A right was taken away, and what it opened is closed.
    RightRevoked,
    /// The last owner cannot step down.
    LastOwner,
    /// There is no such device.
    DeviceMissing,
    /// The device went away.
    DeviceLost,
    /// The device came back and is used again.
    DeviceBack,
    /// Another program uses the device.
    DeviceBusy,
    /// The system denies the device to this program.
    DeviceDenied,
    /// The device does something this program cannot handle.
    DeviceFailed,
    /// The chosen microphone went away and another one took its place: muted.
    MicrophoneSwitched,
    /// Screen capture on this system comes later.
    ShareUnsupported,
    /// The system's default changed, and the device in use with it.
    DeviceChanged,
    /// The microphone is open and hears nothing.
    MicrophoneSilent,
    /// The camera is open and shows black: covered, or in the dark.
    CameraDark,
    /// The camera is open and repeats one picture.
    CameraStill,
    /// The background cannot be blurred as this person wishes: the camera shows nothing.
    BlurFailed,
    /// The shared monitor or window is gone.
    ShareLost,
    /// The shared window is minimised: the others keep its last picture.
    ShareHidden,
    /// The screen is shared without the sound of other programs.
    ShareSoundFailed,
    /// A window of its own for a shared screen could not be protected from screenshots, and did not open.
    StageUnprotected,
    /// The link has room for the voice only: our pictures are not sent.
    PicturesHeldBack,
    /// Some program captured this window, or tried to.
    WindowCaptured,
    /// Some program captured the window of somebody else in the meeting; owners are told.
    OtherCaptured,
    /// The keyring is missing.
    KeyringMissing,
    /// The keyring is locked.
    KeyringLocked,
    /// Settings could not be written.
    SettingsNotSaved,
    /// The combination cannot be a system-wide shortcut.
    ShortcutUnsuitable,
    /// The system or another program has the shortcut already.
    ShortcutTaken,
    /// This desktop has no system-wide shortcuts for programs.
    ShortcutUnsupported,
    /// The desktop gave the shortcut and took it back, or is not there any more.
    ShortcutLost,
    /// The key to talk was held for longer than anybody speaks: muted.
    TalkKeyStuck,
    /// The page was reloaded after it had stopped answering.
    PageReloaded,
    /// A track of someone was refused because it is not sealed.
    TrackRefused,
    /// The connection is back.
    Reconnected,
    /// A value typed by the user is empty or too long.
    BadInput,
    /// It needs a meeting, and there is none.
    NotInMeeting,
    /// There is a meeting already.
    AlreadyInMeeting,
    /// A bug of ours.
    Internal,
}

impl Code {
    /// Every code: the page's words are checked against it.
    pub const ALL: &[Self] = &[
        Self::InviteUnreadable,
        Self::InviteCut,
        Self::InviteTooNew,
        Self::InviteRefused,
        Self::InviteExpired,
        Self::SessionOver,
        Self::HostUnreachable,
        Self::HostKeyChanged,
        Self::CertificateExpired,
        Self::CertificateWrongName,
        Self::CertificateUnknown,
        Self::TlsTooOld,
        Self::UrlNotSecure,
        Self::UrlUnreadable,
        Self::TokenRefused,
        Self::NotAMeetingServer,
        Self::RelayRequired,
        Self::MediaBlocked,
        Self::VersionMismatch,
        Self::TooManyTries,
        Self::RoomFull,
        Self::JoinedElsewhere,
        Self::Removed,
        Self::MeetingOver,
        Self::HostClosing,
        Self::HostStartFailed,
        Self::PortInUse,
        Self::NotAllowed,
        Self::RightRevoked,
        Self::LastOwner,
        Self::DeviceMissing,
        Self::DeviceLost,
        Self::DeviceBack,
        Self::DeviceBusy,
        Self::DeviceDenied,
        Self::DeviceFailed,
        Self::MicrophoneSwitched,
        Self::ShareUnsupported,
        Self::DeviceChanged,
        Self::MicrophoneSilent,
        Self::CameraDark,
        Self::CameraStill,
        Self::BlurFailed,
        Self::ShareLost,
        Self::ShareHidden,
        Self::ShareSoundFailed,
        Self::StageUnprotected,
        Self::PicturesHeldBack,
        Self::WindowCaptured,
        Self::OtherCaptured,
        Self::KeyringMissing,
        Self::KeyringLocked,
        Self::SettingsNotSaved,
        Self::ShortcutUnsuitable,
        Self::ShortcutTaken,
        Self::ShortcutUnsupported,
        Self::ShortcutLost,
        Self::TalkKeyStuck,
        Self::PageReloaded,
        Self::TrackRefused,
        Self::Reconnected,
        Self::BadInput,
        Self::NotInMeeting,
        Self::AlreadyInMeeting,
        Self::Internal,
    ];
}
