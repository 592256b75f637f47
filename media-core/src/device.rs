//! The ports: what a microphone, a speaker, a camera and a screen are to the rest of the product.
//! Traits only. `media-devices` has the real ones, `media_core::testing` synthetic ones; nobody else implements them.
//!
//! Opening anything that listens or looks takes a [`Permit`] by value and keeps it: the source goes silent or stops
//! within one block or frame of its revocation. Dropping a handle closes the device before `drop` returns.

use protocol::ids::DeviceId;
use protocol::policy::{Camera, Megaphone, Mic, Permit, Screen};

use crate::channel::{LatestWriter, RingReader, RingWriter};
use crate::frame::{Picture, Size};

/// One device, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Stable over unplug and replug where the system allows it.
    pub id: DeviceId,
    /// As the system calls it.
    pub name: String,
    /// The system's default?
    pub is_default: bool,
}

/// What can be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenKind {
    /// Everything on it.
    Monitor,
    /// One window, whatever lies over it.
    Window,
    /// Whatever the person chooses when the desktop asks, which it does when this is opened. Without a name and a size.
    Portal,
}

/// One monitor or window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenInfo {
    /// Stable while it is plugged in, or open.
    pub id: DeviceId,
    /// As the system calls it.
    pub name: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The system's primary monitor?
    pub is_primary: bool,
    /// Which of them.
    pub kind: ScreenKind,
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceList {
    /// Sound in. Monitors of speakers are not microphones and are not listed.
    pub microphones: Vec<DeviceInfo>,
    /// Sound out.
    pub speakers: Vec<DeviceInfo>,
    /// Picture in.
    pub cameras: Vec<DeviceInfo>,
    /// Monitors, then windows other than ours, or why none can be shared.
    pub screens: Result<Vec<ScreenInfo>, ScreensUnavailable>,
    /// Can the sound of other programs be shared here? See [`Devices::open_system_audio`].
    pub system_audio: bool,
}

/// Why no screen can be shared here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScreensUnavailable {
    /// This system's capture is not built yet.
    #[error("screen capture is not supported on this system yet")]
    Unsupported,
    /// There is no display to look at.
    #[error("there is no display")]
    NoDisplay,
}

impl Default for DeviceList {
    fn default() -> Self {
        Self {
            microphones: Vec::new(),
            speakers: Vec::new(),
            cameras: Vec::new(),
            screens: Err(ScreensUnavailable::Unsupported),
            system_audio: false,
        }
    }
}

/// Leave to listen: a microphone is opened for speaking in the room, for the megaphone, or for both at once, and
/// stays open while at least one of them is allowed.
#[derive(Debug, Clone)]
pub struct ListenPermit {
    microphone: Option<Permit<Mic>>,
    megaphone: Option<Permit<Megaphone>>,
}

impl ListenPermit {
    /// For speaking in the room.
    #[must_use]
    pub const fn microphone(permit: Permit<Mic>) -> Self {
        Self { microphone: Some(permit), megaphone: None }
    }

    /// For the megaphone.
    #[must_use]
    pub const fn megaphone(permit: Permit<Megaphone>) -> Self {
        Self { microphone: None, megaphone: Some(permit) }
    }

    /// For what either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { microphone: self.microphone.or(other.microphone), megaphone: self.megaphone.or(other.megaphone) }
    }

    /// Still allowed for at least one use? Two atomic loads, fit for a real-time thread.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.microphone.as_ref().is_some_and(Permit::is_live) || self.megaphone.as_ref().is_some_and(Permit::is_live)
    }
}

/// Why a device did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenDevice {
    /// There is none, or not the one asked for.
    #[error("no such device")]
    Missing,
    /// Another program has it.
    #[error("the device is in use by another program")]
    Busy,
    /// The person was asked and did not choose, or the answer was not waited for. Nothing failed.
    #[error("nothing was chosen")]
    Cancelled,
    /// The system does not let us.
    #[error("the system denies the device")]
    Denied,
    /// The permit was revoked before the device was open.
    #[error("the right was taken away")]
    Revoked,
    /// This system's capture is not built yet.
    #[error("not supported on this system yet")]
    Unsupported,
    /// Anything else, in the driver's words.
    #[error("the device failed: {0}")]
    Failed(String),
}

/// What an open device tells, from any thread; must not block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// It went away or broke; the handle is useless now.
    Lost(String),
    /// The system moved us to another device without being asked: nothing of it was let through.
    Switched,
    /// A window is minimised (`true`) and shows nothing, or is back.
    Hidden(bool),
    /// The permit died: the device is closed.
    Revoked,
}

/// Where an open device sends its [`StreamEvent`]s.
pub type OnEvent = Box<dyn Fn(StreamEvent) + Send + Sync>;

/// Samples as the device has them; the engine converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamFormat {
    /// Samples per second and channel.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: u16,
}

/// An open microphone: interleaved samples of [`AudioIn::format`] go into the ring it was given.
pub trait AudioIn: Send {
    /// What the ring carries.
    fn format(&self) -> StreamFormat;
    /// Which device it really is.
    fn device(&self) -> DeviceId;
}

/// An open speaker: interleaved samples of [`AudioOut::format`] are taken from the ring; an empty ring is silence.
pub trait AudioOut: Send {
    /// What the ring must carry.
    fn format(&self) -> StreamFormat;
    /// Which device it really is.
    fn device(&self) -> DeviceId;
}

/// An open camera or screen: pictures go into the slot it was given.
pub trait Pictures: Send {
    /// Which device it really is.
    fn device(&self) -> DeviceId;
}

/// What is wished from a camera or screen; the device does its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureWish {
    /// Pixels across, at most.
    pub width: u32,
    /// Pixels down, at most.
    pub height: u32,
    /// Pictures per second, at most.
    pub fps: u32,
}

/// A look at what could be shared, for choosing among it: small pictures, one at a time, that leave the machine only where
/// the one who holds this sends them. Dropping it ends the look.
pub trait Stills: Send {
    /// How a monitor or window looks now, fitted into `limit`. Windows of ours are neither shown nor seen on a monitor.
    ///
    /// # Errors
    /// See [`OpenDevice`]; [`OpenDevice::Missing`] of a window, too, that shows nothing because it is minimised.
    fn still(&mut self, screen: &DeviceId, limit: Size) -> Result<Picture, OpenDevice>;
}

/// Stops watching when dropped.
pub trait Watch: Send {}

/// The hardware of one machine. Every call may take tens of milliseconds: never from an async task directly.
pub trait Devices: Send + Sync {
    /// Lists everything.
    fn list(&self) -> DeviceList;

    /// Calls back, from any thread, when something may have come or gone.
    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch>;

    /// Asks the system to run the calling thread before everything ordinary, until it ends: it plays or takes sound. Devices
    /// that are not real need none.
    fn hasten_sound(&self) {}

    /// Opens a microphone; `None` is the system's default.
    ///
    /// # Errors
    /// See [`OpenDevice`].
    fn open_microphone(
        &self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice>;

    /// Opens a speaker; `None` is the system's default. Listening needs no permit.
    ///
    /// # Errors
    /// See [`OpenDevice`].
    fn open_speaker(
        &self,
        device: Option<&DeviceId>,
        ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice>;

    /// Opens a camera; `None` is the first one.
    ///
    /// # Errors
    /// See [`OpenDevice`].
    fn open_camera(
        &self,
        permit: Permit<Camera>,
        device: Option<&DeviceId>,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice>;

    /// Listens to what the other programs of this machine play, for the sound of a shared screen. What this process plays
    /// itself is never in it: the others would hear themselves.
    ///
    /// # Errors
    /// See [`OpenDevice`]; [`OpenDevice::Unsupported`] where the system cannot leave our own sound out.
    fn open_system_audio(
        &self,
        permit: Permit<Screen>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice>;

    /// Opens a monitor or a window.
    ///
    /// # Errors
    /// See [`OpenDevice`].
    fn open_screen(
        &self,
        permit: Permit<Screen>,
        screen: &DeviceId,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice>;

    /// Looks at monitors and windows before one of them is shared.
    ///
    /// # Errors
    /// See [`OpenDevice`]; [`OpenDevice::Unsupported`] where it is not built yet.
    fn open_stills(&self, permit: Permit<Screen>) -> Result<Box<dyn Stills>, OpenDevice>;
}
