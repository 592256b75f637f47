//! Frames of text inside H.264: a picture of 16 x 16 grey samples, and behind its slice the text as filler data (ITU-T H.264
//! 7.4.1), which every other decoder throws away. Behind it, because a seal leaves everything up to the slice clear.
//! Pure; bytes from outside never panic.

use bytes::Bytes;

use crate::e2ee::{escape_after, unescaped_after};
use crate::frame::{Picture, Size};
use crate::time::{Bitrate, MediaTime};
use crate::video::annexb::{self, START_CODE};
use crate::video::codec::{CodecError, Encoded, Encoder as _};
use crate::video::h264::{Content, Encoder};

/// Filler data; the only unit that may stand there.
const FILLER: u8 = 12;
/// Says that it is ours.
const OURS: [u8; 16] = *b"Shoji text v1 \x9e\xc1";
/// The picture nobody looks at.
const GREY: Size = Size { width: 16, height: 16 };

/// Wraps the frames of one track.
pub(super) struct Envelopes {
    encoder: Encoder,
    picture: Option<Picture>,
}

impl Envelopes {
    /// Its first frame is a key frame.
    pub(super) fn new() -> Result<Self, CodecError> {
        let picture = Picture::new(GREY, Bytes::from(vec![128; GREY.i420_len()]), MediaTime::ZERO);
        Ok(Self { encoder: Encoder::new(Content::Camera, 30, Bitrate::kbps(1000))?, picture })
    }

    /// A frame of text as an H.264 access unit; `None` when the encoder left the picture out.
    pub(super) fn wrap(&mut self, text: &[u8], key: bool) -> Result<Option<Encoded>, CodecError> {
        let Some(picture) = &self.picture else { return Ok(None) };
        let Some(Encoded { key, data }) = self.encoder.encode(picture, key)? else { return Ok(None) };
        let mut out = Vec::with_capacity(data.len() + text.len() + text.len() / 100 + 64);
        out.extend_from_slice(&data);
        out.extend_from_slice(&START_CODE);
        let from = out.len();
        out.push(FILLER);
        out.extend_from_slice(&OURS);
        out.extend_from_slice(text);
        // The end of the unit: a one, and zeros up to the byte.
        out.push(0x80);
        escape_after(&mut out, from);
        Ok(Some(Encoded { key, data: out.into() }))
    }
}

/// The text in an access unit, if it carries any.
pub(super) fn unwrap(unit: &[u8]) -> Option<Vec<u8>> {
    let filler = annexb::nals(unit).find(|nal| nal.kind(unit) == Some(FILLER))?;
    let plain = unescaped_after(&unit[filler.start..filler.end], 0);
    let text = plain.get(1..)?.strip_prefix(&OURS)?;
    // Without its end it is not whole.
    text.strip_suffix(&[0x80]).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Codec, EncodedFrame};
    use crate::video::codec::Decoder as _;
    use crate::video::h264::Decoder;

    #[test]
    fn text_comes_out_as_it_went_in_whatever_is_in_it() {
        let mut envelopes = Envelopes::new().unwrap();
        for text in
            [vec![], vec![0; 300], vec![0, 0, 1, 0, 0, 3, 0, 0], (0..=255).cycle().take(70_000).collect::<Vec<u8>>()]
        {
            let unit = envelopes.wrap(&text, false).unwrap().unwrap();
            assert_eq!(unwrap(&unit.data).as_ref(), Some(&text));
        }
    }

    #[test]
    fn other_decoders_see_a_small_grey_picture() {
        let mut envelopes = Envelopes::new().unwrap();
        let mut decoder = Decoder::new().unwrap();
        let mut seen = 0;
        for count in 0..50 {
            let unit = envelopes.wrap(b"text", count == 20).unwrap().unwrap();
            assert_eq!(unit.key, count == 0 || count == 20);
            assert!(unit.data.len() < 120, "{} bytes around four", unit.data.len());
            let frame = EncodedFrame { codec: Codec::H264, rtp_time: 0, key: unit.key, data: unit.data };
            let picture = decoder.decode(&frame, MediaTime::ZERO).expect("nothing is wrong with it");
            seen += usize::from(picture.is_some_and(|picture| picture.size() == GREY));
        }
        assert!(seen >= 48, "{seen} pictures of 50");
    }

    #[test]
    fn nothing_else_is_taken_for_text() {
        let unit = Envelopes::new().unwrap().wrap(&[7; 600], false).unwrap().unwrap().data;
        for length in 0..unit.len() {
            assert_eq!(unwrap(&unit[..length]), None, "all of it or nothing");
        }
        assert_eq!(unwrap(&[0, 0, 0, 1, 12, 255, 255, 255, 0x80]), None, "somebody else's");
        assert_eq!(unwrap(&[0, 0, 0, 1, 0x65, 1, 2]), None);
    }
}
