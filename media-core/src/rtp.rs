//! Frames into RTP payloads and back: Opus (RFC 7587), H.264 (RFC 6184, packetization-mode 1), VP8 (RFC 7741).
//! Pure. The header fields that matter to media are in [`Packet`]; SSRC, payload type, extensions and the wire itself
//! belong to the transport.

mod h264;
mod vp8;

use bytes::Bytes;

use crate::frame::{AudioLevel, Codec, SealedFrame};

pub(crate) use h264::Depacketizer as H264Depacketizer;
pub(crate) use vp8::{Depacketizer as Vp8Depacketizer, Descriptor as Vp8Descriptor};

/// Bytes of payload per packet, at most: fits 1280-byte links with SRTP, TURN and extensions around it.
pub const MTU: usize = 1200;

/// The media part of one RTP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp on the codec's clock.
    pub rtp_time: u32,
    /// Marker: last packet of a picture; first of a talk spurt.
    pub marker: bool,
    /// For the audio-level extension; `None` for pictures, and ignored on the receiving side.
    pub level: Option<AudioLevel>,
    /// Payload.
    pub payload: Bytes,
}

/// Why a frame could not be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Packetize {
    /// No NAL unit in it, or an Opus packet over [`MTU`].
    #[error("the frame cannot be packed")]
    Malformed,
}

/// Packs the sealed frames of one track; counts sequence numbers.
#[derive(Debug)]
pub struct Packetizer {
    sequence: u16,
    picture_id: u16,
}

impl Packetizer {
    /// `first` should be random (RFC 3550 section 5.1).
    #[must_use]
    pub const fn new(first: u16) -> Self {
        Self { sequence: first, picture_id: first & 0x7FFF }
    }

    /// Packs one frame into `out`, in order.
    ///
    /// # Errors
    /// See [`Packetize`]; nothing was added then.
    pub fn pack(&mut self, frame: &SealedFrame, out: &mut Vec<Packet>) -> Result<(), Packetize> {
        let from = out.len();
        match frame.codec {
            Codec::Opus => {
                if frame.data.len() > MTU {
                    return Err(Packetize::Malformed);
                }
                if !frame.data.is_empty() {
                    self.push(frame, frame.data.clone(), out);
                }
                return Ok(());
            }
            Codec::H264 => h264::pack(&frame.data, |payload| self.push(frame, payload, out))?,
            Codec::Vp8 => {
                let id = self.picture_id;
                self.picture_id = (id + 1) & 0x7FFF;
                vp8::pack(&frame.data, id, |payload| self.push(frame, payload, out));
            }
        }
        if let Some(last) = out[from..].last_mut() {
            last.marker = true;
        }
        Ok(())
    }

    fn push(&mut self, frame: &SealedFrame, payload: Bytes, out: &mut Vec<Packet>) {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        out.push(Packet { sequence, rtp_time: frame.rtp_time, marker: false, level: frame.level, payload });
    }
}

#[cfg(test)]
mod tests;
