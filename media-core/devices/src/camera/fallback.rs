//! Systems whose cameras nobody has taught us to open: there are none, and asking for one says why.

use std::time::Duration;

use media_core::device::{DeviceInfo, OpenDevice, PictureWish};
use protocol::ids::DeviceId;

use super::Got;
use crate::picture::Raw;

/// Never made here.
pub(super) enum Source {}

/// None.
pub(super) const fn list() -> Vec<DeviceInfo> {
    Vec::new()
}

/// Never changes.
pub(super) const fn fingerprint() -> u64 {
    0
}

impl Source {
    /// Not supported.
    pub(super) const fn open(_: Option<&DeviceId>, _: PictureWish) -> Result<(Self, DeviceId), OpenDevice> {
        Err(OpenDevice::Unsupported)
    }

    /// Never called.
    pub(super) fn next<T>(&mut self, _: Duration, _: impl FnOnce(Raw<'_>) -> T) -> Result<Got<T>, String> {
        match *self {}
    }
}
