//! Tracks that a [`Peer`] sends: their sections, and the packets written to them.

use std::time::Instant;

use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::RTCRtpEncodingParameters;
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::shared::error::Error as RtcError;

use super::{Peer, Sender, build};
use crate::error::PeerError;
use crate::media::{RtpOut, SenderId, SenderSpec};

impl Peer {
    /// A track to send; it can be written to once the other side agreed to it (offer, answer).
    ///
    /// # Errors
    /// The codec is not in the configuration.
    pub fn add_sender(&mut self, spec: SenderSpec) -> Result<SenderId, PeerError> {
        if !self.config.codecs.contains(&spec.codec) {
            return Err(PeerError::NotNegotiated);
        }
        let kind = spec.codec.kind();
        let track = MediaStreamTrack::new(
            spec.stream_id,
            spec.track_id.clone(),
            spec.track_id,
            kind.rtc(),
            vec![RTCRtpEncodingParameters { codec: spec.codec.capability(), ..RTCRtpEncodingParameters::default() }],
        );
        let preferences = build::preferences(&self.config, spec.codec);
        let reuse = self.vacant.get(&kind).is_some_and(|vacant| *vacant > 0);
        let (rtc, ssrc) = self.guarded(|rtc| {
            let sender = if reuse {
                rtc.add_track(track)?
            } else {
                let init = RTCRtpTransceiverInit {
                    direction: RTCRtpTransceiverDirection::Sendonly,
                    ..RTCRtpTransceiverInit::default()
                };
                RTCRtpSenderId::from(rtc.add_transceiver_from_track(track, Some(init))?)
            };
            // The library would pin the section to this codec; the section must be able to carry the next one too.
            if let Some(mut transceiver) = rtc.rtp_transceiver(build::transceiver(sender)) {
                transceiver.set_codec_preferences(preferences)?;
            }
            let chosen = rtc.rtp_sender(sender).and_then(|sender| sender.track().ssrcs().next());
            Ok((sender, chosen.ok_or(RtcError::ErrSenderWithNoSSRCs)?))
        })?;
        if reuse && let Some(vacant) = self.vacant.get_mut(&kind) {
            *vacant -= 1;
        }
        let id = SenderId(self.next_sender);
        self.next_sender += 1;
        let sender = Sender { rtc, ssrc, codec: spec.codec, payload_type: None, red: None, audio_level: None };
        self.senders.insert(id, sender);
        self.wants_negotiation = true;
        Ok(id)
    }

    /// Stops a sender; its section is offered inactive and taken over by the next sender of the kind.
    ///
    /// # Errors
    /// No such sender.
    pub fn remove_sender(&mut self, id: SenderId) -> Result<(), PeerError> {
        let sender = self.senders.remove(&id).ok_or(PeerError::Unknown("sender"))?;
        self.guarded(|rtc| rtc.remove_track(sender.rtc))?;
        *self.vacant.entry(sender.codec.kind()).or_default() += 1;
        self.wants_negotiation = true;
        Ok(())
    }

    /// The codec a sender was made for, if the other side agreed to it.
    #[must_use]
    pub fn sender_ready(&self, id: SenderId) -> bool {
        self.connected && self.senders.get(&id).is_some_and(|sender| sender.payload_type.is_some())
    }

    /// The payload type that blocks of RED packets to this sender's receiver must name, if it takes RED at all.
    #[must_use]
    pub fn takes_red(&self, id: SenderId) -> Option<u8> {
        let sender = self.senders.get(&id)?;
        sender.red.and(sender.payload_type)
    }

    /// Queues one packet; it leaves with the next `poll_transmit`.
    ///
    /// # Errors
    /// [`PeerError::NotConnected`] or [`PeerError::NotNegotiated`]: the packet is not sent and not kept.
    pub fn write_rtp(&mut self, id: SenderId, packet: RtpOut, now: Instant) -> Result<(), PeerError> {
        if self.dead {
            return Err(PeerError::Dead);
        }
        let sender = self.senders.get(&id).ok_or(PeerError::Unknown("sender"))?;
        if !self.connected {
            return Err(PeerError::NotConnected);
        }
        let agreed = if packet.red { sender.red } else { sender.payload_type };
        let payload_type = agreed.ok_or(PeerError::NotNegotiated)?;
        // Always a fresh header: a forwarded one carries the other connection's extension ids and paddings.
        let mut header = Header {
            version: 2,
            marker: packet.marker,
            payload_type,
            sequence_number: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: sender.ssrc,
            ..Header::default()
        };
        if let (Some(level), Some(id)) = (packet.audio_level, sender.audio_level) {
            header.set_extension(id, Bytes::copy_from_slice(&[level.min(127)]))?;
        }
        self.plane.lock().outbound.push_back((now, rtc::rtp::Packet { header, payload: packet.payload }));
        Ok(())
    }
}
