//! What other programs play, and monitors, on Windows and macOS. A machine with a desktop shows and plays; one without
//! (wine, a server) must say so and nothing worse: never hang, never panic, never a device that is open in secret.

#![cfg(any(windows, target_os = "macos"))]
#![expect(clippy::unwrap_used, reason = "a test: what the gate gives is there, or the test fails")]
#![expect(clippy::print_stdout, reason = "what this machine answered is the finding")]

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use media_core::channel::{Taken, latest, ring};
use media_core::device::{Devices, OnEvent, OpenDevice, PictureWish, ScreensUnavailable, StreamEvent};
use media_devices::SystemDevices;
use protocol::ids::DeviceId;
use protocol::policy::{Capability, Gate, Grants};

const WISH: PictureWish = PictureWish { width: 1920, height: 1080, fps: 15 };

/// A place for a device's events.
fn events() -> (OnEvent, Receiver<StreamEvent>) {
    let (sender, receiver) = sync_channel(64);
    (Box::new(move |event| sender.try_send(event).expect("no storm of events")), receiver)
}

/// The next event, which must come.
fn next(events: &Receiver<StreamEvent>) -> StreamEvent {
    events.recv_timeout(Duration::from_secs(60)).expect("an event")
}

fn gate() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

#[test]
fn the_sound_of_other_programs_opens_or_says_why_not_and_ends_with_the_right_to_share() {
    let devices = SystemDevices::new(Instant::now());
    let listed = devices.list().system_audio;
    let mut gate = gate();
    let (writer, reader) = ring(48_000);
    let (told, news) = events();
    match devices.open_system_audio(gate.permit().unwrap(), writer, told) {
        Ok(open) => {
            println!("opened: {:?}; listed: {listed}", open.format());
            assert!(listed, "what opens is listed");
            gate.set(Grants::ALL.with(Capability::ScreenShare, false));
            assert_eq!(next(&news), StreamEvent::Revoked);
            drop(open);
            assert!(reader.is_abandoned(), "closed before `drop` returned");
        }
        Err(error) => {
            println!("not opened: {error}; listed: {listed}");
            let honest = matches!(error, OpenDevice::Unsupported | OpenDevice::Denied | OpenDevice::Failed(_));
            assert!(honest, "{error:?}");
            assert!(listed || error == OpenDevice::Unsupported, "what is not listed is not supported: {error:?}");
            assert!(reader.is_abandoned(), "nothing is left behind");
            assert!(news.recv_timeout(Duration::from_millis(100)).is_err(), "what never opened never ends");
        }
    }
}

#[test]
fn without_the_right_nothing_is_asked_of_the_system() {
    let devices = SystemDevices::new(Instant::now());
    let mut gate = gate();
    let (for_sound, for_pictures) = (gate.permit().unwrap(), gate.permit().unwrap());
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    let (writer, _reader) = ring(480);
    let sound = devices.open_system_audio(for_sound, writer, events().0);
    assert_eq!(sound.err(), Some(OpenDevice::Revoked));
    let (slot, _shown) = latest();
    let screen = DeviceId::parse("any").unwrap();
    let pictures = devices.open_screen(for_pictures, &screen, WISH, slot, events().0);
    assert_eq!(pictures.err(), Some(OpenDevice::Revoked));
}

#[test]
fn every_listed_monitor_opens_or_says_why_not_and_ends_with_the_right_to_share() {
    let devices = SystemDevices::new(Instant::now());
    let screens = match devices.list().screens {
        Ok(screens) => screens,
        Err(why) => {
            println!("no monitors: {why}");
            if why == ScreensUnavailable::Unsupported {
                let (slot, _shown) = latest();
                let screen = DeviceId::parse("windows:DISPLAY1").unwrap();
                let refused = devices.open_screen(gate().permit().unwrap(), &screen, WISH, slot, events().0);
                assert_eq!(refused.err(), Some(OpenDevice::Unsupported));
            }
            return;
        }
    };
    assert!(!screens.is_empty(), "an empty list says why");
    for screen in screens {
        assert!(screen.width > 0 && screen.height > 0 && !screen.name.is_empty(), "{screen:?}");
        let mut gate = gate();
        let (slot, shown) = latest();
        let (told, news) = events();
        match devices.open_screen(gate.permit().unwrap(), &screen.id, WISH, slot, told) {
            Ok(open) => {
                println!("opened: {screen:?}");
                if let Taken::Value(picture) = shown.take(Duration::from_secs(5)) {
                    println!("a picture of {:?}", picture.size());
                }
                gate.set(Grants::ALL.with(Capability::ScreenShare, false));
                assert_eq!(next(&news), StreamEvent::Revoked);
                drop(open);
            }
            Err(error) => {
                println!("not opened: {screen:?}: {error}");
                let honest = matches!(error, OpenDevice::Unsupported | OpenDevice::Denied | OpenDevice::Failed(_));
                assert!(honest, "{error:?}");
                assert!(matches!(shown.take(Duration::ZERO), Taken::Ended), "nothing is left behind");
            }
        }
    }
}

#[test]
fn a_monitor_that_is_not_there_is_missing() {
    let devices = SystemDevices::new(Instant::now());
    if devices.list().screens.is_err() {
        return;
    }
    let (slot, _shown) = latest();
    let screen = DeviceId::parse("windows:DISPLAY4711").unwrap();
    let refused = devices.open_screen(gate().permit().unwrap(), &screen, WISH, slot, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Missing));
}
