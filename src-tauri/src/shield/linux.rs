//! Linux: X11 without administrator's rights (whoever captures is noticed, and the window covered), X11 with the
//! administrator's module (the server shows a black window to others), and Wayland, where a program can do neither.
//! The thread `shield` runs this; tests of the display have a thread of their own, because they take seconds.

use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant, SystemTime};

use protocol::shield::{ShieldMechanism, ShieldStatus};
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use shield::{Change, Config, Doubt, Event, Failed, Module, Proof, Shield, Why};
use tauri::{Manager, WebviewWindow};

use self::incidents::Incidents;
use self::verdict::Verdict;
use super::{Ended, Input, Orders, Tell, admit, unix_now};
use crate::desk::Desk;

#[path = "linux/board.rs"]
mod board;
#[path = "linux/incidents.rs"]
mod incidents;
#[path = "linux/verdict.rs"]
mod verdict;

/// What the shield's threads tell this one. The number tells which shield: an earlier one may have the last word late.
pub(super) struct Own(u64, News);

enum News {
    Happened(Event),
    Tested(Proof),
}

/// A change often comes in pieces; the test waits for the last.
const SETTLES: Duration = Duration::from_millis(500);
/// Nothing was proven: another capture may have been in the way, or the machine was busy: growing from the one to the other.
const TEST_AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));
/// After the watch was lost, or could not begin: growing from the one to the other.
const RAISE_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often it is looked whether the machine slept.
const LOOK: Duration = Duration::from_secs(5);
/// Clocks that differ by more: the machine slept, or its clock was set; a test too much does no harm.
const SLEPT: Duration = Duration::from_secs(2);
/// A window that was hidden needs a moment to be gone, and to be back.
const BLINK: Duration = Duration::from_millis(150);

/// Why there is no shield.
#[derive(Debug, thiserror::Error)]
enum NoShield {
    #[error("the window is shown by Wayland, which lets no program keep its window out of captures")]
    Wayland,
    #[error("the window has no number")]
    Nameless,
    #[error(transparent)]
    Shield(#[from] Failed),
}

/// Keeps the shield as it is wanted, until the program ends.
pub(super) fn keep(window: &WebviewWindow, orders: &Orders, tell: &Tell) {
    let mut keeper = Keeper {
        window,
        orders,
        tell,
        up: None,
        number: 0,
        told: ShieldStatus::default(),
        raise_at: None,
        hopeless: false,
        pause: RAISE_AGAIN.0,
        newcomers: Vec::new(),
    };
    loop {
        let input = match orders.next(keeper.next()) {
            Ok(input) => input,
            Err(Ended) => return,
        };
        keeper.look();
        match input {
            Some(Input::Own(Own(number, news))) => keeper.on_news(number, news),
            Some(Input::Newcomer(newcomer)) => keeper.on_newcomer(newcomer),
            Some(Input::Again) => keeper.count(),
            Some(Input::Look) | None => {}
        }
        keeper.pass(Instant::now());
        keeper.report();
        keeper.admit();
    }
}

struct Keeper<'a> {
    window: &'a WebviewWindow,
    orders: &'a Orders,
    tell: &'a Tell,
    up: Option<Up>,
    number: u64,
    told: ShieldStatus,
    /// It is wanted, and could not be raised or was lost.
    raise_at: Option<Instant>,
    /// There is no shield on this desktop.
    hopeless: bool,
    pause: Duration,
    /// Who made a window and waits for it to be protected, too.
    newcomers: Vec<SyncSender<bool>>,
}

/// A raised shield.
struct Up {
    number: u64,
    windows: Vec<u32>,
    /// Ends when dropped.
    shield: Shield,
    marks: Option<Marks>,
    verdict: Verdict,
    incidents: Incidents,
    test_at: Option<Instant>,
    testing: bool,
    /// Before the next test, where nothing was proven.
    pause: Duration,
    /// Both clocks at one moment: the one goes on while the machine sleeps.
    clocks: (Instant, SystemTime),
}

/// Windows marked for the module; the marks go with this.
struct Marks {
    module: Module,
    windows: Vec<u32>,
}

impl Drop for Marks {
    fn drop(&mut self) {
        for window in &self.windows {
            if let Err(error) = self.module.give_up(*window) {
                tracing::debug!(%error, "a window went with its mark");
            }
        }
    }
}

impl Keeper<'_> {
    /// Holds what is up against what is wanted.
    fn look(&mut self) {
        let wanted = self.orders.wanted();
        if self.orders.own.missed() && self.up.is_some() {
            tracing::warn!("news of the shield were lost");
            self.lower();
        }
        match (wanted, self.up.is_some()) {
            (true, false) if self.raise_at.is_none() && !self.hopeless => self.raise_at = Some(Instant::now()),
            (false, _) => {
                self.lower();
                self.raise_at = None;
                self.hopeless = false;
                self.pause = RAISE_AGAIN.0;
            }
            (true, _) => {}
        }
        if let Some(up) = &self.up {
            up.shield.strict(self.orders.strict());
        }
    }

    /// A window of ours that came later is not protected by what was raised before it.
    fn count(&mut self) {
        let Some(up) = &self.up else { return };
        if numbers(self.window).is_ok_and(|windows| windows.iter().any(|window| !up.windows.contains(window))) {
            tracing::info!("another window is to be protected");
            self.raise_at = Some(Instant::now());
        }
    }

    /// A new shield watches and covers the new window, too; the old one stays until it does.
    fn on_newcomer(&mut self, newcomer: SyncSender<bool>) {
        if self.up.is_some() {
            if numbers(self.window).is_err() {
                // It has no number and cannot be covered; what holds is not given up for it.
                return admit(&newcomer, false);
            }
            self.raise(true);
            if self.up.as_ref().is_some_and(|up| up.number != self.number) {
                // The old one is still there, and does not know of the window.
                return admit(&newcomer, false);
            }
        }
        self.newcomers.push(newcomer);
    }

    /// Answers them once the shield is proven, or there is none.
    fn admit(&mut self) {
        let wanted = self.orders.wanted();
        let answer = match &self.up {
            _ if !wanted => true,
            Some(up) if up.verdict.holds() => true,
            // It is tested again, or raised; whoever waits gives up by themselves.
            Some(_) => return,
            None if self.raise_at.is_some() => return,
            None => false,
        };
        for newcomer in self.newcomers.drain(..) {
            admit(&newcomer, answer);
        }
    }

    fn next(&self) -> Option<Instant> {
        let up = self.up.as_ref();
        // While one runs, the next waits for it.
        let test = up.filter(|up| !up.testing).and_then(|up| up.test_at);
        let sleep = up.map(|up| up.clocks.0 + LOOK);
        self.raise_at.into_iter().chain(test).chain(sleep).min()
    }

    fn pass(&mut self, now: Instant) {
        if self.raise_at.take_if(|at| *at <= now).is_some() {
            self.raise(true);
        }
        let Some(up) = &mut self.up else { return };
        if up.slept(now) {
            tracing::info!("the machine slept");
            up.test_soon(now);
        }
        if !up.testing && up.test_at.take_if(|at| *at <= now).is_some() {
            up.test(self.orders.own.clone());
        }
    }

    /// Raises a new one; what was there before stays until it covers. With the module, where there is one that helps.
    fn raise(&mut self, module: bool) {
        self.number += 1;
        match Up::raise(self.window, module, self.number, self.orders) {
            Ok(up) => {
                if let (Some(old), Some(new)) = (self.up.as_mut().and_then(|up| up.marks.as_mut()), &up.marks) {
                    old.windows.retain(|window| !new.windows.contains(window));
                }
                self.lower();
                self.up = Some(up);
            }
            Err(error @ (NoShield::Wayland | NoShield::Shield(Failed::Wayland))) => {
                tracing::info!(%error, "no protection from screenshots");
                self.hopeless = true;
            }
            Err(error) => {
                tracing::warn!(%error, "the screenshot shield cannot be raised");
                self.raise_later();
            }
        }
    }

    fn raise_later(&mut self) {
        self.raise_at = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(RAISE_AGAIN.1);
    }

    fn lower(&mut self) {
        if let Some(mut up) = self.up.take() {
            up.tell_incidents(self.tell, Instant::now());
        }
    }

    fn on_news(&mut self, number: u64, news: News) {
        let now = Instant::now();
        let Some(up) = self.up.as_mut().filter(|up| up.number == number) else { return };
        match news {
            News::Tested(proof) => {
                up.testing = false;
                let refuted = up.verdict.tested(&proof, unix_now());
                tracing::info!(?proof, module = up.marks.is_some(), "the shield was tested");
                if refuted && up.marks.is_some() {
                    // The module does not do what it says: the watch has to.
                    self.raise(false);
                    return;
                }
                if up.verdict.is_open() {
                    up.test_at = Some(now);
                } else if up.verdict.holds() {
                    self.pause = RAISE_AGAIN.0;
                    up.pause = TEST_AGAIN.0;
                } else {
                    up.test_later(now);
                }
            }
            News::Happened(event) => self.on_event(event, now),
        }
    }

    fn on_event(&mut self, event: Event, now: Instant) {
        let Some(up) = &mut self.up else { return };
        match event {
            Event::Level { why: Why::Lost(reason), .. } => {
                tracing::warn!(reason, "the watch of the screen was lost");
                up.verdict.lost();
                self.raise_later();
            }
            Event::Level { why: Why::NoWindow, .. } => self.lower(),
            // Handed in by this thread, which knows.
            Event::Level { why: Why::Untested | Why::Tested(_), .. } => {}
            Event::Covered { cause, at } => {
                tracing::debug!(?cause, "covered");
                // The self-test captures like anybody; this program's doing is no story.
                if cause.pid != Some(std::process::id()) {
                    up.incidents.covered(&cause, at);
                }
            }
            Event::Uncovered { after } => {
                tracing::debug!(?after, "uncovered");
                up.tell_incidents(self.tell, now);
            }
            Event::Changed(Change::Compositor) => {
                // Whether the module lets it through, and what it holds of the window, begins anew.
                up.verdict.unknown();
                self.raise_at = Some(now + SETTLES);
            }
            Event::Changed(change) => {
                tracing::info!(?change, "the shield is to be tested again");
                up.test_soon(now);
            }
            Event::ClipboardCleared { program, pid } => {
                self.tell.incident(incidents::clipboard(program.as_deref(), pid));
            }
        }
    }

    /// Tells what changed.
    fn report(&mut self) {
        let none = ShieldStatus { test: self.told.test, ..ShieldStatus::default() };
        let status = match &self.up {
            Some(up) if up.marks.is_some() => up.verdict.status(ShieldMechanism::X11Module),
            Some(up) => up.verdict.status(ShieldMechanism::X11Watch),
            None => ShieldStatus { failed: self.raise_at.is_some(), ..none },
        };
        if status != self.told {
            self.told = status;
            self.tell.status(status);
        }
    }
}

impl Up {
    fn raise(window: &WebviewWindow, module: bool, number: u64, orders: &Orders) -> Result<Self, NoShield> {
        let windows = numbers(window)?;
        let marks = if module { mark(window, &windows) } else { Ok(None) };
        let marks = marks.unwrap_or_else(|error| {
            tracing::warn!(%error, "the server's module is not used");
            None
        });
        let cover = marks.is_none();
        let (tells, app) = (orders.own.clone(), window.app_handle().clone());
        let scale = window.scale_factor().unwrap_or(1.0);
        let shield = Shield::raise(Config {
            display: None,
            windows: windows.clone(),
            allow: Vec::new(),
            strict: orders.strict(),
            cover,
            say: Box::new(move |cause| board::draw(app.state::<Desk>().tongue(), cause, scale)),
            on_event: Box::new(move |event| tells.tell(Own(number, News::Happened(event)))),
        })?;
        Ok(Self {
            number,
            windows,
            shield,
            marks,
            verdict: Verdict::default(),
            incidents: Incidents::new(cover),
            test_at: Some(Instant::now()),
            testing: false,
            pause: TEST_AGAIN.0,
            clocks: (Instant::now(), SystemTime::now()),
        })
    }

    /// What the server is proven to keep back was no more to be seen than what is covered.
    fn tell_incidents(&mut self, tell: &Tell, now: Instant) {
        let blocked = self.marks.is_some() && self.verdict.holds();
        for mut incident in self.incidents.end(now) {
            incident.covered |= blocked;
            tell.incident(incident);
        }
    }

    fn test_soon(&mut self, now: Instant) {
        self.verdict.again();
        self.test_at = Some(now + SETTLES);
    }

    fn test_later(&mut self, now: Instant) {
        self.test_at = Some(now + self.pause);
        self.pause = (self.pause * 2).min(TEST_AGAIN.1);
    }

    /// On a thread of its own: it takes seconds.
    fn test(&mut self, own: super::Own) {
        let (number, module, kin) = (self.number, self.marks.is_some(), self.shield.kin());
        let test = move || {
            let proof = if module { shield::test_module(None, &kin) } else { shield::self_test(None, &kin) };
            own.tell(Own(number, News::Tested(proof)));
        };
        match std::thread::Builder::new().name("shield-test".into()).spawn(test) {
            Ok(_) => self.testing = true,
            Err(error) => {
                tracing::warn!(%error, "the shield cannot be tested");
                self.verdict.unknown();
                self.test_later(Instant::now());
            }
        }
    }

    fn slept(&mut self, now: Instant) -> bool {
        let (then, wall) = self.clocks;
        if now < then + LOOK {
            return false;
        }
        let wall_now = SystemTime::now();
        self.clocks = (now, wall_now);
        wall_now.duration_since(wall).is_ok_and(|gone| gone > (now - then) + SLEPT)
    }
}

/// The numbers of every top-level window of this program.
fn numbers(window: &WebviewWindow) -> Result<Vec<u32>, NoShield> {
    window.app_handle().webview_windows().values().map(number).collect()
}

fn number(window: &WebviewWindow) -> Result<u32, NoShield> {
    match window.window_handle().map(|handle| handle.as_raw()) {
        Ok(RawWindowHandle::Xlib(handle)) => u32::try_from(handle.window).map_err(|_| NoShield::Nameless),
        Ok(RawWindowHandle::Wayland(_)) => Err(NoShield::Wayland),
        Ok(_) | Err(_) => Err(NoShield::Nameless),
    }
}

/// Marks the windows for the module, where there is one that helps.
fn mark(window: &WebviewWindow, windows: &[u32]) -> Result<Option<Marks>, Failed> {
    let Some(module) = Module::find(None)? else { return Ok(None) };
    let marks = Marks { module, windows: windows.to_vec() };
    for number in windows {
        let mut doubt = marks.module.protect(*number)?;
        if doubt == Some(Doubt::Lent) {
            // Hidden and shown, it gets pixels that nobody holds.
            for step in [window.hide(), window.show()] {
                if let Err(error) = step {
                    tracing::warn!(%error, "the window does not blink");
                }
                std::thread::sleep(BLINK);
            }
            doubt = marks.module.doubt(*number)?;
        }
        if let Some(doubt) = doubt {
            tracing::warn!(%doubt, "the server's module does not help");
            return Ok(None);
        }
    }
    Ok(Some(marks))
}
