//! What must not wait for the memory allocator: the ends of a ring that a device callback holds, whatever state the ring
//! is in, and a block of the audio engine with all processing on and with a room full of people on a bad network.
//! An integration test: the guard must be the allocator of the whole program.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use media_core::audio::{
    AudioEngine, AudioInput, Encoder, EncoderSettings, MAILBOX, NoiseSuppression, PACKET_SAMPLES, Pan, Processing,
    RING_SAMPLES, RemoteAudio, RemoteId,
};
use media_core::channel::{mailbox, ring};
use media_core::device::StreamFormat;
use media_core::e2ee::Opening;
use media_core::frame::AudioLevel;
use media_core::rtp::Packet;
use media_core::time::MediaTime;

#[global_allocator]
static GUARD: AllocDisabler = AllocDisabler;

/// In a process of its own, since the guard ends it.
#[test]
fn the_guard_sees_an_allocation() {
    const ASKED: &str = "SHOJI_TEST_ALLOCATES";
    if std::env::var_os(ASKED).is_some() {
        drop(assert_no_alloc(|| std::hint::black_box(vec![1_u8; 100])));
        return;
    }
    let test = std::env::current_exe().unwrap();
    let child = std::process::Command::new(test)
        .args(["--exact", "the_guard_sees_an_allocation"])
        .env(ASKED, "1")
        .output()
        .unwrap();
    assert!(!child.status.success(), "or none of these tests could fail");
}

#[test]
fn a_device_callback_never_allocates() {
    let (mut write, mut read) = ring(1000);
    let samples = [0.5; 480];
    let mut out = [0.0; 700];
    assert_no_alloc(|| {
        for _ in 0..10 {
            // Fits, wraps, overflows, runs dry.
            write.write(&samples);
            write.write(&samples);
            write.write(&samples);
            read.read(&mut out);
            read.read(&mut out);
            read.read(&mut out);
        }
        assert!(read.lost() > 0 && write.room() == 1000 && read.waiting() == 0 && write.waiting() == 0);
        assert!(!write.is_abandoned() && !read.is_abandoned());
    });
}

/// The engine's thread is not the device's, but it must not wait for the memory allocator a hundred times a second either.
#[test]
fn a_block_of_processed_sound_never_allocates() {
    for noise in [NoiseSuppression::Standard, NoiseSuppression::Strong] {
        let (to, inputs) = mailbox(16);
        let mut engine = AudioEngine::new(inputs);
        let (mut microphone, captured) = ring(RING_SAMPLES);
        let (played, mut speaker) = ring(RING_SAMPLES);
        let format = StreamFormat { rate: 48_000, channels: 1 };
        assert!(to.send(AudioInput::AttachMicrophone(captured, format)).is_ok());
        assert!(to.send(AudioInput::AttachSpeaker(played, format)).is_ok());
        assert!(to.send(AudioInput::Process(Processing { echo: true, noise, gain: true })).is_ok());
        assert!(to.send(AudioInput::TestTone).is_ok());
        let mut out = [0.0; 480];
        for tick in 0..300 {
            let now = MediaTime::from_micros(tick * 10_000);
            // What is played comes back, beside something else.
            for (n, sample) in out.iter_mut().enumerate() {
                *sample = 0.5 * *sample + if n % 100 < 50 { 0.05 } else { -0.05 };
            }
            microphone.write(&out);
            if tick < 150 {
                engine.tick(now);
            } else {
                assert_no_alloc(|| engine.tick(now));
            }
            speaker.read(&mut out);
        }
        assert_eq!(engine.stats().blocks, 300);
    }
}

/// More speak than are mixed, some packets never come, some late, and people stand aside. Taking a packet may allocate,
/// since it opens a seal; playing it may not. All packets are kept until the end: giving back the memory of one that was
/// played is the only thing a block does with the allocator.
#[test]
fn a_block_of_a_room_full_of_people_never_allocates() {
    for channels in [1, 2, 6] {
        let (to, inputs) = mailbox(MAILBOX);
        let mut engine = AudioEngine::new(inputs);
        let (played, mut speaker) = ring(RING_SAMPLES);
        let format = StreamFormat { rate: 44_100, channels };
        assert!(to.send(AudioInput::AttachSpeaker(played, format)).is_ok());
        let settings = EncoderSettings { loss_percent: 20, dred: 20, ..EncoderSettings::default() };
        let mut people: Vec<(Encoder, Vec<Packet>)> =
            (0..14).map(|_| (Encoder::new(settings).unwrap(), Vec::new())).collect();
        for n in 0..people.len() as u64 {
            let (id, kind) = (RemoteId(n), if n == 13 { RemoteAudio::Megaphone } else { RemoteAudio::Microphone });
            assert!(to.send(AudioInput::AddRemote { id, kind, opening: Opening::Plain }).is_ok());
            assert!(to.send(AudioInput::SetPan(id, Pan::new(n as f32 / 10.0 - 0.7).unwrap())).is_ok());
        }
        let mut chance = 5_u32;
        let mut out = vec![0.0; 441 * usize::from(channels)];
        let mut kept = Vec::new();
        for tick in 0..400_u64 {
            let now = MediaTime::from_micros(tick * 10_000);
            for (n, (encoder, late)) in people.iter_mut().enumerate() {
                let arrived = std::mem::take(late);
                if tick % 2 == 0 {
                    // A buzz at a pitch of one's own, four times a second.
                    let said: Vec<f32> = (0..PACKET_SAMPLES)
                        .map(|i| if tick % 25 < 15 { (i % (180 + 11 * n)) as f32 / 1000.0 - 0.1 } else { 0.0 })
                        .collect();
                    let payload = encoder.encode(&said).unwrap().unwrap();
                    let below_full = 20 + ((tick / 100 * 7 + n as u64 * 3) % 14) as u8;
                    let level = Some(AudioLevel { below_full, voice: false });
                    let (sequence, rtp_time) = ((tick / 2) as u16, (tick * 480) as u32);
                    kept.push(payload.clone());
                    let packet = Packet { sequence, rtp_time, marker: false, level, payload };
                    chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    match (chance >> 16) % 100 {
                        ..15 => {}
                        15..30 => late.push(packet),
                        _ => assert!(to.send(AudioInput::Packet { id: RemoteId(n as u64), packet, at: now }).is_ok()),
                    }
                }
                for packet in arrived {
                    assert!(to.send(AudioInput::Packet { id: RemoteId(n as u64), packet, at: now }).is_ok());
                }
            }
            // Nothing is due yet, and what came is taken; then it is played.
            engine.tick(MediaTime::from_micros((tick * 10_000).saturating_sub(1)));
            // Every half second the senders are told how they come through.
            if tick < 100 || tick % 50 == 49 {
                engine.tick(now);
            } else {
                assert_no_alloc(|| engine.tick(now));
            }
            while engine.poll().is_some() {}
            speaker.read(&mut out);
        }
        let remotes = engine.stats().remotes;
        assert!(remotes.iter().any(|(_, remote)| remote.concealed > 0) && kept.len() > 2000);
    }
}
