//! Devices coming and going: one thread that sleeps until some source of news has something to say, and passes on that
//! something changed. What changed is for [`media_core::device::Devices::list`] to tell.
//! Where the system offers no news to wait for (`doorbell` of that system), it looks from time to time instead.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::device::{DeviceInfo, Watch};

#[cfg(target_os = "linux")]
mod inotify;
#[cfg(not(target_os = "linux"))]
#[path = "hotplug/elsewhere.rs"]
mod inotify;

use self::inotify::Doorbell;
use crate::{audio, camera, pulse, screen};

/// Between two looks at what has to be asked for: sound devices without a sound server, cameras without news of them.
const SLOW: Duration = Duration::from_millis(1500);

/// Where to look; `None` means where the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) display: Option<String>,
    pub(crate) sound_server: Option<PathBuf>,
}

struct Watching {
    stop: Arc<AtomicBool>,
    waker: inotify::Waker,
    thread: Option<JoinHandle<()>>,
}

impl Watch for Watching {}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
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
    let (mut bell, waker) = Doorbell::hang();
    let mut news = News::start(places);
    let thread = std::thread::Builder::new().name("devices".into()).spawn(move || {
        while !stopped.load(Ordering::Acquire) {
            let rang = bell.wait(news.sound.changes(), news.screens.as_ref(), news.pause());
            if news.any(rang) && !stopped.load(Ordering::Acquire) {
                changed();
            }
        }
    });
    let thread = thread.inspect_err(|error| tracing::error!(%error, "devices are not watched")).ok();
    Box::new(Watching { stop, waker, thread })
}

/// Everything that can tell of devices.
struct News {
    places: Places,
    sound: Sound,
    cameras: u64,
    screens: Option<screen::Changes>,
    slow: Instant,
}

enum Sound {
    /// The sound server tells.
    Told(pulse::Changes),
    /// It has died; a new one is looked for.
    Gone,
    /// Nobody tells: the list itself is compared.
    Asked((Vec<DeviceInfo>, Vec<DeviceInfo>)),
}

impl Sound {
    fn reach(places: &Places) -> Option<pulse::Changes> {
        pulse::Server::reach(places.sound_server.as_deref()).and_then(pulse::Server::changes)
    }

    fn start(places: &Places) -> Self {
        Self::reach(places).map_or_else(|| Self::Asked(audio::list()), Self::Told)
    }

    const fn changes(&self) -> Option<&pulse::Changes> {
        match self {
            Self::Told(changes) => Some(changes),
            Self::Gone | Self::Asked(_) => None,
        }
    }
}

impl News {
    fn start(places: Places) -> Self {
        Self {
            sound: Sound::start(&places),
            cameras: camera::fingerprint(),
            screens: screen::Changes::watch(places.display.as_deref()),
            slow: Instant::now(),
            places,
        }
    }

    /// How long nothing needs to be looked at, as long as nobody rings.
    const fn pause(&self) -> Duration {
        match self.sound {
            Sound::Told(_) => inotify::PAUSE,
            // Somebody in a meeting hears nothing: a new server is found at once.
            Sound::Gone => Duration::from_millis(50),
            Sound::Asked(_) => inotify::ASKING,
        }
    }

    /// Did anything change? `rang`: a camera may have.
    fn any(&mut self, rang: bool) -> bool {
        let now = Instant::now();
        let slow = now.duration_since(self.slow) >= self.pause().max(inotify::ASKING).min(SLOW);
        let mut changed = self.sound(slow) || rang;
        if slow {
            self.slow = now;
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
                    self.sound = Sound::Gone;
                    true
                }
            },
            Sound::Gone => match Sound::reach(&self.places) {
                Some(changes) => {
                    self.sound = Sound::Told(changes);
                    true
                }
                None => false,
            },
            Sound::Asked(_) if !slow => false,
            Sound::Asked(before) => {
                let now = Sound::start(&self.places);
                let changed = match &now {
                    Sound::Told(_) | Sound::Gone => true,
                    Sound::Asked(list) => list != before,
                };
                self.sound = now;
                changed
            }
        }
    }
}
