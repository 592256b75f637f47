//! Wayland: monitors are captured through the desktop portal, which is not built yet, and every question says so.
//! (Xwayland would open and show black: worse than an honest no.)

use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreensUnavailable};
use protocol::ids::DeviceId;

use super::Looker;

/// Unsupported.
pub(super) const fn list() -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
    Err(ScreensUnavailable::Unsupported)
}

/// Unsupported.
pub(super) fn open(_screen: &DeviceId, _looker: Looker) -> Result<Box<dyn Pictures>, OpenDevice> {
    Err(OpenDevice::Unsupported)
}
