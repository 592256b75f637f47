//! The callbacks as functions, with an allocator that aborts on the first allocation.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use cpal::{FromSample, Sample};
use media_core::channel::ring;
use protocol::policy::{Capability, Gate, Grants};

use super::*;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

fn gate() -> Gate {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    gate
}

fn listen(gate: &Gate, channels: u16) -> (Listening<ListenPermit>, RingReader, Arc<Switches>) {
    let (writer, reader) = ring(9600);
    let switches = Arc::new(Switches::default());
    let permit = ListenPermit::microphone(gate.permit().unwrap());
    (Listening::new(writer, permit, Arc::clone(&switches), channels), reader, switches)
}

fn heard<S: Copy>(samples: &[S], convert: impl Fn(S) -> f32) -> Vec<f32> {
    let gate = gate();
    let (mut listening, mut reader, _) = listen(&gate, 1);
    assert_no_alloc(|| listening.hear(samples, convert));
    let mut out = vec![9.0; samples.len()];
    assert_eq!(reader.read(&mut out), samples.len());
    out
}

#[test]
fn every_sample_format_arrives_as_f32_without_allocating() {
    assert_eq!(heard(&[0.5f32, -0.25], f32::from_sample), [0.5, -0.25]);
    assert_eq!(heard(&[i16::MIN, 0, 16384], f32::from_sample), [-1.0, 0.0, 0.5]);
    assert_eq!(heard(&[0u16, 32768, 49152], f32::from_sample), [-1.0, 0.0, 0.5]);
    assert_eq!(heard(&[i32::MIN, 0, 1 << 30], f32::from_sample), [-1.0, 0.0, 0.5]);
}

#[test]
fn every_sample_format_is_played_without_allocating() {
    fn played<S: Sample + FromSample<f32>>() -> Vec<S> {
        let (mut writer, reader) = ring(64);
        writer.write(&[0.5, -0.5, 3.0]);
        let mut speaking = Speaking::new(reader, Arc::default(), 1);
        let mut out = vec![S::EQUILIBRIUM; 4];
        assert_no_alloc(|| speaking.speak(&mut out, S::from_sample));
        out
    }
    assert_eq!(played::<f32>(), [0.5, -0.5, 1.0, 0.0], "loud is clipped, an empty ring is silence");
    assert_eq!(played::<i16>(), [16384, -16384, i16::MAX, 0]);
    assert_eq!(played::<u16>(), [49152, 16384, u16::MAX, 32768]);
    assert_eq!(played::<i32>(), [1 << 30, -(1 << 30), i32::MAX, 0]);
}

#[test]
fn a_revoked_mic_falls_silent_within_one_block() {
    let mut gate = gate();
    let (mut listening, mut reader, switches) = listen(&gate, 1);
    assert_no_alloc(|| listening.hear(&[0.5f32; 480], |s| s));
    assert!(!switches.is_revoked());
    gate.set(Grants::ALL.with(Capability::Microphone, false));
    assert_no_alloc(|| listening.hear(&[0.5f32; 480], |s| s));
    assert!(switches.is_revoked(), "the owner of the stream must learn of it");
    let mut out = [0.0; 960];
    assert_eq!(reader.read(&mut out), 960);
    assert!(out[..480].iter().all(|s| *s == 0.5));
    assert!(out[480..].iter().all(|s| *s == 0.0), "nothing heard after the revocation may pass");
}

#[test]
fn a_muted_microphone_stays_silent_for_ever() {
    let gate = gate();
    let (mut listening, mut reader, switches) = listen(&gate, 2);
    switches.mute();
    assert_no_alloc(|| listening.hear(&[0.5f32; 4000], |s| s));
    let mut out = [1.0; 4000];
    assert_eq!(reader.read(&mut out), 4000);
    assert!(out.iter().all(|s| *s == 0.0));
}

#[test]
fn channels_never_change_places_when_the_ring_is_full() {
    let gate = gate();
    let (writer, mut reader) = ring(5);
    let permit = ListenPermit::microphone(gate.permit().unwrap());
    let mut listening = Listening::new(writer, permit, Arc::default(), 2);
    assert_no_alloc(|| listening.hear(&[1.0f32, -1.0, 1.0, -1.0, 1.0, -1.0], |s| s));
    let mut out = [0.0; 8];
    assert_eq!(reader.read(&mut out), 4, "half a frame must not go in");
    assert_no_alloc(|| listening.hear(&[1.0f32, -1.0], |s| s));
    assert_eq!(reader.read(&mut out), 2);
    assert_eq!(&out[..2], [1.0, -1.0]);
}

#[test]
fn a_buffer_of_any_length_passes_whole() {
    for len in [0, 1, 32, 480, 1023, 1024, 1025, 5000] {
        let samples: Vec<f32> = (0..len).map(|i| i as f32 / 8192.0).collect();
        assert_eq!(heard(&samples, |s| s), samples, "{len} samples");
    }
}

#[test]
fn channels_that_come_apart_are_put_together_and_fall_silent_with_the_right_to_share() {
    let mut gate = gate();
    let (writer, mut reader) = ring(9600);
    let switches = Arc::new(Switches::default());
    let permit: Permit<Screen> = gate.permit().unwrap();
    let mut listening = Listening::new(writer, permit, Arc::clone(&switches), 2);
    let (left, right) = (vec![0.5; 1100], vec![-0.5; 1100]);
    assert_no_alloc(|| listening.hear_apart(&left, &right));
    let mut out = [9.0; 2200];
    assert_eq!(reader.read(&mut out), 2200);
    assert!(out.as_chunks::<2>().0.iter().all(|frame| *frame == [0.5, -0.5]));
    assert!(!switches.is_revoked());
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    assert_no_alloc(|| listening.hear_apart(&left, &right));
    assert!(switches.is_revoked());
    assert_eq!(reader.read(&mut out), 2200);
    assert!(out.iter().all(|s| *s == 0.0), "nothing heard after the revocation may pass");
}
