//! The switchboard's promises, on the pure machine: sockets, media and time are scripted.

#![expect(deprecated, reason = "fields that official SDKs still use")]

use std::collections::HashSet;

use lk::request_response::Reason;
use lk::signal_request::Message as Ask;
use prost::Message as _;
use protocol::ids::DisplayName;
use protocol::policy::{Capability, Matrix, TrackKind};
use protocol::signal::{ParseSignal, parse_response};

use super::*;
use crate::office::Admission;
use crate::sfu::contract::{SfuEvent, Target};

struct World {
    board: Switchboard,
    now: Now,
    next: u64,
    said: Vec<(Conn, Message)>,
    media: Vec<SfuCommand>,
    closed: HashSet<Conn>,
    left: Vec<UserId>,
    refreshed: Vec<Conn>,
    /// Who joins from now on is sent pictures.
    pictures: bool,
}

#[derive(Clone, Copy)]
struct Peer {
    conn: Conn,
    key: SessionKey,
}

fn visitor(room: &str, user: &str) -> Visitor {
    Visitor {
        user: UserId::parse(user).unwrap(),
        name: DisplayName::parse(user).unwrap(),
        room: RoomId::parse(room).unwrap(),
        role: None,
        metadata: String::new(),
        attributes: HashMap::new(),
        permission: lk::ParticipantPermission {
            can_subscribe: true,
            can_publish: true,
            can_publish_data: true,
            ..Default::default()
        },
    }
}

impl World {
    fn new() -> Self {
        let mut seed = 0_u64;
        // SplitMix64: no name comes twice.
        let random = move |bytes: &mut [u8]| {
            for byte in bytes {
                seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                *byte = mixed.wrapping_mul(0x94d0_49bb_1331_11eb).to_be_bytes()[0];
            }
        };
        Self {
            board: Switchboard::new(Box::new(random)),
            now: Now { up: Duration::from_secs(1), unix_ms: 1_700_000_000_000 },
            next: 1,
            said: Vec::new(),
            media: Vec::new(),
            closed: HashSet::new(),
            left: Vec::new(),
            refreshed: Vec::new(),
            pictures: true,
        }
    }

    fn collect(&mut self) {
        for effect in self.board.drain() {
            match effect {
                Effect::Send { conn, frame } => self.said.push((conn, parse_response(&frame).unwrap())),
                Effect::Close { conn } => {
                    self.closed.insert(conn);
                }
                Effect::Media(command) => self.media.push(command),
                Effect::Refresh { conn, .. } => self.refreshed.push(conn),
                Effect::Left { user, .. } => self.left.push(user),
            }
        }
    }

    fn conn(&mut self) -> Conn {
        self.next += 1;
        Conn(self.next)
    }

    fn join_with(&mut self, visitor: Visitor, greeting: Greeting, role: Role) -> Peer {
        let conn = self.conn();
        let grants = Matrix::default().grants(role);
        let admission = Admission { role, grants, pictures: self.pictures };
        let key = self.board.join(conn, visitor, greeting, admission, self.now);
        self.collect();
        Peer { conn, key }
    }

    fn join(&mut self, room: &str, user: &str) -> Peer {
        self.join_with(visitor(room, user), Greeting::default(), Role::Member)
    }

    fn ask(&mut self, peer: Peer, ask: Ask) {
        self.board.receive(peer.conn, Ok(ask), self.now);
        self.collect();
    }

    fn event(&mut self, event: SfuEvent) {
        self.board.media(event, self.now);
        self.collect();
    }

    fn pass(&mut self, time: Duration) {
        self.now.up += time;
        self.board.tick(self.now);
        self.collect();
    }

    /// What this peer was told since the last look.
    fn told(&mut self, peer: Peer) -> Vec<Message> {
        let (mine, rest) = std::mem::take(&mut self.said).into_iter().partition(|(c, _)| *c == peer.conn);
        self.said = rest;
        let mine: Vec<(Conn, Message)> = mine;
        mine.into_iter().map(|(_, m)| m).collect()
    }

    fn commands(&mut self) -> Vec<SfuCommand> {
        std::mem::take(&mut self.media)
    }

    fn publish(&mut self, peer: Peer, cid: &str, source: lk::TrackSource, kind: lk::TrackType) -> TrackSid {
        self.ask(peer, add(cid, source, kind));
        let told = self.told(peer);
        let sid = told.iter().find_map(|m| match m {
            Message::TrackPublished(p) => Some(p.track.as_ref().unwrap().sid.clone()),
            _ => None,
        });
        let sid = TrackSid::parse(sid.unwrap_or_else(|| panic!("{told:?}"))).unwrap();
        self.event(SfuEvent::TrackLive { session: peer.key, sid: sid.clone(), mime: "audio/opus".into() });
        sid
    }

    fn mic(&mut self, peer: Peer) -> TrackSid {
        self.publish(peer, "mic", lk::TrackSource::Microphone, lk::TrackType::Audio)
    }
}

fn add(cid: &str, source: lk::TrackSource, kind: lk::TrackType) -> Ask {
    Ask::AddTrack(lk::AddTrackRequest {
        cid: cid.into(),
        source: source as i32,
        r#type: kind as i32,
        ..Default::default()
    })
}

fn reason(told: &[Message]) -> Option<Reason> {
    told.iter().find_map(|m| match m {
        Message::RequestResponse(r) => Reason::try_from(r.reason).ok(),
        _ => None,
    })
}

fn leave_of(told: &[Message]) -> Option<(i32, i32)> {
    told.iter().find_map(|m| if let Message::Leave(l) = m { Some((l.reason, l.action)) } else { None })
}

fn updates(told: &[Message]) -> Vec<lk::ParticipantInfo> {
    let of = |m: &Message| if let Message::Update(u) = m { u.participants.clone() } else { Vec::new() };
    told.iter().flat_map(of).collect()
}

fn subscriptions(commands: &[SfuCommand]) -> Vec<(SessionKey, TrackSid, bool)> {
    let of = |c: &SfuCommand| match c {
        SfuCommand::Subscribe { session, sid, on } => Some((*session, sid.clone(), *on)),
        _ => None,
    };
    commands.iter().filter_map(of).collect()
}

const RECONNECT: i32 = lk::leave_request::Action::Reconnect as i32;
const DISCONNECT: i32 = lk::leave_request::Action::Disconnect as i32;

#[test]
fn the_join_response_comes_first_and_says_what_sdks_need() {
    let mut world = World::new();
    world.join("r", "anna");
    let bob = world.join("r", "bob");
    let told = world.told(bob);
    let Message::Join(join) = &told[0] else { panic!("{told:?}") };
    assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
    assert_eq!(join.server_info.as_ref().unwrap().protocol, 17);
    assert!(join.subscriber_primary && join.fast_publish && !join.sif_trailer.is_empty());
    assert!(join.room.as_ref().unwrap().sid.starts_with("RM_"));
    let me = join.participant.as_ref().unwrap();
    assert!(me.sid.starts_with("PA_"));
    assert_eq!(me.attributes["shoji.role"], "member");
    assert_eq!(join.other_participants.len(), 1);
    assert_eq!(world.refreshed, vec![Conn(2), bob.conn]);
    assert!(matches!(&world.media[1], SfuCommand::Join { session, .. } if *session == bob.key));
}

#[test]
fn everyone_is_told_that_somebody_is_here_and_then_active() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.told(anna);
    let bob = world.join("r", "bob");
    assert_eq!(updates(&world.told(anna))[0].state, lk::participant_info::State::Joined as i32);
    world.event(SfuEvent::Connected { session: bob.key, target: Target::Publisher });
    assert!(updates(&world.told(anna)).is_empty(), "the subscriber connection is the primary one");
    world.event(SfuEvent::Connected { session: bob.key, target: Target::Subscriber });
    assert_eq!(updates(&world.told(anna))[0].state, lk::participant_info::State::Active as i32);
    assert_eq!(updates(&world.told(bob))[0].identity, "bob", "SDKs wait for their own ACTIVE");
}

#[test]
fn a_track_is_published_when_its_media_lives_and_not_before() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    world.told(bob);
    world.commands();
    world.ask(anna, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    assert!(updates(&world.told(bob)).is_empty());
    let commands = world.commands();
    let SfuCommand::Allow { track, .. } = &commands[0] else { panic!("{commands:?}") };
    assert!(track.sid.as_str().starts_with("TR_AM"));
    let event = SfuEvent::TrackLive { session: anna.key, sid: track.sid.clone(), mime: "audio/opus".into() };
    world.event(event);
    assert_eq!(updates(&world.told(bob))[0].tracks[0].sid, track.sid.as_str());
    assert_eq!(subscriptions(&world.commands()), vec![(bob.key, track.sid.clone(), true)]);
}

#[test]
fn source_and_kind_are_both_checked() {
    use lk::TrackSource::{Camera, Microphone, ScreenShare, ScreenShareAudio, Unknown};
    use lk::TrackType::{Audio, Video};
    let mut world = World::new();
    let mut limited = visitor("r", "anna");
    limited.permission.can_publish_sources = vec![Microphone as i32];
    let anna = world.join_with(limited, Greeting::default(), Role::Member);
    world.told(anna);
    world.commands();
    let no = [
        (Microphone, Video),
        (Camera, Video),
        (Camera, Audio),
        (ScreenShare, Video),
        (ScreenShareAudio, Audio),
        (Unknown, Audio),
        (Unknown, Video),
    ];
    for (source, kind) in no {
        world.ask(anna, add("x", source, kind));
        assert_eq!(reason(&world.told(anna)), Some(Reason::NotAllowed), "{source:?} {kind:?}");
    }
    assert!(world.commands().is_empty(), "the media plane heard of none");
    world.mic(anna);
}

#[test]
fn a_token_that_forbids_publishing_is_stronger_than_the_matrix() {
    let mut world = World::new();
    let mut mute = visitor("r", "anna");
    mute.permission.can_publish = false;
    let anna = world.join_with(mute, Greeting::default(), Role::Owner);
    world.told(anna);
    world.ask(anna, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    assert_eq!(reason(&world.told(anna)), Some(Reason::NotAllowed));
}

#[test]
fn strange_and_oversized_tracks_get_typed_answers() {
    let mut world = World::new();
    let anna = world.join_with(visitor("r", "anna"), Greeting::default(), Role::Owner);
    world.told(anna);
    let good = lk::AddTrackRequest { cid: "c".into(), source: 2, ..Default::default() };
    let rows = [
        (lk::AddTrackRequest { cid: String::new(), ..good.clone() }, Reason::InvalidRequest),
        (lk::AddTrackRequest { cid: "x".repeat(300), ..good.clone() }, Reason::InvalidRequest),
        (lk::AddTrackRequest { name: "x".repeat(300), ..good.clone() }, Reason::InvalidRequest),
        (lk::AddTrackRequest { layers: vec![Default::default(); 99], ..good.clone() }, Reason::LimitExceeded),
        (lk::AddTrackRequest { sid: "TR_x".into(), ..good.clone() }, Reason::UnsupportedType),
        (lk::AddTrackRequest { source: 77, ..good.clone() }, Reason::UnsupportedType),
        (lk::AddTrackRequest { r#type: 2, ..good.clone() }, Reason::UnsupportedType),
    ];
    for (request, why) in rows {
        world.ask(anna, Ask::AddTrack(request));
        assert_eq!(reason(&world.told(anna)), Some(why));
    }
    for n in 0..20 {
        world.ask(anna, Ask::AddTrack(lk::AddTrackRequest { cid: format!("c{n}"), ..good.clone() }));
        assert_eq!(reason(&world.told(anna)), None);
    }
    world.ask(anna, Ask::AddTrack(lk::AddTrackRequest { cid: "one more".into(), ..good }));
    assert_eq!(reason(&world.told(anna)), Some(Reason::LimitExceeded));
}

#[test]
fn a_second_track_with_the_same_cid_waits_for_the_first() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let first = world.mic(anna);
    world.told(anna);
    world.ask(anna, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    assert_eq!(reason(&world.told(anna)), Some(Reason::Queued));
    world.event(SfuEvent::TrackGone { session: anna.key, sid: first.clone() });
    let told = world.told(anna);
    let published = told.iter().find_map(|m| if let Message::TrackPublished(p) = m { p.track.clone() } else { None });
    assert_ne!(published.unwrap().sid, first.as_str());
}

#[test]
fn asking_again_for_a_track_that_is_still_waited_for_gives_the_same_answer() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let sid = |told: Vec<Message>| {
        told.iter().find_map(|m| if let Message::TrackPublished(p) = m { p.track.clone() } else { None }).unwrap().sid
    };
    world.ask(anna, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    let first = sid(world.told(anna));
    world.ask(anna, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    assert_eq!(sid(world.told(anna)), first);
}

#[test]
fn a_revoked_right_ends_the_track_at_once_for_everyone() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    let sid = world.publish(anna, "cam", lk::TrackSource::Camera, lk::TrackType::Video);
    world.told(anna);
    world.told(bob);
    world.commands();
    let (room, user) = (RoomId::parse("r").unwrap(), UserId::parse("anna").unwrap());
    let grants = Matrix::default().grants(Role::Member).with(Capability::Camera, false);
    world.board.regrant(&room, &user, Role::Member, grants);
    world.collect();
    let commands = world.commands();
    assert!(matches!(&commands[0], SfuCommand::Remove { sid: gone } if *gone == sid), "{commands:?}");
    let told = world.told(anna);
    assert!(matches!(&told[0], Message::TrackUnpublished(u) if u.track_sid == sid.as_str()), "{told:?}");
    let own = updates(&told);
    let permission = own.last().unwrap().permission.clone().unwrap();
    assert!(!permission.can_publish_sources.contains(&(lk::TrackSource::Camera as i32)));
    assert!(updates(&world.told(bob)).last().unwrap().tracks.is_empty());
    world.ask(anna, add("cam2", lk::TrackSource::Camera, lk::TrackType::Video));
    assert_eq!(reason(&world.told(anna)), Some(Reason::NotAllowed));
    // Its RTP that was on the way does not bring it back.
    world.event(SfuEvent::TrackLive { session: anna.key, sid: sid.clone(), mime: String::new() });
    assert!(matches!(&world.commands()[0], SfuCommand::Remove { sid: gone } if *gone == sid));
    assert!(updates(&world.told(bob)).is_empty());
}

#[test]
fn nothing_is_said_when_rights_do_not_change() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.told(anna);
    let (room, user) = (RoomId::parse("r").unwrap(), UserId::parse("anna").unwrap());
    world.board.regrant(&room, &user, Role::Member, Matrix::default().grants(Role::Member));
    world.collect();
    assert!(world.told(anna).is_empty());
}

#[test]
fn mute_goes_both_ways_and_only_for_ones_own_tracks() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    let sid = world.mic(anna);
    world.told(bob);
    world.commands();
    let mute = |muted| Ask::Mute(lk::MuteTrackRequest { sid: sid.as_str().into(), muted });
    world.ask(bob, mute(true));
    assert_eq!(reason(&world.told(bob)), Some(Reason::NotFound));
    world.ask(anna, mute(true));
    assert!(matches!(&world.commands()[..], [SfuCommand::Mute { muted: true, .. }]));
    assert!(updates(&world.told(bob))[0].tracks[0].muted);
    world.ask(anna, mute(true));
    assert!(world.commands().is_empty(), "said twice is said once");
    world.ask(anna, mute(false));
    world.told(anna);
    assert!(world.board.mute_for(&RoomId::parse("r").unwrap(), &sid, true).unwrap().muted);
    world.collect();
    assert!(world.told(anna).iter().any(|m| matches!(m, Message::Mute(m) if m.muted)));
}

#[test]
fn a_subscription_follows_the_wish() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let quiet = Greeting { auto_subscribe: false, ..Default::default() };
    let bob = world.join_with(visitor("r", "bob"), quiet, Role::Member);
    let sid = world.mic(anna);
    assert!(subscriptions(&world.commands()).is_empty());
    let wish = |subscribe| {
        Ask::Subscription(lk::UpdateSubscription {
            track_sids: vec![sid.as_str().into()],
            subscribe,
            ..Default::default()
        })
    };
    world.ask(bob, wish(true));
    assert_eq!(subscriptions(&world.commands()), vec![(bob.key, sid.clone(), true)]);
    world.ask(bob, wish(true));
    assert!(subscriptions(&world.commands()).is_empty());
    let settings = lk::UpdateTrackSettings {
        track_sids: vec![sid.as_str().into(), "TR_other".into(), "no sid!".into()],
        disabled: true,
        width: 320,
        height: 180,
        ..Default::default()
    };
    world.ask(bob, Ask::TrackSetting(settings));
    let commands = world.commands();
    let [SfuCommand::Wish { wish: said, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert!(said.disabled && said.size == Some((320, 180)) && said.quality.is_none());
    world.ask(bob, wish(false));
    assert_eq!(subscriptions(&world.commands()), vec![(bob.key, sid.clone(), false)]);
}

#[test]
fn a_wish_for_a_track_that_comes_later_counts() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let bob = world.join("r", "bob");
    world.ask(anna, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    let commands = world.commands();
    let sid = commands
        .iter()
        .find_map(|c| if let SfuCommand::Allow { track, .. } = c { Some(track.sid.clone()) } else { None });
    let sid = sid.unwrap();
    let no = lk::UpdateSubscription { track_sids: vec![sid.as_str().into()], subscribe: false, ..Default::default() };
    world.ask(bob, Ask::Subscription(no));
    world.event(SfuEvent::TrackLive { session: anna.key, sid, mime: String::new() });
    assert!(subscriptions(&world.commands()).is_empty());
}

#[test]
fn a_publisher_chooses_who_may_listen() {
    let mut world = World::new();
    let (anna, bob, carl) = (world.join("r", "anna"), world.join("r", "bob"), world.join("r", "carl"));
    let sid = world.mic(anna);
    world.commands();
    world.told(carl);
    let only_bob = lk::TrackPermission { participant_identity: "bob".into(), all_tracks: true, ..Default::default() };
    let only = lk::SubscriptionPermission { all_participants: false, track_permissions: vec![only_bob] };
    world.ask(anna, Ask::SubscriptionPermission(only));
    assert_eq!(subscriptions(&world.commands()), vec![(carl.key, sid.clone(), false)]);
    assert!(world.told(carl).iter().any(|m| matches!(m, Message::SubscriptionPermissionUpdate(u) if !u.allowed)));
    let again = lk::UpdateSubscription { track_sids: vec![sid.as_str().into()], subscribe: true, ..Default::default() };
    world.ask(carl, Ask::Subscription(again));
    assert!(subscriptions(&world.commands()).is_empty(), "asking does not help");
    let all = lk::SubscriptionPermission { all_participants: true, track_permissions: Vec::new() };
    world.ask(anna, Ask::SubscriptionPermission(all));
    assert_eq!(subscriptions(&world.commands()), vec![(carl.key, sid, true)]);
    let _ = bob;
}

#[test]
fn the_megaphone_is_heard_in_every_room_and_cannot_be_declined() {
    let mut world = World::new();
    let boss = world.join_with(visitor("r", "boss"), Greeting::default(), Role::Owner);
    let quiet = Greeting { auto_subscribe: false, ..Default::default() };
    let far = world.join_with(visitor("other", "boss"), quiet, Role::Guest);
    world.told(far);
    world.commands();
    let sid = world.publish(boss, "mega", lk::TrackSource::Unknown, lk::TrackType::Audio);
    let seen = updates(&world.told(far));
    assert_eq!((seen[0].identity.as_str(), seen[0].tracks.len()), ("megaphone:boss", 1));
    assert_eq!(subscriptions(&world.commands()), vec![(far.key, sid.clone(), true)]);
    let no = lk::UpdateSubscription { track_sids: vec![sid.as_str().into()], subscribe: false, ..Default::default() };
    world.ask(far, Ask::Subscription(no));
    assert!(subscriptions(&world.commands()).is_empty());
    let late = world.join("third", "late");
    let told = world.told(late);
    let Message::Join(join) = &told[0] else { panic!() };
    assert_eq!(join.other_participants[0].identity, "megaphone:boss");
    world.event(SfuEvent::TrackGone { session: boss.key, sid });
    let gone = updates(&world.told(far));
    assert_eq!(gone[0].state, lk::participant_info::State::Disconnected as i32);
}

#[test]
fn nobody_in_another_room_hears_or_sees_an_ordinary_track() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let far = world.join("other", "far");
    world.told(far);
    let sid = world.mic(anna);
    assert!(world.told(far).is_empty());
    world.commands();
    let wish = lk::UpdateSubscription { track_sids: vec![sid.as_str().into()], subscribe: true, ..Default::default() };
    world.ask(far, Ask::Subscription(wish));
    assert!(subscriptions(&world.commands()).is_empty());
}

#[test]
fn the_same_identity_again_ends_the_older_session() {
    let mut world = World::new();
    let old = world.join("r", "anna");
    let bob = world.join("r", "bob");
    world.told(old);
    let new = world.join("r", "anna");
    let why = lk::DisconnectReason::DuplicateIdentity as i32;
    assert_eq!(leave_of(&world.told(old)), Some((why, DISCONNECT)));
    assert!(world.closed.contains(&old.conn) && !world.closed.contains(&new.conn));
    assert!(world.left.is_empty(), "the person is still here");
    let seen = updates(&world.told(bob));
    assert_eq!(seen.first().unwrap().state, lk::participant_info::State::Disconnected as i32);
    assert_eq!(seen.last().unwrap().state, lk::participant_info::State::Joined as i32);
}

#[test]
fn a_lost_socket_is_resumed_and_nothing_important_was_missed() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    let sid = world.mic(anna);
    world.told(anna);
    world.board.closed(anna.conn, world.now);
    let sid_of = world.board.sessions[&anna.key].sid.as_str().to_owned();
    world.ask(bob, Ask::Leave(lk::LeaveRequest::default()));
    world.pass(Duration::from_secs(5));
    world.commands();
    let conn = world.conn();
    let key = world.board.resume(conn, &visitor("r", "anna"), &Resume { sid: sid_of }, world.now).unwrap();
    world.collect();
    assert_eq!(key, anna.key);
    let told = world.told(Peer { conn, key });
    assert!(matches!(told[0], Message::Reconnect(_)), "{told:?}");
    let gone = updates(&told).into_iter().find(|p| p.identity == "bob").unwrap();
    assert_eq!(gone.state, lk::participant_info::State::Disconnected as i32);
    assert!(matches!(&world.commands()[..], [SfuCommand::Resume { .. }]));
    let back = Peer { conn, key };
    let track = lk::TrackInfo { sid: sid.as_str().into(), ..Default::default() };
    let published = vec![lk::TrackPublishedResponse { cid: "mic".into(), track: Some(track) }];
    world.ask(back, Ask::SyncState(lk::SyncState { publish_tracks: published, ..Default::default() }));
    assert_eq!(leave_of(&world.told(back)), None);
    world.pass(Duration::from_secs(30));
    assert!(world.left.iter().all(|u| u.as_str() != "anna"));
}

#[test]
fn an_unknown_session_or_somebody_elses_is_not_resumed() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let sid = world.board.sessions[&anna.key].sid.as_str().to_owned();
    for (who, sid) in [("anna", "PA_unknown".to_owned()), ("eve", sid)] {
        let conn = world.conn();
        assert!(world.board.resume(conn, &visitor("r", who), &Resume { sid }, world.now).is_err());
        world.collect();
        let told = world.told(Peer { conn, key: anna.key });
        assert_eq!(leave_of(&told), Some((lk::DisconnectReason::StateMismatch as i32, RECONNECT)));
        assert!(world.closed.contains(&conn));
    }
    assert!(!world.closed.contains(&anna.conn));
}

#[test]
fn a_sync_with_a_track_we_took_away_is_corrected_and_with_one_we_never_knew_is_not_believed() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let sid = world.mic(anna);
    world.board.regrant(&RoomId::parse("r").unwrap(), &UserId::parse("anna").unwrap(), Role::Guest, Grants::NONE);
    world.collect();
    world.told(anna);
    let state = |sid: &str| {
        let track = lk::TrackInfo { sid: sid.into(), ..Default::default() };
        let publish_tracks = vec![lk::TrackPublishedResponse { cid: "mic".into(), track: Some(track) }];
        Ask::SyncState(lk::SyncState { publish_tracks, ..Default::default() })
    };
    world.ask(anna, state(sid.as_str()));
    let told = world.told(anna);
    assert!(matches!(&told[..], [Message::TrackUnpublished(_)]), "{told:?}");
    world.ask(anna, state("TR_never"));
    assert_eq!(leave_of(&world.told(anna)), Some((lk::DisconnectReason::StateMismatch as i32, RECONNECT)));
}

#[test]
fn who_stays_away_is_let_go_after_twenty_seconds() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    world.event(SfuEvent::Connected { session: bob.key, target: Target::Subscriber });
    world.board.closed(anna.conn, world.now);
    world.pass(DEPARTURE - Duration::from_millis(1));
    assert!(world.left.is_empty());
    world.told(bob);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.left, vec![UserId::parse("anna").unwrap()]);
    assert_eq!(updates(&world.told(bob))[0].state, lk::participant_info::State::Disconnected as i32);
    assert!(world.commands().iter().any(|c| matches!(c, SfuCommand::Leave { session } if *session == anna.key)));
}

#[test]
fn media_that_failed_and_was_not_mended_ends_the_session() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    for peer in [anna, bob] {
        world.event(SfuEvent::Connected { session: peer.key, target: Target::Subscriber });
        world.event(SfuEvent::Disconnected { session: peer.key, target: Target::Subscriber });
    }
    world.event(SfuEvent::Connected { session: bob.key, target: Target::Subscriber });
    world.told(anna);
    world.pass(MEND);
    assert_eq!(leave_of(&world.told(anna)), Some((lk::DisconnectReason::MediaFailure as i32, RECONNECT)));
    assert!(!world.closed.contains(&bob.conn));
}

#[test]
fn when_the_media_plane_ends_nobody_waits_in_silence() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.board.media_ended();
    world.collect();
    assert_eq!(leave_of(&world.told(anna)), Some((lk::DisconnectReason::MediaFailure as i32, RECONNECT)));
    assert_eq!(world.left.len(), 1);
}

#[test]
fn media_that_never_came_up_ends_the_join() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.pass(CONNECT);
    assert_eq!(leave_of(&world.told(anna)).unwrap().0, lk::DisconnectReason::JoinFailure as i32);
}

#[test]
fn a_failed_negotiation_asks_for_a_full_reconnect() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.event(SfuEvent::NegotiationFailed { session: anna.key, target: Target::Publisher });
    assert_eq!(leave_of(&world.told(anna)).unwrap().1, RECONNECT);
}

#[test]
fn descriptions_and_candidates_pass_both_ways_with_their_numbers() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.told(anna);
    world.commands();
    let offer = lk::SessionDescription { r#type: "offer".into(), sdp: "v=0".into(), id: 7, ..Default::default() };
    world.ask(anna, Ask::Offer(offer));
    assert!(matches!(&world.commands()[..], [SfuCommand::PublisherOffer { id: 7, .. }]));
    world.event(SfuEvent::PublisherAnswer { session: anna.key, sdp: "v=0".into(), id: 7 });
    assert!(matches!(&world.told(anna)[..], [Message::Answer(a)] if a.id == 7 && a.r#type == "answer"));
    world.event(SfuEvent::SubscriberOffer { session: anna.key, sdp: "v=0".into(), id: 3 });
    assert!(matches!(&world.told(anna)[..], [Message::Offer(o)] if o.id == 3 && o.r#type == "offer"));
    let answer = lk::SessionDescription { r#type: "answer".into(), sdp: "v=0".into(), id: 3, ..Default::default() };
    world.ask(anna, Ask::Answer(answer));
    assert!(matches!(&world.commands()[..], [SfuCommand::SubscriberAnswer { id: 3, .. }]));
    let trickle = lk::TrickleRequest { candidate_init: "{}".into(), target: 1, r#final: false };
    world.ask(anna, Ask::Trickle(trickle));
    assert!(matches!(&world.commands()[..], [SfuCommand::Trickle { target: Target::Subscriber, .. }]));
}

#[test]
fn hostile_requests_hurt_only_their_sender() {
    let mut world = World::new();
    let bob = world.join("r", "bob");
    world.told(bob);
    let big = "x".repeat(protocol::signal::MAX_SDP + 1);
    let asks = [
        Ask::Offer(lk::SessionDescription { r#type: "offer".into(), sdp: big, ..Default::default() }),
        Ask::Offer(lk::SessionDescription { r#type: "pranswer".into(), sdp: "v=0".into(), ..Default::default() }),
        Ask::Answer(lk::SessionDescription::default()),
    ];
    for ask in asks {
        let eve = world.join("r", "eve");
        world.ask(eve, ask);
        assert!(world.closed.contains(&eve.conn));
    }
    let eve = world.join("r", "eve");
    world.board.receive(eve.conn, Err(ParseSignal::TooLong(9)), world.now);
    world.collect();
    assert!(world.closed.contains(&eve.conn));
    let eve = world.join("r", "eve");
    world.ask(eve, Ask::Trickle(lk::TrickleRequest { target: 9, ..Default::default() }));
    assert_eq!(reason(&world.told(eve)), Some(Reason::InvalidRequest));
    for _ in 0..1000 {
        world.ask(eve, Ask::Ping(1));
    }
    assert!(world.closed.contains(&eve.conn), "a flood ends the flooder");
    assert!(!world.closed.contains(&bob.conn));
    // After the end, and out of nowhere: nothing.
    world.ask(eve, add("mic", lk::TrackSource::Microphone, lk::TrackType::Audio));
    world.event(SfuEvent::TrackLive { session: eve.key, sid: TrackSid::parse("TR_x").unwrap(), mime: String::new() });
    world.event(SfuEvent::Connected { session: SessionKey(999), target: Target::Publisher });
}

#[test]
fn a_request_of_a_newer_protocol_is_skipped() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.board.receive(anna.conn, Err(ParseSignal::Empty), world.now);
    world.collect();
    assert!(!world.closed.contains(&anna.conn));
}

#[test]
fn pings_of_both_kinds_are_answered() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.told(anna);
    world.ask(anna, Ask::Ping(5));
    world.ask(anna, Ask::PingReq(lk::Ping { timestamp: 5, rtt: 1 }));
    let told = world.told(anna);
    assert!(matches!(&told[..], [Message::Pong(_), Message::PongResp(p)] if p.last_ping_timestamp == 5), "{told:?}");
}

fn user_packet(to: &[&str], sequence: u32) -> Vec<u8> {
    let user = lk::UserPacket { payload: b"hi".to_vec(), participant_identity: "forged".into(), ..Default::default() };
    let packet = lk::DataPacket {
        participant_identity: "forged".into(),
        destination_identities: to.iter().map(|t| (*t).to_owned()).collect(),
        sequence,
        value: Some(lk::data_packet::Value::User(user)),
        ..Default::default()
    };
    packet.encode_to_vec()
}

#[test]
fn data_goes_to_whom_it_names_with_the_senders_true_name() {
    let mut world = World::new();
    let (anna, bob, carl) = (world.join("r", "anna"), world.join("r", "bob"), world.join("r", "carl"));
    world.join("other", "far");
    world.commands();
    let mut send = |bytes: Vec<u8>, reliable| {
        world.event(SfuEvent::Data { session: anna.key, reliable, bytes: bytes.into() });
        world.commands()
    };
    let all = send(user_packet(&[], 1), true);
    let [SfuCommand::SendData { to, reliable: true, bytes }] = &all[..] else { panic!("{all:?}") };
    assert_eq!(to, &vec![bob.key, carl.key]);
    let packet = lk::DataPacket::decode(&bytes[..]).unwrap();
    assert_eq!(packet.participant_identity, "anna");
    assert!(packet.participant_sid.starts_with("PA_"));
    let Some(lk::data_packet::Value::User(user)) = packet.value else { panic!() };
    assert_eq!(user.participant_identity, "anna");
    let one = send(user_packet(&["carl", "far"], 2), true);
    assert!(matches!(&one[..], [SfuCommand::SendData { to, .. }] if to == &vec![carl.key]), "{one:?}");
    assert!(send(user_packet(&[], 2), true).is_empty(), "sent again after a resume");
    assert_eq!(send(user_packet(&[], 0), false).len(), 1, "lossy packets have no number");
    assert!(send(user_packet(&["nobody"], 3), true).is_empty());
    assert!(send(vec![0xff; 40], true).is_empty());
    let forged = lk::DataPacket {
        value: Some(lk::data_packet::Value::Transcription(lk::Transcription::default())),
        ..Default::default()
    };
    assert!(send(forged.encode_to_vec(), true).is_empty());
}

#[test]
fn who_may_not_send_data_sends_none() {
    let mut world = World::new();
    let mut mute = visitor("r", "anna");
    mute.permission.can_publish_data = false;
    let anna = world.join_with(mute, Greeting::default(), Role::Member);
    world.join("r", "bob");
    world.commands();
    world.event(SfuEvent::Data { session: anna.key, reliable: true, bytes: user_packet(&[], 1).into() });
    assert!(world.commands().is_empty());
}

#[test]
fn speakers_are_news_only_for_those_who_hear_them() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    let quiet = Greeting { auto_subscribe: false, ..Default::default() };
    let deaf = world.join_with(visitor("r", "deaf"), quiet, Role::Member);
    world.mic(anna);
    for peer in [anna, bob, deaf] {
        world.told(peer);
    }
    let room = RoomId::parse("r").unwrap();
    world.event(SfuEvent::Speakers { room: room.clone(), speakers: vec![(anna.key, 0.51)] });
    for peer in [anna, bob] {
        let told = world.told(peer);
        let [Message::SpeakersChanged(s)] = &told[..] else { panic!("{told:?}") };
        assert!((s.speakers[0].level - 0.625).abs() < f32::EPSILON && s.speakers[0].active);
    }
    assert!(world.told(deaf).is_empty());
    world.event(SfuEvent::Speakers { room: room.clone(), speakers: vec![(anna.key, 0.52)] });
    assert!(world.told(bob).is_empty(), "an eighth more is news, less is not");
    world.event(SfuEvent::Speakers { room, speakers: vec![] });
    let told = world.told(bob);
    assert!(matches!(&told[..], [Message::SpeakersChanged(s)] if !s.speakers[0].active), "{told:?}");
}

#[test]
fn connection_quality_is_told_when_it_changes() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    world.told(bob);
    world.event(SfuEvent::Quality { session: anna.key, loss_percent: 0, rtt_ms: Some(10) });
    world.event(SfuEvent::Quality { session: anna.key, loss_percent: 1, rtt_ms: Some(12) });
    assert_eq!(world.told(bob).len(), 1);
    world.event(SfuEvent::Quality { session: anna.key, loss_percent: 30, rtt_ms: None });
    let told = world.told(bob);
    assert!(matches!(&told[..], [Message::ConnectionQuality(q)] if q.updates[0].quality == 0), "{told:?}");
}

#[test]
fn a_role_cannot_be_claimed_by_metadata() {
    let mut world = World::new();
    let mut own = visitor("r", "anna");
    own.permission.can_update_metadata = true;
    let attributes: HashMap<_, _> = [("shoji.role".into(), "owner".into()), ("mood".into(), "fine".into())].into();
    let anna = world.join_with(own, Greeting { attributes: attributes.clone(), ..Default::default() }, Role::Guest);
    let told = world.told(anna);
    let Message::Join(join) = &told[0] else { panic!() };
    let me = join.participant.as_ref().unwrap();
    assert_eq!((me.attributes["shoji.role"].as_str(), me.attributes["mood"].as_str()), ("guest", "fine"));
    let update = lk::UpdateParticipantMetadata { attributes, request_id: 4, ..Default::default() };
    world.ask(anna, Ask::UpdateMetadata(update));
    assert_eq!(reason(&world.told(anna)), Some(Reason::NotAllowed));
    let bob = world.join("r", "bob");
    world.told(bob);
    let update = lk::UpdateParticipantMetadata { name: "Chef".into(), request_id: 5, ..Default::default() };
    world.ask(bob, Ask::UpdateMetadata(update));
    assert_eq!(reason(&world.told(bob)), Some(Reason::NotAllowed));
}

#[test]
fn the_hidden_are_not_shown() {
    let mut world = World::new();
    let bob = world.join("r", "bob");
    world.told(bob);
    let mut ghost = visitor("r", "ghost");
    ghost.permission.hidden = true;
    let ghost = world.join_with(ghost, Greeting::default(), Role::Member);
    world.ask(ghost, Ask::Leave(lk::LeaveRequest::default()));
    assert!(updates(&world.told(bob)).is_empty());
}

#[test]
fn simulcast_layers_are_sorted_and_named() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.commands();
    let layer = |quality, width| lk::VideoLayer { quality, width, height: width / 2, ..Default::default() };
    let request = lk::AddTrackRequest {
        cid: "cam".into(),
        r#type: TrackKind::Video as i32,
        source: lk::TrackSource::Camera as i32,
        layers: vec![layer(2, 1280), layer(0, 320), layer(1, 640)],
        simulcast_codecs: vec![lk::SimulcastCodec { codec: "vp8".into(), cid: "cam".into(), ..Default::default() }],
        ..Default::default()
    };
    world.ask(anna, Ask::AddTrack(request));
    let commands = world.commands();
    let [SfuCommand::Allow { track, .. }] = &commands[..] else { panic!("{commands:?}") };
    let rids: Vec<(&str, u32)> = track.layers.iter().map(|l| (l.rid.as_str(), l.width)).collect();
    assert_eq!(rids, [("q", 320), ("h", 640), ("f", 1280)]);
    assert!(track.other_cids.is_empty());
}

#[test]
fn a_stopped_host_asks_everyone_to_come_back() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    world.board.stop();
    world.collect();
    assert_eq!(leave_of(&world.told(anna)), Some((lk::DisconnectReason::ServerShutdown as i32, RECONNECT)));
    assert!(world.closed.contains(&anna.conn) && world.board.is_empty());
}

#[test]
fn an_administrator_removes_and_limits() {
    let mut world = World::new();
    let (anna, bob) = (world.join("r", "anna"), world.join("r", "bob"));
    let (room, user) = (RoomId::parse("r").unwrap(), UserId::parse("anna").unwrap());
    let sid = world.mic(anna);
    world.mic(bob);
    world.commands();
    let none = lk::ParticipantPermission::default();
    let info = world.board.limit(&room, &user, none, Matrix::default().grants(Role::Member)).unwrap();
    world.collect();
    assert!(!info.permission.unwrap().can_publish);
    let commands = world.commands();
    assert!(commands.iter().any(|c| matches!(c, SfuCommand::Remove { sid: gone } if *gone == sid)));
    assert!(subscriptions(&commands).iter().any(|(who, _, on)| *who == anna.key && !on), "no listening either");
    assert!(world.board.remove(&room, &user));
    world.collect();
    assert_eq!(leave_of(&world.told(anna)), Some((lk::DisconnectReason::ParticipantRemoved as i32, DISCONNECT)));
    assert!(!world.board.remove(&room, &user));
}

mod never {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any readable request, in any order, from two people: no panic, and a flood of rubbish moves nobody else.
        #[test]
        fn any_order_of_any_requests_panics(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..60)) {
            let mut world = World::new();
            let (eve, bob) = (world.join("r", "eve"), world.join("r", "bob"));
            for frame in frames {
                let read = protocol::signal::parse_request(&frame);
                world.board.receive(eve.conn, read, world.now);
                world.collect();
            }
            prop_assert!(!world.closed.contains(&bob.conn));
        }
    }
}

fn paused(told: &[Message]) -> Vec<(String, bool)> {
    let of = |m: &Message| match m {
        Message::StreamStateUpdate(update) => update.stream_states.clone(),
        _ => Vec::new(),
    };
    let state = |s: lk::StreamStateInfo| (s.track_sid, s.state == lk::StreamState::Paused as i32);
    told.iter().flat_map(of).map(state).collect()
}

#[test]
fn who_may_not_see_pictures_is_locked_out_in_media_and_told_in_livekits_words() {
    let mut world = World::new();
    let anna = world.join("r", "anna");
    let camera = world.publish(anna, "cam", lk::TrackSource::Camera, lk::TrackType::Video);
    let mic = world.mic(anna);
    world.commands();
    world.pictures = false;
    let bob = world.join("r", "bob");
    let commands = world.commands();
    assert!(matches!(commands[0], SfuCommand::Join { pictures: false, .. }), "locked from the start: {commands:?}");
    assert_eq!(paused(&world.told(bob)), [(camera.to_string(), true)]);

    let (room, user) = (RoomId::parse("r").unwrap(), UserId::parse("bob").unwrap());
    world.board.show_pictures(&room, &user, true);
    world.collect();
    assert!(matches!(world.commands()[..], [SfuCommand::Pictures { session, on: true }] if session == bob.key));
    assert_eq!(paused(&world.told(bob)), [(camera.to_string(), false)]);
    world.board.show_pictures(&room, &user, true);
    world.collect();
    assert!(world.commands().is_empty() && world.told(bob).is_empty(), "nothing changed");

    world.board.show_pictures(&room, &user, false);
    world.collect();
    assert!(matches!(world.commands()[..], [SfuCommand::Pictures { on: false, .. }]));
    world.told(bob);
    // A screen that is shared later is paused from the start; sound never is.
    let screen = world.publish(anna, "screen", lk::TrackSource::ScreenShare, lk::TrackType::Video);
    assert_eq!(paused(&world.told(bob)), [(screen.to_string(), true)]);
    assert!(subscriptions(&world.commands()).iter().all(|(_, sid, on)| *on && *sid != mic));
    world.board.show_pictures(&room, &UserId::parse("nobody").unwrap(), false);
    world.collect();
    assert!(world.commands().is_empty());
}
