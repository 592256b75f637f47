//! Our own tracks: asked for, published, silenced and taken back, so that exactly what is wanted and allowed is sent.
//! Part of the session.

use std::time::Instant;

use livekit_protocol as lk;
use media_core::audio::{AudioInput, LocalAudio, SpeakPermit};
use media_core::device::{ScreenInfo, ScreenKind};
use media_core::frame::Size;
use media_core::time::Bitrate;
use media_core::video::layers::{LAYERS, share, size_of};
use protocol::bridge::{Code, Failure, Severity};
use protocol::ids::DeviceId;
use protocol::policy::{Capability, Grants, Megaphone, Mic, Screen, TrackKind, TrackSource};
use protocol::signal;

use super::Session;
use super::call::Call;
use super::devices::Which;
use crate::secrets;
use crate::sound::Sound;
use crate::transport::{Lane, Order};

const LANES: [Lane; 5] = [Lane::Microphone, Lane::Megaphone, Lane::Camera, Lane::Screen, Lane::ScreenSound];
const VOICE: Bitrate = Bitrate::kbps(64);
/// One channel with everything that can be heard.
const MUSIC: Bitrate = Bitrate::kbps(96);

const fn capability(lane: Lane) -> Capability {
    match lane {
        Lane::Microphone => Capability::Microphone,
        Lane::Megaphone => Capability::Megaphone,
        Lane::Camera => Capability::Camera,
        Lane::Screen | Lane::ScreenSound => Capability::ScreenShare,
    }
}

/// What the server is asked for.
fn request(lane: Lane, cid: &str, sealed: bool, muted: bool) -> lk::AddTrackRequest {
    let (source, kind, name) = match lane {
        Lane::Microphone => (TrackSource::Microphone, TrackKind::Audio, "microphone"),
        Lane::Megaphone => (TrackSource::Megaphone, TrackKind::Audio, "megaphone"),
        Lane::Camera => (TrackSource::Camera, TrackKind::Video, "camera"),
        Lane::Screen => (TrackSource::ScreenShare, TrackKind::Video, "screen"),
        Lane::ScreenSound => (TrackSource::ScreenShareAudio, TrackKind::Audio, "screen sound"),
    };
    let (width, height) = match lane {
        Lane::Camera => (1280, 720),
        Lane::Screen => (1920, 1080),
        Lane::Microphone | Lane::Megaphone | Lane::ScreenSound => (0, 0),
    };
    let encryption = if sealed { lk::encryption::Type::Gcm } else { lk::encryption::Type::None };
    let codecs = match kind {
        TrackKind::Video => {
            let (codec, cid) = ("h264".into(), cid.into());
            vec![lk::SimulcastCodec { codec, cid, layers: layers(lane), ..Default::default() }]
        }
        TrackKind::Audio => Vec::new(),
    };
    lk::AddTrackRequest {
        cid: cid.to_owned(),
        name: name.to_owned(),
        r#type: signal::wire_kind(kind),
        source: signal::wire_source(source),
        muted,
        width,
        height,
        encryption: encryption as i32,
        // We neither send nor take RED, and under seal nobody may (LIVEKIT.md 3.1).
        disable_red: true,
        layers: layers(lane),
        simulcast_codecs: codecs,
        ..Default::default()
    }
}

/// What a camera is announced as; everything else is one stream.
fn layers(lane: Lane) -> Vec<lk::VideoLayer> {
    let camera = Size { width: 1280, height: 720 };
    let qualities = [lk::VideoQuality::Low, lk::VideoQuality::Medium, lk::VideoQuality::High];
    let wide = share(None, [true; LAYERS]);
    let named = lane.rids().iter().zip(qualities).zip(wide).enumerate();
    named
        .map(|(layer, ((rid, quality), bitrate))| {
            let Size { width, height } = size_of(layer, camera);
            let bitrate = bitrate.map_or(0, |bits| bits.0);
            lk::VideoLayer {
                quality: quality as i32,
                width,
                height,
                bitrate,
                rid: (*rid).to_owned(),
                ..Default::default()
            }
        })
        .collect()
}

impl Session {
    /// Takes over what the office and the server allow; what fell is closed at once.
    pub(super) fn settle_gate(&mut self) {
        let grants = self.call.as_ref().map_or(Grants::NONE, Call::grants);
        let known = self.call.as_ref().is_some_and(|c| c.crowd.is_some());
        let fallen = self.gate.set(grants);
        if !known {
            return;
        }
        for lane in LANES {
            let right = capability(lane);
            if grants.allows(right) {
                continue;
            }
            let wanted = self.call.as_ref().and_then(|c| c.own.get(&lane)).is_some_and(|own| own.wanted);
            if fallen.contains(&right) {
                if wanted {
                    self.notice(Code::RightRevoked, Some(capability_name(right).to_owned()), Severity::Warning);
                }
                self.close_own(lane, None);
            } else if wanted {
                self.want(lane, false);
            }
        }
    }

    /// Publishes, mutes, starts and stops.
    pub(super) fn settle_tracks(&mut self) {
        let now = Instant::now();
        let waits = self.is_ready_to_talk();
        for lane in LANES {
            let Some(call) = &mut self.call else {
                return self.silence();
            };
            let may = call.may_capture(now);
            let sealed = call.seals.is_some();
            let own = call.own.entry(lane).or_default();
            let on = own.wanted && may && self.gate.grants().allows(capability(lane));
            // Announced before it is needed: asking the server takes as long as a syllable.
            let waits = waits && lane == Lane::Microphone;
            if let Some(machine) = &mut call.signal {
                if (on || waits) && own.cid.is_none() {
                    let cid = secrets::random_id("TR_");
                    if lane == Lane::Camera {
                        self.around.camera.want_all();
                    }
                    machine.add_track(request(lane, &cid, sealed, !on), now);
                    own.cid = Some(cid);
                    own.muted = !on;
                }
                if let Some(cid) = own.cid.clone().filter(|_| own.accepted && !own.laned) {
                    own.laned = true;
                    machine.negotiate(false);
                    // The order goes out before the offer is made: `pump` comes after.
                    self.order(Order::AddLane { lane, cid });
                }
            }
            self.settle_mute(lane, on);
            self.settle_sound(lane, on, waits);
        }
    }

    fn settle_mute(&mut self, lane: Lane, on: bool) {
        let Some(call) = &mut self.call else { return };
        let own = call.own.entry(lane).or_default();
        let Some(cid) = own.cid.clone() else { return };
        match lane {
            // An announcement or a shared screen that ends is gone, not silent.
            Lane::Megaphone | Lane::Screen | Lane::ScreenSound => {
                if !on && !own.wanted {
                    self.close_own(lane, None);
                }
            }
            Lane::Microphone | Lane::Camera => {
                if own.accepted && own.muted == on {
                    own.muted = !on;
                    if let Some(machine) = &mut call.signal {
                        machine.mute(&cid, !on);
                    }
                }
            }
        }
    }

    fn settle_sound(&mut self, lane: Lane, on: bool, waits: bool) {
        let (local, device) = match lane {
            Lane::Microphone => (LocalAudio::Microphone, &self.hardware.microphone),
            Lane::Megaphone => (LocalAudio::Megaphone, &self.hardware.microphone),
            Lane::ScreenSound => (LocalAudio::Screen, &self.hardware.system),
            Lane::Camera | Lane::Screen => return,
        };
        let open = device.is_open();
        let Some(call) = &mut self.call else { return };
        let sealing = call.sealing(lane);
        let own = call.own.entry(lane).or_default();
        let should = (on || waits) && own.accepted && open;
        if should == own.sounding {
            if should && own.hushed == on {
                own.hushed = !on;
                self.sound_order(AudioInput::MuteLocal(local, !on));
            }
            return;
        }
        own.sounding = should;
        own.hushed = !on;
        if !should {
            return self.sound_order(AudioInput::StopLocal(local));
        }
        let permit = match local {
            LocalAudio::Microphone => self.gate.permit::<Mic>().map(SpeakPermit::Microphone),
            LocalAudio::Megaphone => self.gate.permit::<Megaphone>().map(SpeakPermit::Megaphone),
            LocalAudio::Screen => self.gate.permit::<Screen>().map(SpeakPermit::Screen),
        };
        let bitrate = if local == LocalAudio::Screen { MUSIC } else { VOICE };
        let (Ok(permit), Ok(sealing)) = (permit, sealing) else { return };
        let rtp_start = u32::from_be_bytes(*secrets::random::<4>().expose());
        // Nothing is sent through silence of people: of 25 in a room 22 listen, and each of their packets costs the other 24.
        let dtx = local != LocalAudio::Screen;
        self.sound_order(AudioInput::StartLocal { permit, sealing, bitrate, dtx, rtp_start });
        if !on {
            self.sound_order(AudioInput::MuteLocal(local, true));
        }
    }

    fn silence(&mut self) {
        for local in [LocalAudio::Microphone, LocalAudio::Megaphone, LocalAudio::Screen] {
            self.sound_order(AudioInput::StopLocal(local));
        }
    }

    /// Takes one of our tracks back from the server.
    pub(super) fn close_own(&mut self, lane: Lane, problem: Option<Code>) {
        let Some(call) = &mut self.call else { return };
        let own = call.own.entry(lane).or_default();
        let laned = own.laned;
        let cid = own.cid.take();
        own.wanted = false;
        own.accepted = false;
        own.laned = false;
        own.muted = false;
        own.problem = problem;
        if let Some(machine) = &mut call.signal {
            if let Some(cid) = &cid {
                machine.remove_track(cid);
            }
            if laned {
                machine.negotiate(false);
            }
        }
        if laned {
            self.order(Order::RemoveLane(lane));
        }
    }

    /// Wanted or not, without asking.
    pub(super) fn want(&mut self, lane: Lane, on: bool) {
        if let Some(call) = &mut self.call {
            call.own(lane).wanted = on;
        }
    }

    pub(super) fn switch(&mut self, lane: Lane, on: bool) -> Result<(), Failure> {
        let Some(call) = &mut self.call else {
            return Err(Failure::of(Code::NotInMeeting, "there is no meeting"));
        };
        if on && call.crowd.is_some() && !self.gate.grants().allows(capability(lane)) {
            return Err(Failure::of(Code::NotAllowed, capability_name(capability(lane))));
        }
        let own = call.own(lane);
        own.wanted = on;
        own.problem = None;
        match lane {
            Lane::Microphone | Lane::Megaphone => self.hardware.microphone.forgive(),
            Lane::Camera => self.hardware.camera.forgive(),
            Lane::Screen => self.hardware.screen.failed = None,
            Lane::ScreenSound => self.hardware.system.failed = None,
        }
        Ok(())
    }

    pub(super) fn start_share(&mut self, screen: DeviceId, sound: bool) -> Result<(), Failure> {
        if let Err(error) = &self.hardware.list.screens {
            return Err(Failure::of(Code::ShareUnsupported, error));
        }
        let another = self
            .call
            .as_ref()
            .and_then(|c| c.own.get(&Lane::Screen))
            .is_some_and(|own| own.wanted && own.screen.as_ref() != Some(&screen));
        self.switch(Lane::Screen, true)?;
        if another {
            self.close(Which::Screen);
        }
        if let Some(call) = &mut self.call {
            call.own(Lane::Screen).screen = Some(screen);
        }
        if self.settings.share_sound != sound {
            self.settings.share_sound = sound;
            self.save_settings();
        }
        self.switch(Lane::ScreenSound, sound && self.hardware.list.system_audio)
    }

    /// Is what is shared chosen in the desktop's own dialog?
    pub(super) fn desktop_chose(&self) -> bool {
        let own = self.call.as_ref().and_then(|call| call.own.get(&Lane::Screen));
        let (Some(own), Ok(screens)) = (own, &self.hardware.list.screens) else { return false };
        let of_desktop = |screen: &&ScreenInfo| screen.kind == ScreenKind::Portal;
        screens.iter().filter(of_desktop).any(|screen| own.screen.as_ref() == Some(&screen.id))
    }

    /// The sound of a screen goes with the screen.
    pub(super) fn settle_share(&mut self) {
        let Some(call) = &mut self.call else { return };
        if !call.own(Lane::Screen).wanted {
            call.own(Lane::ScreenSound).wanted = false;
        }
    }

    /// The engine, started if it is not running.
    pub(super) fn sound(&mut self) -> Option<Sound> {
        if self.sound.is_none() {
            let number = self.next_serial();
            let me = self.me.clone();
            let tell = move |output| {
                if me.try_send(super::Input::Sound(number, output)).is_err() {
                    tracing::debug!("news of the sound engine were lost");
                }
            };
            let devices = std::sync::Arc::clone(&self.ports.devices);
            let hasten = move || devices.hasten_sound();
            let started = Sound::start(self.around.clock, self.around.outlet.clone(), hasten, tell);
            let sound = started.inspect_err(|error| tracing::error!(%error, "no thread for sound")).ok()?;
            sound.order(AudioInput::WantLevels(true));
            sound.order(AudioInput::Process(self.settings.processing()));
            if let Some(call) = &mut self.call {
                for own in call.own.values_mut() {
                    own.sounding = false;
                }
            }
            self.sound = Some((number, sound));
        }
        self.sound.as_ref().map(|(_, sound)| sound.clone())
    }

    /// An order for the engine, if it runs.
    pub(super) fn sound_order(&mut self, input: AudioInput) {
        if let Some((_, sound)) = &self.sound
            && !sound.order(input)
        {
            tracing::warn!("the sound engine does not keep up");
        }
    }
}

/// As the page's words for it are keyed.
const fn capability_name(capability: Capability) -> &'static str {
    match capability {
        Capability::Microphone => "microphone",
        Capability::Camera => "camera",
        Capability::ScreenShare => "screen_share",
        Capability::Megaphone => "megaphone",
    }
}
