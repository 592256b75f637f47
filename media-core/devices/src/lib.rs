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
//! | `system_audio` | what other programs play, where there is no such server: process loopback on Windows, ScreenCaptureKit on macOS |
//! | `capture_kit` | ScreenCaptureKit's streams, for sound and screens of macOS |
//! | `camera` | cameras: V4L2 on Linux, nokhwa elsewhere |
//! | `screen` | monitors: X11, the portal and PipeWire under Wayland, Windows Graphics Capture, ScreenCaptureKit |
//! | `hotplug` | devices coming and going |
//! | `held` | a thread that holds one open device |
//! | `picture` | what a device delivers, as I420 |
//! | `urgent` | priority for threads of sound |

mod audio;
mod callback;
mod camera;
#[cfg(target_os = "macos")]
mod capture_kit;
#[cfg(any(test, windows, target_os = "macos"))]
mod held;
mod hotplug;
mod picture;
#[cfg(all(unix, not(target_os = "macos")))]
mod pulse;
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[path = "pulse/fallback.rs"]
mod pulse;
mod screen;
mod system;
mod system_audio;
mod urgent;
#[cfg(all(unix, not(target_os = "macos")))]
mod wait;

pub use system::SystemDevices;
