//! What must not wait for the memory allocator: the ends of a ring that a device callback holds, whatever state the ring
//! is in, and a block of the audio engine with all processing on.
//! An integration test: the guard must be the allocator of the whole program.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use media_core::audio::{AudioEngine, AudioInput, NoiseSuppression, Processing, RING_SAMPLES};
use media_core::channel::{mailbox, ring};
use media_core::device::StreamFormat;
use media_core::time::MediaTime;

#[global_allocator]
static GUARD: AllocDisabler = AllocDisabler;

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
