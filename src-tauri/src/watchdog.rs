//! Notices that the page stopped answering and says when to load it again. The call goes on meanwhile: it lives in Rust.
//! A state machine with `now` as an argument, and the thread that runs it against the real window.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tauri::{Manager, WebviewWindow};

use crate::desk::Desk;
use crate::windows::MAIN;

#[cfg(target_os = "linux")]
#[path = "watchdog/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "watchdog/fallback.rs"]
mod system;

/// The page beats every two seconds; a machine under full load may miss several.
const SILENCE: Duration = Duration::from_secs(20);
/// A page that was just loaded may take so long for its first beat.
const FIRST_BEAT: Duration = Duration::from_secs(60);
/// How often is looked. A much longer gap means the machine slept, and the page did too.
const LOOK: Duration = Duration::from_secs(2);
const SLEPT: Duration = Duration::from_secs(10);
/// Reloads in [`RELOADS_WITHIN`] after which the page is left alone: it would not come up anyway.
const RELOADS: usize = 5;
const RELOADS_WITHIN: Duration = Duration::from_secs(600);

/// What to do about the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Leave,
    /// Load it again.
    Reload,
    /// It was loaded again and again; say so in the log, once.
    GiveUp,
}

/// When the page was last heard of.
#[derive(Debug)]
pub(crate) struct Pulse {
    heard: Instant,
    beaten: bool,
    looked: Instant,
    reloads: VecDeque<Instant>,
    given_up: bool,
}

impl Pulse {
    /// A page that is being loaded now.
    pub(crate) fn new(now: Instant) -> Self {
        Self { heard: now, beaten: false, looked: now, reloads: VecDeque::new(), given_up: false }
    }

    /// The page begins to load, for whatever reason.
    pub(crate) fn loading(&mut self, now: Instant) {
        self.heard = now;
        self.beaten = false;
    }

    /// The page lives.
    pub(crate) fn beat(&mut self, now: Instant) {
        self.heard = now;
        self.beaten = true;
        self.given_up = false;
    }

    /// Is anybody there to send events to?
    pub(crate) fn answers(&self, now: Instant) -> bool {
        now.duration_since(self.heard) < SILENCE / 2
    }

    /// Looks whether the page still answers. A page that is not shown is slowed down by its engine and left in peace.
    pub(crate) fn look(&mut self, now: Instant, shown: bool) -> Verdict {
        let slept = now.duration_since(self.looked) > SLEPT;
        self.looked = now;
        if slept || !shown {
            self.heard = now;
            return Verdict::Leave;
        }
        let patience = if self.beaten { SILENCE } else { FIRST_BEAT };
        if now.duration_since(self.heard) < patience { Verdict::Leave } else { self.reload(now) }
    }

    /// The page is gone for certain, or silent for too long.
    pub(crate) fn reload(&mut self, now: Instant) -> Verdict {
        while self.reloads.front().is_some_and(|first| now.duration_since(*first) > RELOADS_WITHIN) {
            self.reloads.pop_front();
        }
        self.loading(now);
        if self.reloads.len() < RELOADS {
            self.reloads.push_back(now);
            return Verdict::Reload;
        }
        if std::mem::replace(&mut self.given_up, true) { Verdict::Leave } else { Verdict::GiveUp }
    }
}

/// Watches the page of this window until the window is gone.
pub(crate) fn watch(window: &WebviewWindow) {
    let gone = window.clone();
    system::on_page_process_gone(window, Arc::new(move || act(&gone, |pulse, now| pulse.reload(now))));
    let window = window.clone();
    let thread = std::thread::Builder::new().name("watchdog".into()).spawn(move || {
        loop {
            std::thread::sleep(LOOK);
            let (Ok(visible), Ok(minimized)) = (window.is_visible(), window.is_minimized()) else { return };
            act(&window, |pulse, now| pulse.look(now, visible && !minimized));
        }
    });
    if let Err(error) = thread {
        tracing::error!(%error, "the page is not watched");
    }
}

fn act(window: &WebviewWindow, judge: impl FnOnce(&mut Pulse, Instant) -> Verdict) {
    let desk = window.state::<Desk>();
    match desk.pulse(judge) {
        Verdict::Leave => {}
        Verdict::Reload => {
            tracing::warn!("the page is loaded again");
            desk.page_left(MAIN);
            if let Some(client) = desk.client_now() {
                client.page_reloaded();
            }
            if let Err(error) = window.reload() {
                tracing::error!(%error, "the page could not be loaded again");
            }
        }
        Verdict::GiveUp => tracing::error!("the page does not stay up and is left alone"),
    }
}

#[cfg(test)]
mod tests;
