//! Waits until descriptors have something to read, but not for ever. For threads that may wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

/// `false` when nothing came in time. A hang-up counts as something: the next read says what happened.
///
/// # Errors
/// What `poll` says.
pub(crate) fn readable(descriptor: &impl AsFd, wait: Duration) -> io::Result<bool> {
    any_readable(&[descriptor.as_fd()], wait)
}

/// The same for any of several.
///
/// # Errors
/// What `poll` says.
pub(crate) fn any_readable(descriptors: &[BorrowedFd<'_>], wait: Duration) -> io::Result<bool> {
    let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let mut polls: Vec<libc::pollfd> =
        descriptors.iter().map(|d| libc::pollfd { fd: d.as_raw_fd(), events: libc::POLLIN, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(polls.len()).unwrap_or(0);
    // SAFETY: as many valid structures as said, borrowed for the call; the descriptors stay open as long as they are
    // borrowed.
    match unsafe { libc::poll(polls.as_mut_ptr(), count, millis) } {
        0 => Ok(false),
        n if n > 0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}
