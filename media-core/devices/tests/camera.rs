//! Cameras against the preloaded fake one (`tests/fakecam`). A library can only be preloaded into a new process, so
//! every test starts this very program again as `the_other_process`, which opens the camera and writes down what it got.

#![cfg(target_os = "linux")]

#[path = "tools/need.rs"]
mod tools;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use media_core::channel::{Taken, latest};
use media_core::device::{Devices, PictureWish};
use media_core::testing::read_counter;
use media_devices::SystemDevices;
use protocol::ids::DeviceId;
use protocol::policy::{Capability, Gate, Grants};
use tools::{GUARD, events, need, until};

/// Says to the other process what to do.
const TASK: &str = "SHOJI_CAMERA_TASK";

fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fakecam/fakecam.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let library = folder.join(format!("fakecam-{}.so", std::process::id()));
        let built = Command::new(need("cc", "gcc libc6-dev"))
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-pthread"])
            .status()
            .expect("cc runs");
        assert!(
            built.success(),
            "the fake camera does not build; it needs: apt-get install gcc libc6-dev linux-libc-dev"
        );
        library
    })
}

/// Runs a task with a camera of this kind; what it wrote down, a line each.
fn with_camera(task: &str, kind: &[(&str, &str)]) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.args(["--ignored", "--exact", "the_other_process", "--nocapture"]);
    command.env(TASK, task).env("LD_PRELOAD", library()).envs(kind.iter().copied());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("starts again");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let lines: Vec<String> = output
        .lines()
        .map_while(Result::ok)
        .filter_map(|l| l.split_once("| ").map(|(_, said)| said.to_owned()))
        .collect();
    assert!(child.wait().expect("ended").success(), "the other process failed: {lines:?}");
    lines
}

#[expect(clippy::print_stdout, reason = "the pipe to the test")]
fn say(text: impl std::fmt::Display) {
    println!("| {text}");
}

const HD: PictureWish = PictureWish { width: 1280, height: 720, fps: 30 };

#[test]
#[ignore = "the other half of the tests in this file"]
fn the_other_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let devices = SystemDevices::new(Instant::now());
    match task.as_str() {
        "list" => devices.list().cameras.iter().for_each(|c| say(format!("{} {} {}", c.id, c.name, c.is_default))),
        "pictures" => pictures(&devices, HD, 12),
        "small" => pictures(&devices, PictureWish { width: 700, height: 500, fps: 30 }, 4),
        "slow" => pictures(&devices, PictureWish { fps: 5, ..HD }, 6),
        "until lost" => pictures(&devices, HD, usize::MAX),
        "revoke" => revoke(&devices),
        "watch" => watch(&devices),
        "drop" => {
            let (writer, reader) = latest();
            let (on_event, _heard) = events();
            let camera = devices.open_camera(Gate::preview(), None, HD, writer, on_event).expect("opens");
            assert!(matches!(reader.take(GUARD), Taken::Value(_)));
            drop(camera);
            say("dropped");
        }
        other => panic!("no such task: {other}"),
    }
}

/// Opens the first camera and tells of so many pictures.
fn pictures(devices: &SystemDevices, wish: PictureWish, many: usize) {
    let (writer, reader) = latest();
    let (on_event, heard) = events();
    let camera = match devices.open_camera(Gate::preview(), None, wish, writer, on_event) {
        Ok(camera) => camera,
        Err(error) => return say(format!("{error:?}")),
    };
    say(format!("open {}", camera.device()));
    let mut seen = 0;
    while seen < many {
        match reader.take(GUARD) {
            Taken::Value(picture) => {
                let size = picture.size();
                let counter = read_counter(&picture).map_or(-1, i64::from);
                say(format!("{}x{} {counter} {}", size.width, size.height, picture.at.as_micros()));
                seen += 1;
            }
            Taken::Nothing => panic!("no picture"),
            Taken::Ended => {
                say(format!("{:?}", tools::next(&heard)));
                return;
            }
        }
    }
}

fn revoke(devices: &SystemDevices) {
    let (writer, reader) = latest();
    let (on_event, heard) = events();
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let _camera = devices.open_camera(gate.permit().expect("granted"), None, HD, writer, on_event).expect("opens");
    assert!(matches!(reader.take(GUARD), Taken::Value(_)));
    let permit = gate.permit().expect("granted");
    gate.set(Grants::ALL.with(Capability::Camera, false));
    say(format!("{:?}", tools::next(&heard)));
    // One that was put before the revocation may still lie there; then comes the end.
    if let Taken::Value(_) = reader.take(GUARD) {
        assert!(matches!(reader.take(GUARD), Taken::Ended));
    }
    let (writer, _reader) = latest();
    say(format!("{:?}", devices.open_camera(permit, None, HD, writer, events().0).map(|_| ())));
}

fn watch(devices: &SystemDevices) {
    let plug = PathBuf::from(std::env::var_os("FAKECAM_PLUG").expect("set by the test"));
    let (sender, receiver) = std::sync::mpsc::sync_channel(64);
    let _watch = devices.watch(Box::new(move || _ = sender.try_send(())));
    say(devices.list().cameras.len());
    std::fs::write(&plug, "").expect("writes");
    receiver.recv_timeout(GUARD).expect("plugging in is noticed");
    say(devices.list().cameras.len());
    std::fs::remove_file(&plug).expect("removes");
    receiver.recv_timeout(GUARD).expect("unplugging is noticed");
    say(devices.list().cameras.len());
}

/// Counters of the pictures told of, and that all had this size.
fn counters(lines: &[String], size: &str) -> Vec<i64> {
    lines
        .iter()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let said = words.next().filter(|w| w.contains('x') && w.starts_with(|c: char| c.is_ascii_digit()))?;
            assert_eq!(said, size);
            Some(words.next().expect("a counter").parse().expect("a number"))
        })
        .collect()
}

fn rises(counters: &[i64]) {
    assert!(counters.iter().all(|c| *c >= 0), "every counter can be read: {counters:?}");
    assert!(counters.windows(2).all(|w| w[0] < w[1]), "never the same picture twice, never back: {counters:?}");
}

#[test]
fn a_camera_is_listed_by_a_name_that_stays() {
    assert_eq!(with_camera("list", &[]), ["v4l2:preload:0#0 Fake Camera true"]);
}

#[test]
fn pictures_flow_in_every_format() {
    for format in ["YUYV", "NV12", "MJPEG"] {
        let lines = with_camera("pictures", &[("FAKECAM_FORMAT", format)]);
        assert_eq!(lines[0], "open v4l2:preload:0#0", "{format}");
        let counters = counters(&lines, "1280x720");
        assert_eq!(counters.len(), 12, "{format}");
        rises(&counters);
    }
}

#[test]
fn a_camera_with_a_broken_rate_works_too() {
    rises(&counters(&with_camera("pictures", &[("FAKECAM_FPS", "30000/1001")]), "1280x720"));
}

#[test]
fn the_size_nearest_to_the_wish_is_taken() {
    rises(&counters(&with_camera("small", &[]), "640x480"));
}

#[test]
fn a_fast_camera_is_held_to_the_wished_rate() {
    let lines = with_camera("slow", &[("FAKECAM_FPS", "60")]);
    let at: Vec<u64> =
        lines[1..].iter().map(|l| l.rsplit(' ').next().expect("a stamp").parse().expect("micros")).collect();
    // The pictures' own stamps: from the first to the sixth are five beats of 200 ms, less the quarter of one allowed.
    assert_eq!(at.len(), 6);
    assert!(at[5] - at[0] >= 900_000, "{at:?}");
}

#[test]
fn an_unplugged_camera_is_lost_and_says_why() {
    for format in ["YUYV", "MJPEG"] {
        let lines = with_camera("until lost", &[("FAKECAM_FORMAT", format), ("FAKECAM_UNPLUG_AFTER", "10")]);
        rises(&counters(&lines, "1280x720"));
        assert_eq!(lines.last().map(String::as_str), Some("Lost(\"the camera was unplugged\")"), "{lines:?}");
    }
}

#[test]
fn a_camera_that_falls_silent_is_lost() {
    let lines = with_camera("until lost", &[("FAKECAM_STALL_AFTER", "3")]);
    assert_eq!(lines.last().map(String::as_str), Some("Lost(\"the camera delivers no pictures\")"), "{lines:?}");
}

#[test]
fn a_busy_camera_says_so_at_once() {
    assert_eq!(with_camera("pictures", &[("FAKECAM_BUSY", "1")]), ["Busy"]);
}

#[test]
fn a_missing_camera_is_missing() {
    assert_eq!(with_camera("pictures", &[("FAKECAM_PLUG", "/nowhere/at/all")]), ["Missing"]);
    let devices = SystemDevices::new(Instant::now());
    let other = DeviceId::parse("v4l2:no such plug#0").unwrap();
    let (writer, _reader) = latest();
    let opened = devices.open_camera(Gate::preview(), Some(&other), HD, writer, events().0);
    assert!(opened.is_err(), "a camera that is not there must not be another one");
}

#[test]
fn a_revoked_camera_stops_and_does_not_open_again() {
    assert_eq!(with_camera("revoke", &[]), ["Revoked", "Err(Revoked)"]);
}

#[test]
fn a_dropped_camera_is_closed_and_its_light_is_out() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    assert_eq!(with_camera("drop", &[("FAKECAM_LOG", log.to_str().unwrap())]), ["dropped"]);
    let lines = std::fs::read_to_string(&log).unwrap();
    let count = |what: &str| lines.lines().filter(|l| *l == what).count();
    assert_eq!((count("start"), count("stop")), (1, 1), "{lines}");
    assert_eq!(count("open"), count("close"), "{lines}");
}

#[test]
fn a_camera_coming_and_going_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let plug = folder.path().join("plug");
    assert_eq!(with_camera("watch", &[("FAKECAM_PLUG", plug.to_str().unwrap())]), ["0", "1", "0"]);
    until("the plug to be gone", || !plug.exists());
}
