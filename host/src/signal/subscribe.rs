//! Subscribing: who hears which track, by wish, by the publisher's leave, and by the megaphone's reach.

use std::collections::HashSet;

use livekit_protocol as lk;
use lk::signal_response::Message;
use protocol::ids::TrackSid;
use protocol::policy::TrackKind;

use super::session::{Listener, Listeners};
use super::{Effect, Session, Switchboard, Track};
use crate::sfu::contract::{SessionKey, SfuCommand, TrackWish};

/// Tracks one message may name, and wishes one session may keep for tracks that are not there yet.
pub(super) const MAX_SIDS: usize = 2000;

impl Switchboard {
    /// Brings one listener's subscriptions in line with everything.
    pub(super) fn review_listener(&mut self, key: SessionKey) {
        let Some(listener) = self.sessions.get(&key) else { return };
        let mut changes = Vec::new();
        for publisher in self.sessions.values() {
            for (sid, track) in &publisher.tracks {
                let should = hears(listener, publisher, sid, track);
                if should != listener.hears.contains(sid) {
                    changes.push((key, sid.clone(), track.kind, should));
                }
            }
        }
        self.change(changes);
    }

    /// Brings everyone's subscription to one track in line.
    pub(super) fn review_track(&mut self, key: SessionKey, sid: &TrackSid) {
        let Some(publisher) = self.sessions.get(&key) else { return };
        let Some(track) = publisher.tracks.get(sid) else { return };
        let mut changes = Vec::new();
        for listener in self.sessions.values() {
            let should = hears(listener, publisher, sid, track);
            if should != listener.hears.contains(sid) {
                changes.push((listener.key, sid.clone(), track.kind, should));
            }
        }
        self.change(changes);
    }

    fn change(&mut self, changes: Vec<(SessionKey, TrackSid, TrackKind, bool)>) {
        for (key, sid, kind, on) in changes {
            let Some(listener) = self.sessions.get_mut(&key) else { continue };
            if on {
                listener.hears.insert(sid.clone());
            } else {
                listener.hears.remove(&sid);
            }
            let (adaptive, paused) = (listener.adaptive, !listener.pictures);
            self.effects.push(Effect::Media(SfuCommand::Subscribe { session: key, sid: sid.clone(), on }));
            if on && adaptive && kind == TrackKind::Video {
                // Small until the client says how large it is shown.
                let wish = TrackWish { quality: Some(0), ..Default::default() };
                self.effects.push(Effect::Media(SfuCommand::Wish { session: key, sid: sid.clone(), wish }));
            }
            if on && paused && kind == TrackKind::Video {
                self.tell_paused(key, &sid);
            }
        }
    }

    pub(super) fn update_subscription(&mut self, key: SessionKey, update: lk::UpdateSubscription) {
        let on = update.subscribe;
        let named = update.track_sids.into_iter();
        let nested = update.participant_tracks.into_iter().flat_map(|p| p.track_sids);
        let sids: Vec<TrackSid> = named.chain(nested).take(MAX_SIDS).filter_map(|s| TrackSid::parse(s).ok()).collect();
        let session = self.sessions.get_mut(&key).expect("asked just now");
        for sid in sids {
            if session.auto_subscribe == on {
                session.wanted.remove(&sid);
            } else if session.wanted.len() < MAX_SIDS {
                session.wanted.insert(sid, on);
            }
        }
        self.review_listener(key);
    }

    pub(super) fn track_settings(&mut self, key: SessionKey, settings: lk::UpdateTrackSettings) {
        for sid in settings.track_sids.iter().take(MAX_SIDS) {
            let Ok(sid) = TrackSid::parse(sid.clone()) else { continue };
            if !self.sessions[&key].hears.contains(&sid) {
                continue;
            }
            let megaphone = self.sessions.values().filter_map(|s| s.tracks.get(&sid)).any(Track::is_megaphone);
            let sized = settings.width > 0 && settings.height > 0;
            let quality = u8::try_from(settings.quality.clamp(0, 2)).expect("clamped");
            let wish = TrackWish {
                // Everyone hears the megaphone; turning it down is a matter of the listener's own volume.
                disabled: settings.disabled && !megaphone,
                quality: (!sized).then_some(quality),
                size: sized.then_some((settings.width, settings.height)),
            };
            self.effects.push(Effect::Media(SfuCommand::Wish { session: key, sid, wish }));
        }
    }

    /// A publisher says who may listen. Enforced here, before any packet.
    pub(super) fn subscription_permission(&mut self, key: SessionKey, permission: lk::SubscriptionPermission) {
        let listeners = if permission.all_participants {
            Listeners::Everyone
        } else {
            let listener = |p: lk::TrackPermission| Listener {
                sid: p.participant_sid,
                identity: p.participant_identity,
                all: p.all_tracks,
                tracks: p.track_sids.into_iter().take(MAX_SIDS).collect(),
            };
            Listeners::Only(permission.track_permissions.into_iter().take(MAX_SIDS).map(listener).collect())
        };
        let session = self.sessions.get_mut(&key).expect("asked just now");
        if session.listeners == listeners {
            return;
        }
        session.listeners = listeners;
        let live: Vec<TrackSid> = session.tracks.iter().filter(|(_, t)| t.is_live()).map(|(s, _)| s.clone()).collect();
        for sid in live {
            let before = self.hearing(&sid);
            self.review_track(key, &sid);
            let after = self.hearing(&sid);
            let participant_sid = self.sessions[&key].sid.as_str().to_owned();
            for changed in before.symmetric_difference(&after) {
                let update = lk::SubscriptionPermissionUpdate {
                    participant_sid: participant_sid.clone(),
                    track_sid: sid.as_str().into(),
                    allowed: after.contains(changed),
                };
                self.say(*changed, Message::SubscriptionPermissionUpdate(update));
            }
        }
    }

    fn hearing(&self, sid: &TrackSid) -> HashSet<SessionKey> {
        self.sessions.values().filter(|s| s.hears.contains(sid)).map(|s| s.key).collect()
    }
}

/// The whole rule of who hears what.
fn hears(listener: &Session, publisher: &Session, sid: &TrackSid, track: &Track) -> bool {
    if listener.key == publisher.key || !track.is_live() || !listener.visitor.permission.can_subscribe {
        return false;
    }
    if track.is_megaphone() {
        return true;
    }
    listener.visitor.room == publisher.visitor.room
        && listener.wants(sid)
        && publisher.lets(sid, &listener.sid, &listener.visitor.user)
}
