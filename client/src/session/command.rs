//! Everything a user can want, and where in the session it goes. Part of the session.

use std::time::Instant;

use media_core::audio::AudioInput;
use protocol::bridge::{
    ChooseDevice, Code, CreateInvite, CreatedInvite, DeviceKind, DismissNotice, Failure, HostMeeting, JoinInvite,
    JoinRecent, JoinServer, LookAtScreens, OpenStage, PageCodecs, SetPreview, SetRight, SetRole, SetShieldExempt,
    SetShieldMinimum, SetShortcut, SetVolume, SetWatermark, SettingsChange, StartShare, Switch,
};

use super::devices::Which;
use super::enter::Goal;
use super::{Reply, Session};
use crate::client::{MuteWish, Voice};
use crate::talk::Finger;
use crate::transport::Lane;

/// A command and where its answer goes.
pub(crate) enum Command {
    HostMeeting(HostMeeting, Reply<()>),
    JoinInvite(JoinInvite, Reply<()>),
    JoinServer(JoinServer, Reply<()>),
    JoinRecent(JoinRecent, Reply<()>),
    Leave(Reply<()>),
    StopHosting(Reply<()>),
    ForgetRecent(JoinRecent, Reply<()>),
    Switch(Lane, Switch, Reply<()>),
    Mute(MuteWish, Reply<Voice>),
    MuteByKey(MuteWish, Reply<Voice>),
    Hold(Finger, bool, Reply<()>),
    SetShortcut(SetShortcut, Reply<()>),
    LookAtScreens(LookAtScreens, Reply<()>),
    StartShare(StartShare, Reply<()>),
    StopShare(Reply<()>),
    ChooseDevice(ChooseDevice, Reply<()>),
    RefreshDevices(Reply<()>),
    SetPreview(SetPreview, Reply<()>),
    TestSpeaker(Reply<()>),
    TestMicrophone(Reply<()>),
    SetRight(SetRight, Reply<()>),
    SetRole(SetRole, Reply<()>),
    SetShieldMinimum(SetShieldMinimum, Reply<()>),
    SetShieldExempt(SetShieldExempt, Reply<()>),
    SetWatermark(SetWatermark, Reply<()>),
    SetVolume(SetVolume, Reply<()>),
    CreateInvite(CreateInvite, Reply<CreatedInvite>),
    ChangeSettings(SettingsChange, Reply<()>),
    DismissNotice(DismissNotice, Reply<()>),
    ReportCodecs(PageCodecs, Reply<()>),
    OpenStage(OpenStage, Reply<()>),
    CloseStage(Reply<()>),
}

/// Answers a caller that may be gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Failure>) {
    if reply.send(result).is_err() {
        tracing::debug!("a caller did not wait for its answer");
    }
}

impl Session {
    pub(super) fn on_command(&mut self, command: Command) {
        match command {
            Command::HostMeeting(ask, reply) => {
                let title = ask.title.trim().to_owned();
                if title.is_empty() || title.len() > 96 || title.chars().any(char::is_control) {
                    return answer(reply, Err(Failure::of(Code::BadInput, "the title")));
                }
                self.remember_name(&ask.name);
                self.join(Goal::HostHere { title }, ask.name, (ask.microphone, ask.camera), reply);
            }
            Command::JoinInvite(ask, reply) => match protocol::invite::Invite::parse(&ask.link) {
                Ok(invite) => {
                    self.pending_invite = None;
                    self.remember_name(&ask.name);
                    self.join(Goal::Invite(Box::new(invite)), ask.name, (ask.microphone, ask.camera), reply);
                }
                Err(error) => answer(reply, Err(super::enter::invite_failure(error))),
            },
            Command::JoinServer(ask, reply) => {
                let name = self.own_name();
                let goal = Goal::Server {
                    url: ask.url,
                    token: zeroize::Zeroizing::new(ask.token),
                    passphrase: zeroize::Zeroizing::new(ask.passphrase),
                };
                self.join(goal, name, (ask.microphone, ask.camera), reply);
            }
            Command::JoinRecent(ask, reply) => match self.recents.iter().find(|r| r.id == ask.id) {
                Some(recent) => {
                    let near = self.nearby_addresses(recent);
                    let goal = Goal::Recent { recent: recent.clone(), near };
                    let name = self.own_name();
                    // Both closed: the page opens what the person left on in the preparations, and nothing else.
                    self.join(goal, name, (false, false), reply);
                }
                None => answer(reply, Err(Failure::of(Code::BadInput, "no such recent meeting"))),
            },
            Command::Leave(reply) => {
                self.leave_now();
                answer(reply, Ok(()));
            }
            Command::StopHosting(reply) => self.stop_hosting(reply),
            Command::ForgetRecent(ask, reply) => self.forget_recent(&ask.id, reply),
            Command::Switch(lane, switch, reply) => {
                let result = match lane {
                    Lane::Microphone => self.switch_voice(switch.on),
                    Lane::Megaphone | Lane::Camera | Lane::Screen | Lane::ScreenSound => self.switch(lane, switch.on),
                };
                answer(reply, result);
            }
            Command::Mute(wish, reply) => {
                let result = self.mute(wish);
                answer(reply, result);
            }
            Command::MuteByKey(wish, reply) => {
                let result = self.mute_by_key(wish);
                answer(reply, result);
            }
            Command::Hold(finger, down, reply) => {
                let result = self.hold(finger, down);
                answer(reply, result);
            }
            Command::SetShortcut(ask, reply) => {
                let result = self.set_shortcut(&ask);
                answer(reply, result);
            }
            Command::LookAtScreens(ask, reply) => {
                let result = self.look_at_screens(ask.screens, Instant::now());
                answer(reply, result);
            }
            Command::StartShare(ask, reply) => {
                let result = self.start_share(ask.screen, ask.sound);
                answer(reply, result);
            }
            Command::StopShare(reply) => {
                let result = self.switch(Lane::Screen, false);
                answer(reply, result);
            }
            Command::ChooseDevice(ask, reply) => {
                self.choose(ask.kind, ask.device);
                answer(reply, Ok(()));
            }
            Command::RefreshDevices(reply) => {
                self.look_for_devices();
                answer(reply, Ok(()));
            }
            Command::SetPreview(ask, reply) => {
                self.set_preview(ask);
                answer(reply, Ok(()));
            }
            Command::TestSpeaker(reply) => {
                self.test_speaker();
                answer(reply, Ok(()));
            }
            Command::TestMicrophone(reply) => {
                let result = self.test_microphone();
                answer(reply, result);
            }
            Command::SetRight(ask, reply) => {
                let wish = protocol::office::ToHost::SetRight {
                    role: ask.role,
                    capability: ask.capability,
                    allowed: ask.allowed,
                };
                let result = self.wish(&wish);
                answer(reply, result);
            }
            Command::SetRole(ask, reply) => {
                let result = self.wish(&protocol::office::ToHost::SetRole { user: ask.user, role: ask.role });
                answer(reply, result);
            }
            Command::SetShieldMinimum(ask, reply) => {
                let wish = protocol::office::ToHost::SetShieldMinimum { role: ask.role, level: ask.level };
                let result = self.wish(&wish);
                answer(reply, result);
            }
            Command::SetShieldExempt(ask, reply) => {
                let wish = protocol::office::ToHost::SetShieldExempt { user: ask.user, exempt: ask.exempt };
                let result = self.wish(&wish);
                answer(reply, result);
            }
            Command::SetWatermark(ask, reply) => {
                let result = self.wish(&protocol::office::ToHost::SetWatermark { watermark: ask.watermark });
                answer(reply, result);
            }
            Command::SetVolume(ask, reply) => {
                self.set_volume(ask);
                answer(reply, Ok(()));
            }
            Command::CreateInvite(ask, reply) => self.create_invite(ask, reply),
            Command::ChangeSettings(change, reply) => {
                let shared_so = self.settings.share_quality;
                self.settings.change(change);
                self.around.blur.set(self.settings.blur_background);
                self.sound_order(AudioInput::Process(self.settings.processing()));
                if self.settings.share_quality != shared_so && !self.desktop_chose() {
                    // Opened again as it is wanted now. A desktop that asks would ask again: there it is for the next time.
                    self.close(Which::Screen);
                }
                self.save_settings();
                answer(reply, Ok(()));
            }
            Command::DismissNotice(ask, reply) => {
                self.page.dismiss(ask.id);
                answer(reply, Ok(()));
            }
            Command::OpenStage(ask, reply) => {
                let result = self.open_stage(ask.track);
                answer(reply, result);
            }
            Command::CloseStage(reply) => {
                self.close_stage();
                answer(reply, Ok(()));
            }
            Command::ReportCodecs(codecs, reply) => {
                self.around.door.set_codecs(codecs);
                answer(reply, Ok(()));
            }
        }
    }

    fn choose(&mut self, kind: DeviceKind, device: Option<protocol::ids::DeviceId>) {
        match kind {
            DeviceKind::Microphone => self.settings.microphone = device,
            DeviceKind::Speaker => self.settings.speaker = device,
            DeviceKind::Camera => self.settings.camera = device,
        }
        self.save_settings();
        self.reopen(kind);
    }

    pub(super) fn save_settings(&mut self) {
        if !self.profile.save_settings(&self.settings) {
            self.notice(Code::SettingsNotSaved, None, protocol::bridge::Severity::Warning);
        }
    }

    fn remember_name(&mut self, name: &protocol::ids::DisplayName) {
        if self.settings.name.as_ref() != Some(name) {
            self.settings.name = Some(name.clone());
            self.save_settings();
        }
    }

    fn own_name(&self) -> protocol::ids::DisplayName {
        self.settings
            .name
            .clone()
            .unwrap_or_else(|| protocol::ids::DisplayName::parse("Shoji").expect("a constant that is a name"))
    }
}
