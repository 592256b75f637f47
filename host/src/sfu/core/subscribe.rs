//! What clients receive: subscriptions, their sections in our offers, one offer at a time, and their wishes.

use std::time::Instant;

use peer::{PeerError, SenderId, SenderSpec};
use protocol::ids::TrackSid;
use protocol::policy::TrackKind;

use super::view::Limit;
use super::{Core, TrackIndex};
use crate::sfu::contract::{SessionKey, SfuEvent, Target, TrackWish};
use crate::sfu::picture_id::PictureIds;
use crate::sfu::rewrite::Rewrite;

/// One subscriber's copy of one track.
pub(super) struct Subscription {
    pub(super) session: SessionKey,
    /// Made when the track's codec is known.
    pub(super) sender: Option<SenderId>,
    pub(super) rewrite: Rewrite,
    /// Layer forwarded now.
    pub(super) layer: Option<u8>,
    /// Layer to forward; none while paused.
    pub(super) target: Option<u8>,
    /// What VP8 counts itself.
    pub(super) pictures: PictureIds,
    pub(super) wish: TrackWish,
    /// What its link has room for.
    pub(super) limit: Limit,
    pub(super) second: Second,
}

/// The key frame that is asked for once more after a camera's copy began, where the decoder would not notice that it lacks the
/// first: official SDKs give what comes before their key for the track is in place to the decoder as it is, sealed. VP8
/// fails there, and another key frame is asked for; H.264 makes grey pictures of it, and of all that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Second {
    /// Nothing was sent yet.
    Waits,
    /// Asked for from then on.
    Due(Instant),
    Done,
}

impl Subscription {
    /// What comes next starts anew; a picture waits for a key frame.
    pub(super) fn detach(&mut self) {
        self.rewrite.detach();
        self.pictures.detach();
        self.layer = None;
    }
}

impl Core {
    pub(super) fn subscribe(&mut self, key: SessionKey, sid: &TrackSid, on: bool, now: Instant) {
        let Some(index) = self.by_sid.get(sid).copied() else { return };
        let Some(session) = self.sessions.get(&key) else { return };
        let (can, pictures) = (session.subscriber.is_some(), session.pictures);
        let Some(track) = self.tracks.get_mut(&index) else { return };
        let known = track.subscriptions.iter().position(|subscription| subscription.session == key);
        match (on, known) {
            (true, None) if can && track.publisher != key => {
                let first = !std::mem::replace(&mut track.had_subscriber, true);
                let publisher = track.publisher;
                track.subscriptions.push(Subscription {
                    session: key,
                    sender: None,
                    rewrite: Rewrite::default(),
                    layer: None,
                    target: (pictures || !track.allowed.shows()).then(|| track.layers.top()),
                    pictures: PictureIds::default(),
                    wish: TrackWish::default(),
                    limit: Limit::Free,
                    second: Second::Waits,
                });
                let sender = self.make_sender(index, key);
                if let Some(last) = self.tracks.get_mut(&index).and_then(|track| track.subscriptions.last_mut()) {
                    last.sender = sender;
                }
                if first {
                    self.events.push(SfuEvent::FirstSubscriber { session: publisher, sid: sid.clone() });
                }
            }
            (false, Some(at)) => {
                let subscription = track.subscriptions.swap_remove(at);
                self.drop_sender(&subscription);
            }
            (true, None | Some(_)) | (false, None) => {}
        }
        // A publisher that was paused begins at once.
        self.review(index, now);
    }

    /// Lets pictures through to a session, or stops them at once.
    pub(super) fn pictures(&mut self, key: SessionKey, on: bool, now: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.pictures = on;
        for track in self.tracks.values_mut().filter(|track| track.allowed.shows()) {
            for subscription in track.subscriptions.iter_mut().filter(|subscription| subscription.session == key) {
                subscription.detach();
                subscription.target = on.then(|| track.layers.top());
            }
        }
        self.tick(now);
    }

    pub(super) fn wish(&mut self, key: SessionKey, sid: &TrackSid, wish: TrackWish, now: Instant) {
        let Some(index) = self.by_sid.get(sid).copied() else { return };
        let Some(track) = self.tracks.get_mut(&index) else { return };
        if let Some(subscription) = track.subscriptions.iter_mut().find(|subscription| subscription.session == key) {
            subscription.wish = wish;
            // Sound has one layer; pictures are chosen below.
            subscription.target = (!wish.disabled).then(|| subscription.target.unwrap_or(track.layers.top()));
        }
        self.divide(key, now, false);
        self.review(index, now);
    }

    /// The sending half of a subscription; `None` until the codec is known.
    pub(super) fn make_sender(&mut self, index: TrackIndex, to: SessionKey) -> Option<SenderId> {
        let track = self.tracks.get(&index)?;
        let codec = track.codec?;
        let sid = track.allowed.sid.as_str().to_owned();
        let participant = self.sessions.get(&track.publisher)?.participant_sid.clone();
        let subscriber = self.sessions.get_mut(&to)?.subscriber.as_mut()?;
        let spec = SenderSpec { stream_id: format!("{participant}|{sid}"), track_id: sid, codec };
        let made = subscriber.peer.add_sender(spec);
        self.touch((to, Target::Subscriber));
        match made {
            Ok(sender) => Some(sender),
            Err(error) => {
                tracing::warn!(session = to.0, %error, "a track cannot be sent");
                None
            }
        }
    }

    pub(super) fn drop_sender(&mut self, subscription: &Subscription) {
        let Some(sender) = subscription.sender else { return };
        let Some(session) = self.sessions.get_mut(&subscription.session) else { return };
        if let Some(subscriber) = &mut session.subscriber
            && let Err(error) = subscriber.peer.remove_sender(sender)
        {
            tracing::debug!(%error, "sender already gone");
        }
        self.touch((subscription.session, Target::Subscriber));
    }

    // --- offers --------------------------------------------------------------------------------------------------

    /// Makes the next offer if one is wanted and none is out.
    pub(super) fn offer(&mut self, key: SessionKey, now: Instant) {
        let Some(subscriber) = self.sessions.get_mut(&key).and_then(|session| session.subscriber.as_mut()) else {
            return;
        };
        if !subscriber.wants_offer || subscriber.outstanding.is_some() {
            return;
        }
        match subscriber.peer.create_offer(subscriber.wants_restart, now) {
            Ok(sdp) => {
                let id = subscriber.next_offer;
                subscriber.next_offer += 1;
                subscriber.outstanding = Some(id);
                subscriber.last_offer.clone_from(&sdp);
                subscriber.wants_offer = false;
                subscriber.wants_restart = false;
                self.events.push(SfuEvent::SubscriberOffer { session: key, sdp, id });
                self.expect((key, Target::Subscriber));
            }
            Err(error) => {
                subscriber.wants_offer = false;
                self.negotiation_failed(key, &error);
            }
        }
    }

    /// The client came back: an offer that was out may be lost, and the path is looked for anew.
    pub(super) fn resume(&mut self, key: SessionKey) {
        let Some(subscriber) = self.sessions.get_mut(&key).and_then(|session| session.subscriber.as_mut()) else {
            return;
        };
        subscriber.wants_restart = true;
        subscriber.wants_offer = true;
        if let Some(id) = subscriber.outstanding {
            let sdp = subscriber.last_offer.clone();
            self.events.push(SfuEvent::SubscriberOffer { session: key, sdp, id });
        }
        self.touch((key, Target::Subscriber));
    }

    pub(super) fn subscriber_answer(&mut self, key: SessionKey, sdp: &str, id: u32, now: Instant) {
        let Some(subscriber) = self.sessions.get_mut(&key).and_then(|session| session.subscriber.as_mut()) else {
            return;
        };
        let Some(expected) = subscriber.outstanding else { return };
        if id != 0 && id != expected {
            return;
        }
        subscriber.outstanding = None;
        match subscriber.peer.set_answer(sdp, now) {
            Ok(()) => self.subscriber_ready(key, now),
            Err(error) => self.negotiation_failed(key, &error),
        }
        self.touch((key, Target::Subscriber));
    }

    fn negotiation_failed(&mut self, key: SessionKey, error: &PeerError) {
        tracing::info!(session = key.0, %error, "subscriber negotiation failed");
        self.events.push(SfuEvent::NegotiationFailed { session: key, target: Target::Subscriber });
    }

    // --- key frames and layers -----------------------------------------------------------------------------------

    /// Pictures a subscriber can receive from now on begin with a key frame.
    pub(super) fn subscriber_ready(&mut self, key: SessionKey, now: Instant) {
        let waiting: Vec<(TrackIndex, u8)> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.allowed.kind == TrackKind::Video)
            .flat_map(|(index, track)| track.subscriptions.iter().map(move |subscription| (*index, subscription)))
            .filter(|(_, subscription)| subscription.session == key && subscription.layer != subscription.target)
            .filter_map(|(index, subscription)| subscription.target.map(|layer| (index, layer)))
            .collect();
        for (index, layer) in waiting {
            self.ask_key_frame(index, layer, now);
        }
    }

    pub(super) fn key_frame_wanted(&mut self, key: SessionKey, sender: SenderId, now: Instant) {
        let found = self.tracks.iter().find_map(|(index, track)| {
            let mut of = track.subscriptions.iter().filter(|subscription| subscription.session == key);
            of.find(|subscription| subscription.sender == Some(sender))
                .and_then(|subscription| subscription.layer.or(subscription.target))
                .map(|layer| (*index, layer))
        });
        if let Some((index, layer)) = found {
            self.ask_key_frame(index, layer, now);
        }
    }
}
