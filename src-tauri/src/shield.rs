//! Keeps the meeting's window out of screenshots while the meeting demands it, and tells honestly what came of it: says
//! `none` rather than hope. What is shown to people comes from here. One thread, `shield`; nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use client::ShieldWish;
use protocol::shield::{ShieldIncident, ShieldStatus};
use tauri::{AppHandle, Manager, WebviewWindow};

use crate::desk::Desk;

#[cfg(any(target_os = "windows", test))]
mod affinity;
#[cfg(not(target_os = "linux"))]
mod asked;
#[cfg(any(target_os = "macos", test))]
mod mirrors;
#[cfg(any(target_os = "windows", target_os = "macos", test))]
mod pictures;
#[cfg(target_os = "windows")]
#[path = "shield/windows.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "shield/macos.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "shield/linux.rs"]
mod system;
#[cfg(not(any(target_os = "windows", target_os = "macos", target_os = "linux")))]
#[path = "shield/fallback.rs"]
mod system;

/// What may wait for the thread. It hears of every cover; more means that it hangs.
const WAITING: usize = 1024;

/// What the thread is told.
enum Input {
    /// What is wanted changed.
    Look,
    /// The window came back: systems forget what they were asked for when a window is hidden and shown.
    Again,
    /// A window was made, and is not shown yet: is it protected as the others are, where that is wanted?
    Newcomer(SyncSender<bool>),
    /// By the system's own part.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only X11 has something to tell"))]
    Own(system::Own),
}

/// The way to the thread. Managed by Tauri.
pub(crate) struct Guard {
    wanted: Arc<Wanted>,
    inbox: SyncSender<Input>,
}

/// What is wanted now.
#[derive(Default)]
struct Wanted {
    protection: AtomicBool,
    /// Covered while another window has the keyboard; X11 alone can.
    strict: AtomicBool,
}

impl Guard {
    /// Starts the thread. Nothing is protected until it is wanted.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn start(window: &WebviewWindow) -> std::io::Result<Self> {
        let (inbox, inputs) = sync_channel(WAITING);
        let wanted = Arc::new(Wanted::default());
        let orders = Orders {
            wanted: Arc::clone(&wanted),
            inputs,
            own: Own { inbox: inbox.clone(), missed: Arc::new(AtomicBool::new(false)) },
        };
        let (window, tell) = (window.clone(), Tell(window.app_handle().clone()));
        std::thread::Builder::new().name("shield".into()).spawn(move || system::keep(&window, &orders, &tell))?;
        Ok(Self { wanted, inbox })
    }

    /// The window came back.
    pub(crate) fn again(&self) {
        self.ring(Input::Again);
    }

    /// A window was made and is not shown yet. Answers once whether it may be: nothing is wanted, or all windows are protected,
    /// this one too. No answer is a no.
    pub(crate) fn newcomer(&self) -> Receiver<bool> {
        let (answer, answers) = sync_channel(1);
        self.ring(Input::Newcomer(answer));
        answers
    }

    fn want(&self, wish: ShieldWish) {
        self.wanted.strict.store(wish.cover_unfocused, Ordering::SeqCst);
        self.wanted.protection.store(wish.protect, Ordering::SeqCst);
        self.ring(Input::Look);
    }

    fn ring(&self, input: Input) {
        // A full box is emptied by a thread that looks at `wanted` each time.
        if self.inbox.try_send(input).is_err() {
            tracing::warn!("the thread of the shield does not keep up");
        }
    }
}

/// Follows what the meeting demands until the program ends.
pub(crate) async fn follow(app: AppHandle) {
    let Ok(client) = app.state::<Desk>().client().await else { return };
    let mut wishes = client.protection();
    loop {
        let wish = *wishes.borrow_and_update();
        app.state::<Guard>().want(wish);
        if wishes.changed().await.is_err() {
            return;
        }
    }
}

/// What the thread works by.
struct Orders {
    wanted: Arc<Wanted>,
    inputs: Receiver<Input>,
    /// For the system's own part.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only X11 has something to tell"))]
    own: Own,
}

/// The way back to the thread, for what it started. Cheap to clone.
#[derive(Clone)]
struct Own {
    inbox: SyncSender<Input>,
    missed: Arc<AtomicBool>,
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only X11 has something to tell"))]
impl Own {
    /// Tells, and never waits.
    fn tell(&self, own: system::Own) {
        if self.inbox.try_send(Input::Own(own)).is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
    }

    /// Was something lost since this was last asked? Then nothing that was known holds.
    fn missed(&self) -> bool {
        self.missed.swap(false, Ordering::SeqCst)
    }
}

impl Orders {
    fn wanted(&self) -> bool {
        self.wanted.protection.load(Ordering::SeqCst)
    }

    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only X11 tells who has the keyboard"))]
    fn strict(&self) -> bool {
        self.wanted.strict.load(Ordering::SeqCst)
    }

    /// What comes next; `Ok(None)`: nothing came until then.
    ///
    /// # Errors
    /// Nothing ever will: the program ends.
    fn next(&self, until: Option<Instant>) -> Result<Option<Input>, Ended> {
        let Some(until) = until else { return self.inputs.recv().map(Some).map_err(|_| Ended) };
        match self.inputs.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(input) => Ok(Some(input)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Ended),
        }
    }
}

/// Answers whoever made a window, and does not wait for it.
fn admit(newcomer: &SyncSender<bool>, is_protected: bool) {
    if newcomer.try_send(is_protected).is_err() {
        tracing::debug!("nobody waits for a window any more");
    }
}

/// The program ends.
struct Ended;

/// Tells the client, which is there whenever there is something to tell: it is the one that wanted protection.
struct Tell(AppHandle);

impl Tell {
    fn status(&self, status: ShieldStatus) {
        if status.failed {
            tracing::warn!(mechanism = ?status.mechanism, "the screenshot shield does not hold");
        }
        tracing::info!(level = ?status.level, mechanism = ?status.mechanism, test = ?status.test, "the screenshot shield");
        if let Some(client) = self.0.state::<Desk>().client_now() {
            client.set_shield(status);
        }
    }

    fn incident(&self, incident: ShieldIncident) {
        tracing::warn!(
            program = incident.program.as_ref().map(protocol::ids::ProgramName::as_str),
            pid = incident.pid,
            method = ?incident.method,
            seconds = incident.seconds,
            covered = incident.covered,
            "the window was captured"
        );
        if let Some(client) = self.0.state::<Desk>().client_now() {
            client.shield_incident(incident);
        }
    }
}

/// This moment as the protocol counts it.
fn unix_now() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
