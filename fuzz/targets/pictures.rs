//! RTP payloads of a picture track, in any order, through reordering and assembly to frames for the page.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media_core::e2ee::Opening;
use media_core::frame::Codec;
use media_core::receive::assemble::MAX_FRAME;
use media_core::rtp::Packet;
use media_core::time::MediaTime;
use media_core::video::annexb;
use media_core::video::receive::{VideoOutput, VideoReceiver};

fuzz_target!(|input: (bool, Vec<(u8, u8, bool, u8, &[u8])>)| {
    let (h264, packets) = input;
    let codec = if h264 { Codec::H264 } else { Codec::Vp8 };
    let mut receiver = VideoReceiver::new(codec, Opening::Plain);
    let mut now = 0_u64;
    // Near the wrap of both counters.
    for (step, time, marker, wait, payload) in packets {
        now += u64::from(wait) * 1000;
        let packet = Packet {
            sequence: 65_400_u16.wrapping_add(u16::from(step)),
            rtp_time: 0xFFFF_FF80_u32.wrapping_add(u32::from(time)),
            marker,
            level: None,
            payload: Bytes::copy_from_slice(payload),
        };
        receiver.packet(packet, MediaTime::from_micros(now));
        while let Some(output) = receiver.poll() {
            if let VideoOutput::Frame(frame) = output {
                assert!(!frame.data.is_empty() && frame.data.len() <= MAX_FRAME + 4);
                if h264 {
                    assert_eq!(frame.key, annexb::is_key(&frame.data));
                }
            }
        }
    }
});
