//! RTP payloads of a sound track, in any order and with copies of earlier ones in their padding, through the jitter buffer
//! and the decoder to the speaker.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media_core::audio::{AudioEngine, AudioInput, MAILBOX, RING_SAMPLES, RemoteAudio, RemoteId};
use media_core::channel::{mailbox, ring};
use media_core::device::StreamFormat;
use media_core::e2ee::Opening;
use media_core::rtp::Packet;
use media_core::time::MediaTime;

/// Ten milliseconds of them are taken at a time.
const FORMAT: StreamFormat = StreamFormat { rate: 48_000, channels: 1 };
/// More takes the fuzzer too long.
const MOST: usize = 64;

fuzz_target!(|packets: Vec<(u8, u8, u8, &[u8])>| {
    let (orders, inputs) = mailbox(MAILBOX);
    let mut engine = AudioEngine::new(inputs);
    let (played, mut ear) = ring(RING_SAMPLES);
    orders.send(AudioInput::AttachSpeaker(played, FORMAT)).ok();
    let id = RemoteId(1);
    orders.send(AudioInput::AddRemote { id, kind: RemoteAudio::Microphone, opening: Opening::Plain }).ok();
    let mut now = 0_u64;
    for (step, time, wait, payload) in packets.into_iter().take(MOST) {
        let packet = Packet {
            // Near the wrap of both counters.
            sequence: 65_500_u16.wrapping_add(u16::from(step)),
            rtp_time: 0xFFFF_F000_u32.wrapping_add(u32::from(time) * 480),
            marker: false,
            level: None,
            payload: if wait & 1 == 0 { Bytes::copy_from_slice(payload) } else { with_copies(payload) },
        };
        orders.send(AudioInput::Packet { id, packet, at: MediaTime::from_micros(now) }).ok();
        for _ in 0..wait >> 5 {
            engine.tick(MediaTime::from_micros(now));
            now += 10_000;
            let mut out = [0.0; 480];
            ear.read(&mut out);
            assert!(out.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        }
    }
});

/// An Opus packet of one frame (RFC 6716 section 3.2.5) whose padding holds `junk` where copies of earlier packets are.
fn with_copies(junk: &[u8]) -> Bytes {
    let junk = &junk[..junk.len().min(200)];
    let (toc, one_frame_padded, extension_125) = (0x4B, 0x41, 125 << 1);
    let mut packet = vec![toc, one_frame_padded, junk.len() as u8 + 3];
    packet.extend_from_slice(&junk[..junk.len().min(20)]);
    packet.extend_from_slice(&[extension_125, b'S', b'j']);
    packet.extend_from_slice(junk);
    packet.into()
}
