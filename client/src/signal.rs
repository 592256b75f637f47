//! LiveKit's signalling as a client sees it, without a socket: negotiation, tracks, pings, resuming.
//! Pure: `session` feeds it messages and the time and does what it says. It never touches a peer or a device.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_request::Message as Ask;
use lk::signal_response::Message as Say;
use protocol::signal::MAX_SDP;

use self::negotiation::Negotiation;

mod negotiation;

/// An AddTrack that is not answered for this long is refused (the official SDKs wait 10 s).
const ADD_TRACK_PATIENCE: Duration = Duration::from_secs(10);
/// Requests that may wait for a resume. More than this and something is wrong with us.
const MAX_QUEUE: usize = 256;

/// What the session has to do.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful a second, moved once from a queue to a socket")]
pub(crate) enum Out {
    /// Send this.
    Send(Ask),
    /// Make a publisher offer and hand it to [`Signal::publisher_offer`].
    OfferWanted {
        /// With fresh ICE credentials?
        ice_restart: bool,
    },
    /// The server's answer for the publisher.
    PublisherAnswer(String),
    /// The server's offer for the subscriber; hand the answer to [`Signal::subscriber_answer`].
    SubscriberOffer {
        /// SDP.
        sdp: String,
        /// To echo.
        id: u32,
    },
    /// A candidate of the server's.
    Candidate {
        /// For which connection.
        publisher: bool,
        /// `candidateInit` JSON.
        json: String,
    },
    /// The server let a track in.
    TrackAccepted {
        /// Ours.
        cid: String,
        /// Theirs.
        sid: String,
    },
    /// The server refused a track, or did not answer.
    TrackRefused {
        /// Ours.
        cid: String,
        /// Refused by right, not by a limit or silence.
        by_right: bool,
    },
    /// The server took a published track away.
    TrackGone {
        /// Ours.
        cid: String,
    },
    /// The server muted a track of ours, or un-muted it.
    Muted {
        /// Ours.
        cid: String,
        /// Muted?
        muted: bool,
    },
    /// Which layers of a track of ours are looked at, the smallest first.
    Layers {
        /// Ours.
        cid: String,
        /// Low, medium, high.
        wanted: [bool; 3],
    },
    /// People came, changed or went.
    People(Vec<lk::ParticipantInfo>),
    /// The room changed.
    Room(lk::Room),
    /// How well people are connected.
    Quality(Vec<lk::ConnectionQualityInfo>),
    /// The socket says nothing any more: drop it and resume.
    Silent,
    /// The server sends us away, or asks for another start.
    Leave(lk::LeaveRequest),
    /// Negotiation went wrong beyond repair: start afresh.
    Stuck,
    /// A fresher token for the next connection.
    Token(String),
}

/// A track we asked for.
#[derive(Debug)]
struct Wanted {
    request: lk::AddTrackRequest,
    asked: Instant,
    info: Option<lk::TrackInfo>,
}

/// One session on a server, from its JoinResponse on.
#[derive(Debug)]
pub(crate) struct Signal {
    participant: String,
    up: bool,
    queue: Vec<Ask>,
    publisher: Negotiation,
    /// The newest publisher offer, for when its answer is lost with the socket.
    last_offer: String,
    tracks: BTreeMap<String, Wanted>,
    subscriber_offer: Option<lk::SessionDescription>,
    subscriber_answer: Option<lk::SessionDescription>,
    ping_every: Duration,
    ping_patience: Duration,
    next_ping: Instant,
    heard: Instant,
    rtt: Option<Duration>,
    last_ping: Option<(i64, Instant)>,
    started: Instant,
    out: VecDeque<Out>,
}

impl Signal {
    /// Begins after a JoinResponse.
    pub(crate) fn joined(join: &lk::JoinResponse, now: Instant) -> Self {
        let seconds = |given: i32, usual: u64| {
            Duration::from_secs(u64::try_from(given).ok().filter(|s| (1..=120).contains(s)).unwrap_or(usual))
        };
        let ping_every = seconds(join.ping_interval, 5);
        Self {
            participant: join.participant.as_ref().map(|p| p.sid.clone()).unwrap_or_default(),
            up: true,
            queue: Vec::new(),
            publisher: Negotiation::default(),
            last_offer: String::new(),
            tracks: BTreeMap::new(),
            subscriber_offer: None,
            subscriber_answer: None,
            ping_every,
            ping_patience: seconds(join.ping_timeout, 15).max(ping_every * 2),
            next_ping: now,
            heard: now,
            rtt: None,
            last_ping: None,
            started: now,
            out: VecDeque::new(),
        }
    }

    /// Our session's sid.
    pub(crate) fn participant(&self) -> &str {
        &self.participant
    }

    /// Round trip of the last ping.
    pub(crate) const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// The next thing to do.
    pub(crate) fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// A message came.
    pub(crate) fn on_message(&mut self, message: Say, now: Instant) {
        self.heard = now;
        match message {
            Say::Answer(answer) => self.on_answer(answer),
            Say::Offer(offer) => self.on_offer(offer),
            Say::Trickle(trickle) => self.out.push_back(Out::Candidate {
                publisher: trickle.target == lk::SignalTarget::Publisher as i32,
                json: trickle.candidate_init,
            }),
            Say::Update(update) => self.out.push_back(Out::People(update.participants)),
            Say::TrackPublished(published) => self.on_published(published),
            Say::TrackUnpublished(gone) => self.on_unpublished(&gone.track_sid),
            Say::Mute(mute) => {
                if let Some(cid) = self.cid_of(&mute.sid) {
                    self.out.push_back(Out::Muted { cid, muted: mute.muted });
                }
            }
            Say::SubscribedQualityUpdate(update) => self.on_qualities(&update),
            Say::RequestResponse(response) => self.on_response(&response),
            Say::Leave(leave) => self.out.push_back(Out::Leave(leave)),
            Say::ConnectionQuality(update) => self.out.push_back(Out::Quality(update.updates)),
            Say::RoomUpdate(update) => self.out.extend(update.room.map(Out::Room)),
            Say::RefreshToken(token) => self.out.push_back(Out::Token(token)),
            Say::PongResp(pong) => self.on_pong(pong.last_ping_timestamp, now),
            // Who speaks is heard in the sound itself.
            Say::Pong(_) | Say::SpeakersChanged(_) => {}
            // A join or reconnect is only ever first, and was taken before this began.
            Say::Join(_) | Say::Reconnect(_) => self.out.push_back(Out::Stuck),
            // Streams paused by the server, data tracks, single-connection mode: nothing to do here.
            other => tracing::trace!(?other, "a message that needs nothing"),
        }
    }

    /// The codec of ours is H.264; an older server says the same without codecs.
    fn on_qualities(&mut self, update: &lk::SubscribedQualityUpdate) {
        let Some(cid) = self.cid_of(&update.track_sid) else { return };
        let ours = update.subscribed_codecs.iter().find(|codec| codec.codec.eq_ignore_ascii_case("h264"));
        #[expect(deprecated, reason = "all that older servers say")]
        let qualities = match ours.or(update.subscribed_codecs.first()) {
            Some(codec) => &codec.qualities,
            None => &update.subscribed_qualities,
        };
        let on = |quality: i32| qualities.iter().any(|q| q.quality == quality && q.enabled);
        let wanted = [lk::VideoQuality::Low, lk::VideoQuality::Medium, lk::VideoQuality::High].map(|q| on(q as i32));
        self.out.push_back(Out::Layers { cid, wanted });
    }

    /// Time passed: pings, deadlines.
    pub(crate) fn on_time(&mut self, now: Instant) {
        if self.up {
            if now.duration_since(self.heard) > self.ping_patience {
                self.out.push_back(Out::Silent);
                self.heard = now;
                return;
            }
            if now >= self.next_ping {
                self.next_ping = now + self.ping_every;
                self.ping(now);
            }
            let slow: Vec<String> = self
                .tracks
                .iter()
                .filter(|(_, t)| t.info.is_none() && now.duration_since(t.asked) > ADD_TRACK_PATIENCE)
                .map(|(cid, _)| cid.clone())
                .collect();
            for cid in slow {
                self.tracks.remove(&cid);
                self.out.push_back(Out::TrackRefused { cid, by_right: false });
            }
        }
        if self.publisher.is_late(now) {
            self.out.push_back(Out::Stuck);
        }
    }

    /// When [`Signal::on_time`] wants to be called next.
    pub(crate) fn wake(&self) -> Instant {
        self.next_ping
    }

    /// Asks the server to let a track in.
    pub(crate) fn add_track(&mut self, request: lk::AddTrackRequest, now: Instant) {
        let cid = request.cid.clone();
        self.tracks.insert(cid, Wanted { request: request.clone(), asked: now, info: None });
        self.send(Ask::AddTrack(request));
    }

    /// Forgets a track; the caller takes it out of the next offer.
    pub(crate) fn remove_track(&mut self, cid: &str) {
        self.tracks.remove(cid);
    }

    /// Tells the server that a track of ours is silent or not.
    pub(crate) fn mute(&mut self, cid: &str, muted: bool) {
        if let Some(track) = self.tracks.get_mut(cid) {
            track.request.muted = muted;
            if let Some(info) = &mut track.info {
                info.muted = muted;
                let sid = info.sid.clone();
                self.send(Ask::Mute(lk::MuteTrackRequest { sid, muted }));
            }
        }
    }

    /// The publisher has something new to offer.
    pub(crate) fn negotiate(&mut self, ice_restart: bool) {
        if let Some(ice_restart) = self.publisher.want(ice_restart) {
            self.out.push_back(Out::OfferWanted { ice_restart });
        }
    }

    /// The offer that was asked for by [`Out::OfferWanted`].
    pub(crate) fn publisher_offer(&mut self, sdp: String, now: Instant) {
        let id = self.publisher.offered(now);
        self.last_offer.clone_from(&sdp);
        self.send(Ask::Offer(lk::SessionDescription { r#type: "offer".into(), sdp, id, ..Default::default() }));
    }

    /// The answer that was asked for by [`Out::SubscriberOffer`].
    pub(crate) fn subscriber_answer(&mut self, sdp: String, id: u32) {
        let answer = lk::SessionDescription { r#type: "answer".into(), sdp, id, ..Default::default() };
        self.subscriber_answer = Some(answer.clone());
        self.send(Ask::Answer(answer));
    }

    /// A candidate of ours.
    pub(crate) fn candidate(&mut self, publisher: bool, json: String) {
        let target = if publisher { lk::SignalTarget::Publisher } else { lk::SignalTarget::Subscriber };
        self.send(Ask::Trickle(lk::TrickleRequest { candidate_init: json, target: target as i32, r#final: false }));
    }

    /// Any other request.
    pub(crate) fn request(&mut self, ask: Ask) {
        self.send(ask);
    }

    /// The socket is gone: requests wait.
    pub(crate) fn lost(&mut self) {
        self.up = false;
    }

    /// The server took us back (its ReconnectResponse came).
    pub(crate) fn resumed(&mut self, channels: Vec<lk::DataChannelInfo>, now: Instant) {
        self.up = true;
        self.heard = now;
        self.next_ping = now;
        let publish_tracks = self
            .tracks
            .iter()
            .filter_map(|(cid, t)| {
                t.info.clone().map(|i| lk::TrackPublishedResponse { cid: cid.clone(), track: Some(i) })
            })
            .collect();
        self.out.push_back(Out::Send(Ask::SyncState(lk::SyncState {
            answer: self.subscriber_answer.clone(),
            offer: self.subscriber_offer.clone(),
            subscription: Some(lk::UpdateSubscription { subscribe: false, ..Default::default() }),
            publish_tracks,
            data_channels: channels,
            ..Default::default()
        })));
        if let Some(id) = self.publisher.repeat(now) {
            // Our end has applied this offer and cannot take it back: the same one is asked again, the restart follows.
            let sdp = self.last_offer.clone();
            let offer = lk::SessionDescription { r#type: "offer".into(), sdp, id, ..Default::default() };
            self.out.push_back(Out::Send(Ask::Offer(offer)));
        }
        self.negotiate(true);
        for ask in std::mem::take(&mut self.queue) {
            self.out.push_back(Out::Send(ask));
        }
        for track in self.tracks.values_mut().filter(|t| t.info.is_none()) {
            track.asked = now;
        }
    }

    fn send(&mut self, ask: Ask) {
        if self.up {
            self.out.push_back(Out::Send(ask));
            return;
        }
        // Descriptions and candidates of before are worthless after: a resume makes new ones.
        let stale = matches!(ask, Ask::Offer(_) | Ask::Answer(_) | Ask::Trickle(_) | Ask::PingReq(_));
        if !stale && self.queue.len() < MAX_QUEUE {
            self.queue.push(ask);
        }
    }

    fn ping(&mut self, now: Instant) {
        let timestamp = i64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(i64::MAX).max(1);
        let rtt = self.rtt.map_or(0, |r| i64::try_from(r.as_millis()).unwrap_or(i64::MAX));
        self.last_ping = Some((timestamp, now));
        self.send(Ask::PingReq(lk::Ping { timestamp, rtt }));
    }

    fn on_pong(&mut self, echoed: i64, now: Instant) {
        if let Some((timestamp, sent)) = self.last_ping
            && timestamp == echoed
        {
            self.rtt = Some(now.duration_since(sent));
            self.last_ping = None;
        }
    }

    fn on_answer(&mut self, answer: lk::SessionDescription) {
        if answer.sdp.len() > MAX_SDP {
            self.out.push_back(Out::Stuck);
            return;
        }
        match self.publisher.answered(answer.id) {
            negotiation::Answered::Stale => tracing::debug!("an answer to an offer of before"),
            negotiation::Answered::Done { again } => {
                self.out.push_back(Out::PublisherAnswer(answer.sdp));
                if let Some(ice_restart) = again {
                    self.negotiate(ice_restart);
                }
            }
        }
    }

    fn on_offer(&mut self, offer: lk::SessionDescription) {
        if offer.sdp.len() > MAX_SDP {
            self.out.push_back(Out::Stuck);
            return;
        }
        self.subscriber_offer = Some(offer.clone());
        self.out.push_back(Out::SubscriberOffer { sdp: offer.sdp, id: offer.id });
    }

    fn on_published(&mut self, published: lk::TrackPublishedResponse) {
        let (Some(track), Some(info)) = (self.tracks.get_mut(&published.cid), published.track) else {
            tracing::debug!("a track was let in that nobody asked for");
            return;
        };
        let sid = info.sid.clone();
        track.info = Some(info);
        self.out.push_back(Out::TrackAccepted { cid: published.cid, sid });
    }

    fn on_unpublished(&mut self, sid: &str) {
        if let Some(cid) = self.cid_of(sid) {
            self.tracks.remove(&cid);
            self.out.push_back(Out::TrackGone { cid });
        }
    }

    fn on_response(&mut self, response: &lk::RequestResponse) {
        use lk::request_response::{Reason, Request};
        let reason = Reason::try_from(response.reason).unwrap_or(Reason::UnclassifiedError);
        if matches!(reason, Reason::Ok | Reason::Queued) {
            return;
        }
        let cid = match &response.request {
            Some(Request::AddTrack(request)) => Some(request.cid.clone()),
            Some(_) => None,
            // An older server does not say which: with a single one waiting it can only be that.
            None => {
                let mut waiting = self.tracks.iter().filter(|(_, t)| t.info.is_none());
                waiting.next().filter(|_| waiting.next().is_none()).map(|(cid, _)| cid.clone())
            }
        };
        if let Some(cid) = cid
            && self.tracks.remove(&cid).is_some()
        {
            self.out.push_back(Out::TrackRefused { cid, by_right: reason == Reason::NotAllowed });
        }
    }

    fn cid_of(&self, sid: &str) -> Option<String> {
        self.tracks
            .iter()
            .find(|(_, t)| t.info.as_ref().is_some_and(|info| info.sid == sid))
            .map(|(cid, _)| cid.clone())
    }
}

#[cfg(test)]
mod tests;
