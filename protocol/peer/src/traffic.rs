//! The interceptor of a sending peer that is next to the wire: numbers the pictures' packets for transport-wide feedback,
//! remembers when they left, gives what comes back to the [`Estimator`](crate::bandwidth::Estimator), and answers requests
//! for lost pictures only as far as a budget goes. Sound is neither numbered nor limited.
//!
//! It does the work of three interceptors of the library (numbers, history, estimate) in one: a host has one of them per
//! subscriber, and every queue a packet passes costs as much as sending it to one more.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket, convert_twcc};
use rtc::rtcp::Packet as RtcpPacket;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, TransportLayerCc};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::bandwidth::Fate;
use crate::plane::SharedPlane;

/// Packets remembered until something is reported of them; two seconds of 12 Mbit/s.
const REMEMBERED: usize = 2048;
/// A report names at most so many packets: longer ones are none of a receiver that reports ten times a second.
const MAX_REPORTED: usize = 4096;
/// Share of the pictures' bits that may be sent once more.
const AGAIN: f64 = 0.25;
/// Bits that may be sent once more at any time: the packets of a small key frame.
const SPARE: f64 = 120_000.0;
/// A packet that was sent again is on its way for at least so long.
const UNDER_WAY: Duration = Duration::from_millis(15);
/// Bits a packet that is asked for is taken to have.
const ONE: f64 = 9_600.0;
/// Requests remembered.
const ANSWERED: usize = 128;

/// What waits for a report.
#[derive(Debug, Clone, Copy)]
struct Left {
    number: u16,
    bytes: u32,
    at: Instant,
    reported: bool,
}

pub(crate) struct Traffic {
    plane: SharedPlane,
    next: u16,
    left: VecDeque<Left>,
    /// (ssrc, sequence, when it was sent again).
    answered: VecDeque<(u32, u16, Instant)>,
    /// SSRCs of retransmissions, and what they repair.
    repairs: HashMap<u32, u32>,
    /// Bits that may be sent again.
    budget: f64,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Traffic {
    pub(crate) fn new(plane: SharedPlane) -> Self {
        Self {
            plane,
            next: 0,
            left: VecDeque::new(),
            answered: VecDeque::new(),
            repairs: HashMap::new(),
            budget: SPARE,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
        }
    }

    fn number(&mut self, packet: &mut rtc::rtp::Packet, again: bool, now: Instant) {
        let repaired = self.repairs.get(&packet.header.ssrc).copied();
        let media = repaired.unwrap_or(packet.header.ssrc);
        let (pictures, id, names) = {
            let plane = self.plane.lock();
            let names = repaired.and_then(|media| plane.repair_names.get(&media).cloned());
            (plane.pictures.contains(&media), plane.transport_cc(), names)
        };
        if !pictures {
            return;
        }
        // Its SSRC stands in no description: the library sends it without a word about whose it is.
        for (id, name) in names.into_iter().flatten() {
            if packet.header.set_extension(id, name).is_err() {
                tracing::debug!("a retransmission goes without its name");
            }
        }
        // Header, tag of the cipher, UDP and IP around the payload.
        let bytes = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX).saturating_add(72);
        if !again {
            self.budget = (self.budget + f64::from(bytes) * 8.0 * AGAIN).min(SPARE * 4.0);
        }
        let Some(id) = id else { return };
        let number = self.next;
        if packet.header.set_extension(id, Bytes::copy_from_slice(&number.to_be_bytes())).is_err() {
            return;
        }
        self.next = number.wrapping_add(1);
        if self.left.len() >= REMEMBERED {
            self.left.pop_front();
        }
        self.left.push_back(Left { number, bytes, at: now, reported: false });
    }

    fn reported(&mut self, feedback: &TransportLayerCc, now: Instant) {
        if named(feedback) > MAX_REPORTED {
            return;
        }
        let Some(first) = self.left.front().map(|left| left.number) else { return };
        let mut fates = Vec::new();
        for told in convert_twcc(feedback) {
            let place = usize::from(told.sequence_number.wrapping_sub(first));
            let Some(left) = self.left.get_mut(place) else { continue };
            if told.arrived && told.arrival.is_none() {
                continue;
            }
            // Said once; a second word about the same packet is not news.
            if !std::mem::replace(&mut left.reported, true) {
                fates.push(Fate { sent: left.at, bytes: left.bytes, arrived: told.arrival });
            }
        }
        while self.left.front().is_some_and(|left| left.reported) {
            self.left.pop_front();
        }
        let flying = self.left.iter().filter(|left| !left.reported).map(|left| u64::from(left.bytes)).sum();
        self.plane.lock().estimator.report(&fates, flying, now);
    }

    /// Whether this packet may be sent once more now.
    fn affords(&mut self, ssrc: u32, sequence: u16, now: Instant) -> bool {
        self.answered.retain(|(.., at)| now.saturating_duration_since(*at) < UNDER_WAY);
        let under_way = self.answered.iter().any(|(s, n, _)| (*s, *n) == (ssrc, sequence));
        if under_way || self.budget < ONE || self.answered.len() >= ANSWERED {
            return false;
        }
        self.budget -= ONE;
        self.answered.push_back((ssrc, sequence, now));
        true
    }

    /// What is left of a request.
    fn limit(&mut self, nack: &TransportLayerNack, now: Instant) -> TransportLayerNack {
        let mut nacks = Vec::new();
        for pair in nack.nacks.iter().take(ANSWERED) {
            for sequence in pair.packet_list() {
                if self.affords(nack.media_ssrc, sequence, now) {
                    nacks.push(NackPair { packet_id: sequence, lost_packets: 0 });
                }
            }
        }
        TransportLayerNack { sender_ssrc: nack.sender_ssrc, media_ssrc: nack.media_ssrc, nacks }
    }

    fn rtcp(&mut self, packets: &mut Vec<Box<dyn RtcpPacket>>, now: Instant) {
        for packet in packets.iter_mut() {
            if let Some(feedback) = packet.as_any().downcast_ref::<TransportLayerCc>() {
                self.reported(feedback, now);
            } else if let Some(nack) = packet.as_any().downcast_ref::<TransportLayerNack>()
                && self.plane.lock().pictures.contains(&nack.media_ssrc)
            {
                let limited = self.limit(nack, now);
                *packet = Box::new(limited);
            }
        }
    }
}

/// How many packets a report names.
fn named(feedback: &TransportLayerCc) -> usize {
    let chunk = |chunk: &PacketStatusChunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => usize::from(run.run_length),
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.len(),
    };
    feedback.packet_chunks.iter().map(chunk).sum()
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Traffic {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut msg: TaggedPacket) -> Result<(), Error> {
        let now = msg.now;
        if let Packet::Rtcp(packets) = &mut msg.message.packet {
            self.rtcp(packets, now);
        }
        self.reads.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, mut msg: TaggedPacket) -> Result<(), Error> {
        let (now, again) = (msg.now, msg.message.attributes.iter().any(|a| matches!(a, Attribute::Retransmission)));
        if let Packet::Rtp(packet) = &mut msg.message.packet {
            self.number(packet, again, now);
        }
        self.writes.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for Traffic {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.repairs.extend(info.ssrc_rtx.map(|repair| (repair, info.ssrc)));
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.repairs.retain(|_, media| *media != info.ssrc);
    }

    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
