//! Reads from an H.264 sequence parameter set (ITU-T H.264 7.3.2.1.1) how large its pictures will be, so that a stream
//! from outside is refused before a decoder allocates for it.
//! Pure functions over bytes from outside: no panic for any input, no allocation.

use crate::frame::Size;

/// Longest and shortest side taken, in either direction: level 5.2 and twice what we send.
pub const MAX_SIDES: (u32, u32) = (4096, 2304);
/// Macroblocks a decoder may keep for reference: `MaxDpbMbs` of level 5.2 (Table A-1).
const MAX_KEPT_BLOCKS: u32 = 184_320;
/// Reference pictures the standard allows (7.4.2.1.1, `MaxDpbFrames`).
const MAX_REFERENCES: u32 = 16;
/// Profiles whose set says how colour is sampled (7.3.2.1.1).
const WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Why a sequence parameter set is not one to decode with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadSps {
    /// Cut, or with a value that the standard forbids.
    #[error("a sequence parameter set is malformed")]
    Malformed,
    /// Interlaced, or other than 8 bits 4:2:0: nothing in a meeting is.
    #[error("pictures of a kind that is not decoded")]
    Kind,
    /// Over [`MAX_SIDES`], in pixels.
    #[error("pictures of {0} x {1} are too large")]
    TooLarge(u32, u32),
    /// More reference pictures than level 5.2 lets a decoder keep.
    #[error("{0} reference pictures are too many")]
    References(u32),
}

/// Size of the pictures, as shown. `nal` is a whole NAL unit of type 7 or 15, its header byte included.
///
/// # Errors
/// See [`ReadSps`].
pub fn picture_size(nal: &[u8]) -> Result<Size, ReadSps> {
    let [_, profile, _constraints, _level, rest @ ..] = nal else { return Err(ReadSps::Malformed) };
    let mut bits = Bits::new(rest);
    bits.number_to(31)?; // seq_parameter_set_id
    if WITH_CHROMA.contains(profile) {
        chroma(&mut bits)?;
    }
    bits.number_to(12)?; // log2_max_frame_num_minus4
    picture_order(&mut bits)?;
    let references = bits.number_to(MAX_REFERENCES)?;
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    let limit = MAX_SIDES.0 / 16;
    let (columns, rows) = (bits.number()?.saturating_add(1), bits.number()?.saturating_add(1));
    if !bits.bit()? {
        return Err(ReadSps::Kind); // frame_mbs_only_flag
    }
    let (width, height) = (columns.saturating_mul(16), rows.saturating_mul(16));
    if columns.max(rows) > limit || width.min(height) > MAX_SIDES.1 {
        return Err(ReadSps::TooLarge(width, height));
    }
    if references * columns * rows > MAX_KEPT_BLOCKS {
        return Err(ReadSps::References(references));
    }
    bits.bit()?; // direct_8x8_inference_flag
    let (mut shown_width, mut shown_height) = (width, height);
    if bits.bit()? {
        // In units of two pixels, since colour is sampled 4:2:0 (7-19 to 7-22).
        let [left, right, top, bottom] = [bits.number()?, bits.number()?, bits.number()?, bits.number()?];
        shown_width = cropped(width, left, right)?;
        shown_height = cropped(height, top, bottom)?;
    }
    bits.bit()?; // vui_parameters_present_flag: what follows does not change the size
    Ok(Size { width: shown_width, height: shown_height })
}

fn cropped(side: u32, before: u32, after: u32) -> Result<u32, ReadSps> {
    let away = before.checked_add(after).and_then(|units| units.checked_mul(2)).ok_or(ReadSps::Malformed)?;
    side.checked_sub(away).filter(|left| *left > 0).ok_or(ReadSps::Malformed)
}

fn chroma(bits: &mut Bits<'_>) -> Result<(), ReadSps> {
    if bits.number()? != 1 {
        return Err(ReadSps::Kind); // chroma_format_idc
    }
    if bits.number()? != 0 || bits.number()? != 0 {
        return Err(ReadSps::Kind); // bit depths over 8
    }
    bits.bit()?; // qpprime_y_zero_transform_bypass_flag
    if bits.bit()? {
        for list in 0..8 {
            if bits.bit()? {
                skip_scaling(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok(())
}

/// 7.3.2.1.1.1.
fn skip_scaling(bits: &mut Bits<'_>, entries: u32) -> Result<(), ReadSps> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..entries {
        if next != 0 {
            let delta = bits.signed()?;
            if !(-128..=127).contains(&delta) {
                return Err(ReadSps::Malformed);
            }
            next = (last + delta).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn picture_order(bits: &mut Bits<'_>) -> Result<(), ReadSps> {
    match bits.number_to(2)? {
        0 => {
            bits.number_to(12)?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.bit()?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.number_to(255)? {
                bits.signed()?;
            }
        }
        _two => {}
    }
    Ok(())
}

/// Bits of a NAL unit without its emulation prevention bytes (7.4.1.1).
struct Bits<'a> {
    rest: std::slice::Iter<'a, u8>,
    zeros: u8,
    byte: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.iter(), zeros: 0, byte: 0, left: 0 }
    }

    fn next_byte(&mut self) -> Result<u8, ReadSps> {
        let mut byte = *self.rest.next().ok_or(ReadSps::Malformed)?;
        if self.zeros == 2 {
            match byte {
                3 => {
                    self.zeros = 0;
                    byte = *self.rest.next().ok_or(ReadSps::Malformed)?;
                    if byte > 3 {
                        return Err(ReadSps::Malformed);
                    }
                }
                // Three zeros, a start code or a forbidden sequence: not inside a unit.
                0..=2 => return Err(ReadSps::Malformed),
                4.. => {}
            }
        }
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        Ok(byte)
    }

    fn bit(&mut self) -> Result<bool, ReadSps> {
        if self.left == 0 {
            self.byte = self.next_byte()?;
            self.left = 8;
        }
        self.left -= 1;
        Ok(self.byte >> self.left & 1 == 1)
    }

    /// ue(v) (9.1): up to 2^32 - 2.
    fn number(&mut self) -> Result<u32, ReadSps> {
        let mut length = 0_u32;
        while !self.bit()? {
            length += 1;
            if length > 31 {
                return Err(ReadSps::Malformed);
            }
        }
        let mut suffix = 0_u32;
        for _ in 0..length {
            suffix = suffix << 1 | u32::from(self.bit()?);
        }
        Ok((1_u32 << length) - 1 + suffix)
    }

    fn number_to(&mut self, most: u32) -> Result<u32, ReadSps> {
        self.number().and_then(|n| if n <= most { Ok(n) } else { Err(ReadSps::Malformed) })
    }

    /// se(v) (9.1.1).
    fn signed(&mut self) -> Result<i32, ReadSps> {
        let code = self.number()?;
        let half = i32::try_from(code.div_ceil(2)).map_err(|_| ReadSps::Malformed)?;
        Ok(if code % 2 == 1 { half } else { -half })
    }
}

#[cfg(test)]
mod tests;
