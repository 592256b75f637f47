//! Devices that end: closed because nobody wants them, lost, or given up; and what the person is told. Part of the session.

use std::time::Instant;

use media_core::audio::AudioInput;
use media_core::device::StreamEvent;
use media_core::video::lens::Lens;
use protocol::bridge::{Code, Severity};
use protocol::ids::DeviceId;

use super::{Rehearsing, State, Which, lane_of};
use crate::session::Session;
use crate::transport::Lane;

impl Session {
    pub(in crate::session) fn on_own_ended(&mut self, lane: Lane, number: u64, revoked: bool) {
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

    pub(in crate::session) fn on_device(&mut self, which: Which, number: u64, event: StreamEvent) {
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
            StreamEvent::Hidden(true) => self.page.notice(Code::ShareHidden, None, Severity::Info),
            StreamEvent::Hidden(false) => self.page.withdraw(Code::ShareHidden),
            // The gate closed it; whether it opens again is the gate's word, too.
            StreamEvent::Revoked => self.close(which),
        }
    }

    fn lost(&mut self, which: Which) {
        let slot = self.hardware.slot(which);
        slot.lost = true;
        slot.way.lost(Instant::now());
        slot.failed = Some(Code::DeviceLost);
        let last = slot.last.clone();
        let about = last.and_then(|id| self.device_name(which, &id));
        // A window that was closed may have left the list before this is heard.
        let known = (which == Which::Screen).then(|| self.hardware.screen.lost_name.take()).flatten();
        let about = about.or(known);
        self.hardware.slot(which).lost_name.clone_from(&about);
        match which {
            Which::Screen => {
                self.want(Lane::Screen, false);
                self.notice(Code::ShareLost, about, Severity::Warning);
            }
            // Opened again as soon as there is a sound server; the picture goes on.
            Which::System => {}
            Which::Microphone | Which::Speaker | Which::Camera => {
                self.page.device_notice(Code::DeviceLost, which.kind(), about, Severity::Warning);
            }
        }
        self.look_for_devices();
    }

    pub(super) fn device_problem(&mut self, which: Which, code: Code) {
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
        if which == Which::System {
            self.notice(Code::ShareSoundFailed, None, Severity::Warning);
        } else if self.call.is_some() || which == Which::Speaker || self.hardware.rehearsal != Rehearsing::Never {
            self.page.device_notice(code, which.kind(), None, Severity::Warning);
        }
    }

    /// Tells of a camera that shows nothing, once, and takes it back as soon as it does.
    pub(in crate::session) fn settle_lens(&mut self) {
        let now = if self.hardware.camera.is_open() { self.around.lens.get() } else { Lens::Clear };
        if std::mem::replace(&mut self.hardware.lens, now) == now {
            return;
        }
        self.page.withdraw(Code::CameraDark);
        self.page.withdraw(Code::CameraStill);
        let code = match now {
            Lens::Clear => return,
            Lens::Dark => Code::CameraDark,
            Lens::Still => Code::CameraStill,
        };
        let camera = self.hardware.camera.last.clone();
        let about = camera.and_then(|id| self.device_name(Which::Camera, &id));
        self.page.device_notice(code, Which::Camera.kind(), about, Severity::Warning);
    }

    /// Tells that the camera shows nothing because its background cannot be blurred.
    pub(in crate::session) fn settle_blur(&mut self) {
        let failed = self.hardware.camera.is_open() && self.around.blur.has_failed();
        if std::mem::replace(&mut self.hardware.blur_failed, failed) == failed {
            return;
        }
        if failed {
            self.page.device_notice(Code::BlurFailed, Which::Camera.kind(), None, Severity::Error);
        } else {
            self.page.withdraw(Code::BlurFailed);
        }
    }

    /// What the microphone in use is called.
    pub(in crate::session) fn microphone_name(&self) -> Option<String> {
        self.device_name(Which::Microphone, self.hardware.microphone.last.as_ref()?)
    }

    pub(super) fn device_name(&self, which: Which, id: &DeviceId) -> Option<String> {
        let list = match which {
            Which::Microphone => &self.hardware.list.microphones,
            Which::Speaker => &self.hardware.list.speakers,
            Which::Camera => &self.hardware.list.cameras,
            Which::Screen => {
                let screens = self.hardware.list.screens.as_ref().ok()?;
                // What the desktop was asked for has no name.
                let named = |name: &String| !name.is_empty();
                return screens.iter().find(|s| s.id == *id).map(|s| s.name.clone()).filter(named);
            }
            Which::System => return None,
        };
        list.iter().find(|d| d.id == *id).map(|d| d.name.clone())
    }

    pub(in crate::session) fn close(&mut self, which: Which) {
        let number = self.next_serial();
        let slot = self.hardware.slot(which);
        slot.number = number;
        let state = std::mem::take(&mut slot.state);
        slot.wait_no_more();
        match which {
            Which::Microphone => self.sound_order(AudioInput::DetachMicrophone),
            Which::Speaker => self.sound_order(AudioInput::DetachSpeaker),
            Which::System => self.sound_order(AudioInput::DetachSystem),
            // Another one, or the same anew, is judged by its own pictures.
            Which::Camera => self.around.lens.set(Lens::Clear),
            // What is not shared any more is not hidden either.
            Which::Screen => self.page.withdraw(Code::ShareHidden),
        }
        if let State::Open(kept) = state {
            self.drop_slowly(kept);
        }
    }

    /// Closing a device may block.
    pub(in crate::session) fn drop_slowly(&self, thing: impl Send + 'static) {
        self.tokio.spawn_blocking(move || drop(thing));
    }
}
