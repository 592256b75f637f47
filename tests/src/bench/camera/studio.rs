//! A camera whose every picture is known: painted anew from its number, so that what arrives can be compared with it, and
//! noted when it was taken. Everything else of its machine is synthetic. Runs on a thread of its own while it is open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use media_core::channel::{LatestWriter, RingReader, RingWriter};
use media_core::device::{
    AudioIn, AudioOut, DeviceList, Devices, ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures, Stills, Watch,
};
use media_core::frame::{Picture, Size};
use media_core::testing::{FakeDevices, TestCard};
use media_core::time::MediaTime;
use protocol::ids::DeviceId;
use protocol::policy::{Camera, Permit, Screen};

/// What is filmed.
pub(super) const SIZE: Size = Size { width: 1280, height: 720 };
/// Pictures a second.
const FPS: u32 = 30;

/// Paints the pictures: the test card with its counter, and on it somebody with a patterned pullover who sways.
pub(super) struct Painter {
    card: TestCard,
    /// Grain that stands still: what lies behind a person.
    wall: Vec<u8>,
}

impl Painter {
    pub(super) fn new() -> Self {
        let mut seed = 1_u32;
        let mut grain = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 28) as u8
        };
        let wall = (0..SIZE.width * SIZE.height).map(|_| grain()).collect();
        Self { card: TestCard::new(SIZE), wall }
    }

    pub(super) fn paint(&mut self, number: u16) -> Picture {
        let picture = self.card.paint(number, MediaTime::ZERO);
        let (w, h) = (SIZE.width as usize, SIZE.height as usize);
        let mut data = picture.data().to_vec();
        let turn = f64::from(number) / 30.0;
        let (middle, lift) = (w as f64 * (0.5 + 0.06 * turn.sin()), h as f64 * 0.02 * (turn * 2.3).sin());
        // The counter is above, the card's moving bar below.
        for line in h / 4..h * 3 / 4 {
            let down = (line as f64 - lift - h as f64 * 0.5) / (h as f64 * 0.3);
            let half = (1.0 - down * down).max(0.0).sqrt() * w as f64 * 0.16;
            for x in 0..w {
                let at = line * w + x;
                let across = x as f64 - middle;
                data[at] = if across.abs() < half {
                    // A pattern that moves along.
                    let (u, v) = ((across / 9.0) as i32, ((line as f64 - lift) / 7.0) as i32);
                    110 + ((u * u + v * 3).rem_euclid(7) * 12) as u8
                } else {
                    data[at].saturating_add(self.wall[at])
                };
            }
        }
        Picture::new(SIZE, data.into(), MediaTime::ZERO).expect("the size is its own")
    }
}

/// When each picture was taken.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<Mutex<Vec<Option<Instant>>>>);

impl Taken {
    fn note(&self, number: u16, at: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.resize(usize::from(u16::MAX) + 1, None);
        all[usize::from(number)] = Some(at);
    }

    pub(super) fn when(&self, number: u16) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(usize::from(number)).copied().flatten()
    }
}

/// The machine.
pub(super) struct Studio {
    pub(super) devices: FakeDevices,
    pub(super) taken: Taken,
}

struct Filming {
    stop: Arc<AtomicBool>,
    device: DeviceId,
}

impl Pictures for Filming {
    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl Drop for Filming {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Devices for Studio {
    fn list(&self) -> DeviceList {
        self.devices.list()
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch> {
        self.devices.watch(changed)
    }

    fn open_microphone(
        &self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        self.devices.open_microphone(permit, device, ring, events)
    }

    fn open_speaker(
        &self,
        device: Option<&DeviceId>,
        ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        self.devices.open_speaker(device, ring, events)
    }

    fn open_camera(
        &self,
        permit: Permit<Camera>,
        device: Option<&DeviceId>,
        _wish: PictureWish,
        slot: LatestWriter<Picture>,
        _events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        // By the name it is listed with.
        let listed = || DeviceId::parse("fake-camera").map_err(|_| OpenDevice::Missing);
        let device = device.cloned().map_or_else(listed, Ok)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, taken) = (Arc::clone(&stop), self.taken.clone());
        let film = move || {
            let (mut painter, start) = (Painter::new(), Instant::now());
            for number in 1..=u16::MAX {
                if stopped.load(Ordering::Acquire) || !permit.is_live() {
                    return;
                }
                let picture = painter.paint(number);
                let due = start + Duration::from_secs(1) * u32::from(number) / FPS;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                taken.note(number, Instant::now());
                if !slot.put(picture) {
                    return;
                }
            }
        };
        let spawned = std::thread::Builder::new().name("painter".to_owned()).spawn(film);
        spawned.map_err(|error| OpenDevice::Failed(error.to_string()))?;
        Ok(Box::new(Filming { stop, device }))
    }

    fn open_system_audio(
        &self,
        permit: Permit<Screen>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        self.devices.open_system_audio(permit, ring, events)
    }

    fn open_screen(
        &self,
        permit: Permit<Screen>,
        screen: &DeviceId,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        self.devices.open_screen(permit, screen, wish, slot, events)
    }

    fn open_stills(&self, permit: Permit<Screen>) -> Result<Box<dyn Stills>, OpenDevice> {
        self.devices.open_stills(permit)
    }
}
