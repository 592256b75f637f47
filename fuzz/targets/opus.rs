//! Opus payloads through the codec itself and through what we read of them without it: lengths, padding, extensions in the
//! padding, descriptions of lost sound. One decoder hears them all in a row, as a track's does.
//! The codec is C and not instrumented: the fuzzer sees only our half of it, and a crash.

#![no_main]

use libfuzzer_sys::fuzz_target;
use libopus::packet::{MAX_SAMPLES, extend, extension, samples, strip};
use libopus::{Decoder, Dred};

/// More takes the fuzzer too long.
const MOST: usize = 16;
/// The extension that carries copies.
const COPIES: u8 = 125;

fuzz_target!(|input: (u8, Vec<(u8, &[u8])>)| {
    let (complexity, packets) = input;
    let (mut decoder, mut dred) = (Decoder::new().expect("memory"), Dred::new().expect("memory"));
    decoder.set_complexity(i32::from(complexity % 11)).expect("0 to 10");
    let mut out = [0.0; MAX_SAMPLES];
    for (what, packet) in packets.into_iter().take(MOST) {
        bytes(packet);
        // 2.5 ms to 120 ms.
        let wanted = (usize::from(what >> 2) % 48 + 1) * 120;
        match what & 3 {
            0 => {
                if let Ok(got) = decoder.decode(packet, &mut out) {
                    assert_eq!(Some(got), samples(packet), "what is decoded is as long as it says");
                    assert!(out[..got].iter().all(|sample| sample.is_finite()));
                }
            }
            1 => assert!(decoder.restore(packet, &mut out[..wanted]).is_ok_and(|got| got == wanted) || !is_sound(packet)),
            2 => assert_eq!(decoder.conceal(&mut out[..wanted]), Ok(wanted)),
            _ => {
                if let Ok(reach) = dred.read(packet) {
                    assert!(reach <= 48_000 + MAX_SAMPLES, "{reach} samples back");
                    let before = wanted.min(reach);
                    let described = decoder.describe(&dred, before, &mut out[..wanted]);
                    assert!(reach == 0 || described == Ok(wanted), "{described:?}");
                }
            }
        }
    }
});

/// The decoder takes it.
fn is_sound(packet: &[u8]) -> bool {
    let mut out = [0.0; MAX_SAMPLES];
    Decoder::new().expect("memory").decode(packet, &mut out).is_ok()
}

/// What is read without the codec.
fn bytes(packet: &[u8]) {
    for id in [1, 2, 31, 32, COPIES, 126, 127] {
        assert!(extension(packet, id).is_none_or(|payload| payload.len() < packet.len()));
    }
    let Some(short) = strip(packet) else { return };
    assert!(short.len() <= packet.len());
    assert_eq!(samples(&short), samples(packet));
    let longer = extend(packet, COPIES, packet).expect("what can be stripped can be extended");
    assert_eq!(extension(&longer, COPIES), Some(packet));
    assert_eq!(strip(&longer).as_ref(), Some(&short));
}
