//! Publishing: which tracks a participant may announce, when they count as published, and how they end.
//! A track is allowed by source **and** kind; the media plane drops RTP of anything else.

#![expect(deprecated, reason = "fields that today's official SDKs still read and write")]

use livekit_protocol as lk;
use lk::request_response::{Reason, Request};
use lk::signal_response::Message;
use peer::Codec;
use protocol::ids::TrackSid;
use protocol::policy::{TrackKind, TrackSource};

use super::{Effect, Switchboard, Track};
use crate::sfu::contract::{AllowedTrack, Layer, SessionKey, SfuCommand};

/// Tracks announced whose media did not come yet (the official server's limit).
const MAX_PENDING: usize = 20;
/// Tracks of one participant.
pub(super) const MAX_TRACKS: usize = 40;
/// Requests that wait for the end of a track with the same client id (the official server's limit).
const MAX_QUEUED: usize = 3;
/// Bytes of a client's track id, name or stream.
const MAX_WORD: usize = 256;
/// Simulcast layers and codecs in one request.
const MAX_LAYERS: usize = 8;

impl Switchboard {
    pub(super) fn add_track(&mut self, key: SessionKey, request: lk::AddTrackRequest) {
        match self.judge(key, &request) {
            Ok((kind, source)) => self.allow(key, request, kind, source),
            Err(Verdict::Again(sid)) => {
                let track = self.sessions[&key].tracks[&sid].info.clone();
                self.say(
                    key,
                    Message::TrackPublished(lk::TrackPublishedResponse { cid: request.cid, track: Some(track) }),
                );
            }
            Err(Verdict::No(reason)) => {
                if reason != Reason::Queued {
                    self.tally.refused_tracks += 1;
                }
                if reason == Reason::Queued {
                    self.sessions.get_mut(&key).expect("judged just now").queued.push(request.clone());
                }
                self.answer_request(key, 0, reason, Some(Request::AddTrack(request)));
            }
        }
    }

    fn judge(&self, key: SessionKey, request: &lk::AddTrackRequest) -> Result<(TrackKind, TrackSource), Verdict> {
        let no = |reason| Err(Verdict::No(reason));
        let session = &self.sessions[&key];
        if request.cid.is_empty() || [&request.cid, &request.name, &request.stream].iter().any(|w| w.len() > MAX_WORD) {
            return no(Reason::InvalidRequest);
        }
        let codecs = &request.simulcast_codecs;
        if request.layers.len() > MAX_LAYERS
            || codecs.len() > MAX_LAYERS
            || codecs.iter().any(|c| c.layers.len() > MAX_LAYERS || c.cid.len() > MAX_WORD || c.codec.len() > MAX_WORD)
            || request.audio_features.len() > 32
            || request.packet_trailer_features.len() > 32
        {
            return no(Reason::LimitExceeded);
        }
        if !request.sid.is_empty() {
            // A second codec for a track that exists: not offered.
            return no(Reason::UnsupportedType);
        }
        let (Some(kind), Some(source)) =
            (protocol::signal::kind(request.r#type), protocol::signal::source(request.source))
        else {
            return no(Reason::UnsupportedType);
        };
        let allowed = source.capability(kind).is_some_and(|c| session.grants.allows(c));
        if !allowed {
            return no(Reason::NotAllowed);
        }
        if let Some((sid, track)) = session.tracks.iter().find(|(_, t)| t.cid == request.cid) {
            // Asked twice, for instance because the answer was lost with a socket.
            if !track.live && track.kind == kind && track.source == source {
                return Err(Verdict::Again(sid.clone()));
            }
            let full = session.queued.len() >= MAX_QUEUED;
            return no(if full { Reason::LimitExceeded } else { Reason::Queued });
        }
        let pending = session.tracks.values().filter(|t| !t.live).count();
        if pending >= MAX_PENDING || session.tracks.len() >= MAX_TRACKS {
            return no(Reason::LimitExceeded);
        }
        Ok((kind, source))
    }

    fn allow(&mut self, key: SessionKey, request: lk::AddTrackRequest, kind: TrackKind, source: TrackSource) {
        let sid = TrackSid::parse(self.sid(prefix(kind, source))).expect("letters and digits");
        let info = info(&sid, &request, kind, source);
        let allowed = AllowedTrack {
            sid: sid.clone(),
            cid: request.cid.clone(),
            other_cids: request.simulcast_codecs.iter().map(|c| c.cid.clone()).filter(|c| *c != request.cid).collect(),
            kind,
            source,
            codec: info.mime_type.split('/').next_back().and_then(Codec::from_name),
            red: kind == TrackKind::Audio && !info.disable_red,
            muted: request.muted,
            layers: layers(&info.layers),
        };
        let track = Track { info: info.clone(), cid: request.cid.clone(), kind, source, live: false };
        self.sessions.get_mut(&key).expect("judged just now").tracks.insert(sid, track);
        // The media plane knows first: the client's offer may follow the answer at once.
        self.effects.push(Effect::Media(SfuCommand::Allow { session: key, track: allowed }));
        let published = lk::TrackPublishedResponse { cid: request.cid, track: Some(info) };
        self.say(key, Message::TrackPublished(published));
    }

    /// First RTP: the track is published now.
    pub(super) fn track_live(&mut self, key: SessionKey, sid: &TrackSid, mime: String) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let Some(track) = session.tracks.get_mut(sid) else {
            // Taken away while its first packet was on the way.
            return self.effects.push(Effect::Media(SfuCommand::Remove { sid: sid.clone() }));
        };
        if track.live {
            return;
        }
        track.live = true;
        let info = &mut track.info;
        if !mime.is_empty() {
            let codec = lk::SimulcastCodecInfo {
                mime_type: mime.clone(),
                cid: track.cid.clone(),
                layers: info.layers.clone(),
                ..Default::default()
            };
            info.codecs = vec![codec];
            info.mime_type = mime;
        }
        let megaphone = track.is_megaphone();
        self.tell_all(key);
        if megaphone {
            self.tell_abroad(key);
        }
        self.review_track(key, sid);
    }

    /// Takes a track away. `tell`: its publisher does not know yet.
    pub(super) fn remove_track(&mut self, key: SessionKey, sid: &TrackSid, tell: bool) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let Some(track) = session.tracks.remove(sid) else { return };
        session.remember_removed(sid.clone());
        self.effects.push(Effect::Media(SfuCommand::Remove { sid: sid.clone() }));
        for other in self.sessions.values_mut() {
            other.forget_track(sid);
        }
        if tell {
            let unpublished = lk::TrackUnpublishedResponse { track_sid: sid.as_str().into() };
            self.say(key, Message::TrackUnpublished(unpublished));
        }
        if track.live {
            self.tell_all(key);
            if track.is_megaphone() {
                self.tell_abroad(key);
            }
        }
        self.unqueue(key, &track.cid);
    }

    /// The first request that waited for this client id is tried now.
    fn unqueue(&mut self, key: SessionKey, cid: &str) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if let Some(place) = session.queued.iter().position(|q| q.cid == cid) {
            let request = session.queued.remove(place);
            self.add_track(key, request);
        }
    }

    pub(super) fn mute_own(&mut self, key: SessionKey, mute: lk::MuteTrackRequest) {
        let own = |s: &super::Session, sid: &TrackSid| s.tracks.contains_key(sid);
        match TrackSid::parse(mute.sid.clone()) {
            Ok(sid) if own(&self.sessions[&key], &sid) => self.set_muted(key, &sid, mute.muted),
            Ok(_) | Err(_) => self.answer_request(key, 0, Reason::NotFound, Some(Request::Mute(mute))),
        }
    }

    fn set_muted(&mut self, key: SessionKey, sid: &TrackSid, muted: bool) {
        let session = self.sessions.get_mut(&key).expect("the caller looked it up");
        let Some(track) = session.tracks.get_mut(sid).filter(|t| t.info.muted != muted) else { return };
        track.info.muted = muted;
        let live = track.live;
        session.version += 1;
        self.effects.push(Effect::Media(SfuCommand::Mute { sid: sid.clone(), muted }));
        if live {
            self.tell_others(key);
            if self.sessions[&key].announces() {
                self.tell_abroad(key);
            }
        }
    }

    /// Mutes somebody's track for an administrator: the publisher is told and everyone sees it. `false`: no such track.
    pub fn mute_for(&mut self, room: &protocol::ids::RoomId, sid: &TrackSid, muted: bool) -> Option<lk::TrackInfo> {
        let key = self.publisher_of(sid).filter(|k| self.sessions[k].visitor.room == *room)?;
        self.set_muted(key, sid, muted);
        self.say(key, Message::Mute(lk::MuteTrackRequest { sid: sid.as_str().into(), muted }));
        Some(self.sessions[&key].tracks[sid].info.clone())
    }

    pub(super) fn update_audio(&mut self, key: SessionKey, update: lk::UpdateLocalAudioTrack) {
        let session = self.sessions.get_mut(&key).expect("asked just now");
        let sid = TrackSid::parse(update.track_sid.clone()).ok();
        let track = sid.and_then(|sid| session.tracks.get_mut(&sid)).filter(|t| t.kind == TrackKind::Audio);
        let Some(track) = track.filter(|_| update.features.len() <= 32) else {
            return self.answer_request(key, 0, Reason::NotFound, Some(Request::UpdateAudioTrack(update)));
        };
        track.info.audio_features = update.features;
        if track.live {
            self.tell_all(key);
        }
    }

    pub(super) fn update_video(&mut self, key: SessionKey, update: lk::UpdateLocalVideoTrack) {
        let session = self.sessions.get_mut(&key).expect("asked just now");
        let sid = TrackSid::parse(update.track_sid.clone()).ok();
        let track = sid.and_then(|sid| session.tracks.get_mut(&sid)).filter(|t| t.kind == TrackKind::Video);
        let Some(track) = track else {
            return self.answer_request(key, 0, Reason::NotFound, Some(Request::UpdateVideoTrack(update)));
        };
        (track.info.width, track.info.height) = (update.width, update.height);
        if track.live {
            self.tell_all(key);
        }
    }
}

enum Verdict {
    /// Announced already and still waited for.
    Again(TrackSid),
    /// Not now, or not at all.
    No(Reason),
}

/// LiveKit's letters for kind and source.
const fn prefix(kind: TrackKind, source: TrackSource) -> &'static str {
    match (kind, source) {
        (TrackKind::Audio, TrackSource::Microphone) => "TR_AM",
        (TrackKind::Audio, TrackSource::ScreenShareAudio) => "TR_As",
        (TrackKind::Video, TrackSource::Camera) => "TR_VC",
        (TrackKind::Video, TrackSource::ScreenShare) => "TR_VS",
        (TrackKind::Audio, TrackSource::Camera | TrackSource::ScreenShare | TrackSource::Megaphone) => "TR_A",
        (TrackKind::Video, TrackSource::Microphone | TrackSource::ScreenShareAudio | TrackSource::Megaphone) => "TR_V",
    }
}

fn info(sid: &TrackSid, request: &lk::AddTrackRequest, kind: TrackKind, source: TrackSource) -> lk::TrackInfo {
    let mut layers = request.layers.clone();
    if layers.is_empty()
        && let Some(codec) = request.simulcast_codecs.first()
    {
        layers = codec.layers.clone();
    }
    // They arrive in any order (the Rust SDK sends the best first).
    layers.sort_by_key(|l| l.quality);
    let names: &[&str] = match layers.len() {
        0 | 1 => &[],
        2 => &["q", "h"],
        _ => &["q", "h", "f"],
    };
    for (layer, name) in layers.iter_mut().zip(names) {
        if layer.rid.is_empty() {
            layer.rid = (*name).into();
        }
    }
    let mime_type = match kind {
        TrackKind::Audio => "audio/opus",
        TrackKind::Video => match request.simulcast_codecs.first().map(|c| c.codec.to_ascii_lowercase()).as_deref() {
            Some("vp8" | "video/vp8") => "video/VP8",
            Some("h264" | "video/h264") => "video/H264",
            Some(_) | None => "",
        },
    };
    lk::TrackInfo {
        sid: sid.as_str().into(),
        r#type: protocol::signal::wire_kind(kind),
        source: protocol::signal::wire_source(source),
        name: request.name.clone(),
        muted: request.muted,
        width: request.width,
        height: request.height,
        simulcast: layers.len() > 1,
        layers,
        mime_type: mime_type.into(),
        disable_dtx: request.disable_dtx,
        stereo: request.stereo,
        // Sealed packets are no use to each other's packets: those who seal say so, and it is not asked of them.
        disable_red: request.disable_red || request.encryption != lk::encryption::Type::None as i32,
        encryption: request.encryption,
        stream: request.stream.clone(),
        audio_features: request.audio_features.clone(),
        packet_trailer_features: request.packet_trailer_features.clone(),
        ..Default::default()
    }
}

fn layers(wire: &[lk::VideoLayer]) -> Vec<Layer> {
    if wire.len() < 2 {
        return Vec::new();
    }
    let layer = |l: &lk::VideoLayer| Layer {
        quality: u8::try_from(l.quality.clamp(0, 2)).expect("clamped"),
        width: l.width,
        height: l.height,
        rid: l.rid.clone(),
    };
    wire.iter().take(3).map(layer).collect()
}
