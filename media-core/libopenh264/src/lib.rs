//! What the safe wrapper of openh264 leaves out, made safe: another bit rate while the encoder runs. Used by `media-core`,
//! which has no `unsafe` code of its own.
//!
//! Without it a new bit rate needs a new encoder, which starts with a key frame: on a link that just became narrow that is
//! the worst moment for one.

use std::ffi::c_int;
use std::ptr::from_mut;

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, LAYER_NUM, SBitrateInfo, SPATIAL_LAYER_0,
    SPATIAL_LAYER_ALL,
};

/// The library refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("openh264 refused another bit rate: {0}")]
pub struct Refused(pub c_int);

/// From the next picture on the encoder aims at `bits`; no key frame comes of it. `before` is what it aims at now.
/// The encoder must have encoded a picture already: before that it has no rate to change.
///
/// # Errors
/// It never encoded anything, or the number makes no sense to it.
pub fn set_bitrate(encoder: &mut Encoder, before: u32, bits: u32) -> Result<(), Refused> {
    // It refuses a rate above its limit, and a limit below its rate: first both fit below the limit, then neither is loose.
    limit(encoder, before.max(bits))?;
    set(encoder, ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL, bits)?;
    limit(encoder, bits)
}

/// A quarter above the rate: a limit equal to the rate keeps it from reaching the rate.
fn limit(encoder: &mut Encoder, bits: u32) -> Result<(), Refused> {
    set(encoder, ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0, bits.saturating_add(bits / 4))
}

fn set(encoder: &mut Encoder, option: ENCODER_OPTION, layer: LAYER_NUM, bits: u32) -> Result<(), Refused> {
    let bits = c_int::try_from(bits).unwrap_or(c_int::MAX);
    let mut info = SBitrateInfo { iLayer: layer, iBitrate: bits };
    // SAFETY: both options take a `SBitrateInfo`, which is read during the call and not kept. An encoder that is not
    // initialised answers with an error. Nothing the wrapper itself relies on (size, number of layers) is changed.
    let answer = unsafe { encoder.raw_api().set_option(option, from_mut(&mut info).cast()) };
    if answer == 0 { Ok(()) } else { Err(Refused(answer)) }
}

#[cfg(test)]
mod tests {
    use openh264::OpenH264API;
    use openh264::encoder::{BitRate, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, RateControlMode};
    use openh264::formats::YUVSlices;

    use super::*;

    fn encoder() -> Encoder {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(1_000_000))
            .max_frame_rate(FrameRate::from_hz(30.0))
            .rate_control_mode(RateControlMode::Bitrate)
            // All of it is new all the time.
            .scene_change_detect(false)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .skip_frames(true);
        Encoder::with_api_config(OpenH264API::from_source(), config).unwrap()
    }

    /// Bits of a second of squares that change all the time, and whether a key frame was among it.
    fn second(encoder: &mut Encoder, seed: &mut u32) -> (usize, bool) {
        let (mut bytes, mut key) = (0, false);
        for _ in 0..30 {
            let squares: Vec<u8> = (0..40 * 23)
                .map(|_| {
                    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (*seed >> 25) as u8 + 60
                })
                .collect();
            let y: Vec<u8> = (0..320 * 180).map(|at| squares[at / 320 / 8 * 40 + at % 320 / 8]).collect();
            let grey = vec![128; 160 * 90];
            let out = encoder.encode(&YUVSlices::new((&y, &grey, &grey), (320, 180), (320, 160, 160))).unwrap();
            key |= out.frame_type() == FrameType::IDR;
            bytes += out.to_vec().len();
        }
        (bytes * 8, key)
    }

    #[test]
    fn the_rate_follows_at_once_and_costs_no_key_frame() {
        let (mut encoder, mut seed) = (encoder(), 1);
        assert!(second(&mut encoder, &mut seed).1, "the first one");
        set_bitrate(&mut encoder, 1_000_000, 200_000).unwrap();
        second(&mut encoder, &mut seed);
        let (low, key) = second(&mut encoder, &mut seed);
        assert!(!key && low < 350_000, "{low} bits");
        set_bitrate(&mut encoder, 200_000, 2_000_000).unwrap();
        second(&mut encoder, &mut seed);
        let (high, key) = second(&mut encoder, &mut seed);
        assert!(!key && high > low * 3, "{high} bits");
    }

    #[test]
    fn an_encoder_that_never_ran_has_no_rate_to_change() {
        assert!(set_bitrate(&mut encoder(), 1_000_000, 200_000).is_err());
    }
}
