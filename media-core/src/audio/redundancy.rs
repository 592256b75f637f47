//! Earlier packets carried along by later ones, so that what one of them lost another brings: how many, how far apart and
//! at what bit rate follows the loss that receivers see. Pure; runs on the engine's thread.
//!
//! The copies are the packets themselves, byte for byte, so a loss that is made good is not heard at all. They lie in
//! the padding of the Opus packet (an extension, as DRED does), inside the seal: clients that do not know them play the
//! packet as it is, and a server sees nothing but a larger one. LiveKit's RED (RFC 2198) is not used: its SDKs switch it
//! off where media is sealed.
//!
//! The extension, number 125: `S` `j`, then per copy, nearest first: how much earlier it was in units of 20 ms (1 byte),
//! by how many packets (1 byte), its length (1 byte, or 252 to 255 and a second, RFC 6716 section 3.2.1), its bytes.
//!
//! With little room, the next packet instead ([`super::bundle`]). Where much is lost by chance, sums of packets instead ([`super::parity`]): `S` `s`, the packet's number and how long packets
//! are in units of 10 ms (1 byte each), then per sum: its number, how many packets just before are in it (1 byte each), its
//! length as above, its bytes.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};
use libopus::packet;

use super::opus::{EncoderSettings, PACKET_SAMPLES};
use super::parity::{self, Sum};
use super::rate::Conditions;
use crate::frame::BLOCK;
use crate::time::Bitrate;

/// Number of the extension; one of those for experiments.
pub(super) const EXTENSION: u8 = 125;
/// Others may experiment with the same number.
const MARK: [u8; 2] = *b"Sj";
/// Sums of packets instead of copies.
const SUMS: [u8; 2] = *b"Ss";
/// Sums in one packet at most, sent or read.
const MAX_SUMS: usize = 4;
/// Sums are told in this part of a packet: three of them are one sum with every second packet.
const WHOLE: u8 = 6;
/// Where all packets are of one length, nothing is left over in pauses: so much is what they may come to.
const CONSTANT: u32 = 90_000;
/// What copies and their packets may be given so that they come to as much.
const COPIED: u32 = 86_000;
/// Bits of a sum besides its bytes.
const SUM_OVERHEAD: u32 = 8 * 11;
/// Copies in one packet at most, sent or read.
pub(super) const MAX_COPIES: usize = 4;
/// Packets between one copy and the next, at most: two of them are still waited for.
const MAX_APART: f32 = 6.0;
/// A copy is of at most so many packets earlier.
const MAX_BACK: u8 = 20;
/// Bytes of a copy, at most: 60 ms of 64 kbit/s.
const MAX_COPY: usize = 480;
/// Bytes a packet with copies may have, so that sealed and wrapped it stays one datagram.
const MAX_PACKET: usize = 1080;

/// Bits of a packet besides its Opus: IPv4, UDP, RTP with the level's extension, SRTP's tag, the seal.
const OVERHEAD: u32 = 8 * (20 + 8 + 20 + 16 + 30);
/// More than this is not heard any more, and from 60 kbit/s on Opus leaves the model of a voice out (PESQ 4.37 instead of
/// 4.57).
const BEST: u32 = 56_000;
/// Long packets spend less of what they are given on speech, in hundredths (`npm run -s bench -- voice-loss`).
const LONG_SPEND: u32 = 92;
/// A copy is not worth leaving less than this for the frame.
const WORTH_COPYING: u32 = 9_500;
/// With less than this packets are longer before they are worse.
const ENOUGH: u32 = 10_500;
/// The least that the encoder makes.
const LEAST: u32 = 5_000;
/// With less than this two packets share their headers: half a second of delay, but who speaks is understood.
const SCARCE: u32 = 15_500;
/// Bits of the second packet of a pair besides its Opus.
const PAIR_OVERHEAD: u32 = 8 * 8;

/// Bits per second that each unit of DRED takes.
const DRED_BITS: u32 = 320;

/// What is sent: how long packets are, and what besides each frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Samples of a packet.
    pub(super) frame: usize,
    /// Do two of them share a datagram?
    pub(super) pairs: bool,
    /// Bits per second of the frames themselves.
    bitrate: u32,
    /// How many copies.
    copies: u8,
    /// Packets between one copy and the next.
    apart: u8,
    /// Sums with each packet, in sixths, and how many packets are in one.
    sums: (u8, u8),
    /// See [`EncoderSettings::dred`].
    dred: u8,
    /// See [`EncoderSettings::loss_percent`].
    loss_percent: u8,
    /// See [`EncoderSettings::constant`].
    constant: bool,
    /// See [`Report::foreign`](super::rate::Report::foreign).
    foreign: bool,
}

impl Plan {
    /// Without loss everything goes into the sound; with loss, bits go from its detail to its copies:
    /// a gap is heard more than what 12 kbit/s leave out of enhanced speech (`npm run -s bench -- voice-loss`).
    /// On a thin link packets are longer, so that headers leave something for the sound.
    pub(super) fn of(conditions: Conditions) -> Self {
        let Conditions { loss, budget, near, thin, foreign } = conditions;
        let share = loss.share.clamp(0.0, 1.0);
        let wanted: u8 = match share {
            ..0.01 => 0,
            ..0.08 => 1,
            ..0.25 => 2,
            ..0.40 => 3,
            _ => 4,
        };
        // Chance alone makes runs of 1 / (1 - share).
        let chance = 1.0 / (1.0 - share.min(0.9));
        let runs = loss.burst > 1.5 * chance;
        let apart = if runs { (loss.burst + 0.5).clamp(1.0, MAX_APART) as u8 } else { 1 };
        if !runs && !thin && wanted > 1 && budget.0 >= 60_000 {
            return Self::sums(conditions);
        }
        // Packets of 20 ms and their copies spend a little more than they are given.
        let budget = if wanted > 0 && !near { Bitrate(budget.0.min(COPIED)) } else { budget };
        let ms: u32 = match budget.0 {
            // Headers would take more than the sound.
            ..28_000 => 120,
            28_000..36_000 => 60,
            // Two whole copies are worth more than packets that come sooner (2.5 at random 20 % and 44 kbit/s, with 40 ms
            // and one copy; 3.9 so).
            36_000..60_000 if wanted > 1 => 60,
            36_000..60_000 => 40,
            120_000.. if near && wanted == 0 => 10,
            // So many copies need the room that headers take.
            _ if wanted > 3 => 40,
            _ => 20,
        };
        // What no copy reaches: runs longer than all of them together. Where bytes are scarce, better copies win.
        let dred = if share >= 0.05 && apart > 2 && ms == 20 && budget.0 >= 120_000 { 50 } else { 0 };
        let pairs = thin && !foreign && budget.0 < SCARCE;
        let around = if pairs { (OVERHEAD + PAIR_OVERHEAD) / 2 } else { OVERHEAD };
        let room = budget.0.saturating_sub(around * 1000 / ms + u32::from(dred) * DRED_BITS);
        let room = if ms >= 40 && !thin && budget.0 >= 60_000 { room / LONG_SPEND * 100 } else { room };
        let each = |copies: u8| (room / (u32::from(copies) + 1)).min(BEST);
        let copies = (0..=wanted).rev().find(|copies| each(*copies) >= WORTH_COPYING).unwrap_or(0);
        Self {
            frame: 48 * ms as usize,
            pairs,
            bitrate: each(copies).max(LEAST),
            copies,
            apart,
            sums: (0, 0),
            dred,
            loss_percent: (share * 100.0).ceil() as u8,
            constant: thin,
            foreign,
        }
    }

    /// Where much is lost by chance: sums of the packets before, of which any one makes good any one of them.
    fn sums(conditions: Conditions) -> Self {
        let Conditions { loss, budget, foreign, .. } = conditions;
        let share = loss.share.clamp(0.0, 1.0);
        let (sums, packets): (u8, u8) = match share {
            ..0.18 => (WHOLE / 2, 9),
            ..0.28 => (WHOLE, 9),
            ..0.45 => (2 * WHOLE, 9),
            _ => (5 * WHOLE / 2, 16),
        };
        let (part, whole) = (u32::from(sums), u32::from(WHOLE));
        let each = |ms: u32| {
            let around = (OVERHEAD + SUM_OVERHEAD * part / whole) * 1000 / ms;
            budget.0.min(CONSTANT).saturating_sub(around) * whole / (whole + part)
        };
        // Short packets, and many of them in a sum, unless headers leave too little.
        let (ms, packets) = if each(20) >= ENOUGH { (20, packets) } else { (40, packets / 2) };
        let bitrate = each(ms);
        Self {
            frame: 48 * ms as usize,
            pairs: false,
            bitrate: bitrate.clamp(LEAST, BEST),
            copies: 0,
            apart: 1,
            sums: (sums, packets),
            dred: 0,
            loss_percent: (share * 100.0).ceil() as u8,
            // A sum is as long as the longest of its packets.
            constant: true,
            foreign,
        }
    }

    /// The same for sound that is no speech: nothing enhances it where bits are missing, and no network describes it.
    /// On a full link it makes way for speech.
    pub(super) fn music(conditions: Conditions) -> Self {
        let (frame, bitrate, copies) = match (conditions.budget.0, conditions.loss.share.clamp(0.0, 1.0)) {
            (..60_000, _) => (2 * PACKET_SAMPLES, 20_000, 0),
            (60_000.., ..0.01) => (PACKET_SAMPLES, 128_000, 0),
            (60_000.., ..0.08) => (PACKET_SAMPLES, 56_000, 1),
            (60_000.., ..0.25) => (PACKET_SAMPLES, 40_000, 2),
            (60_000.., _) => (PACKET_SAMPLES, 32_000, 3),
        };
        Self { frame, pairs: false, bitrate, copies, sums: (0, 0), dred: 0, constant: false, ..Self::of(conditions) }
    }

    /// How to encode, where `ceiling` is what may be spent on the frames.
    pub(super) fn settings(self, ceiling: Bitrate, dtx: bool) -> EncoderSettings {
        EncoderSettings {
            bitrate: Bitrate(ceiling.0.min(self.bitrate) + u32::from(self.dred) * DRED_BITS),
            loss_percent: self.loss_percent,
            dtx,
            // Whole copies are worth more than rough ones, and both together more than there are bits.
            // Who listens with another client can use nothing else.
            fec: self.loss_percent > 0 && (self.copies == 0 && self.sums.0 == 0 || self.foreign),
            dred: self.dred,
            constant: self.constant,
        }
    }
}

/// What was sent, and is carried along.
#[derive(Debug)]
pub(super) struct Redundancy {
    plan: Plan,
    /// Newest first: RTP time and the packet without padding.
    sent: VecDeque<(u32, Bytes)>,
    /// Packets and sums so far; of both, 128 are told apart.
    packets: u8,
    sums: u8,
    /// Sums that are due, in sixths.
    due: u8,
}

impl Redundancy {
    /// Nothing sent yet.
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, sent: VecDeque::with_capacity(usize::from(MAX_BACK)), packets: 0, sums: 0, due: 0 }
    }

    /// From the next packet on.
    pub(super) fn follow(&mut self, plan: Plan) {
        if plan.frame != self.plan.frame {
            // Copies are counted in packets of one length.
            self.sent.clear();
        }
        self.plan = plan;
    }

    /// The packet with its copies, and remembers it.
    pub(super) fn wrap(&mut self, packet: Bytes, rtp_time: u32) -> Bytes {
        let (copies, least) = match self.plan.sums.0 {
            0 => (self.copies(rtp_time, packet.len()), MARK.len()),
            _ => (self.sums(rtp_time, packet.len()), SUMS.len() + 2),
        };
        self.packets = self.packets.wrapping_add(1);
        let wrapped = if copies.len() > least { packet::extend(&packet, EXTENSION, &copies) } else { None };
        if self.sent.len() == usize::from(MAX_BACK) {
            self.sent.pop_back();
        }
        if let Some(short) = packet::strip(&packet).filter(|short| short.len() <= MAX_COPY) {
            self.sent.push_front((rtp_time, short.into()));
        } else {
            // Numbers of packets are counted by their place here.
            self.sent.push_front((rtp_time, Bytes::new()));
        }
        wrapped.map_or(packet, Bytes::from)
    }

    /// The track was silent or stopped: what was sent before is of no use any more.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
    }

    fn sums(&mut self, now: u32, used: usize) -> BytesMut {
        let (sums, most) = self.plan.sums;
        let mut out = BytesMut::with_capacity(256);
        out.put_slice(&SUMS);
        out.put_slice(&[self.packets, (self.plan.frame / BLOCK) as u8]);
        // What stands in one line with this packet: a pause ends it.
        let before = |back: u32| now.wrapping_sub(back.wrapping_mul(self.plan.frame as u32));
        let line = |(at, (time, packet)): &(u32, &(u32, Bytes))| *time == before(at + 1) && !packet.is_empty();
        let packets = (0..).zip(&self.sent).take_while(line).take(usize::from(most)).count();
        self.due += sums;
        while self.due >= WHOLE {
            self.due -= WHOLE;
            let in_it = self.sent.iter().take(packets).zip(1..);
            let numbered = in_it.map(|((_, packet), back)| (self.packets.wrapping_sub(back), &packet[..]));
            let sum = parity::sum(self.sums, numbered);
            if packets > 0 && used + out.len() + sum.len() < MAX_PACKET {
                out.put_slice(&[self.sums, packets as u8]);
                put_length(&mut out, sum.len());
                out.put_slice(&sum);
            }
            self.sums = self.sums.wrapping_add(1);
        }
        out
    }

    fn copies(&self, now: u32, used: usize) -> BytesMut {
        let mut out = BytesMut::with_capacity(256);
        out.put_slice(&MARK);
        for copy in 1..=self.plan.copies {
            let back = copy * self.plan.apart;
            let Some((time, packet)) = self.sent.get(usize::from(back) - 1) else { break };
            let earlier = now.wrapping_sub(*time) / PACKET_SAMPLES as u32;
            let Ok(earlier) = u8::try_from(earlier) else { break };
            if packet.is_empty() || used + out.len() + packet.len() > MAX_PACKET {
                continue;
            }
            out.put_slice(&[earlier, back]);
            put_length(&mut out, packet.len());
            out.put_slice(packet);
        }
        out
    }
}

/// A packet that a later one carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copy<'a> {
    /// Samples earlier.
    pub(super) earlier: u32,
    /// Packets earlier.
    pub(super) back: u16,
    /// Opus.
    pub(super) packet: &'a [u8],
}

/// What a packet carries along; nothing where it is damaged.
pub(super) fn carried(bytes: &[u8]) -> impl Iterator<Item = Copy<'_>> {
    let mut left = packet::extension(bytes, EXTENSION).and_then(|all| all.strip_prefix(&MARK)).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&[earlier, back], rest) = left.split_first_chunk()?;
        let (len, rest) = take_length(rest)?;
        let (packet, rest) = rest.split_at_checked(len)?;
        left = rest;
        let sane = earlier > 0 && (1..=MAX_BACK).contains(&back) && !packet.is_empty() && len <= MAX_COPY;
        sane.then_some(Copy { earlier: u32::from(earlier) * PACKET_SAMPLES as u32, back: u16::from(back), packet })
    })
    .take(MAX_COPIES)
}

/// The sums in a packet, and how many samples each of its packets has; nothing where it is damaged.
pub(super) fn sums(bytes: &[u8]) -> impl Iterator<Item = (u32, Sum<'_>)> {
    let all = packet::extension(bytes, EXTENSION).and_then(|all| all.strip_prefix(&SUMS));
    let (head, mut left) = all.and_then(|all| all.split_first_chunk()).unwrap_or((&[0, 0], &[]));
    let [carrier, blocks] = *head;
    std::iter::from_fn(move || {
        let (&[number, packets], rest) = left.split_first_chunk()?;
        let (len, rest) = take_length(rest)?;
        let (bytes, rest) = rest.split_at_checked(len)?;
        left = rest;
        let sane = (1..=12).contains(&blocks) && len <= MAX_PACKET;
        sane.then_some((u32::from(blocks) * BLOCK as u32, Sum { number, carrier, packets, bytes }))
    })
    .take(MAX_SUMS)
}

fn put_length(out: &mut BytesMut, len: usize) {
    if len < 252 {
        out.put_u8(len as u8);
    } else {
        let low = 252 + (len & 3);
        out.put_slice(&[low as u8, ((len - low) / 4) as u8]);
    }
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&low, rest) = bytes.split_first()?;
    if low < 252 {
        return Some((usize::from(low), rest));
    }
    let (&high, rest) = rest.split_first()?;
    Some((usize::from(high) * 4 + usize::from(low), rest))
}

#[cfg(test)]
mod tests;
