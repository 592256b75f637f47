//! Monitors of macOS, through ScreenCaptureKit (12.3 and later): the system tells when something changed, keeps the pace
//! that is wished, scales and draws the cursor in. The system's queue makes the pictures; a thread beside it looks after
//! stop, permit and what becomes of the monitor.
//!
//! Whoever sits there must allow it once in the system's settings; until then opening answers `Denied`. A monitor that
//! goes, moves or changes its size is lost, and the client chooses anew.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreenKind, ScreensUnavailable, StreamEvent};
use monitors::{Monitor, monitors, names};
use objc2::available;
use protocol::ids::DeviceId;

use super::{Looker, Portal};
use crate::capture_kit::{OPENING, Sink, Stream, Wanted, picture};
use crate::held::{Held, watch};
use crate::picture::{fit, from_bgra};

mod monitors;

/// How often it is asked whether the monitor is still what it was.
const LOOK_AFTER: Duration = Duration::from_millis(500);

fn is_supported() -> bool {
    available!(macos = 12.3)
}

/// Every monitor. They are listed whether or not they may be captured: asking comes with opening.
pub(crate) fn list(_portal: &Portal, _display: Option<&str>) -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
    if !is_supported() {
        return Err(ScreensUnavailable::Unsupported);
    }
    let names = names();
    let info = |monitor: Monitor| {
        let size = || format!("{} × {}", monitor.width, monitor.height);
        Some(ScreenInfo {
            id: monitor.id()?,
            name: names.get(&monitor.display).cloned().unwrap_or_else(size),
            width: monitor.width,
            height: monitor.height,
            is_primary: monitor.is_primary,
            kind: ScreenKind::Monitor,
        })
    };
    let all: Vec<ScreenInfo> = monitors().into_iter().filter_map(info).collect();
    if all.is_empty() { Err(ScreensUnavailable::NoDisplay) } else { Ok(all) }
}

/// See [`media_core::device::Devices::open_screen`].
pub(crate) fn open(
    _portal: &Portal,
    _display: Option<&str>,
    screen: &DeviceId,
    looker: Looker,
) -> Result<Box<dyn Pictures>, OpenDevice> {
    if !looker.permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    if !is_supported() {
        return Err(OpenDevice::Unsupported);
    }
    let monitor = monitors().into_iter().find(|m| m.id().as_ref() == Some(screen)).ok_or(OpenDevice::Missing)?;
    let size = fit(monitor.width, monitor.height, looker.wish).ok_or(OpenDevice::Missing)?;
    let wanted = Wanted::Pictures { display: monitor.display, size, fps: looker.wish.fps };
    let Looker { clock, permit, wish: _, slot, events } = looker;
    let (end, ended) = sync_channel(1);
    let (shown, broken) = (permit.clone(), end.clone());
    let sink: Sink = Box::new(move |sample| {
        if !shown.is_live() {
            return;
        }
        let made = picture::lend(sample, |lines| {
            let stride = u32::try_from(lines.stride).unwrap_or(u32::MAX);
            if (lines.width, lines.height) != (size.width as usize, size.height as usize) {
                return Err(format!("a picture of {} x {}", lines.width, lines.height));
            }
            from_bgra(size, lines.bytes, stride, clock.now()).map_err(|e| e.to_string())
        });
        match made {
            None => {}
            Some(Err(why)) => drop(broken.try_send(Some(StreamEvent::Lost(why)))),
            // Revoked while it was made: it is not shown.
            Some(Ok(picture)) if shown.is_live() => {
                if !slot.put(picture) {
                    drop(broken.try_send(None));
                }
            }
            Some(Ok(_)) => {}
        }
    });
    let open = move || Ok((Stream::start(wanted, sink, end)?, ()));
    let look = move |_: &mut Stream, stop: &AtomicBool| {
        let mut looked_after = Instant::now();
        let check = || {
            if looked_after.elapsed() < LOOK_AFTER {
                return None;
            }
            looked_after = Instant::now();
            let is_as_it_was = monitors().contains(&monitor);
            (!is_as_it_was).then(|| StreamEvent::Lost("the monitor changed or went away".into()))
        };
        watch(stop, || permit.is_live(), &ended, check)
    };
    let (held, ()) = Held::start("screen", OPENING, events, open, look)?;
    Ok(Box::new(Handle { device: screen.clone(), _held: held }))
}

struct Handle {
    device: DeviceId,
    _held: Held,
}

impl Pictures for Handle {
    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

/// Monitors coming, going and changing. The system's word of it needs a main thread that runs an event loop: the list is
/// compared, which is some reads of memory.
pub(crate) struct Changes {
    known: Vec<Monitor>,
}

impl Changes {
    /// Starts watching.
    pub(crate) fn watch(_display: Option<&str>) -> Option<Self> {
        is_supported().then(|| Self { known: monitors() })
    }

    /// Did the monitors change since the last call?
    pub(crate) fn drain(&mut self) -> Option<bool> {
        let now = monitors();
        let changed = now != self.known;
        self.known = now;
        Some(changed)
    }
}
