//! The invisible mark of a viewer: a pattern of cells a little lighter or darker than the picture below, made from a
//! meeting's key, drawn over shared screens at each viewer, and read back from a picture that leaked.
//!
//! Used by the host (makes marks, reads leaked pictures), the client (draws) and the bench. Pure: memory it owns, no
//! device, socket, disk or clock. Its map:
//!
//! | module | what |
//! |---|---|
//! | [`key`] | a meeting's [`Key`], a viewer's [`ViewerMark`], and the cells that carry it |
//! | [`code`] | the error correction between the two |
//! | [`tile`] | the cells as a picture to lay over others |
//! | [`read`] | from a picture back to the viewer |
//!
//! # How it works
//! The tile is 256 pixels wide and high and repeats over the whole picture. Its 16 x 16 cells are larger than what a
//! codec throws away first, and at most [`tile::STRENGTH`] levels of 255 apart from the picture. The key says which
//! cells carry what: 112 are known to whoever has the key and show where the pattern lies, even after scaling, cropping
//! or a slight turn; 144 carry 32 bits of viewer and 16 bits that only the key can make, under a convolutional code.
//!
//! # What it does not do
//! Whoever knows how it works can blur, repaint or average it away, and several viewers can mix theirs; a picture that
//! is texture everywhere hides it. A mark that reads says who the picture was drawn for, not who took it away.

#![forbid(unsafe_code)]

pub mod code;
pub mod key;
pub mod read;
pub mod tile;

pub use key::{Key, ViewerMark};
pub use read::{BadPicture, Found, Grey, read};
pub use tile::Tile;
