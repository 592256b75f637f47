//! The screenshot shield of X11, for users without administrator's rights. X11 lets every program read every window, and
//! nothing a program may do can stop that: so this notices who is about to, covers the window meanwhile, and says so.
//!
//! What it is worth: a program that is started, looks and leaves (what screenshot tools are) finds the cover, nearly always.
//! One that was there before gets its first picture, because the server answers it and tells us in the same moment; from
//! then on it sees the cover until it leaves. That is why the level is `detect`, and only after [`self_test`] saw it work.
//!
//! Touches one X display, `/proc` of its clients, three threads. Must never touch: other windows' content, the network,
//! settings, decisions about meetings. Its map:
//!
//! | module | what |
//! |---|---|
//! | `watch` | the thread that must be fast: reads what others ask of the server, covers, uncovers |
//! | `stream`, `requests` | the RECORD extension's bytes; which requests read a window (pure) |
//! | `judge` | who is suspicious and for how long the cover stays (pure) |
//! | `cover`, `place` | the windows that cover; where the covered ones are |
//! | `clipboard`, `keys` | takes pictures off the clipboard after a key that takes them; which keys those are |
//! | `module` | the administrator's module in the server, where there is one |
//! | `desk` | the thread that may be slow: who is behind a client, telling the caller |
//! | `painter` | the thread that may be slowest: lets the caller draw, writes on the cover |
//! | `who`, `programs` | from a client to its program; which programs are ordinary |
//! | `words` | pictures and letters on the cover |
//! | `self_test`, `kin` | captures a window of our own, protected and not, as tools do; which connections do that |
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use protocol::shield::{ShieldLevel, ShieldMechanism, ShieldStatus};

mod clipboard;
mod cover;
mod desk;
mod judge;
mod keys;
mod kin;
mod module;
mod painter;
mod place;
mod programs;
mod requests;
mod self_test;
mod stream;
mod watch;
mod who;
mod words;

pub use kin::Kin;
pub use module::{Doubt, Module};
pub use requests::Method;
pub use self_test::{Proof, Way, self_test, test_module};

/// What to protect, and whom to tell.
pub struct Config {
    /// The display, as in `:0`; `None`: the one the environment names.
    pub display: Option<String>,
    /// Top-level windows of the caller, mapped or not yet.
    pub windows: Vec<u32>,
    /// Programs that are ordinary beside the built-in ones: a file's name, or its whole path. Only files of root in
    /// system folders count, whatever is written here.
    pub allow: Vec<String>,
    /// Cover, too, while another window has the keyboard; [`Shield::strict`] changes it.
    pub strict: bool,
    /// Cover whoever captures? `false`: only notice and tell, where something else keeps captures from showing anything.
    /// What is strict covers all the same.
    pub cover: bool,
    /// What the cover shows; `None` for a line of plain English. Called by a thread of the shield: answer soon.
    pub say: Say,
    /// Told what happens, in order. Called by a thread of the shield: answer soon.
    pub on_event: Box<dyn Fn(Event) + Send>,
}

/// What the caller puts on the cover.
pub type Say = Box<dyn Fn(&Cause) -> Option<Picture> + Send>;

/// Pixels to show in the middle of the cover.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
    /// Rows from the top, blue first, four bytes a pixel; the fourth is not looked at.
    pub bgra: Vec<u8>,
}

/// Why the cover is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What was noticed.
    pub method: Method,
    /// Whose doing: the file name of the program, where it is known.
    pub program: Option<String>,
    /// Its process, where it is known.
    pub pid: Option<u32>,
}

/// In plain English, for a cover without words of its own, and for logs.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.program.as_deref().unwrap_or("a program");
        match self.method {
            Method::Start => write!(f, "Covered while protection starts"),
            Method::NewProgram => write!(f, "Covered because {who} has just started"),
            Method::PrintKey => write!(f, "Covered because the Print key was pressed"),
            Method::FocusLost => write!(f, "Covered because another window has the keyboard"),
            Method::Record | Method::Meddling => write!(f, "Covered because {who} watches other programs"),
            Method::WatchLost => write!(f, "Covered because captures can no longer be noticed"),
            _ => write!(f, "Covered because {who} is capturing the screen"),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// How far the protection goes from now on.
    Level {
        /// To show and to tell others.
        status: ShieldStatus,
        /// And the reason.
        why: Why,
    },
    /// The windows are covered (or would be, see [`Config::cover`]); told again when the cause changes meanwhile.
    Covered {
        /// Why.
        cause: Cause,
        /// When the server was told to.
        at: Instant,
    },
    /// They can be seen again.
    Uncovered {
        /// How long they were not.
        after: Duration,
    },
    /// What an earlier self-test said is not known to be so any more: test again.
    Changed(Change),
    /// A picture that came to the clipboard right after a key that takes pictures was removed.
    ClipboardCleared {
        /// The file name of the program that put it there, where it is known.
        program: Option<String>,
        /// Its process, where it is known.
        pid: Option<u32>,
    },
}

/// What makes an earlier self-test void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A protected window that was hidden is shown.
    Shown,
    /// Screens came, went or changed.
    Screens,
    /// A compositor came or went.
    Compositor,
}

/// Why the level is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// [`self_test`] has not been handed in yet.
    Untested,
    /// It has, and this came of it.
    Tested(Proof),
    /// The server ended a connection of ours, or the watch broke; covered from then on.
    Lost(String),
    /// Every protected window is gone.
    NoWindow,
}

/// The shield cannot be raised; nothing is covered.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// No display, or it does not let us in.
    #[error("the display cannot be reached: {0}")]
    Connect(#[from] x11rb::errors::ConnectError),
    /// It hung up while the shield was raised.
    #[error("the display hung up: {0}")]
    Connection(#[from] x11rb::errors::ConnectionError),
    /// It refuses something the shield cannot do without.
    #[error("the display refuses: {0}")]
    Refused(#[from] x11rb::errors::ReplyError),
    /// It has no numbers left for our windows.
    #[error("the display gives no resource: {0}")]
    Id(#[from] x11rb::errors::ReplyOrIdError),
    /// Without it nobody can be watched.
    #[error("the display has no {0} extension")]
    Lacks(&'static str),
    /// The compositor around it shows captures of everything to whomever it likes.
    #[error("the display is a window of Wayland's")]
    Wayland,
    /// Nothing to protect.
    #[error("no window to protect")]
    NoWindow,
    /// The system has no thread or pipe for it.
    #[error("no thread or pipe: {0}")]
    System(#[from] std::io::Error),
}

/// A raised shield. Dropping it uncovers the windows and ends everything.
pub struct Shield {
    stop: Arc<AtomicBool>,
    strict: Arc<AtomicBool>,
    bell: std::io::PipeWriter,
    to_desk: desk::ToDesk,
    watch: Option<JoinHandle<()>>,
    desk: Option<JoinHandle<()>>,
    painter: Option<JoinHandle<()>>,
    kin: Kin,
    /// Ends with this.
    _clipboard: Option<clipboard::Clipboard>,
}

impl Shield {
    /// Covers the windows for the first moments, and watches from then on. The level is `none` until [`Shield::prove`].
    ///
    /// # Errors
    /// The display cannot do what is needed; then nothing is covered and nothing watched.
    pub fn raise(config: Config) -> Result<Self, Failed> {
        Self::raise_for(config, watch::Bounds::default())
    }

    fn raise_for(config: Config, bounds: watch::Bounds) -> Result<Self, Failed> {
        let stop = Arc::new(AtomicBool::new(false));
        let (hear, bell) = std::io::pipe()?;
        let (to_desk, at_desk) = desk::notes();
        let (answers, answered) = desk::answers(bell.try_clone()?);
        // Before anybody is watched: who comes later is suspicious, be it ourselves.
        let clipboard = (!bounds.tested).then(|| clipboard::Clipboard::guard(&config, to_desk.clone()));
        let clipboard = clipboard.and_then(|guarded| {
            guarded.inspect_err(|error| tracing::warn!(%error, "pictures stay on the clipboard")).ok()
        });
        let kin = Kin::default();
        let strict = Arc::new(AtomicBool::new(config.strict));
        let ends = watch::Ends {
            to_desk: to_desk.clone(),
            answered,
            hear,
            stop: stop.clone(),
            strict: strict.clone(),
            kin: kin.clone(),
        };
        let (watch, seen, pen) = watch::Watch::set_up(&config, bounds, ends)?;
        let (painter, to_painter) = painter::Painter::new(pen, config.say);
        let desk = desk::Desk::new(seen, at_desk, answers, to_painter, config.on_event);
        let painter = std::thread::Builder::new().name("shield-painter".into()).spawn(move || painter.run())?;
        let desk = std::thread::Builder::new().name("shield-desk".into()).spawn(move || desk.run())?;
        let mut shield = Self {
            stop,
            strict,
            bell,
            to_desk,
            watch: None,
            desk: Some(desk),
            painter: Some(painter),
            kin,
            _clipboard: clipboard,
        };
        shield.watch = Some(std::thread::Builder::new().name("shield-watch".into()).spawn(move || watch.run())?);
        Ok(shield)
    }

    /// Covers, too, while another window has the keyboard, or does so no more.
    pub fn strict(&self, on: bool) {
        if self.strict.swap(on, Ordering::SeqCst) != on {
            self.ring();
        }
    }

    /// Wakes the watch. Nobody listens: it has ended already.
    fn ring(&self) {
        if let Err(error) = (&self.bell).write_all(&[0]) {
            tracing::debug!(%error, "the watch of the shield cannot be woken");
        }
    }

    /// For [`self_test`] and [`test_module`] on the same display: what they do then covers nothing here.
    #[must_use]
    pub fn kin(&self) -> Kin {
        self.kin.clone()
    }

    /// Hands in what [`self_test`] said; the level follows, and is told as an [`Event::Level`].
    pub fn prove(&self, proof: Proof) {
        self.to_desk.tell(desk::Note::Proof(proof));
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.ring();
        let me = std::thread::current().id();
        for thread in [self.watch.take(), self.desk.take(), self.painter.take()].into_iter().flatten() {
            // Dropped by the caller's own callback: that thread cannot wait for itself, and ends when it returns.
            if thread.thread().id() != me && thread.join().is_err() {
                tracing::error!("a thread of the shield panicked");
            }
        }
    }
}

/// What is told to the person and the meeting.
fn status(level: ShieldLevel, failed: bool) -> ShieldStatus {
    ShieldStatus { level, mechanism: ShieldMechanism::X11Watch, failed, test: None }
}
