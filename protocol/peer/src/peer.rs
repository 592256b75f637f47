//! [`Peer`]: one connection. Wraps the library's connection, knows its traps, and never panics on input. Here: what it
//! holds and how it is driven; the rooms below make its sections, senders and channels.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::data_channel::RTCDataChannelId;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::sansio::Protocol as _;
use rtc::shared::error::Error as RtcError;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::bandwidth::{Estimate, Estimator};
use crate::config::{Codec, Flow, Kind, PeerConfig};
use crate::error::PeerError;
use crate::media::{ChannelId, Datagram, Event, Protocol, Quality, RemoteTrack, RtpIn, SenderId, TrackKey, Transmit};
use crate::plane::SharedPlane;
use crate::stun::Checks;

mod build;
mod channels;
mod negotiation;
mod senders;

/// Least time between two runs of the timers. The library asks for an immediate run with a time in the past; a driver
/// that loops on past times must not be kept busy by it.
const TIMER_REST: Duration = Duration::from_millis(2);

/// Longest message on a data channel (LiveKit's server buffer).
pub const MAX_MESSAGE: usize = 65_535;

#[derive(Debug)]
struct Sender {
    rtc: RTCRtpSenderId,
    /// One, or every simulcast layer.
    layers: Vec<senders::SentLayer>,
    codec: Codec,
    /// Set while the other side agreed to receive it.
    payload_type: Option<u8>,
    /// Payload type of RED around the codec, while the other side agreed to receive that.
    red: Option<u8>,
    audio_level: Option<u8>,
    /// Said in every packet of a simulcast layer: which section and which layer it is of.
    names: Option<senders::Names>,
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
    /// What the way takes, there and back: who only receives media learns it from nothing else.
    checks: Checks,
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
        plane.lock().takes_red = config.red;
        if config.patient {
            plane.lock().estimator = Estimator::patient();
        }
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
            checks: Checks::default(),
        })
    }

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

    /// One received packet: STUN, DTLS, SRTP or SRTCP.
    pub fn handle(&mut self, datagram: Datagram) {
        if datagram.bytes.is_empty() {
            return;
        }
        if let Some(took) = self.checks.comes(&datagram.bytes, datagram.now) {
            self.plane.lock().checked(took);
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
        // Checks are made by timers.
        self.checks.leaves(&message.message, self.timers_ran);
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
        self.plane.lock().take_quality()
    }

    /// What the link carries of what we send, from the other side's feedback; `None` while it says nothing.
    #[must_use]
    pub fn estimate(&self, now: Instant) -> Option<Estimate> {
        self.plane.lock().estimator.estimate(now)
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
            let layer_of = |sender: &Sender| sender.layers.iter().position(|layer| layer.ssrc == ssrc);
            let asked = self.senders.iter().find_map(|(id, sender)| layer_of(sender).map(|layer| (*id, layer)));
            if let Some((sender, layer)) = asked {
                let layer = u8::try_from(layer).unwrap_or(u8::MAX);
                self.events.push_back(Event::KeyFrameRequested { sender, layer });
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

#[cfg(test)]
mod tests;
