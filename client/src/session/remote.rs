//! Tracks of others: refused, received, played, and how they fare. Part of the session.

use std::time::Instant;

use livekit_protocol as lk;
use media_core::audio::{AudioInput, AudioOutput, RemoteAudio, RemoteId};
use media_core::receive::TrackState as Fares;
use protocol::bridge::{Code, Levels, PersonLevel, SetVolume, Severity, TrackState};
use protocol::ids::{TrackSid, UserId};
use protocol::policy::{TrackKind, TrackSource};

use super::call::{Remote, RemoteMedia};
use super::hush::Hushed;
use super::{Input, Session};
use crate::client::MeetingHappening;
use crate::people::{Announced, Difference};
use crate::picture::{RemoteNews, RemotePicture};
use crate::transport::{Lane, Order, Sink};

/// The most a voice is raised to, in percent.
const LOUDEST: u8 = 200;

impl Session {
    pub(super) fn on_differences(&mut self, differences: Vec<Difference>) {
        for difference in differences {
            match difference {
                Difference::Came(user) => {
                    let me = self.call.as_ref().and_then(|c| c.crowd.as_ref()).map(|c| c.me().clone());
                    if me.as_ref() != Some(&user) {
                        self.happened(&MeetingHappening::PersonCame(user));
                    }
                }
                Difference::Went(user) => self.happened(&MeetingHappening::PersonWent(user)),
                Difference::TrackNew(user, track) => self.add_remote(user, track),
                Difference::TrackChanged(user, track) => self.change_remote(user, track),
                Difference::TrackOver(sid) => self.drop_remote(&sid),
                Difference::MyGrants(grants) => {
                    if let Some(call) = &mut self.call {
                        call.server_grants = Some(grants);
                    }
                }
            }
        }
    }

    fn add_remote(&mut self, user: UserId, track: Announced) {
        self.drop_remote(&track.sid);
        let sid = track.sid.clone();
        let ours = self.call.as_ref().is_some_and(|c| c.office.is_some());
        let sealed_meeting = self.call.as_ref().is_some_and(|c| c.seals.is_some());
        // The megaphone is heard from whoever the server says may use it, and from nobody else.
        let hears = track.source != TrackSource::Megaphone || track.may_megaphone || ours;
        let state = if sealed_meeting && !track.sealed { TrackState::RefusedUnsealed } else { TrackState::Waiting };
        if state == TrackState::RefusedUnsealed {
            let about = self.call.as_ref().and_then(|c| c.crowd.as_ref()?.person(&user)).map(|p| p.name.clone());
            self.notice(Code::TrackRefused, about, Severity::Warning);
        }
        let media = if hears && state == TrackState::Waiting { self.receive(&user, &track) } else { None };
        let refused = media.is_none();
        let Some(call) = &mut self.call else { return };
        call.remotes.insert(sid.clone(), Remote { user, track, state, media });
        if refused && let Some(machine) = &mut call.signal {
            machine.request(lk::signal_request::Message::Subscription(lk::UpdateSubscription {
                track_sids: vec![sid.to_string()],
                subscribe: false,
                ..Default::default()
            }));
        }
    }

    fn receive(&mut self, user: &UserId, track: &Announced) -> Option<RemoteMedia> {
        let opening = self.call.as_ref()?.opening(track.source);
        let number = self.next_serial();
        let (media, sink) = match track.kind {
            TrackKind::Audio => {
                let id = RemoteId(number);
                let kind = match track.source {
                    TrackSource::Megaphone => RemoteAudio::Megaphone,
                    TrackSource::ScreenShareAudio => RemoteAudio::Screen,
                    TrackSource::Microphone | TrackSource::Camera | TrackSource::ScreenShare => RemoteAudio::Microphone,
                };
                let sound = self.sound()?;
                if !sound.order(AudioInput::AddRemote { id, kind, opening }) {
                    return None;
                }
                // A film that is shown is as loud as the one who shows it made it.
                let percent =
                    self.call.as_ref().and_then(|c| c.volumes.get(user)).filter(|_| kind != RemoteAudio::Screen);
                if let Some(percent) = percent {
                    sound.order(AudioInput::SetGain(id, f32::from(*percent) / 100.0));
                }
                let clock = self.around.clock;
                self.call.as_mut()?.sounds.insert(id, track.sid.clone());
                let sink = Sink(std::sync::Arc::new(move |_codec, packet, at| {
                    if !sound.order(AudioInput::Packet { id, packet, at: clock.at(at) }) {
                        tracing::trace!("a packet of sound was lost");
                    }
                }));
                (RemoteMedia::Sound(id), sink)
            }
            TrackKind::Video => {
                let (me, sid) = (self.me.clone(), track.sid.clone());
                let tell = move |news| {
                    if me.try_send(Input::Remote(number, sid.clone(), news)).is_err() {
                        tracing::debug!("news of a picture were lost");
                    }
                };
                let started = RemotePicture::start(self.around.clone(), track.sid.to_string(), opening, tell);
                let picture = started.inspect_err(|error| tracing::error!(%error, "no thread")).ok()?;
                let sink = picture.sink();
                (RemoteMedia::Picture(number, picture), sink)
            }
        };
        self.order(Order::Route(track.sid.clone(), sink));
        if track.kind == TrackKind::Video {
            self.order(Order::NeedKey(track.sid.clone()));
        }
        Some(media)
    }

    /// This person wants to hear somebody louder or quieter.
    pub(super) fn set_volume(&mut self, ask: SetVolume) {
        let Some(call) = &mut self.call else { return };
        // Only who is here: nothing else is kept.
        if call.crowd.as_ref().is_none_or(|c| c.person(&ask.user).is_none()) {
            return;
        }
        let percent = ask.percent.min(LOUDEST);
        let voices: Vec<RemoteId> = call
            .remotes
            .values()
            .filter(|r| r.user == ask.user && r.track.source != TrackSource::ScreenShareAudio)
            .filter_map(|r| match r.media {
                Some(RemoteMedia::Sound(id)) => Some(id),
                Some(RemoteMedia::Picture(..)) | None => None,
            })
            .collect();
        call.volumes.insert(ask.user, percent);
        for id in voices {
            self.sound_order(AudioInput::SetGain(id, f32::from(percent) / 100.0));
        }
    }

    fn change_remote(&mut self, user: UserId, track: Announced) {
        let Some(remote) = self.call.as_mut().and_then(|c| c.remotes.get_mut(&track.sid)) else {
            return self.add_remote(user, track);
        };
        let same_kind = remote.track.kind == track.kind
            && remote.track.source == track.source
            && remote.track.sealed == track.sealed
            && remote.track.may_megaphone == track.may_megaphone;
        if !same_kind {
            return self.add_remote(user, track);
        }
        remote.track = track;
    }

    fn drop_remote(&mut self, sid: &TrackSid) {
        let Some(call) = &mut self.call else { return };
        let Some(remote) = call.remotes.remove(sid) else { return };
        if let Some(RemoteMedia::Sound(id)) = remote.media {
            call.sounds.remove(&id);
            self.sound_order(AudioInput::RemoveRemote(id));
        }
        self.order(Order::Unroute(sid.clone()));
        self.happened(&MeetingHappening::TrackOver(sid.clone()));
    }

    pub(super) fn drop_remotes(&mut self) {
        let sids: Vec<TrackSid> = self.call.iter().flat_map(|c| c.remotes.keys().cloned()).collect();
        for sid in sids {
            self.drop_remote(&sid);
        }
    }

    pub(super) fn on_remote(&mut self, number: u64, sid: &TrackSid, news: RemoteNews) {
        let Some(remote) = self.call.as_mut().and_then(|c| c.remotes.get_mut(sid)) else { return };
        if !matches!(&remote.media, Some(RemoteMedia::Picture(n, _)) if *n == number) {
            return;
        }
        match news {
            RemoteNews::State(state) => self.fares(sid, state),
            RemoteNews::NeedKey => self.need_remote_key(sid),
            RemoteNews::NoDecoder => remote.state = TrackState::NoDecoder,
            RemoteNews::Decoded => self.happened(&MeetingHappening::PictureDecoded(sid.clone())),
            RemoteNews::Broken => {
                // A bug of ours took this tile down; a new thread may do better with the next key frame.
                let (user, track) = (remote.user.clone(), remote.track.clone());
                self.add_remote(user, track);
            }
        }
    }

    fn fares(&mut self, sid: &TrackSid, state: Fares) {
        let Some(remote) = self.call.as_mut().and_then(|c| c.remotes.get_mut(sid)) else { return };
        remote.state = match state {
            Fares::Waiting => TrackState::Waiting,
            Fares::Playing => TrackState::Playing,
            Fares::NotSealed => TrackState::RefusedUnsealed,
            Fares::WrongKey => TrackState::WrongKey,
        };
        if state == Fares::Playing {
            let what = MeetingHappening::TrackPlaying {
                user: remote.user.clone(),
                track: sid.clone(),
                source: remote.track.source,
                kind: remote.track.kind,
            };
            self.happened(&what);
        }
    }

    pub(super) fn on_sound(&mut self, number: u64, output: Option<AudioOutput>) {
        if self.sound.as_ref().is_none_or(|(n, _)| *n != number) {
            return;
        }
        let Some(output) = output else {
            // The engine died: a new one is made as soon as something needs it; tracks are added to it again.
            self.sound = None;
            self.hardware.forget_sound();
            self.start_afresh();
            return;
        };
        match output {
            AudioOutput::State(id, state) => {
                if let Some(sid) = self.call.as_ref().and_then(|c| c.sounds.get(&id)).cloned() {
                    self.fares(&sid, state);
                }
            }
            AudioOutput::Hears(id, report) => self.on_hears(id, report),
            AudioOutput::Levels(levels) => self.on_levels(&levels),
            AudioOutput::Revoked(local) => tracing::info!(?local, "the sound engine let go of a track"),
            AudioOutput::Unsent(local, why) => tracing::warn!(?local, why, "sound was not sent"),
            AudioOutput::RehearsalPlays => self.on_rehearsal(None),
            AudioOutput::RehearsalEnded(loudest) => self.on_rehearsal(Some(loudest)),
            AudioOutput::TestToneEnded => self.hardware.testing = false,
            AudioOutput::MicrophoneEnded | AudioOutput::SpeakerEnded => {}
            AudioOutput::Frame(..) => {}
        }
    }

    fn on_levels(&mut self, levels: &media_core::audio::Levels) {
        let loud = |level: &media_core::frame::AudioLevel| {
            // 0 = -60 dBov or less, 1 = full scale, linear in dB.
            (1.0 - f32::from(level.below_full) / 60.0).clamp(0.0, 1.0)
        };
        let mut people: Vec<PersonLevel> = Vec::new();
        if let Some(call) = &self.call {
            for (id, level) in &levels.remotes {
                let remote = call.sounds.get(id).and_then(|sid| call.remotes.get(sid));
                // A film somebody shows is not that person speaking.
                let speaks = remote.filter(|r| r.track.source != TrackSource::ScreenShareAudio);
                let user = speaks.map(|r| r.user.clone());
                let level = loud(level);
                let Some(user) = user.filter(|_| level > 0.0) else { continue };
                match people.iter_mut().find(|p| p.user == user) {
                    Some(known) => known.level = known.level.max(level),
                    None => people.push(PersonLevel { user, level }),
                }
            }
        }
        let sends = |lane| self.call.as_ref().and_then(|c| c.own.get(&lane)).is_some_and(|own| own.sounding);
        let used = sends(Lane::Microphone) || sends(Lane::Megaphone);
        match self.hush.look(Instant::now(), levels.heard.filter(|_| used)) {
            Some(Hushed::Silent) => {
                let name = self.microphone_name();
                self.page.device_notice(Code::MicrophoneSilent, None, name, Severity::Warning);
            }
            Some(Hushed::Over) => self.page.withdraw(Code::MicrophoneSilent),
            None => {}
        }
        let microphone = levels.microphone.as_ref().map_or(0.0, loud);
        self.page.levels(Levels { microphone, people });
    }
}
