//! This system does not give what other programs play without what we play ourselves.

use media_core::channel::RingWriter;
use media_core::device::{AudioIn, OnEvent, OpenDevice};
use protocol::policy::{Permit, Screen};

/// No.
pub(crate) const fn is_supported() -> bool {
    false
}

/// Unsupported.
pub(crate) fn open(
    _permit: Permit<Screen>,
    _ring: RingWriter,
    _events: OnEvent,
) -> Result<Box<dyn AudioIn>, OpenDevice> {
    Err(OpenDevice::Unsupported)
}
