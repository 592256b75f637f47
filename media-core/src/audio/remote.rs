//! One remote sound: opened, put in order, decoded, played at the engine's pace.
//! Runs on the engine's thread; pure and bounded.

use bytes::Bytes;
use libopus::packet;

use super::level::{Meter, is_quiet};
use super::mix::{Mix, Place};
use super::opus::{Decoder, OpusError};
use super::parity::Mender;
use super::player::Player;
use super::rate::Report;
use super::standing::Standing;
use super::{Pan, RemoteAudio, RemoteStats, bundle, redundancy};
use crate::e2ee::{OpenFrame, Opening};
use crate::frame::{AudioBlock, AudioLevel, BLOCK, Codec};
use crate::receive::TrackState;
use crate::receive::jitter::Carried;
use crate::receive::reorder::Unwrap;
use crate::rtp::{MTU, Packet};
use crate::time::{Bitrate, MediaTime};

/// Packets that sums bring are of so many packets before the last one that brought any.
const MAX_BACK: u16 = 48;

/// Bytes of a packet on the wire besides its sealed frame: IPv4, UDP, RTP with the level's extension, SRTP's tag.
const HEADERS: usize = 20 + 8 + 20 + 16;

/// A remote sound.
pub(super) struct Remote {
    kind: RemoteAudio,
    opening: Opening,
    player: Player,
    sequences: Unwrap,
    mender: Mender,
    /// The last packet that brought sums, and how long packets are there.
    sums_at: Option<(i64, (u16, u32), u32)>,
    state: TrackState,
    wanted_gain: f32,
    pan: Pan,
    place: Place,
    /// Among the others.
    pub(super) standing: Standing,
    /// The last block was.
    quiet: bool,
    meter: Meter,
    unopened: u64,
    /// Packets received when it was last asked.
    reported: u64,
    /// When the last packet came.
    came: Option<MediaTime>,
    /// Bytes since it was last asked, headers included, and in the time before that.
    bytes: usize,
    bytes_before: Option<usize>,
}

impl Remote {
    /// A track that has sent nothing.
    ///
    /// # Errors
    /// The decoder did not start.
    pub(super) fn new(kind: RemoteAudio, opening: Opening) -> Result<Self, OpusError> {
        Ok(Self {
            kind,
            opening,
            player: Player::new(Decoder::new()?),
            sequences: Unwrap::default(),
            mender: Mender::default(),
            sums_at: None,
            state: TrackState::Waiting,
            wanted_gain: 1.0,
            pan: Pan::CENTRE,
            place: Place::new(),
            standing: Standing::new(kind != RemoteAudio::Microphone),
            quiet: true,
            meter: Meter::new(),
            unopened: 0,
            reported: 0,
            came: None,
            bytes: 0,
            bytes_before: None,
        })
    }

    /// Takes a packet; answers the state when it changed.
    pub(super) fn packet(&mut self, packet: &Packet, at: MediaTime) -> Option<TrackState> {
        if packet.payload.is_empty() || packet.payload.len() > 2 * MTU {
            return None;
        }
        self.bytes += packet.payload.len() + HEADERS;
        let state = match self.opening.open(Codec::Opus, &packet.payload) {
            Ok(payload) => {
                // In a plain meeting anything may be in there; in a sealed one the sender may still be broken.
                let samples = Decoder::samples(&payload)?;
                self.came = Some(at);
                let first = (samples, payload.clone());
                let second = bundle::following(&payload)
                    .and_then(|next| Decoder::samples(next).map(|samples| (samples, payload.slice_ref(next))));
                let together: Vec<_> = std::iter::once(first).chain(second).collect();
                self.player.jitter.insert_together(packet.sequence, packet.rtp_time, &together, at);
                self.standing.says(packet.level);
                for (copy, rank) in redundancy::carried(&payload).zip(1..) {
                    // A copy is as foreign as its carrier.
                    if let Some(samples) = Decoder::samples(copy.packet) {
                        let of = (packet.sequence, packet.rtp_time);
                        let payload = payload.slice_ref(copy.packet);
                        let carried = Carried { rank, back: copy.back, earlier: copy.earlier };
                        self.player.jitter.insert_carried(of, carried, samples, payload, at);
                    }
                }
                self.mend(packet, &payload, at);
                TrackState::Playing
            }
            // Blank frames the server makes when a track is muted.
            Err(OpenFrame::ServerInjected) => return None,
            Err(error) => {
                self.unopened += 1;
                match error {
                    OpenFrame::NotSealed => TrackState::NotSealed,
                    OpenFrame::WrongKey | OpenFrame::NoKey(_) => TrackState::WrongKey,
                    OpenFrame::ServerInjected | OpenFrame::Malformed | OpenFrame::TooLarge(_) => return None,
                }
            }
        };
        if state == self.state {
            return None;
        }
        self.state = state;
        Some(state)
    }

    /// When the last packet came that opened.
    pub(super) const fn last_came(&self) -> Option<MediaTime> {
        self.came
    }

    /// What is lost may follow from what this packet tells of those before it, or from itself.
    fn mend(&mut self, packet: &Packet, payload: &Bytes, at: MediaTime) {
        let sequence = self.sequences.extend(packet.sequence);
        let Some(short) = packet::strip(payload) else { return };
        let mut found = self.mender.packet(sequence, short);
        for (frame, sum) in redundancy::sums(payload) {
            let here = (packet.sequence, packet.rtp_time);
            if self.sums_at.is_some_and(|(_, _, before)| before != frame) {
                self.mender.forget();
                found.clear();
            }
            if self.sums_at.is_none_or(|(newest, _, before)| sequence >= newest || before != frame) {
                self.sums_at = Some((sequence, here, frame));
            }
            self.player.jitter.covered(packet.rtp_time, u32::from(sum.packets) * frame, at);
            found.extend(self.mender.sum(sequence, &sum));
        }
        let Some((newest, of, frame)) = self.sums_at else { return };
        for (lost, bytes) in found {
            let Ok(back) = u16::try_from(newest - lost) else { continue };
            let (Some(samples), true) = (Decoder::samples(&bytes), (1..=MAX_BACK).contains(&back)) else { continue };
            let carried = Carried { rank: 0, back, earlier: u32::from(back) * frame };
            self.player.jitter.insert_carried(of, carried, samples, bytes.into(), at);
        }
    }

    /// The next block.
    pub(super) fn block(&mut self, now: MediaTime, out: &mut AudioBlock) {
        self.player.block(now, self.meter.hears_voice(), out);
        self.meter.push(out);
        self.quiet = is_quiet(out);
        self.standing.hears(self.meter.last());
    }

    /// Decodes from now on, or not. While it still sounds it is decoded whatever is asked: it fades out first.
    pub(super) fn listen(&mut self, listen: bool) {
        self.player.listen(listen || !self.place.is_silent());
    }

    /// Enhances speech, if it is of few bits, from the next packet on, or not any more from the next pause on.
    pub(super) fn enhance(&mut self, enhance: bool) {
        let enhance = enhance && self.player.is_poor();
        if !enhance && !self.quiet {
            return;
        }
        if let Err(error) = self.player.enhance(enhance) {
            tracing::error!(%error, "the decoder does not do as it is told");
        }
    }

    /// Adds a block to the mix.
    pub(super) fn mix(&mut self, block: &AudioBlock, duck: f32, to: &mut Mix) {
        let duck = match self.kind {
            RemoteAudio::Megaphone => 1.0,
            RemoteAudio::Microphone | RemoteAudio::Screen => duck,
        };
        let gain = if self.standing.is_mixed() { self.wanted_gain * duck } else { 0.0 };
        self.place.add(block, to, gain, self.pan);
    }

    /// How loud to play it.
    pub(super) fn set_gain(&mut self, gain: f32) {
        self.wanted_gain = if gain.is_nan() { 1.0 } else { gain.clamp(0.0, 4.0) };
        self.standing.volume(self.wanted_gain);
    }

    /// Where to play it.
    pub(super) const fn set_pan(&mut self, pan: Pan) {
        self.pan = pan;
    }

    /// Is it played elsewhere than in the middle?
    pub(super) fn is_aside(&self) -> bool {
        self.pan != Pan::CENTRE || self.place.is_aside()
    }

    /// Is a megaphone speaking?
    #[must_use]
    pub(super) fn speaks_over(&self) -> bool {
        self.kind == RemoteAudio::Megaphone && self.meter.hears_voice()
    }

    /// How its packets fared, if any came since the last call, half a second ago.
    pub(super) fn report(&mut self) -> Option<Report> {
        let bytes = std::mem::take(&mut self.bytes);
        let before = self.bytes_before.replace(bytes);
        let arrived = before.map(|before| Bitrate(u32::try_from((before + bytes) * 8).unwrap_or(u32::MAX)));
        let received = self.player.jitter.stats().received;
        let any = std::mem::replace(&mut self.reported, received) != received;
        any.then(|| Report {
            loss: self.player.jitter.loss(),
            queued: self.player.jitter.queued(),
            arrived,
            ..Report::default()
        })
    }

    /// The level since the last call.
    pub(super) fn level(&mut self) -> AudioLevel {
        let measured = self.meter.take();
        // Who is not decoded still shows in the list of people.
        if !self.player.listens() { self.standing.said() } else { measured }
    }

    /// Counters and measures.
    #[must_use]
    pub(super) fn stats(&self, now: MediaTime) -> RemoteStats {
        let (jitter, played) = (self.player.jitter.stats(), self.player.done());
        RemoteStats {
            received: jitter.received,
            late: jitter.late,
            lost: jitter.lost,
            loss: self.player.jitter.loss(),
            queued: self.player.jitter.queued(),
            carried: jitter.carried,
            restored: played.restored,
            concealed: played.concealed,
            unopened: self.unopened,
            overflowed: jitter.overflowed,
            dropped_blocks: played.dropped,
            stretched: played.stretched,
            target: self.player.jitter.target(),
            // The block of `now` is played already.
            delay: self.player.jitter.delay(now, self.player.waiting() + BLOCK),
        }
    }
}
