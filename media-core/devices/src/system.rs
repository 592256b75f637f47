//! [`SystemDevices`]: the hardware of this machine behind [`media_core::device::Devices`]. Decides nothing but which
//! part of this crate does the work. Its calls may take tens of milliseconds.

use std::path::PathBuf;
use std::time::Instant;

use media_core::channel::{LatestWriter, RingReader, RingWriter};
use media_core::device::{
    AudioIn, AudioOut, DeviceList, Devices, ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures, Stills, Watch,
};
use media_core::frame::Picture;
use protocol::ids::DeviceId;
use protocol::policy::{Camera, Permit, Screen};

use crate::hotplug::{self, Places};
use crate::picture::Clock;
use crate::screen::{Looker, Portal};
use crate::{audio, camera, pulse, screen, system_audio, urgent};

/// The real devices of this machine.
#[derive(Debug, Clone)]
pub struct SystemDevices {
    clock: Clock,
    places: Places,
    portal: Portal,
}

impl SystemDevices {
    /// The devices the system and its environment name. Pictures are stamped with the time since `start`, which must be
    /// the start of the time line the rest of the process uses.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        Self { clock: Clock::new(start), places: Places::default(), portal: Portal::default() }
    }

    /// The same, but screens of this X display, whatever the environment says.
    #[must_use]
    pub fn with_display(mut self, display: impl Into<String>) -> Self {
        self.places.display = Some(display.into());
        self
    }

    /// The same, but screens through the desktop portal on the D-Bus at this address, whatever the environment says.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn with_portal(mut self, bus: impl Into<String>) -> Self {
        self.portal = Portal::on(bus.into());
        self
    }

    /// The same, but sound through the server at this socket, whatever the environment says.
    #[must_use]
    pub fn with_sound_server(mut self, socket: impl Into<PathBuf>) -> Self {
        self.places.sound_server = Some(socket.into());
        self
    }

    fn sound_server(&self) -> Option<pulse::Server> {
        pulse::Server::reach(self.places.sound_server.as_deref())
    }
}

impl Devices for SystemDevices {
    fn hasten_sound(&self) {
        urgent::hasten();
    }

    fn list(&self) -> DeviceList {
        let server = self.sound_server();
        let system_audio = server.is_some() || system_audio::is_supported();
        let (microphones, speakers) = match server {
            Some(mut server) => server.list(),
            None => audio::list(),
        };
        DeviceList {
            microphones,
            speakers,
            cameras: camera::list(),
            screens: screen::list(&self.portal, self.places.display.as_deref()),
            system_audio,
        }
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch> {
        hotplug::watch(self.places.clone(), changed)
    }

    fn open_microphone(
        &self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        match self.sound_server() {
            Some(server) => server.open_microphone(permit, device, ring, events),
            None => audio::open_microphone(permit, device, ring, events),
        }
    }

    fn open_speaker(
        &self,
        device: Option<&DeviceId>,
        ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        match self.sound_server() {
            Some(server) => server.open_speaker(device, ring, events),
            None => audio::open_speaker(device, ring, events),
        }
    }

    fn open_system_audio(
        &self,
        permit: Permit<Screen>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        match self.sound_server() {
            Some(server) => server.open_system_audio(permit, ring, events),
            None => system_audio::open(permit, ring, events),
        }
    }

    fn open_camera(
        &self,
        permit: Permit<Camera>,
        device: Option<&DeviceId>,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        camera::open(self.clock, permit, device, wish, slot, events)
    }

    fn open_screen(
        &self,
        permit: Permit<Screen>,
        screen: &DeviceId,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        let looker = Looker { clock: self.clock, permit, wish, slot, events };
        screen::open(&self.portal, self.places.display.as_deref(), screen, looker)
    }

    fn open_stills(&self, permit: Permit<Screen>) -> Result<Box<dyn Stills>, OpenDevice> {
        if !permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        screen::stills(&self.portal, self.places.display.as_deref(), self.clock, permit)
    }
}
