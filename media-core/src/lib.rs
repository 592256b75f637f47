//! Ears and eyes: from samples and pixels to sealed frames, and back.
//!
//! This room touches CPU and the memory it owns: no device, socket, disk or clock. Time comes in as [`time::MediaTime`].
//! Its map:
//!
//! | module | what |
//! |---|---|
//! | [`time`] | media time, bit rates |
//! | [`channel`] | `Ring` (samples) and `Latest` (newest picture wins) |
//! | [`frame`] | blocks of sound, pictures, encoded and sealed frames |
//! | [`device`] | the ports: what a microphone, speaker, camera and screen are to us |

#![forbid(unsafe_code)]

pub mod channel;
pub mod device;
pub mod frame;
pub mod time;
