//! The text of a shared screen: two frames, the first as it is, the second made a frame that follows. Whatever comes out is a
//! picture of the size it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::frame::{Codec, EncodedFrame};
use media_core::time::MediaTime;
use media_core::video::screen::receive::{ScreenReader, Screened};

/// As it travels, behind nothing.
fn frame(text: &[u8]) -> EncodedFrame {
    let mut data = vec![0, 0, 0, 1, 12];
    data.extend_from_slice(b"Shoji text v1 \x9e\xc1");
    data.extend_from_slice(text);
    data.push(0x80);
    EncodedFrame { codec: Codec::H264, rtp_time: 0, key: true, data: data.into() }
}

fuzz_target!(|bytes: &[u8]| {
    let mut reader = ScreenReader::new();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    // Small pictures: what takes long is the same for large ones.
    let small = |text: &[u8], flags: u8, number: u8| {
        let mut text = text.to_vec();
        if let Some(head) = text.get_mut(..10) {
            head[..4].copy_from_slice(&[1, flags, 0, number]);
            (head[4], head[6]) = (0, 0);
        }
        frame(&text)
    };
    for frame in [small(first, 3, 1), small(second, 2, 2), frame(bytes)] {
        if let Ok(Screened::Picture(size)) = reader.take(&frame) {
            let _ = reader.patches();
            let picture = reader.picture(MediaTime::ZERO).expect("it said so");
            assert_eq!(picture.size(), size);
        }
    }
});
