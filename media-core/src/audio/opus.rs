//! Opus (RFC 6716): mono 48 kHz, frames of 10 to 120 ms out; any packet of at most 120 ms in, with concealment and error
//! correction. Runs on the engine's thread; pure.

use bytes::Bytes;
use libopus::{Dred, Refused, packet};

use crate::time::Bitrate;

/// Samples of the usual packet: 20 ms.
pub const PACKET_SAMPLES: usize = 960;
/// Samples of the longest packet we send: 120 ms.
pub const LONGEST_PACKET: usize = 6 * PACKET_SAMPLES;
/// Bytes of a packet we make, at most; far more than 510 kbit/s needs.
const MAX_BYTES: usize = 1275;
/// A second.
const MAX_DRED: u8 = 100;
/// Losses made up by a neural network, speech of few bits enhanced by one (NoLACE): six times the cost of decoding.
const ENHANCED: i32 = 10;
/// Losses made up by a neural network.
const PLAIN: i32 = 5;

/// Why sound was not encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// The library refused, in its words.
    #[error("opus failed: {0}")]
    Failed(&'static str),
}

impl From<Refused> for OpusError {
    fn from(Refused(why): Refused) -> Self {
        Self::Failed(why)
    }
}

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSettings {
    /// 5 to 510 kbit/s; 32 is usual.
    pub bitrate: Bitrate,
    /// Packets the encoder should expect to be lost, in percent: how much error correction it adds.
    pub loss_percent: u8,
    /// Send nothing during silence?
    pub dtx: bool,
    /// Add a rough copy of each frame to the next one (in-band error correction)? Every receiver can use it; it costs a
    /// third of the bits.
    pub fec: bool,
    /// How much of its past each packet describes (DRED), in units of 10 ms, 0 to 100.
    pub dred: u8,
    /// All packets of one length, however much is said in them? On a link that is full long ones would stand in a queue.
    pub constant: bool,
}

impl Default for EncoderSettings {
    fn default() -> Self {
        Self { bitrate: Bitrate::kbps(32), loss_percent: 10, dtx: false, fec: true, dred: 0, constant: false }
    }
}

/// An encoder for one track.
pub struct Encoder {
    inner: libopus::Encoder,
    out: Vec<u8>,
}

impl Encoder {
    /// An encoder.
    ///
    /// # Errors
    /// The library refused a setting.
    pub fn new(settings: EncoderSettings) -> Result<Self, OpusError> {
        let mut encoder = Self { inner: libopus::Encoder::speech()?, out: vec![0; MAX_BYTES] };
        encoder.set(settings)?;
        Ok(encoder)
    }

    /// An encoder for any sound, not only speech.
    ///
    /// # Errors
    /// The library refused a setting.
    pub fn music(settings: EncoderSettings) -> Result<Self, OpusError> {
        let mut encoder = Self { inner: libopus::Encoder::music()?, out: vec![0; MAX_BYTES] };
        encoder.set(settings)?;
        Ok(encoder)
    }

    /// Encodes otherwise from the next packet on.
    ///
    /// # Errors
    /// The library refused a setting.
    pub fn set(&mut self, settings: EncoderSettings) -> Result<(), OpusError> {
        let bits = i32::try_from(settings.bitrate.0.clamp(5_000, 510_000)).unwrap_or(32_000);
        self.inner.set_bitrate(bits)?;
        self.inner.set_constant(settings.constant)?;
        self.inner.set_loss_percent(i32::from(settings.loss_percent.min(100)))?;
        self.inner.set_inband_fec(settings.fec)?;
        self.inner.set_dred(i32::from(settings.dred.min(MAX_DRED)))?;
        self.inner.set_dtx(settings.dtx)?;
        Ok(())
    }

    /// Encodes 10, 20, 40, 60 or 120 ms; `None` when silence need not be sent.
    ///
    /// # Errors
    /// Another length, or the library refused.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Option<Bytes>, OpusError> {
        let len = self.inner.encode(samples, &mut self.out)?;
        // RFC 6716 section 2.1.9: a packet of two bytes or less need not be sent.
        Ok((len > 2).then(|| Bytes::copy_from_slice(&self.out[..len])))
    }
}

/// A decoder for one track.
pub struct Decoder {
    inner: libopus::Decoder,
    enhanced: bool,
    dred: Dred,
    out: Vec<f32>,
}

impl Decoder {
    /// A decoder.
    ///
    /// # Errors
    /// The library refused.
    pub fn new() -> Result<Self, OpusError> {
        let mut inner = libopus::Decoder::new()?;
        inner.set_complexity(ENHANCED)?;
        Ok(Self { inner, enhanced: true, dred: Dred::new()?, out: vec![0.0; packet::MAX_SAMPLES] })
    }

    /// Is speech of few bits enhanced? It is at first. It may begin at any time, the library fades it in; it ends at once,
    /// so let it end in a pause.
    ///
    /// # Errors
    /// The library refused.
    pub fn enhance(&mut self, enhanced: bool) -> Result<(), OpusError> {
        if self.enhanced != enhanced {
            self.inner.set_complexity(if enhanced { ENHANCED } else { PLAIN })?;
            self.enhanced = enhanced;
        }
        Ok(())
    }

    /// Samples in a packet; `None` when it is not Opus.
    #[must_use]
    pub fn samples(packet: &[u8]) -> Option<usize> {
        packet::samples(packet)
    }

    /// Decodes a packet; stereo is mixed down.
    ///
    /// # Errors
    /// The packet is malformed.
    pub fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError> {
        let n = self.inner.decode(packet, &mut self.out)?;
        Ok(&self.out[..n])
    }

    /// Restores `samples` of sound that began `before` samples ahead of `next`: from what `next` tells of its past, else
    /// from the rough copy of the sound just before it, else made up.
    ///
    /// # Errors
    /// The packet is malformed.
    pub fn restore(&mut self, next: &[u8], before: usize, samples: usize) -> Result<&[f32], OpusError> {
        let out = &mut self.out[..whole(samples)];
        let reach = self.dred.read(next)?;
        let n = if before <= reach && reach > 0 {
            self.inner.describe(&self.dred, before, out)?
        } else if before <= out.len() {
            self.inner.restore(next, out)?
        } else {
            self.inner.conceal(out)?
        };
        Ok(&self.out[..n])
    }

    /// Makes up what is missing.
    ///
    /// # Errors
    /// The library refused.
    pub fn conceal(&mut self, samples: usize) -> Result<&[f32], OpusError> {
        let out = &mut self.out[..whole(samples)];
        let n = self.inner.conceal(out)?;
        Ok(&self.out[..n])
    }
}

/// The library makes up whole multiples of 2.5 ms only.
fn whole(samples: usize) -> usize {
    (samples / 120).clamp(1, packet::MAX_SAMPLES / 120) * 120
}

#[cfg(test)]
mod tests;
