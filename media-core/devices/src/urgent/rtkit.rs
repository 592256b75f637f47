//! rtkit: the system service of free desktops that gives threads of ordinary users priority, over D-Bus.
//! Asked from a thread of its own: the service may have to be started first, and sound waits for nobody.

use std::time::Duration;

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;

/// Of the service, its object and its interface.
const NAME: &str = "org.freedesktop.RealtimeKit1";
const PATH: &str = "/org/freedesktop/RealtimeKit1";
/// What PulseAudio asks for. Lower is more urgent; the service allows no less than -15.
const NICE: i32 = -11;
/// A service that does not answer in this time is none.
const ANSWER: Duration = Duration::from_secs(1);

/// Asks for high priority of the calling thread, soon, and says in the log what came of it.
///
/// # Errors
/// The system gives no thread to ask from.
pub(super) fn hasten() -> std::io::Result<()> {
    let thread = calling();
    let asking = move || match Builder::system().and_then(|bus| bus.method_timeout(ANSWER).build()) {
        Ok(bus) => match ask(&bus, thread) {
            Ok(()) => tracing::debug!(thread, "a thread of sound runs at high priority"),
            Err(error) => tracing::info!(%error, "rtkit gives sound no priority"),
        },
        Err(error) => tracing::info!(%error, "no system bus to ask for priority of sound"),
    };
    std::thread::Builder::new().name("priority".into()).spawn(asking).map(drop)
}

/// The kernel's number of the calling thread.
fn calling() -> i32 {
    // SAFETY: takes no arguments and touches no memory of ours.
    unsafe { libc::gettid() }
}

fn ask(bus: &Connection, thread: i32) -> zbus::Result<()> {
    let thread = u64::try_from(thread).map_err(|_| zbus::Error::Failure("a thread without a number".into()))?;
    bus.call_method(Some(NAME), PATH, Some(NAME), "MakeThreadHighPriority", &(thread, NICE)).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;

    /// The service, as far as it is asked.
    struct Kit {
        asked: SyncSender<(u64, i32)>,
        gives: bool,
    }

    #[zbus::interface(name = "org.freedesktop.RealtimeKit1")]
    impl Kit {
        fn make_thread_high_priority(&self, thread: u64, priority: i32) -> zbus::fdo::Result<()> {
            self.asked.send((thread, priority)).unwrap();
            if self.gives { Ok(()) } else { Err(zbus::fdo::Error::AccessDenied("no".into())) }
        }
    }

    /// What a thread gets from such a service, and what it was asked.
    fn asks(thread: i32, gives: bool) -> (zbus::Result<()>, (u64, i32)) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (asked, seen) = sync_channel(1);
        let service = std::thread::spawn(move || {
            Builder::async_io_unix_stream(theirs)
                .server(zbus::Guid::generate())
                .unwrap()
                .p2p()
                .serve_at(PATH, Kit { asked, gives })
                .unwrap()
                .build()
                .unwrap()
        });
        let bus = Builder::async_io_unix_stream(ours).p2p().method_timeout(ANSWER).build().unwrap();
        let _service = service.join().unwrap();
        let answer = ask(&bus, thread);
        (answer, seen.recv_timeout(ANSWER).unwrap())
    }

    #[test]
    fn the_service_is_asked_for_the_very_thread() {
        let me = calling();
        assert_ne!(me, std::thread::spawn(calling).join().unwrap());
        let (answer, (thread, priority)) = asks(me, true);
        answer.unwrap();
        assert_eq!((i32::try_from(thread).unwrap(), priority), (me, -11));
    }

    #[test]
    fn a_no_is_an_error_and_not_a_wait() {
        assert!(asks(calling(), false).0.is_err());
    }
}
