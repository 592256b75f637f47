//! Devices of this machine: opened and closed so that exactly what is wanted and allowed is open. Part of the session;
//! every call that may block runs on a blocking thread and comes back as an input.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use media_core::audio::AudioInput;
use media_core::channel::{LatestReader, RingReader, RingWriter};
use media_core::device::{AudioIn, AudioOut, DeviceList, OpenDevice, Pictures};
use media_core::frame::AudioLevel;
use media_core::frame::Picture;
use media_core::video::lens::Lens;
use protocol::bridge::{Code, DeviceKind, Failure, HeardView, RehearsalView, SetPreview};
use protocol::ids::DeviceId;
use protocol::policy::Capability;

use super::{Input, Session};
use crate::picture::OwnPicture;
use crate::transport::Lane;

mod end;
mod follow;
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
    Listens(Box<dyn AudioIn>),
    Speaks(Box<dyn AudioOut>),
    Picture { device: Box<dyn Pictures>, encode: OwnPicture },
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
    /// What the one that was lost is called: it may be back before the next list of devices.
    lost_name: Option<String>,
    /// When a lost one is looked for.
    way: follow::Way,
    /// The pictures of a screen while it opens, which may take as long as a person takes to choose in the desktop's dialog.
    /// Without them nobody waits for it any more, and the dialog goes.
    waiting: Option<Waiting>,
}

/// Taken by whoever comes first: the one who opened it, or the one who does not want it any more.
type Waiting = Arc<Mutex<Option<LatestReader<Picture>>>>;

fn taken(waiting: &Waiting) -> Option<LatestReader<Picture>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Slot {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Nobody waits for it to open any more.
    fn wait_no_more(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            drop(taken(&waiting));
        }
    }

    /// The person asks for it anew: whatever is meant now, not the one that was lost.
    pub(super) const fn forgive(&mut self) {
        self.failed = None;
        self.lost = false;
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
    pub(super) rehearsal: Rehearsing,
    /// The list is being made, and must be made once more.
    looking: bool,
    look_again: bool,
    /// What the open camera is for.
    camera_for_call: bool,
    /// What the person was told of what the camera shows.
    lens: Lens,
    /// They were told that the background cannot be blurred.
    blur_failed: bool,
}

/// Hearing oneself before a meeting.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rehearsing {
    /// Not now; how the last one was.
    #[default]
    Never,
    /// Waits for both devices.
    Due,
    /// On.
    Recording,
    /// On.
    Playing,
    /// Over.
    Done(HeardView),
}

impl Rehearsing {
    /// Does it need microphone and speaker?
    const fn is_on(self) -> bool {
        match self {
            Self::Due | Self::Recording | Self::Playing => true,
            Self::Never | Self::Done(_) => false,
        }
    }

    /// For the page.
    pub(super) const fn view(self) -> RehearsalView {
        match self {
            Self::Never => RehearsalView::Off,
            Self::Due | Self::Recording => RehearsalView::Recording,
            Self::Playing => RehearsalView::Playing,
            Self::Done(heard) => RehearsalView::Done { heard },
        }
    }
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
    pub(super) fn look_for_devices(&mut self) {
        // News come in crowds, and lists must not overtake each other.
        if self.hardware.looking {
            self.hardware.look_again = true;
            return;
        }
        self.hardware.looking = true;
        let (devices, me) = (Arc::clone(&self.ports.devices), self.me.clone());
        self.tokio.spawn_blocking(move || {
            if me.blocking_send(Input::Devices(devices.list())).is_err() {
                tracing::debug!("the session ended first");
            }
        });
    }

    pub(super) fn on_devices(&mut self, list: DeviceList) {
        self.hardware.looking = false;
        let before = std::mem::replace(&mut self.hardware.list, list);
        let now = Instant::now();
        for which in Which::ALL {
            // Something came or went: what failed may work now.
            let slot = self.hardware.slot(which);
            if slot.lost {
                slot.way.hint(now);
            } else {
                slot.failed = None;
            }
        }
        self.follow_all(&before);
        if std::mem::take(&mut self.hardware.look_again) {
            self.look_for_devices();
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

    /// Records the microphone for a moment and plays it back; nothing leaves the machine.
    pub(super) fn test_microphone(&mut self) -> Result<(), Failure> {
        if self.call.is_some() {
            return Err(Failure::of(Code::AlreadyInMeeting, "a microphone is tried before a meeting"));
        }
        if !self.hardware.rehearsal.is_on() {
            self.hardware.rehearsal = Rehearsing::Due;
            self.hardware.microphone.failed = None;
            self.hardware.speaker.failed = None;
        }
        Ok(())
    }

    pub(super) fn on_rehearsal(&mut self, loudest: Option<AudioLevel>) {
        if !self.hardware.rehearsal.is_on() {
            return;
        }
        self.hardware.rehearsal = match loudest.map(|l| l.below_full) {
            None => Rehearsing::Playing,
            Some(..45) => Rehearsing::Done(HeardView::Well),
            Some(45..65) => Rehearsing::Done(HeardView::Faintly),
            Some(65..) => Rehearsing::Done(HeardView::Nothing),
        };
    }

    fn settle_rehearsal(&mut self) {
        let broken = self.hardware.microphone.failed.is_some() || self.hardware.speaker.failed.is_some();
        if self.call.is_some() || (broken && self.hardware.rehearsal.is_on()) {
            if self.hardware.rehearsal.is_on() {
                self.sound_order(AudioInput::StopRehearsal);
            }
            self.hardware.rehearsal = Rehearsing::Never;
        }
        let open = self.hardware.microphone.is_open() && self.hardware.speaker.is_open();
        if self.hardware.rehearsal == Rehearsing::Due && open {
            self.hardware.rehearsal = Rehearsing::Recording;
            self.sound_order(AudioInput::Rehearse);
        }
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
        slot.way = follow::Way::default();
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
        let rehearses = !in_call && self.hardware.rehearsal.is_on();
        let microphone =
            speaks || self.is_ready_to_talk() || (!in_call && self.hardware.preview.microphone) || rehearses;
        let camera_call = on(self, Lane::Camera, Capability::Camera);
        let camera = camera_call || (!in_call && self.hardware.preview.camera);
        if !self.hardware.camera.is_closed() && self.hardware.camera_for_call != camera_call {
            self.close(Which::Camera);
        }
        let screen = on(self, Lane::Screen, Capability::ScreenShare);
        let system = screen && on(self, Lane::ScreenSound, Capability::ScreenShare);
        let speaker = in_call || self.hardware.testing || rehearses;
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
            } else if slot.is_closed() && (slot.failed.is_none() || (slot.lost && slot.way.is_due(now))) {
                self.open(which, camera_call);
            }
        }
        self.settle_rehearsal();
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
