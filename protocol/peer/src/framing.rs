//! RFC 4571: packets on a TCP stream, each behind its length (u16, big endian). Pure; the caller owns the stream.

use bytes::{Buf, BufMut, BytesMut};

/// Longest packet we accept from a stream: SRTP, STUN and DTLS stay below an Ethernet frame, SCTP too.
pub const MAX_FRAME: usize = 4096;

/// A frame longer than [`MAX_FRAME`]: the stream is not ICE-TCP, or hostile. Close it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {0} bytes on an ICE-TCP stream")]
pub struct OversizedFrame(pub usize);

/// The two bytes that go before a packet of `length` bytes (at most [`MAX_FRAME`]).
#[must_use]
pub fn frame_header(length: usize) -> [u8; 2] {
    debug_assert!(length <= MAX_FRAME, "our packets are datagram sized");
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// Cuts a byte stream into packets. Holds at most one frame more than it was fed.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: BytesMut,
}

impl Deframer {
    /// Bytes as they come from the stream, in any portions.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.put_slice(bytes);
    }

    /// The next whole packet, if one is there; empty frames are skipped (RFC 4571 allows them as keep-alive).
    ///
    /// # Errors
    /// A frame announces more than [`MAX_FRAME`] bytes.
    pub fn next_packet(&mut self) -> Result<Option<BytesMut>, OversizedFrame> {
        while self.buffer.len() >= 2 {
            let length = usize::from(u16::from_be_bytes([self.buffer[0], self.buffer[1]]));
            if length > MAX_FRAME {
                return Err(OversizedFrame(length));
            }
            if self.buffer.len() < 2 + length {
                return Ok(None);
            }
            self.buffer.advance(2);
            if length > 0 {
                return Ok(Some(self.buffer.split_to(length)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_survive_any_cut_of_the_stream() {
        let packets: [&[u8]; 4] = [b"a", b"", b"hello", &[7; 1500]];
        let mut stream = vec![];
        for packet in packets {
            stream.extend_from_slice(&frame_header(packet.len()));
            stream.extend_from_slice(packet);
        }
        for step in 1..=stream.len() {
            let mut deframer = Deframer::default();
            let mut got = vec![];
            for chunk in stream.chunks(step) {
                deframer.feed(chunk);
                while let Some(packet) = deframer.next_packet().unwrap() {
                    got.push(packet.to_vec());
                }
            }
            assert_eq!(got, [b"a".to_vec(), b"hello".to_vec(), vec![7; 1500]], "cut every {step} bytes");
        }
    }

    #[test]
    fn an_oversized_frame_is_refused_before_it_is_buffered() {
        let mut deframer = Deframer::default();
        deframer.feed(&[0xff, 0xff, 1]);
        assert_eq!(deframer.next_packet(), Err(OversizedFrame(65_535)));
    }
}
