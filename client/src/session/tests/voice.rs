//! Muting from anywhere and keys to talk, against the scripted server of the parent.

use protocol::bridge::{SetShortcut, SettingsChange, ShortcutState, ShortcutUse};

use super::*;
use crate::client::{MuteWish, Voice};

const DOWN: On = On { on: true };
const UP: On = On { on: false };
const KEYS: &str = "Ctrl+Shift+F8";

fn open_microphones(person: &Person) -> usize {
    person.devices.open_streams(DeviceKind::Microphone)
}

fn muted(ask: Ask) -> Option<bool> {
    if let Ask::Mute(ask) = ask { Some(ask.muted) } else { None }
}

/// Lets a track in, as a server does.
async fn accept(connection: &mut Connection, request: lk::AddTrackRequest) {
    let track = lk::TrackInfo {
        sid: "TR_voice".into(),
        source: request.source,
        r#type: request.r#type,
        muted: request.muted,
        ..Default::default()
    };
    connection.say(Say::TrackPublished(lk::TrackPublishedResponse { cid: request.cid, track: Some(track) })).await;
}

async fn choose(person: &Person, what: ShortcutUse, keys: &str) {
    let ask = SetShortcut { what, keys: Some(keys.to_owned()) };
    person.client.set_shortcut(ask).await.unwrap();
    person.client.report_shortcut(what, Some(keys.parse().unwrap()), ShortcutState::Works { desktop: None });
}

async fn allow(connection: &mut Connection, grants: Grants, version: u32) {
    connection.say(Say::Update(lk::ParticipantUpdate { participants: vec![me(grants, version)] })).await;
}

fn microphone(snapshot: &Snapshot) -> Option<&SwitchState> {
    snapshot.meeting.as_ref().map(|m| &m.microphone)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_microphone_is_open_while_the_key_is_held() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", false).await;
    assert_eq!(open_microphones(&person), 0);
    person.client.hold_from_anywhere(DOWN).await.unwrap();
    let request = connection.hear_until(added).await;
    assert!(!request.muted);
    accept(&mut connection, request).await;
    eventually(&person.client, "open", |s| matches!(microphone(s), Some(SwitchState::On { .. }))).await;
    person.client.hold_from_anywhere(UP).await.unwrap();
    assert!(connection.hear_until(muted).await, "the others are told");
    eventually(&person.client, "closed", |s| {
        microphone(s) == Some(&SwitchState::Off) && open_microphones(&person) == 0
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_right_to_speak_opens_nothing_and_says_so() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", false).await;
    allow(&mut connection, Grants::of(&[Capability::Camera]), 2).await;
    eventually(&person.client, "the right is gone", |s| {
        microphone(s) == Some(&SwitchState::Blocked { code: Code::NotAllowed })
    })
    .await;
    let refused = person.client.hold_from_anywhere(DOWN).await;
    assert_eq!(refused.map_err(|f| f.code), Err(Code::NotAllowed));
    assert!(told(&snapshot(&person.client).await, Code::NotAllowed));
    assert_eq!(person.client.mute(MuteWish::Unmute).await.map_err(|f| f.code), Err(Code::NotAllowed));
    assert_eq!(person.devices.ever_opened(DeviceKind::Microphone), 0);
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_falls_while_the_key_is_held_ends_it_until_the_next_press() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", false).await;
    person.client.hold_from_anywhere(DOWN).await.unwrap();
    eventually(&person.client, "it opens", |_| open_microphones(&person) == 1).await;
    allow(&mut connection, Grants::of(&[Capability::Camera]), 2).await;
    eventually(&person.client, "it closes", |s| told(s, Code::RightRevoked) && open_microphones(&person) == 0).await;
    allow(&mut connection, Grants::ALL, 3).await;
    eventually(&person.client, "allowed again", |s| microphone(s) == Some(&SwitchState::Off)).await;
    person.client.hold_from_anywhere(DOWN).await.unwrap();
    assert_eq!(microphone(&snapshot(&person.client).await), Some(&SwitchState::Off), "the key only repeats");
    person.client.hold_from_anywhere(UP).await.unwrap();
    person.client.hold_from_anywhere(DOWN).await.unwrap();
    eventually(&person.client, "pressed anew", |_| open_microphones(&person) == 1).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_left_lets_go_of_its_key() {
    let person = person();
    let (_connection, _more) = joined(&person, "", false).await;
    person.client.hold_to_talk(DOWN).await.unwrap();
    eventually(&person.client, "it opens", |_| open_microphones(&person) == 1).await;
    person.client.page_left("main");
    eventually(&person.client, "it closes", |_| open_microphones(&person) == 0).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toggle_from_outside_mutes_the_megaphone_too_and_says_what_is_so() {
    let person = person();
    assert_eq!(person.client.mute(MuteWish::Toggle).await.map_err(|f| f.code), Err(Code::NotInMeeting));
    let (_connection, _more) = joined(&person, "", false).await;
    let megaphone = |s: &Snapshot| s.meeting.as_ref().map(|m| m.megaphone.clone());
    person.client.set_megaphone(On { on: true }).await.unwrap();
    eventually(&person.client, "it opens", |_| open_microphones(&person) == 1).await;
    assert_eq!(person.client.mute(MuteWish::Toggle).await, Ok(Voice::Muted));
    eventually(&person.client, "all is quiet", |s| {
        megaphone(s) == Some(SwitchState::Off) && open_microphones(&person) == 0
    })
    .await;
    assert_eq!(person.client.mute(MuteWish::Mute).await, Ok(Voice::Muted));
    assert_eq!(person.client.mute(MuteWish::Toggle).await, Ok(Voice::Open));
    eventually(&person.client, "the microphone opens", |_| open_microphones(&person) == 1).await;
    assert_eq!(person.client.mute(MuteWish::Unmute).await, Ok(Voice::Open));
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_working_key_the_microphone_waits_open_and_muted() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", false).await;
    choose(&person, ShortcutUse::Talk, KEYS).await;
    let request = connection.hear_until(added).await;
    assert!(request.muted, "announced, and silent");
    accept(&mut connection, request).await;
    eventually(&person.client, "it waits", |s| microphone(s) == Some(&SwitchState::Ready)).await;
    for _ in 0..2 {
        person.client.hold_from_anywhere(DOWN).await.unwrap();
        assert!(!connection.hear_until(muted).await);
        let now = snapshot(&person.client).await;
        assert!(matches!(microphone(&now), Some(SwitchState::On { .. })), "at once: {:?}", microphone(&now));
        person.client.hold_from_anywhere(UP).await.unwrap();
        assert!(connection.hear_until(muted).await);
        assert_eq!(microphone(&snapshot(&person.client).await), Some(&SwitchState::Ready));
    }
    assert_eq!(person.devices.ever_opened(DeviceKind::Microphone), 1, "it was not closed between");
    let change = SettingsChange { ready_to_talk: Some(false), ..SettingsChange::default() };
    person.client.change_settings(change).await.unwrap();
    eventually(&person.client, "the person does not want that", |s| {
        microphone(s) == Some(&SwitchState::Off) && open_microphones(&person) == 0
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_microphone_waits_for_a_key_that_does_not_work_or_a_person_without_the_right() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", false).await;
    choose(&person, ShortcutUse::Talk, KEYS).await;
    eventually(&person.client, "it waits", |_| open_microphones(&person) == 1).await;
    allow(&mut connection, Grants::of(&[Capability::Camera]), 2).await;
    eventually(&person.client, "without the right it is closed", |_| open_microphones(&person) == 0).await;
    allow(&mut connection, Grants::ALL, 3).await;
    eventually(&person.client, "with it it waits again", |_| open_microphones(&person) == 1).await;
    let refused = ShortcutState::Refused { code: Code::ShortcutTaken };
    person.client.report_shortcut(ShortcutUse::Talk, Some(KEYS.parse().unwrap()), refused);
    eventually(&person.client, "without the key it is closed", |_| open_microphones(&person) == 0).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shortcuts_are_checked_and_kept_apart() {
    let person = person();
    let set = |what, keys: Option<&str>| {
        let ask = SetShortcut { what, keys: keys.map(str::to_owned) };
        let client = person.client.clone();
        async move { client.set_shortcut(ask).await.map_err(|f| f.code) }
    };
    assert_eq!(set(ShortcutUse::Mute, Some("M")).await, Err(Code::ShortcutUnsuitable));
    assert_eq!(set(ShortcutUse::Mute, Some(KEYS)).await, Ok(()));
    assert_eq!(set(ShortcutUse::Talk, Some(KEYS)).await, Err(Code::ShortcutTaken));
    person.client.report_shortcut(ShortcutUse::Mute, None, ShortcutState::Works { desktop: None });
    let now = snapshot(&person.client).await;
    assert_eq!(now.shortcuts.mute.keys.as_deref(), Some(KEYS));
    assert_eq!(now.shortcuts.mute.state, ShortcutState::Unknown, "late news about other keys");
    assert_eq!(set(ShortcutUse::Mute, None).await, Ok(()));
    assert_eq!(set(ShortcutUse::Talk, Some(KEYS)).await, Ok(()));
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_did_is_told_by_ear_and_what_a_hand_did_is_not() {
    let person = person();
    let (_connection, _more) = joined(&person, "", false).await;
    eventually(&person.client, "the speaker plays", |_| person.devices.open_streams(DeviceKind::Speaker) == 1).await;
    let loudest = || person.devices.played().iter().fold(0.0_f32, |loudest, s| loudest.max(s.abs()));
    let told = async |what: &'static str| {
        eventually(&person.client, what, |_| loudest() > 0.05).await;
        // To its end.
        tokio::time::sleep(Duration::from_millis(400)).await;
        person.devices.forget_played();
    };
    let untold = async || {
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(loudest() < 0.001, "{}", loudest());
    };
    assert_eq!(person.client.mute_by_key(MuteWish::Toggle).await, Ok(Voice::Open));
    told("it tells that it opened").await;
    assert_eq!(person.client.mute_by_key(MuteWish::Toggle).await, Ok(Voice::Muted));
    told("it tells that it closed").await;
    // By a click, in the window or in the tray: there is something to look at.
    person.client.set_microphone(On { on: true }).await.unwrap();
    assert_eq!(person.client.mute(MuteWish::Toggle).await, Ok(Voice::Muted));
    untold().await;
    let change = SettingsChange { key_sounds: Some(false), ..SettingsChange::default() };
    person.client.change_settings(change).await.unwrap();
    assert_eq!(person.client.mute_by_key(MuteWish::Toggle).await, Ok(Voice::Open));
    untold().await;
    person.client.shutdown().await;
}
