//! Which layer of every picture each subscriber gets: by its wish, by what its link has room for, by what flows; and what
//! the publishers should therefore send. Looked at twice a second, and at once when something changes.

use std::collections::HashMap;
use std::time::Instant;

use peer::Codec;
use protocol::policy::{TrackKind, TrackSource};

use super::subscribe::Second;
use super::{Core, TrackIndex};
use crate::sfu::contract::{SessionKey, SfuEvent};
use crate::sfu::split::{Picture, split};

/// Of what a link carries, what pictures may take of it: what is lost is sent again, and sound is there, too.
const PART: f64 = 0.9;
/// The same before something grows: what fits only just is soon too much again.
const PART_TO_GROW: f64 = 0.8;

/// What a link has room for of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// Whatever is wished for.
    Free,
    /// This rank at most.
    Rank(usize),
    /// Nothing.
    Nothing,
}

impl Limit {
    fn on(self, rank: usize) -> Option<usize> {
        match self {
            Self::Free => Some(rank),
            Self::Rank(limit) => Some(rank.min(limit)),
            Self::Nothing => None,
        }
    }

    /// As a number that rises with what it allows.
    const fn height(self) -> usize {
        match self {
            Self::Free => usize::MAX,
            Self::Rank(rank) => rank + 1,
            Self::Nothing => 0,
        }
    }
}

impl Core {
    /// Everything anew; asks again for key frames that did not come.
    pub(super) fn tick(&mut self, now: Instant) {
        let subscribers: Vec<SessionKey> =
            self.sessions.iter().filter(|(_, session)| session.subscriber.is_some()).map(|(key, _)| *key).collect();
        let views = self.views();
        for key in subscribers {
            if let Some(view) = views.get(&key) {
                self.divide_among(key, view, now, false);
            }
        }
        let pictures: Vec<TrackIndex> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.allowed.kind == TrackKind::Video)
            .map(|(index, _)| *index)
            .collect();
        for index in pictures {
            self.review(index, now);
        }
    }

    /// The layer of one track for everybody who looks at it, and what its publisher is told.
    pub(super) fn review(&mut self, index: TrackIndex, now: Instant) {
        let sessions = &self.sessions;
        let Some(track) = self.tracks.get_mut(&index).filter(|track| track.allowed.kind == TrackKind::Video) else {
            return;
        };
        let mut waiting = vec![];
        let mut wanted = vec![];
        for subscription in &mut track.subscriptions {
            // Who may not see is sent nothing, and nobody is asked to encode for them.
            let sees = sessions.get(&subscription.session).is_some_and(|session| session.pictures);
            let rank = track.layers.asked_for(subscription.wish).filter(|_| sees);
            let rank = rank.and_then(|rank| subscription.limit.on(rank));
            let may_rise = subscription.limit == Limit::Free;
            subscription.target = rank.map(|rank| track.layers.choose(rank, may_rise, now));
            wanted.extend(rank);
            if let (Second::Due(at), Some(layer)) = (subscription.second, subscription.layer)
                && at <= now
            {
                subscription.second = Second::Done;
                waiting.push(layer);
            }
            if let Some(layer) = subscription.target
                && subscription.layer != Some(layer)
                && subscription.sender.is_some()
                && !waiting.contains(&layer)
            {
                waiting.push(layer);
            }
        }
        // A track whose section did not come yet has no layers; its publisher is told when it has.
        if track.source.is_some() {
            let mut qualities = track.layers.qualities(wanted.into_iter());
            // Browsers and official SDKs make a lone layer smaller by themselves, and slowly larger again: they are told of
            // the lower ones, too, as LiveKit's server does. Our own clients send H.264.
            if track.codec != Some(Codec::H264)
                && let Some(top) = qualities.iter().rposition(|on| *on)
            {
                qualities[..top].fill(true);
            }
            if let Some(qualities) = track.told.news(qualities, now) {
                let (session, sid) = (track.publisher, track.allowed.sid.clone());
                self.events.push(SfuEvent::LayersWanted { session, sid, qualities });
            }
        }
        for layer in waiting {
            self.ask_key_frame(index, layer, now);
        }
    }

    /// Shares out one subscriber's link anew.
    pub(super) fn divide(&mut self, key: SessionKey, now: Instant, urgent: bool) {
        if let Some(view) = self.views().remove(&key) {
            self.divide_among(key, &view, now, urgent);
        }
    }

    /// A report about a subscriber's link came, perhaps: pictures that make a queue give way at once.
    pub(super) fn watch_link(&mut self, key: SessionKey, now: Instant) {
        let Some(subscriber) = self.sessions.get_mut(&key).and_then(|session| session.subscriber.as_mut()) else {
            return;
        };
        let Some(hold) = subscriber.peer.estimate(now).and_then(|estimate| estimate.hold) else { return };
        if subscriber.hold.replace(hold) != Some(hold) {
            self.divide(key, now, true);
        }
    }

    /// Who looks at which tracks of pictures; the number is the subscription's place.
    fn views(&self) -> HashMap<SessionKey, Vec<(TrackIndex, usize)>> {
        let mut views: HashMap<SessionKey, Vec<(TrackIndex, usize)>> = HashMap::new();
        for (index, track) in &self.tracks {
            if track.allowed.kind != TrackKind::Video || track.allowed.muted {
                continue;
            }
            for (place, subscription) in track.subscriptions.iter().enumerate() {
                if !subscription.wish.disabled {
                    views.entry(subscription.session).or_default().push((*index, place));
                }
            }
        }
        views
    }

    fn divide_among(&mut self, key: SessionKey, view: &[(TrackIndex, usize)], now: Instant, urgent: bool) {
        if !self.fits_links {
            return;
        }
        let subscriber = self.sessions.get(&key).and_then(|session| session.subscriber.as_ref());
        let estimate = subscriber.and_then(|subscriber| subscriber.peer.estimate(now));
        // A link that was not too narrow lately carries everything: it will tell.
        let link = estimate.filter(|known| known.limited).map_or(1e12, |known| known.bits as f64);
        let mut pictures = vec![];
        for (index, place) in view {
            let Some(track) = self.tracks.get(index) else { continue };
            let Some(subscription) = track.subscriptions.get(*place) else { continue };
            let rank = track.layers.asked_for(subscription.wish).unwrap_or(0);
            let (width, height) = subscription.wish.size.unwrap_or((1280, 720));
            pictures.push(Picture {
                screen: track.allowed.source == TrackSource::ScreenShare,
                area: u64::from(width) * u64::from(height),
                bits: (0..=rank).map(|rank| track.layers.bits(rank, now)).collect(),
            });
        }
        let limit = |part: f64| split((link * part) as u64, &pictures);
        let (keeps, grows) = (limit(PART), limit(PART_TO_GROW));
        let mut changed = vec![];
        for (at, (index, place)) in view.iter().enumerate() {
            let Some(track) = self.tracks.get_mut(index) else { continue };
            let Some(subscription) = track.subscriptions.get_mut(*place) else { continue };
            let (Some(keeps), Some(grows)) = (keeps.get(at), grows.get(at)) else { continue };
            let full = track.layers.asked_for(subscription.wish).unwrap_or(0);
            let as_limit = |rank: &Option<usize>| match rank {
                Some(rank) if *rank >= full => Limit::Free,
                Some(rank) => Limit::Rank(*rank),
                None => Limit::Nothing,
            };
            let (keeps, grows) = (as_limit(keeps), as_limit(grows));
            let before = subscription.limit;
            if keeps.height() < before.height() {
                subscription.limit = keeps;
            } else if grows.height() > before.height() {
                subscription.limit = grows;
            }
            if subscription.limit == before {
                continue;
            }
            if urgent && subscription.limit.height() < before.height() {
                // Its next packets would only make the queue longer; the smaller layer begins with a key frame.
                subscription.detach();
            }
            changed.push(*index);
        }
        for index in changed {
            tracing::debug!(session = key.0, track = index.0, link, "a picture fits its link anew");
            self.review(index, now);
        }
    }
}
