//! The measures measure, and the hardware behaves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::policy::{Gate, Grants};

use super::*;
use crate::channel::{Taken, latest, ring};
use crate::device::{Devices, ListenPermit, OpenDevice, PictureWish, StreamEvent};
use crate::frame::Size;
use crate::time::{Bitrate, MediaTime};

/// Nothing here takes long; this only ends a test that hangs.
const GUARD: Duration = Duration::from_secs(20);
const WISH: PictureWish = PictureWish { width: 320, height: 180, fps: 30 };

fn allowed() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

#[test]
fn counters_are_read_on_cards_and_screens() {
    let size = Size { width: 640, height: 360 };
    let (mut card, mut text) = (TestCard::new(size), TextScreen::new(size));
    for n in [0, 1, 0x5555, 0xFFFF, 12_345] {
        assert_eq!(read_counter(&card.paint(n, MediaTime::ZERO)), Some(n));
        assert_eq!(read_counter(&text.paint(n, MediaTime::ZERO)), Some(n));
    }
    let grey = crate::frame::Picture::new(size, vec![128; size.i420_len()].into(), MediaTime::ZERO).unwrap();
    assert_eq!(read_counter(&grey), None);
}

#[test]
fn correlation_finds_the_lag_and_tells_voices_apart() {
    let said = Speech::new(1, 48_000).take(48_000);
    let heard = [vec![0.0; 1234], said.clone()].concat();
    let (lag, alike) = correlation(&said, &heard, 4800);
    assert_eq!(lag, 1234);
    assert!(alike > 0.999);
    let other = Speech::new(2, 48_000).take(60_000);
    assert!(correlation(&said, &other, 4800).1 < 0.5);
}

#[test]
fn the_network_loses_what_it_says() {
    let weather = Weather { loss: 0.2, burst: 3.0, ..Weather::CLEAR };
    let mut network = LossyNetwork::new(1, weather);
    (0..20_000).for_each(|n| network.send(n, MediaTime::ZERO));
    let got = std::iter::from_fn(|| network.receive(MediaTime::ZERO)).count();
    assert!((15_000..17_000).contains(&got), "{got} of 20000");
}

#[test]
fn a_camera_paints_until_its_permit_dies() {
    let devices = FakeDevices::default();
    let mut gate = allowed();
    let (write, read) = latest();
    let told = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&told);
    let camera = devices
        .open_camera(gate.permit().unwrap(), None, WISH, write, Box::new(move |e| events.lock().unwrap().push(e)))
        .unwrap();
    let Taken::Value(picture) = read.take(GUARD) else { panic!("no picture") };
    assert!(read_counter(&picture).is_some());
    gate.set(Grants::NONE);
    while !matches!(read.take(GUARD), Taken::Ended) {}
    assert_eq!(*told.lock().unwrap(), [StreamEvent::Revoked]);
    drop(camera);
    assert_eq!(devices.open_streams(DeviceKind::Camera), 0);
    assert_eq!(devices.ever_opened(DeviceKind::Camera), 1);
}

#[test]
fn faults_are_answered_as_real_devices_answer() {
    let devices = FakeDevices::default();
    let gate = allowed();
    let open = || {
        let (write, _read) = ring(48_000);
        let permit = ListenPermit::microphone(gate.permit().unwrap());
        devices.open_microphone(permit, None, write, Box::new(|_| {})).map(|_| ())
    };
    assert_eq!(open(), Ok(()));
    for (fault, error) in
        [(Fault::Busy, OpenDevice::Busy), (Fault::Denied, OpenDevice::Denied), (Fault::Missing, OpenDevice::Missing)]
    {
        devices.set_fault(DeviceKind::Microphone, Some(fault));
        assert_eq!(open(), Err(error));
    }
    assert!(devices.list().microphones.is_empty());
    devices.replug(DeviceKind::Microphone);
    assert_eq!(open(), Ok(()));
    assert_eq!(devices.open_streams(DeviceKind::Microphone), 0, "dropping the handle closes it");
}

#[test]
fn what_is_unplugged_is_lost_and_watchers_are_told() {
    let devices = FakeDevices::default();
    let (changes, seen) = crate::channel::mailbox(10);
    let (lost, told) = crate::channel::mailbox(10);
    let watch = devices.watch(Box::new(move || assert!(changes.send(()).is_ok())));
    let (_write, read) = ring(48_000);
    let speaker = devices.open_speaker(None, read, Box::new(move |e| assert!(lost.send(e).is_ok()))).unwrap();
    devices.unplug(DeviceKind::Speaker);
    assert_eq!(told.take(GUARD), Taken::Value(StreamEvent::Lost("unplugged".to_owned())));
    assert_eq!(seen.take(GUARD), Taken::Value(()));
    drop(watch);
    drop(speaker);
}

#[test]
fn the_speaker_remembers_what_it_played() {
    let devices = FakeDevices::default();
    let (mut write, read) = ring(96_000);
    write.write(&[0.25; 9600]);
    let speaker = devices.open_speaker(None, read, Box::new(|_| {})).unwrap();
    while write.waiting() > 0 {
        std::thread::yield_now();
    }
    drop(speaker);
    let loud = devices.played().iter().filter(|s| **s == 0.25).count();
    assert_eq!(loud, 4800, "one channel of two");
}

#[test]
fn a_thin_link_delays_and_then_loses() {
    let queue = Duration::from_millis(100);
    let weather = Weather { rate: Bitrate::kbps(80), queue, ..Weather::CLEAR };
    let mut network = LossyNetwork::new(1, weather);
    // Twice as much as it carries, for a second: 200 bytes take 20 ms.
    (0..100).for_each(|n| network.send_sized(n, 200, MediaTime::from_micros(n * 10_000)));
    let mut came = Vec::new();
    while let Some((at, n)) = network.receive(MediaTime::from_micros(5_000_000)) {
        came.push(at.since(MediaTime::from_micros(n * 10_000)));
    }
    assert!((50..=60).contains(&came.len()), "{}", came.len());
    assert_eq!(came[0], Duration::from_millis(20));
    assert!(came.iter().all(|late| *late <= queue + Duration::from_millis(20)), "{:?}", came.iter().max());
}

#[test]
fn what_is_held_up_comes_at_once() {
    let (hold, hold_every) = (Duration::from_millis(200), Duration::from_secs(1));
    let mut network = LossyNetwork::new(1, Weather { hold, hold_every, ..Weather::CLEAR });
    (0..100).for_each(|n| network.send(n, MediaTime::from_micros(1_000_000 + n * 10_000)));
    assert_eq!(network.receive(MediaTime::from_micros(1_199_999)), None);
    let mut came = 0;
    while network.receive(MediaTime::from_micros(1_200_000)).is_some() {
        came += 1;
    }
    assert_eq!(came, 21);
}
