//! Microphone and speaker against a private sound server (`tests/sound/server`): real streams, real daemon, no hardware.

#![cfg(target_os = "linux")]

#[path = "tools/running.rs"]
mod running;
#[path = "tools/need.rs"]
mod tools;

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::channel::{RingReader, ring};
use media_core::device::{AudioIn, AudioOut, Devices, ListenPermit, OpenDevice, StreamEvent};
use media_devices::SystemDevices;
use protocol::ids::DeviceId;
use protocol::policy::{Capability, Gate, Grants};
use running::Running;
use tempfile::TempDir;
use tools::{GUARD, events, need, next, until};

/// What the microphone is to hear.
const VOICE: f32 = 440.0;
/// What it is to hear later.
const ANSWER: f32 = 660.0;
/// What comes out of the speaker, and must never come in.
const MEETING: f32 = 1250.0;

struct Desk {
    daemon: Running,
    folder: TempDir,
    devices: SystemDevices,
}

impl Desk {
    fn new() -> Self {
        need("pulseaudio", "pulseaudio");
        let folder = tempfile::tempdir().expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sound/server");
        let daemon = Running::start(Command::new(script).arg(folder.path()).stdout(Stdio::null()));
        let devices = SystemDevices::new(Instant::now()).with_sound_server(socket(&folder));
        let desk = Self { daemon, folder, devices };
        until("the sound server", || desk.devices.list().microphones.len() == 1);
        desk
    }

    fn pactl(&self, arguments: &[&str]) -> String {
        let output = Command::new(need("pactl", "pulseaudio-utils"))
            .env("PULSE_SERVER", format!("unix:{}", socket(&self.folder).display()))
            .env("HOME", self.folder.path())
            .args(arguments)
            .output()
            .expect("pactl runs");
        assert!(output.status.success(), "pactl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The number of the module with this argument.
    fn module(&self, argument: &str) -> String {
        let modules = self.pactl(&["list", "short", "modules"]);
        let line = modules.lines().find(|l| l.contains(argument)).expect("the module");
        line.split('\t').next().expect("its number").to_owned()
    }

    /// Plays a tone until dropped.
    fn play(&self, speaker: &str, hertz: f32) -> Tone {
        Tone::play(&self.devices, speaker, hertz)
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("pulse/native")
}

struct Tone {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    speaker: Box<dyn AudioOut>,
}

impl Tone {
    fn play(devices: &SystemDevices, speaker: &str, hertz: f32) -> Self {
        let (mut writer, reader) = ring(9600);
        let id = DeviceId::parse(format!("pulse:{speaker}")).expect("an id");
        let opened = devices.open_speaker(Some(&id), reader, events().0).expect("the speaker opens");
        assert_eq!(opened.device(), id);
        let (rate, channels) = (opened.format().rate as f32, usize::from(opened.format().channels));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut n = 0u32;
            while !stopped.load(Ordering::Relaxed) {
                // Forty milliseconds ahead at most, so that the ring never runs over.
                while writer.room() > 9600 - 1920 * channels {
                    let sample = 0.5 * (TAU * hertz * n as f32 / rate).sin();
                    n = (n + 1) % rate as u32;
                    writer.write(&[sample; 2][..channels]);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { stop, thread: Some(thread), speaker: opened }
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// How loud one frequency is in samples at 48 kHz: 1 for a sine at full scale (Goertzel).
fn loudness(samples: &[f32], hertz: f32) -> f32 {
    let step = 2.0 * (TAU * hertz / 48_000.0).cos();
    let (mut a, mut b) = (0.0f32, 0.0f32);
    for sample in samples {
        (a, b) = (sample + step * a - b, a);
    }
    2.0 * (a * a + b * b - step * a * b).max(0.0).sqrt() / samples.len() as f32
}

fn take(reader: &mut RingReader) -> Vec<f32> {
    let mut samples = vec![0.0; reader.waiting()];
    let got = reader.read(&mut samples);
    samples.truncate(got);
    samples
}

/// Listens until a stretch of 100 ms holds the tone.
fn hears(reader: &mut RingReader, hertz: f32) {
    let mut heard = Vec::new();
    until("the tone to be heard", || {
        heard.extend(take(reader));
        let stretch = heard.len().saturating_sub(4800);
        heard.len() >= 4800 && loudness(&heard[stretch..], hertz) > 0.2
    });
}

fn microphone(desk: &Desk, gate: &Gate) -> (Box<dyn AudioIn>, RingReader, std::sync::mpsc::Receiver<StreamEvent>) {
    let (writer, reader) = ring(480_000);
    let (on_event, heard) = events();
    let permit = ListenPermit::microphone(gate.permit().expect("granted"));
    let opened = desk.devices.open_microphone(permit, None, writer, on_event).expect("the microphone opens");
    assert_eq!(opened.device().as_str(), "pulse:microphone");
    assert_eq!(opened.format().channels, 1);
    (opened, reader, heard)
}

fn open_gate() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

#[test]
fn what_is_spoken_is_heard() {
    let desk = Desk::new();
    let gate = open_gate();
    let (_microphone, mut reader, _events) = microphone(&desk, &gate);
    let _voice = desk.play("voice", VOICE);
    hears(&mut reader, VOICE);
}

#[test]
fn a_monitor_is_no_microphone_even_when_it_is_the_default() {
    let desk = Desk::new();
    desk.pactl(&["set-default-source", "speaker.monitor"]);
    let list = desk.devices.list();
    let names: Vec<_> = list.microphones.iter().map(|m| (m.id.as_str(), m.name.as_str(), m.is_default)).collect();
    assert_eq!(names, [("pulse:microphone", "Microphone", true)]);
    let speakers: Vec<_> = list.speakers.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(speakers, ["pulse:speaker", "pulse:voice"]);
    let gate = open_gate();
    drop(microphone(&desk, &gate));

    let monitor = DeviceId::parse("pulse:speaker.monitor").unwrap();
    let permit = || ListenPermit::microphone(gate.permit().unwrap());
    let refused = desk.devices.open_microphone(permit(), Some(&monitor), ring(480).0, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Missing));

    desk.pactl(&["unload-module", &desk.module("source_name=microphone")]);
    let refused = desk.devices.open_microphone(permit(), None, ring(480).0, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Missing), "with nothing but monitors there is no microphone");
}

#[test]
fn an_unplugged_microphone_never_becomes_the_speakers() {
    let desk = Desk::new();
    let gate = open_gate();
    let (_microphone, mut reader, events) = microphone(&desk, &gate);
    let _meeting = desk.play("speaker", MEETING);
    let voice = desk.play("voice", VOICE);
    hears(&mut reader, VOICE);
    drop(voice);
    // Somebody unprotected, to see that the danger is real: their stream is moved to a monitor.
    let unprotected = Running::start(
        Command::new(need("parec", "pulseaudio-utils"))
            .env("PULSE_SERVER", format!("unix:{}", socket(&desk.folder).display()))
            .env("HOME", desk.folder.path())
            .args(["--device=microphone", "--raw"])
            .stdout(Stdio::null()),
    );
    until("the unprotected stream", || desk.pactl(&["list", "short", "source-outputs"]).lines().count() >= 2);
    take(&mut reader);

    desk.pactl(&["unload-module", &desk.module("source_name=microphone")]);
    assert!(matches!(next(&events), StreamEvent::Lost(_) | StreamEvent::Switched));
    let moved = desk.pactl(&["list", "source-outputs"]);
    assert!(moved.contains("parec"), "the unprotected stream was moved and lives on: {moved}");
    assert!(!moved.contains("Shoji"), "ours is closed: {moved}");
    let after = take(&mut reader);
    assert!(after.is_empty() || loudness(&after, MEETING) < 0.001, "nothing of the meeting came in");
    assert!(reader.is_abandoned() || reader.waiting() == 0);
    drop(unprotected);
}

#[test]
fn a_microphone_moved_by_force_is_muted_before_the_first_sample() {
    let desk = Desk::new();
    let gate = open_gate();
    let (_microphone, mut reader, _events) = microphone(&desk, &gate);
    let voice = desk.play("voice", VOICE);
    hears(&mut reader, VOICE);
    drop(voice);
    let _meeting = desk.play("speaker", MEETING);
    let outputs = desk.pactl(&["list", "short", "source-outputs"]);
    // The last one: the remapped source itself listens to a monitor.
    let ours = outputs.lines().last().and_then(|l| l.split('\t').next()).expect("our stream").to_owned();
    let moved = Command::new(need("pactl", "pulseaudio-utils"))
        .env("PULSE_SERVER", format!("unix:{}", socket(&desk.folder).display()))
        .env("HOME", desk.folder.path())
        .args(["move-source-output", &ours, "speaker.monitor"])
        .stderr(Stdio::null())
        .status()
        .expect("pactl runs");
    assert!(!moved.success(), "an unmovable stream stays where it is");
    take(&mut reader);
    until("half a second of sound", || reader.waiting() > 24_000);
    assert!(loudness(&take(&mut reader), MEETING) < 0.001);
}

#[test]
fn a_revoked_microphone_is_closed_and_silent() {
    let desk = Desk::new();
    let mut gate = open_gate();
    let (_microphone, mut reader, events) = microphone(&desk, &gate);
    let _voice = desk.play("voice", VOICE);
    hears(&mut reader, VOICE);
    let permit = ListenPermit::microphone(gate.permit().unwrap());
    gate.set(Grants::ALL.with(Capability::Microphone, false));
    assert_eq!(next(&events), StreamEvent::Revoked);
    assert!(!desk.pactl(&["list", "source-outputs"]).contains("Shoji"), "the device is closed, not only silent");
    let again = desk.devices.open_microphone(permit, None, ring(480).0, tools::events().0);
    assert_eq!(again.err(), Some(OpenDevice::Revoked));
}

#[test]
fn a_dropped_microphone_is_closed_when_drop_returns() {
    let desk = Desk::new();
    let gate = open_gate();
    let (microphone, ..) = microphone(&desk, &gate);
    assert!(desk.pactl(&["list", "source-outputs"]).contains("Shoji"));
    drop(microphone);
    assert!(!desk.pactl(&["list", "source-outputs"]).contains("Shoji"));
}

#[test]
fn a_killed_sound_server_is_told_to_both_ends() {
    let mut desk = Desk::new();
    let gate = open_gate();
    let (_microphone, _reader, heard) = microphone(&desk, &gate);
    let (on_event, played) = events();
    let _speaker = desk.devices.open_speaker(None, ring(480).1, on_event).expect("the speaker opens");
    desk.daemon.kill();
    assert!(matches!(next(&heard), StreamEvent::Lost(_)));
    assert!(matches!(next(&played), StreamEvent::Lost(_)));
}

#[test]
fn devices_coming_and_going_are_noticed() {
    let desk = Desk::new();
    let (sender, receiver) = std::sync::mpsc::sync_channel(64);
    let watch = desk.devices.watch(Box::new(move || _ = sender.try_send(())));
    let module = desk.pactl(&["load-module", "module-null-sink", "sink_name=headset"]);
    receiver.recv_timeout(GUARD).expect("a new speaker is noticed");
    assert!(desk.devices.list().speakers.iter().any(|s| s.id.as_str() == "pulse:headset"));
    desk.pactl(&["unload-module", &module]);
    receiver.recv_timeout(GUARD).expect("its end is noticed");
    until("the speaker to be gone", || desk.devices.list().speakers.len() == 2);
    drop(watch);
    desk.pactl(&["load-module", "module-null-sink", "sink_name=late"]);
    while receiver.try_recv().is_ok() {}
    assert!(receiver.recv().is_err(), "a dropped watch is silent");
}

#[test]
fn a_sound_server_killed_in_a_call_is_used_both_ways_once_there_is_a_new_one() {
    let mut desk = Desk::new();
    let (sender, receiver) = std::sync::mpsc::sync_channel(64);
    let _watch = desk.devices.watch(Box::new(move || _ = sender.try_send(())));
    let gate = open_gate();
    let (_microphone, mut reader, heard) = microphone(&desk, &gate);
    let voice = desk.play("voice", VOICE);
    hears(&mut reader, VOICE);
    desk.daemon.kill();
    assert!(matches!(next(&heard), StreamEvent::Lost(_)));
    receiver.recv_timeout(GUARD).expect("its death is noticed");
    assert!(desk.devices.list().microphones.iter().all(|m| !m.id.as_str().starts_with("pulse:")));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sound/server");
    desk.daemon = Running::start(Command::new(script).arg(desk.folder.path()).stdout(Stdio::null()));
    let back = || desk.devices.list().microphones.iter().any(|m| m.id.as_str() == "pulse:microphone");
    loop {
        receiver.recv_timeout(GUARD).expect("the new one is noticed");
        if back() {
            break;
        }
    }
    // What was open stays closed: its owner opens it again, and hears what our own speaker plays into the cable.
    until("the old ring to be left alone", || reader.is_abandoned());
    let (_microphone, mut reader, _events) = microphone(&desk, &gate);
    drop(voice);
    let _voice = desk.play("voice", ANSWER);
    hears(&mut reader, ANSWER);
}

#[test]
fn a_headset_that_changes_its_profile_is_the_same_device_afterwards() {
    let desk = Desk::new();
    let gate = open_gate();
    let (first, _reader, events) = microphone(&desk, &gate);
    let id = first.device();
    // As a sound card does that goes from music to telephony: its source is taken away and made again.
    desk.pactl(&["unload-module", &desk.module("source_name=microphone")]);
    assert!(matches!(next(&events), StreamEvent::Lost(_)));
    desk.pactl(&["load-module", "module-remap-source", "source_name=microphone", "master=voice.monitor"]);
    let permit = ListenPermit::microphone(gate.permit().unwrap());
    let (writer, mut reader) = ring(480_000);
    let again = desk.devices.open_microphone(permit, Some(&id), writer, tools::events().0).expect("it is back");
    assert_eq!(again.device(), id);
    let _voice = desk.play("voice", VOICE);
    hears(&mut reader, VOICE);
}

#[test]
fn a_speaker_whose_device_goes_plays_on_elsewhere() {
    let desk = Desk::new();
    let module = desk.pactl(&["load-module", "module-null-sink", "sink_name=headset"]);
    let tone = desk.play("headset", MEETING);
    desk.pactl(&["unload-module", &module]);
    until("the speaker to move", || tone.speaker.device().as_str() != "pulse:headset");
}

/// Another program that plays a tone for a minute.
fn program(desk: &Desk, speaker: &str, hertz: f32) -> Running {
    let file = desk.folder.path().join(format!("tone-{hertz}"));
    let samples =
        (0..48_000 * 60).flat_map(|n: u32| (0.5 * (TAU * hertz * (n % 48_000) as f32 / 48_000.0).sin()).to_le_bytes());
    std::fs::write(&file, samples.collect::<Vec<u8>>()).expect("a file");
    Running::start(
        Command::new(need("pacat", "pulseaudio-utils"))
            .env("PULSE_SERVER", format!("unix:{}", socket(&desk.folder).display()))
            .env("HOME", desk.folder.path())
            .args(["--playback", "--raw", "--format=float32le", "--rate=48000", "--channels=1", "--latency-msec=50"])
            .arg(format!("--device={speaker}"))
            .arg(file)
            .stdout(Stdio::null()),
    )
}

struct Shared {
    _open: Box<dyn AudioIn>,
    reader: RingReader,
    events: std::sync::mpsc::Receiver<StreamEvent>,
}

impl Shared {
    fn open(desk: &Desk, gate: &Gate) -> Self {
        let (writer, reader) = ring(960_000);
        let (on_event, events) = events();
        let permit = gate.permit().expect("granted");
        let open = desk.devices.open_system_audio(permit, writer, on_event).expect("the system's sound opens");
        assert_eq!((open.format().rate, open.format().channels), (48_000, 2));
        Self { _open: open, reader, events }
    }

    /// The left channel of what came.
    fn take(&mut self) -> Vec<f32> {
        take(&mut self.reader).chunks_exact(2).map(|frame| frame[0]).collect()
    }

    /// Listens until the last 200 ms hold the tone, and answers them.
    fn until_hears(&mut self, hertz: f32) -> Vec<f32> {
        let mut heard = Vec::new();
        until("the tone to be shared", || {
            heard.extend(self.take());
            heard.len() >= 9600 && loudness(&heard[heard.len() - 9600..], hertz) > 0.4
        });
        heard.split_off(heard.len() - 9600)
    }
}

#[test]
fn what_other_programs_play_is_shared_and_the_meeting_is_not() {
    let desk = Desk::new();
    assert!(desk.devices.list().system_audio);
    let gate = open_gate();
    let meeting = desk.play("speaker", MEETING);
    let mut shared = Shared::open(&desk, &gate);
    // It starts after us: what comes later is found.
    let first = program(&desk, "speaker", VOICE);
    let heard = shared.until_hears(VOICE);
    assert!(loudness(&heard, MEETING) < 0.02, "the others would hear themselves: {}", loudness(&heard, MEETING));
    // On the speaker itself both are, so there was something to leave out.
    let both = Command::new("timeout")
        .args(["3", "parec", "--device=speaker.monitor", "--raw", "--format=float32le", "--rate=48000", "--channels=1"])
        .env("PULSE_SERVER", format!("unix:{}", socket(&desk.folder).display()))
        .env("HOME", desk.folder.path())
        .output()
        .expect("parec runs");
    let (samples, _) = both.stdout.as_chunks::<4>();
    let samples: Vec<f32> = samples.iter().map(|s| f32::from_le_bytes(*s)).collect();
    let end = &samples[samples.len() - 48_000..];
    assert!(loudness(end, MEETING) > 0.1 && loudness(end, VOICE) > 0.1, "both are played");
    // A second program on another speaker is mixed in, and goes when it ends.
    let second = program(&desk, "voice", 880.0);
    let heard = shared.until_hears(880.0);
    assert!(loudness(&heard, VOICE) > 0.4, "the first goes on");
    drop((first, second, meeting));
    let mut heard = Vec::new();
    until("silence", || {
        heard.extend(shared.take());
        heard.len() > 9600 && heard[heard.len() - 9600..].iter().all(|s| *s == 0.0)
    });
}

#[test]
fn a_program_moved_to_another_speaker_is_heard_on() {
    let desk = Desk::new();
    let gate = open_gate();
    let mut shared = Shared::open(&desk, &gate);
    let _program = program(&desk, "speaker", VOICE);
    shared.until_hears(VOICE);
    let inputs = desk.pactl(&["list", "short", "sink-inputs"]);
    let index = inputs.lines().last().and_then(|l| l.split('\t').next()).expect("it plays").to_owned();
    desk.pactl(&["move-sink-input", &index, "voice"]);
    shared.take();
    shared.until_hears(VOICE);
}

#[test]
fn a_speaker_behind_another_brings_neither_the_meeting_nor_anything_twice() {
    let desk = Desk::new();
    desk.pactl(&["load-module", "module-remap-sink", "sink_name=effects", "master=speaker"]);
    let gate = open_gate();
    let _meeting = desk.play("effects", MEETING);
    let mut shared = Shared::open(&desk, &gate);
    let _program = program(&desk, "effects", VOICE);
    let heard = shared.until_hears(VOICE);
    assert!(loudness(&heard, MEETING) < 0.02, "{}", loudness(&heard, MEETING));
    assert!(loudness(&heard, VOICE) < 0.6, "once, not twice: {}", loudness(&heard, VOICE));
}

#[test]
fn shared_sound_ends_with_the_right_and_with_the_server() {
    let mut desk = Desk::new();
    let mut gate = open_gate();
    let _program = program(&desk, "speaker", VOICE);
    let mut shared = Shared::open(&desk, &gate);
    shared.until_hears(VOICE);
    let permit = gate.permit().unwrap();
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    assert_eq!(next(&shared.events), StreamEvent::Revoked);
    assert!(!desk.pactl(&["list", "source-outputs"]).contains("shared sound"), "closed, not only silent");
    let again = desk.devices.open_system_audio(permit, ring(480).0, events().0);
    assert_eq!(again.err(), Some(OpenDevice::Revoked));

    gate.set(Grants::ALL);
    let shared = Shared::open(&desk, &gate);
    desk.daemon.kill();
    assert!(matches!(next(&shared.events), StreamEvent::Lost(_)));
}
