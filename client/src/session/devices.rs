//! Devices of this machine: opened and closed so that exactly what is wanted and allowed is open. Part of the session;
//! every call that may block runs on a blocking thread and comes back as an input.

use std::sync::Arc;
use std::time::Instant;

use media_core::audio::AudioInput;
use media_core::channel::{LatestReader, RingReader, RingWriter};
use media_core::device::{AudioIn, AudioOut, DeviceList, OpenDevice, Pictures};
use media_core::frame::Picture;
use protocol::bridge::{Code, DeviceKind, SetPreview};
use protocol::ids::DeviceId;
use protocol::policy::Capability;

use super::{Input, Session};
use crate::picture::OwnPicture;
use crate::transport::Lane;

mod end;
mod open;

/// Name of the preview on the frames door.
pub(super) const PREVIEW: &str = "preview";
/// Name of the own camera on the frames door.
pub(super) const OWN_CAMERA: &str = "local-camera";
/// Name of the own screen on the frames door.
pub(super) const OWN_SCREEN: &str = "local-screen";

/// Which device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Microphone,
    Speaker,
    Camera,
    Screen,
    /// What other programs play.
    System,
}

impl Which {
    const ALL: [Self; 5] = [Self::Microphone, Self::Speaker, Self::Camera, Self::Screen, Self::System];

    /// As the page calls it; a screen and what goes with it are no devices there.
    const fn kind(self) -> Option<DeviceKind> {
        match self {
            Self::Microphone => Some(DeviceKind::Microphone),
            Self::Speaker => Some(DeviceKind::Speaker),
            Self::Camera => Some(DeviceKind::Camera),
            Self::Screen | Self::System => None,
        }
    }
}

/// An open device and the end of its ring or slot that is ours.
pub(crate) enum Handle {
    Microphone(Box<dyn AudioIn>, RingReader),
    Speaker(Box<dyn AudioOut>, RingWriter),
    System(Box<dyn AudioIn>, RingReader),
    Pictures(Box<dyn Pictures>, LatestReader<Picture>),
}

/// What became of an opening.
pub(crate) struct Opened {
    which: Which,
    number: u64,
    result: Result<Handle, OpenDevice>,
}

/// Kept while a device is open; dropping closes it.
enum Kept {
    Sound { _device: Box<dyn Send> },
    Picture { _device: Box<dyn Pictures>, encode: OwnPicture },
}

#[derive(Default)]
enum State {
    #[default]
    Closed,
    Opening,
    Open(Kept),
}

/// One kind of device.
#[derive(Default)]
pub(super) struct Slot {
    number: u64,
    state: State,
    /// Why it is not tried again until something changes.
    pub(super) failed: Option<Code>,
    /// It went away while it was used.
    lost: bool,
    /// Which device it really was.
    last: Option<DeviceId>,
}

impl Slot {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Someone needs a key frame of it.
    pub(super) fn need_key(&self) {
        if let State::Open(Kept::Picture { encode, .. }) = &self.state {
            encode.need_key();
        }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Hardware {
    pub(super) list: DeviceList,
    pub(super) microphone: Slot,
    pub(super) speaker: Slot,
    pub(super) camera: Slot,
    pub(super) screen: Slot,
    pub(super) system: Slot,
    pub(super) preview: SetPreviewState,
    /// A tone is wanted or playing.
    pub(super) testing: bool,
    tone_due: bool,
    /// What the open camera is for.
    camera_for_call: bool,
}

/// What the page tries out.
#[derive(Default, Clone, Copy)]
pub(super) struct SetPreviewState {
    pub(super) microphone: bool,
    pub(super) camera: bool,
}

impl Hardware {
    fn slot(&mut self, which: Which) -> &mut Slot {
        match which {
            Which::Microphone => &mut self.microphone,
            Which::Speaker => &mut self.speaker,
            Which::Camera => &mut self.camera,
            Which::Screen => &mut self.screen,
            Which::System => &mut self.system,
        }
    }

    /// The engine is gone, and with it the rings of its devices.
    pub(super) fn forget_sound(&mut self) {
        for which in [Which::Microphone, Which::Speaker, Which::System] {
            *self.slot(which) = Slot::default();
        }
    }
}

impl Session {
    pub(super) fn look_for_devices(&self) {
        let (devices, me) = (Arc::clone(&self.ports.devices), self.me.clone());
        self.tokio.spawn_blocking(move || {
            if me.blocking_send(Input::Devices(devices.list())).is_err() {
                tracing::debug!("the session ended first");
            }
        });
    }

    pub(super) fn on_devices(&mut self, list: DeviceList) {
        self.hardware.list = list;
        for which in Which::ALL {
            // Something came or went: what failed may work now.
            self.hardware.slot(which).failed = None;
        }
        for own in self.call.iter_mut().flat_map(|c| c.own.values_mut()) {
            let passed = matches!(own.problem, Some(Code::DeviceMissing | Code::DeviceBusy | Code::DeviceFailed));
            own.problem = own.problem.filter(|_| !passed);
        }
    }

    pub(super) fn set_preview(&mut self, ask: SetPreview) {
        self.hardware.preview = SetPreviewState { microphone: ask.microphone, camera: ask.camera };
        self.hardware.microphone.failed = None;
        self.hardware.camera.failed = None;
    }

    pub(super) fn stop_preview(&mut self) {
        self.hardware.preview = SetPreviewState::default();
    }

    pub(super) fn test_speaker(&mut self) {
        self.hardware.testing = true;
        self.hardware.tone_due = true;
        self.hardware.speaker.failed = None;
    }

    /// Another device was chosen.
    pub(super) fn reopen(&mut self, kind: DeviceKind) {
        let which = match kind {
            DeviceKind::Microphone => Which::Microphone,
            DeviceKind::Speaker => Which::Speaker,
            DeviceKind::Camera => Which::Camera,
        };
        self.close(which);
        let slot = self.hardware.slot(which);
        slot.failed = None;
        slot.lost = false;
        slot.last = None;
    }

    /// Opens what should be open and closes the rest.
    pub(super) fn settle_devices(&mut self) {
        let now = Instant::now();
        let may = self.call.as_ref().is_none_or(|c| c.may_capture(now));
        let on = |session: &Self, lane: Lane, capability: Capability| {
            may && session.gate.grants().allows(capability)
                && session.call.as_ref().and_then(|c| c.own.get(&lane)).is_some_and(|own| own.wanted)
        };
        let in_call = self.call.is_some();
        let speaks =
            on(self, Lane::Microphone, Capability::Microphone) || on(self, Lane::Megaphone, Capability::Megaphone);
        let microphone = speaks || (!in_call && self.hardware.preview.microphone);
        let camera_call = on(self, Lane::Camera, Capability::Camera);
        let camera = camera_call || (!in_call && self.hardware.preview.camera);
        if !self.hardware.camera.is_closed() && self.hardware.camera_for_call != camera_call {
            self.close(Which::Camera);
        }
        let screen = on(self, Lane::Screen, Capability::ScreenShare);
        let system = screen && on(self, Lane::ScreenSound, Capability::ScreenShare);
        let speaker = in_call || self.hardware.testing;
        for (which, wanted) in [
            (Which::Microphone, microphone),
            (Which::Speaker, speaker),
            (Which::Camera, camera),
            (Which::Screen, screen),
            (Which::System, system),
        ] {
            let slot = self.hardware.slot(which);
            if !wanted {
                slot.lost = false;
                slot.failed = if in_call { slot.failed } else { None };
                if !slot.is_closed() {
                    self.close(which);
                }
            } else if slot.is_closed() && slot.failed.is_none() {
                self.open(which, camera_call);
            }
        }
        if self.hardware.tone_due && self.hardware.speaker.is_open() {
            self.hardware.tone_due = false;
            self.sound_order(AudioInput::TestTone);
        }
        if self.hardware.speaker.failed.is_some() {
            self.hardware.testing = false;
        }
        let quiet =
            !microphone && !speaker && self.hardware.microphone.is_closed() && self.hardware.speaker.is_closed();
        if quiet {
            self.sound = None;
        }
    }
}

pub(super) const fn lane_of(which: Which) -> Option<Lane> {
    match which {
        Which::Microphone => Some(Lane::Microphone),
        Which::Camera => Some(Lane::Camera),
        Which::Screen => Some(Lane::Screen),
        Which::System => Some(Lane::ScreenSound),
        Which::Speaker => None,
    }
}
