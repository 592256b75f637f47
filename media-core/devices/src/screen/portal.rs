//! Wayland: no program sees a screen there but through the desktop, which asks the person in a dialog of its own what to
//! show. So there is one thing to share here, "ask the desktop", and listing it asks nobody: a session of the portal begins
//! when the person shares, and with it exactly one dialog. Nothing is remembered: the next time the desktop asks again.
//!
//! `ask` talks to the portal over D-Bus, `stream` reads the pixels from PipeWire.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use ask::{Given, Leave};
use media_core::device::{OpenDevice, Pictures, ScreenInfo, ScreenKind, ScreensUnavailable, StreamEvent};
use protocol::ids::DeviceId;
use stream::Stream;

use super::Looker;
use super::paced::{Showing, look};

mod ask;
mod stream;

/// The one thing that can be shared.
const ID: &str = "portal";

/// The desktop, as far as it can be asked for screens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Portal {
    /// For tests: the address of its bus. Usually the environment names it.
    bus: Option<String>,
    /// Counts who asked: a newer question takes an older one's dialog away.
    asked: Arc<AtomicU64>,
}

impl Portal {
    /// The one on this bus, whatever the environment says.
    pub(crate) fn on(bus: String) -> Self {
        Self { bus: Some(bus), ..Self::default() }
    }

    /// Is it the way to screens? A named display is always X11.
    pub(super) fn is_the_way(&self, display: Option<&str>) -> bool {
        self.bus.is_some() || super::desktop::is_wayland(display)
    }

    /// What can be shared: without a word to the desktop.
    pub(super) fn list() -> Result<Vec<ScreenInfo>, ScreensUnavailable> {
        let id = DeviceId::parse(ID.to_owned()).ok();
        let one = |id| ScreenInfo {
            id,
            // The page has words for it; what the person chooses has no name we are told.
            name: String::new(),
            width: 0,
            height: 0,
            is_primary: false,
            kind: ScreenKind::Portal,
        };
        Ok(id.into_iter().map(one).collect())
    }

    /// Asks the person, through the desktop, and shows what was chosen. Takes as long as the person does.
    pub(super) fn open(&self, screen: &DeviceId, looker: Looker) -> Result<Box<dyn Pictures>, OpenDevice> {
        if screen.as_str() != ID {
            return Err(OpenDevice::Missing);
        }
        if !looker.permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        let number = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let leave = || {
            if !looker.permit.is_live() {
                Leave::Revoked
            } else if !looker.slot.is_read() || self.asked.load(Ordering::Acquire) != number {
                Leave::Unwanted
            } else {
                Leave::Stay
            }
        };
        // The library takes a portal that answers nonsense for a bug, and panics.
        let asked = catch_unwind(AssertUnwindSafe(|| async_io::block_on(ask::ask(self.bus.as_deref(), leave))));
        let given = asked.unwrap_or_else(|_| Err(OpenDevice::Failed("asking the portal panicked".into())))?;
        show(screen, given, looker)
    }
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
            tracing::error!("the screen's thread had panicked");
        }
    }
}

/// Looks on a thread of its own.
fn show(screen: &DeviceId, given: Given, looker: Looker) -> Result<Box<dyn Pictures>, OpenDevice> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let thread = std::thread::Builder::new()
        .name("screen".into())
        .spawn(move || {
            let Looker { clock, permit, wish, slot, events } = looker;
            let showing = Showing { clock, permit, fps: wish.fps, slot };
            let end = catch_unwind(AssertUnwindSafe(|| {
                let Given { remote, node, session } = given;
                match Stream::open(remote, node, session, clock, showing.permit.clone()) {
                    Ok(mut stream) => look(&mut stream, &showing, &told),
                    Err(error) => Some(StreamEvent::Lost(error.to_string())),
                }
            }));
            let end = end.unwrap_or_else(|_| Some(StreamEvent::Lost("screen capture panicked".into())));
            tracing::info!(?end, "screen closed");
            drop(showing);
            if let Some(event) = end {
                events(event);
            }
        })
        .map_err(|e| OpenDevice::Failed(e.to_string()))?;
    Ok(Box::new(Open { device: screen.clone(), stop, thread: Some(thread) }))
}
