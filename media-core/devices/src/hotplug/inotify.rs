//! Waiting for news on Linux: one `poll` on the sound server, the display, the folder of the cameras and a bell of our own.
//! Runs on the watcher's thread; reads nothing but the folder's news.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use crate::wait::any_readable;
use crate::{pulse, screen};

/// Everything rings by itself; this is for what nobody thought of.
pub(super) const PAUSE: Duration = Duration::from_secs(2);
/// Between two looks at a system without a sound server.
pub(super) const ASKING: Duration = Duration::from_millis(1500);

/// What the watcher waits at.
pub(super) struct Doorbell {
    cameras: Option<File>,
    stop: Option<PipeReader>,
}

/// Ends the wait.
pub(super) struct Waker(Option<PipeWriter>);

impl Waker {
    /// The watcher looks up, now and from now on.
    pub(super) fn wake(&mut self) {
        // The other end reads the end of the pipe.
        self.0 = None;
    }
}

impl Doorbell {
    /// A bell and who rings it.
    pub(super) fn hang() -> (Self, Waker) {
        let (stop, waker) = match std::io::pipe() {
            Ok((reader, writer)) => (Some(reader), Some(writer)),
            Err(error) => {
                tracing::warn!(%error, "the device watcher stops late");
                (None, None)
            }
        };
        let cameras = watch_cameras()
            .inspect_err(|error| tracing::warn!(%error, "cameras are looked for from time to time"))
            .ok();
        (Self { cameras, stop }, Waker(waker))
    }

    /// Waits for news; `true` when cameras came, went or became ready.
    pub(super) fn wait(
        &mut self,
        sound: Option<&pulse::Changes>,
        screens: Option<&screen::Changes>,
        pause: Duration,
    ) -> bool {
        let descriptors: Vec<BorrowedFd<'_>> = [
            self.cameras.as_ref().map(AsFd::as_fd),
            self.stop.as_ref().map(AsFd::as_fd),
            sound.map(AsFd::as_fd),
            screens.map(AsFd::as_fd),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Err(error) = any_readable(&descriptors, pause) {
            tracing::warn!(%error, "the device watcher cannot wait");
            std::thread::park_timeout(pause);
        }
        self.cameras_changed()
    }

    fn cameras_changed(&mut self) -> bool {
        let mut changed = false;
        let Some(cameras) = &mut self.cameras else { return false };
        let mut news = [0; 4096];
        loop {
            match cameras.read(&mut news) {
                // Names stand in it as they are; other nodes of the folder come and go with every terminal.
                Ok(n) if n > 0 => changed |= news[..n].windows(5).any(|name| name == b"video"),
                Ok(_) => return changed,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return changed,
            }
        }
    }
}

fn watch_cameras() -> std::io::Result<File> {
    // SAFETY: no pointer is passed; a descriptor that is not negative is new and ours.
    let descriptor = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
    if descriptor < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: just made, and owned by nobody else.
    let news = unsafe { OwnedFd::from_raw_fd(descriptor) };
    // Changed attributes: a node is there before everyone may open it.
    let mask = libc::IN_CREATE | libc::IN_DELETE | libc::IN_ATTRIB;
    // SAFETY: the path is a constant that ends in a zero byte; the descriptor is open.
    if unsafe { libc::inotify_add_watch(descriptor, c"/dev".as_ptr(), mask) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(File::from(news))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waker_ends_a_long_wait() {
        let (mut bell, mut waker) = Doorbell::hang();
        let other = std::thread::spawn(move || bell.wait(None, None, Duration::from_secs(3600)));
        waker.wake();
        assert!(!other.join().unwrap(), "no camera rang");
    }
}
