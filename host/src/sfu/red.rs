//! Plain packets of sound out of RED (RFC 2198), for subscribers that do not take it: each packet once, and what was lost
//! on the publisher's way out of the packets behind it. Pure; sealed sound never comes in RED.

use peer::RtpIn;
use peer::red::read;

/// Sequence numbers remembered: more than a packet carries, and more than packets overtake each other.
const WINDOW: u16 = 64;

/// What was handed out of one publisher's track.
#[derive(Debug, Default)]
pub struct Plain {
    ssrc: Option<u32>,
    newest: u16,
    /// Bit n: `newest - n` was handed out.
    seen: u64,
}

impl Plain {
    /// The plain packets that a packet, in RED or not, brings: oldest first, none a second time.
    pub fn take(&mut self, packet: &RtpIn) -> Vec<RtpIn> {
        if self.ssrc != Some(packet.ssrc) {
            // Before the first packet there was a time in which nobody listened: nothing is made up for it.
            *self = Self { ssrc: Some(packet.ssrc), newest: packet.sequence.wrapping_sub(1), seen: u64::MAX };
        }
        if !packet.red {
            return if self.is_new(packet.sequence) { vec![packet.clone()] } else { vec![] };
        }
        // It was read when it came in.
        let blocks = read(&packet.payload).unwrap_or_default();
        let mut plain = vec![];
        for (distance, block) in (0..blocks.len()).rev().zip(blocks) {
            let earlier = distance > 0;
            if earlier && block.payload.is_empty() {
                continue;
            }
            let Ok(distance) = u16::try_from(distance) else { continue };
            let sequence = packet.sequence.wrapping_sub(distance);
            if self.is_new(sequence) {
                plain.push(RtpIn {
                    sequence,
                    timestamp: packet.timestamp.wrapping_sub(block.before),
                    marker: packet.marker && !earlier,
                    red: false,
                    payload: block.payload,
                    ..packet.clone()
                });
            }
        }
        plain
    }

    /// Whether it was not handed out yet; it is now.
    fn is_new(&mut self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.newest);
        if (1..0x8000).contains(&ahead) {
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.newest = sequence;
            return true;
        }
        let back = self.newest.wrapping_sub(sequence);
        if back >= WINDOW {
            return false;
        }
        let bit = 1 << back;
        let new = self.seen & bit == 0;
        self.seen |= bit;
        new
    }
}

/// The payload type that all packets inside carry; `None` if they differ, or if it is no RED.
#[must_use]
pub fn inside(payload: &bytes::Bytes) -> Option<u8> {
    let blocks = read(payload).ok()?;
    let named = blocks.first()?.payload_type;
    blocks.iter().all(|block| block.payload_type == named).then_some(named)
}

#[cfg(test)]
mod tests;
