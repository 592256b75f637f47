//! Tracks that a [`Peer`] sends: their sections, their simulcast layers, and the packets written to them.

use std::time::Instant;

use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::shared::error::Error as RtcError;

use super::{Peer, Sender, build};
use crate::config::{Codec, Kind};
use crate::error::PeerError;
use crate::media::{RtpOut, SenderId, SenderSpec};
use crate::sdp::ExtensionIds;

/// One stream of a sender.
#[derive(Debug)]
pub(super) struct SentLayer {
    pub(super) ssrc: u32,
    /// Empty without simulcast.
    rid: Bytes,
}

/// What says where a packet belongs: its SSRC is nowhere in the description.
#[derive(Debug)]
pub(super) struct Names {
    mid_id: u8,
    mid: Bytes,
    rid_id: u8,
}

pub(super) fn names(mid: Option<&str>, ids: &ExtensionIds) -> Option<Names> {
    let mid = Bytes::copy_from_slice(mid?.as_bytes());
    Some(Names { mid_id: ids.mid?, mid, rid_id: ids.rid? })
}

/// The same of a layer's retransmissions, by the layer's SSRC.
pub(super) fn repair_names(sender: &Sender, ids: &ExtensionIds) -> Vec<(u32, Vec<(u8, Bytes)>)> {
    let Some((names, id)) = sender.names.as_ref().zip(ids.repaired_rid) else { return Vec::new() };
    let of = |layer: &SentLayer| (layer.ssrc, vec![(names.mid_id, names.mid.clone()), (id, layer.rid.clone())]);
    sender.layers.iter().map(of).collect()
}

fn encoding(codec: Codec, rid: &str) -> RTCRtpEncodingParameters {
    let rtp_coding_parameters = RTCRtpCodingParameters { rid: rid.to_owned(), ..RTCRtpCodingParameters::default() };
    RTCRtpEncodingParameters { rtp_coding_parameters, codec: codec.capability(), ..RTCRtpEncodingParameters::default() }
}

impl Peer {
    /// A track to send; it can be written to once the other side agreed to it (offer, answer).
    ///
    /// # Errors
    /// The codec is not in the configuration.
    pub fn add_sender(&mut self, spec: SenderSpec) -> Result<SenderId, PeerError> {
        self.add_layers(spec, &[""])
    }

    /// The same with simulcast: one layer per rid, in this order the layers of [`Peer::write_layer`].
    ///
    /// # Errors
    /// As [`Peer::add_sender`]; fewer than two rids.
    pub fn add_simulcast_sender(&mut self, spec: SenderSpec, rids: &[&str]) -> Result<SenderId, PeerError> {
        if rids.len() < 2 {
            return Err(PeerError::Unknown("layer"));
        }
        self.add_layers(spec, rids)
    }

    fn add_layers(&mut self, spec: SenderSpec, rids: &[&str]) -> Result<SenderId, PeerError> {
        if !self.config.codecs.contains(&spec.codec) {
            return Err(PeerError::NotNegotiated);
        }
        let kind = spec.codec.kind();
        let track = MediaStreamTrack::new(
            spec.stream_id,
            spec.track_id.clone(),
            spec.track_id,
            kind.rtc(),
            rids.iter().map(|rid| encoding(spec.codec, rid)).collect(),
        );
        let preferences = build::preferences(&self.config, spec.codec);
        let reuse = self.vacant.get(&kind).is_some_and(|vacant| *vacant > 0);
        let (rtc, ssrcs) = self.guarded(|rtc| {
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
            let chosen: Vec<u32> =
                rtc.rtp_sender(sender).map(|sender| sender.track().ssrcs().collect()).unwrap_or_default();
            if chosen.len() == rids.len() { Ok((sender, chosen)) } else { Err(RtcError::ErrSenderWithNoSSRCs) }
        })?;
        if reuse && let Some(vacant) = self.vacant.get_mut(&kind) {
            *vacant -= 1;
        }
        let id = SenderId(self.next_sender);
        self.next_sender += 1;
        if kind == Kind::Video {
            self.plane.lock().pictures.extend(&ssrcs);
        }
        let rid = |rid: &&str| Bytes::copy_from_slice(rid.as_bytes());
        let layers = ssrcs.into_iter().zip(rids.iter().map(rid)).map(|(ssrc, rid)| SentLayer { ssrc, rid }).collect();
        let codec = spec.codec;
        let sender = Sender { rtc, layers, codec, payload_type: None, red: None, audio_level: None, names: None };
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
        {
            let mut plane = self.plane.lock();
            for layer in &sender.layers {
                plane.pictures.remove(&layer.ssrc);
                plane.repair_names.remove(&layer.ssrc);
            }
        }
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
        self.write_layer(id, 0, packet, now)
    }

    /// The same for one layer of a simulcast sender; each layer counts its sequence numbers by itself.
    ///
    /// # Errors
    /// As [`Peer::write_rtp`]; no such layer.
    pub fn write_layer(&mut self, id: SenderId, layer: u8, packet: RtpOut, now: Instant) -> Result<(), PeerError> {
        if self.dead {
            return Err(PeerError::Dead);
        }
        let sender = self.senders.get(&id).ok_or(PeerError::Unknown("sender"))?;
        if !self.connected {
            return Err(PeerError::NotConnected);
        }
        let agreed = if packet.red { sender.red } else { sender.payload_type };
        let payload_type = agreed.ok_or(PeerError::NotNegotiated)?;
        let layer = sender.layers.get(usize::from(layer)).ok_or(PeerError::Unknown("layer"))?;
        // Always a fresh header: a forwarded one carries the other connection's extension ids and paddings.
        let mut header = Header {
            version: 2,
            marker: packet.marker,
            payload_type,
            sequence_number: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: layer.ssrc,
            ..Header::default()
        };
        if let (Some(level), Some(id)) = (packet.audio_level, sender.audio_level) {
            header.set_extension(id, Bytes::copy_from_slice(&[level.min(127)]))?;
        }
        if let Some(names) = &sender.names {
            header.set_extension(names.mid_id, names.mid.clone())?;
            header.set_extension(names.rid_id, layer.rid.clone())?;
        }
        self.plane.lock().outbound.push_back((now, rtc::rtp::Packet { header, payload: packet.payload }));
        Ok(())
    }
}
