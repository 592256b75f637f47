//! The one actor that owns the gate, the meeting and the snapshot. Everything a user wants and everything a server says
//! passes here as an [`Input`]; each has its `on_…`. It never waits: what takes time runs in tasks and comes back.
//!
//! After every input the actor *settles*: devices are opened and closed, tracks published and silenced, and the page
//! told, by comparing what should be with what is. So a right that falls closes what it opened, whoever took it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use media_core::audio::AudioOutput;
use media_core::device::{DeviceList, StreamEvent, Watch};
use protocol::bridge::{Code, Failure, HostingView, JoinStep, LookAt, Severity, ShortcutState, ShortcutUse, Snapshot};
use protocol::ids::TrackSid;
use protocol::policy::Gate;
use protocol::shield::{ShieldIncident, ShieldStatus};
use protocol::shortcut::Shortcut;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use self::call::Call;
use self::devices::{Hardware, Opened};
use self::enter::Prepared;
use self::page::Page;
pub use self::shield::ShieldWish;
use self::talk::Shortcuts;
use crate::attempt::{Entered, Failed, InOffice, InSignal};
use crate::client::MeetingHappening;
use crate::discovery::{Discovery, Sighting};
use crate::frames::Door;
use crate::link::Came;
use crate::picture::{LinkShare, Readership, RemoteNews, Surroundings, Watchers};
use crate::ports::Ports;
use crate::profile::{Profile, Recent, Settings};
use crate::secrets::{Kind, Secrets};
use crate::sound::{MediaClock, Sound};
use crate::talk::{Finger, Talk};
use crate::transport::{Lane, Note, Outlet};

pub(crate) mod call;
pub(crate) mod command;
mod devices;
pub(crate) mod enter;
mod hearing;
mod hosting;
mod hush;
mod join;
mod leave;
mod office;
mod page;
pub(crate) mod recents;
mod reconnect;
mod remote;
pub(crate) mod seals;
mod server;
mod shield;
mod sight;
mod sources;
mod stage;
mod stills;
mod talk;
mod tiles;
mod view;

/// How often time is looked at while nothing happens.
const TICK: Duration = Duration::from_millis(200);
/// Inputs waiting: a second of everything at once.
pub(crate) const INBOX: usize = 2048;

/// Where an answer goes. A caller that is gone needs none.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// Everything that can happen to the session. Numbers name the task or link it comes from: late news of an earlier
/// one is dropped.
pub(crate) enum Input {
    /// The user wants something.
    Command(command::Command),
    /// A page wants to see.
    Subscribe(oneshot::Sender<(Snapshot, mpsc::Receiver<protocol::bridge::Event>)>),
    /// A headless user wants to hear.
    Observe(mpsc::Sender<MeetingHappening>),
    /// The window's protection changed.
    Shield(ShieldStatus),
    /// The window was captured, or somebody tried.
    Captured(ShieldIncident),
    /// The system handed over a link.
    Offered(String),
    /// The window loaded the page again, because it had stopped answering.
    PageReloaded,
    /// The page of this window was left: it cannot say any more that a key was released.
    PageLeft(String),
    /// A window beside the main one was closed.
    WindowClosed(String),
    /// The window for what stands apart did not open.
    WindowRefused(Code),
    /// What the page of this window shows.
    Looks(String, LookAt),
    /// What became of a system-wide shortcut.
    Shortcut(ShortcutUse, Option<Shortcut>, ShortcutState),
    /// The program ends.
    Shutdown(oneshot::Sender<()>),
    /// A join gets on.
    Step(u64, JoinStep),
    /// What is needed for a join was found.
    Prepared(u64, Box<Result<Prepared, Failure>>),
    /// A whole entry ended.
    Entered(u64, Box<Result<Entered, Failed>>),
    /// The office is back.
    OfficeBack(u64, Box<Result<InOffice, Failed>>),
    /// Signalling is back.
    SignalBack(u64, Box<Result<InSignal, Failed>>),
    /// The office's socket says.
    Office(u64, Came),
    /// Signalling's socket says.
    Signal(u64, Came),
    /// The media connections say.
    Transport(u64, Note),
    /// The audio engine says; `None`: it panicked.
    Sound(u64, Option<AudioOutput>),
    /// A remote picture says.
    Remote(u64, TrackSid, RemoteNews),
    /// One of our encode threads stopped by itself.
    OwnEnded(Lane, u64, bool),
    /// A device was opened, or not.
    Opened(Opened),
    /// An open device says.
    Device(devices::Which, u64, StreamEvent),
    /// Every still of a round was made, or could not be.
    Stills(Option<Box<dyn media_core::device::Stills>>),
    /// Something was plugged in or out.
    DevicesChanged,
    /// What there is now.
    Devices(DeviceList),
    /// A host on this network.
    Sighted(Sighting),
    /// A file of the profile could not be written.
    NotSaved,
    /// The secrets of a meeting went to the vault; `false` when it could not keep them.
    Kept(bool),
    /// Which recent meetings have their secrets, and by which look into the vault.
    Joinable(u64, HashMap<String, bool>),
    /// The host inside this app runs or not.
    Hosting(Option<HostingView>),
}

/// The actor.
pub(crate) struct Session {
    ports: Ports,
    tokio: Handle,
    me: mpsc::Sender<Input>,
    page: Page,
    observers: Vec<mpsc::Sender<MeetingHappening>>,
    gate: Gate,
    call: Option<Call>,
    /// Rises with every task whose news may come too late.
    serial: u64,
    hardware: Hardware,
    stills: stills::Look,
    hush: hush::Hush,
    sound: Option<(u64, Sound)>,
    around: Surroundings,
    settings: Settings,
    recents: Vec<Recent>,
    joinable: HashMap<String, bool>,
    looks: u64,
    nearby: BTreeMap<String, (protocol::invite::Fingerprint, Vec<protocol::invite::HostAddress>)>,
    profile: Profile,
    secrets: Secrets,
    hosting: Option<HostingView>,
    hosting_looked: Instant,
    shield: shield::Shield,
    tiles: tiles::Tiles,
    apart: std::sync::Arc<watch::Sender<Option<TrackSid>>>,
    pending_invite: Option<String>,
    talk: Talk,
    shortcuts: Shortcuts,
    /// Plaintext to loopback, for developers; resolved once.
    plaintext: bool,
    discovery: Option<Discovery>,
    _watch: Option<Box<dyn Watch>>,
}

/// What the session shares with `Client` without passing through the actor.
#[derive(Clone)]
pub(crate) struct Doors {
    /// Frames for the page.
    pub(crate) door: Door,
    /// Pictures for headless users.
    pub(crate) watchers: Watchers,
    /// What is wanted of the window's protection.
    pub(crate) protection: Protection,
    /// Which shared screen has a window of its own.
    pub(crate) apart: Apart,
}

/// Which shared screen stands apart. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Apart(pub(crate) std::sync::Arc<watch::Sender<Option<TrackSid>>>);

impl Default for Apart {
    fn default() -> Self {
        Self(std::sync::Arc::new(watch::Sender::new(None)))
    }
}

/// What is wanted of the window's protection, for those who watch. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Protection(pub(crate) std::sync::Arc<watch::Sender<ShieldWish>>);

impl Default for Protection {
    fn default() -> Self {
        Self(std::sync::Arc::new(watch::Sender::new(ShieldWish::default())))
    }
}

impl Session {
    /// Reads the profile and starts the actor.
    pub(crate) fn start(ports: Ports, tokio: &Handle, plaintext: bool) -> (mpsc::Sender<Input>, Doors) {
        let (me, inbox) = mpsc::channel(INBOX);
        let failed = {
            let me = me.clone();
            move || {
                if me.try_send(Input::NotSaved).is_err() {
                    tracing::debug!("nobody to tell that a file was not written");
                }
            }
        };
        let (profile, settings, recents) = Profile::open(ports.profile.clone(), tokio, failed);
        let doors = Doors {
            door: Door::default(),
            watchers: Watchers::default(),
            protection: Protection::default(),
            apart: Apart::default(),
        };
        let around = Surroundings {
            rtp_start: u32::from_be_bytes(*crate::secrets::random::<4>().expose()),
            clock: MediaClock::start(),
            door: doors.door.clone(),
            watchers: doors.watchers.clone(),
            outlet: Outlet::default(),
            camera: crate::picture::CameraWishes::default(),
            share: LinkShare::default(),
            readership: Readership::default(),
            lens: crate::picture::LensReport::default(),
            blur: crate::picture::BlurWish::default(),
        };
        around.blur.set(settings.blur_background);
        let secrets = Secrets::new(std::sync::Arc::clone(&ports.vault));
        let session = Self {
            shield: shield::Shield::new(ports.shield, doors.protection.0.clone()),
            page: Page::new(&ports, &settings),
            observers: Vec::new(),
            gate: Gate::new(),
            call: None,
            serial: 0,
            hardware: Hardware::default(),
            stills: stills::Look::default(),
            hush: hush::Hush::default(),
            sound: None,
            around,
            settings,
            recents,
            joinable: HashMap::new(),
            looks: 0,
            nearby: BTreeMap::new(),
            profile,
            secrets,
            hosting: None,
            hosting_looked: Instant::now(),
            tiles: tiles::Tiles::default(),
            apart: std::sync::Arc::clone(&doors.apart.0),
            pending_invite: None,
            talk: Talk::default(),
            shortcuts: Shortcuts::default(),
            plaintext,
            discovery: None,
            _watch: None,
            tokio: tokio.clone(),
            me: me.clone(),
            ports,
        };
        tokio.spawn(session.run(inbox));
        (me, doors)
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Input>) {
        self.begin();
        loop {
            let wake = tokio::time::Instant::from_std(self.wake());
            tokio::select! {
                input = inbox.recv() => {
                    let Some(input) = input else { break };
                    if let Input::Shutdown(done) = input {
                        self.leave_now();
                        self.settle();
                        if done.send(()).is_err() {
                            tracing::debug!("nobody waited for the end");
                        }
                        break;
                    }
                    self.on_input(input);
                }
                () = tokio::time::sleep_until(wake) => {}
            }
            self.on_time(Instant::now());
            self.settle();
        }
    }

    fn begin(&mut self) {
        let me = self.me.clone();
        let devices = std::sync::Arc::clone(&self.ports.devices);
        self._watch = Some(devices.watch(Box::new(move || {
            if me.try_send(Input::DevicesChanged).is_err() {
                tracing::debug!("a change of devices was not heard");
            }
        })));
        self.look_for_devices();
        self.check_recents();
        self.settle();
    }

    fn wake(&self) -> Instant {
        let usual = Instant::now() + TICK;
        [self.call.as_ref().and_then(Call::wake), self.talk.wake()].into_iter().flatten().fold(usual, Instant::min)
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Command(command) => self.on_command(command),
            Input::Subscribe(reply) => {
                self.settle();
                let answer = self.page.subscribe();
                if reply.send(answer).is_err() {
                    tracing::debug!("a page went before it could see");
                }
            }
            Input::Observe(observer) => self.observers.push(observer),
            Input::Shield(status) => self.on_shield(status),
            Input::Captured(incident) => self.on_captured(incident),
            Input::Offered(link) => self.pending_invite = Some(link),
            Input::PageReloaded => {
                self.page_left();
                self.notice(Code::PageReloaded, None, Severity::Info);
            }
            Input::PageLeft(page) => {
                self.on_page_blind(&page);
                self.page_left();
            }
            Input::WindowClosed(page) => self.on_window_closed(&page),
            Input::WindowRefused(code) => self.on_window_refused(code),
            Input::Looks(page, shown) => self.on_looks(&page, shown),
            Input::Shortcut(what, keys, state) => self.on_shortcut(what, keys, state),
            Input::Shutdown(_) => {}
            Input::Step(epoch, step) => self.on_step(epoch, step),
            Input::Prepared(epoch, result) => self.on_prepared(epoch, *result),
            Input::Entered(epoch, result) => self.on_entered(epoch, *result),
            Input::OfficeBack(epoch, result) => self.on_office_back(epoch, *result),
            Input::SignalBack(epoch, result) => self.on_signal_back(epoch, *result),
            Input::Office(number, came) => self.on_office(number, came),
            Input::Signal(number, came) => self.on_signal(number, came),
            Input::Transport(number, note) => self.on_transport(number, note),
            Input::Sound(number, output) => self.on_sound(number, output),
            Input::Remote(number, sid, news) => self.on_remote(number, &sid, news),
            Input::OwnEnded(lane, number, revoked) => self.on_own_ended(lane, number, revoked),
            Input::Opened(opened) => self.on_opened(opened),
            Input::Device(which, number, event) => self.on_device(which, number, event),
            Input::Stills(looker) => self.on_stills(looker),
            Input::DevicesChanged => self.look_for_devices(),
            Input::Devices(list) => self.on_devices(list),
            Input::Sighted(sighting) => self.on_sighting(sighting),
            Input::NotSaved => self.notice(Code::SettingsNotSaved, None, Severity::Warning),
            Input::Kept(kept) => self.on_kept(kept),
            Input::Joinable(look, known) => self.on_joinable(look, known),
            Input::Hosting(hosting) => self.hosting = hosting,
        }
    }

    /// Makes what is as it should be, then tells the page.
    fn settle(&mut self) {
        self.settle_gate();
        self.settle_share();
        self.settle_stills(Instant::now());
        self.settle_talk(Instant::now());
        self.settle_devices();
        self.settle_lens();
        self.settle_blur();
        self.settle_tracks();
        self.settle_sight(Instant::now());
        self.settle_stage();
        self.settle_tiles(Instant::now());
        self.pump();
        self.settle_discovery();
        self.settle_shield();
        self.show();
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn notice(&mut self, code: Code, about: Option<String>, severity: Severity) {
        self.page.notice(code, about, severity);
    }

    fn happened(&mut self, what: &MeetingHappening) {
        self.observers.retain(|observer| match observer.try_send(what.clone()) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
    }

    fn page_left(&mut self) {
        if let Err(failure) = self.hold(Finger::Window, false) {
            tracing::debug!(code = ?failure.code, "there is nothing left to mute");
        }
    }

    fn on_sighting(&mut self, sighting: Sighting) {
        /// Hosts kept in mind; more announcements than this on one network are noise.
        const MAX_NEARBY: usize = 64;
        match sighting {
            Sighting::Here { name, host, addresses } => {
                if self.nearby.len() < MAX_NEARBY || self.nearby.contains_key(&name) {
                    self.nearby.insert(name, (host, addresses));
                }
            }
            Sighting::Gone { name } => {
                self.nearby.remove(&name);
            }
        }
    }

    /// Looks around only while the list of recent meetings is on screen and holds a host of someone else.
    fn settle_discovery(&mut self) {
        let wanted = self.call.is_none()
            && self.page.is_watched()
            && self.recents.iter().any(|r| !r.own && matches!(r.way, crate::profile::Way::Host { .. }));
        if !wanted {
            self.discovery = None;
            self.nearby.clear();
        } else if self.discovery.is_none() {
            self.discovery = Discovery::start(&self.tokio, self.me.clone(), Input::Sighted);
        }
    }

    fn on_kept(&mut self, kept: bool) {
        if !kept {
            self.notice(Code::KeyringMissing, None, Severity::Warning);
        }
        // Whoever leaves at once was looked up before the vault was done.
        self.check_recents();
    }

    fn on_joinable(&mut self, look: u64, known: HashMap<String, bool>) {
        // Looks overlap, and an older one may end later.
        if look == self.looks {
            self.joinable = known;
        }
    }

    fn check_recents(&mut self) {
        self.looks += 1;
        let look = self.looks;
        let ids: Vec<(String, bool)> =
            self.recents.iter().map(|r| (r.id.clone(), matches!(r.way, crate::profile::Way::Host { .. }))).collect();
        let (secrets, me) = (self.secrets.clone(), self.me.clone());
        self.tokio.spawn(async move {
            let mut known = HashMap::new();
            for (id, host) in ids {
                let needed: &[Kind] =
                    if host { &[Kind::Session, Kind::Media, Kind::Broadcast] } else { &[Kind::Token] };
                let mut all = true;
                for kind in needed {
                    all &= secrets.get(*kind, &id).await.is_some();
                }
                known.insert(id, all);
            }
            if me.send(Input::Joinable(look, known)).await.is_err() {
                tracing::debug!("the session ended first");
            }
        });
    }
}

#[cfg(test)]
mod tests;
