//! [`Peer`]: one connection. Wraps the library's connection, knows its traps, and never panics on input.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc::data_channel::{RTCDataChannelId, RTCDataChannelInit};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::RTCRtpEncodingParameters;
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::error::Error as RtcError;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::config::{Codec, Flow, Kind, PeerConfig};
use crate::error::PeerError;
use crate::media::{
    ChannelId, Datagram, Delivery, Event, LocalCandidate, Protocol, Quality, RemoteTrack, RtpIn, RtpOut, SenderId,
    SenderSpec, TrackKey, Transmit,
};
use crate::plane::SharedPlane;
use crate::sdp::{Description, Section};

mod build;

/// Remote candidates accepted in all; a real client sends a dozen.
const MAX_REMOTE_CANDIDATES: usize = 64;

/// Channels the other side may open.
const MAX_CHANNELS: usize = 16;

/// Bytes a data channel may hold unsent before [`PeerError::Congested`].
const MAX_UNSENT: usize = 4 * 1024 * 1024;

/// Least time between two runs of the timers. The library asks for an immediate run with a time in the past; a driver
/// that loops on past times must not be kept busy by it.
const TIMER_REST: Duration = Duration::from_millis(2);

/// Longest message on a data channel (LiveKit's server buffer).
pub const MAX_MESSAGE: usize = 65_535;

#[derive(Debug)]
struct Sender {
    rtc: RTCRtpSenderId,
    ssrc: u32,
    codec: Codec,
    /// Set while the other side agreed to receive it.
    payload_type: Option<u8>,
    audio_level: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Negotiation {
    Stable,
    OfferOut,
}

/// One end of a connection. See the crate's documentation for how to drive it.
pub struct Peer {
    rtc: RTCPeerConnection,
    config: PeerConfig,
    plane: SharedPlane,
    senders: HashMap<SenderId, Sender>,
    next_sender: u32,
    /// Sections whose sender was removed, per kind: the next sender takes one over instead of making another.
    vacant: HashMap<Kind, usize>,
    channels: HashMap<RTCDataChannelId, (ChannelId, Arc<str>)>,
    next_channel: u32,
    early_candidates: Vec<RTCIceCandidateInit>,
    candidates: usize,
    described: bool,
    local_ufrag: String,
    extensions_level: Option<u8>,
    negotiation: Negotiation,
    wants_negotiation: bool,
    asked_for_negotiation: bool,
    connected: bool,
    dead: bool,
    events: VecDeque<Event>,
    rtp: VecDeque<RtpIn>,
    timers_ran: Instant,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("flow", &self.config.flow)
            .field("connected", &self.connected)
            .field("dead", &self.dead)
            .field("negotiation", &self.negotiation)
            .field("senders", &self.senders.len())
            .finish_non_exhaustive()
    }
}

impl Peer {
    /// A peer with a fresh DTLS certificate (P-256) and ICE credentials.
    ///
    /// # Errors
    /// The library refuses the configuration.
    pub fn new(config: PeerConfig, now: Instant) -> Result<Self, PeerError> {
        let plane = SharedPlane::default();
        let rtc = build::connection(&config, &plane, now)?;
        Ok(Self {
            rtc,
            config,
            plane,
            senders: HashMap::new(),
            next_sender: 0,
            vacant: HashMap::new(),
            channels: HashMap::new(),
            next_channel: 0,
            early_candidates: vec![],
            candidates: 0,
            described: false,
            local_ufrag: String::new(),
            extensions_level: None,
            negotiation: Negotiation::Stable,
            wants_negotiation: false,
            asked_for_negotiation: false,
            connected: false,
            dead: false,
            events: VecDeque::new(),
            rtp: VecDeque::new(),
            timers_ran: now,
        })
    }

    // --- negotiation ---------------------------------------------------------------------------------------------

    /// Makes an offer and applies it locally. With `ice_restart` the path is chosen anew (new ufrag).
    ///
    /// # Errors
    /// [`PeerError::State`] while an offer is outstanding or if there is nothing to offer.
    pub fn create_offer(&mut self, ice_restart: bool, now: Instant) -> Result<String, PeerError> {
        if self.negotiation != Negotiation::Stable {
            return Err(PeerError::State);
        }
        if self.senders.is_empty() && self.channels.is_empty() && !self.described {
            return Err(PeerError::State);
        }
        let offer = self.guarded(|rtc| {
            if ice_restart {
                rtc.restart_ice();
            }
            let offer = rtc.create_offer(None)?;
            rtc.set_local_description(now, offer.clone())?;
            Ok(offer)
        })?;
        self.negotiation = Negotiation::OfferOut;
        self.wants_negotiation = false;
        self.asked_for_negotiation = false;
        self.learn_ufrag(&offer.sdp);
        Ok(offer.sdp)
    }

    /// Applies the answer to our offer.
    ///
    /// # Errors
    /// [`PeerError::State`] without an offer; [`PeerError::Description`]/[`PeerError::TooLarge`] change nothing (the
    /// offer stays outstanding); [`PeerError::Library`] needs a new peer.
    pub fn set_answer(&mut self, sdp: &str, now: Instant) -> Result<(), PeerError> {
        if self.negotiation != Negotiation::OfferOut {
            return Err(PeerError::State);
        }
        let description = Description::parse(sdp)?;
        self.guarded(|rtc| rtc.set_remote_description(now, RTCSessionDescription::answer(sdp.to_owned())?))?;
        self.negotiation = Negotiation::Stable;
        self.described(&description)
    }

    /// Applies an offer and makes the answer.
    ///
    /// # Errors
    /// As [`Peer::set_answer`].
    pub fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<String, PeerError> {
        self.accept_offer_wanting(sdp, &|_| None, now)
    }

    /// The same; the other side is asked to send each section with the codec that is wanted for it, if it offers that.
    ///
    /// # Errors
    /// As [`Peer::set_answer`].
    pub fn accept_offer_wanting(
        &mut self,
        sdp: &str,
        wanted: &dyn Fn(&Section) -> Option<Codec>,
        now: Instant,
    ) -> Result<String, PeerError> {
        if self.negotiation != Negotiation::Stable {
            return Err(PeerError::State);
        }
        let description = Description::parse(sdp)?;
        let answer = self.guarded(|rtc| {
            rtc.set_remote_description(now, RTCSessionDescription::offer(sdp.to_owned())?)?;
            let answer = rtc.create_answer(None)?;
            rtc.set_local_description(now, answer.clone())?;
            Ok(answer)
        })?;
        self.learn_ufrag(&answer.sdp);
        self.described(&description)?;
        Ok(crate::sdp::ordered(&description, &answer.sdp, wanted))
    }

    /// Our ufrag of the newest local description: first half of the USERNAME in binding requests to us. Empty before
    /// the first description.
    #[must_use]
    pub fn local_ufrag(&self) -> &str {
        &self.local_ufrag
    }

    /// Adds a way we can be reached and answers LiveKit's `candidateInit` JSON to tell the other side.
    ///
    /// # Errors
    /// An unspecified address, or the library refuses it.
    pub fn add_local_candidate(&mut self, candidate: LocalCandidate) -> Result<String, PeerError> {
        let init = build::candidate(candidate)?;
        let json = serde_json::to_string(&init).map_err(|_| PeerError::Candidate)?;
        self.guarded(|rtc| rtc.add_local_candidate(init))?;
        Ok(json)
    }

    /// A candidate of the other side (`candidateInit` JSON); kept if its description has not come yet. Host names
    /// (`.local` and others) are ignored: this product asks no resolver.
    ///
    /// # Errors
    /// Not a candidate, or more than a connection needs.
    pub fn add_remote_candidate(&mut self, json: &str) -> Result<(), PeerError> {
        if self.candidates >= MAX_REMOTE_CANDIDATES || json.len() > 4096 {
            return Err(PeerError::Candidate);
        }
        let init: RTCIceCandidateInit = serde_json::from_str(json).map_err(|_| PeerError::Candidate)?;
        if init.candidate.is_empty() || !build::is_numeric(&init.candidate) {
            return Ok(());
        }
        self.candidates += 1;
        if !self.described {
            self.early_candidates.push(init);
            return Ok(());
        }
        self.guarded(|rtc| rtc.add_remote_candidate(init)).map_err(candidate_error)
    }

    fn described(&mut self, description: &Description) -> Result<(), PeerError> {
        self.described = true;
        self.candidates = 0;
        for candidate in std::mem::take(&mut self.early_candidates) {
            // One bad candidate does not spoil the others.
            if let Err(PeerError::Dead) = self.guarded(|rtc| rtc.add_remote_candidate(candidate)) {
                return Err(PeerError::Dead);
            }
        }
        let changes = self.plane.lock().describe(description);
        self.events.extend(changes.removed.into_iter().map(Event::TrackRemoved));
        self.events.extend(changes.added.into_iter().map(Event::TrackAdded));
        self.extensions_level = description.extensions.audio_level;
        for sender in self.senders.values_mut() {
            let mid = self.rtc.rtp_transceiver(build::transceiver(sender.rtc)).and_then(|t| t.mid().clone());
            let section = mid.and_then(|mid| description.by_mid(&mid));
            sender.payload_type = section
                .filter(|section| section.receives && !section.rejected)
                .and_then(|section| section.payload_type(sender.codec));
            sender.audio_level = description.extensions.audio_level;
        }
        Ok(())
    }

    fn learn_ufrag(&mut self, sdp: &str) {
        let ufrag = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
        ufrag.unwrap_or_default().trim_end().clone_into(&mut self.local_ufrag);
    }

    // --- sending -------------------------------------------------------------------------------------------------

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
        let sender = Sender { rtc, ssrc, codec: spec.codec, payload_type: None, audio_level: None };
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
        let payload_type = sender.payload_type.ok_or(PeerError::NotNegotiated)?;
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

    // --- receiving -----------------------------------------------------------------------------------------------

    /// What the other side announced under this key.
    #[must_use]
    pub fn remote_track(&self, key: TrackKey) -> Option<RemoteTrack> {
        self.plane.lock().track(key).cloned()
    }

    /// Asks the sender of a track (one layer of it) for a key frame, by PLI.
    ///
    /// # Errors
    /// No packet of that layer came yet, or not connected.
    pub fn request_key_frame(&mut self, track: TrackKey, layer: u8, now: Instant) -> Result<(), PeerError> {
        if !self.connected {
            return Err(PeerError::NotConnected);
        }
        let media_ssrc = self.plane.lock().ssrc_of(track, layer).ok_or(PeerError::Unknown("layer"))?;
        let pli = PictureLossIndication { sender_ssrc: 0, media_ssrc };
        self.guarded(|rtc| {
            rtc.handle_write(rtc::peer_connection::message::TaggedRTCMessage {
                now,
                message: RTCMessage::RtcpPacket(String::new(), vec![Box::new(pli)]),
            })
        })
    }

    // --- data ----------------------------------------------------------------------------------------------------

    /// Opens a channel; [`Event::ChannelOpen`] tells when it can be used.
    ///
    /// # Errors
    /// The library refuses it.
    pub fn open_data_channel(&mut self, label: &str, delivery: Delivery) -> Result<ChannelId, PeerError> {
        let init = match delivery {
            Delivery::Reliable => RTCDataChannelInit { ordered: true, ..RTCDataChannelInit::default() },
            Delivery::Lossy => {
                RTCDataChannelInit { ordered: false, max_retransmits: Some(0), ..RTCDataChannelInit::default() }
            }
        };
        let first = self.channels.is_empty();
        let rtc_id = self.guarded(|rtc| Ok(rtc.create_data_channel(label, Some(init))?.id()))?;
        // Only the first channel brings the data section; later ones are opened in it.
        self.wants_negotiation |= first;
        Ok(self.channel(rtc_id, label.into()))
    }

    /// Queues one message of at most [`MAX_MESSAGE`] bytes.
    ///
    /// # Errors
    /// Too long, unknown or unopened channel, or [`PeerError::Congested`].
    pub fn send_data(&mut self, channel: ChannelId, bytes: &[u8], now: Instant) -> Result<(), PeerError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(PeerError::TooLarge);
        }
        let rtc_id = self
            .channels
            .iter()
            .find_map(|(rtc_id, (id, _))| (*id == channel).then_some(*rtc_id))
            .ok_or(PeerError::Unknown("channel"))?;
        self.guarded(|rtc| {
            let Some(mut channel) = rtc.data_channel(rtc_id) else { return Ok(Err(PeerError::Unknown("channel"))) };
            if channel.outstanding_bytes() + bytes.len() > MAX_UNSENT {
                return Ok(Err(PeerError::Congested));
            }
            channel.send(now, BytesMut::from(bytes))?;
            Ok(Ok(()))
        })?
    }

    fn channel(&mut self, rtc_id: RTCDataChannelId, label: Arc<str>) -> ChannelId {
        let id = ChannelId(self.next_channel);
        self.next_channel += 1;
        self.channels.insert(rtc_id, (id, label));
        id
    }

    // --- driving -------------------------------------------------------------------------------------------------

    /// One received packet: STUN, DTLS, SRTP or SRTCP.
    pub fn handle(&mut self, datagram: Datagram) {
        if datagram.bytes.is_empty() {
            return;
        }
        let message = TaggedBytesMut {
            now: datagram.now,
            transport: TransportContext {
                local_addr: datagram.local,
                peer_addr: datagram.remote,
                transport_protocol: match datagram.protocol {
                    Protocol::Udp => TransportProtocol::UDP,
                    Protocol::Tcp => TransportProtocol::TCP,
                },
                ecn: None,
            },
            message: datagram.bytes,
        };
        if let Err(error) = self.guarded(|rtc| rtc.handle_read(message)) {
            tracing::debug!(%error, "packet refused");
        }
    }

    /// Lets due timers run.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.timers_ran = now;
        if let Err(error) = self.guarded(|rtc| rtc.handle_timeout(now)) {
            tracing::debug!(%error, "timer refused");
        }
    }

    /// When [`Peer::handle_timeout`] wants to be called; always later than the last time it was.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let due = self.guarded(|rtc| Ok(rtc.poll_timeout())).ok().flatten()?;
        Some(due.max(self.timers_ran + TIMER_REST))
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let message = self.guarded(|rtc| Ok(rtc.poll_write())).ok().flatten()?;
        Some(Transmit {
            protocol: match message.transport.transport_protocol {
                TransportProtocol::TCP => Protocol::Tcp,
                _ => Protocol::Udp,
            },
            local: message.transport.local_addr,
            remote: message.transport.peer_addr,
            bytes: message.message,
        })
    }

    /// What happened since the last question.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if let Some(packet) = self.rtp.pop_front() {
                return Some(Event::Rtp(packet));
            }
            if !self.gather() {
                return self.ask_for_negotiation();
            }
        }
    }

    /// How media fares; loss is the worst since the last call.
    pub fn quality(&mut self) -> Quality {
        let (fraction, rtt) = self.plane.lock().take_quality();
        let percent = u16::from(fraction) * 100 / 256;
        Quality { loss_percent: u8::try_from(percent).unwrap_or(100), rtt }
    }

    /// RTP that came for no announced track since the start.
    #[must_use]
    pub fn unrouted_packets(&self) -> u64 {
        self.plane.lock().unrouted
    }

    /// Whether ICE and DTLS are up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Says good-bye; drain `poll_transmit` once more, then drop the peer.
    pub fn close(&mut self) {
        self.connected = false;
        if let Err(error) = self.guarded(|rtc| rtc.close()) {
            tracing::debug!(%error, "close refused");
        }
    }

    /// Moves what the library has into our queues; false if there was nothing.
    fn gather(&mut self) -> bool {
        let (mut found, key_frames) = {
            let mut plane = self.plane.lock();
            std::mem::swap(&mut plane.inbound, &mut self.rtp);
            (!self.rtp.is_empty(), std::mem::take(&mut plane.key_frames))
        };
        for ssrc in key_frames {
            let sender = self.senders.iter().find(|(_, sender)| sender.ssrc == ssrc);
            if let Some((id, _)) = sender {
                self.events.push_back(Event::KeyFrameRequested(*id));
                found = true;
            }
        }
        if found {
            return true;
        }
        while let Some(message) = self.guarded(|rtc| Ok(rtc.poll_read())).ok().flatten() {
            found = true;
            if let RTCMessage::DataChannelMessage(rtc_id, message) = message.message
                && let Some((channel, label)) = self.channels.get(&rtc_id).cloned()
            {
                self.events.push_back(Event::Data { channel, label, bytes: message.data.freeze() });
            }
        }
        while let Some(event) = self.guarded(|rtc| Ok(rtc.poll_event())).ok().flatten() {
            found = true;
            self.on_event(event);
        }
        found || !self.events.is_empty()
    }

    fn on_event(&mut self, event: RTCPeerConnectionEvent) {
        match event {
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                self.connected = state == RTCPeerConnectionState::Connected;
                match state {
                    RTCPeerConnectionState::Connected => self.events.push_back(Event::Connected),
                    RTCPeerConnectionState::Disconnected => self.events.push_back(Event::Disconnected),
                    RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => {
                        self.events.push_back(Event::Failed);
                    }
                    _ => {}
                }
            }
            RTCPeerConnectionEvent::OnDataChannel(event) => self.on_channel(event),
            // Routing, candidates and the need to negotiate are kept by ourselves.
            _ => {}
        }
    }

    fn on_channel(&mut self, event: RTCDataChannelEvent) {
        match event {
            RTCDataChannelEvent::OnOpen(rtc_id) => {
                if !self.channels.contains_key(&rtc_id) {
                    let label = self.guarded(|rtc| Ok(rtc.data_channel(rtc_id).map(|channel| channel.label().into())));
                    let Ok(Some(label)) = label else { return };
                    if self.channels.len() >= MAX_CHANNELS {
                        tracing::debug!("a channel too many");
                        return;
                    }
                    self.channel(rtc_id, label);
                }
                if let Some((channel, label)) = self.channels.get(&rtc_id).cloned() {
                    self.events.push_back(Event::ChannelOpen { channel, label });
                }
            }
            RTCDataChannelEvent::OnClose(rtc_id) => {
                if let Some((channel, label)) = self.channels.remove(&rtc_id) {
                    self.events.push_back(Event::ChannelClosed { channel, label });
                }
            }
            _ => {}
        }
    }

    fn ask_for_negotiation(&mut self) -> Option<Event> {
        let ask = self.wants_negotiation
            && !self.asked_for_negotiation
            && self.negotiation == Negotiation::Stable
            && !self.dead;
        self.asked_for_negotiation |= ask;
        ask.then_some(Event::NegotiationNeeded)
    }

    /// Runs a step of the library. Its parsers are young: a panic must cost this peer, not the process.
    fn guarded<T>(&mut self, step: impl FnOnce(&mut RTCPeerConnection) -> Result<T, RtcError>) -> Result<T, PeerError> {
        if self.dead {
            return Err(PeerError::Dead);
        }
        let rtc = &mut self.rtc;
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| step(rtc))) {
            return result.map_err(PeerError::from);
        }
        tracing::error!(flow = ?self.config.flow, "the webrtc library panicked; this connection is lost");
        self.dead = true;
        self.connected = false;
        self.events.push_back(Event::Failed);
        Err(PeerError::Dead)
    }

    /// Which way media goes.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.config.flow
    }
}

fn candidate_error(error: PeerError) -> PeerError {
    match error {
        PeerError::Dead => PeerError::Dead,
        PeerError::Description(_)
        | PeerError::TooLarge
        | PeerError::Library(_)
        | PeerError::Candidate
        | PeerError::State
        | PeerError::Unknown(_)
        | PeerError::NotNegotiated
        | PeerError::NotConnected
        | PeerError::Congested => PeerError::Candidate,
    }
}

#[cfg(test)]
mod tests;
