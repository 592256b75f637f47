//! What a client asks over its signalling socket: each request checked, then answered, carried out or refused.
//! A hostile or confused client is limited and sent away alone; nobody else notices.

use livekit_protocol as lk;
use lk::request_response::{Reason, Request};
use lk::signal_request::Message as Ask;
use lk::signal_response::Message;
use protocol::ids::TrackSid;
use protocol::signal::{MAX_SDP, ParseSignal};

use super::{Now, Switchboard};
use crate::office::Conn;
use crate::sfu::contract::{SessionKey, SfuCommand, Target};

/// Bytes of one candidate.
const MAX_CANDIDATE: usize = 4096;

impl Switchboard {
    /// One frame of a client, read or not readable.
    pub fn receive(&mut self, conn: Conn, frame: Result<Ask, ParseSignal>, now: Now) {
        let Some(key) = self.conns.get(&conn).copied() else { return };
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if !session.rate.take(now.up) {
            self.tally.refused_messages += 1;
            return self.mismatch(key, lk::leave_request::Action::Disconnect);
        }
        match frame {
            Ok(ask) => self.asked(key, ask, now),
            // A request of a newer protocol: skipped, as protobuf means it.
            Err(ParseSignal::Empty) => {}
            Err(ParseSignal::TooLong(_) | ParseSignal::Protobuf(_)) => {
                self.tally.refused_messages += 1;
                self.mismatch(key, lk::leave_request::Action::Disconnect);
            }
        }
    }

    #[expect(deprecated, reason = "an old word of LiveKit's wire, ignored")]
    fn asked(&mut self, key: SessionKey, ask: Ask, now: Now) {
        match ask {
            Ask::Offer(offer) => self.offered(key, offer),
            Ask::Answer(answer) => self.answered(key, answer),
            Ask::Trickle(trickle) => self.trickled(key, trickle),
            Ask::AddTrack(request) => self.add_track(key, request),
            Ask::Mute(mute) => self.mute_own(key, mute),
            Ask::Subscription(update) => self.update_subscription(key, update),
            Ask::TrackSetting(settings) => self.track_settings(key, settings),
            Ask::SubscriptionPermission(permission) => self.subscription_permission(key, permission),
            Ask::SyncState(state) => self.sync(key, state),
            Ask::Leave(_) => self.end(key, lk::DisconnectReason::ClientInitiated),
            Ask::Ping(_) => self.say(key, Message::Pong(now.unix_ms())),
            Ask::PingReq(ping) => {
                let pong = lk::Pong { last_ping_timestamp: ping.timestamp, timestamp: now.unix_ms() };
                self.say(key, Message::PongResp(pong));
            }
            Ask::UpdateMetadata(update) => self.update_metadata(key, update),
            Ask::UpdateAudioTrack(update) => self.update_audio(key, update),
            Ask::UpdateVideoTrack(update) => self.update_video(key, update),
            Ask::PublishDataTrackRequest(ask) => {
                self.answer_request(key, 0, Reason::UnsupportedType, Some(Request::PublishDataTrack(ask)));
            }
            Ask::UnpublishDataTrackRequest(ask) => {
                self.answer_request(key, 0, Reason::UnsupportedType, Some(Request::UnpublishDataTrack(ask)));
            }
            // Hints this host has no use for, and debugging aids it does not offer. LiveKit's words, not ours.
            Ask::UpdateLayers(_)
            | Ask::Simulate(_)
            | Ask::UpdateDataSubscription(_)
            | Ask::StoreDataBlobRequest(_)
            | Ask::GetDataBlobRequest(_) => {}
        }
    }

    /// Answers a request that cannot be carried out, or says that it was.
    pub(super) fn answer_request(&mut self, key: SessionKey, id: u32, reason: Reason, request: Option<Request>) {
        let message = reason.as_str_name().to_ascii_lowercase();
        let answer = lk::RequestResponse { request_id: id, reason: reason as i32, message, request };
        self.say(key, Message::RequestResponse(answer));
    }

    /// The two ends do not agree any more.
    pub(super) fn mismatch(&mut self, key: SessionKey, action: lk::leave_request::Action) {
        self.send_away(key, lk::DisconnectReason::StateMismatch, action);
    }

    fn offered(&mut self, key: SessionKey, offer: lk::SessionDescription) {
        if offer.r#type != "offer" || offer.sdp.is_empty() || offer.sdp.len() > MAX_SDP {
            self.tally.refused_messages += 1;
            return self.mismatch(key, lk::leave_request::Action::Reconnect);
        }
        let offer = SfuCommand::PublisherOffer { session: key, sdp: offer.sdp, id: offer.id };
        self.effects.push(super::Effect::Media(offer));
    }

    fn answered(&mut self, key: SessionKey, answer: lk::SessionDescription) {
        if answer.r#type != "answer" || answer.sdp.is_empty() || answer.sdp.len() > MAX_SDP {
            self.tally.refused_messages += 1;
            return self.mismatch(key, lk::leave_request::Action::Reconnect);
        }
        let answer = SfuCommand::SubscriberAnswer { session: key, sdp: answer.sdp, id: answer.id };
        self.effects.push(super::Effect::Media(answer));
    }

    fn trickled(&mut self, key: SessionKey, trickle: lk::TrickleRequest) {
        let target = match lk::SignalTarget::try_from(trickle.target) {
            Ok(lk::SignalTarget::Publisher) => Target::Publisher,
            Ok(lk::SignalTarget::Subscriber) => Target::Subscriber,
            Err(_) => {
                self.tally.refused_messages += 1;
                return self.answer_request(key, 0, Reason::InvalidRequest, Some(Request::Trickle(trickle)));
            }
        };
        if trickle.candidate_init.len() > MAX_CANDIDATE {
            self.tally.refused_messages += 1;
            return self.answer_request(key, 0, Reason::LimitExceeded, None);
        }
        if trickle.candidate_init.is_empty() {
            return;
        }
        let trickle = SfuCommand::Trickle { session: key, target, candidate: trickle.candidate_init };
        self.effects.push(super::Effect::Media(trickle));
    }

    /// What a resumed client believes. A track it publishes that we never knew means that it talks about another
    /// session; one we took away means that it missed the news.
    fn sync(&mut self, key: SessionKey, state: lk::SyncState) {
        let mut unknown = false;
        let mut missed = Vec::new();
        let session = &self.sessions[&key];
        for published in state.publish_tracks.iter().take(super::publish::MAX_TRACKS * 2) {
            let sid = published.track.as_ref().and_then(|t| TrackSid::parse(t.sid.clone()).ok());
            match sid {
                Some(sid) if session.tracks.contains_key(&sid) => {}
                Some(sid) if session.removed.contains(&sid) => missed.push(sid),
                Some(_) | None => unknown = true,
            }
        }
        if unknown {
            return self.mismatch(key, lk::leave_request::Action::Reconnect);
        }
        for sid in missed {
            let unpublished = lk::TrackUnpublishedResponse { track_sid: sid.as_str().into() };
            self.say(key, Message::TrackUnpublished(unpublished));
        }
        if let Some(subscription) = state.subscription {
            self.update_subscription(key, subscription);
        }
        for sid in state.track_sids_disabled.into_iter().take(super::subscribe::MAX_SIDS) {
            let settings = lk::UpdateTrackSettings { track_sids: vec![sid], disabled: true, ..Default::default() };
            self.track_settings(key, settings);
        }
    }
}
