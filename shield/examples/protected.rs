//! A window with something secret in it, for the bench and for trying the shield by hand. Shows one window of one colour
//! with a bar that moves, and does what it reads from its standard input, one command a line, answering `ok` when the
//! server has done it:
//!
//! `mark` (raises the shield) `unmark` `paint RRGGBB` `still` (nothing moves any more) `map` `unmap` `move X Y`
//! `size W H` `prove` (runs the self-test) `quit`
//!
//! Prints the window's number first; what the shield tells goes to standard error, one JSON object a line, with the
//! microseconds of the monotonic clock. Further arguments are programs to allow.

#[cfg(target_os = "linux")]
#[path = "protected/window.rs"]
mod window;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    window::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
