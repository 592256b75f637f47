//! LiveKit's signalling as either side reads it. What is read once must be read again from what we write.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::signal;

fuzz_target!(|frame: &[u8]| {
    if let Ok(message) = signal::parse_request(frame) {
        assert!(signal::parse_request(&signal::request(message)).is_ok());
    }
    if let Ok(message) = signal::parse_response(frame) {
        assert!(signal::parse_response(&signal::response(message)).is_ok());
    }
});
