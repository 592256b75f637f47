//! Ears and eyes: from samples and pixels to sealed frames, and back.
//!
//! This room touches CPU and the memory it owns: no device, socket, disk or clock. Time comes in as [`time::MediaTime`].
//! Its map:
//!
//! | module | what |
//! |---|---|
//! | [`time`] | media time, bit rates |
//! | [`channel`] | `Ring` (samples), `Latest` (newest picture wins), `Mailbox` (a bounded queue) |
//! | [`frame`] | blocks of sound, pictures, encoded and sealed frames |
//! | [`device`] | the ports: what a microphone, speaker, camera and screen are to us |
//! | [`e2ee`] | seals and opens frames and data packets, LiveKit's format; the key ring |
//! | [`rtp`] | sealed frames into packets |
//! | [`receive`] | packets in order, through the jitter buffer, into whole frames |
//! | [`audio`] | the engine that owns all sound: capture, Opus, mixing, playout |
//! | [`video`] | conversion, scaling, H.264, one sender and one receiver per track |
//! | `testing` | synthetic devices, a lossy network, tone and picture measures (feature `testing`) |

#![forbid(unsafe_code)]

pub mod audio;
pub mod channel;
pub mod device;
pub mod e2ee;
pub mod frame;
pub mod receive;
pub mod rtp;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod video;
