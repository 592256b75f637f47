//! The interceptor that asks for lost packets again (generic NACK, RFC 4585 section 6.2.1), in place of the library's:
//! [`crate::asks`] says what and when. Never asks on streams for which `nack` was not agreed.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use rtc::interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;

use crate::asks::Asks;
use crate::plane::SharedPlane;

/// Streams watched, at most.
const MAX_STREAMS: usize = 1024;

pub(crate) struct Nack {
    plane: SharedPlane,
    most: u16,
    streams: HashMap<u32, Asks>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Nack {
    /// Each packet is asked for at most so many times.
    pub(crate) fn new(plane: SharedPlane, most: u16) -> Self {
        Self { plane, most, streams: HashMap::new(), reads: VecDeque::new(), writes: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Nack {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &msg.message.packet
            && let Some(asks) = self.streams.get_mut(&packet.header.ssrc)
        {
            asks.came(packet.header.sequence_number, msg.now);
        }
        self.reads.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        let rtt = self.plane.lock().path;
        for (ssrc, asks) in &mut self.streams {
            let missing = asks.due(now, rtt);
            if missing.is_empty() {
                continue;
            }
            let nack = TransportLayerNack {
                sender_ssrc: 0,
                media_ssrc: *ssrc,
                nacks: nack_pairs_from_sequence_numbers(&missing),
            };
            self.writes.push_back(TaggedPacket {
                now,
                transport: TransportContext::default(),
                message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(nack)])),
            });
        }
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let rtt = self.plane.lock().path;
        self.streams.values().filter_map(|asks| asks.wake(rtt)).min()
    }
}

impl Interceptor for Nack {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        let agreed = info.rtcp_feedback.iter().any(|feedback| feedback.typ == "nack" && feedback.parameter.is_empty());
        if agreed && self.streams.len() < MAX_STREAMS {
            let sound = info.mime_type.to_ascii_lowercase().starts_with("audio/");
            self.streams.entry(info.ssrc).or_insert_with(|| Asks::new(sound, self.most));
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }
}
