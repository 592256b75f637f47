//! The whole way of sound in virtual time: ring, engine, network, engine, ring.

use bytes::Bytes;
use protocol::policy::{Gate, Grants};

use super::super::{Cue, MAILBOX, RING_SAMPLES, SpeakPermit};
use super::*;
use crate::channel::{MailboxSender, RingReader, RingWriter, mailbox, ring};
use crate::device::StreamFormat;
use crate::e2ee::{FrameKey, KeyRing, Opener, Opening, Sealer, Sealing};
use crate::receive::TrackState;
use crate::rtp::Packetizer;
use crate::testing::{LossyNetwork, Speech, Weather, correlation};
use crate::time::Bitrate;

mod room;

const MONO: StreamFormat = StreamFormat { rate: 48_000, channels: 1 };

fn at(tick: u64) -> MediaTime {
    MediaTime::from_micros(1_000_000 + tick * 10_000)
}

fn keys() -> KeyRing {
    KeyRing::with(FrameKey::from_bytes(&[3; 16]).unwrap())
}

fn opening(ring: &KeyRing) -> Opening {
    Opening::Sealed(Opener::new(ring.clone(), Bytes::new()))
}

struct Side {
    engine: AudioEngine,
    to: MailboxSender<AudioInput>,
}

fn side() -> Side {
    let (to, inputs) = mailbox(MAILBOX);
    Side { engine: AudioEngine::new(inputs), to }
}

impl Side {
    fn tell(&self, input: AudioInput) {
        assert!(self.to.send(input).is_ok());
    }

    fn microphone(&self, format: StreamFormat) -> RingWriter {
        let (write, read) = ring(RING_SAMPLES);
        self.tell(AudioInput::AttachMicrophone(read, format));
        write
    }

    fn speaker(&self, format: StreamFormat) -> RingReader {
        let (write, read) = ring(RING_SAMPLES);
        self.tell(AudioInput::AttachSpeaker(write, format));
        read
    }

    fn start(&self, gate: &Gate, ring: &KeyRing) {
        self.tell(AudioInput::StartLocal {
            permit: SpeakPermit::Microphone(gate.permit().unwrap()),
            sealing: Sealing::Sealed(Sealer::new(ring.clone()).unwrap()),
            bitrate: Bitrate::kbps(32),
            dtx: false,
            rtp_start: 4_294_960_000,
        });
    }

    fn outputs(&mut self, now: MediaTime) -> Vec<AudioOutput> {
        self.engine.tick(now);
        std::iter::from_fn(|| self.engine.poll()).collect()
    }
}

fn allowed() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

/// Speaks on one side, listens on the other, and answers (said, heard) after so many ticks.
fn call(
    weather: Weather,
    ticks: u64,
    microphone: StreamFormat,
    speaker: StreamFormat,
) -> (Vec<f32>, Vec<f32>, AudioStats) {
    let (gate, keys) = (allowed(), keys());
    let (mut speaks, mut hears) = (side(), side());
    let mut mic = speaks.microphone(microphone);
    let mut ear = hears.speaker(speaker);
    speaks.start(&gate, &keys);
    hears.tell(AudioInput::AddRemote { id: RemoteId(1), kind: RemoteAudio::Microphone, opening: opening(&keys) });
    let mut network = LossyNetwork::new(9, weather);
    let mut packetizer = Packetizer::new(65_500);
    let mut speech = Speech::new(4, microphone.rate);
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    for tick in 0..ticks {
        let fresh = speech.take(microphone.rate as usize / 100);
        said.extend_from_slice(&fresh);
        for sample in fresh {
            mic.write(&vec![sample; usize::from(microphone.channels)]);
        }
        for output in speaks.outputs(at(tick)) {
            if let AudioOutput::Frame(LocalAudio::Microphone, frame) = output {
                let mut packets = Vec::new();
                packetizer.pack(&frame, &mut packets).unwrap();
                packets.into_iter().for_each(|p| network.send(p, at(tick)));
            }
        }
        while let Some((when, packet)) = network.receive(at(tick)) {
            hears.tell(AudioInput::Packet { id: RemoteId(1), packet, at: when });
        }
        hears.outputs(at(tick));
        let mut out = vec![0.0; speaker.rate as usize / 100 * usize::from(speaker.channels)];
        ear.read(&mut out);
        heard.extend(out.chunks_exact(usize::from(speaker.channels)).map(|frame| frame[0]));
    }
    (said, heard, hears.engine.stats())
}

#[test]
fn what_is_said_is_heard() {
    let (said, heard, stats) = call(Weather::CLEAR, 400, MONO, StreamFormat { rate: 48_000, channels: 2 });
    let (lag, alike) = correlation(&said[48_000..144_000], &heard[48_000..], 9600);
    assert!(alike > 0.9, "correlation {alike} at {lag}, {stats:?}");
    // 20 ms frame, codec look-ahead, jitter buffer, both margins, and one block each way.
    assert!(lag < 5200, "{lag} samples of delay");
    assert_eq!(stats.remotes[0].1.lost, 0);
}

#[test]
fn devices_of_other_rates_sound_the_same() {
    let odd = StreamFormat { rate: 44_100, channels: 2 };
    let (said, heard, _) = call(Weather::CLEAR, 400, odd, odd);
    let (_, alike) = correlation(&said[44_100..132_300], &heard[44_100..], 9600);
    assert!(alike > 0.9, "correlation {alike}");
}

#[test]
fn a_lossy_network_is_still_understood() {
    let weather = Weather {
        loss: 0.08,
        burst: 1.5,
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(30),
        duplicate: 0.02,
        ..Weather::CLEAR
    };
    let (said, heard, stats) = call(weather, 600, MONO, MONO);
    // Piece by piece: the delay follows the network, and what is lost is made up.
    let mut pieces: Vec<f64> =
        (10..25).map(|n| correlation(&said[n * 9600..(n + 1) * 9600], &heard[n * 9600..], 9600).1).collect();
    pieces.sort_by(f64::total_cmp);
    assert!(pieces[7] > 0.8, "half of it correlates: {pieces:?}, {stats:?}");
    let remote = stats.remotes[0].1;
    assert!(remote.restored > 0 && remote.concealed > 0, "{remote:?}");
    assert!(remote.delay < Duration::from_millis(120), "{remote:?}");
}

#[test]
fn a_revoked_mic_falls_silent_within_one_block() {
    let (mut gate, keys) = (allowed(), keys());
    let mut one = side();
    let mut mic = one.microphone(MONO);
    one.start(&gate, &keys);
    let mut frames = 0;
    for tick in 0..50 {
        mic.write(&[0.3; 480]);
        frames += one.outputs(at(tick)).iter().filter(|o| matches!(o, AudioOutput::Frame(..))).count();
    }
    assert!(frames >= 20);
    gate.set(Grants::NONE);
    mic.write(&[0.3; 480]);
    assert_eq!(one.outputs(at(50)), [AudioOutput::Revoked(LocalAudio::Microphone)]);
    for tick in 51..60 {
        mic.write(&[0.3; 480]);
        assert_eq!(one.outputs(at(tick)), []);
    }
}

#[test]
fn a_muted_track_sends_nothing_and_its_clock_goes_on() {
    let (gate, keys) = (allowed(), keys());
    let mut one = side();
    let mut mic = one.microphone(MONO);
    one.start(&gate, &keys);
    let mut times = Vec::new();
    for tick in 0..300 {
        if tick == 100 || tick == 200 {
            one.tell(AudioInput::MuteLocal(LocalAudio::Microphone, tick == 100));
        }
        mic.write(&[0.3; 480]);
        for output in one.outputs(at(tick)) {
            if let AudioOutput::Frame(_, frame) = output {
                assert!(!(101..200).contains(&tick), "sent while muted");
                times.push((tick, frame.rtp_time));
            }
        }
    }
    let (first, last) = (times[0], times[times.len() - 1]);
    let blocks = u64::from(last.1.wrapping_sub(first.1)) / 480;
    assert!(blocks.abs_diff(last.0 - first.0) <= 1, "{blocks} blocks of RTP time in {} ticks", last.0 - first.0);
}

#[test]
fn a_wrong_key_and_plaintext_are_told_and_not_heard() {
    let (gate, keys) = (allowed(), keys());
    for (sealing, opening, told) in [
        (
            Sealing::Sealed(Sealer::new(KeyRing::with(FrameKey::from_bytes(&[4; 16]).unwrap())).unwrap()),
            opening(&keys),
            TrackState::WrongKey,
        ),
        (Sealing::Plain, opening(&keys), TrackState::NotSealed),
        (Sealing::Plain, Opening::Plain, TrackState::Playing),
    ] {
        let (mut speaks, mut hears) = (side(), side());
        let mut mic = speaks.microphone(MONO);
        let permit = SpeakPermit::Megaphone(gate.permit().unwrap());
        let bitrate = Bitrate::kbps(32);
        speaks.tell(AudioInput::StartLocal { permit, sealing, bitrate, dtx: false, rtp_start: 0 });
        hears.tell(AudioInput::AddRemote { id: RemoteId(7), kind: RemoteAudio::Megaphone, opening });
        hears.tell(AudioInput::WantLevels(true));
        let mut packetizer = Packetizer::new(0);
        let mut speech = Speech::new(1, 48_000);
        let (mut states, mut loud) = (Vec::new(), false);
        for tick in 0..100 {
            mic.write(&speech.take(480));
            for output in speaks.outputs(at(tick)) {
                let AudioOutput::Frame(LocalAudio::Megaphone, frame) = output else { continue };
                let mut packets = Vec::new();
                packetizer.pack(&frame, &mut packets).unwrap();
                for packet in packets {
                    hears.tell(AudioInput::Packet { id: RemoteId(7), packet, at: at(tick) });
                }
            }
            for output in hears.outputs(at(tick)) {
                match output {
                    AudioOutput::State(id, state) => states.push((id, state)),
                    AudioOutput::Hears(..) => {}
                    AudioOutput::Levels(levels) => loud |= levels.speaker.below_full < 60,
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(states, [(RemoteId(7), told)]);
        assert_eq!(loud, told == TrackState::Playing);
    }
}

/// Twenty minutes of virtual time with both devices' clocks off, in opposite directions, and the sender's against ours: what
/// is not made up for would come to 240 ms each. A whole day of the remote sound alone is in `player/tests.rs`.
#[test]
fn long_drift_does_not_grow_any_delay() {
    let mut one = side();
    let mut mic = one.microphone(MONO);
    let mut ear = one.speaker(MONO);
    one.tell(AudioInput::AddRemote { id: RemoteId(1), kind: RemoteAudio::Microphone, opening: Opening::Plain });
    let mut encoder = super::super::Encoder::new(super::super::EncoderSettings::default()).unwrap();
    let voice = crate::testing::tone(300.0, 48_000, 960);
    let packet: Bytes = encoder.encode(&voice).unwrap().unwrap();
    let (mut made, mut taken, mut sent) = (0_u64, 0_u64, 0_u64);
    let mut scratch = [0.0; 1000];
    let mut worst = [Duration::ZERO; 3];
    for tick in 0..120_000_u64 {
        let samples = |ppm: f64| ((tick + 1) as f64 * 480.0 * (1.0 + ppm / 1e6)) as u64;
        let more = (samples(200.0) - made) as usize;
        made += more as u64;
        mic.write(&scratch[..more]);
        while sent * 960 < samples(200.0) {
            let packet = crate::rtp::Packet {
                sequence: sent as u16,
                rtp_time: (sent * 960) as u32,
                marker: false,
                level: None,
                payload: packet.clone(),
            };
            one.tell(AudioInput::Packet { id: RemoteId(1), packet, at: at(tick) });
            sent += 1;
        }
        one.engine.tick(at(tick));
        let less = (samples(-200.0) - taken) as usize;
        taken += less as u64;
        ear.read(&mut scratch[..less]);
        scratch.fill(0.0);
        if tick.is_multiple_of(100) && tick > 6000 {
            let stats = one.engine.stats();
            let now = [stats.capture_waiting, stats.speaker_waiting, stats.remotes[0].1.delay];
            worst = [worst[0].max(now[0]), worst[1].max(now[1]), worst[2].max(now[2])];
        }
    }
    let stats = one.engine.stats();
    assert!(worst.iter().all(|w| *w < Duration::from_millis(50)), "{worst:?} {stats:?}");
    assert!(stats.capture_underruns + stats.speaker_underruns < 10, "{stats:?}");
    assert_eq!((stats.capture_lost, stats.skipped_blocks), (0, 0));
    let remote = stats.remotes[0].1;
    assert!(remote.concealed < 10 && remote.dropped_blocks == 0, "{remote:?}");
    assert!((5..200).contains(&remote.stretched), "240 ms in single periods: {remote:?}");
}

#[test]
fn devices_that_end_are_told() {
    let mut one = side();
    drop(one.microphone(MONO));
    drop(one.speaker(MONO));
    let told = one.outputs(at(0));
    assert!(told.contains(&AudioOutput::MicrophoneEnded) && told.contains(&AudioOutput::SpeakerEnded), "{told:?}");
    let (_write, read) = ring(100);
    one.tell(AudioInput::AttachMicrophone(read, StreamFormat { rate: 1, channels: 1 }));
    assert_eq!(one.outputs(at(1)), [AudioOutput::MicrophoneEnded]);
}

#[test]
fn the_test_tone_is_heard_and_ends() {
    let mut one = side();
    let mut ear = one.speaker(MONO);
    one.tell(AudioInput::TestTone);
    let mut heard = Vec::new();
    let mut ended = false;
    for tick in 0..120 {
        ended |= one.outputs(at(tick)).contains(&AudioOutput::TestToneEnded);
        let mut out = [0.0; 480];
        ear.read(&mut out);
        heard.extend_from_slice(&out);
    }
    assert!(ended);
    assert!(crate::testing::tone_power(&heard[4800..33_600], 440.0, 48_000) > 0.2);
}

#[test]
fn a_cue_is_heard_here_and_nowhere_else() {
    let (gate, keys) = (allowed(), keys());
    // Said aloud between the words of a call: one side has it, the other does not.
    let packets = |cue: Option<Cue>| {
        let mut one = side();
        let (mut mic, mut ear) = (one.microphone(MONO), one.speaker(MONO));
        one.start(&gate, &keys);
        let (mut heard, mut sent) = (Vec::new(), Vec::new());
        let mut speech = Speech::new(3, 48_000);
        for tick in 0..100 {
            if let (50, Some(cue)) = (tick, cue) {
                one.tell(AudioInput::Cue(cue));
            }
            mic.write(&speech.take(480));
            for output in one.outputs(at(tick)) {
                if let AudioOutput::Frame(LocalAudio::Microphone, frame) = output {
                    sent.push((frame.rtp_time, frame.level, frame.data.len()));
                }
            }
            let mut out = [0.0; 480];
            ear.read(&mut out);
            heard.extend_from_slice(&out);
        }
        (heard, sent)
    };
    let (silence, without) = packets(None);
    assert!(silence.iter().all(|s| *s == 0.0));
    for cue in [Cue::Open, Cue::Muted] {
        let (heard, with) = packets(Some(cue));
        assert!(heard[24_000..].iter().any(|s| s.abs() > 0.05), "{cue:?} is not heard");
        assert!(heard[..24_000].iter().chain(&heard[38_400..]).all(|s| *s == 0.0), "{cue:?} is short");
        assert_eq!(with, without, "{cue:?} changed what is sent");
    }
}

#[test]
fn the_time_of_what_is_sent_goes_on_over_stalls_mutes_and_missing_microphones() {
    let (gate, keys) = (allowed(), keys());
    let mut one = side();
    let mut mic = one.microphone(MONO);
    one.start(&gate, &keys);
    // When it was sent on our clock, and when by its timestamp, both in samples.
    let mut sent = Vec::new();
    for tick in 0..600_u64 {
        match tick {
            101 => one.tell(AudioInput::MuteLocal(LocalAudio::Microphone, true)),
            150 => one.tell(AudioInput::MuteLocal(LocalAudio::Microphone, false)),
            203 => one.tell(AudioInput::DetachMicrophone),
            250 => mic = one.microphone(MONO),
            _ => {}
        }
        mic.write(&Speech::new(tick, 48_000).take(480));
        // Nothing runs for a second and a half.
        if (301..451).contains(&tick) {
            continue;
        }
        for output in one.outputs(at(tick)) {
            if let AudioOutput::Frame(LocalAudio::Microphone, frame) = output {
                sent.push((tick * 480, u64::from(frame.rtp_time.wrapping_sub(4_294_960_000))));
            }
        }
    }
    let (first, last) = (sent[3], sent[sent.len() - 1]);
    let off = (last.0 - first.0).abs_diff(last.1 - first.1);
    assert!(off <= 960, "{off} samples off after six seconds");
}

#[test]
fn a_long_stall_is_given_up() {
    let mut one = side();
    one.engine.tick(at(0));
    one.engine.tick(at(5));
    assert_eq!(one.engine.stats().blocks, 6);
    one.engine.tick(at(5000));
    assert_eq!(one.engine.stats().blocks, 7);
    assert!(one.engine.stats().skipped_blocks > 4000);
    drop(one.to);
    assert!(!one.engine.tick(at(5001)));
}

/// How loud one frequency is in a stretch at 48 kHz: 1 for a sine at full scale.
fn loudness(samples: &[f32], hertz: f32) -> f32 {
    let turn = |n: usize| std::f32::consts::TAU * hertz * n as f32 / 48_000.0;
    let (a, b) =
        samples.iter().enumerate().fold((0.0, 0.0), |(a, b), (n, s)| (a + s * turn(n).cos(), b + s * turn(n).sin()));
    2.0 * f32::hypot(a, b) / samples.len() as f32
}

#[test]
fn the_sound_of_a_screen_is_a_track_of_its_own_with_all_it_has() {
    let (mut gate, keys) = (allowed(), keys());
    let (mut shows, mut hears) = (side(), side());
    let mut mic = shows.microphone(MONO);
    let (mut system, read) = ring(RING_SAMPLES);
    shows.tell(AudioInput::AttachSystem(read, StreamFormat { rate: 48_000, channels: 2 }));
    let mut ear = hears.speaker(MONO);
    shows.start(&gate, &keys);
    shows.tell(AudioInput::StartLocal {
        permit: SpeakPermit::Screen(gate.permit().unwrap()),
        sealing: Sealing::Sealed(Sealer::new(keys.clone()).unwrap()),
        bitrate: Bitrate::kbps(96),
        dtx: false,
        rtp_start: 7,
    });
    hears.tell(AudioInput::AddRemote { id: RemoteId(1), kind: RemoteAudio::Screen, opening: opening(&keys) });
    let mut packetizer = Packetizer::new(1);
    let (mut heard, mut bytes, mut voices) = (Vec::new(), 0, 0);
    for tick in 0..200 {
        let tone = |n: usize, hertz: f64| {
            (0.3 * (std::f64::consts::TAU * hertz * (tick * 480 + n as u64) as f64 / 48_000.0).sin()) as f32
        };
        mic.write(&std::array::from_fn::<f32, 480, _>(|n| tone(n, 300.0)));
        system.write(&std::array::from_fn::<f32, 960, _>(|n| tone(n / 2, 1000.0) + tone(n / 2, 15_000.0)));
        for output in shows.outputs(at(tick)) {
            match output {
                AudioOutput::Frame(LocalAudio::Screen, frame) => {
                    assert_eq!(frame.level, None, "a film that is shown is nobody speaking");
                    bytes += frame.data.len();
                    let mut packets = Vec::new();
                    packetizer.pack(&frame, &mut packets).unwrap();
                    packets.into_iter().for_each(|p| {
                        hears.tell(AudioInput::Packet { id: RemoteId(1), packet: p, at: at(tick) });
                    });
                }
                AudioOutput::Frame(LocalAudio::Microphone, _) => voices += 1,
                _ => {}
            }
        }
        hears.outputs(at(tick));
        let mut out = [0.0; 480];
        ear.read(&mut out);
        heard.extend(out);
    }
    let whole = &heard[48_000..96_000];
    assert!(loudness(whole, 1000.0) > 0.2, "{}", loudness(whole, 1000.0));
    assert!(loudness(whole, 15_000.0) > 0.2, "speech would end at 8 or 12 kHz: {}", loudness(whole, 15_000.0));
    assert!(loudness(whole, 300.0) < 0.01, "the microphone is not in it");
    assert!(voices > 90, "and goes its own way: {voices}");
    assert!((12_000..40_000).contains(&bytes), "{bytes} bytes in two seconds");

    gate.set(Grants::NONE);
    system.write(&[0.5; 960]);
    let outputs = shows.outputs(at(200));
    assert!(outputs.contains(&AudioOutput::Revoked(LocalAudio::Screen)), "{outputs:?}");
    assert!(!outputs.iter().any(|o| matches!(o, AudioOutput::Frame(..))), "nothing goes out without the right");
}

#[test]
fn a_shared_sound_goes_on_in_silence_when_nothing_plays_and_without_a_microphone() {
    let (gate, keys) = (allowed(), keys());
    let mut shows = side();
    shows.tell(AudioInput::StartLocal {
        permit: SpeakPermit::Screen(gate.permit().unwrap()),
        sealing: Sealing::Sealed(Sealer::new(keys).unwrap()),
        bitrate: Bitrate::kbps(96),
        dtx: false,
        rtp_start: 7,
    });
    let frames = (0..100).flat_map(|tick| shows.outputs(at(tick)));
    let frames = frames.filter(|o| matches!(o, AudioOutput::Frame(LocalAudio::Screen, _))).count();
    assert_eq!(frames, 50);
}

/// Where in the engine's 10 ms packets come, in microseconds before a block, once it has had ten seconds: of so many people,
/// with a speaker that fetches pieces of so many microseconds.
fn packets_come_before_a_block(people: u64, piece: u64) -> u64 {
    const PHASE: u64 = 7_300;
    let mut hears = side();
    let ear = hears.speaker(MONO);
    for id in 0..people {
        hears.tell(AudioInput::AddRemote { id: RemoteId(id), kind: RemoteAudio::Microphone, opening: Opening::Plain });
    }
    let mut encoder = crate::audio::Encoder::new(crate::audio::EncoderSettings::default()).unwrap();
    let mut speech = Speech::new(4, 48_000);
    let mut came = 0;
    for micros in (1_000_000..11_000_000_u64).step_by(100) {
        let now = MediaTime::from_micros(micros);
        if micros % piece == 0 {
            let samples = usize::try_from(piece * 48 / 1000).unwrap();
            ear.called(now, samples);
        }
        if micros % 10_000 == PHASE {
            came = micros;
            let sequence = (micros / 10_000) as u16;
            let payload = encoder.encode(&speech.take(BLOCK)).unwrap().unwrap();
            for id in 0..people {
                let rtp_time = u32::from(sequence) * 480;
                let packet =
                    crate::rtp::Packet { sequence, rtp_time, marker: false, level: None, payload: payload.clone() };
                hears.tell(AudioInput::Packet { id: RemoteId(id), packet, at: now });
            }
        }
        if hears.engine.next_tick().is_none_or(|due| due <= now) {
            hears.outputs(now);
        }
    }
    let next = hears.engine.next_tick().unwrap().as_micros();
    (next - came) % 10_000
}

#[test]
fn blocks_follow_the_packets_of_who_is_heard_alone_where_devices_leave_it_open() {
    let before = packets_come_before_a_block(1, 2_500);
    assert!((1_400..=2_600).contains(&before), "{before} us");
    // A device of whole blocks is followed itself: 2 ms before its call at 0, so 700 us after the packets.
    let before = packets_come_before_a_block(1, 10_000);
    assert!((300..=1_300).contains(&before), "{before} us");
    // Two people cannot both be followed; the speaker's small pieces can, at 2 ms before one of them.
    let before = packets_come_before_a_block(2, 2_500);
    assert!((before + 7_300 + 2_000) % 2_500 < 700 || (before + 7_300 + 2_000) % 2_500 > 1_800, "{before} us");
}
