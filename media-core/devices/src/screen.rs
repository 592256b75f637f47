//! Monitors. One file per system behind the same signatures; where capture is not built yet the answer is an honest
//! `Unsupported`. A free desktop is X11 or Wayland, which only its environment tells: `desktop` asks.

#[cfg(all(unix, not(target_os = "macos")))]
mod desktop;
#[cfg(not(any(unix, windows)))]
mod fallback;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(windows, target_os = "macos", not(unix)))]
mod no_stills;
#[cfg(any(test, windows, target_os = "linux"))]
mod paced;
#[cfg(target_os = "linux")]
mod portal;
#[cfg(not(target_os = "linux"))]
#[path = "screen/no_portal.rs"]
mod portal;
#[cfg(windows)]
mod windows;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) use desktop::{Changes, list, open, stills};
#[cfg(not(any(unix, windows)))]
pub(crate) use fallback::{Changes, list, open};
#[cfg(target_os = "macos")]
pub(crate) use macos::{Changes, list, open};
#[cfg(any(windows, target_os = "macos", not(unix)))]
pub(crate) use no_stills::stills;
pub(crate) use portal::Portal;
#[cfg(windows)]
pub(crate) use windows::{Changes, list, open};

use media_core::channel::LatestWriter;
use media_core::device::{OnEvent, PictureWish};
use media_core::frame::Picture;
use protocol::policy::{Permit, Screen};

use crate::picture::Clock;

/// Everything an open screen works with.
#[cfg_attr(not(any(unix, windows)), expect(dead_code, reason = "the other systems answer before they look"))]
pub(crate) struct Looker {
    pub(crate) clock: Clock,
    pub(crate) permit: Permit<Screen>,
    pub(crate) wish: PictureWish,
    pub(crate) slot: LatestWriter<Picture>,
    pub(crate) events: OnEvent,
}
