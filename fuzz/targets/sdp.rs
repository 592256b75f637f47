//! Session descriptions of the other side: our own reading of them, not the library's (which runs behind `catch_unwind`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use peer::Codec;
use peer::sdp::{Description, MAX_SECTIONS};

fuzz_target!(|sdp: &str| {
    let Ok(description) = Description::parse(sdp) else { return };
    assert!(description.sections.len() <= MAX_SECTIONS);
    for section in &description.sections {
        for codec in [Codec::Opus, Codec::H264, Codec::Vp8] {
            assert!(section.payload_type(codec).is_none_or(|payload_type| payload_type < 128));
        }
    }
});
