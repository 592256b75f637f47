//! Reads a recording for a simulated colleague: PCM WAV, 16 bit, as samples at 48 kHz.
//! Values only; a file that is not one is an error in words.

use media_core::frame::SAMPLE_RATE;

/// Why a file is not a recording we can play.
#[derive(Debug, thiserror::Error)]
pub enum ReadWav {
    /// Not RIFF/WAVE.
    #[error("not a WAV file")]
    NotWav,
    /// The file ends in the middle of something.
    #[error("the file is cut")]
    Cut,
    /// Compressed, or not 16 bit.
    #[error("only uncompressed 16 bit sound can be played")]
    Format,
}

/// Samples at 48 kHz, mono, -1.0 to 1.0. Other rates are interpolated in a straight line, which is enough for speech.
///
/// # Errors
/// Not such a file.
pub fn read(bytes: &[u8]) -> Result<Vec<f32>, ReadWav> {
    if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"WAVE" {
        return Err(ReadWav::NotWav);
    }
    let mut format = None;
    let mut rest = &bytes[12..];
    while rest.len() >= 8 {
        let (head, body) = rest.split_at(8);
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let chunk = body.get(..length).ok_or(ReadWav::Cut)?;
        match &head[..4] {
            b"fmt " => format = Some(Format::read(chunk)?),
            b"data" => return Ok(format.ok_or(ReadWav::Format)?.samples(chunk)),
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body.get(length + length % 2..).unwrap_or_default();
    }
    Err(ReadWav::Cut)
}

struct Format {
    channels: usize,
    rate: u32,
}

impl Format {
    fn read(chunk: &[u8]) -> Result<Self, ReadWav> {
        if chunk.len() < 16 {
            return Err(ReadWav::Cut);
        }
        let word = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
        let rate = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let (tag, channels, bits) = (word(0), word(2), word(14));
        if tag != 1 || bits != 16 || !(1..=8).contains(&channels) || !(8_000..=192_000).contains(&rate) {
            return Err(ReadWav::Format);
        }
        Ok(Self { channels: usize::from(channels), rate })
    }

    fn samples(&self, data: &[u8]) -> Vec<f32> {
        let mono: Vec<f32> = data
            .chunks_exact(2 * self.channels)
            .map(|frame| {
                let sum: f32 = frame.chunks_exact(2).map(|s| f32::from(i16::from_le_bytes([s[0], s[1]]))).sum();
                sum / self.channels as f32 / 32_768.0
            })
            .collect();
        if self.rate == SAMPLE_RATE || mono.is_empty() {
            return mono;
        }
        let step = f64::from(self.rate) / f64::from(SAMPLE_RATE);
        let length = (mono.len() as f64 / step) as usize;
        (0..length)
            .map(|n| {
                let at = n as f64 * step;
                let (left, part) = (at as usize, at.fract() as f32);
                let right = (left + 1).min(mono.len() - 1);
                mono[left] * (1.0 - part) + mono[right] * part
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(b"RIFF\0\0\0\0WAVEfmt ");
        bytes.extend(16_u32.to_le_bytes());
        bytes.extend([1, 0, 1, 0]);
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 2).to_le_bytes());
        bytes.extend([2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(u32::try_from(samples.len() * 2).unwrap().to_le_bytes());
        bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        bytes
    }

    #[test]
    fn a_recording_comes_out_at_48_khz() {
        let read = read(&wav(16_000, &[0, 16_384, 0, -16_384])).unwrap();
        assert_eq!(read.len(), 12);
        assert!((read[3] - 0.5).abs() < 1e-6, "every third sample is the recorded one");
    }

    #[test]
    fn a_cut_file_is_an_error_at_every_length() {
        let whole = wav(48_000, &[1, 2, 3, 4]);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} bytes of {} must not pass", whole.len());
        }
        assert_eq!(read(&whole).unwrap().len(), 4);
    }
}
