//! Just enough of STUN (RFC 8489) to find the peer a first packet is for: the USERNAME of a binding request.
//! The ICE agent verifies the message; nothing here may be trusted as authentication.

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const ATTRIBUTE_USERNAME: u16 = 0x0006;
const HEADER: usize = 20;

/// Whether these bytes look like STUN (RFC 7983: first byte 0..=3, and the cookie).
#[must_use]
pub fn is_stun(packet: &[u8]) -> bool {
    packet.len() >= HEADER && packet[0] <= 3 && packet[4..8] == MAGIC_COOKIE
}

/// The receiver's ufrag in a binding request's USERNAME (`receiver:sender`, RFC 8445 7.2.2).
#[must_use]
pub fn request_ufrag(packet: &[u8]) -> Option<&str> {
    if !is_stun(packet) || packet[0..2] != BINDING_REQUEST {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let mut rest = packet.get(HEADER..HEADER + length)?;
    while rest.len() >= 4 {
        let kind = u16::from_be_bytes([rest[0], rest[1]]);
        let size = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let value = rest.get(4..4 + size)?;
        if kind == ATTRIBUTE_USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next().filter(|ufrag| !ufrag.is_empty());
        }
        rest = rest.get(4 + size.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(username: &[u8]) -> Vec<u8> {
        let mut packet = vec![0, 1, 0, 0];
        packet.extend_from_slice(&MAGIC_COOKIE);
        packet.extend_from_slice(&[9; 12]);
        packet.extend_from_slice(&[0x80, 0x22, 0, 3, b'x', b'y', b'z', 0]);
        packet.extend_from_slice(&[0, 6, 0, u8::try_from(username.len()).unwrap()]);
        packet.extend_from_slice(username);
        packet.resize(packet.len().next_multiple_of(4), 0);
        let length = u16::try_from(packet.len() - HEADER).unwrap();
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet
    }

    #[test]
    fn the_first_half_of_the_username_names_the_peer() {
        assert_eq!(request_ufrag(&request(b"ours:theirs")), Some("ours"));
        assert_eq!(request_ufrag(&request(b":theirs")), None);
        assert_eq!(request_ufrag(&request(b"\xff\xfe:x")), None);
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_survives() {
        let whole = request(b"ours:theirs");
        for length in 0..whole.len() {
            assert_eq!(request_ufrag(&whole[..length]), None);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 6, 0x7f, 0x80, 0xff] {
                let mut garbled = whole.clone();
                garbled[at] = value;
                let _: Option<&str> = request_ufrag(&garbled);
            }
        }
    }
}
