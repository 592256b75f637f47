//! The office's promises, on the pure machine: no socket, no clock, no disk.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use protocol::office::{Entry, MAX_INVITE_SECONDS, VERSION};
use protocol::policy::Capability;
use protocol::shield::ShieldLevel;

use super::*;

mod shield;

struct Counter(u8);

impl Mint for Counter {
    fn random(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.wrapping_add(1);
        bytes.fill(self.0);
    }

    fn token(&mut self, user: &UserId, _: &DisplayName, room: &RoomId, role: Role) -> String {
        format!("jwt {user} {room} {role:?}")
    }

    fn mark(&mut self, user: &UserId, _: &RoomId) -> MarkCells {
        let mut cells = [0; MarkCells::BYTES];
        cells.iter_mut().zip(user.as_str().bytes()).for_each(|(cell, byte)| *cell = byte);
        MarkCells::new(cells)
    }
}

struct World {
    office: Authority,
    kept: Vec<Write>,
    next: u64,
}

const NOW: u32 = 1_000_000;
const ENTRY: [u8; 16] = [42; 16];

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).unwrap()
}

impl World {
    fn new() -> Self {
        Self::with(Saved::default(), Capacity::default())
    }

    fn with(saved: Saved, capacity: Capacity) -> Self {
        let office =
            Authority::new(saved, capacity, Box::new(Counter(0)), "test".into(), vec!["192.0.2.9:7880".into()]);
        Self { office, kept: Vec::new(), next: 1 }
    }

    /// Effects since the last look; what is kept is collected.
    fn effects(&mut self) -> Vec<Effect> {
        let effects = self.office.drain();
        self.kept.extend(effects.iter().filter_map(|e| if let Effect::Keep(w) = e { Some(w.clone()) } else { None }));
        effects
    }

    fn told(&mut self, to: Conn) -> Vec<ToClient> {
        let of = |e| if let Effect::Send { conn, message } = e { Some((conn, *message)) } else { None };
        self.effects().into_iter().filter_map(of).filter(|(c, _)| *c == to).map(|(_, m)| m).collect()
    }

    fn knock(&mut self, from: IpAddr, room: &RoomId, entry: Entry, called: &str) -> Conn {
        let conn = Conn(self.next);
        self.next += 1;
        self.office.opened(conn, from);
        let hello = ToHost::Hello {
            version: VERSION,
            room: room.clone(),
            entry,
            name: name(called),
            shield: Default::default(),
        };
        self.office.handle(conn, hello, NOW);
        conn
    }

    fn enter(&mut self, room: &RoomId, entry: Entry, called: &str) -> (Conn, UserId, String) {
        let conn = self.knock(ip(1), room, entry, called);
        for message in self.told(conn) {
            if let ToClient::Welcome { you, session_token, .. } = message {
                return (conn, you, session_token);
            }
        }
        panic!("{called} was not let in");
    }

    fn owner(&mut self) -> (RoomId, Conn, UserId, String) {
        let made = self.office.open_room("朝会", sha(&ENTRY), NOW).unwrap();
        let (conn, user, token) = self.enter(&made.room, by(&made.id, &ENTRY), "owner");
        (made.room, conn, user, token)
    }

    fn guest(&mut self, room: &RoomId, role: Role) -> (Conn, UserId, String) {
        let secret = [role as u8 + 1; 16];
        let made = self.office.invite(room, role, sha(&secret), NOW + 60).unwrap();
        self.enter(room, by(&made.id, &secret), "somebody")
    }
}

fn sha(bytes: &[u8]) -> Hash {
    entry_hash(bytes)
}

fn by(id: &InviteId, secret: &[u8]) -> Entry {
    Entry::Invite { id: id.clone(), proof: B64.encode(secret) }
}

fn refusal(told: &[ToClient]) -> Option<Refusal> {
    told.iter().find_map(|m| if let ToClient::Refused { why, .. } = m { Some(*why) } else { None })
}

fn denial(told: &[ToClient]) -> Option<Refusal> {
    told.iter().find_map(|m| if let ToClient::Denied { why, .. } = m { Some(*why) } else { None })
}

#[test]
fn an_owner_enters_by_the_invitation_made_in_process() {
    let mut world = World::new();
    let made = world.office.open_room("朝会", sha(&ENTRY), NOW).unwrap();
    let conn = world.knock(ip(1), &made.room, by(&made.id, &ENTRY), "花子");
    let told = world.told(conn);
    let ToClient::Welcome { role, title, people, signal_token, addresses, .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!((*role, title.as_str(), people.len()), (Role::Owner, "朝会", 1));
    assert!(signal_token.contains("Owner"));
    assert_eq!(addresses, &["192.0.2.9:7880"]);
}

#[test]
fn what_a_client_was_told_is_kept_first() {
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW).unwrap();
    world.effects();
    world.knock(ip(1), &made.room, by(&made.id, &ENTRY), "花子");
    let effects = world.effects();
    let welcome = effects.iter().position(|e| matches!(e, Effect::Send { .. })).unwrap();
    let session = effects.iter().position(|e| matches!(e, Effect::Keep(Write::Session { .. }))).unwrap();
    assert!(session < welcome);
}

#[test]
fn a_wrong_secret_and_an_unknown_invitation_get_the_same_answer() {
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW).unwrap();
    let other = InviteId::parse("i_unknown").unwrap();
    let nowhere = RoomId::parse("nowhere").unwrap();
    let tries =
        [(made.room.clone(), by(&made.id, &[1; 16])), (made.room, by(&other, &ENTRY)), (nowhere, by(&made.id, &ENTRY))];
    for (room, entry) in tries {
        let conn = world.knock(ip(1), &room, entry, "x");
        let told = world.told(conn);
        assert_eq!(refusal(&told), Some(Refusal::Invite), "{told:?}");
    }
}

#[test]
fn a_proof_of_zeros_does_not_open_an_unknown_invitation() {
    // The stand-in that unknown invitations are compared with must not be anybody's hash.
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW).unwrap();
    for length in [0, 1, 15, 16, 17, 32, 90, 200] {
        let entry = by(&InviteId::parse("i_no").unwrap(), &vec![0; length]);
        let conn = world.knock(ip(u8::try_from(length).unwrap()), &made.room, entry, "x");
        assert_eq!(refusal(&world.told(conn)), Some(Refusal::Invite), "{length}");
    }
}

#[test]
fn an_invitation_that_is_over_says_so_only_to_its_bearer() {
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW - 601).unwrap();
    let conn = world.knock(ip(1), &made.room, by(&made.id, &ENTRY), "x");
    assert_eq!(refusal(&world.told(conn)), Some(Refusal::Expired));
    let conn = world.knock(ip(1), &made.room, by(&made.id, &[0; 16]), "x");
    assert_eq!(refusal(&world.told(conn)), Some(Refusal::Invite));
}

#[test]
fn guessing_is_slowed_down_for_the_guesser_only() {
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW).unwrap();
    for n in 0..5 {
        let conn = world.knock(ip(7), &made.room, by(&made.id, &[n; 16]), "x");
        assert_eq!(refusal(&world.told(conn)), Some(Refusal::Invite));
    }
    let conn = world.knock(ip(7), &made.room, by(&made.id, &ENTRY), "x");
    let told = world.told(conn);
    let [ToClient::Refused { why: Refusal::TooManyTries, retry_after: Some(wait) }] = &told[..] else {
        panic!("{told:?}")
    };
    assert!((1..=900).contains(wait));
    let (_, _, token) = world.enter(&made.room, by(&made.id, &ENTRY), "from another address");
    let session = world.knock(ip(7), &made.room, Entry::Session { token }, "a colleague of the guesser");
    assert!(matches!(&world.told(session)[0], ToClient::Welcome { .. }));
    let guess = world.knock(ip(7), &made.room, Entry::Session { token: B64.encode([1; 32]) }, "x");
    assert_eq!(refusal(&world.told(guess)), Some(Refusal::TooManyTries));
}

#[test]
fn a_session_comes_back_after_a_restart_with_the_same_identity_and_role() {
    let mut world = World::new();
    let (room, _, owner, token) = world.owner();
    world.effects();
    let saved = Saved { all: world.kept.clone() };
    let mut again = World::with(saved, Capacity::default());
    let (conn, user, same) = again.enter(&room, Entry::Session { token: token.clone() }, "owner again");
    assert_eq!((user, same), (owner, token));
    again.office.handle(
        conn,
        ToHost::SetRight { role: Role::Guest, capability: Capability::Camera, allowed: false },
        NOW,
    );
    assert_eq!(denial(&again.told(conn)), None, "still the owner");
}

#[test]
fn the_store_never_sees_a_token_or_a_proof() {
    let mut world = World::new();
    let (_, _, _, token) = world.owner();
    world.effects();
    let kept = format!("{:?}", world.kept);
    assert!(!kept.contains(&token) && !kept.contains(&B64.encode(ENTRY)));
}

#[test]
fn an_unknown_or_forgotten_session_is_refused() {
    let mut world = World::new();
    let (room, _, _, token) = world.owner();
    for bad in [B64.encode([9; 32]), "x".into(), String::new(), "y".repeat(500)] {
        let conn = world.knock(ip(2), &room, Entry::Session { token: bad }, "x");
        assert_eq!(refusal(&world.told(conn)), Some(Refusal::Session));
    }
    world.office.refresh(NOW + SESSION_LIFE + 1);
    let conn = world.knock(ip(3), &room, Entry::Session { token }, "x");
    assert_eq!(refusal(&world.told(conn)), Some(Refusal::Session));
}

#[test]
fn only_an_owner_changes_rights_and_everyone_is_told_at_once() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    let wish = ToHost::SetRight { role: Role::Guest, capability: Capability::Camera, allowed: false };
    world.office.handle(guest, wish.clone(), NOW);
    assert_eq!(denial(&world.told(guest)), Some(Refusal::NotAllowed));
    world.office.handle(owner, wish, NOW);
    let effects = world.effects();
    let Effect::Regrant { user: whose, grants, .. } = &effects[0] else { panic!("the lock comes first: {effects:?}") };
    assert_eq!(whose, &user);
    assert!(!grants.allows(Capability::Camera));
    let told: Vec<Conn> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Send { conn, message } if matches!(**message, ToClient::Rights { .. }) => Some(*conn),
            _ => None,
        })
        .collect();
    assert!(told.contains(&owner) && told.contains(&guest));
    assert!(effects.iter().any(|e| matches!(e, Effect::Keep(Write::Room { .. }))));
}

#[test]
fn the_owners_row_cannot_be_changed() {
    let mut world = World::new();
    let (_, owner, ..) = world.owner();
    let wish = ToHost::SetRight { role: Role::Owner, capability: Capability::Camera, allowed: false };
    world.office.handle(owner, wish, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::NotAllowed));
}

#[test]
fn the_last_owner_cannot_step_down_but_one_of_two_can() {
    let mut world = World::new();
    let (room, owner, me, _) = world.owner();
    let (_, other, _) = world.guest(&room, Role::Member);
    let down = ToHost::SetRole { user: me.clone(), role: Role::Guest };
    world.office.handle(owner, down.clone(), NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::LastOwner));
    world.office.handle(owner, ToHost::SetRole { user: other, role: Role::Owner }, NOW);
    world.office.handle(owner, down, NOW);
    assert_eq!(denial(&world.told(owner)), None);
    world.office.handle(owner, ToHost::SetRole { user: me, role: Role::Owner }, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::NotAllowed), "no way back by oneself");
    let nobody = ToHost::SetRole { user: UserId::parse("u_nobody").unwrap(), role: Role::Guest };
    world.office.handle(owner, nobody, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::NotAllowed));
}

#[test]
fn members_invite_guests_only_and_guests_nobody() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (member, ..) = world.guest(&room, Role::Member);
    let (guest, ..) = world.guest(&room, Role::Guest);
    let invite = |role, lasts| ToHost::CreateInvite { request: 3, role, lasts, verifier: B64.encode([1; 32]) };
    let rows = [
        (owner, Role::Owner, None),
        (owner, Role::Guest, None),
        (member, Role::Guest, None),
        (member, Role::Member, Some(Refusal::NotAllowed)),
        (member, Role::Owner, Some(Refusal::NotAllowed)),
        (guest, Role::Guest, Some(Refusal::NotAllowed)),
    ];
    for (who, role, why) in rows {
        world.office.handle(who, invite(role, 60), NOW);
        let told = world.told(who);
        assert_eq!(denial(&told), why, "{role:?}");
        let made = told.iter().any(|m| matches!(m, ToClient::InviteCreated { request: 3, .. }));
        assert_eq!(made, why.is_none());
    }
    for lasts in [0, MAX_INVITE_SECONDS + 1] {
        world.office.handle(owner, invite(Role::Guest, lasts), NOW);
        assert_eq!(denial(&world.told(owner)), Some(Refusal::Malformed));
    }
    let bad = ToHost::CreateInvite { request: 1, role: Role::Guest, lasts: 60, verifier: "short".into() };
    world.office.handle(owner, bad, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::Malformed));
}

#[test]
fn an_invitation_a_person_made_lets_its_bearer_in() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let verifier = B64.encode(sha(&[5; 16]));
    world.office.handle(owner, ToHost::CreateInvite { request: 1, role: Role::Guest, lasts: 60, verifier }, NOW);
    let told = world.told(owner);
    let Some(ToClient::InviteCreated { id, .. }) = told.first() else { panic!("{told:?}") };
    world.enter(&room, by(id, &[5; 16]), "guest");
}

#[test]
fn a_changed_shield_is_shown_to_everyone() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    let status = ShieldStatus { level: ShieldLevel::Block, ..Default::default() };
    world.office.handle(guest, ToHost::Shield { status }, NOW);
    let told = world.told(owner);
    let Some(ToClient::People { people }) = told.first() else { panic!("{told:?}") };
    assert_eq!(people.iter().find(|p| p.user == user).unwrap().shield, status);
}

#[test]
fn a_person_stays_while_either_channel_lives() {
    let mut world = World::new();
    let (room, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    assert!(world.office.admit(&room, &user, &name("somebody"), None, NOW).is_ok());
    world.office.closed(guest, NOW);
    assert_eq!(world.office.people(), 2);
    world.office.departed(&room, &user);
    assert_eq!(world.office.people(), 1);
}

#[test]
fn who_comes_by_token_alone_is_a_person_too() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let sdk = UserId::parse("robot").unwrap();
    let admission = world.office.admit(&room, &sdk, &name("Robot"), None, NOW).unwrap();
    let grants = Matrix::default().grants(Role::Member);
    assert_eq!(admission, Admission { role: Role::Member, grants, pictures: true });
    let told = world.told(owner);
    assert!(matches!(&told[0], ToClient::People { people } if people.len() == 2), "{told:?}");
}

#[test]
fn an_old_token_does_not_bring_an_old_role_back() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (_, user, _) = world.guest(&room, Role::Member);
    world.office.handle(owner, ToHost::SetRole { user: user.clone(), role: Role::Guest }, NOW);
    let admission = world.office.admit(&room, &user, &name("x"), Some(Role::Owner), NOW).unwrap();
    assert_eq!(admission.role, Role::Guest);
}

#[test]
fn a_full_room_refuses_and_a_place_that_frees_is_given() {
    let mut world = World::with(Saved::default(), Capacity { room_people: 1, ..Default::default() });
    let (room, owner, ..) = world.owner();
    let made = world.office.invite(&room, Role::Guest, sha(&[3; 16]), NOW + 9).unwrap();
    let conn = world.knock(ip(1), &room, by(&made.id, &[3; 16]), "x");
    assert_eq!(refusal(&world.told(conn)), Some(Refusal::Full));
    world.office.closed(owner, NOW);
    world.enter(&room, by(&made.id, &[3; 16]), "x");
}

#[test]
fn the_same_person_on_a_new_socket_replaces_the_old_one() {
    let mut world = World::new();
    let (room, old, _, token) = world.owner();
    let new = world.knock(ip(1), &room, Entry::Session { token }, "owner");
    let effects = world.effects();
    assert!(effects.contains(&Effect::Close { conn: old }));
    world.office.closed(old, NOW);
    assert_eq!(world.office.people(), 1, "the old socket's end takes nobody away");
    world.office.handle(new, ToHost::Ping { nonce: 4 }, NOW);
    assert_eq!(world.told(new), vec![ToClient::Pong { nonce: 4 }]);
}

#[test]
fn whoever_speaks_before_a_hello_is_sent_away_and_whoever_says_it_twice_is_told() {
    let mut world = World::new();
    let (room, owner, _, token) = world.owner();
    world.office.opened(Conn(900), ip(1));
    world.office.handle(Conn(900), ToHost::Ping { nonce: 1 }, NOW);
    assert_eq!(refusal(&world.told(Conn(900))), Some(Refusal::Malformed));
    let again = ToHost::Hello {
        version: VERSION,
        room,
        entry: Entry::Session { token },
        name: name("x"),
        shield: Default::default(),
    };
    world.office.handle(owner, again, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::Malformed));
    world.office.malformed(owner, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::Malformed));
    world.office.opened(Conn(901), ip(1));
    world.office.silent(Conn(901));
    assert_eq!(refusal(&world.told(Conn(901))), Some(Refusal::Malformed));
}

#[test]
fn another_version_is_refused() {
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW).unwrap();
    world.office.opened(Conn(1), ip(1));
    let hello = ToHost::Hello {
        version: VERSION + 1,
        room: made.room,
        entry: by(&made.id, &ENTRY),
        name: name("x"),
        shield: Default::default(),
    };
    world.office.handle(Conn(1), hello, NOW);
    assert_eq!(refusal(&world.told(Conn(1))), Some(Refusal::Version));
}

#[test]
fn everyone_is_told_when_the_host_stops() {
    let mut world = World::new();
    let (_, owner, ..) = world.owner();
    world.office.stop();
    assert_eq!(world.told(owner), vec![ToClient::Closing]);
}

#[test]
fn a_flood_on_the_office_channel_ends_it_and_disturbs_nobody() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, ..) = world.guest(&room, Role::Guest);
    for nonce in 0..200 {
        world.office.handle(guest, ToHost::Ping { nonce }, NOW);
    }
    let effects = world.effects();
    assert!(effects.contains(&Effect::Close { conn: guest }));
    assert!(!effects.contains(&Effect::Close { conn: owner }));
    assert_eq!(world.office.people(), 1);
    for second in 0..60 {
        for nonce in 0..10 {
            world.office.handle(owner, ToHost::Ping { nonce }, NOW + second);
        }
    }
    assert!(!world.effects().contains(&Effect::Close { conn: owner }), "ten a second for long are fine");
}

/// What a person is to draw, as they were told last.
fn drawn(told: &[ToClient]) -> Option<(Watermark, Option<MarkCells>)> {
    told.iter().rev().find_map(|m| match m {
        ToClient::Watermark { watermark, cells } => Some((*watermark, *cells)),
        _ => None,
    })
}

#[test]
fn the_owner_decides_what_is_drawn_and_everyone_gets_a_mark_of_their_own() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (member, ..) = world.guest(&room, Role::Member);
    world.office.handle(member, ToHost::SetWatermark { watermark: Watermark::Both }, NOW);
    assert_eq!(denial(&world.told(member)), Some(Refusal::NotAllowed));

    world.office.handle(owner, ToHost::SetWatermark { watermark: Watermark::Invisible }, NOW);
    let told = world.effects();
    let of = |conn: Conn| -> Vec<ToClient> {
        let to = |e: &Effect| match e {
            Effect::Send { conn: to, message } if *to == conn => Some((**message).clone()),
            _ => None,
        };
        told.iter().filter_map(to).collect()
    };
    let (owners, members) = (drawn(&of(owner)).unwrap(), drawn(&of(member)).unwrap());
    assert_eq!((owners.0, members.0), (Watermark::Invisible, Watermark::Invisible));
    assert!(owners.1.is_some() && members.1.is_some() && owners.1 != members.1, "each a mark of their own");

    world.office.handle(owner, ToHost::SetWatermark { watermark: Watermark::Visible }, NOW);
    assert_eq!(drawn(&world.told(member)), Some((Watermark::Visible, None)), "no mark where none is drawn");
}

#[test]
fn who_comes_is_told_at_once_and_a_restart_changes_neither_choice_nor_mark() {
    let mut world = World::new();
    let made = world.office.open_room("t", sha(&ENTRY), NOW).unwrap();
    let conn = world.knock(ip(1), &made.room, by(&made.id, &ENTRY), "owner");
    let told = world.told(conn);
    assert_eq!(drawn(&told), Some((Watermark::None, None)));
    assert!(matches!(told[0], ToClient::Welcome { .. }), "the welcome comes first: {told:?}");
    let ToClient::Welcome { session_token, .. } = &told[0] else { unreachable!() };
    world.office.handle(conn, ToHost::SetWatermark { watermark: Watermark::Both }, NOW);
    let before = drawn(&world.told(conn)).unwrap();
    assert!(before.1.is_some());

    let mut again = World::with(Saved { all: world.kept.clone() }, Capacity::default());
    let back = again.knock(ip(1), &made.room, Entry::Session { token: session_token.clone() }, "owner");
    assert_eq!(drawn(&again.told(back)), Some(before));
}
