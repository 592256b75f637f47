//! What other programs play, on systems without a sound server of free desktops (there: `pulse::system`). One file per
//! system behind the same signatures. Where our own sound cannot be left out the answer is `Unsupported`: nobody is ever
//! sent their own voice.

#[cfg(not(any(windows, target_os = "macos")))]
mod fallback;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(not(any(windows, target_os = "macos")))]
pub(crate) use fallback::{is_supported, open};
#[cfg(target_os = "macos")]
pub(crate) use macos::{is_supported, open};
#[cfg(windows)]
pub(crate) use windows::{is_supported, open};
