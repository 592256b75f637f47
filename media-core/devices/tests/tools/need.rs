//! What the tests of real parts share: programs that must be there, waiting with a guard, events that come in.
//! Nothing here touches the machine's own display, sound or camera.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use media_core::device::{OnEvent, StreamEvent};

/// A hang is noticed after this long; nothing is measured with it.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// A program that must be installed; fails the test with the package's name.
pub(crate) fn need(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("`{program}` is missing; this test needs it: apt-get install {package}"))
}

/// Asks until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < GUARD, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A place for a device's events.
pub(crate) fn events() -> (OnEvent, Receiver<StreamEvent>) {
    let (sender, receiver) = sync_channel(64);
    (Box::new(move |event| sender.try_send(event).expect("no storm of events")), receiver)
}

/// The next event, which must come.
pub(crate) fn next(events: &Receiver<StreamEvent>) -> StreamEvent {
    events.recv_timeout(GUARD).expect("an event")
}
