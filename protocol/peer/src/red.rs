//! RED (RFC 2198): a packet of sound that carries earlier ones once more, in front of its own. Official SDKs send it where
//! a server answers it, unless they seal. Read here with limits and without copying; nobody here writes it.

use bytes::Bytes;

/// Earlier packets one packet may carry; libwebrtc sends at most nine, LiveKit's clients one.
pub const MAX_EARLIER: usize = 15;

/// One packet of sound inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Names its codec.
    pub payload_type: u8,
    /// RTP ticks before the timestamp of the packet around it; 14 bits, 0 for the newest.
    pub before: u32,
    /// Empty where the sender had nothing to say again.
    pub payload: Bytes,
}

/// Not RED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadRed {
    /// It ends within its headers.
    #[error("RED ends within its headers")]
    Header,
    /// A block is said to be longer than the packet.
    #[error("RED ends within its blocks")]
    Block,
    /// More blocks than anybody sends.
    #[error("RED of too many blocks")]
    TooMany,
}

/// Takes a packet apart: the oldest block first, the newest last, so there is always one.
///
/// # Errors
/// What came is not RED, or has more than [`MAX_EARLIER`] blocks before its own.
pub fn read(payload: &Bytes) -> Result<Vec<Block>, ReadRed> {
    // (payload type, ticks before, length)
    let mut headers: Vec<(u8, u32, usize)> = Vec::new();
    let mut at = 0;
    let newest = loop {
        match payload.get(at..).unwrap_or_default() {
            [first, ..] if first & 0x80 == 0 => break first & 0x7f,
            [first, high, middle, low, ..] => {
                if headers.len() == MAX_EARLIER {
                    return Err(ReadRed::TooMany);
                }
                let before = u32::from(*high) << 6 | u32::from(*middle) >> 2;
                headers.push((first & 0x7f, before, usize::from(middle & 3) << 8 | usize::from(*low)));
                at += 4;
            }
            _ => return Err(ReadRed::Header),
        }
    };
    at += 1;
    let mut blocks = Vec::with_capacity(headers.len() + 1);
    for (payload_type, before, length) in headers {
        if payload.len() - at < length {
            return Err(ReadRed::Block);
        }
        blocks.push(Block { payload_type, before, payload: payload.slice(at..at + length) });
        at += length;
    }
    blocks.push(Block { payload_type: newest, before: 0, payload: payload.slice(at..) });
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two earlier packets, 1920 and 960 ticks old, and the newest.
    fn packet() -> Bytes {
        let mut packet = vec![];
        for (before, length) in [(1920_u32, 3_u32), (960, 300)] {
            packet.push(0x80 | 111);
            packet.extend_from_slice(&(before << 10 | length).to_be_bytes()[1..]);
        }
        packet.push(111);
        packet.extend_from_slice(&[1; 3]);
        packet.extend_from_slice(&[2; 300]);
        packet.extend_from_slice(&[3; 5]);
        packet.into()
    }

    #[test]
    fn earlier_packets_come_first_with_their_age() {
        let block =
            |before, payload: &[u8]| Block { payload_type: 111, before, payload: Bytes::copy_from_slice(payload) };
        assert_eq!(read(&packet()), Ok(vec![block(1920, &[1; 3]), block(960, &[2; 300]), block(0, &[3; 5])]));
        let alone = Bytes::from_static(&[111, 9, 9]);
        assert_eq!(read(&alone), Ok(vec![block(0, &[9, 9])]));
        assert_eq!(read(&Bytes::from_static(&[111])), Ok(vec![block(0, &[])]), "nothing to say");
    }

    #[test]
    fn every_length_is_survived() {
        let packet = packet();
        for length in 0..packet.len() - 5 {
            let cut = packet.slice(..length);
            assert_eq!(read(&cut), Err(if length < 9 { ReadRed::Header } else { ReadRed::Block }), "{length}");
        }
        assert!(read(&packet.slice(..packet.len() - 5)).is_ok(), "the newest may be empty");
    }

    #[test]
    fn headers_without_end_are_refused() {
        let many = |count: usize| Bytes::from([&[0xef, 0, 0, 0].repeat(count)[..], &[111]].concat());
        assert_eq!(read(&many(MAX_EARLIER)).map(|blocks| blocks.len()), Ok(MAX_EARLIER + 1));
        assert_eq!(read(&many(MAX_EARLIER + 1)), Err(ReadRed::TooMany));
        assert_eq!(read(&Bytes::from(vec![0xff; 1200])), Err(ReadRed::TooMany));
    }
}
