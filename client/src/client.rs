//! [`Client`]: every command as a method. A thin, cloneable handle; the work is done by the session behind it.
//! It decides nothing and keeps nothing.

use std::sync::Arc;

use bytes::Bytes;
use media_core::channel::LatestReader;
use media_core::frame::Picture;
use protocol::bridge::{
    ChooseDevice, Code, CreateInvite, CreatedInvite, DismissNotice, Event, Failure, HostMeeting, InviteView,
    JoinInvite, JoinRecent, JoinServer, LookAt, LookAtScreens, MAX_LOOKED_AT, Nothing, OpenStage, PageCodecs,
    ReadInvite, SetPreview, SetRight, SetRole, SetShieldExempt, SetShieldMinimum, SetShortcut, SetVolume, SetWatermark,
    SettingsChange, ShortcutState, ShortcutUse, Snapshot, StartShare, Switch,
};
use protocol::ids::{TrackSid, UserId};
use protocol::invite::{Invite, ParseInvite};
use protocol::policy::{TrackKind, TrackSource};
use protocol::shield::{ShieldIncident, ShieldStatus};
use protocol::shortcut::Shortcut;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::ports::{FrameSink, Ports};
use crate::session::command::Command;
use crate::session::enter::invite_failure;
use crate::session::recents::unix_now;
use crate::session::{Doors, Input, Reply, Session, ShieldWish};
use crate::talk::Finger;
use crate::transport::Lane;

/// Happenings waiting for one observer; more are lost.
const HAPPENINGS: usize = 1024;
/// Set to `1`, it allows plaintext signalling to loopback numbers. Read once, at start; for developers and tests.
const PLAINTEXT_FLAG: &str = "SHOJI_DEV_PLAINTEXT";

/// What happened in a meeting, for headless users: tests, the visitor, benchmarks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingHappening {
    /// The server let us in.
    Joined,
    /// Both media connections are up (again).
    MediaUp,
    /// Someone else came.
    PersonCame(UserId),
    /// Someone went.
    PersonWent(UserId),
    /// Frames of a track arrive and open; for sound: the first one was played.
    TrackPlaying {
        /// Whose.
        user: UserId,
        /// Which.
        track: TrackSid,
        /// What it is.
        source: TrackSource,
        /// Sound or picture.
        kind: TrackKind,
    },
    /// A track is over.
    TrackOver(TrackSid),
    /// The first picture of a watched track was decoded.
    PictureDecoded(TrackSid),
    /// Someone sent data that opened.
    Data {
        /// Identity of the sender, as the server says.
        from: String,
        /// What.
        payload: Bytes,
    },
    /// The connection was lost and is back.
    Reconnected,
    /// The call is over; with a code when not by our own wish.
    Ended(Option<Code>),
}

/// What a shortcut, a tray or another program wants with the voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MuteWish {
    /// The other way round.
    Toggle,
    /// Nobody hears this person any more, by microphone or megaphone.
    Mute,
    /// The microphone opens.
    Unmute,
}

/// What became of a [`MuteWish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The microphone is open, or opens.
    Open,
    /// Nothing is sent.
    Muted,
}

/// The product without a window. Cheap to clone; [`Client::shutdown`] ends it for every clone.
#[derive(Clone)]
pub struct Client {
    session: mpsc::Sender<Input>,
    doors: Doors,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($ask:ident: $request:ty) -> $answer:ty = $command:expr;)*) => {
        impl Client {
            $($(#[$doc])*
            ///
            /// # Errors
            /// As [`Failure`] says.
            pub async fn $name(&self, $ask: $request) -> Result<$answer, Failure> {
                self.ask($command).await
            })*
        }
    };
}

commands! {
    /// Hosts a meeting on this machine and joins it as its owner.
    host_meeting(ask: HostMeeting) -> () = |reply| Command::HostMeeting(ask, reply);
    /// Joins by an invitation link. Answers when in the meeting.
    join_invite(ask: JoinInvite) -> () = |reply| Command::JoinInvite(ask, reply);
    /// Joins any LiveKit server by URL and token.
    join_server(ask: JoinServer) -> () = |reply| Command::JoinServer(ask, reply);
    /// Joins a meeting of the recent list again.
    join_recent(ask: JoinRecent) -> () = |reply| Command::JoinRecent(ask, reply);
    /// Leaves, or stops trying to join, at once.
    leave(_ask: Nothing) -> () = Command::Leave;
    /// Stops hosting: ends the meeting for everyone.
    stop_hosting(_ask: Nothing) -> () = Command::StopHosting;
    /// Forgets a meeting and its secrets.
    forget_recent(ask: JoinRecent) -> () = |reply| Command::ForgetRecent(ask, reply);
    /// Microphone on or off.
    set_microphone(ask: Switch) -> () = |reply| Command::Switch(Lane::Microphone, ask, reply);
    /// Mutes or unmutes from outside the page; answers what is so now.
    mute(ask: MuteWish) -> Voice = |reply| Command::Mute(ask, reply);
    /// The same for whoever may not see the window: a short sound tells what is so now, if the person did not turn it off.
    mute_by_key(ask: MuteWish) -> Voice = |reply| Command::MuteByKey(ask, reply);
    /// A key to talk of our window goes down, is still down, or goes up.
    hold_to_talk(ask: Switch) -> () = |reply| Command::Hold(Finger::Window, ask.on, reply);
    /// A key to talk of the whole system goes down or up.
    hold_from_anywhere(ask: Switch) -> () = |reply| Command::Hold(Finger::System, ask.on, reply);
    /// Chooses a system-wide shortcut, or none.
    set_shortcut(ask: SetShortcut) -> () = |reply| Command::SetShortcut(ask, reply);
    /// Camera on or off.
    set_camera(ask: Switch) -> () = |reply| Command::Switch(Lane::Camera, ask, reply);
    /// Shows small pictures of what could be shared.
    look_at_screens(ask: LookAtScreens) -> () = |reply| Command::LookAtScreens(ask, reply);
    /// Shares a screen.
    start_share(ask: StartShare) -> () = |reply| Command::StartShare(ask, reply);
    /// Stops sharing.
    stop_share(_ask: Nothing) -> () = Command::StopShare;
    /// Megaphone on or off.
    set_megaphone(ask: Switch) -> () = |reply| Command::Switch(Lane::Megaphone, ask, reply);
    /// Chooses a device, or follows the system's default.
    choose_device(ask: ChooseDevice) -> () = |reply| Command::ChooseDevice(ask, reply);
    /// Looks for devices again.
    refresh_devices(_ask: Nothing) -> () = Command::RefreshDevices;
    /// Tries camera and microphone before a meeting.
    set_preview(ask: SetPreview) -> () = |reply| Command::SetPreview(ask, reply);
    /// Plays a short tone on the chosen speaker.
    test_speaker(_ask: Nothing) -> () = Command::TestSpeaker;
    /// Records the microphone for a moment and plays it back, before a meeting.
    test_microphone(_ask: Nothing) -> () = Command::TestMicrophone;
    /// Owner: allows or forbids a capability for a role.
    set_right(ask: SetRight) -> () = |reply| Command::SetRight(ask, reply);
    /// Owner: gives a person another role.
    set_role(ask: SetRole) -> () = |reply| Command::SetRole(ask, reply);
    /// Owner: demands so much protection from screenshots before pictures are sent.
    set_shield_minimum(ask: SetShieldMinimum) -> () = |reply| Command::SetShieldMinimum(ask, reply);
    /// Owner: exempts a person from that, or ends it.
    set_shield_exempt(ask: SetShieldExempt) -> () = |reply| Command::SetShieldExempt(ask, reply);
    /// Owner: what everyone sees drawn over pictures.
    set_watermark(ask: SetWatermark) -> () = |reply| Command::SetWatermark(ask, reply);
    /// How loud this person hears another.
    set_volume(ask: SetVolume) -> () = |reply| Command::SetVolume(ask, reply);
    /// Makes an invitation link and its QR code.
    create_invite(ask: CreateInvite) -> CreatedInvite = |reply| Command::CreateInvite(ask, reply);
    /// Changes settings of this person on this machine.
    change_settings(ask: SettingsChange) -> () = |reply| Command::ChangeSettings(ask, reply);
    /// Puts a notice away.
    dismiss_notice(ask: DismissNotice) -> () = |reply| Command::DismissNotice(ask, reply);
    /// Shows a shared screen in a window of its own.
    open_stage(ask: OpenStage) -> () = |reply| Command::OpenStage(ask, reply);
    /// Closes that window.
    close_stage(_ask: Nothing) -> () = Command::CloseStage;
    /// What the page can decode.
    report_codecs(ask: PageCodecs) -> () = |reply| Command::ReportCodecs(ask, reply);
}

impl Client {
    /// Starts the session on a runtime. Reads the profile; opens no device and no socket.
    #[must_use]
    pub fn start(ports: Ports, tokio: &Handle) -> Self {
        Self::start_with(ports, tokio, std::env::var(PLAINTEXT_FLAG).is_ok_and(|v| v == "1"))
    }

    pub(crate) fn start_with(ports: Ports, tokio: &Handle, plaintext: bool) -> Self {
        let (session, doors) = Session::start(ports, tokio, plaintext);
        Self { session, doors }
    }

    /// Says what an invitation link holds, without using it.
    ///
    /// # Errors
    /// The link is none.
    pub async fn read_invite(&self, ask: ReadInvite) -> Result<InviteView, Failure> {
        let invite = Invite::parse(&ask.link).map_err(invite_failure)?;
        Ok(InviteView {
            room: invite.room.to_string(),
            addresses: invite.addresses.iter().map(ToString::to_string).collect(),
            expires_at: invite.expires_at,
            expired: invite.expires_at <= unix_now(),
            fingerprint: invite.host.spoken(),
        })
    }

    /// The page is alive. The window watches the beats; nothing in here depends on them.
    ///
    /// # Errors
    /// Never.
    pub async fn heartbeat(&self, _ask: Nothing) -> Result<(), Failure> {
        Ok(())
    }

    /// Everything as it is, and then every change. A gap in `seq` means: subscribe again. `None` after shutdown.
    pub async fn subscribe(&self) -> Option<(Snapshot, mpsc::Receiver<Event>)> {
        let (reply, answer) = oneshot::channel();
        self.session.send(Input::Subscribe(reply)).await.ok()?;
        answer.await.ok()
    }

    /// What happens in meetings, for headless users. An observer that does not listen loses happenings.
    pub async fn observe(&self) -> mpsc::Receiver<MeetingHappening> {
        let (to, from) = mpsc::channel(HAPPENINGS);
        if self.session.send(Input::Observe(to)).await.is_err() {
            tracing::debug!("nothing will happen any more");
        }
        from
    }

    /// Decodes a track in Rust and shows its newest picture; also `local-camera` and `local-screen`. Works before the
    /// track exists; ends when the reader is dropped.
    #[must_use]
    pub fn watch_pictures(&self, track: &str) -> LatestReader<Picture> {
        self.doors.watchers.watch(track)
    }

    /// The page of a window that can take frames, perhaps a reloaded one.
    pub fn attach_page(&self, window: &str, page: Arc<dyn FrameSink>) {
        self.doors.door.attach(window, page);
    }

    /// The page of a window says what it shows. Until its first word it is taken to show everything.
    ///
    /// # Errors
    /// More pictures than a window can show.
    pub async fn look_at(&self, window: &str, ask: LookAt) -> Result<(), Failure> {
        if ask.pictures.len() > MAX_LOOKED_AT {
            return Err(Failure::of(Code::BadInput, "more pictures than a window can show"));
        }
        let input = Input::Looks(window.to_owned(), ask);
        self.session.send(input).await.map_err(|_| Failure::of(Code::Internal, "the session is over"))
    }

    /// Which shared screen is to have a window of its own now; none outside meetings, and none that may not be seen.
    #[must_use]
    pub fn apart(&self) -> watch::Receiver<Option<TrackSid>> {
        self.doors.apart.0.subscribe()
    }

    /// There is no such window, and why; the person is told.
    pub fn window_refused(&self, code: Code) {
        self.tell(Input::WindowRefused(code));
    }

    /// A window beside the main one was closed: its page shows nothing any more.
    pub fn window_closed(&self, window: &str) {
        self.tell(Input::WindowClosed(window.to_owned()));
    }

    /// The page of a window has drawn or dropped every frame of a track up to `seq`.
    pub fn ack_frames(&self, window: &str, track: &str, seq: u32) {
        self.doors.door.ack(window, track, seq);
    }

    /// The protection of the window changed. Told to the host at once, and again and again by itself.
    pub fn set_shield(&self, status: ShieldStatus) {
        self.tell(Input::Shield(status));
    }

    /// The window was captured, or somebody tried; told once, when it is over. In a meeting the person, the host and its
    /// owners are told.
    pub fn shield_incident(&self, incident: ShieldIncident) {
        self.tell(Input::Captured(incident));
    }

    /// What is wanted of the window's protection now: nothing outside meetings and where nothing is demanded.
    #[must_use]
    pub fn protection(&self) -> watch::Receiver<ShieldWish> {
        self.doors.protection.0.subscribe()
    }

    /// The system handed over a link; it waits on the home screen until used. One that was cut on its way, or is too new,
    /// is shown as well: the page says what is wrong with it. What is no link of ours is dropped.
    pub fn offer_invite(&self, link: &str) {
        let link = link.trim();
        let foreign = matches!(Invite::parse(link), Err(ParseInvite::Scheme | ParseInvite::TooLong));
        if !foreign && !link.chars().any(char::is_control) {
            self.tell(Input::Offered(link.to_owned()));
        }
    }

    /// The window loaded the page again, because it had stopped answering; the user is told.
    pub fn page_reloaded(&self) {
        self.tell(Input::PageReloaded);
    }

    /// The page of a window was left or is gone: a key that it watched counts as released, and it shows nothing.
    pub fn page_left(&self, window: &str) {
        self.tell(Input::PageLeft(window.to_owned()));
    }

    /// What became of a system-wide shortcut with these keys.
    pub fn report_shortcut(&self, what: ShortcutUse, keys: Option<Shortcut>, state: ShortcutState) {
        self.tell(Input::Shortcut(what, keys, state));
    }

    /// Leaves, closes every device and ends the session.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        if self.session.send(Input::Shutdown(reply)).await.is_ok() && done.await.is_err() {
            tracing::debug!("the session ended in the middle of ending");
        }
    }

    fn tell(&self, input: Input) {
        if self.session.try_send(input).is_err() {
            tracing::warn!("the session does not listen");
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Failure> {
        let over = || Failure::of(Code::Internal, "the session is over");
        let (reply, answer) = oneshot::channel();
        self.session.send(Input::Command(command(reply))).await.map_err(|_| over())?;
        answer.await.map_err(|_| over())?
    }
}
