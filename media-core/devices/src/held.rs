//! One open device and the thread that holds it: it opens, says how that went, looks after the device until something
//! ends it, closes it, and tells last of all. Runs nothing in real time; what the device brings is not its business.
//!
//! Dropping the handle returns when the device is closed. A driver that hangs is left behind: it closes what it opened
//! when it comes back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use media_core::device::{OnEvent, OpenDevice, StreamEvent};

/// How often a holder looks at its stop mark and at the permit when nothing else wakes it.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// The handle.
pub(crate) struct Held {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    /// Opens on a thread called `name` and waits for its answer, `patience` at most. `look` runs until the device is to
    /// be closed, and says why if that was not asked for; `events` learns of it after the device is closed.
    ///
    /// # Errors
    /// What `open` says; a driver that hangs or panics.
    pub(crate) fn start<D, I: Send + 'static>(
        name: &'static str,
        patience: Duration,
        events: OnEvent,
        open: impl FnOnce() -> Result<(D, I), OpenDevice> + Send + 'static,
        look: impl FnOnce(&mut D, &AtomicBool) -> Option<StreamEvent> + Send + 'static,
    ) -> Result<(Self, I), OpenDevice> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (opened, answer) = sync_channel(1);
        let run = move || {
            // A driver that panics costs its device and nothing else.
            let end = catch_unwind(AssertUnwindSafe(|| hold(&opened, open, look, &stopped)));
            let end = end.unwrap_or_else(|_| Some(StreamEvent::Lost("the driver panicked".into())));
            drop(opened);
            tracing::info!(name, ?end, "closed");
            if let Some(event) = end {
                events(event);
            }
        };
        let thread =
            std::thread::Builder::new().name(name.into()).spawn(run).map_err(|e| OpenDevice::Failed(e.to_string()))?;
        match answer.recv_timeout(patience) {
            Ok(Ok(info)) => Ok((Self { stop, thread: Some(thread) }, info)),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => {
                stop.store(true, Ordering::Release);
                Err(OpenDevice::Failed("the system does not answer".into()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(OpenDevice::Failed("the driver panicked".into())),
        }
    }
}

fn hold<D, I>(
    opened: &SyncSender<Result<I, OpenDevice>>,
    open: impl FnOnce() -> Result<(D, I), OpenDevice>,
    look: impl FnOnce(&mut D, &AtomicBool) -> Option<StreamEvent>,
    stop: &AtomicBool,
) -> Option<StreamEvent> {
    let mut device = match open() {
        Ok((device, info)) => {
            opened.send(Ok(info)).ok()?;
            device
        }
        Err(error) => {
            // The opener may have given up waiting; then nobody needs the reason.
            drop(opened.send(Err(error)));
            return None;
        }
    };
    look(&mut device, stop)
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a device had panicked");
        }
    }
}

/// Waits beside a device that works on threads of its own: until told to stop (`None`), until the permit dies, or until
/// the device or `check`, asked every [`TICK`], says how it ended. The device says `None` when nobody wants it any more.
#[cfg_attr(
    not(any(test, target_os = "macos")),
    expect(dead_code, reason = "on Windows the holder does the work itself")
)]
pub(crate) fn watch(
    stop: &AtomicBool,
    is_live: impl Fn() -> bool,
    ended: &Receiver<Option<StreamEvent>>,
    mut check: impl FnMut() -> Option<StreamEvent>,
) -> Option<StreamEvent> {
    while !stop.load(Ordering::Acquire) {
        if !is_live() {
            return Some(StreamEvent::Revoked);
        }
        if let Some(end) = check() {
            return Some(end);
        }
        match ended.recv_timeout(TICK) {
            Ok(end) => return end,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Some(StreamEvent::Lost("the driver let go".into())),
        }
    }
    None
}

#[cfg(test)]
mod tests;
