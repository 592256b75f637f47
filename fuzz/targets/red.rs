//! RED around sound: what the host reads of packets that are not sealed.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peer::red::{MAX_EARLIER, read};

fuzz_target!(|data: &[u8]| {
    let payload = Bytes::copy_from_slice(data);
    if let Ok(blocks) = read(&payload) {
        assert!((1..=MAX_EARLIER + 1).contains(&blocks.len()));
        let inside: usize = blocks.iter().map(|block| block.payload.len()).sum();
        assert_eq!(inside + (blocks.len() - 1) * 4 + 1, data.len(), "every byte belongs to something");
        assert!(blocks.iter().all(|block| block.payload_type < 128 && block.before < 1 << 14));
    }
});
