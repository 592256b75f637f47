//! One of our own sounds: blocks in, sealed Opus out, as long as the permit lives.
//! Runs on the engine's thread.

use super::level::Meter;
use super::opus::{Encoder, OpusError, PACKET_SAMPLES};
use super::redundancy::{Plan, Redundancy};
use super::{LocalAudio, SpeakPermit};
use crate::e2ee::{SealFrame, Sealing};
use crate::frame::{AudioBlock, BLOCK, Codec, SealedFrame};
use crate::receive::loss::Loss;
use crate::time::Bitrate;

/// Why a frame was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsent {
    /// It could not be encoded.
    #[error(transparent)]
    Encode(#[from] OpusError),
    /// It could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealFrame),
}

/// A local track.
pub(super) struct Local {
    permit: SpeakPermit,
    sealing: Sealing,
    /// What may be spent on a frame, and whether silence is sent.
    bitrate: Bitrate,
    dtx: bool,
    encoder: Encoder,
    redundancy: Redundancy,
    muted: bool,
    rtp_time: u32,
    pending: [f32; PACKET_SAMPLES],
    filled: usize,
    meter: Meter,
}

impl Local {
    /// A track that is not muted.
    ///
    /// # Errors
    /// The encoder did not start.
    pub(super) fn new(
        permit: SpeakPermit,
        sealing: Sealing,
        bitrate: Bitrate,
        dtx: bool,
        rtp_start: u32,
        loss: Loss,
    ) -> Result<Self, OpusError> {
        let plan = plan(permit.of(), loss);
        let mut redundancy = Redundancy::new();
        redundancy.follow(plan);
        let settings = plan.settings(bitrate, loss, dtx);
        let encoder = match permit.of() {
            LocalAudio::Microphone | LocalAudio::Megaphone => Encoder::new(settings)?,
            LocalAudio::Screen => Encoder::music(settings)?,
        };
        Ok(Self {
            permit,
            sealing,
            bitrate,
            dtx,
            encoder,
            redundancy,
            muted: false,
            rtp_time: rtp_start,
            pending: [0.0; PACKET_SAMPLES],
            filled: 0,
            meter: Meter::new(),
        })
    }

    /// Still allowed?
    #[must_use]
    pub(super) fn is_live(&self) -> bool {
        self.permit.is_live()
    }

    /// Follows what receivers see.
    ///
    /// # Errors
    /// The encoder refused.
    pub(super) fn adapt(&mut self, loss: Loss) -> Result<(), OpusError> {
        let plan = plan(self.permit.of(), loss);
        self.redundancy.follow(plan);
        self.encoder.set(plan.settings(self.bitrate, loss, self.dtx))
    }

    /// A muted track sends nothing; what was heard before is forgotten.
    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
        if muted {
            self.filled = 0;
            self.redundancy.forget();
        }
    }

    /// Time passed without a block: no microphone.
    pub(super) const fn skip(&mut self) {
        self.rtp_time = self.rtp_time.wrapping_add(BLOCK as u32);
        self.filled = 0;
    }

    /// Takes a block; a frame comes out of every second one.
    ///
    /// # Errors
    /// See [`Unsent`].
    pub(super) fn block(&mut self, block: &AudioBlock) -> Result<Option<SealedFrame>, Unsent> {
        if self.muted || !self.is_live() {
            self.skip();
            return Ok(None);
        }
        self.pending[self.filled..self.filled + BLOCK].copy_from_slice(block);
        self.filled += BLOCK;
        self.meter.push(block);
        if self.filled < PACKET_SAMPLES {
            return Ok(None);
        }
        self.filled = 0;
        let rtp_time = self.rtp_time;
        self.rtp_time = rtp_time.wrapping_add(PACKET_SAMPLES as u32);
        // Servers tell by the level who speaks; a film that is shown is nobody speaking.
        let level = Some(self.meter.take()).filter(|_| self.permit.of() != LocalAudio::Screen);
        let Some(packet) = self.encoder.encode(&self.pending)? else { return Ok(None) };
        let packet = self.redundancy.wrap(packet, rtp_time);
        let data = self.sealing.protect(Codec::Opus, &packet)?;
        Ok(Some(SealedFrame { codec: Codec::Opus, rtp_time, key: true, level, data }))
    }
}

fn plan(what: LocalAudio, loss: Loss) -> Plan {
    match what {
        LocalAudio::Microphone | LocalAudio::Megaphone => Plan::of(loss),
        LocalAudio::Screen => Plan::music(loss),
    }
}
