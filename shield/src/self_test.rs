//! Does the shield work here? A small window of our own shows a random pattern and is captured in the ways tools do it,
//! without the shield and with it. Run by the caller, on any thread; it takes some seconds and touches no other window.
//! Only a pattern that was seen without the shield and not with it is proof.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::composite::{self, ConnectionExt as _, Redirect};
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Drawable, ImageFormat, Screen,
    StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::watch::Bounds;
use crate::{Config, Event, Failed, Kin, Module, Shield};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Captures showed the pattern without the shield, and none did with it.
    Held,
    /// These showed it in spite of the shield.
    Leaked(Vec<Way>),
    /// Captures do not even show what is unprotected, or the test could not be done: nothing is known.
    CannotTell(String),
}

/// A way to capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The whole screen.
    Root,
    /// One window.
    Window,
    /// The whole screen, through shared memory.
    SharedRoot,
    /// One window's pixels as the compositor has them.
    NamedPixmap,
}

const WAYS: [Way; 4] = [Way::Root, Way::Window, Way::SharedRoot, Way::NamedPixmap];

/// Width and height of the window; a row of it is what is looked for.
const SIDE: u16 = 32;
/// A compositor may fade windows in.
const APPEARS: Duration = Duration::from_secs(2);
/// The test's own first moments: long enough to see that the cover works, no longer.
const START: Duration = Duration::from_millis(50);
/// A cover that stays for so long is not ours to understand.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tests the shield on a display; `None`: the one the environment names. `kin`: of the shield that is raised there.
#[must_use]
pub fn self_test(display: Option<&str>, kin: &Kin) -> Proof {
    test(&Spot { display, kin }, true).unwrap_or_else(|trouble| Proof::CannotTell(trouble.to_string()))
}

/// Tests the administrator's module in the same way, with a second window beside that is not protected.
#[must_use]
pub fn test_module(display: Option<&str>, kin: &Kin) -> Proof {
    try_module(&Spot { display, kin }).unwrap_or_else(|trouble| Proof::CannotTell(trouble.to_string()))
}

/// Where the test is made.
struct Spot<'a> {
    display: Option<&'a str>,
    kin: &'a Kin,
}

impl Spot<'_> {
    /// As a tool connects; only the shield that is not tested knows better.
    fn connect(&self) -> Result<(RustConnection, usize), Failed> {
        self.kin.connect(self.display)
    }
}

fn try_module(spot: &Spot<'_>) -> Result<Proof, Failed> {
    let module = Module::find(spot.display)?.ok_or(Failed::Lacks("SHOJI-SHIELD"))?;
    let stage = Stage::set(spot, 0)?;
    let seen = stage.seen_unprotected(spot);
    if seen.is_empty() {
        return Ok(Proof::CannotTell("no way of capturing shows an unprotected window".into()));
    }
    // As the meeting's window: marked before it is shown.
    stage.hide()?;
    module.protect(stage.window)?;
    stage.show()?;
    if let Some(doubt) = module.doubt(stage.window)? {
        return Ok(Proof::CannotTell(doubt.to_string()));
    }
    let beside = Stage::set(spot, SIDE)?;
    let leaked: Vec<Way> = seen.iter().copied().filter(|way| stage.shows(*way, spot).unwrap_or(false)).collect();
    // On the screen it may be black as well: a compositor could show the protected one anywhere.
    let sees = beside.shows(Way::Window, spot).unwrap_or(false);
    module.give_up(stage.window)?;
    if !leaked.is_empty() {
        return Ok(Proof::Leaked(leaked));
    }
    if !sees || !stage.shows(Way::Window, spot).unwrap_or(false) {
        return Ok(Proof::CannotTell("captures show nothing at all any more".into()));
    }
    Ok(Proof::Held)
}

fn test(spot: &Spot<'_>, protect: bool) -> Result<Proof, Failed> {
    let stage = Stage::set(spot, 0)?;
    let seen = stage.seen_unprotected(spot);
    if seen.is_empty() {
        return Ok(Proof::CannotTell("no way of capturing shows an unprotected window".into()));
    }
    let (sender, events) = sync_channel(1024);
    let config = Config {
        display: spot.display.map(str::to_owned),
        windows: vec![stage.window],
        allow: Vec::new(),
        strict: false,
        cover: true,
        say: Box::new(|_| None),
        on_event: Box::new(move |event| {
            if sender.try_send(event).is_err() {
                tracing::debug!("the self-test does not listen any more");
            }
        }),
    };
    let shield = protect
        .then(|| Shield::raise_for(config, Bounds { start: START, tested: true, known_to: spot.kin.clone() }))
        .transpose()?;
    let mut leaked = Vec::new();
    for way in &seen {
        if shield.is_some() && !uncovered(&events) {
            return Ok(Proof::CannotTell("another program keeps the window covered".into()));
        }
        if stage.shows(*way, spot).unwrap_or(false) {
            leaked.push(*way);
        }
    }
    drop(shield);
    if !leaked.is_empty() {
        return Ok(Proof::Leaked(leaked));
    }
    // What was not seen must have been there all the time.
    if stage.seen_unprotected(spot).is_empty() {
        return Ok(Proof::CannotTell("the window of the test was lost".into()));
    }
    Ok(Proof::Held)
}

/// Waits until the last that happened is that the cover went.
fn uncovered(events: &Receiver<Event>) -> bool {
    let until = Instant::now() + PATIENCE;
    while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if matches!(event, Event::Uncovered { .. }) {
            return true;
        }
    }
    false
}

/// The window with the pattern.
struct Stage {
    connection: RustConnection,
    window: Window,
    /// Where it begins, from the left; it touches the top.
    left: u16,
    /// One row of the pattern, as pixels.
    row: Vec<u32>,
}

impl Stage {
    fn set(spot: &Spot<'_>, left: u16) -> Result<Self, Failed> {
        let (connection, number) = spot.connect()?;
        let screen = &connection.setup().roots[number];
        let (root, depth, black) = (screen.root, screen.root_depth, screen.black_pixel);
        let mut random = vec![0; usize::from(SIDE) * 4];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let row = pixels(&random);
        let pattern = connection.generate_id()?;
        connection.create_pixmap(depth, pattern, root, SIDE, SIDE)?;
        let pen = connection.generate_id()?;
        connection.create_gc(pen, pattern, &CreateGCAux::new())?;
        let all = random.repeat(usize::from(SIDE));
        connection.put_image(ImageFormat::Z_PIXMAP, pattern, pen, SIDE, SIDE, 0, 0, 0, depth, &all)?.check()?;
        let window = connection.generate_id()?;
        // Its background is the pattern: the server paints it again whenever a cover goes.
        let look = CreateWindowAux::new().background_pixmap(pattern).border_pixel(black).override_redirect(1);
        let x = left as i16;
        connection.create_window(0, window, root, x, 0, SIDE, SIDE, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
        let stage = Self { connection, window, left, row };
        stage.show()?;
        Ok(stage)
    }

    fn show(&self) -> Result<(), Failed> {
        self.connection.map_window(self.window)?;
        self.connection.configure_window(self.window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE))?;
        self.connection.get_input_focus()?.reply()?;
        Ok(())
    }

    fn hide(&self) -> Result<(), Failed> {
        self.connection.unmap_window(self.window)?;
        self.connection.get_input_focus()?.reply()?;
        Ok(())
    }

    /// The ways that show the window as it is.
    fn seen_unprotected(&self, spot: &Spot<'_>) -> Vec<Way> {
        let until = Instant::now() + APPEARS;
        loop {
            // A panel may have come on top.
            let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
            if self.connection.configure_window(self.window, &above).and_then(|_| self.connection.flush()).is_err() {
                return Vec::new();
            }
            let seen: Vec<Way> = WAYS.into_iter().filter(|way| self.shows(*way, spot).unwrap_or(false)).collect();
            if seen.contains(&Way::Root) || Instant::now() >= until {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Captures as a tool does, with a connection of its own, and looks for the pattern.
    fn shows(&self, way: Way, spot: &Spot<'_>) -> Result<bool, Failed> {
        let (tool, number) = spot.connect()?;
        greet(&tool, &tool.setup().roots[number])?;
        let root = tool.setup().roots[number].root;
        let bytes = match way {
            Way::Root => image(&tool, root, self.left)?,
            Way::Window => image(&tool, self.window, 0)?,
            Way::SharedRoot => shared_image(&tool, root, self.left)?,
            Way::NamedPixmap => image(&tool, name(&tool, self.window)?, 0)?,
        };
        let found = pixels(&bytes);
        Ok(found.windows(self.row.len()).any(|row| row == self.row))
    }
}

/// What a tool's library asks before it comes to the point.
fn greet(tool: &RustConnection, screen: &Screen) -> Result<(), Failed> {
    for extension in ["BIG-REQUESTS", "XKEYBOARD", "MIT-SHM", "XFIXES"] {
        tool.query_extension(extension.as_bytes())?.reply()?;
    }
    tool.get_property(false, screen.root, AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING, 0, 1 << 20)?.reply()?;
    tool.intern_atom(false, b"WM_STATE")?.reply()?;
    tool.get_window_attributes(screen.root)?.reply()?;
    tool.get_geometry(screen.root)?.reply()?;
    Ok(())
}

fn image(tool: &RustConnection, drawable: Drawable, left: u16) -> Result<Vec<u8>, Failed> {
    Ok(tool.get_image(ImageFormat::Z_PIXMAP, drawable, left as i16, 0, SIDE, SIDE, !0)?.reply()?.data)
}

fn shared_image(tool: &RustConnection, drawable: Drawable, left: u16) -> Result<Vec<u8>, Failed> {
    if tool.extension_information(shm::X11_EXTENSION_NAME)?.is_none() {
        return Err(Failed::Lacks(shm::X11_EXTENSION_NAME));
    }
    tool.shm_query_version()?.reply()?;
    let size = usize::from(SIDE) * usize::from(SIDE) * 4;
    let segment = tool.generate_id()?;
    // The server makes the memory and hands over a file, which can be read like any other.
    let shared = tool.shm_create_segment(segment, size as u32, false)?.reply()?;
    let file = File::from(shared.shm_fd);
    let format = ImageFormat::Z_PIXMAP.into();
    tool.shm_get_image(drawable, left as i16, 0, SIDE, SIDE, !0, format, segment, 0)?.reply()?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn name(tool: &RustConnection, window: Window) -> Result<Drawable, ReplyOrIdError> {
    if tool.extension_information(composite::X11_EXTENSION_NAME)?.is_none() {
        return Err(ReplyOrIdError::IdsExhausted);
    }
    tool.composite_query_version(0, 4)?.reply()?;
    // Without a compositor there is no pixmap to name yet.
    tool.composite_redirect_window(window, Redirect::AUTOMATIC)?;
    let pixmap = tool.generate_id()?;
    tool.composite_name_window_pixmap(window, pixmap)?;
    Ok(pixmap)
}

/// Four bytes each, without the one that says nothing.
fn pixels(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes([b[0], b[1], b[2], 0])).collect()
}

#[cfg(test)]
mod tests;
