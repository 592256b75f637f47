//! Monitors of Windows, through Windows Graphics Capture (Windows 10 1903 and later): the compositor tells when something
//! changed and draws the cursor in. One thread per open monitor, which owns everything of it. The yellow border the system
//! draws around a captured monitor stays: it tells whoever sits there that they are seen.
//!
//! Sizes are pixels of the monitor, whatever its scale. A monitor that goes, turns or changes its size is lost, and the
//! client chooses anew.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use grab::Grab;
use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreenKind, ScreensUnavailable};
use media_core::frame::Picture;
use media_core::time::MediaTime;
use monitors::{Monitor, monitors};
use protocol::ids::DeviceId;

use super::paced::{self, Frames, Showing};
use super::{Looker, Portal};
use crate::held::Held;
use crate::picture::from_bgra;

mod grab;
mod monitors;

/// A graphics driver that takes longer to start hangs.
const OPENING: Duration = Duration::from_secs(10);

/// Every monitor.
pub(crate) fn list(_portal: &Portal, _display: Option<&str>) -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
    if !grab::is_supported() {
        return Err(ScreensUnavailable::Unsupported);
    }
    let all: Vec<ScreenInfo> = monitors().iter().filter_map(info).collect();
    if all.is_empty() { Err(ScreensUnavailable::NoDisplay) } else { Ok(all) }
}

fn info(monitor: &Monitor) -> Option<ScreenInfo> {
    Some(ScreenInfo {
        id: monitor.id()?,
        name: monitor.friendly_name(),
        width: monitor.width,
        height: monitor.height,
        is_primary: monitor.is_primary,
        kind: ScreenKind::Monitor,
    })
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
    if !grab::is_supported() {
        return Err(OpenDevice::Unsupported);
    }
    let monitor = monitors().into_iter().find(|m| m.id().as_ref() == Some(screen)).ok_or(OpenDevice::Missing)?;
    let Looker { clock, permit, wish, slot, events } = looker;
    let showing = Showing { clock, permit, fps: wish.fps, slot };
    let open = move || Ok((Open::start(monitor, wish.fps)?, ()));
    let look = move |open: &mut Open, stop: &AtomicBool| paced::look(open, &showing, stop);
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

/// An open monitor. Lives and dies on its thread.
struct Open {
    monitor: Monitor,
    grab: Grab,
}

impl Open {
    fn start(monitor: Monitor, fps: u32) -> Result<Self, OpenDevice> {
        let grab = Grab::start(monitor.handle(), fps).map_err(|error| {
            // E_ACCESSDENIED: by the settings of the system or of whoever administers it.
            if error.code().0 == 0x8007_0005_u32.cast_signed() {
                OpenDevice::Denied
            } else {
                OpenDevice::Failed(error.to_string())
            }
        })?;
        tracing::info!(size = ?grab.size(), "screen opened");
        Ok(Self { monitor, grab })
    }
}

impl Frames for Open {
    fn take(&mut self) -> Result<bool, String> {
        self.grab.take()
    }

    fn picture(&mut self, at: MediaTime) -> Result<Picture, String> {
        let size = self.grab.size();
        let picture = self.grab.read(|bgra, stride| from_bgra(size, bgra, stride, at)).map_err(|e| e.to_string())?;
        picture.map_err(|e| e.to_string())
    }

    fn wait(&mut self, longest: Duration) {
        self.grab.wait(longest);
    }

    fn is_as_it_was(&mut self) -> bool {
        monitors().contains(&self.monitor)
    }
}

/// Monitors coming, going and changing. There is no word of it for a program without a window: the list is compared.
pub(crate) struct Changes {
    known: Vec<Monitor>,
}

impl Changes {
    /// Starts watching.
    pub(crate) fn watch(_display: Option<&str>) -> Option<Self> {
        grab::is_supported().then(|| Self { known: monitors() })
    }

    /// Did the monitors change since the last call?
    pub(crate) fn drain(&mut self) -> Option<bool> {
        let now = monitors();
        let changed = now != self.known;
        self.known = now;
        Some(changed)
    }
}
