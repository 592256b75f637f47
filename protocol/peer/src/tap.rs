//! The interceptor next to the application: takes received RTP out of the chain and puts RTP to send into it.
//! The library's own door routes by SSRC with state it resets on every renegotiation, and its `write_rtp` answers Ok for
//! packets it drops; this door does neither. Key frame requests reach the application only here.

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;

use crate::media::RtpIn;
use crate::plane::{Plane, SharedPlane};

/// Packets nobody fetched after which new ones are dropped: a caller that does not drain is our bug, not a reason to grow.
const MAX_INBOUND: usize = 4096;

pub(crate) struct Tap {
    plane: SharedPlane,
    writes: VecDeque<TaggedPacket>,
}

impl Tap {
    pub(crate) fn new(plane: SharedPlane) -> Self {
        Self { plane, writes: VecDeque::new() }
    }
}

fn deliver(plane: &mut Plane, packet: rtc::rtp::Packet, now: Instant) {
    let header = packet.header;
    let (Some(codec), Some((track, layer))) = (plane.codec(header.payload_type), plane.route(&header)) else {
        plane.unrouted += 1;
        return;
    };
    if plane.inbound.len() >= MAX_INBOUND {
        return;
    }
    let audio_level = plane.audio_level(&header);
    plane.inbound.push_back(RtpIn {
        now,
        track,
        layer,
        codec,
        marker: header.marker,
        sequence: header.sequence_number,
        timestamp: header.timestamp,
        ssrc: header.ssrc,
        audio_level,
        red: plane.is_red(header.payload_type),
        payload: packet.payload,
    });
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        let mut plane = self.plane.lock();
        match msg.message.packet {
            Packet::Rtp(packet) => deliver(&mut plane, packet, msg.now),
            Packet::Rtcp(packets) => {
                for packet in packets {
                    if let Some(pli) = packet.as_any().downcast_ref::<PictureLossIndication>() {
                        plane.key_frames.push(pli.media_ssrc);
                    } else if let Some(fir) = packet.as_any().downcast_ref::<FullIntraRequest>() {
                        plane.key_frames.extend(fir.fir.iter().map(|entry| entry.ssrc));
                    }
                }
                plane.key_frames.truncate(64);
            }
            _ => {}
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        None
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        if let Some(msg) = self.writes.pop_front() {
            return Some(msg);
        }
        let (now, packet) = self.plane.lock().outbound.pop_front()?;
        Some(TaggedPacket {
            now,
            transport: TransportContext::default(),
            message: AttributedPacket::new(Packet::Rtp(packet)),
        })
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
