//! Screens under Wayland: a portal of the test's own on a private bus, and a real stream of a real, private PipeWire.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test: what the desktop answers is right, or the test fails")]

#[path = "tools/portal.rs"]
mod portal;
#[path = "tools/projector.rs"]
mod projector;
#[path = "tools/running.rs"]
mod running;
#[path = "tools/need.rs"]
mod tools;

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use media_core::channel::{LatestReader, Taken, latest};
use media_core::device::{Devices, OpenDevice, PictureWish, Pictures, ScreenKind, StreamEvent};
use media_core::frame::{Picture, Size};
use media_devices::SystemDevices;
use portal::{Person, Portal};
use projector::{PipeWire, Projector, Slide};
use protocol::ids::DeviceId;
use protocol::policy::{Capability, Gate, Grants, Permit, Screen};
use tools::{GUARD, events, next, until};

const WISH: PictureWish = PictureWish { width: 1920, height: 1080, fps: 30 };
const RED: [u8; 3] = [0, 0, 255];
const BLUE: [u8; 3] = [255, 0, 0];
/// A wait in which something would have come, were there anything.
const QUIET: Duration = Duration::from_millis(400);

fn gate() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

fn id() -> DeviceId {
    DeviceId::parse("portal").unwrap()
}

/// A person who shares a red screen.
struct Desk {
    projector: Projector,
    portal: Portal,
    devices: SystemDevices,
    pipewire: PipeWire,
}

struct Share {
    handle: Box<dyn Pictures>,
    pictures: LatestReader<Picture>,
    news: Receiver<StreamEvent>,
}

impl Desk {
    fn new() -> Self {
        let pipewire = PipeWire::start();
        let projector = Projector::start(&pipewire.socket(), Slide::new(320, 200, RED));
        let portal = Portal::start(&pipewire.socket(), Person::Gives(projector.node));
        let devices = SystemDevices::new(Instant::now()).with_portal(&portal.address);
        Self { projector, portal, devices, pipewire }
    }

    fn share(&self, permit: Permit<Screen>) -> Result<Share, OpenDevice> {
        let (slot, pictures) = latest();
        let (told, news) = events();
        let handle = self.devices.open_screen(permit, &id(), WISH, slot, told)?;
        Ok(Share { handle, pictures, news })
    }
}

impl Share {
    /// Waits for a picture of this size and colour, everywhere.
    fn shows(&self, width: u32, height: u32, colour: [u8; 3]) {
        let start = Instant::now();
        let mut last = None;
        while start.elapsed() < GUARD {
            if let Taken::Value(picture) = self.pictures.take(Duration::from_millis(200)) {
                let size = Size { width, height };
                let is_so = picture.size() == size && is_all(&picture, colour);
                last = Some((picture.size(), picture.y()[0], picture.u()[0], picture.v()[0]));
                if is_so {
                    return;
                }
            }
            if let Ok(event) = self.news.try_recv() {
                panic!("{event:?} instead of a picture; the last one: {last:?}");
            }
        }
        panic!("no picture of {width} x {height} in {colour:?}; the last one: {last:?}");
    }
}

/// BT.601, limited range, by hand.
fn is_all(picture: &Picture, [b, g, r]: [u8; 3]) -> bool {
    let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
    let near = |plane: &[u8], is: f32| plane.iter().all(|sample| (f32::from(*sample) - is).abs() <= 2.0);
    near(picture.y(), 16.0 + 0.257 * r + 0.504 * g + 0.098 * b)
        && near(picture.u(), 128.0 - 0.148 * r - 0.291 * g + 0.439 * b)
        && near(picture.v(), 128.0 + 0.439 * r - 0.368 * g - 0.071 * b)
}

#[test]
fn the_desktop_is_asked_once_when_the_person_shares_and_never_before() {
    let desk = Desk::new();
    let listed = desk.devices.list().screens.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((listed[0].id.clone(), listed[0].kind), (id(), ScreenKind::Portal));
    assert_eq!(desk.devices.open_stills(Gate::preview()).err(), Some(OpenDevice::Unsupported));
    let elsewhere = DeviceId::parse("x11:left").unwrap();
    let refused = desk.devices.open_screen(Gate::preview(), &elsewhere, WISH, latest().0, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Missing));
    std::thread::sleep(QUIET);
    assert_eq!(desk.portal.seen(), portal::Seen::default(), "nothing was asked for");

    let share = desk.share(Gate::preview()).expect("the screen opens");
    share.shows(320, 200, RED);
    let seen = desk.portal.seen();
    assert_eq!((seen.sessions.len(), seen.dialogs), (1, 1), "one session, one dialog");
    assert_eq!((seen.persist, seen.tokens), (vec![0], 0), "the desktop is not asked to remember");
    drop(share.handle);
    assert_eq!(desk.portal.open_sessions(), 0, "closed before `drop` returned");
    assert!(share.news.try_recv().is_err(), "who closes is not told of it");
}

#[test]
fn what_is_shared_is_followed_in_colour_and_size() {
    let desk = Desk::new();
    let share = desk.share(Gate::preview()).expect("the screen opens");
    share.shows(320, 200, RED);
    desk.projector.show(Slide::new(320, 200, BLUE));
    share.shows(320, 200, BLUE);
    desk.projector.show(Slide::new(642, 362, RED));
    share.shows(642, 362, RED);
    desk.projector.show(Slide::new(64, 48, BLUE));
    share.shows(64, 48, BLUE);
    assert_eq!(desk.portal.seen().dialogs, 1, "nobody is asked again");
}

#[test]
fn buffers_that_say_more_than_they_hold_show_nothing() {
    let desk = Desk::new();
    let share = desk.share(Gate::preview()).expect("the screen opens");
    share.shows(320, 200, RED);
    for stride in [i32::MAX, i32::MIN, -1280, 4, 320 * 8] {
        desk.projector.show(Slide { stride, ..Slide::new(320, 200, BLUE) });
        std::thread::sleep(QUIET);
        while let Taken::Value(picture) = share.pictures.take(Duration::ZERO) {
            assert!(is_all(&picture, RED), "a stride of {stride}");
        }
    }
    desk.projector.show(Slide::new(320, 200, BLUE));
    share.shows(320, 200, BLUE);
    assert!(share.news.try_recv().is_err(), "it goes on");
}

#[test]
fn a_share_ends_with_what_is_shared_with_the_session_and_with_the_portal() {
    let mut desk = Desk::new();
    let share = desk.share(Gate::preview()).expect("the screen opens");
    share.shows(320, 200, RED);
    desk.portal.take_back();
    assert!(matches!(next(&share.news), StreamEvent::Lost(_)), "stopped in the desktop's own panel");
    drop(share);

    let share = desk.share(Gate::preview()).expect("the screen opens");
    share.shows(320, 200, RED);
    let other = Projector::start(&desk.pipewire.socket(), Slide::new(100, 100, BLUE));
    drop(std::mem::replace(&mut desk.projector, other));
    assert!(matches!(next(&share.news), StreamEvent::Lost(_)), "its node is gone, and no other takes its place");
    until("the session to be closed", || desk.portal.open_sessions() == 0);
    drop(share);

    desk.portal.person(Person::Gives(desk.projector.node));
    let share = desk.share(Gate::preview()).expect("the screen opens");
    share.shows(100, 100, BLUE);
    desk.portal.die();
    assert!(matches!(next(&share.news), StreamEvent::Lost(_)), "whoever could end it is gone");
}

#[test]
fn who_closes_the_dialog_shares_nothing_and_nothing_failed() {
    let desk = Desk::new();
    desk.portal.person(Person::Refuses);
    assert_eq!(desk.share(Gate::preview()).err(), Some(OpenDevice::Cancelled));
    let seen = desk.portal.seen();
    assert_eq!((seen.sessions.len(), seen.dialogs, desk.portal.open_sessions()), (1, 1, 0));
}

#[test]
fn the_dialog_goes_away_with_the_right_and_with_a_newer_question() {
    let desk = Desk::new();
    desk.portal.person(Person::Thinks);
    let mut gate = gate();
    let permit = gate.permit().unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| desk.share(permit).err());
        until("the dialog", || desk.portal.seen().dialogs == 1);
        gate.set(Grants::ALL.with(Capability::ScreenShare, false));
        assert_eq!(asking.join().unwrap(), Some(OpenDevice::Revoked));
        assert_eq!(desk.portal.open_sessions(), 0);

        let asking = scope.spawn(|| desk.share(Gate::preview()).err());
        until("the dialog", || desk.portal.seen().dialogs == 2);
        desk.portal.person(Person::Gives(desk.projector.node));
        let share = desk.share(Gate::preview()).expect("the newer question is answered");
        assert_eq!(asking.join().unwrap(), Some(OpenDevice::Cancelled));
        share.shows(320, 200, RED);
        assert_eq!(desk.portal.open_sessions(), 1);
    });
}

#[test]
fn the_dialog_goes_away_when_nobody_waits_for_its_answer() {
    let desk = Desk::new();
    desk.portal.person(Person::Thinks);
    let (slot, pictures) = latest();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| desk.devices.open_screen(Gate::preview(), &id(), WISH, slot, events().0).err());
        until("the dialog", || desk.portal.seen().dialogs == 1);
        drop(pictures);
        assert_eq!(asking.join().unwrap(), Some(OpenDevice::Cancelled));
    });
    assert_eq!(desk.portal.open_sessions(), 0);
}

#[test]
fn a_share_ends_with_the_right_to_share() {
    let desk = Desk::new();
    let mut gate = gate();
    let share = desk.share(gate.permit().unwrap()).expect("the screen opens");
    share.shows(320, 200, RED);
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    assert_eq!(next(&share.news), StreamEvent::Revoked);
    until("the session to be closed", || desk.portal.open_sessions() == 0);
    while let Taken::Value(_) = share.pictures.take(Duration::ZERO) {}
    assert!(matches!(share.pictures.take(QUIET), Taken::Ended), "nothing comes any more");
}

#[test]
fn a_desktop_without_a_portal_is_not_supported() {
    let desk = Desk::new();
    let devices = SystemDevices::new(Instant::now()).with_portal("unix:path=/nonexistent/bus");
    let (slot, _pictures) = latest();
    let refused = devices.open_screen(Gate::preview(), &id(), WISH, slot, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Unsupported));
    let mut portal = desk.portal;
    portal.die();
    let devices = SystemDevices::new(Instant::now()).with_portal(&portal.address);
    let (slot, _pictures) = latest();
    let refused = devices.open_screen(Gate::preview(), &id(), WISH, slot, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Unsupported));
}
