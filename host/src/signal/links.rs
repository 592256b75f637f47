//! News from the media plane: descriptions and candidates to pass on, connections that came up or failed, tracks that
//! live or end, who is heard, how well it goes.

use std::collections::HashMap;

use livekit_protocol as lk;
use lk::signal_response::Message;
use protocol::ids::{RoomId, TrackSid};
use protocol::policy::{TrackKind, TrackSource};

use super::{Now, Switchboard};
use crate::sfu::contract::{SessionKey, SfuEvent, Target};

impl Switchboard {
    /// One event of the media plane.
    pub fn media(&mut self, event: SfuEvent, now: Now) {
        match event {
            SfuEvent::PublisherAnswer { session, sdp, id } => {
                self.say(session, Message::Answer(description("answer", sdp, id)));
            }
            SfuEvent::SubscriberOffer { session, sdp, id } => {
                self.say(session, Message::Offer(description("offer", sdp, id)));
            }
            SfuEvent::Trickle { session, target, candidate } => {
                let target = match target {
                    Target::Publisher => lk::SignalTarget::Publisher,
                    Target::Subscriber => lk::SignalTarget::Subscriber,
                };
                let trickle = lk::TrickleRequest { candidate_init: candidate, target: target as i32, r#final: false };
                self.say(session, Message::Trickle(trickle));
            }
            SfuEvent::NegotiationFailed { session, target } => {
                tracing::info!(session = session.0, ?target, "negotiation_failed");
                self.mismatch(session, lk::leave_request::Action::Reconnect);
            }
            SfuEvent::Connected { session, target } => self.connected(session, target),
            SfuEvent::Disconnected { session, target } => {
                tracing::info!(session = session.0, ?target, "media_failed");
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.failed_at = session.failed_at.or(Some(now.up));
                }
            }
            SfuEvent::TrackLive { session, sid, mime } => self.track_live(session, &sid, mime),
            SfuEvent::TrackGone { session, sid } => self.remove_track(session, &sid, false),
            SfuEvent::LayersWanted { session, sid, qualities } => self.layers_wanted(session, &sid, qualities),
            SfuEvent::FirstSubscriber { session, sid } => self.first_subscriber(session, &sid),
            SfuEvent::Speakers { room, speakers } => self.speakers(&room, &speakers),
            SfuEvent::Data { session, reliable, bytes } => self.data(session, reliable, &bytes, now),
            SfuEvent::Quality { session, loss_percent, rtt_ms } => self.quality(session, loss_percent, rtt_ms),
        }
    }

    fn connected(&mut self, key: SessionKey, target: Target) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.failed_at = None;
        if !session.active && session.primary() == target {
            session.active = true;
            self.tell_all(key);
            self.tell_speakers(key);
        }
    }

    /// Who is heard already: later news say only what changed.
    fn tell_speakers(&mut self, key: SessionKey) {
        let session = &self.sessions[&key];
        let Some(place) = self.rooms.get(&session.visitor.room) else { return };
        let heard = place.speaking.iter().filter_map(|(other, level)| {
            let speaker = self.sessions.get(other)?;
            let heard = speaker.tracks.keys().any(|sid| session.hears.contains(sid));
            heard.then(|| lk::SpeakerInfo { sid: speaker.sid.as_str().into(), level: *level, active: true })
        });
        let mut speakers: Vec<lk::SpeakerInfo> = heard.collect();
        speakers.sort_by(|a, b| b.level.total_cmp(&a.level).then_with(|| a.sid.cmp(&b.sid)));
        if !speakers.is_empty() {
            self.say(key, Message::SpeakersChanged(lk::SpeakersChanged { speakers }));
        }
    }

    /// LiveKit's dynacast: the publisher need not encode what nobody looks at.
    #[expect(deprecated, reason = "older SDKs read the list without codecs")]
    fn layers_wanted(&mut self, key: SessionKey, sid: &TrackSid, qualities: [bool; 3]) {
        let Some(track) = self.sessions.get(&key).and_then(|session| session.tracks.get(sid)) else { return };
        let names = [lk::VideoQuality::Low, lk::VideoQuality::Medium, lk::VideoQuality::High];
        let quality =
            |(name, enabled): (lk::VideoQuality, bool)| lk::SubscribedQuality { quality: name as i32, enabled };
        let list: Vec<lk::SubscribedQuality> = names.into_iter().zip(qualities).map(quality).collect();
        let codec = track.info.mime_type.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let update = lk::SubscribedQualityUpdate {
            track_sid: sid.as_str().into(),
            subscribed_qualities: list.clone(),
            subscribed_codecs: vec![lk::SubscribedCodec { codec, qualities: list }],
        };
        self.say(key, Message::SubscribedQualityUpdate(update));
    }

    fn first_subscriber(&mut self, key: SessionKey, sid: &TrackSid) {
        if self.sessions.get(&key).is_some_and(|s| s.tracks.contains_key(sid)) {
            self.say(key, Message::TrackSubscribed(lk::TrackSubscribed { track_sid: sid.as_str().into() }));
        }
    }

    /// Who is heard now: everyone is told what changed about those they listen to, and about themselves.
    fn speakers(&mut self, room: &RoomId, speakers: &[(SessionKey, f32)]) {
        let Some(place) = self.rooms.get_mut(room) else { return };
        // In eighths, like the official server: a level that trembles is no news.
        let now: HashMap<SessionKey, f32> =
            speakers.iter().map(|(key, level)| (*key, (level.clamp(0.0, 1.0) * 8.0).ceil() / 8.0)).collect();
        let was = std::mem::replace(&mut place.speaking, now.clone());
        let mut changed: Vec<(SessionKey, f32)> = Vec::new();
        changed.extend(now.iter().filter(|(key, level)| was.get(key) != Some(level)).map(|(k, l)| (*k, *l)));
        changed.extend(was.keys().filter(|key| !now.contains_key(key)).map(|key| (*key, 0.0)));
        changed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut news: Vec<(SessionKey, Vec<TrackSid>, lk::SpeakerInfo)> = Vec::new();
        for (key, level) in changed {
            let Some(speaker) = self.sessions.get(&key) else { continue };
            let voice = |t: &&super::Track| t.kind == TrackKind::Audio && t.source != TrackSource::ScreenShareAudio;
            let voices = speaker.tracks.iter().filter(|(_, t)| voice(t)).map(|(sid, _)| sid.clone()).collect();
            let info = lk::SpeakerInfo { sid: speaker.sid.as_str().into(), level, active: level > 0.0 };
            news.push((key, voices, info));
        }
        for listener in self.room_keys(room) {
            let hears = &self.sessions[&listener].hears;
            let told: Vec<lk::SpeakerInfo> = news
                .iter()
                .filter(|(key, voices, info)| {
                    *key == listener || !info.active || voices.iter().any(|v| hears.contains(v))
                })
                .map(|(_, _, info)| info.clone())
                .collect();
            if !told.is_empty() {
                self.say(listener, Message::SpeakersChanged(lk::SpeakersChanged { speakers: told }));
            }
        }
    }

    fn quality(&mut self, key: SessionKey, loss: u8, rtt_ms: Option<u32>) {
        let quality = match (loss, rtt_ms.unwrap_or(0)) {
            (0..=2, 0..=250) => lk::ConnectionQuality::Excellent,
            (0..=8, 0..=600) => lk::ConnectionQuality::Good,
            (_, _) => lk::ConnectionQuality::Poor,
        };
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.quality.replace(quality) == Some(quality) {
            return;
        }
        let score = match quality {
            lk::ConnectionQuality::Excellent => 4.5,
            lk::ConnectionQuality::Good => 3.5,
            lk::ConnectionQuality::Poor | lk::ConnectionQuality::Lost => 2.0,
        };
        let (sid, room) = (session.sid.as_str().to_owned(), session.visitor.room.clone());
        let hidden = session.visitor.permission.hidden;
        let info = lk::ConnectionQualityInfo { participant_sid: sid, quality: quality as i32, score };
        let update = lk::ConnectionQualityUpdate { updates: vec![info] };
        for other in self.room_keys(&room) {
            if !hidden || other == key {
                self.say(other, Message::ConnectionQuality(update.clone()));
            }
        }
    }
}

fn description(kind: &str, sdp: String, id: u32) -> lk::SessionDescription {
    lk::SessionDescription { r#type: kind.into(), sdp, id, ..Default::default() }
}
