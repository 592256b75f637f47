//! Cameras: one thread per open camera, which opens it, converts every picture to I420 and closes it.
//! The systems differ behind `backend`; permit, pace and panics are dealt with here, the same for all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::channel::LatestWriter;
use media_core::device::{DeviceInfo, OnEvent, OpenDevice, PictureWish, Pictures, StreamEvent};
use media_core::frame::Picture;
use protocol::ids::DeviceId;
use protocol::policy::{Camera, Permit};

use crate::picture::{Clock, Pace, Raw};

#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
mod fallback;
mod modes;
#[cfg(any(windows, target_os = "macos"))]
mod nokhwa;
#[cfg(target_os = "linux")]
mod v4l2;

#[cfg(any(windows, target_os = "macos"))]
use self::nokhwa as backend;
#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
use fallback as backend;
#[cfg(target_os = "linux")]
use v4l2 as backend;

/// A camera that does not open in this time hangs in its driver.
const OPENING: Duration = Duration::from_secs(15);
/// An open camera that delivers nothing for so long is broken.
const DROUGHT: Duration = Duration::from_secs(10);
/// How often the thread looks at its stop mark and its permit when no picture comes.
const TICK: Duration = Duration::from_millis(50);
/// So many unusable pictures in a row: the camera is broken.
const BROKEN: u32 = 60;

/// Every camera that can deliver something we understand.
pub(crate) fn list() -> Vec<DeviceInfo> {
    backend::list()
}

/// Something that differs when a camera comes or goes, cheap enough to ask for every second.
pub(crate) fn fingerprint() -> u64 {
    backend::fingerprint()
}

/// What waiting for a picture came to.
enum Got<T> {
    Picture(T),
    Nothing,
}

struct Open {
    device: DeviceId,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pictures for Open {
    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the camera's thread had panicked");
        }
    }
}

/// See [`media_core::device::Devices::open_camera`].
pub(crate) fn open(
    clock: Clock,
    permit: Permit<Camera>,
    device: Option<&DeviceId>,
    wish: PictureWish,
    slot: LatestWriter<Picture>,
    events: OnEvent,
) -> Result<Box<dyn Pictures>, OpenDevice> {
    if !permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (opened, answer) = sync_channel(1);
    let looking = Looking { clock, permit, wish, slot, stop: Arc::clone(&stop) };
    let wanted = device.cloned();
    let thread = std::thread::Builder::new()
        .name("camera".into())
        .spawn(move || {
            // A driver crate that panics costs the camera and nothing else.
            let end = catch_unwind(AssertUnwindSafe(|| looking.run(wanted.as_ref(), &opened)));
            let end = end.unwrap_or_else(|_| Some(StreamEvent::Lost("the camera driver panicked".into())));
            if let Some(event) = end {
                events(event);
            }
        })
        .map_err(|e| OpenDevice::Failed(e.to_string()))?;
    match answer.recv_timeout(OPENING) {
        Ok(Ok(device)) => Ok(Box::new(Open { device, stop, thread: Some(thread) })),
        Ok(Err(error)) => Err(error),
        Err(RecvTimeoutError::Timeout) => {
            // The thread closes the camera when the driver lets it go.
            stop.store(true, Ordering::Release);
            Err(OpenDevice::Failed("the camera does not answer".into()))
        }
        Err(RecvTimeoutError::Disconnected) => Err(OpenDevice::Failed("the camera driver panicked".into())),
    }
}

struct Looking {
    clock: Clock,
    permit: Permit<Camera>,
    wish: PictureWish,
    slot: LatestWriter<Picture>,
    stop: Arc<AtomicBool>,
}

impl Looking {
    /// Opens, answers, looks. The camera is closed when this returns.
    fn run(self, wanted: Option<&DeviceId>, opened: &SyncSender<Result<DeviceId, OpenDevice>>) -> Option<StreamEvent> {
        let mut source = match backend::Source::open(wanted, self.wish) {
            Ok((source, device)) => {
                opened.send(Ok(device)).ok()?;
                source
            }
            Err(error) => {
                // The opener may have given up waiting; then nobody needs the reason.
                drop(opened.send(Err(error)));
                return None;
            }
        };
        let end = self.look(&mut source);
        drop(source);
        tracing::info!(?end, "camera closed");
        end
    }

    fn look(&self, source: &mut backend::Source) -> Option<StreamEvent> {
        let mut pace = Pace::new(self.wish.fps);
        let mut last = Instant::now();
        let mut broken = 0;
        while !self.stop.load(Ordering::Acquire) {
            if !self.permit.is_live() {
                return Some(StreamEvent::Revoked);
            }
            match source.next(TICK, |raw| self.convert(&mut pace, raw)) {
                Ok(Got::Picture(Some(Ok(picture)))) => {
                    (last, broken) = (Instant::now(), 0);
                    // Revoked while we waited or converted: this picture is not shown.
                    if !self.permit.is_live() {
                        return Some(StreamEvent::Revoked);
                    }
                    if !self.slot.put(picture) {
                        return None;
                    }
                }
                Ok(Got::Picture(Some(Err(error)))) => {
                    last = Instant::now();
                    broken += 1;
                    tracing::debug!(%error, "camera picture dropped");
                    if broken >= BROKEN {
                        return Some(StreamEvent::Lost(error.to_string()));
                    }
                }
                Ok(Got::Picture(None)) => last = Instant::now(),
                Ok(Got::Nothing) if last.elapsed() > DROUGHT => {
                    return Some(StreamEvent::Lost("the camera delivers no pictures".into()));
                }
                Ok(Got::Nothing) => {}
                Err(why) => return Some(StreamEvent::Lost(why)),
            }
        }
        None
    }

    fn convert(&self, pace: &mut Pace, raw: Raw<'_>) -> Option<Result<Picture, crate::picture::Broken>> {
        let now = self.clock.now();
        pace.admits(now).then(|| raw.to_picture(now))
    }
}
