//! Shared screens: text and windows sharp within a moment, for few bytes, and nothing at all while nothing changes.
//!
//! Between our own clients a screen is told by a codec of our own ([`text`]) as long as it is text and windows: it beats
//! every video codec there by far, and what stands is never sent again. What moves like a film, and whatever is shown to
//! another client, goes as H.264 ([`super::send`]). A frame of text travels as filler behind a tiny H.264
//! picture ([`envelope`]), so that hosts, packetisers and seals treat it as what they know.
//!
//! [`send::ScreenSender`] and [`receive::ScreenReader`] are the two ends. All pure: time is passed in.

mod envelope;
mod letters;
mod model;
mod moves;
mod page;
pub mod patch;
mod pieces;
mod plan;
mod plane;
mod range;
pub mod receive;
pub mod send;
mod simplify;
mod text;

pub use text::ReadText;
