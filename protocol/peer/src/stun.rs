//! Just enough of STUN (RFC 8489) to find the peer a first packet is for (the USERNAME of a binding request), and to time
//! the checks of the way. The ICE agent verifies the messages; nothing here may be trusted as authentication.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
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

/// Checks whose answer is waited for, at most: one pair of addresses is checked every two seconds.
const MAX_CHECKS: usize = 16;

/// Binding requests that left, so that their answers tell what the way takes. The library's own measure costs a look at all
/// its statistics: five milliseconds in which no sound is sent. An answer must carry the transaction's 96 random bits.
#[derive(Debug, Default)]
pub(crate) struct Checks(VecDeque<([u8; 12], Instant)>);

impl Checks {
    /// A packet leaves.
    pub(crate) fn leaves(&mut self, packet: &[u8], now: Instant) {
        let Some(transaction) = transaction(packet, BINDING_REQUEST) else { return };
        if self.0.len() == MAX_CHECKS {
            self.0.pop_front();
        }
        self.0.push_back((transaction, now));
    }

    /// A packet came; if it answers a request, after so long.
    pub(crate) fn comes(&mut self, packet: &[u8], now: Instant) -> Option<Duration> {
        let transaction = transaction(packet, BINDING_SUCCESS)?;
        let at = self.0.iter().position(|(known, _)| *known == transaction)?;
        self.0.remove(at).map(|(_, left)| now.saturating_duration_since(left))
    }
}

fn transaction(packet: &[u8], kind: [u8; 2]) -> Option<[u8; 12]> {
    (is_stun(packet) && packet[0..2] == kind).then(|| packet[8..HEADER].try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_timed_once_and_only_with_its_transaction() {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let (mut checks, start) = (Checks::default(), Instant::now());
        let ms = |n| start + Duration::from_millis(n);
        let packet = |kind: [u8; 2], transaction: u8| {
            let mut packet = [&kind[..], &[0, 0], &MAGIC_COOKIE].concat();
            packet.extend([transaction; 12]);
            packet
        };
        for n in 0..20 {
            checks.leaves(&packet(BINDING_REQUEST, n), ms(n.into()));
        }
        checks.leaves(&packet(BINDING_SUCCESS, 77), ms(20));
        checks.leaves(b"\x80 is RTP, whatever follows", ms(20));
        assert_eq!(checks.comes(&packet(BINDING_SUCCESS, 19), ms(31)), Some(Duration::from_millis(12)));
        assert_eq!(checks.comes(&packet(BINDING_SUCCESS, 19), ms(40)), None, "told already");
        assert_eq!(checks.comes(&packet(BINDING_SUCCESS, 77), ms(40)), None, "never asked");
        assert_eq!(checks.comes(&packet(BINDING_REQUEST, 18), ms(40)), None, "no answer");
        assert_eq!(checks.comes(&packet(BINDING_SUCCESS, 0), ms(40)), None, "long forgotten");
        assert_eq!(checks.comes(&[], ms(40)), None);
    }

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
