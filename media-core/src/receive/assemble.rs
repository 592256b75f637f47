//! Makes whole frames of picture packets. An incomplete frame never comes out: with a clear header that is
//! authenticated, a frame without its beginning would look like one with a wrong key.
//! Pure; one frame under construction of at most [`MAX_FRAME`] bytes, and a bounded reorder buffer.

use std::time::Duration;

use bytes::Bytes;

use super::reorder::{Ordered, Reorder};
use crate::frame::Codec;
use crate::rtp::{H264Depacketizer, Packet, Vp8Depacketizer, Vp8Descriptor};
use crate::time::MediaTime;

/// Bytes of one frame at most.
pub const MAX_FRAME: usize = 4 * 1024 * 1024;
/// How long a missing packet is waited for: two retransmissions on a usual link.
const PATIENCE: Duration = Duration::from_millis(150);

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assembled {
    /// A whole frame, as it was sealed.
    Frame {
        /// 90 kHz.
        rtp_time: u32,
        /// H.264 with four-byte start codes, or a VP8 frame.
        data: Bytes,
    },
    /// Something was lost: frames that refer to it cannot be shown.
    Broken,
}

/// Assembles the frames of one track.
#[derive(Debug)]
pub struct Assembler {
    codec: Codec,
    order: Reorder<Packet>,
    h264: H264Depacketizer,
    frame: Vec<u8>,
    /// Of the frame under construction.
    rtp_time: Option<u32>,
    /// The rest of the frame with this timestamp is thrown away.
    skipping: Option<u32>,
    /// The next packet may be in the middle of a frame.
    after_gap: bool,
    /// A second thing to say.
    ready: Option<Assembled>,
}

impl Assembler {
    /// An assembler for H.264 or VP8 packets.
    #[must_use]
    pub const fn new(codec: Codec) -> Self {
        Self {
            codec,
            order: Reorder::new(PATIENCE),
            h264: H264Depacketizer::new(),
            frame: Vec::new(),
            rtp_time: None,
            skipping: None,
            after_gap: true,
            ready: None,
        }
    }

    /// Takes a packet.
    pub fn insert(&mut self, packet: Packet, now: MediaTime) {
        self.order.insert(packet.sequence, packet, now);
    }

    /// The next frame or break, until `None`.
    pub fn poll(&mut self, now: MediaTime) -> Option<Assembled> {
        loop {
            if let Some(ready) = self.ready.take() {
                return Some(ready);
            }
            let out = match self.order.pop(now)? {
                Ordered::Gap(_) => {
                    self.drop_frame();
                    self.after_gap = true;
                    Some(Assembled::Broken)
                }
                Ordered::Packet(packet) => self.packet(&packet),
            };
            if out.is_some() {
                return out;
            }
        }
    }

    /// Packets that never came.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.order.lost()
    }

    fn drop_frame(&mut self) {
        self.frame = Vec::new();
        self.rtp_time = None;
        self.h264.reset();
    }

    fn packet(&mut self, packet: &Packet) -> Option<Assembled> {
        // Padding-only packets probe the network and carry nothing.
        if packet.payload.is_empty() {
            return None;
        }
        if self.skipping == Some(packet.rtp_time) {
            return None;
        }
        self.skipping = None;
        if self.after_gap {
            if !begins_frame(self.codec, &packet.payload) {
                self.skipping = Some(packet.rtp_time);
                return None;
            }
            self.after_gap = false;
        }
        // A new timestamp without a marker before: the sender does not mark, the frame is whole all the same.
        let unmarked = (self.rtp_time.is_some_and(|t| t != packet.rtp_time)).then(|| self.finish()).flatten();
        self.rtp_time = Some(packet.rtp_time);
        let fits = self.frame.len() + packet.payload.len() <= MAX_FRAME;
        let taken = fits
            && match self.codec {
                Codec::H264 => self.h264.take(&packet.payload, &mut self.frame).is_ok(),
                Codec::Vp8 => Vp8Depacketizer::take(&packet.payload, &mut self.frame).is_some(),
                Codec::Opus => false,
            };
        let now = if !taken {
            self.drop_frame();
            self.skipping = Some(packet.rtp_time);
            Some(Assembled::Broken)
        } else if packet.marker {
            self.finish()
        } else {
            None
        };
        match (unmarked, now) {
            (Some(first), second) => {
                self.ready = second;
                Some(first)
            }
            (None, second) => second,
        }
    }

    fn finish(&mut self) -> Option<Assembled> {
        let rtp_time = self.rtp_time.take()?;
        let data = std::mem::take(&mut self.frame);
        self.h264.reset();
        (!data.is_empty()).then(|| Assembled::Frame { rtp_time, data: data.into() })
    }
}

/// Whether a packet surely begins a frame, after packets before it were lost.
fn begins_frame(codec: Codec, payload: &[u8]) -> bool {
    const AUD: u8 = 9;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    match codec {
        Codec::Opus => true,
        Codec::Vp8 => Vp8Descriptor::parse(payload).is_some_and(|d| d.starts_frame),
        Codec::H264 => match payload.first().map(|b| b & 0x1F) {
            Some(AUD | SPS) => true,
            Some(STAP_A) => payload.get(3).is_some_and(|b| matches!(b & 0x1F, AUD | SPS)),
            Some(_) | None => false,
        },
    }
}

#[cfg(test)]
mod tests;
