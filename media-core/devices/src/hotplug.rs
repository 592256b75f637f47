//! Devices coming and going: one thread that asks every source of news twice a second and says that something changed.
//! What changed is for [`media_core::device::Devices::list`] to tell.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use media_core::device::{DeviceInfo, Watch};

use crate::{audio, camera, pulse, screen};

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(500);
/// Rounds between two looks at what has to be asked for: cameras, and sound devices without a sound server.
const SLOW: u32 = 3;

/// Where to look; `None` means where the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) display: Option<String>,
    pub(crate) sound_server: Option<PathBuf>,
}

struct Watching {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch for Watching {}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        // A watcher may be dropped by its own callback; then it ends by itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the device watcher had panicked");
        }
    }
}

/// See [`media_core::device::Devices::watch`].
pub(crate) fn watch(places: Places, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // What is there at this moment is known before this returns: whatever changes afterwards is noticed.
    let mut news = News::start(places);
    let thread = std::thread::Builder::new().name("devices".into()).spawn(move || {
        let mut round = 0u32;
        while !stopped.load(Ordering::Acquire) {
            std::thread::park_timeout(ROUND);
            round = round.wrapping_add(1);
            if news.any(round.is_multiple_of(SLOW)) && !stopped.load(Ordering::Acquire) {
                changed();
            }
        }
    });
    let thread = thread.inspect_err(|error| tracing::error!(%error, "devices are not watched")).ok();
    Box::new(Watching { stop, thread })
}

/// Everything that can tell of devices.
struct News {
    places: Places,
    sound: Sound,
    cameras: u64,
    screens: Option<screen::Changes>,
}

enum Sound {
    /// The sound server tells.
    Told(pulse::Changes),
    /// Nobody tells: the list itself is compared.
    Asked((Vec<DeviceInfo>, Vec<DeviceInfo>)),
}

impl Sound {
    fn start(places: &Places) -> Self {
        match pulse::Server::reach(places.sound_server.as_deref()).and_then(pulse::Server::changes) {
            Some(changes) => Self::Told(changes),
            None => Self::Asked(audio::list()),
        }
    }
}

impl News {
    fn start(places: Places) -> Self {
        Self {
            sound: Sound::start(&places),
            cameras: camera::fingerprint(),
            screens: screen::Changes::watch(places.display.as_deref()),
            places,
        }
    }

    /// Did anything change? The expensive questions only on slow rounds.
    fn any(&mut self, slow: bool) -> bool {
        let mut changed = self.sound(slow);
        if slow {
            let cameras = camera::fingerprint();
            changed |= cameras != self.cameras;
            self.cameras = cameras;
        }
        match self.screens.as_mut().map(screen::Changes::drain) {
            Some(Some(told)) => changed |= told,
            Some(None) => {
                self.screens = None;
                changed = true;
            }
            None => {}
        }
        changed
    }

    fn sound(&mut self, slow: bool) -> bool {
        match &mut self.sound {
            Sound::Told(changes) => match changes.drain() {
                Some(changed) => changed,
                None => {
                    // The server died; perhaps the next round finds a new one.
                    self.sound = Sound::Asked(audio::list());
                    true
                }
            },
            Sound::Asked(_) if !slow => false,
            Sound::Asked(before) => {
                let now = Sound::start(&self.places);
                let changed = match &now {
                    Sound::Told(_) => true,
                    Sound::Asked(list) => list != before,
                };
                self.sound = now;
                changed
            }
        }
    }
}
