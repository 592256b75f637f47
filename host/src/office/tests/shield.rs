//! What the office promises about protection: who is sent pictures, and from which moment on not any more.

use protocol::ids::ProgramName;
use protocol::office::SHIELD_LEASE;
use protocol::shield::{CaptureMethod, ShieldMechanism};

use super::*;

const fn at(level: ShieldLevel) -> ShieldStatus {
    ShieldStatus { level, mechanism: ShieldMechanism::X11Watch, failed: false, test: None }
}

fn demand(role: Option<Role>, level: ShieldLevel) -> ToHost {
    ToHost::SetShieldMinimum { role, level }
}

fn report(level: ShieldLevel) -> ToHost {
    ToHost::Shield { status: at(level) }
}

/// What media was told since the last look, in order.
fn pictures(effects: &[Effect]) -> Vec<(UserId, bool)> {
    let of = |e: &Effect| if let Effect::Pictures { user, on, .. } = e { Some((user.clone(), *on)) } else { None };
    effects.iter().filter_map(of).collect()
}

fn noted(effects: &[Effect]) -> Vec<Noted> {
    effects.iter().filter_map(|e| if let Effect::Note { what, .. } = e { Some(what.clone()) } else { None }).collect()
}

/// A room that demands `detect`, its owner protected, and a guest who reported nothing.
fn strict() -> (World, RoomId, Conn, Conn, UserId) {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    world.office.handle(owner, report(ShieldLevel::Block), NOW);
    world.office.handle(owner, demand(None, ShieldLevel::Detect), NOW);
    (world, room, owner, guest, user)
}

#[test]
fn without_a_minimum_nothing_is_ever_withheld_and_nothing_said_of_it() {
    let mut world = World::new();
    let (room, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    assert!(world.office.admit(&room, &user, &name("x"), None, NOW).unwrap().pictures);
    for level in [ShieldLevel::Block, ShieldLevel::None] {
        world.office.handle(guest, report(level), NOW);
    }
    world.office.malformed(guest, NOW);
    world.office.closed(guest, NOW);
    world.office.tick(NOW + 3600);
    assert!(pictures(&world.effects()).is_empty());
}

#[test]
fn a_minimum_set_in_the_middle_of_a_meeting_is_a_lock_first_and_news_afterwards() {
    let mut world = World::new();
    let (room, owner, me, _) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    world.effects();
    world.office.handle(owner, demand(None, ShieldLevel::Detect), NOW);
    let effects = world.effects();
    let mut stopped = pictures(&effects);
    stopped.sort();
    let mut everyone = vec![(me, false), (user, false)];
    everyone.sort();
    assert_eq!(stopped, everyone, "nobody reported anything, the owner neither");
    let lock = effects.iter().rposition(|e| matches!(e, Effect::Pictures { .. })).unwrap();
    let first_other = effects.iter().position(|e| matches!(e, Effect::Send { .. } | Effect::Keep(_))).unwrap();
    assert!(lock < first_other, "{effects:?}");
    let told: Vec<Conn> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Send { conn, message } if matches!(**message, ToClient::ShieldMinimum { .. }) => Some(*conn),
            _ => None,
        })
        .collect();
    assert!(told.contains(&owner) && told.contains(&guest));
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Keep(Write::Room { minimum, .. }) if minimum.everyone == ShieldLevel::Detect))
    );
}

#[test]
fn pictures_come_with_protection_and_go_with_it() {
    let (mut world, _, owner, guest, user) = strict();
    world.effects();
    world.office.handle(guest, report(ShieldLevel::Deter), NOW);
    assert!(pictures(&world.effects()).is_empty(), "too little");
    world.office.handle(guest, report(ShieldLevel::Detect), NOW);
    assert_eq!(pictures(&world.effects()), [(user.clone(), true)]);
    world.office.handle(guest, report(ShieldLevel::None), NOW);
    let effects = world.effects();
    assert_eq!(pictures(&effects), [(user.clone(), false)]);
    assert!(matches!(effects[0], Effect::Pictures { .. }), "the lock comes first: {effects:?}");
    let people = effects.iter().find_map(|e| match e {
        Effect::Send { conn, message } if *conn == owner => match &**message {
            ToClient::People { people } => Some(people.clone()),
            _ => None,
        },
        _ => None,
    });
    let shown = people.expect("everyone is told").into_iter().find(|p| p.user == user).unwrap();
    assert_eq!((shown.shield.level, shown.pictures), (ShieldLevel::None, false));
    assert!(
        noted(&effects).contains(&Noted::Pictures(false))
            && noted(&effects).contains(&Noted::Shield(at(ShieldLevel::None)))
    );
}

#[test]
fn a_shield_that_failed_counts_as_none() {
    let (mut world, _, _, guest, user) = strict();
    world.office.handle(guest, report(ShieldLevel::Block), NOW);
    world.effects();
    let status = ShieldStatus { failed: true, ..at(ShieldLevel::Block) };
    world.office.handle(guest, ToHost::Shield { status }, NOW);
    assert_eq!(pictures(&world.effects()), [(user, false)]);
}

#[test]
fn who_stops_reporting_gets_no_pictures_and_pings_do_not_help() {
    let (mut world, _, _, guest, user) = strict();
    world.office.handle(guest, report(ShieldLevel::Detect), NOW);
    world.effects();
    for second in 1..SHIELD_LEASE {
        world.office.handle(guest, ToHost::Ping { nonce: 1 }, NOW + second);
        world.office.tick(NOW + second);
    }
    let others = |effects: &[Effect]| pictures(effects).into_iter().filter(|(u, _)| *u == user).collect::<Vec<_>>();
    assert!(others(&world.effects()).is_empty());
    world.office.tick(NOW + SHIELD_LEASE);
    let effects = world.effects();
    assert_eq!(others(&effects), [(user.clone(), false)]);
    assert!(noted(&effects).contains(&Noted::ShieldUnknown));
    world.office.handle(guest, report(ShieldLevel::Detect), NOW + SHIELD_LEASE + 1);
    assert_eq!(others(&world.effects()), [(user, true)], "and gets them back with the next report");
}

#[test]
fn who_reports_in_time_keeps_the_pictures() {
    let (mut world, _, _, guest, user) = strict();
    world.office.handle(guest, report(ShieldLevel::Detect), NOW);
    world.effects();
    for second in 1..300 {
        if u64::from(second) % protocol::office::SHIELD_BEAT.as_secs() == 0 {
            world.office.handle(guest, report(ShieldLevel::Detect), NOW + second);
        }
        world.office.tick(NOW + second);
    }
    assert!(pictures(&world.effects()).iter().all(|(who, _)| *who != user));
}

#[test]
fn a_channel_that_is_gone_is_believed_for_a_moment_only() {
    let (mut world, room, _, guest, user) = strict();
    world.office.handle(guest, report(ShieldLevel::Detect), NOW);
    assert!(
        world.office.admit(&room, &user, &name("x"), None, NOW).unwrap().pictures,
        "by signalling it is still here"
    );
    world.effects();
    world.office.closed(guest, NOW);
    world.office.tick(NOW + 2);
    assert!(pictures(&world.effects()).is_empty(), "a socket that breaks may come back");
    world.office.tick(NOW + 3);
    assert_eq!(pictures(&world.effects()), [(user, false)]);
}

#[test]
fn who_comes_back_in_time_loses_no_picture_and_brings_a_report_along() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, user, token) = world.guest(&room, Role::Guest);
    world.office.handle(owner, demand(None, ShieldLevel::Detect), NOW);
    world.office.handle(guest, report(ShieldLevel::Detect), NOW);
    world.office.admit(&room, &user, &name("x"), None, NOW).unwrap();
    world.effects();
    world.office.closed(guest, NOW);
    let hello = |shield| ToHost::Hello {
        version: VERSION,
        room: room.clone(),
        entry: Entry::Session { token: token.clone() },
        name: name("x"),
        shield,
    };
    world.office.opened(Conn(700), ip(1));
    world.office.handle(Conn(700), hello(at(ShieldLevel::Detect)), NOW + 1);
    world.office.tick(NOW + 5);
    assert!(pictures(&world.effects()).is_empty());
    world.office.opened(Conn(701), ip(1));
    world.office.handle(Conn(701), hello(at(ShieldLevel::None)), NOW + 6);
    assert_eq!(pictures(&world.effects()), [(user, false)], "what the hello says counts");
}

#[test]
fn words_that_cannot_be_read_take_the_last_report_back() {
    let (mut world, _, _, guest, user) = strict();
    world.office.handle(guest, report(ShieldLevel::Block), NOW);
    world.effects();
    world.office.malformed(guest, NOW);
    assert_eq!(pictures(&world.effects()), [(user, false)]);
}

#[test]
fn a_clock_that_is_put_back_makes_no_report_last() {
    let (mut world, _, _, guest, user) = strict();
    world.office.handle(guest, report(ShieldLevel::Block), NOW);
    world.effects();
    world.office.tick(NOW - 3600);
    assert!(pictures(&world.effects()).contains(&(user, false)));
}

#[test]
fn who_comes_by_token_alone_gets_sound_only_where_protection_is_demanded() {
    let (mut world, room, owner, ..) = strict();
    let sdk = UserId::parse("robot").unwrap();
    assert!(!world.office.admit(&room, &sdk, &name("Robot"), None, NOW).unwrap().pictures);
    world.effects();
    world.office.handle(owner, demand(None, ShieldLevel::None), NOW);
    assert!(pictures(&world.effects()).contains(&(sdk, true)));
}

#[test]
fn an_exemption_is_the_owners_seen_by_all_and_there_before_the_next_meeting() {
    let (mut world, room, owner, guest, user) = strict();
    let wish = |exempt| ToHost::SetShieldExempt { user: user.clone(), exempt };
    world.effects();
    world.office.handle(guest, wish(true), NOW);
    assert_eq!(denial(&world.told(guest)), Some(Refusal::NotAllowed));
    world.office.handle(owner, wish(true), NOW);
    let effects = world.effects();
    assert_eq!(pictures(&effects), [(user.clone(), true)]);
    assert!(noted(&effects).contains(&Noted::Exempt(true)));
    let kept = effects
        .iter()
        .any(|e| matches!(e, Effect::Keep(Write::Member { exempt: true, user: who, .. }) if *who == user));
    assert!(kept);

    // Another run of the host: the welcome itself says it, before anything could start to protect.
    let saved = Saved { all: world.kept.clone() };
    let mut again = World::with(saved, Capacity::default());
    let made = again.office.invite(&room, Role::Owner, sha(&[8; 16]), NOW + 60).unwrap();
    again.enter(&room, by(&made.id, &[8; 16]), "other");
    assert!(again.office.admit(&room, &user, &name("x"), None, NOW).unwrap().pictures);

    world.office.handle(owner, wish(false), NOW);
    assert_eq!(pictures(&world.effects()), [(user, false)]);
    let nobody = ToHost::SetShieldExempt { user: UserId::parse("u_nobody").unwrap(), exempt: true };
    world.office.handle(owner, nobody, NOW);
    assert_eq!(denial(&world.told(owner)), Some(Refusal::NoSuchPerson));
}

#[test]
fn a_new_role_brings_its_own_demand_and_keeps_the_exemption() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    world.office.handle(owner, demand(Some(Role::Guest), ShieldLevel::Block), NOW);
    world.office.handle(guest, report(ShieldLevel::Detect), NOW);
    world.effects();
    let to = |role| ToHost::SetRole { user: user.clone(), role };
    world.office.handle(owner, to(Role::Member), NOW);
    assert_eq!(pictures(&world.effects()), [(user.clone(), true)]);
    world.office.handle(owner, ToHost::SetShieldExempt { user: user.clone(), exempt: true }, NOW);
    world.office.handle(owner, to(Role::Guest), NOW);
    let effects = world.effects();
    assert!(pictures(&effects).is_empty(), "exempt in every role");
    assert!(effects.iter().any(|e| matches!(e, Effect::Keep(Write::Member { exempt: true, role: Role::Guest, .. }))));
}

#[test]
fn only_owners_demand() {
    let (mut world, _, _, guest, _) = strict();
    world.effects();
    world.office.handle(guest, demand(None, ShieldLevel::None), NOW);
    assert_eq!(denial(&world.told(guest)), Some(Refusal::NotAllowed));
}

fn capture(program: &str) -> ToHost {
    let program = ProgramName::cut(program);
    let method = CaptureMethod::GetImage;
    ToHost::ShieldIncident { incident: ShieldIncident { program, pid: Some(7), method, seconds: 2, covered: true } }
}

#[test]
fn a_capture_goes_to_the_owners_and_into_the_log_and_to_nobody_else() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, user, _) = world.guest(&room, Role::Guest);
    let (member, ..) = world.guest(&room, Role::Member);
    world.effects();
    world.office.handle(guest, capture("scrot"), NOW);
    let effects = world.effects();
    let told: Vec<(Conn, UserId)> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Send { conn, message } => match &**message {
                ToClient::ShieldIncident { user, .. } => Some((*conn, user.clone())),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(told, [(owner, user)]);
    let seen = noted(&effects);
    let [Noted::Incident(incident)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(incident.program.as_ref().unwrap().as_str(), "scrot");
    // An owner's own capture is no news to that owner.
    world.office.handle(owner, capture("scrot"), NOW);
    assert!(world.told(owner).is_empty());
    assert!(world.told(member).is_empty());
}

#[test]
fn a_flood_of_captures_is_cut_off() {
    let mut world = World::new();
    let (room, owner, ..) = world.owner();
    let (guest, ..) = world.guest(&room, Role::Guest);
    world.effects();
    for _ in 0..80 {
        world.office.handle(guest, capture("x"), NOW);
    }
    let told = world.told(owner).into_iter().filter(|m| matches!(m, ToClient::ShieldIncident { .. })).count();
    assert_eq!(told, 12);
}
