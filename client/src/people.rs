//! Who is in the room and what they publish, as the server says, checked and compared with what was known.
//! Pure: `session` feeds it ParticipantInfos and acts on the differences.

use std::collections::{BTreeMap, BTreeSet};

use livekit_protocol as lk;
use media_core::frame::Codec;
use protocol::ids::{ParticipantSid, TrackSid, UserId};
use protocol::policy::{Capability, Grants, TrackKind, TrackSource};
use protocol::signal;

/// People taken into account; a server that names more is not one for meetings.
const MAX_PEOPLE: usize = 2_000;
/// Tracks of one person taken into account.
const MAX_TRACKS: usize = 32;

/// A track of someone else, as announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    /// Its name on the wire.
    pub(crate) sid: TrackSid,
    /// What it claims to be; the pair with `kind` makes sense.
    pub(crate) source: TrackSource,
    /// Sound or picture.
    pub(crate) kind: TrackKind,
    /// Muted by its owner.
    pub(crate) muted: bool,
    /// Announced as sealed in LiveKit's format.
    pub(crate) sealed: bool,
    /// As announced; `None`: a codec this program does not know, or not said.
    pub(crate) codec: Option<Codec>,
    /// The publisher may speak through the megaphone, says the server.
    pub(crate) may_megaphone: bool,
}

/// One person.
#[derive(Debug, Clone)]
pub(crate) struct Attendee {
    /// This session of theirs.
    pub(crate) sid: ParticipantSid,
    /// What they are called; never empty.
    pub(crate) name: String,
    /// What they publish.
    pub(crate) tracks: BTreeMap<TrackSid, Announced>,
    version: u32,
}

/// What an update changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Someone came, or came anew.
    Came(UserId),
    /// Someone went.
    Went(UserId),
    /// A track is new.
    TrackNew(UserId, Announced),
    /// A track is announced differently.
    TrackChanged(UserId, Announced),
    /// A track is over.
    TrackOver(TrackSid),
    /// What this person may do, as the server says.
    MyGrants(Grants),
}

/// Everyone in the room, this person too.
#[derive(Debug)]
pub(crate) struct Crowd {
    me: UserId,
    people: BTreeMap<UserId, Attendee>,
}

impl Crowd {
    /// An empty room as this person sees it.
    pub(crate) const fn new(me: UserId) -> Self {
        Self { me, people: BTreeMap::new() }
    }

    /// This person.
    pub(crate) const fn me(&self) -> &UserId {
        &self.me
    }

    /// Everyone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&UserId, &Attendee)> {
        self.people.iter()
    }

    /// One person.
    pub(crate) fn person(&self, user: &UserId) -> Option<&Attendee> {
        self.people.get(user)
    }

    /// After a fresh start the server names everyone again: whoever is missing went while we were away.
    pub(crate) fn replace(&mut self, everyone: &[lk::ParticipantInfo]) -> Vec<Difference> {
        let named: BTreeSet<&str> = everyone.iter().map(|info| info.identity.as_str()).collect();
        let missing: Vec<UserId> = self.people.keys().filter(|u| !named.contains(u.as_str())).cloned().collect();
        let mut out = Vec::new();
        for user in missing {
            self.remove(&user, &mut out);
        }
        for info in everyone {
            // A new server process counts versions from the start again.
            if let Some(known) = UserId::parse(info.identity.as_str()).ok().and_then(|u| self.people.get_mut(&u)) {
                known.version = 0;
            }
            out.extend(self.apply(info));
        }
        out
    }

    /// One update of one person.
    pub(crate) fn apply(&mut self, info: &lk::ParticipantInfo) -> Vec<Difference> {
        let mut out = Vec::new();
        let (Ok(user), Ok(sid)) = (UserId::parse(info.identity.as_str()), ParticipantSid::parse(info.sid.as_str()))
        else {
            tracing::debug!("a participant without a usable identity");
            return out;
        };
        let gone = info.state == lk::participant_info::State::Disconnected as i32;
        match self.people.get(&user) {
            Some(known) if known.sid == sid => {
                if gone {
                    self.remove(&user, &mut out);
                    return out;
                }
                if info.version < known.version {
                    return out;
                }
            }
            // The end of a session that was replaced already.
            Some(_) if gone => return out,
            Some(_) => self.remove(&user, &mut out),
            None if gone || self.people.len() >= MAX_PEOPLE => return out,
            None => {}
        }
        let mine = user == self.me;
        let attendee = self.people.entry(user.clone()).or_insert_with(|| {
            out.push(Difference::Came(user.clone()));
            Attendee { sid, name: String::new(), tracks: BTreeMap::new(), version: 0 }
        });
        attendee.version = info.version;
        attendee.name = clean_name(info);
        if mine {
            out.extend(info.permission.as_ref().map(|p| Difference::MyGrants(signal::grants(p))));
            return out;
        }
        let now = announced(info);
        for sid in attendee.tracks.keys().filter(|sid| !now.contains_key(*sid)) {
            out.push(Difference::TrackOver(sid.clone()));
        }
        for (sid, track) in &now {
            match attendee.tracks.get(sid) {
                None => out.push(Difference::TrackNew(user.clone(), track.clone())),
                Some(old) if old != track => out.push(Difference::TrackChanged(user.clone(), track.clone())),
                Some(_) => {}
            }
        }
        attendee.tracks = now;
        out
    }

    fn remove(&mut self, user: &UserId, out: &mut Vec<Difference>) {
        if let Some(attendee) = self.people.remove(user) {
            out.extend(attendee.tracks.into_keys().map(Difference::TrackOver));
            out.push(Difference::Went(user.clone()));
        }
    }
}

fn clean_name(info: &lk::ParticipantInfo) -> String {
    let name = if info.name.trim().is_empty() { &info.identity } else { &info.name };
    name.chars().filter(|c| !c.is_control()).take(96).collect()
}

fn announced(info: &lk::ParticipantInfo) -> BTreeMap<TrackSid, Announced> {
    let may_megaphone = info.permission.as_ref().is_some_and(|p| signal::grants(p).allows(Capability::Megaphone));
    let mut tracks = BTreeMap::new();
    for track in info.tracks.iter().take(MAX_TRACKS) {
        let (Ok(sid), Some(kind), Some(source)) =
            (TrackSid::parse(track.sid.as_str()), signal::kind(track.r#type), signal::source(track.source))
        else {
            continue;
        };
        // A picture that calls itself a microphone is a lie about which right it used: not shown.
        if source.capability(kind).is_none() {
            tracing::warn!(?source, ?kind, "a track whose source and kind do not fit");
            continue;
        }
        tracks.insert(
            sid.clone(),
            Announced {
                sid,
                source,
                kind,
                muted: track.muted,
                sealed: track.encryption == lk::encryption::Type::Gcm as i32,
                codec: codec(&track.mime_type),
                may_megaphone,
            },
        );
    }
    tracks
}

fn codec(mime: &str) -> Option<Codec> {
    match mime.to_ascii_lowercase().as_str() {
        "audio/opus" => Some(Codec::Opus),
        "video/h264" => Some(Codec::H264),
        "video/vp8" => Some(Codec::Vp8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(identity: &str, sid: &str, version: u32) -> lk::ParticipantInfo {
        lk::ParticipantInfo { identity: identity.into(), sid: sid.into(), version, ..Default::default() }
    }

    fn with_track(mut info: lk::ParticipantInfo, sid: &str, kind: i32, source: i32) -> lk::ParticipantInfo {
        info.tracks.push(lk::TrackInfo { sid: sid.into(), r#type: kind, source, ..Default::default() });
        info
    }

    fn user(text: &str) -> UserId {
        UserId::parse(text).unwrap()
    }

    #[test]
    fn a_new_session_of_a_person_ends_the_tracks_of_the_old_one() {
        let mut crowd = Crowd::new(user("me"));
        crowd.apply(&with_track(info("a", "PA_1", 1), "TR_1", 0, 2));
        let changes = crowd.apply(&info("a", "PA_2", 1));
        let sid = TrackSid::parse("TR_1").unwrap();
        assert_eq!(changes, vec![Difference::TrackOver(sid), Difference::Went(user("a")), Difference::Came(user("a"))]);
    }

    #[test]
    fn an_older_version_of_the_same_session_changes_nothing() {
        let mut crowd = Crowd::new(user("me"));
        crowd.apply(&with_track(info("a", "PA_1", 5), "TR_1", 0, 2));
        assert!(crowd.apply(&info("a", "PA_1", 4)).is_empty());
        assert_eq!(crowd.person(&user("a")).unwrap().tracks.len(), 1);
    }

    #[test]
    fn a_picture_that_calls_itself_a_microphone_is_not_a_track() {
        let mut crowd = Crowd::new(user("me"));
        let changes = crowd.apply(&with_track(info("a", "PA_1", 1), "TR_1", 1, 2));
        assert_eq!(changes, vec![Difference::Came(user("a"))]);
    }

    #[test]
    fn my_own_permission_is_heard() {
        let mut crowd = Crowd::new(user("me"));
        let mut me = info("me", "PA_0", 1);
        me.permission = Some(lk::ParticipantPermission { can_publish: false, ..Default::default() });
        assert!(crowd.apply(&me).contains(&Difference::MyGrants(Grants::NONE)));
    }

    #[test]
    fn whoever_is_missing_after_a_fresh_start_went() {
        let mut crowd = Crowd::new(user("me"));
        crowd.apply(&info("a", "PA_1", 9));
        let changes = crowd.replace(&[info("b", "PA_2", 1)]);
        assert_eq!(changes, vec![Difference::Went(user("a")), Difference::Came(user("b"))]);
    }
}
