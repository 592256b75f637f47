//! Devices of this machine: opened and closed so that exactly what is wanted and allowed is open. Part of the session;
//! every call that may block runs on a blocking thread and comes back as an input.

use std::sync::Arc;
use std::time::Instant;

use media_core::audio::{AudioInput, RING_SAMPLES};
use media_core::channel::{LatestReader, RingReader, RingWriter, latest, ring};
use media_core::device::{
    AudioIn, AudioOut, DeviceList, ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures, StreamEvent,
};
use media_core::e2ee::Sealing;
use media_core::frame::{Picture, Size};
use media_core::time::Bitrate;
use media_core::video::send::{ShowPermit, VideoLimits};
use protocol::bridge::{Code, DeviceKind, SetPreview, Severity};
use protocol::ids::DeviceId;
use protocol::policy::{Camera, Capability, Gate, Megaphone, Mic, Screen};

use super::{Input, Session};
use crate::picture::{OwnPicture, Showing};
use crate::transport::Lane;

/// Name of the preview on the frames door.
pub(super) const PREVIEW: &str = "preview";
/// Name of the own camera on the frames door.
pub(super) const OWN_CAMERA: &str = "local-camera";
/// Name of the own screen on the frames door.
pub(super) const OWN_SCREEN: &str = "local-screen";

const CAMERA_WISH: PictureWish = PictureWish { width: 1280, height: 720, fps: 30 };
const SCREEN_WISH: PictureWish = PictureWish { width: 1920, height: 1080, fps: 15 };
/// The preview goes no further than this screen: small is enough.
const PREVIEW_LIMITS: VideoLimits =
    VideoLimits { size: Size { width: 640, height: 360 }, fps: 30, bitrate: Bitrate::kbps(800) };

/// Which device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Microphone,
    Speaker,
    Camera,
    Screen,
}

/// An open device and the end of its ring or slot that is ours.
pub(crate) enum Handle {
    Microphone(Box<dyn AudioIn>, RingReader),
    Speaker(Box<dyn AudioOut>, RingWriter),
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
        }
    }

    /// The engine is gone, and with it the rings of its devices.
    pub(super) fn forget_sound(&mut self) {
        for which in [Which::Microphone, Which::Speaker] {
            *self.slot(which) = Slot::default();
        }
    }
}

const fn code_of(error: &OpenDevice, which: Which) -> Code {
    match error {
        OpenDevice::Missing => Code::DeviceMissing,
        OpenDevice::Busy => Code::DeviceBusy,
        OpenDevice::Denied => Code::DeviceDenied,
        OpenDevice::Revoked => Code::RightRevoked,
        OpenDevice::Unsupported if matches!(which, Which::Screen) => Code::ShareUnsupported,
        OpenDevice::Unsupported | OpenDevice::Failed(_) => Code::DeviceFailed,
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
        for which in [Which::Microphone, Which::Speaker, Which::Camera, Which::Screen] {
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
        let speaker = in_call || self.hardware.testing;
        for (which, wanted) in [
            (Which::Microphone, microphone),
            (Which::Speaker, speaker),
            (Which::Camera, camera),
            (Which::Screen, screen),
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

    fn open(&mut self, which: Which, camera_call: bool) {
        if matches!(which, Which::Microphone | Which::Speaker) && self.sound().is_none() {
            return;
        }
        let number = self.next_serial();
        let slot = self.hardware.slot(which);
        slot.number = number;
        slot.state = State::Opening;
        let me = self.me.clone();
        let events: OnEvent = {
            let me = me.clone();
            Box::new(move |event| {
                if me.try_send(Input::Device(which, number, event)).is_err() {
                    tracing::debug!("news of a device were lost");
                }
            })
        };
        let devices = Arc::clone(&self.ports.devices);
        let call = self.call.is_some();
        let opening: Box<dyn FnOnce() -> Result<Handle, OpenDevice> + Send> = match which {
            Which::Microphone => {
                let permit =
                    if call { self.listen_permit() } else { Some(ListenPermit::microphone(Gate::preview::<Mic>())) };
                let Some(permit) = permit else { return self.refused(which) };
                let id = self.settings.microphone.clone();
                Box::new(move || {
                    let (write, read) = ring(RING_SAMPLES);
                    Ok(Handle::Microphone(devices.open_microphone(permit, id.as_ref(), write, events)?, read))
                })
            }
            Which::Speaker => {
                let id = self.settings.speaker.clone();
                Box::new(move || {
                    let (write, read) = ring(RING_SAMPLES);
                    Ok(Handle::Speaker(devices.open_speaker(id.as_ref(), read, events)?, write))
                })
            }
            Which::Camera => {
                let permit =
                    if camera_call { self.gate.permit::<Camera>().ok() } else { Some(Gate::preview::<Camera>()) };
                let Some(permit) = permit else { return self.refused(which) };
                self.hardware.camera_for_call = camera_call;
                let id = self.settings.camera.clone();
                Box::new(move || {
                    let (write, read) = latest();
                    Ok(Handle::Pictures(devices.open_camera(permit, id.as_ref(), CAMERA_WISH, write, events)?, read))
                })
            }
            Which::Screen => {
                let id = self.call.as_ref().and_then(|c| c.own.get(&Lane::Screen)).and_then(|own| own.screen.clone());
                let (Ok(permit), Some(id)) = (self.gate.permit::<Screen>(), id) else { return self.refused(which) };
                Box::new(move || {
                    let (write, read) = latest();
                    Ok(Handle::Pictures(devices.open_screen(permit, &id, SCREEN_WISH, write, events)?, read))
                })
            }
        };
        self.tokio.spawn_blocking(move || {
            let result = opening();
            if let Err(lost) = me.blocking_send(Input::Opened(Opened { which, number, result })) {
                // Dropping it closes the device.
                drop(lost);
            }
        });
    }

    fn refused(&mut self, which: Which) {
        let slot = self.hardware.slot(which);
        slot.state = State::Closed;
        slot.failed = Some(Code::NotAllowed);
    }

    /// For whatever of the two is allowed now.
    fn listen_permit(&self) -> Option<ListenPermit> {
        let microphone = self.gate.permit::<Mic>().ok().map(ListenPermit::microphone);
        let megaphone = self.gate.permit::<Megaphone>().ok().map(ListenPermit::megaphone);
        match (microphone, megaphone) {
            (Some(a), Some(b)) => Some(a.or(b)),
            (one, other) => one.or(other),
        }
    }

    pub(super) fn on_opened(&mut self, opened: Opened) {
        let Opened { which, number, result } = opened;
        if self.hardware.slot(which).number != number || !matches!(self.hardware.slot(which).state, State::Opening) {
            // Closed again before it was open.
            if let Ok(handle) = result {
                self.drop_slowly(handle);
            }
            return;
        }
        match result {
            Ok(handle) => self.opened(which, number, handle),
            Err(error) => {
                tracing::info!(?which, %error, "a device did not open");
                let code = code_of(&error, which);
                let slot = self.hardware.slot(which);
                slot.state = State::Closed;
                // Revoked between asking and opening: the gate says what comes next.
                slot.failed = (error != OpenDevice::Revoked).then_some(code);
                let lost = slot.lost;
                if !lost {
                    self.device_problem(which, code);
                }
            }
        }
    }

    fn opened(&mut self, which: Which, number: u64, handle: Handle) {
        let device = match &handle {
            Handle::Microphone(device, _) => device.device(),
            Handle::Speaker(device, _) => device.device(),
            Handle::Pictures(device, _) => device.device(),
        };
        let slot = self.hardware.slot(which);
        let was_lost = std::mem::take(&mut slot.lost);
        let another = slot.last.as_ref().is_some_and(|last| *last != device);
        if was_lost && another && which != Which::Speaker {
            // Not the one the person chose to be heard or seen with: never by itself.
            slot.state = State::Closed;
            slot.last = None;
            self.drop_slowly(handle);
            if let Some(lane) = lane_of(which) {
                self.want(lane, false);
            }
            if which == Which::Microphone {
                self.want(Lane::Megaphone, false);
                self.notice(Code::MicrophoneSwitched, None, Severity::Warning);
            }
            return;
        }
        slot.last = Some(device.clone());
        let kept = match handle {
            Handle::Microphone(device, reader) => {
                self.sound_order(AudioInput::AttachMicrophone(reader, device.format()));
                Ok(Kept::Sound { _device: Box::new(device) })
            }
            Handle::Speaker(device, writer) => {
                self.sound_order(AudioInput::AttachSpeaker(writer, device.format()));
                Ok(Kept::Sound { _device: Box::new(device) })
            }
            Handle::Pictures(device, pictures) => self.encode(which, number, device, pictures),
        };
        match kept {
            Ok(kept) => {
                self.hardware.slot(which).state = State::Open(kept);
                if let Some(lane) = lane_of(which)
                    && let Some(call) = &mut self.call
                {
                    call.own(lane).problem = None;
                }
                if was_lost {
                    let about = self.device_name(which, &device);
                    self.page.withdraw(Code::DeviceLost);
                    self.notice(Code::DeviceBack, about, Severity::Info);
                }
            }
            Err(code) => {
                let slot = self.hardware.slot(which);
                slot.state = State::Closed;
                slot.failed = Some(code);
                self.device_problem(which, code);
            }
        }
    }

    fn encode(
        &mut self,
        which: Which,
        number: u64,
        device: Box<dyn Pictures>,
        pictures: LatestReader<Picture>,
    ) -> Result<Kept, Code> {
        let lane = if which == Which::Screen { Lane::Screen } else { Lane::Camera };
        let for_call = which == Which::Screen || self.hardware.camera_for_call;
        let (permit, sealing, limits, name) = if for_call {
            let sealing = self.call.as_ref().ok_or(Code::NotInMeeting)?.sealing(lane).map_err(|_| Code::Internal)?;
            match which {
                Which::Screen => {
                    let permit = self.gate.permit::<Screen>().map_err(|_| Code::NotAllowed)?;
                    (ShowPermit::Screen(permit), sealing, VideoLimits::SCREEN, OWN_SCREEN)
                }
                Which::Camera | Which::Microphone | Which::Speaker => {
                    let permit = self.gate.permit::<Camera>().map_err(|_| Code::NotAllowed)?;
                    (ShowPermit::Camera(permit), sealing, VideoLimits::CAMERA, OWN_CAMERA)
                }
            }
        } else {
            (ShowPermit::Camera(Gate::preview::<Camera>()), Sealing::Plain, PREVIEW_LIMITS, PREVIEW)
        };
        let showing = Showing { name: name.to_owned(), lane: for_call.then_some(lane) };
        let me = self.me.clone();
        let ended = move |revoked| {
            if me.try_send(Input::OwnEnded(lane, number, revoked)).is_err() {
                tracing::debug!("the end of a picture was not heard");
            }
        };
        let started = OwnPicture::start(self.around.clone(), showing, pictures, (permit, sealing, limits), ended);
        match started {
            Ok(encode) => Ok(Kept::Picture { _device: device, encode }),
            Err(error) => {
                tracing::error!(%error, "no encoder");
                Err(Code::DeviceFailed)
            }
        }
    }

    pub(super) fn on_own_ended(&mut self, lane: Lane, number: u64, revoked: bool) {
        let which = if lane == Lane::Screen { Which::Screen } else { Which::Camera };
        if self.hardware.slot(which).number != number {
            return;
        }
        self.close(which);
        if !revoked {
            // The device's slot ended or our thread broke: as if the device were lost.
            self.lost(which);
        }
    }

    pub(super) fn on_device(&mut self, which: Which, number: u64, event: StreamEvent) {
        if self.hardware.slot(which).number != number {
            return;
        }
        match event {
            StreamEvent::Lost(why) => {
                tracing::info!(?which, why, "a device is lost");
                self.close(which);
                self.lost(which);
            }
            StreamEvent::Switched => {
                self.close(which);
                self.want(Lane::Microphone, false);
                self.want(Lane::Megaphone, false);
                self.hardware.preview.microphone = false;
                self.notice(Code::MicrophoneSwitched, None, Severity::Warning);
            }
            // The gate closed it; whether it opens again is the gate's word, too.
            StreamEvent::Revoked => self.close(which),
        }
    }

    fn lost(&mut self, which: Which) {
        let slot = self.hardware.slot(which);
        slot.lost = true;
        slot.failed = Some(Code::DeviceLost);
        let last = slot.last.clone();
        let about = last.and_then(|id| self.device_name(which, &id));
        if which == Which::Screen {
            self.want(Lane::Screen, false);
            self.notice(Code::ShareLost, about, Severity::Warning);
        } else {
            self.notice(Code::DeviceLost, about, Severity::Warning);
        }
        self.look_for_devices();
    }

    fn device_problem(&mut self, which: Which, code: Code) {
        if code == Code::RightRevoked {
            return;
        }
        if let Some(call) = &mut self.call
            && let Some(lane) = lane_of(which)
        {
            let own = call.own(lane);
            own.problem = Some(code);
            own.wanted = false;
            if which == Which::Microphone {
                call.own(Lane::Megaphone).wanted = false;
            }
        }
        if self.call.is_some() || which == Which::Speaker {
            self.notice(code, None, Severity::Warning);
        }
    }

    fn device_name(&self, which: Which, id: &DeviceId) -> Option<String> {
        let list = match which {
            Which::Microphone => &self.hardware.list.microphones,
            Which::Speaker => &self.hardware.list.speakers,
            Which::Camera => &self.hardware.list.cameras,
            Which::Screen => return None,
        };
        list.iter().find(|d| d.id == *id).map(|d| d.name.clone())
    }

    pub(super) fn close(&mut self, which: Which) {
        let number = self.next_serial();
        let slot = self.hardware.slot(which);
        slot.number = number;
        let state = std::mem::take(&mut slot.state);
        match which {
            Which::Microphone => self.sound_order(AudioInput::DetachMicrophone),
            Which::Speaker => self.sound_order(AudioInput::DetachSpeaker),
            Which::Camera | Which::Screen => {}
        }
        if let State::Open(kept) = state {
            self.drop_slowly(kept);
        }
    }

    /// Closing a device may block.
    fn drop_slowly(&self, thing: impl Send + 'static) {
        self.tokio.spawn_blocking(move || drop(thing));
    }
}

pub(super) const fn lane_of(which: Which) -> Option<Lane> {
    match which {
        Which::Microphone => Some(Lane::Microphone),
        Which::Camera => Some(Lane::Camera),
        Which::Screen => Some(Lane::Screen),
        Which::Speaker => None,
    }
}
