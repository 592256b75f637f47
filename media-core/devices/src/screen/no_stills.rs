//! Systems where small pictures of what could be shared are not built yet: the question says so.

use media_core::device::{OpenDevice, Stills};
use protocol::policy::{Permit, Screen};

use super::Portal;
use crate::picture::Clock;

/// Unsupported.
pub(crate) fn stills(
    _portal: &Portal,
    _display: Option<&str>,
    _clock: Clock,
    _permit: Permit<Screen>,
) -> Result<Box<dyn Stills>, OpenDevice> {
    Err(OpenDevice::Unsupported)
}
