//! The product without a window: joins meetings, opens devices with permits, and says what is true.
//!
//! This room touches sockets, TLS, tasks, threads, and files through ports; never windows, tauri or device crates. Its map:
//!
//! | module | what |
//! |---|---|
//! | [`client`] | [`Client`]: every command as a method, one Snapshot, one stream of Events |
//! | [`ports`] | what comes from outside: devices, vault, host, page |
//! | `session` | the one actor that owns Gate and meeting; everything passes here |
//! | `attempt`, `link`, `tls`, `address`, `discovery` | one try to get in; sockets; the only rustls config; hosts on the LAN |
//! | `signal`, `people` | LiveKit's signalling and the room, as pure machines |
//! | `transport` | the only module that names `peer`: sealed frames to and from UDP |
//! | `sound`, `picture`, `tracks` | the audio engine's thread, threads of cameras, screens and remote pictures |
//! | `talk` | push-to-talk as a pure machine |
//! | `frames` | the frames door: an ack window for each track |
//! | `profile`, `secrets` | settings and recents on disk; names of what the vault keeps |

#![forbid(unsafe_code)]

mod address;
mod attempt;
pub mod client;
mod discovery;
mod frames;
mod link;
mod people;
mod picture;
pub mod ports;
mod profile;
mod secrets;
mod session;
mod signal;
mod sound;
mod talk;
mod tls;
mod transport;

pub use client::{Client, MeetingHappening, MuteWish, Voice};
pub use session::ShieldWish;
