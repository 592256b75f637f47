//! Pictures on their way into the page: each becomes one message with a short head, raw bytes and no JSON.
//! Called by the client's tasks. Counts nothing and drops nothing: the client keeps the window of acknowledged frames.
//!
//! ```text
//! u8 version = 1 | u8 content: 0 H.264, 1 VP8, 2 I420, 3 end, 4 patches | u8 flags: bit 0 key | u8 n | u32le seq
//! u32le RTP time | u16le width | u16le height (0 unless I420 or patches) | n bytes of the track's name, UTF-8 | payload
//! patches: u8 kind: 0 copy, 1 pixels | u16le x, y, width, height | copy: i16le right, down | pixels: RGBA, line by line
//! ```

use client::ports::{FrameSink, PageContent, PageFrame};
use media_core::frame::Codec;
use media_core::video::screen::patch::{Patch, Rect};
use tauri::ipc::{Channel, InvokeResponseBody};

use crate::desk::Lease;

const VERSION: u8 = 1;
const HEAD: usize = 16;
const KEY: u8 = 1;

/// The page's end of the frames door. A page that was loaded again opens a new one.
pub struct FramesDoor {
    channel: Channel<InvokeResponseBody>,
    lease: Lease,
}

impl FramesDoor {
    /// Sends into a channel of the page for as long as the lease lasts.
    #[must_use]
    pub const fn new(channel: Channel<InvokeResponseBody>, lease: Lease) -> Self {
        Self { channel, lease }
    }
}

impl FrameSink for FramesDoor {
    fn send(&self, frame: PageFrame) -> bool {
        if !self.lease.lasts() {
            return false;
        }
        let Some(message) = encode(&frame) else {
            tracing::warn!("a frame does not fit the door and is left out");
            return true;
        };
        self.channel.send(InvokeResponseBody::Raw(message)).is_ok()
    }
}

/// One message; `None` when a name or a size is beyond what the head can say.
#[must_use]
pub fn encode(frame: &PageFrame) -> Option<Vec<u8>> {
    let name = frame.track.as_bytes();
    let named = u8::try_from(name.len()).ok().filter(|n| *n > 0)?;
    let written;
    let (content, flags, width, height, payload): (u8, u8, u16, u16, &[u8]) = match &frame.content {
        PageContent::Encoded { codec: Codec::H264, key, data } => (0, flag(*key), 0, 0, data),
        PageContent::Encoded { codec: Codec::Vp8, key, data } => (1, flag(*key), 0, 0, data),
        PageContent::Encoded { codec: Codec::Opus, .. } => return None,
        PageContent::I420 { width, height, data } => {
            (2, KEY, u16::try_from(*width).ok()?, u16::try_from(*height).ok()?, data)
        }
        PageContent::Patches { width, height, patches } => {
            written = write(patches);
            (4, 0, u16::try_from(*width).ok()?, u16::try_from(*height).ok()?, &written)
        }
        PageContent::End => (3, 0, 0, 0, &[]),
    };
    let mut message = Vec::with_capacity(HEAD + name.len() + payload.len());
    message.extend_from_slice(&[VERSION, content, flags, named]);
    message.extend_from_slice(&frame.seq.to_le_bytes());
    message.extend_from_slice(&frame.rtp_time.to_le_bytes());
    message.extend_from_slice(&width.to_le_bytes());
    message.extend_from_slice(&height.to_le_bytes());
    message.extend_from_slice(name);
    message.extend_from_slice(payload);
    Some(message)
}

fn write(patches: &[Patch]) -> Vec<u8> {
    let mut out = Vec::new();
    let head = |out: &mut Vec<u8>, kind: u8, to: Rect| {
        out.push(kind);
        for word in [to.x, to.y, to.width, to.height] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    };
    for patch in patches {
        match patch {
            Patch::Copy { to, right, down } => {
                head(&mut out, 0, *to);
                out.extend_from_slice(&right.to_le_bytes());
                out.extend_from_slice(&down.to_le_bytes());
            }
            Patch::Pixels { to, rgba } => {
                head(&mut out, 1, *to);
                out.extend_from_slice(rgba);
            }
        }
    }
    out
}

const fn flag(key: bool) -> u8 {
    if key { KEY } else { 0 }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn frame(track: &str, content: PageContent) -> PageFrame {
        PageFrame { track: track.into(), seq: 0x0102_0304, content, rtp_time: 0x0506_0708 }
    }

    #[test]
    fn a_frame_is_written_as_the_page_reads_it() {
        let data = Bytes::from_static(b"pixels");
        let message = encode(&frame("TR_1", PageContent::Encoded { codec: Codec::H264, key: true, data })).unwrap();
        assert_eq!(message, b"\x01\x00\x01\x04\x04\x03\x02\x01\x08\x07\x06\x05\0\0\0\0TR_1pixels");
    }

    #[test]
    fn raw_pictures_carry_their_size() {
        let data = Bytes::from_static(&[9; 6]);
        let message = encode(&frame("preview", PageContent::I420 { width: 2, height: 2, data })).unwrap();
        assert_eq!(message[1], 2);
        assert_eq!(message[12..16], [2, 0, 2, 0]);
        assert_eq!(message.len(), 16 + 7 + 6);
    }

    #[test]
    fn patches_are_written_one_after_the_other() {
        let to = Rect { x: 8, y: 0x0102, width: 1, height: 1 };
        let patches = vec![Patch::Copy { to, right: 0, down: -6 }, Patch::Pixels { to, rgba: vec![1, 2, 3, 255] }];
        let message = encode(&frame("x", PageContent::Patches { width: 16, height: 8, patches })).unwrap();
        assert_eq!(message[1..3], [4, 0]);
        assert_eq!(message[12..16], [16, 0, 8, 0]);
        assert_eq!(
            message[17..],
            *b"\x00\x08\0\x02\x01\x01\0\x01\0\0\0\xfa\xff\x01\x08\0\x02\x01\x01\0\x01\0\x01\x02\x03\xff"
        );
    }

    #[test]
    fn the_end_is_a_head_and_a_name() {
        assert_eq!(encode(&frame("x", PageContent::End)).unwrap().len(), 17);
    }

    #[test]
    fn what_the_head_cannot_say_is_refused() {
        assert!(encode(&frame(&"x".repeat(256), PageContent::End)).is_none());
        assert!(encode(&frame("", PageContent::End)).is_none());
        let huge = PageContent::I420 { width: 70_000, height: 2, data: Bytes::new() };
        assert!(encode(&frame("x", huge)).is_none());
    }
}
