//! Opus (RFC 6716): mono 48 kHz, 20 ms frames out; any packet of at most 120 ms in, with concealment and error
//! correction. Runs on the engine's thread; pure.

use bytes::Bytes;
use opus::{Application, Bitrate as OpusBitrate, Channels, Signal};

use crate::frame::SAMPLE_RATE;
use crate::time::Bitrate;

/// Samples of one packet we send: 20 ms.
pub const PACKET_SAMPLES: usize = 960;
/// Samples of the longest packet there is: 120 ms.
const MAX_SAMPLES: usize = 5760;
/// Bytes of a packet we make, at most; far more than 510 kbit/s needs.
const MAX_BYTES: usize = 1275;

/// Why sound was not encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// The library refused, in its words.
    #[error("opus failed: {0}")]
    Failed(&'static str),
}

fn failed(error: &opus::Error) -> OpusError {
    OpusError::Failed(error.description())
}

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSettings {
    /// 6 to 510 kbit/s; 32 is usual.
    pub bitrate: Bitrate,
    /// Packets the encoder should expect to be lost, in percent: how much error correction it adds.
    pub loss_percent: u8,
    /// Send nothing during silence?
    pub dtx: bool,
}

impl Default for EncoderSettings {
    fn default() -> Self {
        Self { bitrate: Bitrate::kbps(32), loss_percent: 10, dtx: false }
    }
}

/// An encoder for one track.
pub struct Encoder {
    inner: opus::Encoder,
    out: Vec<u8>,
}

impl Encoder {
    /// An encoder.
    ///
    /// # Errors
    /// The library refused a setting.
    pub fn new(settings: EncoderSettings) -> Result<Self, OpusError> {
        let make = || -> opus::Result<opus::Encoder> {
            let mut inner = opus::Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip)?;
            let bits = i32::try_from(settings.bitrate.0.clamp(6_000, 510_000)).unwrap_or(32_000);
            inner.set_bitrate(OpusBitrate::Bits(bits))?;
            inner.set_vbr(true)?;
            inner.set_signal(Signal::Voice)?;
            inner.set_complexity(9)?;
            inner.set_inband_fec(true)?;
            inner.set_packet_loss_perc(i32::from(settings.loss_percent.min(100)))?;
            inner.set_dtx(settings.dtx)?;
            Ok(inner)
        };
        Ok(Self { inner: make().map_err(|e| failed(&e))?, out: vec![0; MAX_BYTES] })
    }

    /// Encodes 20 ms; `None` when silence need not be sent.
    ///
    /// # Errors
    /// The library refused.
    pub fn encode(&mut self, samples: &[f32; PACKET_SAMPLES]) -> Result<Option<Bytes>, OpusError> {
        let len = self.inner.encode_float(samples, &mut self.out).map_err(|e| failed(&e))?;
        // RFC 6716 section 2.1.9: a packet of two bytes or less need not be sent.
        Ok((len > 2).then(|| Bytes::copy_from_slice(&self.out[..len])))
    }
}

/// A decoder for one track.
pub struct Decoder {
    inner: opus::Decoder,
    out: Vec<f32>,
}

impl Decoder {
    /// A decoder.
    ///
    /// # Errors
    /// The library refused.
    pub fn new() -> Result<Self, OpusError> {
        let inner = opus::Decoder::new(SAMPLE_RATE, Channels::Mono).map_err(|e| failed(&e))?;
        Ok(Self { inner, out: vec![0.0; MAX_SAMPLES] })
    }

    /// Samples in a packet; `None` when it is not Opus.
    #[must_use]
    pub fn samples(packet: &[u8]) -> Option<usize> {
        if packet.is_empty() {
            return None;
        }
        opus::packet::get_nb_samples(packet, SAMPLE_RATE).ok().filter(|n| (1..=MAX_SAMPLES).contains(n))
    }

    /// Decodes a packet; stereo is mixed down.
    ///
    /// # Errors
    /// The packet is malformed.
    pub fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError> {
        // An empty input would mean "lost" to the library.
        if packet.is_empty() {
            return Err(OpusError::Failed("empty packet"));
        }
        let n = self.inner.decode_float(packet, &mut self.out, false).map_err(|e| failed(&e))?;
        Ok(&self.out[..n])
    }

    /// Restores the packet before `next` from the error correction in it, or makes it up when there is none.
    ///
    /// # Errors
    /// The packet is malformed.
    pub fn restore(&mut self, next: &[u8], samples: usize) -> Result<&[f32], OpusError> {
        let samples = whole(samples);
        let n = self.inner.decode_float(next, &mut self.out[..samples], true).map_err(|e| failed(&e))?;
        Ok(&self.out[..n])
    }

    /// Makes up what is missing.
    ///
    /// # Errors
    /// The library refused.
    pub fn conceal(&mut self, samples: usize) -> Result<&[f32], OpusError> {
        let samples = whole(samples);
        let n = self.inner.decode_float(&[], &mut self.out[..samples], false).map_err(|e| failed(&e))?;
        Ok(&self.out[..n])
    }
}

/// The library makes up whole multiples of 2.5 ms only.
fn whole(samples: usize) -> usize {
    (samples / 120).clamp(1, MAX_SAMPLES / 120) * 120
}

#[cfg(test)]
mod tests;
