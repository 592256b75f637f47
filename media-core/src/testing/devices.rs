//! Hardware that is not there: a microphone that speaks, a speaker that remembers, a test-card camera, a text screen.
//! Every open device runs one thread at the pace of the real clock, as hardware does; dropping its handle ends it.
//! Can be unplugged, busy, missing or denied; more microphones and speakers can come and go, and the default change.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use protocol::ids::DeviceId;
use protocol::policy::{Camera, Permit, Screen};

use super::{Speech, TestCard, TextScreen};
use crate::channel::{LatestWriter, RingReader, RingWriter};
use crate::device::{
    AudioIn, AudioOut, DeviceInfo, DeviceList, Devices, ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures,
    ScreenInfo, ScreenKind, ScreensUnavailable, Stills, StreamEvent, StreamFormat, Watch,
};
use crate::frame::{Picture, Size};
use crate::time::MediaTime;
use crate::video::scale::Scaler;

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
    /// Picture in.
    Camera,
    /// A monitor.
    Screen,
    /// What other programs play.
    System,
}

/// What is wrong with a kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is none; it is not listed.
    Missing,
    /// Another program has it.
    Busy,
    /// The system says no.
    Denied,
    /// The person is asked and does not choose.
    Cancelled,
    /// The person is asked and has not chosen yet. Of a screen; other devices do not ask.
    Asks,
}

/// What the hardware is like.
#[derive(Debug, Clone)]
pub struct FakeSetup {
    /// Of the voice; people with different seeds sound different.
    pub seed: u64,
    /// What the microphone hears, mono at its rate, over and over; `None`: [`Speech`] by the seed.
    pub sound: Option<Arc<[f32]>>,
    /// The microphone's format.
    pub microphone: StreamFormat,
    /// The speaker's format.
    pub speaker: StreamFormat,
    /// The microphone's clock is off by this many parts per million.
    pub drift_ppm: f64,
    /// The monitor's size.
    pub screen: Size,
    /// What other programs play, mono at 48 kHz, over and over; `None`: this system cannot share it.
    pub system: Option<Arc<[f32]>>,
}

impl Default for FakeSetup {
    fn default() -> Self {
        Self {
            seed: 1,
            sound: None,
            microphone: StreamFormat { rate: 48_000, channels: 1 },
            speaker: StreamFormat { rate: 48_000, channels: 2 },
            drift_ppm: 0.0,
            screen: Size { width: 1280, height: 720 },
            system: None,
        }
    }
}

/// Sound remembered by a speaker at most: ten minutes.
const MAX_PLAYED: usize = 48_000 * 600;
/// The pace of sound devices.
const PERIOD: Duration = Duration::from_millis(10);

const KINDS: usize = 5;

type Watcher = Box<dyn Fn() + Send + Sync>;

struct Shared {
    setup: FakeSetup,
    faults: Mutex<Vec<(DeviceKind, Fault)>>,
    /// Rises with every unplugging of the kind: streams opened before are lost.
    unplugged: [AtomicUsize; KINDS],
    open: [AtomicUsize; KINDS],
    opened: [AtomicUsize; KINDS],
    /// Rises when the system moves the open microphone elsewhere.
    switched: AtomicUsize,
    /// The camera sees black.
    covered: AtomicBool,
    /// What is shared is minimised.
    hidden: AtomicBool,
    /// Besides the one that is always known.
    more: Mutex<Vec<(DeviceKind, DeviceId)>>,
    /// What the system calls its default; without a word it is the first.
    defaults: Mutex<Vec<(DeviceKind, DeviceId)>>,
    played: Mutex<Vec<f32>>,
    watchers: Mutex<Vec<(usize, Arc<Watcher>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn slot(kind: DeviceKind) -> usize {
    match kind {
        DeviceKind::Microphone => 0,
        DeviceKind::Speaker => 1,
        DeviceKind::Camera => 2,
        DeviceKind::Screen => 3,
        DeviceKind::System => 4,
    }
}

const fn name(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Microphone => "fake-microphone",
        DeviceKind::Speaker => "fake-speaker",
        DeviceKind::Camera => "fake-camera",
        DeviceKind::Screen => "fake-screen",
        DeviceKind::System => "fake-system",
    }
}

fn id(kind: DeviceKind) -> DeviceId {
    DeviceId::parse(name(kind)).expect("the names above are printable")
}

/// Synthetic [`Devices`]. Clones are the same hardware.
#[derive(Clone)]
pub struct FakeDevices(Arc<Shared>);

impl Default for FakeDevices {
    fn default() -> Self {
        Self::new(FakeSetup::default())
    }
}

impl FakeDevices {
    /// One of everything.
    #[must_use]
    pub fn new(setup: FakeSetup) -> Self {
        Self(Arc::new(Shared {
            setup,
            faults: Mutex::default(),
            unplugged: Default::default(),
            open: Default::default(),
            opened: Default::default(),
            played: Mutex::default(),
            switched: AtomicUsize::new(0),
            covered: AtomicBool::new(false),
            hidden: AtomicBool::new(false),
            more: Mutex::default(),
            defaults: Mutex::default(),
            watchers: Mutex::default(),
        }))
    }

    /// Gives a kind of device a fault for what is opened from now on, or takes it away; watchers are told.
    pub fn set_fault(&self, kind: DeviceKind, fault: Option<Fault>) {
        {
            let mut faults = lock(&self.0.faults);
            faults.retain(|(k, _)| *k != kind);
            faults.extend(fault.map(|fault| (kind, fault)));
        }
        self.tell();
    }

    /// Pulls the plug: open streams of the kind are lost and it is missing until [`FakeDevices::replug`].
    pub fn unplug(&self, kind: DeviceKind) {
        self.0.unplugged[slot(kind)].fetch_add(1, Ordering::AcqRel);
        self.set_fault(kind, Some(Fault::Missing));
    }

    /// The system moves the open microphone to another source, as sound servers do when one disappears.
    pub fn switch_microphone(&self) {
        self.0.switched.fetch_add(1, Ordering::AcqRel);
    }

    /// Puts the cover before the camera, or opens it.
    pub fn cover_camera(&self, covered: bool) {
        self.0.covered.store(covered, Ordering::Release);
    }

    /// Minimises the shared window, or brings it back.
    pub fn hide_screen(&self, hidden: bool) {
        self.0.hidden.store(hidden, Ordering::Release);
    }

    /// Puts the plug back in.
    pub fn replug(&self, kind: DeviceKind) {
        self.set_fault(kind, None);
    }

    /// Plugs in another device of the kind; it is called by its id, which must be printable.
    pub fn add(&self, kind: DeviceKind, device: &str) {
        lock(&self.0.more).push((kind, DeviceId::parse(device).expect("a printable id")));
        self.tell();
    }

    /// Pulls out what [`FakeDevices::add`] plugged in; its open streams are lost.
    pub fn remove(&self, kind: DeviceKind, device: &str) {
        lock(&self.0.more).retain(|(k, id)| !(*k == kind && id.as_str() == device));
        self.tell();
    }

    /// Makes a device the system's default.
    pub fn set_default(&self, kind: DeviceKind, device: &str) {
        {
            let mut defaults = lock(&self.0.defaults);
            defaults.retain(|(k, _)| *k != kind);
            defaults.push((kind, DeviceId::parse(device).expect("a printable id")));
        }
        self.tell();
    }

    /// What there is of the kind, the default first.
    fn present(&self, kind: DeviceKind) -> Vec<DeviceId> {
        let mut all = Vec::new();
        if self.fault(kind) != Some(Fault::Missing) {
            all.push(id(kind));
        }
        all.extend(lock(&self.0.more).iter().filter(|(k, _)| *k == kind).map(|(_, id)| id.clone()));
        let default = lock(&self.0.defaults).iter().find(|(k, _)| *k == kind).map(|(_, id)| id.clone());
        all.sort_by_key(|id| Some(id) != default.as_ref());
        all
    }

    /// Streams of the kind open now.
    #[must_use]
    pub fn open_streams(&self, kind: DeviceKind) -> usize {
        self.0.open[slot(kind)].load(Ordering::Acquire)
    }

    /// Streams of the kind ever opened.
    #[must_use]
    pub fn ever_opened(&self, kind: DeviceKind) -> usize {
        self.0.opened[slot(kind)].load(Ordering::Acquire)
    }

    /// What the speaker has played since the last [`FakeDevices::forget_played`], mono at the speaker's rate.
    #[must_use]
    pub fn played(&self) -> Vec<f32> {
        lock(&self.0.played).clone()
    }

    /// Empties the speaker's memory.
    pub fn forget_played(&self) {
        lock(&self.0.played).clear();
    }

    fn tell(&self) {
        let watchers: Vec<_> = lock(&self.0.watchers).iter().map(|(_, w)| Arc::clone(w)).collect();
        for watcher in watchers {
            watcher();
        }
    }

    fn fault(&self, kind: DeviceKind) -> Option<Fault> {
        lock(&self.0.faults).iter().find(|(k, _)| *k == kind).map(|(_, fault)| *fault)
    }

    /// Which device that is, if it can be opened.
    fn check(&self, kind: DeviceKind, wanted: Option<&DeviceId>) -> Result<DeviceId, OpenDevice> {
        let present = self.present(kind);
        let found = match wanted {
            Some(wanted) => present.into_iter().find(|id| id == wanted),
            None => present.into_iter().next(),
        };
        let found = found.ok_or(OpenDevice::Missing)?;
        match self.fault(kind).filter(|_| found == id(kind)) {
            Some(Fault::Missing) => Err(OpenDevice::Missing),
            Some(Fault::Busy) => Err(OpenDevice::Busy),
            Some(Fault::Denied) => Err(OpenDevice::Denied),
            Some(Fault::Cancelled | Fault::Asks) => Err(OpenDevice::Cancelled),
            None => Ok(found),
        }
    }

    /// Runs `step` every `period` until the handle is dropped, the plug pulled or the permit dead. `step` is told the time
    /// since the start and answers `false` to end.
    #[expect(clippy::disallowed_methods, reason = "stands in for hardware, which has threads and clocks of its own")]
    fn stream(
        &self,
        kind: DeviceKind,
        device: DeviceId,
        period: Duration,
        events: OnEvent,
        is_live: impl Fn() -> bool + Send + 'static,
        mut step: impl FnMut(Duration) -> bool + Send + 'static,
    ) -> Result<Stream, OpenDevice> {
        let shared = Arc::clone(&self.0);
        let place = slot(kind);
        let plug = shared.unplugged[place].load(Ordering::Acquire);
        let switched = shared.switched.load(Ordering::Acquire);
        let (whole, opened_id) = (self.clone(), device.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        shared.open[place].fetch_add(1, Ordering::AcqRel);
        shared.opened[place].fetch_add(1, Ordering::AcqRel);
        let run = move || {
            let start = Instant::now();
            let mut due = period;
            let mut hidden = false;
            while !stopped.load(Ordering::Acquire) {
                if !is_live() {
                    events(StreamEvent::Revoked);
                    break;
                }
                let pulled = if opened_id == id(kind) {
                    shared.unplugged[place].load(Ordering::Acquire) != plug
                } else {
                    !whole.present(kind).contains(&opened_id)
                };
                if kind == DeviceKind::Microphone && shared.switched.load(Ordering::Acquire) != switched {
                    events(StreamEvent::Switched);
                    break;
                }
                let now_hidden = kind == DeviceKind::Screen && shared.hidden.load(Ordering::Acquire);
                if std::mem::replace(&mut hidden, now_hidden) != now_hidden {
                    events(StreamEvent::Hidden(now_hidden));
                }
                if pulled {
                    events(StreamEvent::Lost("unplugged".to_owned()));
                    break;
                }
                if !step(start.elapsed()) {
                    break;
                }
                std::thread::sleep(due.saturating_sub(start.elapsed()));
                due += period;
            }
            shared.open[place].fetch_sub(1, Ordering::AcqRel);
        };
        match std::thread::Builder::new().name(name(kind).to_owned()).spawn(run) {
            Ok(thread) => Ok(Stream { device, format: None, stop, thread: Some(thread) }),
            Err(error) => {
                self.0.open[place].fetch_sub(1, Ordering::AcqRel);
                Err(OpenDevice::Failed(error.to_string()))
            }
        }
    }

    fn pictures(
        &self,
        (kind, device): (DeviceKind, DeviceId),
        fps: u32,
        slot: LatestWriter<Picture>,
        events: OnEvent,
        is_live: impl Fn() -> bool + Send + 'static,
        mut paint: impl FnMut(u16, MediaTime) -> Picture + Send + 'static,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        let mut counter = 0_u16;
        let period = Duration::from_secs(1) / fps.clamp(1, 60);
        let stream = self.stream(kind, device, period, events, is_live, move |since| {
            counter = counter.wrapping_add(1);
            slot.put(paint(counter, MediaTime::ZERO + since))
        })?;
        Ok(Box::new(stream))
    }
}

/// An open fake device.
struct Stream {
    device: DeviceId,
    format: Option<StreamFormat>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(device = self.device.as_str(), "a fake device panicked");
        }
    }
}

impl AudioIn for Stream {
    fn format(&self) -> StreamFormat {
        self.format.unwrap_or(StreamFormat { rate: 48_000, channels: 1 })
    }

    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl AudioOut for Stream {
    fn format(&self) -> StreamFormat {
        self.format.unwrap_or(StreamFormat { rate: 48_000, channels: 2 })
    }

    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl Pictures for Stream {
    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

struct Watching {
    shared: Arc<Shared>,
    number: usize,
}

impl Watch for Watching {}

impl Drop for Watching {
    fn drop(&mut self) {
        lock(&self.shared.watchers).retain(|(number, _)| *number != self.number);
    }
}

/// Frames of a stream due after so long, at its rate and drift.
fn due_frames(since: Duration, rate: u32, drift_ppm: f64) -> u64 {
    (since.as_secs_f64() * f64::from(rate) * (1.0 + drift_ppm / 1e6)) as u64
}

impl Devices for FakeDevices {
    fn list(&self) -> DeviceList {
        let one = |kind, name: &str| -> Vec<DeviceInfo> {
            let present = self.present(kind).into_iter().enumerate();
            let named = |one: &DeviceId| if *one == id(kind) { name.to_owned() } else { one.to_string() };
            present.map(|(at, id)| DeviceInfo { name: named(&id), id, is_default: at == 0 }).collect()
        };
        let Size { width, height } = self.0.setup.screen;
        let screens = if self.fault(DeviceKind::Screen) == Some(Fault::Missing) {
            Err(ScreensUnavailable::NoDisplay)
        } else {
            let name = "Fake screen".to_owned();
            Ok(vec![ScreenInfo {
                id: id(DeviceKind::Screen),
                name,
                width,
                height,
                is_primary: true,
                kind: ScreenKind::Monitor,
            }])
        };
        DeviceList {
            microphones: one(DeviceKind::Microphone, "Fake microphone"),
            speakers: one(DeviceKind::Speaker, "Fake speaker"),
            cameras: one(DeviceKind::Camera, "Fake camera"),
            screens,
            system_audio: self.0.setup.system.is_some(),
        }
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch> {
        let mut watchers = lock(&self.0.watchers);
        let number = watchers.last().map_or(0, |(number, _)| number + 1);
        watchers.push((number, Arc::new(changed)));
        Box::new(Watching { shared: Arc::clone(&self.0), number })
    }

    fn open_microphone(
        &self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        mut ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        let device = self.check(DeviceKind::Microphone, device)?;
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        let FakeSetup { seed, sound, microphone: format, drift_ppm, .. } = self.0.setup.clone();
        let mut speech = Speech::new(seed, format.rate);
        let mut place = 0;
        let mut done = 0;
        let step = move |since: Duration| {
            let due = due_frames(since, format.rate, drift_ppm);
            let frames = usize::try_from(due.saturating_sub(done)).unwrap_or(0).min(format.rate as usize);
            done = due;
            let mono = match &sound {
                Some(sound) if !sound.is_empty() => (0..frames)
                    .map(|_| {
                        let sample = sound[place % sound.len()];
                        place += 1;
                        sample
                    })
                    .collect(),
                Some(_) => vec![0.0; frames],
                None => speech.take(frames),
            };
            for sample in mono {
                // A whole frame or nothing, as a driver would.
                if ring.room() >= usize::from(format.channels) {
                    for _ in 0..format.channels {
                        ring.write(&[sample]);
                    }
                }
            }
            !ring.is_abandoned()
        };
        let mut stream = self.stream(DeviceKind::Microphone, device, PERIOD, events, move || permit.is_live(), step)?;
        stream.format = Some(format);
        Ok(Box::new(stream))
    }

    fn open_speaker(
        &self,
        device: Option<&DeviceId>,
        mut ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        let device = self.check(DeviceKind::Speaker, device)?;
        let format = self.0.setup.speaker;
        let channels = usize::from(format.channels.max(1));
        let shared = Arc::clone(&self.0);
        let mut done = 0;
        let step = move |since: Duration| {
            let due = due_frames(since, format.rate, 0.0);
            let frames = usize::try_from(due.saturating_sub(done)).unwrap_or(0).min(format.rate as usize);
            done = due;
            let mut raw = vec![0.0; frames * channels];
            ring.read(&mut raw);
            let mut played = lock(&shared.played);
            let room = MAX_PLAYED.saturating_sub(played.len());
            played.extend(raw.chunks_exact(channels).map(|frame| frame[0]).take(room));
            true
        };
        let mut stream = self.stream(DeviceKind::Speaker, device, PERIOD, events, || true, step)?;
        stream.format = Some(format);
        Ok(Box::new(stream))
    }

    fn open_system_audio(
        &self,
        permit: Permit<Screen>,
        mut ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        let device = self.check(DeviceKind::System, None)?;
        let sound = self.0.setup.system.clone().filter(|s| !s.is_empty()).ok_or(OpenDevice::Unsupported)?;
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        let (mut done, mut place) = (0, 0);
        let step = move |since: Duration| {
            let due = due_frames(since, 48_000, 0.0);
            for _ in 0..due.saturating_sub(done).min(48_000) {
                if ring.room() >= 2 {
                    ring.write(&[sound[place]; 2]);
                }
                place = (place + 1) % sound.len();
            }
            done = due;
            !ring.is_abandoned()
        };
        let mut stream = self.stream(DeviceKind::System, device, PERIOD, events, move || permit.is_live(), step)?;
        stream.format = Some(StreamFormat { rate: 48_000, channels: 2 });
        Ok(Box::new(stream))
    }

    fn open_camera(
        &self,
        permit: Permit<Camera>,
        device: Option<&DeviceId>,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        let device = self.check(DeviceKind::Camera, device)?;
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        let size = Size::even(wish.width.clamp(160, 1280), wish.height.clamp(120, 720));
        let size = size.ok_or(OpenDevice::Unsupported)?;
        let mut card = TestCard::new(size);
        let shared = Arc::clone(&self.0);
        let paint = move |counter, at| {
            let black = || {
                let mut data = vec![16; size.i420_len()];
                data[(size.width * size.height) as usize..].fill(128);
                Picture::new(size, data.into(), at)
            };
            let covered = shared.covered.load(Ordering::Acquire);
            covered.then(black).flatten().unwrap_or_else(|| card.paint(counter, at))
        };
        self.pictures((DeviceKind::Camera, device), wish.fps, slot, events, move || permit.is_live(), paint)
    }

    fn open_screen(
        &self,
        permit: Permit<Screen>,
        screen: &DeviceId,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        while self.fault(DeviceKind::Screen) == Some(Fault::Asks) && permit.is_live() {
            if !slot.is_read() {
                return Err(OpenDevice::Cancelled);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let device = self.check(DeviceKind::Screen, Some(screen))?;
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        let mut text = TextScreen::new(self.0.setup.screen);
        let paint = move |counter, at| text.paint(counter, at);
        self.pictures((DeviceKind::Screen, device), wish.fps, slot, events, move || permit.is_live(), paint)
    }

    fn open_stills(&self, permit: Permit<Screen>) -> Result<Box<dyn Stills>, OpenDevice> {
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        Ok(Box::new(FakeStills {
            devices: self.clone(),
            permit,
            text: TextScreen::new(self.0.setup.screen),
            counter: 0,
        }))
    }
}

/// The text screen, small.
struct FakeStills {
    devices: FakeDevices,
    permit: Permit<Screen>,
    text: TextScreen,
    counter: u16,
}

impl Stills for FakeStills {
    fn still(&mut self, screen: &DeviceId, limit: Size) -> Result<Picture, OpenDevice> {
        self.devices.check(DeviceKind::Screen, Some(screen))?;
        if !self.permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        self.counter = self.counter.wrapping_add(1);
        Ok(Scaler::new().fit(&self.text.paint(self.counter, MediaTime::ZERO), limit))
    }
}
