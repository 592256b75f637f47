//! Hands on the hardware: microphone, speaker, camera, screen.
//!
//! This room touches devices and nothing else: no network, no policy decisions, no window. It fills the ports of
//! [`media_core::device`]; opening anything that listens or looks takes a permit and obeys it per block or frame.
//! Its map:
//!
//! | module | what |
//! |---|---|
//! | `system` | [`SystemDevices`], the front of everything below |
//! | `callback` | the bare real-time callbacks: ring to device, device to ring |
//! | `audio` | sound through cpal: WASAPI, CoreAudio, ALSA |
//! | `pulse` | sound through the sound server of free desktops (PulseAudio, pipewire-pulse), and what other programs play |
//! | `camera` | cameras: V4L2 on Linux, nokhwa elsewhere |
//! | `screen` | monitors: X11 now, the other systems say `Unsupported` |
//! | `hotplug` | devices coming and going |
//! | `picture` | what a device delivers, as I420 |
//! | `urgent` | priority for threads of sound |

mod audio;
mod callback;
mod camera;
mod hotplug;
mod picture;
#[cfg(all(unix, not(target_os = "macos")))]
mod pulse;
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[path = "pulse/fallback.rs"]
mod pulse;
mod screen;
mod system;
mod urgent;
#[cfg(all(unix, not(target_os = "macos")))]
mod wait;

pub use system::SystemDevices;
