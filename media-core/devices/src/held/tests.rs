//! Devices that open, hang, break and panic: what the opener and the listener learn, and that they are closed first.

use std::sync::Mutex;

use protocol::policy::{Capability, Gate, Grants, Permit, Screen};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A device that notes that it was closed.
struct Device(Arc<AtomicBool>);

impl Drop for Device {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

struct Told {
    closed: Arc<AtomicBool>,
    /// What was told, and whether the device was closed by then.
    events: Receiver<(StreamEvent, bool)>,
}

fn start(
    patience: Duration,
    open: impl FnOnce() -> Result<u32, OpenDevice> + Send + 'static,
    look: impl FnOnce(&AtomicBool) -> Option<StreamEvent> + Send + 'static,
) -> (Result<(Held, u32), OpenDevice>, Told) {
    let closed = Arc::new(AtomicBool::new(false));
    let (sender, events) = sync_channel(4);
    let (ours, seen) = (Arc::clone(&closed), Arc::clone(&closed));
    let tell: OnEvent = Box::new(move |event| sender.try_send((event, seen.load(Ordering::Acquire))).unwrap());
    let open = move || open().map(|info| (Device(ours), info));
    let held = Held::start("test", patience, tell, open, |_, stop| look(stop));
    (held, Told { closed, events })
}

fn until_stopped(stop: &AtomicBool) -> Option<StreamEvent> {
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

#[test]
fn dropping_the_handle_closes_before_it_returns_and_tells_nobody() {
    let (held, told) = start(PATIENCE, || Ok(7), until_stopped);
    let (held, info) = held.unwrap();
    assert_eq!(info, 7);
    assert!(!told.closed.load(Ordering::Acquire));
    drop(held);
    assert!(told.closed.load(Ordering::Acquire), "the device is open after its handle is gone");
    assert!(told.events.recv().is_err(), "an end that was asked for is no news");
}

#[test]
fn what_ends_is_closed_before_anybody_is_told() {
    let (held, told) = start(PATIENCE, || Ok(0), |_| Some(StreamEvent::Revoked));
    let held = held.unwrap();
    assert_eq!(told.events.recv_timeout(PATIENCE).unwrap(), (StreamEvent::Revoked, true));
    drop(held);
}

#[test]
fn what_does_not_open_says_why_and_tells_nothing_else() {
    let (held, told) = start(PATIENCE, || Err(OpenDevice::Denied), until_stopped);
    assert_eq!(held.err(), Some(OpenDevice::Denied));
    assert!(told.events.recv().is_err());
}

#[test]
fn a_panic_costs_the_device_only() {
    let (held, told) = start(PATIENCE, || panic!("a driver"), until_stopped);
    assert!(matches!(held.err(), Some(OpenDevice::Failed(_))));
    drop(told);
    let (held, told) = start(PATIENCE, || Ok(0), |_| panic!("a driver"));
    let held = held.unwrap();
    let (event, closed) = told.events.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(event, StreamEvent::Lost(_)));
    assert!(closed);
    drop(held);
}

#[test]
fn a_driver_that_hangs_is_left_behind_and_closes_when_it_is_back() {
    let (back, wait) = sync_channel::<()>(1);
    let wait = Mutex::new(wait);
    let open = move || {
        wait.lock().unwrap().recv().unwrap();
        Ok(0)
    };
    let (held, told) = start(Duration::from_millis(1), open, until_stopped);
    assert!(matches!(held.err(), Some(OpenDevice::Failed(_))));
    assert!(!told.closed.load(Ordering::Acquire));
    back.send(()).unwrap();
    // The listener goes when the thread ends, and the device before it.
    assert!(told.events.recv().is_err());
    assert!(told.closed.load(Ordering::Acquire));
}

fn gate() -> (Gate, Permit<Screen>) {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let permit = gate.permit().unwrap();
    (gate, permit)
}

#[test]
fn a_watched_device_ends_with_its_permit() {
    let (mut gate, permit) = gate();
    let (_device, ended) = sync_channel::<Option<StreamEvent>>(1);
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    let end = watch(&AtomicBool::new(false), || permit.is_live(), &ended, || panic!("asked without a permit"));
    assert_eq!(end, Some(StreamEvent::Revoked));
}

#[test]
fn a_watched_device_ends_by_word_by_check_and_by_silence() {
    let (_gate, permit) = gate();
    let run = |ended: &Receiver<Option<StreamEvent>>, check: Option<StreamEvent>| {
        watch(&AtomicBool::new(false), || permit.is_live(), ended, || check.clone())
    };
    let lost = StreamEvent::Lost("unplugged".into());
    let (device, ended) = sync_channel(1);
    device.send(Some(lost.clone())).unwrap();
    assert_eq!(run(&ended, None), Some(lost));
    device.send(None).unwrap();
    assert_eq!(run(&ended, None), None, "nobody wants it");
    assert_eq!(run(&ended, Some(StreamEvent::Switched)), Some(StreamEvent::Switched));
    drop(device);
    assert!(matches!(run(&ended, None), Some(StreamEvent::Lost(_))), "a driver that forgot us delivers nothing more");
    assert_eq!(watch(&AtomicBool::new(true), || true, &ended, || None), None, "stopped");
}
