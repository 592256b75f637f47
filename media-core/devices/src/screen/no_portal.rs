//! Systems where no desktop portal is asked for screens. Under Wayland the answer then is an honest `Unsupported`: Xwayland
//! would open and show black.

/// Nobody to ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Portal;

#[cfg(all(unix, not(target_os = "macos")))]
mod wayland {
    use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreensUnavailable};
    use protocol::ids::DeviceId;

    use super::Portal;
    use crate::screen::{Looker, desktop};

    impl Portal {
        pub(in crate::screen) fn is_the_way(&self, display: Option<&str>) -> bool {
            desktop::is_wayland(display)
        }

        pub(in crate::screen) const fn list() -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
            Err(ScreensUnavailable::Unsupported)
        }

        pub(in crate::screen) fn open(
            &self,
            _screen: &DeviceId,
            _looker: Looker,
        ) -> Result<Box<dyn Pictures>, OpenDevice> {
            Err(OpenDevice::Unsupported)
        }
    }
}
