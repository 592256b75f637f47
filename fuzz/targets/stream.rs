//! What comes first on a socket: an ICE-TCP stream in pieces (RFC 4571), and whose a binding request is (STUN).

#![no_main]

use libfuzzer_sys::fuzz_target;
use peer::framing::MAX_FRAME;
use peer::{Deframer, stun};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, stream) = input;
    let mut deframer = Deframer::default();
    for piece in stream.chunks(usize::from(piece).max(1)) {
        deframer.feed(piece);
        loop {
            match deframer.next_packet() {
                Ok(Some(packet)) => {
                    assert!(!packet.is_empty() && packet.len() <= MAX_FRAME);
                    assert!(stun::request_ufrag(&packet).is_none_or(|ufrag| !ufrag.is_empty()));
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
