//! Interceptors next to the wire.
//! `Wire` turns retransmissions back into the packets they repair *before* loss is looked for: the library does it
//! after, so every repaired packet would be asked for again, and it does not know simulcast repair (repaired-rid) at
//! all. It also reads the reports for loss and round trip.
//! `Arrivals` lets transport-wide feedback count every packet, bound or not: unreported packets look lost to the sender.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use rtc::interceptor::{
    Attribute, Interceptor, Packet, RTPHeaderExtension, StreamInfo, TaggedPacket, TwccReceiverBuilder,
    TwccReceiverInterceptor,
};
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::plane::{Plane, SharedPlane};

const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// SSRCs feedback is made for.
const MAX_ARRIVALS: usize = 1024;

pub(crate) struct Wire {
    plane: SharedPlane,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Wire {
    pub(crate) fn new(plane: SharedPlane) -> Self {
        Self { plane, reads: VecDeque::new(), writes: VecDeque::new() }
    }
}

/// Whether the packet goes on.
fn unwrap_repair(plane: &mut Plane, packet: &mut rtc::rtp::Packet) -> bool {
    if !plane.is_repair(packet.header.payload_type) {
        return true;
    }
    // A bare probe carries no original sequence number.
    if packet.payload.len() < 2 {
        return false;
    }
    let Some(media) = plane.repaired(&packet.header) else { return false };
    let Some(payload_type) = plane.repaired_payload_type(packet.header.payload_type) else { return false };
    packet.header.ssrc = media;
    packet.header.payload_type = payload_type;
    packet.header.sequence_number = u16::from_be_bytes([packet.payload[0], packet.payload[1]]);
    packet.header.padding = false;
    packet.payload = packet.payload.slice(2..);
    true
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Wire {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut msg: TaggedPacket) -> Result<(), Error> {
        let mut plane = self.plane.lock();
        let passes = match &mut msg.message.packet {
            Packet::Rtp(packet) => unwrap_repair(&mut plane, packet),
            Packet::Rtcp(packets) => {
                for report in packets.iter() {
                    let blocks = if let Some(report) = report.as_any().downcast_ref::<ReceiverReport>() {
                        &report.reports
                    } else if let Some(report) = report.as_any().downcast_ref::<SenderReport>() {
                        &report.reports
                    } else {
                        continue;
                    };
                    for block in blocks {
                        plane.report_received(block.fraction_lost, block.last_sender_report, block.delay, msg.now);
                    }
                }
                true
            }
            _ => true,
        };
        drop(plane);
        if passes {
            self.reads.push_back(msg);
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &msg.message.packet {
            let again = msg.message.has(&Attribute::Retransmission);
            self.plane.lock().sent(packet.header.payload_type, again);
        } else if let Packet::Rtcp(packets) = &msg.message.packet {
            let mut plane = self.plane.lock();
            for report in packets {
                if let Some(report) = report.as_any().downcast_ref::<SenderReport>() {
                    plane.report_sent(report.ntp_time, msg.now);
                } else if let Some(report) = report.as_any().downcast_ref::<ReceiverReport>() {
                    for block in &report.reports {
                        plane.loss_seen(block.fraction_lost);
                    }
                }
            }
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

impl Interceptor for Wire {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

/// Transport-wide feedback for every SSRC that carries the extension.
pub(crate) struct Arrivals {
    plane: SharedPlane,
    inner: TwccReceiverInterceptor,
    bound: HashSet<u32>,
}

impl Arrivals {
    pub(crate) fn new(plane: SharedPlane) -> Self {
        Self { plane, inner: TwccReceiverBuilder::new().build(), bound: HashSet::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Arrivals {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &msg.message.packet
            && !self.bound.contains(&packet.header.ssrc)
            && self.bound.len() < MAX_ARRIVALS
            && let Some(id) = self.plane.lock().transport_cc()
        {
            self.bound.insert(packet.header.ssrc);
            self.inner.bind_remote_stream(&StreamInfo {
                ssrc: packet.header.ssrc,
                rtp_header_extensions: vec![RTPHeaderExtension { uri: TRANSPORT_CC.to_owned(), id: u16::from(id) }],
                ..StreamInfo::default()
            });
        }
        self.inner.handle_read(msg)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_read()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.inner.handle_write(msg)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_write()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.inner.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.inner.poll_timeout()
    }
}

impl Interceptor for Arrivals {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.bound.remove(&info.ssrc);
        self.inner.unbind_remote_stream(info);
    }
}
