//! H.264 sequence parameter sets, as a whole byte stream and alone: whatever passes is within the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::video::annexb;
use media_core::video::sps::{MAX_SIDES, picture_size};

fn check(unit: &[u8]) {
    if let Ok(size) = picture_size(unit) {
        assert!(size.width > 0 && size.height > 0);
        assert!(size.width.max(size.height) <= MAX_SIDES.0 && size.width.min(size.height) <= MAX_SIDES.1);
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    for unit in annexb::nals(bytes) {
        assert!(unit.start <= unit.end && unit.end <= bytes.len());
        check(&bytes[unit.start..unit.end]);
    }
});
