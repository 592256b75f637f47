//! Two packets in one datagram, where headers would take more than the sound: at 12 kbit/s in all, packets of 120 ms leave
//! 5 kbit/s for speech, and nobody is understood; pairs of them leave 7.
//!
//! The second packet lies in the padding of the first, as copies do ([`super::redundancy`]): `S` `f` and its bytes, inside the
//! seal. Clients that do not know it would hear every other packet, so it is only for those that do. Pure; runs on the
//! engine's thread.

use bytes::Bytes;
use libopus::packet;

use super::redundancy::EXTENSION;
use crate::frame::AudioLevel;

/// What is in the padding: the packet that follows.
const MARK: [u8; 2] = *b"Sf";

/// A packet on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// RTP time of its first sample.
    pub(super) rtp_time: u32,
    /// How loud it is.
    pub(super) level: AudioLevel,
    /// Opus.
    pub(super) packet: Bytes,
}

/// Holds the first packet of a pair until the second is there.
#[derive(Debug, Default)]
pub(super) struct Bundle(Option<Outgoing>);

impl Bundle {
    /// Takes the next packet, or the silence that need not be sent in its place; answers what is to be sent now.
    pub(super) fn push(&mut self, next: Option<Outgoing>, pairs: bool) -> Option<Outgoing> {
        match (self.0.take(), next) {
            (None, Some(next)) if pairs => {
                self.0 = Some(next);
                None
            }
            (Some(first), Some(second)) => Some(first.with(&second)),
            (first, second) => first.or(second),
        }
    }

    /// What follows does not follow this packet any more.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

impl Outgoing {
    fn with(self, second: &Self) -> Self {
        let tail = [&MARK, &second.packet[..]].concat();
        let Some(both) = packet::extend(&self.packet, EXTENSION, &tail) else { return self };
        let level = AudioLevel {
            below_full: self.level.below_full.min(second.level.below_full),
            voice: self.level.voice || second.level.voice,
        };
        Self { packet: both.into(), level, ..self }
    }
}

/// The packet that follows right after this one, if it came along.
pub(super) fn following(bytes: &[u8]) -> Option<&[u8]> {
    packet::extension(bytes, EXTENSION)?.strip_prefix(&MARK).filter(|packet| !packet.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audio::opus::{Decoder, Encoder, EncoderSettings};
    use crate::testing::Speech;
    use crate::time::Bitrate;

    fn said() -> Vec<Outgoing> {
        let settings = EncoderSettings { bitrate: Bitrate(7_000), constant: true, ..EncoderSettings::default() };
        let mut encoder = Encoder::new(settings).unwrap();
        let frames = Speech::new(3, 48_000).take(48_000);
        let level = |n| AudioLevel { below_full: 20 + n as u8, voice: n == 1 };
        let packet = |(n, frame)| Outgoing {
            rtp_time: n as u32 * 5760,
            level: level(n),
            packet: encoder.encode(frame).unwrap().unwrap(),
        };
        frames.chunks_exact(5760).enumerate().map(packet).collect()
    }

    #[test]
    fn a_pair_goes_out_with_its_second_packet() {
        let said = said();
        let mut bundle = Bundle::default();
        assert_eq!(bundle.push(Some(said[0].clone()), true), None);
        let both = bundle.push(Some(said[1].clone()), true).unwrap();
        assert_eq!((both.rtp_time, both.level), (0, AudioLevel { below_full: 20, voice: true }));
        assert_eq!(following(&both.packet), Some(&said[1].packet[..]));
        assert_eq!(Decoder::samples(&both.packet), Some(5760), "by itself it is its first packet");
        assert_eq!(following(&said[0].packet), None);
        let around = both.packet.len() - said[0].packet.len() - said[1].packet.len();
        assert!(around < 10, "{around} bytes for putting two together");
    }

    #[test]
    fn nothing_is_held_back_when_silence_comes_or_pairs_end() {
        let said = said();
        let mut bundle = Bundle::default();
        bundle.push(Some(said[0].clone()), true);
        assert_eq!(bundle.push(None, true).as_ref(), Some(&said[0]), "silence is not waited out");
        assert_eq!(bundle.push(None, true), None);
        bundle.push(Some(said[2].clone()), true);
        let last = bundle.push(Some(said[3].clone()), false).unwrap();
        assert_eq!(following(&last.packet), Some(&said[3].packet[..]), "the last pair");
        assert_eq!(bundle.push(Some(said[4].clone()), false).as_ref(), Some(&said[4]));
        bundle.push(Some(said[5].clone()), true);
        bundle.forget();
        assert_eq!(bundle.push(Some(said[7].clone()), true), None, "what follows a gap is no second half");
    }

    proptest! {
        #[test]
        fn junk_harms_nobody(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            following(&bytes);
        }
    }
}
