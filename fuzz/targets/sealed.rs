//! Sealed frames and data packets. Nothing that was not sealed with the key may open, and what we seal must.

#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media_core::e2ee::{FrameKey, KeyRing, Opener, Sealer};
use media_core::frame::Codec;

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let key = FrameKey::from_bytes(&[7; 16]).expect("16 bytes are a key");
    let ring = KeyRing::new();
    for slot in 0..16 {
        ring.set(slot, key.clone());
    }
    ring
});

fuzz_target!(|bytes: &[u8]| {
    let opener = Opener::new(RING.clone(), Bytes::from_static(b"made by the server"));
    let mut sealer = Sealer::new(RING.clone()).expect("there is randomness");
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
        // AES-GCM is not forged by chance: whatever opens was not checked.
        assert!(bytes.is_empty() || opener.open(codec, bytes).is_err());
        if let Ok(sealed) = sealer.seal(codec, bytes) {
            let opened = opener.open(codec, &sealed).expect("our own frames open");
            // Start codes of H.264 are made long before they are sealed.
            assert!(codec == Codec::H264 || opened == bytes);
        }
    }
    if let Some((iv, value)) = bytes.split_at_checked(12) {
        assert!(opener.open_data(0, iv, value).is_err());
    }
});
