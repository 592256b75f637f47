//! Waits until a descriptor has something to read, but not for ever. For threads that may wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// `false` when nothing came in time. A hang-up counts as something: the next read says what happened.
///
/// # Errors
/// What `poll` says.
pub(crate) fn readable(descriptor: &impl AsFd, wait: Duration) -> io::Result<bool> {
    let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let mut poll = libc::pollfd { fd: descriptor.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid structure, borrowed for the call; the descriptor stays open as long as it is borrowed.
    match unsafe { libc::poll(&raw mut poll, 1, millis) } {
        0 => Ok(false),
        n if n > 0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}
