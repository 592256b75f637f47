//! One of our own sounds: blocks in, sealed Opus out, as long as the permit lives.
//! Runs on the engine's thread.

use std::time::Duration;

use super::bundle::{Bundle, Outgoing};
use super::level::Meter;
use super::opus::{Encoder, LONGEST_PACKET, OpusError};
use super::rate::Conditions;
use super::redundancy::{Plan, Redundancy};
use super::{LocalAudio, SpeakPermit};
use crate::e2ee::{SealFrame, Sealing};
use crate::frame::{AudioBlock, AudioLevel, BLOCK, Codec, SealedFrame};
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
    bundle: Bundle,
    plan: Plan,
    muted: bool,
    rtp_time: u32,
    pending: [f32; LONGEST_PACKET],
    filled: usize,
    meter: Meter,
    /// What a better ear than the meter's found in the frame that fills.
    speaks: Option<bool>,
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
        conditions: Conditions,
    ) -> Result<Self, OpusError> {
        let plan = plan(permit.of(), conditions);
        let settings = plan.settings(bitrate, dtx);
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
            redundancy: Redundancy::new(plan),
            bundle: Bundle::default(),
            plan,
            muted: false,
            rtp_time: rtp_start,
            pending: [0.0; LONGEST_PACKET],
            filled: 0,
            meter: Meter::new(),
            speaks: None,
        })
    }

    /// Still allowed?
    #[must_use]
    pub(super) fn is_live(&self) -> bool {
        self.permit.is_live()
    }

    /// How much sound a datagram has.
    #[must_use]
    pub(super) const fn packet_length(&self) -> Duration {
        let packets = if self.plan.pairs { 2 } else { 1 };
        Duration::from_micros(packets * self.plan.frame as u64 * 1000 / 48)
    }

    /// Follows what receivers see.
    ///
    /// # Errors
    /// The encoder refused.
    pub(super) fn adapt(&mut self, conditions: Conditions) -> Result<(), OpusError> {
        let plan = plan(self.permit.of(), conditions);
        if plan == self.plan {
            return Ok(());
        }
        self.plan = plan;
        self.redundancy.follow(plan);
        self.encoder.set(plan.settings(self.bitrate, self.dtx))
    }

    /// A muted track sends nothing; what was heard before is forgotten.
    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
        if muted {
            self.drop_pending();
            self.redundancy.forget();
        }
    }

    /// Time passed without so many blocks: no microphone, or the machine slept.
    pub(super) fn skip(&mut self, blocks: u64) {
        self.drop_pending();
        // Wraps as RTP timestamps do.
        self.rtp_time = self.rtp_time.wrapping_add((blocks as u32).wrapping_mul(BLOCK as u32));
    }

    /// What is not yet a packet will never be one; its time has passed all the same.
    fn drop_pending(&mut self) {
        self.bundle.forget();
        self.rtp_time = self.rtp_time.wrapping_add(self.filled as u32);
        self.filled = 0;
    }

    /// Does somebody speak in the next block? Overrules the meter.
    pub(super) fn speaks(&mut self, speaks: bool) {
        self.speaks = Some(speaks || self.speaks == Some(true));
    }

    /// Takes a block; a frame comes out when as many are together as the plan wants.
    ///
    /// # Errors
    /// See [`Unsent`].
    pub(super) fn block(&mut self, block: &AudioBlock) -> Result<Option<SealedFrame>, Unsent> {
        if self.muted || !self.is_live() {
            self.skip(1);
            return Ok(None);
        }
        self.pending[self.filled..self.filled + BLOCK].copy_from_slice(block);
        self.filled += BLOCK;
        self.meter.push(block);
        // The plan may have become a shorter one meanwhile; what is there then goes out in the longest packet it makes.
        let whole = [1, 2, 4, 6, 12].map(|blocks| blocks * BLOCK).contains(&self.filled);
        if self.filled < self.plan.frame || !whole {
            return Ok(None);
        }
        let frame = std::mem::take(&mut self.filled);
        let rtp_time = self.rtp_time;
        self.rtp_time = rtp_time.wrapping_add(frame as u32);
        // Servers tell by the level who speaks; a film that is shown is nobody speaking.
        let measured = self.meter.take();
        let voice = self.speaks.take().unwrap_or(measured.voice);
        let level = AudioLevel { voice, ..measured };
        let packet = self.encoder.encode(&self.pending[..frame])?;
        let wrapped = packet.map(|packet| self.redundancy.wrap(packet, rtp_time));
        let next = wrapped.map(|packet| Outgoing { rtp_time, level, packet });
        let Some(Outgoing { rtp_time, level, packet }) = self.bundle.push(next, self.plan.pairs) else {
            return Ok(None);
        };
        let level = Some(level).filter(|_| self.permit.of() != LocalAudio::Screen);
        let data = self.sealing.protect(Codec::Opus, &packet)?;
        Ok(Some(SealedFrame { codec: Codec::Opus, rtp_time, key: true, level, data }))
    }
}

fn plan(what: LocalAudio, conditions: Conditions) -> Plan {
    match what {
        LocalAudio::Microphone | LocalAudio::Megaphone => Plan::of(conditions),
        LocalAudio::Screen => Plan::music(conditions),
    }
}
