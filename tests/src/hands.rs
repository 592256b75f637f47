//! Devices put together: sound from one source, pictures from another, so that a visitor can speak through a real
//! microphone and show a test card. Passes everything on.

use std::sync::Arc;

use media_core::channel::{LatestWriter, RingReader, RingWriter};
use media_core::device::{
    AudioIn, AudioOut, DeviceList, Devices, ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures, Stills, Watch,
};
use media_core::frame::Picture;
use protocol::ids::DeviceId;
use protocol::policy::{Camera, Permit, Screen};

/// Where each kind of device comes from.
#[derive(Clone)]
pub struct Hands {
    /// Microphone.
    pub microphone: Arc<dyn Devices>,
    /// Speaker.
    pub speaker: Arc<dyn Devices>,
    /// Camera.
    pub camera: Arc<dyn Devices>,
    /// Screen.
    pub screen: Arc<dyn Devices>,
}

/// All watches at once.
struct Watches {
    _kept: [Box<dyn Watch>; 4],
}

impl Watch for Watches {}

impl Devices for Hands {
    fn list(&self) -> DeviceList {
        DeviceList {
            microphones: self.microphone.list().microphones,
            speakers: self.speaker.list().speakers,
            cameras: self.camera.list().cameras,
            screens: self.screen.list().screens,
            system_audio: self.speaker.list().system_audio,
        }
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch> {
        let changed: Arc<dyn Fn() + Send + Sync> = Arc::from(changed);
        let again = || -> Box<dyn Fn() + Send + Sync> {
            let changed = Arc::clone(&changed);
            Box::new(move || changed())
        };
        Box::new(Watches {
            _kept: [
                self.microphone.watch(again()),
                self.speaker.watch(again()),
                self.camera.watch(again()),
                self.screen.watch(again()),
            ],
        })
    }

    fn open_microphone(
        &self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        self.microphone.open_microphone(permit, device, ring, events)
    }

    fn open_speaker(
        &self,
        device: Option<&DeviceId>,
        ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        self.speaker.open_speaker(device, ring, events)
    }

    fn open_system_audio(
        &self,
        permit: Permit<Screen>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        self.speaker.open_system_audio(permit, ring, events)
    }

    fn open_camera(
        &self,
        permit: Permit<Camera>,
        device: Option<&DeviceId>,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        self.camera.open_camera(permit, device, wish, slot, events)
    }

    fn open_screen(
        &self,
        permit: Permit<Screen>,
        screen: &DeviceId,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        self.screen.open_screen(permit, screen, wish, slot, events)
    }

    fn open_stills(&self, permit: Permit<Screen>) -> Result<Box<dyn Stills>, OpenDevice> {
        self.screen.open_stills(permit)
    }
}
