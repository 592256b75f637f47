//! Monitors and windows of an X server: RandR says which there are, Damage when to look, SHM brings the pixels, XFixes the cursor.
//! One thread per open monitor. Nothing on the monitor changes: no picture. Its place or size changes: it is followed. It
//! is unplugged or goes away: the handle is lost, and the client chooses anew; another monitor never takes its place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use grab::Place;
use look::{Look, Looking};
use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreenKind, ScreensUnavailable, StreamEvent};
use protocol::ids::DeviceId;
use windows::WindowLooking;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::randr::{Connection as Plug, ConnectionExt as _, NotifyMask, Output};
use x11rb::protocol::xproto::{Atom, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageOrder, Window};
use x11rb::rust_connection::RustConnection;

use super::Looker;

mod cursor;
mod grab;
mod look;
mod still;
mod windows;

pub(super) use still::stills;

/// A monitor as RandR has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Monitor {
    name: String,
    place: Place,
    is_primary: bool,
    /// Where it is plugged in; nothing, where it was only defined.
    outputs: Vec<Output>,
}

impl Monitor {
    fn id(&self) -> Option<DeviceId> {
        DeviceId::parse(format!("x11:{}", self.name)).ok()
    }
}

fn connect(display: Option<&str>) -> Result<(RustConnection, Window), ScreensUnavailable> {
    let (x, number) = x11rb::connect(display).map_err(|error| {
        tracing::debug!(%error, "no X display");
        ScreensUnavailable::NoDisplay
    })?;
    let root = x.setup().roots[number].root;
    Ok((x, root))
}

/// What a display is called that knows no monitors. No output is: what was shared as one never becomes the whole display.
const WHOLE: &str = "display";

/// The monitors; a server that knows of none, or is without RandR 1.5, is one monitor.
fn monitors(x: &RustConnection, root: Window) -> Result<Vec<Monitor>, ReplyError> {
    let version = x.randr_query_version(1, 5)?.reply();
    let known = version.is_ok_and(|v| (v.major_version, v.minor_version) >= (1, 5));
    let mut all = Vec::new();
    if known {
        for monitor in x.randr_get_monitors(root, true)?.reply()?.monitors {
            let name = x.get_atom_name(monitor.name)?.reply()?.name;
            all.push(Monitor {
                name: String::from_utf8_lossy(&name).into_owned(),
                place: Place { x: monitor.x, y: monitor.y, width: monitor.width, height: monitor.height },
                is_primary: monitor.primary,
                outputs: monitor.outputs,
            });
        }
    }
    if all.is_empty() {
        let whole = x.get_geometry(root)?.reply()?;
        let place = Place { x: 0, y: 0, width: whole.width, height: whole.height };
        all.push(Monitor { name: WHOLE.into(), place, is_primary: true, outputs: Vec::new() });
    }
    Ok(all)
}

/// Which of a monitor's outputs something is plugged into. Displays without hardware have outputs that work unplugged.
fn plugged(x: &RustConnection, monitor: &Monitor) -> Result<Vec<Output>, ReplyError> {
    let mut all = Vec::new();
    for output in &monitor.outputs {
        let info = x.randr_get_output_info(*output, x11rb::CURRENT_TIME)?.reply()?;
        if info.connection == Plug::CONNECTED {
            all.push(*output);
        }
    }
    Ok(all)
}

/// Every monitor of the display, and every window that is not ours.
pub(super) fn list(display: Option<&str>) -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
    let (x, root) = connect(display)?;
    let monitors = monitors(&x, root).map_err(|error| {
        tracing::warn!(%error, "monitors not listed");
        ScreensUnavailable::NoDisplay
    })?;
    let info = |m: &Monitor| {
        let (width, height) = (u32::from(m.place.width), u32::from(m.place.height));
        Some(ScreenInfo {
            id: m.id()?,
            name: m.name.clone(),
            width,
            height,
            is_primary: m.is_primary,
            kind: ScreenKind::Monitor,
        })
    };
    let mut all: Vec<ScreenInfo> = monitors.iter().filter_map(info).collect();
    match windows::list(&x, root) {
        Ok(windows) => all.extend(windows),
        Err(error) => tracing::warn!(%error, "windows not listed"),
    }
    Ok(all)
}

/// Monitors coming, going and changing.
pub(crate) struct Changes {
    x: RustConnection,
    root: Window,
    known: Vec<Monitor>,
    /// What the window manager changes when windows come and go.
    windows: Atom,
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Changes {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.x.stream().as_fd()
    }
}

impl Changes {
    /// Starts watching a display. On Wayland there may be none, and nothing to watch.
    pub(crate) fn watch(display: Option<&str>) -> Option<Self> {
        let (x, root) = connect(display).ok()?;
        let known = monitors(&x, root).ok()?;
        select_monitor_changes(&x, root).ok()?;
        let windows = x.intern_atom(false, b"_NET_CLIENT_LIST").ok()?.reply().ok()?.atom;
        x.flush().ok()?;
        Some(Self { x, root, known, windows })
    }

    /// Did the monitors change since the last call? `None`: the display is gone.
    pub(crate) fn drain(&mut self) -> Option<bool> {
        let (mut told, mut windows) = (false, false);
        while let Some(event) = self.x.poll_for_event().ok()? {
            told |= is_monitor_change(&event);
            windows |= matches!(event, Event::PropertyNotify(event) if event.atom == self.windows);
        }
        if !told {
            return Some(windows);
        }
        let now = monitors(&self.x, self.root).ok()?;
        let changed = now != self.known;
        self.known = now;
        Some(changed || windows)
    }
}

fn select_monitor_changes(x: &RustConnection, root: Window) -> Result<(), ConnectionError> {
    let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
    x.randr_select_input(root, mask)?;
    // Monitors that were only defined, without any output changing, are told of by a reconfigured root.
    // And of windows by a property of it.
    let attributes =
        ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE);
    x.change_window_attributes(root, &attributes)?;
    Ok(())
}

const fn is_monitor_change(event: &Event) -> bool {
    matches!(event, Event::RandrNotify(_) | Event::RandrScreenChangeNotify(_) | Event::ConfigureNotify(_))
}

struct Open {
    device: DeviceId,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pictures for Open {
    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the screen's thread had panicked");
        }
    }
}

/// See [`media_core::device::Devices::open_screen`].
pub(super) fn open(display: Option<&str>, screen: &DeviceId, looker: Looker) -> Result<Box<dyn Pictures>, OpenDevice> {
    if !looker.permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    let (x, root) = connect(display).map_err(|_| OpenDevice::Missing)?;
    let failed = |error: ReplyOrIdError| OpenDevice::Failed(error.to_string());
    if let Some(window) = windows::parse(screen) {
        // Only what is in the list: never one of our own.
        let listed = windows::list(&x, root).map_err(|e| failed(e.into()))?;
        if !listed.iter().any(|info| info.id == *screen) {
            return Err(OpenDevice::Missing);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let looking = WindowLooking::new(x, root, window, looker, Arc::clone(&stop)).map_err(failed)?;
        return start(screen, stop, looking);
    }
    let monitors = monitors(&x, root).map_err(|e| failed(e.into()))?;
    let monitor = monitors.into_iter().find(|m| m.id().as_ref() == Some(screen)).ok_or(OpenDevice::Missing)?;
    if !is_bgrx(&x, root) {
        return Err(OpenDevice::Failed("the display has an unusual pixel layout".into()));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let looking = Looking::new(x, root, monitor, looker, Arc::clone(&stop)).map_err(failed)?;
    start(screen, stop, looking)
}

/// Looks on a thread of its own.
fn start(
    screen: &DeviceId,
    stop: Arc<AtomicBool>,
    mut looking: impl Look + Send + 'static,
) -> Result<Box<dyn Pictures>, OpenDevice> {
    let thread = std::thread::Builder::new()
        .name("screen".into())
        .spawn(move || {
            let end = catch_unwind(AssertUnwindSafe(|| looking.run()));
            let end = end.unwrap_or_else(|_| Some(StreamEvent::Lost("screen capture panicked".into())));
            tracing::info!(?end, "screen closed");
            let events = looking.close();
            if let Some(event) = end {
                events(event);
            }
        })
        .map_err(|e| OpenDevice::Failed(e.to_string()))?;
    Ok(Box::new(Open { device: screen.clone(), stop, thread: Some(thread) }))
}

/// Four bytes a pixel, blue first: what every X server of today has.
fn is_bgrx(x: &RustConnection, root: Window) -> bool {
    let setup = x.setup();
    let Some(screen) = setup.roots.iter().find(|s| s.root == root) else { return false };
    let visual = screen.allowed_depths.iter().flat_map(|d| &d.visuals).find(|v| v.visual_id == screen.root_visual);
    setup.image_byte_order == ImageOrder::LSB_FIRST
        && setup.pixmap_formats.iter().any(|f| f.depth == screen.root_depth && f.bits_per_pixel == 32)
        && visual.is_some_and(|v| (v.red_mask, v.green_mask, v.blue_mask) == (0x00ff_0000, 0xff00, 0xff))
}
