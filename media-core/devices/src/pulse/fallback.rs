//! Systems without a PulseAudio-like sound server: there is none to reach, and cpal does the work.

use std::path::Path;

use media_core::channel::{RingReader, RingWriter};
use media_core::device::{AudioIn, AudioOut, DeviceInfo, ListenPermit, OnEvent, OpenDevice};
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};

/// Never made here.
pub(crate) enum Server {}

/// Never made here.
pub(crate) enum Changes {}

impl Server {
    /// There is none.
    pub(crate) const fn reach(_path: Option<&Path>) -> Option<Self> {
        None
    }

    /// Microphones and speakers.
    pub(crate) fn list(&mut self) -> (Vec<DeviceInfo>, Vec<DeviceInfo>) {
        match *self {}
    }

    /// See [`media_core::device::Devices::open_microphone`].
    pub(crate) fn open_microphone(
        self,
        _permit: ListenPermit,
        _device: Option<&DeviceId>,
        _ring: RingWriter,
        _events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        match self {}
    }

    /// See [`media_core::device::Devices::open_speaker`].
    pub(crate) fn open_speaker(
        self,
        _device: Option<&DeviceId>,
        _ring: RingReader,
        _events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        match self {}
    }

    /// The sound of other programs.
    pub(crate) fn open_system_audio(
        self,
        _permit: Permit<Screen>,
        _ring: RingWriter,
        _events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        match self {}
    }

    /// Devices coming and going.
    pub(crate) fn changes(self) -> Option<Changes> {
        match self {}
    }
}

impl Changes {
    /// Did something change? `None`: the server is gone.
    pub(crate) fn drain(&mut self) -> Option<bool> {
        match *self {}
    }
}
