//! Which encoder a track gets: the first of the list that takes it. An encoder of the hardware goes in front of the one that
//! is always there; what it cannot do (a content, a size, one more instance) it refuses when it is asked.

use super::codec::{CodecError, Encoder};
use super::h264::{self, Content};
use crate::time::Bitrate;

/// Makes an encoder for content, pictures a second and a bit rate.
type Open = fn(Content, u32, Bitrate) -> Result<Box<dyn Encoder>, CodecError>;

/// In the order they are tried. All make the same: H.264 constrained baseline, one slice a picture, Annex B.
const ENCODERS: &[(&str, Open)] = &[("openh264", openh264)];

fn openh264(content: Content, fps: u32, bitrate: Bitrate) -> Result<Box<dyn Encoder>, CodecError> {
    Ok(Box::new(h264::Encoder::new(content, fps, bitrate)?))
}

/// The first encoder that starts.
///
/// # Errors
/// None did; the last one's reason.
pub fn open(content: Content, fps: u32, bitrate: Bitrate) -> Result<Box<dyn Encoder>, CodecError> {
    let mut why = CodecError::Failed("there is no encoder".to_owned());
    for (name, open) in ENCODERS {
        match open(content, fps, bitrate) {
            Ok(encoder) => return Ok(encoder),
            Err(error) => {
                tracing::info!(name, %error, "an encoder does not start");
                why = error;
            }
        }
    }
    Err(why)
}
