//! Devices that come, go, change and fail during a call: never silently another microphone, and everything back by itself.

use media_core::testing::tone;
use protocol::bridge::{ChooseDevice, HeardView, RehearsalView, SetPreview, SettingsChange};
use protocol::ids::DeviceId;

use super::*;

const MINE: &str = "fake-microphone";

fn microphone(snapshot: &Snapshot) -> Option<SwitchState> {
    snapshot.meeting.as_ref().map(|m| m.microphone.clone())
}

fn blocked(snapshot: &Snapshot, code: Code) -> bool {
    microphone(snapshot) == Some(SwitchState::Blocked { code })
}

fn default_microphone(snapshot: &Snapshot) -> Option<&str> {
    snapshot.devices.microphones.iter().find(|d| d.is_default).map(|d| d.id.as_str())
}

fn choose(kind: protocol::bridge::DeviceKind, device: &str) -> ChooseDevice {
    ChooseDevice { kind, device: Some(DeviceId::parse(device).unwrap()) }
}

/// Joined, with the microphone open.
async fn speaking() -> (Person, Connection, mpsc::Receiver<Connection>) {
    let person = person();
    let (connection, more) = joined(&person, "", true).await;
    let devices = person.devices.clone();
    eventually(&person.client, "both open", move |_| {
        devices.open_streams(DeviceKind::Microphone) == 1 && devices.open_streams(DeviceKind::Speaker) == 1
    })
    .await;
    (person, connection, more)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_default_is_followed_and_said_so() {
    let (person, _connection, _more) = speaking().await;
    person.devices.add(DeviceKind::Microphone, "headset");
    eventually(&person.client, "it is listed", |s| s.devices.microphones.len() == 2).await;
    assert_eq!(person.devices.ever_opened(DeviceKind::Microphone), 1, "what is merely there is not used");
    person.devices.set_default(DeviceKind::Microphone, "headset");
    let after = eventually(&person.client, "it is used", |s| {
        told(s, Code::DeviceChanged) && person.devices.open_streams(DeviceKind::Microphone) == 1
    })
    .await;
    let notice = after.notices.iter().find(|n| n.code == Code::DeviceChanged).unwrap();
    assert_eq!(notice.about.as_deref(), Some("headset"));
    assert_eq!(person.devices.ever_opened(DeviceKind::Microphone), 2);
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_microphone_takes_the_place_of_a_lost_one_until_it_is_back() {
    let (person, _connection, _more) = speaking().await;
    person.devices.add(DeviceKind::Microphone, "laptop");
    eventually(&person.client, "it is listed", |s| s.devices.microphones.len() == 2).await;
    person.devices.unplug(DeviceKind::Microphone);
    eventually(&person.client, "the loss is said", |s| {
        told(s, Code::DeviceLost) && blocked(s, Code::DeviceLost) && default_microphone(s) == Some("laptop")
    })
    .await;
    // A few more changes, each a temptation.
    for name in ["a", "b", "c"] {
        person.devices.add(DeviceKind::Speaker, name);
        eventually(&person.client, "it is listed", |s| s.devices.speakers.iter().any(|d| d.name == name)).await;
    }
    assert_eq!(person.devices.ever_opened(DeviceKind::Microphone), 1, "the laptop's own was not opened");
    person.devices.replug(DeviceKind::Microphone);
    let after = eventually(&person.client, "it is back", |s| {
        told(s, Code::DeviceBack) && matches!(microphone(s), Some(SwitchState::On { .. } | SwitchState::Starting))
    })
    .await;
    assert!(!told(&after, Code::DeviceLost) && !told(&after, Code::DeviceChanged), "{:?}", after.notices);
    assert_eq!(person.devices.open_streams(DeviceKind::Microphone), 1);
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_the_microphone_again_gets_the_one_that_is_there_and_its_name() {
    let (person, _connection, _more) = speaking().await;
    person.devices.add(DeviceKind::Microphone, "laptop");
    person.devices.unplug(DeviceKind::Microphone);
    eventually(&person.client, "the loss is said", |s| blocked(s, Code::DeviceLost)).await;
    person.client.set_microphone(On { on: true }).await.unwrap();
    let after = eventually(&person.client, "another one is used", |s| {
        told(s, Code::DeviceChanged) && person.devices.open_streams(DeviceKind::Microphone) == 1
    })
    .await;
    let notice = after.notices.iter().find(|n| n.code == Code::DeviceChanged).unwrap();
    assert_eq!(notice.about.as_deref(), Some("laptop"));
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_microphone_stays_chosen_whatever_the_default_does() {
    let (person, _connection, _more) = speaking().await;
    person.devices.add(DeviceKind::Microphone, "studio");
    eventually(&person.client, "it is listed", |s| s.devices.microphones.len() == 2).await;
    person.client.choose_device(choose(protocol::bridge::DeviceKind::Microphone, "studio")).await.unwrap();
    eventually(&person.client, "it is used", |_| {
        person.devices.ever_opened(DeviceKind::Microphone) == 2
            && person.devices.open_streams(DeviceKind::Microphone) == 1
    })
    .await;
    person.devices.add(DeviceKind::Microphone, "third");
    person.devices.set_default(DeviceKind::Microphone, "third");
    eventually(&person.client, "the default moved", |s| default_microphone(s) == Some("third")).await;
    person.devices.remove(DeviceKind::Microphone, "studio");
    let lost = eventually(&person.client, "the loss is said", |s| blocked(s, Code::DeviceLost)).await;
    assert!(!told(&lost, Code::DeviceChanged));
    person.devices.add(DeviceKind::Microphone, "studio");
    eventually(&person.client, "it is back", |s| {
        told(s, Code::DeviceBack) && person.devices.open_streams(DeviceKind::Microphone) == 1
    })
    .await;
    assert_eq!(person.devices.ever_opened(DeviceKind::Microphone), 3, "mine, studio, studio");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_meeting_is_heard_elsewhere_while_the_chosen_speaker_is_away() {
    let (person, _connection, _more) = speaking().await;
    person.devices.add(DeviceKind::Speaker, "headset");
    eventually(&person.client, "it is listed", |s| s.devices.speakers.len() == 2).await;
    person.client.choose_device(choose(protocol::bridge::DeviceKind::Speaker, "headset")).await.unwrap();
    let speakers =
        || (person.devices.ever_opened(DeviceKind::Speaker), person.devices.open_streams(DeviceKind::Speaker));
    eventually(&person.client, "it is used", |_| speakers() == (2, 1)).await;
    person.devices.remove(DeviceKind::Speaker, "headset");
    let away =
        eventually(&person.client, "another plays on", |s| told(s, Code::DeviceChanged) && speakers().1 == 1).await;
    let notice = away.notices.iter().find(|n| n.code == Code::DeviceChanged).unwrap();
    assert_eq!(notice.about.as_deref(), Some("Fake speaker"));
    assert_eq!(away.devices.speaker.as_ref().map(DeviceId::as_str), Some("headset"), "it stays chosen");
    person.devices.add(DeviceKind::Speaker, "headset");
    eventually(&person.client, "and back", |s| {
        s.notices.iter().any(|n| n.code == Code::DeviceChanged && n.about.as_deref() == Some("headset"))
            && speakers().1 == 1
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_the_system_moves_is_muted_and_stays_so() {
    let (person, _connection, _more) = speaking().await;
    person.devices.switch_microphone();
    eventually(&person.client, "it is muted and told", |s| {
        told(s, Code::MicrophoneSwitched) && microphone(s) == Some(SwitchState::Off)
    })
    .await;
    person.devices.add(DeviceKind::Microphone, "speaker.monitor");
    eventually(&person.client, "it is listed", |s| s.devices.microphones.len() == 2).await;
    let count = |kind| (person.devices.ever_opened(kind), person.devices.open_streams(kind));
    assert_eq!(count(DeviceKind::Microphone), (1, 0), "only the person opens it again");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_system_that_dies_and_starts_again_is_told_and_used_again() {
    let (person, _connection, _more) = speaking().await;
    person.devices.unplug(DeviceKind::Microphone);
    person.devices.unplug(DeviceKind::Speaker);
    let gone = eventually(&person.client, "both are told", |s| {
        s.notices.iter().filter(|n| n.code == Code::DeviceLost).count() == 2 && s.devices.speakers.is_empty()
    })
    .await;
    assert_eq!(gone.phase, Phase::InMeeting, "the call goes on");
    person.devices.replug(DeviceKind::Speaker);
    person.devices.replug(DeviceKind::Microphone);
    eventually(&person.client, "both are back", |s| {
        person.devices.open_streams(DeviceKind::Speaker) == 1
            && person.devices.open_streams(DeviceKind::Microphone) == 1
            && !told(s, Code::DeviceLost)
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_or_denied_microphone_says_which_and_the_call_goes_on() {
    use media_core::testing::Fault;
    for (fault, code) in [(Fault::Busy, Code::DeviceBusy), (Fault::Denied, Code::DeviceDenied)] {
        let person = person();
        person.devices.set_fault(DeviceKind::Microphone, Some(fault));
        let (_connection, _more) = joined(&person, "", true).await;
        eventually(&person.client, "it is said", |s| told(s, code) && blocked(s, code)).await;
        person.devices.set_fault(DeviceKind::Microphone, None);
        person.client.set_microphone(On { on: true }).await.unwrap();
        eventually(&person.client, "it opens", |_| person.devices.open_streams(DeviceKind::Microphone) == 1).await;
        person.client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_another_app_has_or_that_is_unplugged_is_told_and_the_voice_goes_on() {
    use media_core::testing::Fault;
    let person = person();
    person.devices.set_fault(DeviceKind::Camera, Some(Fault::Busy));
    let (_connection, _more) = joined(&person, "", true).await;
    let camera = Some(protocol::bridge::DeviceKind::Camera);
    let busy = eventually(&person.client, "it is said", |s| told(s, Code::DeviceBusy)).await;
    assert!(busy.notices.iter().any(|n| n.code == Code::DeviceBusy && n.device == camera), "{:?}", busy.notices);
    person.devices.set_fault(DeviceKind::Camera, None);
    person.client.set_camera(On { on: true }).await.unwrap();
    eventually(&person.client, "it opens", |_| person.devices.open_streams(DeviceKind::Camera) == 1).await;
    person.devices.unplug(DeviceKind::Camera);
    let lost = eventually(&person.client, "the loss is said", |s| told(s, Code::DeviceLost)).await;
    assert!(lost.notices.iter().any(|n| n.code == Code::DeviceLost && n.device == camera), "{:?}", lost.notices);
    assert_eq!(person.devices.open_streams(DeviceKind::Microphone), 1, "the voice goes on");
    person.devices.replug(DeviceKind::Camera);
    eventually(&person.client, "it is back", |s| {
        told(s, Code::DeviceBack) && person.devices.open_streams(DeviceKind::Camera) == 1
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_covered_camera_is_told_before_and_in_a_meeting_until_it_is_opened() {
    let person = person();
    person.devices.cover_camera(true);
    person.client.set_preview(SetPreview { microphone: false, camera: true }).await.unwrap();
    eventually(&person.client, "it is told before", |s| told(s, Code::CameraDark)).await;
    person.client.set_preview(SetPreview { microphone: false, camera: false }).await.unwrap();
    eventually(&person.client, "a closed camera shows nothing wrong", |s| !told(s, Code::CameraDark)).await;
    let (_connection, _more) = joined(&person, "", true).await;
    let now = eventually(&person.client, "it is told in it", |s| told(s, Code::CameraDark)).await;
    let notice = now.notices.iter().find(|n| n.code == Code::CameraDark).unwrap();
    assert_eq!(notice.about.as_deref(), Some(now.devices.cameras[0].name.as_str()));
    assert!(!told(&now, Code::CameraStill), "one thing at a time");
    person.devices.cover_camera(false);
    eventually(&person.client, "it is taken back", |s| !told(s, Code::CameraDark)).await;
    assert_eq!(person.devices.open_streams(DeviceKind::Camera), 1, "it was never closed for it");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hears_oneself_before_a_meeting_and_the_devices_are_closed_again() {
    let sound: Arc<[f32]> = tone(440.0, 48_000, 48_000).into();
    let person = person_with(FakeSetup { sound: Some(sound), ..FakeSetup::default() });
    person.client.test_microphone(Nothing {}).await.unwrap();
    eventually(&person.client, "it records", |s| s.devices.rehearsal == RehearsalView::Recording).await;
    eventually(&person.client, "it plays", |s| s.devices.rehearsal == RehearsalView::Playing).await;
    person.devices.forget_played();
    let done = RehearsalView::Done { heard: HeardView::Well };
    eventually(&person.client, "it is done", |s| s.devices.rehearsal == done).await;
    let played = person.devices.played();
    let loudest = played.iter().fold(0.0_f32, |loudest, s| loudest.max(s.abs()));
    assert!(loudest > 0.1, "what was recorded is played: {loudest}");
    eventually(&person.client, "both close", |_| {
        person.devices.open_streams(DeviceKind::Microphone) + person.devices.open_streams(DeviceKind::Speaker) == 0
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_without_a_microphone_says_so_and_one_in_a_meeting_is_refused() {
    use media_core::testing::Fault;
    let person = person();
    person.devices.set_fault(DeviceKind::Microphone, Some(Fault::Denied));
    person.client.test_microphone(Nothing {}).await.unwrap();
    eventually(&person.client, "it is said", |s| {
        told(s, Code::DeviceDenied) && s.devices.rehearsal == RehearsalView::Off
    })
    .await;
    let (_connection, _more) = joined(&person, "", false).await;
    let refused = person.client.test_microphone(Nothing {}).await;
    assert_eq!(refused.map_err(|f| f.code), Err(Code::AlreadyInMeeting));
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_microphone_of_the_preview_comes_back_too() {
    let person = person();
    person.client.set_preview(SetPreview { microphone: true, camera: false }).await.unwrap();
    eventually(&person.client, "it opens", |_| person.devices.open_streams(DeviceKind::Microphone) == 1).await;
    person.devices.unplug(DeviceKind::Microphone);
    eventually(&person.client, "it is said", |s| s.devices.microphone_problem == Some(Code::DeviceLost)).await;
    person.devices.replug(DeviceKind::Microphone);
    let back = eventually(&person.client, "it is back", |s| {
        s.devices.microphone_problem.is_none() && person.devices.open_streams(DeviceKind::Microphone) == 1
    })
    .await;
    assert_eq!(default_microphone(&back), Some(MINE));
    person.client.shutdown().await;
}

/// Of the lines at the top, where the card has a counter of black and white, the share that has a hard edge.
fn sharpness(picture: &media_core::frame::Picture) -> f64 {
    let size = picture.size();
    let top = size.height as usize / 5;
    let hard = |line: &&[u8]| line.array_windows().any(|[a, b]| a.abs_diff(*b) > 60);
    picture.y().chunks_exact(size.width as usize).take(top).filter(hard).count() as f64 / top as f64
}

async fn until_sharpness(person: &Person, track: &str, what: &str, holds: impl Fn(f64) -> bool) -> f64 {
    let pictures = person.client.watch_pictures(track);
    let begun = std::time::Instant::now();
    let mut last = None;
    loop {
        assert!(begun.elapsed() < GUARD, "never: {what}; {last:?} at last");
        if let media_core::channel::Taken::Value(picture) = pictures.take(Duration::ZERO) {
            let sharp = sharpness(&picture);
            if holds(sharp) {
                return sharp;
            }
            last = Some(sharp);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blurred_background_follows_its_switch_before_and_in_a_meeting() {
    let person = person();
    let blur = |on| SettingsChange { blur_background: Some(on), ..SettingsChange::default() };
    person.client.set_preview(SetPreview { microphone: false, camera: true }).await.unwrap();
    until_sharpness(&person, "preview", "the card is sharp", |sharp| sharp > 0.9).await;
    person.client.change_settings(blur(true)).await.unwrap();
    assert!(snapshot(&person.client).await.settings.blur_background);
    until_sharpness(&person, "preview", "blurred before", |sharp| sharp < 0.3).await;
    person.client.set_preview(SetPreview { microphone: false, camera: false }).await.unwrap();
    let (_connection, _more) = joined(&person, "", true).await;
    // The very first picture is blurred already.
    let first = until_sharpness(&person, "local-camera", "seen in it", |_| true).await;
    assert!(first < 0.3, "{first} of the lines");
    person.client.change_settings(blur(false)).await.unwrap();
    until_sharpness(&person, "local-camera", "sharp again", |sharp| sharp > 0.9).await;
    person.client.change_settings(blur(true)).await.unwrap();
    until_sharpness(&person, "local-camera", "blurred again", |sharp| sharp < 0.3).await;
    assert!(!told(&snapshot(&person.client).await, Code::BlurFailed));
    person.client.shutdown().await;
}
