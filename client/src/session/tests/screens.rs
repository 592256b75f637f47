//! Screens that are chosen, shared, hidden and unplugged.

use std::collections::BTreeSet;

use protocol::bridge::{LookAtScreens, SettingsChange, ShareQuality, StartShare};
use protocol::ids::DeviceId;

use super::*;
use crate::ports::{FrameSink, PageContent, PageFrame};

#[derive(Default)]
struct Page(Mutex<Vec<PageFrame>>);

impl FrameSink for Page {
    fn send(&self, frame: PageFrame) -> bool {
        self.0.lock().unwrap().push(frame);
        true
    }
}

impl Page {
    /// Everything that came of a track: sizes, and `None` for its end.
    fn track(&self, track: &str) -> Vec<Option<(u32, u32)>> {
        let seen = |frame: &PageFrame| match frame.content {
            PageContent::I420 { width, height, .. } => Some((width, height)),
            PageContent::Encoded { .. } | PageContent::Patches { .. } | PageContent::End => None,
        };
        self.0.lock().unwrap().iter().filter(|f| f.track == track).map(seen).collect()
    }
}

fn screen() -> DeviceId {
    DeviceId::parse("fake-screen").unwrap()
}

fn look(screens: &[DeviceId]) -> LookAtScreens {
    LookAtScreens { screens: screens.to_vec() }
}

async fn sharing(person: &Person) {
    person.client.start_share(StartShare { screen: screen(), sound: false }).await.unwrap();
    eventually(&person.client, "the screen is open", |_| person.devices.open_streams(DeviceKind::Screen) == 1).await;
}

fn share(snapshot: &Snapshot) -> Option<SwitchState> {
    snapshot.meeting.as_ref().map(|m| m.share.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_chooses_nothing_in_the_desktops_dialog_is_told_of_no_failure_and_may_try_again() {
    use media_core::testing::Fault;
    let person = person();
    let (_connection, _more) = joined(&person, "", false).await;
    person.devices.set_fault(DeviceKind::Screen, Some(Fault::Asks));
    person.client.start_share(StartShare { screen: screen(), sound: false }).await.unwrap();
    eventually(&person.client, "it is asked", |s| share(s) == Some(SwitchState::Starting)).await;
    person.devices.set_fault(DeviceKind::Screen, Some(Fault::Cancelled));
    let after = eventually(&person.client, "it is off", |s| share(s) == Some(SwitchState::Off)).await;
    assert_eq!(after.notices, [], "nothing failed");

    // Stopped while the dialog is open: what is answered later is not shown.
    person.devices.set_fault(DeviceKind::Screen, Some(Fault::Asks));
    person.client.start_share(StartShare { screen: screen(), sound: false }).await.unwrap();
    eventually(&person.client, "it is asked", |s| share(s) == Some(SwitchState::Starting)).await;
    person.client.stop_share(protocol::bridge::Nothing {}).await.unwrap();
    eventually(&person.client, "it is off", |s| share(s) == Some(SwitchState::Off)).await;
    person.devices.set_fault(DeviceKind::Screen, None);
    sharing(&person).await;
    assert_eq!(person.devices.ever_opened(DeviceKind::Screen), 1, "only what was asked for last");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_shared_is_seen_small_while_somebody_chooses_and_never_else() {
    let person = person();
    let page = Arc::new(Page::default());
    person.client.attach_page("main", page.clone());
    let refused = person.client.look_at_screens(look(&[screen()])).await.unwrap_err();
    assert_eq!(refused.code, Code::NotInMeeting);
    let (_connection, _more) = joined(&person, "", false).await;
    let too_many = vec![screen(); 65];
    assert_eq!(person.client.look_at_screens(look(&too_many)).await.unwrap_err().code, Code::BadInput);
    let missing = DeviceId::parse("no-such-window").unwrap();
    person.client.look_at_screens(look(&[missing, screen()])).await.unwrap();
    eventually(&person.client, "a picture", |_| !page.track("still:fake-screen").is_empty()).await;
    assert_eq!(page.track("still:fake-screen"), [Some((320, 180))]);
    // Asked at once again: not yet.
    person.client.look_at_screens(look(&[screen()])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(page.track("still:fake-screen").len(), 1, "only when it is asked for");
    person.client.look_at_screens(look(&[screen()])).await.unwrap();
    eventually(&person.client, "a fresh one", |_| page.track("still:fake-screen").len() == 2).await;
    person.client.look_at_screens(look(&[])).await.unwrap();
    eventually(&person.client, "its end", |_| page.track("still:fake-screen").last() == Some(&None)).await;
    let tracks: BTreeSet<String> = page.0.lock().unwrap().iter().map(|f| f.track.clone()).collect();
    assert_eq!(tracks.len(), 1, "nothing else was shown: {tracks:?}");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_forgets_to_stop_choosing_is_shown_no_more() {
    let person = person();
    let page = Arc::new(Page::default());
    person.client.attach_page("main", page.clone());
    let (_connection, _more) = joined(&person, "", false).await;
    person.client.look_at_screens(look(&[screen()])).await.unwrap();
    eventually(&person.client, "a picture", |_| !page.track("still:fake-screen").is_empty()).await;
    eventually(&person.client, "its end", |_| page.track("still:fake-screen").last() == Some(&None)).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_screen_ends_its_share_by_name_and_nothing_takes_its_place() {
    let person = person();
    let (_connection, _more) = joined(&person, "", false).await;
    let listed = eventually(&person.client, "it is listed", |s| !s.devices.screens.is_empty()).await;
    let name = listed.devices.screens[0].name.clone();
    sharing(&person).await;
    person.devices.add(DeviceKind::Screen, "another");
    person.devices.unplug(DeviceKind::Screen);
    let after = eventually(&person.client, "it is told", |s| told(s, Code::ShareLost)).await;
    let notice = after.notices.iter().find(|n| n.code == Code::ShareLost).unwrap();
    assert_eq!(notice.about.as_deref(), Some(name.as_str()));
    assert!(!matches!(after.meeting.unwrap().share, SwitchState::On { .. }), "and the switch says so");
    person.devices.replug(DeviceKind::Screen);
    tokio::time::sleep(Duration::from_millis(600)).await;
    let count = (person.devices.ever_opened(DeviceKind::Screen), person.devices.open_streams(DeviceKind::Screen));
    assert_eq!(count, (1, 0), "only the person shares again");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimised_window_is_told_for_as_long_as_it_is_shared() {
    let person = person();
    let (_connection, _more) = joined(&person, "", false).await;
    sharing(&person).await;
    person.devices.hide_screen(true);
    eventually(&person.client, "it is told", |s| told(s, Code::ShareHidden)).await;
    person.devices.hide_screen(false);
    eventually(&person.client, "it is back", |s| !told(s, Code::ShareHidden)).await;
    person.devices.hide_screen(true);
    eventually(&person.client, "it is told again", |s| told(s, Code::ShareHidden)).await;
    person.client.stop_share(Nothing {}).await.unwrap();
    eventually(&person.client, "nobody cares any more", |s| !told(s, Code::ShareHidden)).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_goes_on_in_another_quality_and_the_next_one_begins_with_it() {
    let person = person();
    let (_connection, _more) = joined(&person, "", false).await;
    sharing(&person).await;
    let change = |quality| SettingsChange { share_quality: Some(quality), ..SettingsChange::default() };
    person.client.change_settings(change(ShareQuality::Standard)).await.unwrap();
    person.client.change_settings(change(ShareQuality::Light)).await.unwrap();
    let again =
        eventually(&person.client, "it is opened again", |_| person.devices.ever_opened(DeviceKind::Screen) == 2);
    assert_eq!(again.await.settings.share_quality, ShareQuality::Light);
    eventually(&person.client, "the new one alone", |_| person.devices.open_streams(DeviceKind::Screen) == 1).await;
    let share = snapshot(&person.client).await.meeting.unwrap().share;
    assert!(!matches!(share, SwitchState::Off | SwitchState::Blocked { .. }), "{share:?}");
    person.client.stop_share(Nothing {}).await.unwrap();
    eventually(&person.client, "its end", |_| person.devices.open_streams(DeviceKind::Screen) == 0).await;
    sharing(&person).await;
    assert_eq!(person.devices.ever_opened(DeviceKind::Screen), 3);
    person.client.shutdown().await;
}
