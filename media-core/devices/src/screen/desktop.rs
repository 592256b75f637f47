//! A free desktop: X11 or Wayland, as its environment says.

use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreensUnavailable, Stills};
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};

pub(crate) use super::x11::Changes;
use super::{Looker, Portal, x11};
use crate::picture::Clock;

/// A named display is always X11.
pub(super) fn is_wayland(display: Option<&str>) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    display.is_none()
        && (set("WAYLAND_DISPLAY").is_some() || set("XDG_SESSION_TYPE").is_some_and(|kind| kind == "wayland"))
}

/// Every monitor, or the one question there is. The display is for tests; usually the environment names it.
pub(crate) fn list(portal: &Portal, display: Option<&str>) -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
    if portal.is_the_way(display) { Portal::list() } else { x11::list(display) }
}

/// See [`media_core::device::Devices::open_screen`].
pub(crate) fn open(
    portal: &Portal,
    display: Option<&str>,
    screen: &DeviceId,
    looker: Looker,
) -> Result<Box<dyn Pictures>, OpenDevice> {
    if portal.is_the_way(display) { portal.open(screen, looker) } else { x11::open(display, screen, looker) }
}

/// See [`media_core::device::Devices::open_stills`]. Before the person chose, a desktop under Wayland shows nothing.
pub(crate) fn stills(
    portal: &Portal,
    display: Option<&str>,
    clock: Clock,
    permit: Permit<Screen>,
) -> Result<Box<dyn Stills>, OpenDevice> {
    if portal.is_the_way(display) { Err(OpenDevice::Unsupported) } else { x11::stills(display, clock, permit) }
}
