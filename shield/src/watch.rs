//! The thread of the shield that must be fast. It waits for whatever comes first: what RECORD tells of other clients, what
//! the server tells of our windows and of keys, what the desk found out; asks the judge; and covers or uncovers. It draws
//! nothing, reads no files, calls nobody of the caller's. When it cannot go on, the cover goes up and stays.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::randr::{self, ConnectionExt as _, NotifyMask};
use x11rb::protocol::res::{self, ConnectionExt as _};
use x11rb::protocol::xfixes::{self, ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window};
use x11rb::rust_connection::RustConnection;

use crate::cover::Cover;
use crate::desk::{Note, Seen, ToDesk};
use crate::judge::{Judge, START, Standing};
use crate::keys::picture_keys;
use crate::kin::Kin;
use crate::place::{self, Place};
use crate::requests::{Asked, Method, Opcodes};
use crate::stream::{Heard, Stream};
use crate::who::Directory;
use crate::{Change, Config, Failed};

/// RECORD hands over what it has only when the server sends something to somebody: while covered we make it.
const PUMP: Duration = Duration::from_millis(10);
/// What the thread asks of the system: as little as sound does, in tenths of a milli-second at this rate.
const RATE: u32 = 48_000;
const BLOCK: u32 = RATE / 1000;
/// After the watch is lost and the cover with it: a moment before the next try to cover.
const AGAIN: Duration = Duration::from_millis(200);

/// What only the self-test does otherwise.
pub(crate) struct Bounds {
    /// How long the first moments are.
    pub(crate) start: Duration,
    /// Is this the shield under test, which takes connections of this process for a stranger's?
    pub(crate) tested: bool,
    /// Of another shield of this process, which knows the connections of this one and of its test.
    pub(crate) known_to: Kin,
}

/// What the watch holds of what others hold the other ends of.
pub(crate) struct Ends {
    pub(crate) to_desk: ToDesk,
    pub(crate) answered: Receiver<(u32, Standing)>,
    pub(crate) hear: io::PipeReader,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) strict: Arc<AtomicBool>,
    pub(crate) kin: Kin,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { start: START, tested: false, known_to: Kin::default() }
    }
}

/// The watch.
pub(crate) struct Watch {
    display: Option<String>,
    /// As the caller wants it, and as it was last done.
    strict: Arc<AtomicBool>,
    was_strict: bool,
    covers: bool,
    start: Duration,
    /// Has the time of the first moments begun? Not before a window can be seen.
    started: bool,
    eye: RustConnection,
    stream: Stream,
    opcodes: Opcodes,
    /// Our RECORD context.
    context: u32,
    cover: Cover,
    judge: Judge,
    windows: Vec<(Window, Place)>,
    roots: Vec<(Window, Atom)>,
    /// The overlay window of each root, once it was there.
    overlays: HashMap<Window, Window>,
    protected: HashSet<u32>,
    /// Windows in which children are protected as well.
    inside: HashSet<u32>,
    mask: u32,
    own: HashSet<u32>,
    kin: Kin,
    /// Those of them that are there: ours, too, they test the shield.
    testers: HashSet<u32>,
    /// Clients the desk was asked about.
    asked: HashSet<u32>,
    wm_check: Atom,
    keys: HashSet<u32>,
    stale: Stale,
    told: Option<(Method, Option<u32>)>,
    since: Instant,
    pumped: Instant,
    to_desk: ToDesk,
    answered: Receiver<(u32, Standing)>,
    hear: io::PipeReader,
    stop: Arc<AtomicBool>,
}

/// What has to be asked of the server again.
#[derive(Default)]
struct Stale {
    places: bool,
    tree: bool,
    managers: bool,
    focus: bool,
}

/// Why the watch ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the recording of requests: {0}")]
    Stream(io::Error),
    #[error("the connection to the display: {0}")]
    Eye(#[from] ConnectionError),
    #[error("the display refuses: {0}")]
    Refused(#[from] ReplyError),
    #[error("the connection of the cover: {0}")]
    Cover(ConnectionError),
    #[error("the cover: {0}")]
    Covers(#[from] ReplyOrIdError),
    #[error("the system: {0}")]
    System(#[from] io::Error),
}

impl Watch {
    /// Covers and begins to record. The caller runs it on a thread of its own; the connection is the painter's.
    pub(crate) fn set_up(config: &Config, bounds: Bounds, ends: Ends) -> Result<(Self, Seen, RustConnection), Failed> {
        let display = config.display.as_deref();
        let Ends { to_desk, answered, hear, stop, strict, kin } = ends;
        let (eye, _) = bounds.known_to.connect(display)?;
        let (asker, _) = bounds.known_to.connect(display)?;
        let (pen, _) = bounds.known_to.connect(display)?;
        for name in [res::X11_EXTENSION_NAME, xfixes::X11_EXTENSION_NAME, xinput::X11_EXTENSION_NAME] {
            if eye.extension_information(name)?.is_none() {
                return Err(Failed::Lacks(name));
            }
        }
        if place::is_waylands(&eye)? {
            return Err(Failed::Wayland);
        }
        place::served_always(&eye)?;
        // Who it is has to be asked while they are still there.
        place::served_always(&asker)?;
        eye.xinput_xi_query_version(2, 2)?.reply()?;
        eye.xfixes_query_version(5, 0)?.reply()?;
        asker.res_query_version(1, 2)?.reply()?;

        let mut windows = Vec::new();
        for window in &config.windows {
            let Some(root) = place::root_of(&eye, *window)? else { continue };
            windows.extend(place::find(&eye, *window, root)?.map(|place| (*window, place)));
        }
        if windows.is_empty() {
            return Err(Failed::NoWindow);
        }
        let now = Instant::now();
        let mut cover = Cover::open(bounds.known_to.connect(display)?.0, &windows)?;
        if config.cover {
            cover.show()?;
        }

        let opcodes = crate::stream::opcodes(&eye)?;
        let directory = Directory::new(config.allow.clone(), bounds.tested);
        let mut judge = Judge::new();
        judge.start(None);
        let mut people = HashMap::new();
        for (base, standing, person) in directory.everybody(&asker) {
            judge.was_there(base, standing, now);
            people.insert(base, (standing, person));
        }
        let (stream, context) = Stream::open(&eye, bounds.known_to.connect(display)?.0, &opcodes)?;
        let mask = eye.setup().resource_id_mask;
        let base = |x: &RustConnection| x.setup().resource_id_base;
        let mut own = HashSet::from([base(&eye), base(&asker), base(&pen), base(cover.connection()), stream.base()]);
        own.extend(windows.iter().map(|(window, _)| window & !mask));
        let wm_check = eye.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK")?.reply()?.atom;
        let mut watch = Self {
            display: config.display.clone(),
            strict,
            was_strict: false,
            covers: config.cover,
            start: bounds.start,
            started: false,
            roots: roots(&eye, &windows)?,
            eye,
            stream,
            opcodes,
            context,
            cover,
            judge,
            windows,
            overlays: HashMap::new(),
            protected: HashSet::new(),
            inside: HashSet::new(),
            mask,
            own,
            kin,
            testers: HashSet::new(),
            asked: HashSet::new(),
            wm_check,
            keys: HashSet::new(),
            stale: Stale { places: true, tree: true, managers: true, focus: true },
            told: None,
            since: now,
            pumped: now,
            to_desk,
            answered,
            hear,
            stop,
        };
        watch.keys = picture_keys(&watch.eye)?;
        watch.select()?;
        Ok((watch, Seen { connection: asker, directory, people }, pen))
    }

    /// Until it is stopped.
    pub(crate) fn run(mut self) {
        // It need not be given back: the system forgets it with the thread.
        if let Err(refused) = audio_thread_priority::promote_current_thread_to_real_time(BLOCK, RATE) {
            tracing::debug!(%refused, "the watch of the shield has no priority");
        }
        let ended = catch_unwind(AssertUnwindSafe(|| self.watch()));
        let reason = match ended {
            Ok(Ok(())) => {
                if self.told.is_some() {
                    // With the connection the covers go; this only says so.
                    self.to_desk.tell(Note::Uncovered { after: self.since.elapsed() });
                }
                self.to_desk.tell(Note::End);
                return;
            }
            Ok(Err(lost)) => lost.to_string(),
            Err(_) => "the watch panicked".to_owned(),
        };
        tracing::warn!(reason, "nobody can be watched any more");
        self.mourn(reason);
        self.to_desk.tell(Note::End);
    }

    fn watch(&mut self) -> Result<(), Lost> {
        loop {
            self.listen()?;
            self.look()?;
            self.take_answers()?;
            if self.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            self.refresh()?;
            self.judge.pass(Instant::now());
            self.show()?;
            self.pump()?;
            if self.windows.is_empty() {
                self.to_desk.tell(Note::NoWindow);
                self.sleep_until_stopped()?;
                return Ok(());
            }
            // Answers waited for meanwhile may have brought events along, which the socket does not tell any more.
            if !self.look()? {
                self.wait()?;
            }
        }
    }

    /// What the others did.
    fn listen(&mut self) -> Result<(), Lost> {
        while let Some(heard) = self.stream.next().map_err(Lost::Stream)? {
            let now = Instant::now();
            match heard {
                Heard::Came { base } if !self.is_own(base) => {
                    self.judge.came(base, now);
                    self.show()?;
                    self.asked.insert(base);
                    self.to_desk.tell(Note::Who(base));
                }
                Heard::Came { .. } => {}
                Heard::Left { base } => {
                    self.testers.remove(&base);
                    self.judge.left(base, now);
                    self.asked.remove(&base);
                    self.to_desk.tell(Note::Left(base));
                }
                Heard::Asked { base, bytes, swapped } => {
                    let opcodes = self.opcodes;
                    for asked in opcodes.read(&bytes, swapped) {
                        self.asked(base, asked, now)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_own(&self, base: u32) -> bool {
        self.own.contains(&base) || self.testers.contains(&base)
    }

    fn asked(&mut self, base: u32, asked: Asked, now: Instant) -> Result<(), Lost> {
        let own = self.is_own(base);
        let capture = match asked {
            Asked::Creates { window, parent } => {
                if self.inside.contains(&parent) {
                    self.inside.insert(window);
                    self.protected.insert(window);
                } else if !own && self.roots.iter().any(|(root, _)| *root == parent) {
                    self.judge.creates(base, window, now);
                }
                None
            }
            Asked::Maps { window } => {
                self.judge.maps(base, window, now);
                None
            }
            Asked::Images { words, .. } if self.kin.knows(&words) => {
                self.testers.insert(base);
                self.judge.known(base, Standing::Ours, now);
                None
            }
            Asked::Images { drawable, .. } => self.protected.contains(&drawable).then_some(Method::GetImage),
            Asked::Reads { drawable, method } => self.protected.contains(&drawable).then_some(method),
            Asked::Overlay { .. } => {
                self.stale.managers = true;
                Some(Method::Composite)
            }
            Asked::Listens => Some(Method::Record),
            Asked::Meddles { context } => (context == self.context).then_some(Method::Meddling),
        };
        let Some(method) = capture.filter(|_| !own) else { return Ok(()) };
        self.judge.captures(base, method, now);
        self.show()?;
        if self.judge.is_unknown(base) && self.asked.insert(base) {
            self.to_desk.tell(Note::Who(base));
        }
        Ok(())
    }

    /// What the server tells of windows and keys. Was there anything?
    fn look(&mut self) -> Result<bool, Lost> {
        let mut any = false;
        while let Some(event) = self.eye.poll_for_event()? {
            any = true;
            match event {
                Event::XinputRawKeyPress(key) if self.keys.contains(&key.detail) => {
                    self.judge.key(Instant::now());
                    self.show()?;
                }
                Event::MappingNotify(_) => self.keys = picture_keys(&self.eye)?,
                Event::ConfigureNotify(_) | Event::GravityNotify(_) | Event::MapNotify(_) | Event::UnmapNotify(_) => {
                    self.stale.places = true;
                }
                Event::ReparentNotify(_) => {
                    self.stale.places = true;
                    self.stale.tree = true;
                }
                Event::DestroyNotify(gone) if self.windows.iter().any(|(window, _)| *window == gone.window) => {
                    self.stale.places = true;
                }
                Event::PropertyNotify(property) if property.atom == self.wm_check => self.stale.managers = true,
                Event::XfixesSelectionNotify(_) => {
                    self.stale.managers = true;
                    self.to_desk.tell(Note::Changed(Change::Compositor));
                }
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => {
                    self.to_desk.tell(Note::Changed(Change::Screens));
                }
                Event::FocusIn(_) | Event::FocusOut(_) => self.stale.focus = true,
                _ => {}
            }
        }
        // Nothing is told here but errors about windows that went meanwhile.
        while let Some(event) = self.cover.connection().poll_for_event().map_err(Lost::Cover)? {
            tracing::trace!(?event, "while covering");
        }
        Ok(any)
    }

    fn take_answers(&mut self) -> Result<(), Lost> {
        while let Ok((base, standing)) = self.answered.try_recv() {
            // Who tests the shield has said so, however little could be found out.
            if !self.testers.contains(&base) {
                self.judge.known(base, standing, Instant::now());
            }
        }
        Ok(())
    }

    /// Asks again what has changed.
    fn refresh(&mut self) -> Result<(), Lost> {
        let stale = std::mem::take(&mut self.stale);
        if stale.places {
            self.find()?;
        }
        if stale.tree {
            self.climb()?;
        }
        if stale.managers {
            self.ask_managers()?;
        }
        if stale.tree || stale.managers {
            self.protect()?;
        }
        let strict = self.strict.load(Ordering::SeqCst);
        let changed = std::mem::replace(&mut self.was_strict, strict) != strict;
        if strict && (stale.focus || changed) {
            let focus = self.eye.get_input_focus()?.reply()?.focus;
            self.judge.focus(self.inside.contains(&focus));
        } else if changed {
            self.judge.focus(true);
        }
        Ok(())
    }

    /// Where the windows are.
    fn find(&mut self) -> Result<(), Lost> {
        let mut shown = false;
        for (window, before) in std::mem::take(&mut self.windows) {
            match place::find(&self.eye, window, before.root)? {
                Some(place) => {
                    shown |= place.viewable && !before.viewable;
                    self.cover.follow(window, place).map_err(Lost::Cover)?;
                    self.windows.push((window, place));
                }
                None => self.cover.forget(window).map_err(Lost::Cover)?,
            }
        }
        if self.started && shown {
            self.to_desk.tell(Note::Changed(Change::Shown));
        }
        if !self.started && self.windows.iter().any(|(_, place)| place.viewable) {
            self.started = true;
            self.judge.start(Some(Instant::now() + self.start));
        }
        Ok(())
    }

    /// What is around and inside them.
    fn climb(&mut self) -> Result<(), Lost> {
        self.inside.clear();
        let follow = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        for (window, _) in &self.windows {
            self.inside.insert(*window);
            self.inside.extend(place::inside(&self.eye, *window)?);
            for around in place::around(&self.eye, *window)? {
                // It may be gone again: then there is a next time.
                self.eye.change_window_attributes(around, &follow)?.ignore_error();
            }
        }
        Ok(())
    }

    /// Who is window manager and compositor, and whether there is an overlay.
    fn ask_managers(&mut self) -> Result<(), Lost> {
        let mut managers = HashSet::new();
        for (root, selection) in self.roots.clone() {
            let owner = self.eye.get_selection_owner(selection)?;
            let check = self.eye.get_property(false, root, self.wm_check, AtomEnum::WINDOW, 0, 1)?;
            let owner = owner.reply()?.owner;
            let check = check.reply()?.value32().and_then(|mut v| v.next()).unwrap_or(x11rb::NONE);
            managers.extend([owner, check].into_iter().filter(|w| *w != x11rb::NONE).map(|w| w & !self.mask));
            let overlay = place::overlay(&self.eye, root, self.overlays.get(&root).copied())?;
            let inside = match overlay {
                Some(overlay) => place::children(&self.eye, overlay)?,
                None => Vec::new(),
            };
            self.overlays.extend(overlay.map(|overlay| (root, overlay)));
            self.cover.overlaid(root, overlay, &inside)?;
        }
        self.judge.managed_by(managers, Instant::now());
        Ok(())
    }

    /// Which windows and parents of windows nobody may read.
    fn protect(&mut self) -> Result<(), Lost> {
        self.protected.clear();
        self.protected.extend(&self.inside);
        self.protected.extend(self.roots.iter().map(|(root, _)| *root));
        self.protected.extend(self.cover.windows());
        // Nobody else gets their numbers, be they there or not.
        self.protected.extend(self.overlays.values());
        for (window, _) in &self.windows {
            self.protected.extend(place::around(&self.eye, *window)?);
        }
        Ok(())
    }

    /// Does what the judge says, and tells the desk.
    fn show(&mut self) -> Result<(), Lost> {
        let cause = self.judge.cause();
        let covers = cause.is_some() && (self.covers || self.judge.is_elsewhere());
        match (covers, self.cover.shown()) {
            (true, false) => self.cover.show().map_err(Lost::Cover)?,
            (false, true) => self.cover.hide().map_err(Lost::Cover)?,
            (true, true) | (false, false) => {}
        }
        if cause.is_some() && self.told.is_none() {
            self.since = Instant::now();
        }
        if cause == self.told {
            return Ok(());
        }
        self.told = cause;
        match cause {
            Some((method, client)) => {
                // Where nothing is covered there is nothing to write on.
                let boards = if covers { self.cover.boards() } else { Vec::new() };
                self.to_desk.tell(Note::Covered { method, client, at: self.since, boards });
            }
            None => self.to_desk.tell(Note::Uncovered { after: self.since.elapsed() }),
        }
        Ok(())
    }

    fn pump(&mut self) -> Result<(), Lost> {
        let now = Instant::now();
        if self.told.is_some() && now >= self.pumped + PUMP {
            self.pumped = now;
            // The answer itself is of no interest.
            drop(self.eye.get_input_focus()?);
        }
        Ok(self.eye.flush()?)
    }

    fn wait(&mut self) -> Result<(), Lost> {
        let now = Instant::now();
        let pump = self.told.is_some().then(|| self.pumped + PUMP);
        let until = self.judge.next().into_iter().chain(pump).min();
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            // Rounded up: waking too early would only mean waking twice.
            let wait = until.saturating_duration_since(now) + Duration::from_micros(999);
            PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
        });
        let mut sources = [
            PollFd::new(self.stream.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.eye.stream().as_fd(), PollFlags::POLLIN),
            PollFd::new(self.cover.connection().stream().as_fd(), PollFlags::POLLIN),
            PollFd::new(self.hear.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut sources, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(Lost::System(error.into())),
        }
        if sources[3].any() == Some(true) {
            self.clear_bell()?;
        }
        Ok(())
    }

    /// Reads what was rung; how often does not matter.
    fn clear_bell(&mut self) -> io::Result<()> {
        // Both ends that write are kept alive as long as the shield, so this is no end of file.
        self.hear.read(&mut [0; 256]).map(|_| ())
    }

    fn sleep_until_stopped(&mut self) -> Result<(), Lost> {
        while !self.stop.load(Ordering::SeqCst) {
            self.clear_bell()?;
        }
        Ok(())
    }

    /// The watch is lost: the windows stay covered until the caller gives up the shield.
    fn mourn(&mut self, reason: String) {
        self.judge.lose();
        self.to_desk.tell(Note::Lost(reason));
        if self.told.is_none() {
            self.since = Instant::now();
        }
        self.told = self.judge.cause();
        let mut noted = false;
        while !self.stop.load(Ordering::SeqCst) {
            if let Err(error) = self.keep_covered() {
                tracing::debug!(%error, "the cover is lost, too");
            }
            if !noted {
                noted = true;
                let boards = if self.mourns() { self.cover.boards() } else { Vec::new() };
                self.to_desk.tell(Note::Covered { method: Method::WatchLost, client: None, at: self.since, boards });
            }
            let timeout = PollTimeout::try_from(AGAIN).unwrap_or(PollTimeout::MAX);
            let mut sources = [PollFd::new(self.hear.as_fd(), PollFlags::POLLIN)];
            match poll(&mut sources, timeout) {
                Ok(0) | Err(_) => {}
                Ok(_) => {
                    if let Err(error) = self.clear_bell() {
                        tracing::debug!(%error, "the bell is broken");
                        return;
                    }
                }
            }
        }
    }

    /// Is there anything to cover when nobody watches?
    fn mourns(&self) -> bool {
        self.covers || self.strict.load(Ordering::SeqCst)
    }

    /// Covers from inside, with a new connection if ours is gone. Nothing follows the windows any more, so nothing may
    /// lie on the screen where they were.
    fn keep_covered(&mut self) -> Result<(), Failed> {
        if !self.mourns() {
            return Ok(());
        }
        let alive = self.cover.show_inside().is_ok() && round_trip(self.cover.connection()).is_ok();
        if alive {
            return Ok(());
        }
        let mut windows = Vec::new();
        let (x, _) = x11rb::connect(self.display.as_deref())?;
        for (window, place) in &self.windows {
            windows.extend(place::find(&x, *window, place.root)?.map(|place| (*window, place)));
        }
        self.cover = Cover::open(x, &windows)?;
        Ok(self.cover.show_inside()?)
    }

    /// Asks the server to be told about windows, managers and keys.
    fn select(&self) -> Result<(), Failed> {
        let mask = EventMask::STRUCTURE_NOTIFY | EventMask::FOCUS_CHANGE;
        for (window, _) in &self.windows {
            self.eye.change_window_attributes(*window, &ChangeWindowAttributesAux::new().event_mask(mask))?;
        }
        let properties = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let keys =
            xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![XIEventMask::RAW_KEY_PRESS] };
        let owners = SelectionEventMask::SET_SELECTION_OWNER
            | SelectionEventMask::SELECTION_WINDOW_DESTROY
            | SelectionEventMask::SELECTION_CLIENT_CLOSE;
        for (root, selection) in &self.roots {
            self.eye.change_window_attributes(*root, &properties)?;
            self.eye.xinput_xi_select_events(*root, std::slice::from_ref(&keys))?.check()?;
            self.eye.xfixes_select_selection_input(*root, *selection, owners)?;
            if self.eye.extension_information(randr::X11_EXTENSION_NAME)?.is_some() {
                self.eye.randr_query_version(1, 2)?.reply()?;
                let screens = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
                self.eye.randr_select_input(*root, screens)?;
            }
        }
        self.eye.flush()?;
        Ok(())
    }
}

fn round_trip(x: &RustConnection) -> Result<(), ReplyError> {
    x.get_input_focus()?.reply().map(|_| ())
}

/// The screens of the windows, each with the selection its compositor owns.
fn roots(x: &RustConnection, windows: &[(Window, Place)]) -> Result<Vec<(Window, Atom)>, Failed> {
    let mut roots = Vec::new();
    for (number, screen) in x.setup().roots.iter().enumerate() {
        if windows.iter().any(|(_, place)| place.root == screen.root) {
            let selection = x.intern_atom(false, format!("_NET_WM_CM_S{number}").as_bytes())?.reply()?.atom;
            roots.push((screen.root, selection));
        }
    }
    Ok(roots)
}
