//! Takes pictures off the pasteboard that come soon after the keys that take pictures (Command, Shift and 3 to 6). A thread of
//! its own, only while the meeting is protected, because macOS tells nobody of either: it asks for the keys, and for the
//! pasteboard's number after one of them. It reads which kinds are offered, never the content; what is removed is told.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use objc2_app_kit::NSPasteboard;
use objc2_core_graphics::{CGEventSource, CGEventSourceStateID};
use protocol::shield::{CaptureMethod, ShieldIncident};

use super::super::pictures::{Kind, Pictures};

/// Shorter than anybody holds a key.
const LOOK: Duration = Duration::from_millis(20);
/// Kinds that may be offered; more are not looked at.
const KINDS: usize = 256;
/// `kVK_ANSI_3` to `kVK_ANSI_6`; both `kVK_Command`; both `kVK_Shift`.
const DIGITS: [u16; 4] = [0x14, 0x15, 0x17, 0x16];
const COMMAND: [u16; 2] = [0x37, 0x36];
const SHIFT: [u16; 2] = [0x38, 0x3C];

/// Watches until it is dropped.
pub(super) struct Clipboard {
    stop: Option<SyncSender<()>>,
    runs: Option<JoinHandle<()>>,
}

impl Clipboard {
    /// `None`: the system has no thread for it; pictures stay then.
    pub(super) fn guard(told: impl Fn(ShieldIncident) + Send + 'static) -> Option<Self> {
        let (stop, stopped) = sync_channel::<()>(0);
        let watch = move || {
            let mut ear = Ear { pictures: Pictures::default(), seen: NSPasteboard::generalPasteboard().changeCount() };
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if let Some(incident) = ear.look(Instant::now()) {
                    told(incident);
                }
            }
        };
        match std::thread::Builder::new().name("shield-clipboard".into()).spawn(watch) {
            Ok(runs) => Some(Self { stop: Some(stop), runs: Some(runs) }),
            Err(error) => {
                tracing::warn!(%error, "pictures stay on the clipboard");
                None
            }
        }
    }
}

impl Drop for Clipboard {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.runs.take().is_some_and(|runs| runs.join().is_err()) {
            tracing::error!("the watch of the clipboard panicked");
        }
    }
}

struct Ear {
    pictures: Pictures,
    /// Another number means other content.
    seen: isize,
}

impl Ear {
    fn look(&mut self, now: Instant) -> Option<ShieldIncident> {
        if DIGITS.into_iter().any(held) && COMMAND.into_iter().any(held) && SHIFT.into_iter().any(held) {
            self.pictures.key(now);
        }
        let board = NSPasteboard::generalPasteboard();
        let count = board.changeCount();
        if std::mem::replace(&mut self.seen, count) == count || !self.pictures.looks(now) {
            return None;
        }
        if !self.pictures.goes(&kinds(&board), now) {
            return None;
        }
        self.seen = board.clearContents();
        let method = CaptureMethod::Clipboard;
        Some(ShieldIncident { program: None, pid: None, method, seconds: 0, covered: false })
    }
}

fn held(key: u16) -> bool {
    CGEventSource::key_state(CGEventSourceStateID::HIDSystemState, key)
}

fn kinds(board: &NSPasteboard) -> Vec<Kind> {
    let Some(types) = board.types() else { return Vec::new() };
    (0..types.count().min(KINDS)).map(|at| Kind::named(&types.objectAtIndex(at).to_string())).collect()
}
