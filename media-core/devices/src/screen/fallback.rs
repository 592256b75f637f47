//! This system: monitors are not captured yet, and every question says so.

use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreensUnavailable};
use protocol::ids::DeviceId;

use super::{Looker, Portal};

/// Unsupported.
pub(crate) const fn list(_portal: &Portal, _display: Option<&str>) -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
    Err(ScreensUnavailable::Unsupported)
}

/// Unsupported.
pub(crate) fn open(
    _portal: &Portal,
    _display: Option<&str>,
    _screen: &DeviceId,
    _looker: Looker,
) -> Result<Box<dyn Pictures>, OpenDevice> {
    Err(OpenDevice::Unsupported)
}

/// Monitors coming and going: nothing to see.
pub(crate) struct Changes;

impl Changes {
    /// There is nothing to watch.
    pub(crate) const fn watch(_display: Option<&str>) -> Option<Self> {
        None
    }

    /// Nothing changes.
    pub(crate) const fn drain(&mut self) -> Option<bool> {
        Some(false)
    }
}
