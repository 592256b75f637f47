//! Notices that a monitor of this computer shows what another shows: a projector, or a television by AirPlay. A thread of
//! its own, only while the meeting is protected, that asks once a second: the system's own news of monitors would need the main
//! thread's run loop. What is told, and how often, is decided in `mirrors.rs`.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use objc2_core_graphics::{CGDisplayMirrorsDisplay, CGError, CGGetOnlineDisplayList};
use protocol::shield::ShieldIncident;

use super::super::mirrors::Mirrors;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Monitors that are looked at.
const MONITORS: u32 = 32;
/// What a monitor that mirrors nothing answers (`kCGNullDirectDisplay`).
const NOTHING: u32 = 0;

/// Watches until it is dropped.
pub(super) struct Mirroring {
    stop: Option<SyncSender<()>>,
    runs: Option<JoinHandle<()>>,
}

impl Mirroring {
    /// `None`: the system has no thread for it; a mirrored screen is not noticed then.
    pub(super) fn guard(told: impl Fn(ShieldIncident) + Send + 'static) -> Option<Self> {
        let (stop, stopped) = sync_channel::<()>(0);
        let watch = move || {
            let mut mirrors = Mirrors::default();
            loop {
                if let Some(incident) = mirrors.look(mirrored(), Instant::now()) {
                    told(incident);
                }
                if stopped.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("shield-mirroring".into()).spawn(watch) {
            Ok(runs) => Some(Self { stop: Some(stop), runs: Some(runs) }),
            Err(error) => {
                tracing::warn!(%error, "a mirrored screen is not noticed");
                None
            }
        }
    }
}

impl Drop for Mirroring {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.runs.take().is_some_and(|runs| runs.join().is_err()) {
            tracing::error!("the watch of mirrored screens panicked");
        }
    }
}

/// Does any monitor mirror another? `None`: the system does not say.
fn mirrored() -> Option<bool> {
    let mut monitors = [NOTHING; MONITORS as usize];
    let mut count = 0;
    // SAFETY: `monitors` has room for as many as are asked for; both outlive the call.
    let answer = unsafe { CGGetOnlineDisplayList(MONITORS, monitors.as_mut_ptr(), &raw mut count) };
    if answer != CGError::Success {
        tracing::debug!(?answer, "the monitors are not known");
        return None;
    }
    Some(monitors.iter().take(count as usize).any(|monitor| CGDisplayMirrorsDisplay(*monitor) != NOTHING))
}
