//! Devices on their way to being used: asked for with a permit, opened on a blocking thread, given to the sound engine or
//! to an encoder. Part of the session.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use media_core::audio::{AudioInput, RING_SAMPLES};
use media_core::channel::{LatestReader, latest, ring};
use media_core::device::{ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures};
use media_core::e2ee::Sealing;
use media_core::frame::{Picture, Size};
use media_core::time::Bitrate;
use media_core::video::send::{ShowPermit, VideoLimits};
use protocol::bridge::{Code, Severity, ShareQuality};
use protocol::policy::{Camera, Gate, Megaphone, Mic, Screen};

use super::{Handle, Kept, OWN_CAMERA, OWN_SCREEN, Opened, PREVIEW, State, Which, lane_of, taken};
use crate::picture::{OwnPicture, Showing};
use crate::session::{Input, Session};
use crate::transport::Lane;

const CAMERA_WISH: PictureWish = PictureWish { width: 1280, height: 720, fps: 30 };
/// The preview goes no further than this screen: small is enough.
const PREVIEW_LIMITS: VideoLimits =
    VideoLimits { size: Size { width: 640, height: 360 }, fps: 30, bitrate: Bitrate::kbps(800) };

impl Session {
    pub(super) fn open(&mut self, which: Which, camera_call: bool) {
        if matches!(which, Which::Microphone | Which::Speaker | Which::System) && self.sound().is_none() {
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
                let id = self.target(which);
                Box::new(move || {
                    let (write, read) = ring(RING_SAMPLES);
                    Ok(Handle::Microphone(devices.open_microphone(permit, id.as_ref(), write, events)?, read))
                })
            }
            Which::Speaker => {
                let id = self.target(which);
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
                let id = self.target(which);
                Box::new(move || {
                    let (write, read) = latest();
                    Ok(Handle::Pictures(devices.open_camera(permit, id.as_ref(), CAMERA_WISH, write, events)?, read))
                })
            }
            Which::System => {
                let Ok(permit) = self.gate.permit::<Screen>() else { return self.refused(which) };
                Box::new(move || {
                    let (write, read) = ring(RING_SAMPLES);
                    Ok(Handle::System(devices.open_system_audio(permit, write, events)?, read))
                })
            }
            Which::Screen => {
                let id = self.call.as_ref().and_then(|c| c.own.get(&Lane::Screen)).and_then(|own| own.screen.clone());
                let (Ok(permit), Some(id)) = (self.gate.permit::<Screen>(), id) else { return self.refused(which) };
                let VideoLimits { size: Size { width, height }, fps, .. } = screen_limits(self.settings.share_quality);
                let wish = PictureWish { width, height, fps };
                let (write, read) = latest();
                let waiting = Arc::new(Mutex::new(Some(read)));
                self.hardware.slot(which).waiting = Some(Arc::clone(&waiting));
                Box::new(move || {
                    let device = devices.open_screen(permit, &id, wish, write, events)?;
                    Ok(Handle::Pictures(device, taken(&waiting).ok_or(OpenDevice::Cancelled)?))
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

    pub(in crate::session) fn on_opened(&mut self, opened: Opened) {
        let Opened { which, number, result } = opened;
        if self.hardware.slot(which).number != number || !matches!(self.hardware.slot(which).state, State::Opening) {
            // Closed again before it was open.
            if let Ok(handle) = result {
                self.drop_slowly(handle);
            }
            return;
        }
        self.hardware.slot(which).waiting = None;
        match result {
            Ok(handle) => self.opened(which, number, handle),
            // The person was asked and chose nothing: as if it had never been wanted.
            Err(OpenDevice::Cancelled) => {
                self.hardware.slot(which).state = State::Closed;
                if let Some(lane) = lane_of(which) {
                    self.want(lane, false);
                }
            }
            Err(error) => {
                let slot = self.hardware.slot(which);
                slot.state = State::Closed;
                if slot.lost && error != OpenDevice::Revoked {
                    tracing::debug!(?which, %error, "a lost device is not back");
                    slot.failed = Some(Code::DeviceLost);
                    return;
                }
                tracing::info!(?which, %error, "a device did not open");
                let code = code_of(&error, which);
                // Revoked between asking and opening: the gate says what comes next.
                slot.failed = (error != OpenDevice::Revoked).then_some(code);
                self.device_problem(which, code);
            }
        }
    }

    fn opened(&mut self, which: Which, number: u64, handle: Handle) {
        let device = match &handle {
            Handle::Microphone(device, _) | Handle::System(device, _) => device.device(),
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
        slot.way.opened(Instant::now());
        slot.failed = None;
        // Whatever the reason: whoever speaks or listens through another device than before is told.
        if another && matches!(which, Which::Microphone | Which::Speaker) {
            self.changed(which, device.clone());
        }
        self.hardware.slot(which).last = Some(device.clone());
        if which == Which::Screen {
            self.hardware.screen.lost_name = self.device_name(which, &device);
        }
        let kept = match handle {
            Handle::Microphone(device, reader) => {
                self.sound_order(AudioInput::AttachMicrophone(reader, device.format()));
                Ok(Kept::Listens(device))
            }
            Handle::System(device, reader) => {
                self.sound_order(AudioInput::AttachSystem(reader, device.format()));
                Ok(Kept::Listens(device))
            }
            Handle::Speaker(device, writer) => {
                self.sound_order(AudioInput::AttachSpeaker(writer, device.format()));
                Ok(Kept::Speaks(device))
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
                if was_lost && which != Which::System {
                    let about = self.device_name(which, &device);
                    // Unless another speaker took its place it is the one that was lost.
                    let about = about.or_else(|| self.hardware.slot(which).lost_name.take().filter(|_| !another));
                    self.page.withdraw(Code::DeviceLost);
                    self.page.device_notice(Code::DeviceBack, which.kind(), about, Severity::Info);
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

    fn encode_camera(
        &self,
        number: u64,
        device: Box<dyn Pictures>,
        pictures: LatestReader<Picture>,
    ) -> Result<Kept, Code> {
        let call = self.call.as_ref().ok_or(Code::NotInMeeting)?;
        let sealing = call.sealing(Lane::Camera).map_err(|_| Code::Internal)?;
        let permit = self.gate.permit::<Camera>().map_err(|_| Code::NotAllowed)?;
        let ended = self.picture_ended(Lane::Camera, number);
        let around = self.around.clone();
        match OwnPicture::start_camera(around, OWN_CAMERA, pictures, (permit, sealing), ended) {
            Ok(encode) => Ok(Kept::Picture { device, encode }),
            Err(error) => {
                tracing::error!(%error, "no encode thread");
                Err(Code::DeviceFailed)
            }
        }
    }

    fn picture_ended(&self, lane: Lane, number: u64) -> impl FnOnce(bool) + Send + 'static + use<> {
        let me = self.me.clone();
        move |revoked| {
            if me.try_send(Input::OwnEnded(lane, number, revoked)).is_err() {
                tracing::debug!("the end of a picture was not heard");
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
        if which == Which::Camera && self.hardware.camera_for_call {
            return self.encode_camera(number, device, pictures);
        }
        let lane = if which == Which::Screen { Lane::Screen } else { Lane::Camera };
        let for_call = which == Which::Screen;
        let (permit, sealing, limits, name) = if for_call {
            let sealing = self.call.as_ref().ok_or(Code::NotInMeeting)?.sealing(lane).map_err(|_| Code::Internal)?;
            let permit = self.gate.permit::<Screen>().map_err(|_| Code::NotAllowed)?;
            (ShowPermit::Screen(permit), sealing, screen_limits(self.settings.share_quality), OWN_SCREEN)
        } else {
            (ShowPermit::Camera(Gate::preview::<Camera>()), Sealing::Plain, PREVIEW_LIMITS, PREVIEW)
        };
        let showing = Showing { name: name.to_owned(), lane: for_call.then_some(lane) };
        let ended = self.picture_ended(lane, number);
        let started = OwnPicture::start(self.around.clone(), showing, pictures, (permit, sealing, limits), ended);
        match started {
            Ok(encode) => Ok(Kept::Picture { device, encode }),
            Err(error) => {
                tracing::error!(%error, "no encoder");
                Err(Code::DeviceFailed)
            }
        }
    }
}

/// A share's limits. Bits follow the pixels; what the link has no room for is taken back by its rungs.
const fn screen_limits(quality: ShareQuality) -> VideoLimits {
    match quality {
        ShareQuality::Standard => VideoLimits::SCREEN,
        ShareQuality::Fine => {
            VideoLimits { size: Size { width: 3840, height: 2160 }, fps: 15, bitrate: Bitrate::kbps(5000) }
        }
        ShareQuality::Light => {
            VideoLimits { size: Size { width: 1280, height: 720 }, fps: 10, bitrate: Bitrate::kbps(1000) }
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
        OpenDevice::Unsupported | OpenDevice::Cancelled | OpenDevice::Failed(_) => Code::DeviceFailed,
    }
}
