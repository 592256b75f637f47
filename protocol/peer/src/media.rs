//! The values that go into a peer and come out of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::config::{Codec, Kind};

/// Below UDP or on a TCP stream framed by RFC 4571.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A datagram.
    Udp,
    /// One RFC 4571 frame of a TCP stream.
    Tcp,
}

/// A way we can be reached, or dial from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalCandidate {
    /// A bound UDP socket; never an unspecified address.
    Udp(SocketAddr),
    /// A TCP listener.
    TcpPassive(SocketAddr),
    /// The local end of a TCP stream **already connected** to a passive candidate of the other side.
    TcpActive(SocketAddr),
}

/// One received packet.
#[derive(Debug)]
pub struct Datagram {
    /// When it was received.
    pub now: Instant,
    /// How.
    pub protocol: Protocol,
    /// The local candidate's address it came to.
    pub local: SocketAddr,
    /// From where.
    pub remote: SocketAddr,
    /// Without RFC 4571 length.
    pub bytes: BytesMut,
}

/// One packet to send.
#[derive(Debug)]
pub struct Transmit {
    /// How.
    pub protocol: Protocol,
    /// From which local candidate.
    pub local: SocketAddr,
    /// To where.
    pub remote: SocketAddr,
    /// Without RFC 4571 length.
    pub bytes: BytesMut,
}

/// A track we send; valid for the life of the peer, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SenderId(pub(crate) u32);

/// A track the other side sends; never reused within a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackKey(pub(crate) u32);

/// A data channel of this peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId(pub(crate) u32);

/// What to send: goes into `a=msid:<stream_id> <track_id>`.
#[derive(Debug, Clone)]
pub struct SenderSpec {
    /// LiveKit: the client's cid, or `PA_…|TR_…`'s track sid.
    pub track_id: String,
    /// The media stream.
    pub stream_id: String,
    /// What will be written.
    pub codec: Codec,
}

/// A track the other side announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTrack {
    /// Names it in [`RtpIn`].
    pub key: TrackKey,
    /// Section of the description.
    pub mid: String,
    /// First half of the msid; may be `-`.
    pub stream_id: String,
    /// Second half of the msid.
    pub track_id: String,
    /// Sound or picture.
    pub kind: Kind,
    /// Simulcast rids it may send, in the order of its offer; empty without simulcast.
    pub rids: Vec<String>,
}

/// One RTP packet of a remote track, decrypted; retransmissions look like the original.
#[derive(Debug, Clone)]
pub struct RtpIn {
    /// When it came.
    pub now: Instant,
    /// Of which track.
    pub track: TrackKey,
    /// Index into [`RemoteTrack::rids`]; 0 without simulcast.
    pub layer: u8,
    /// By its payload type.
    pub codec: Codec,
    /// RTP marker.
    pub marker: bool,
    /// RTP sequence number as received; duplicates and reordering are possible.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Of the stream.
    pub ssrc: u32,
    /// RFC 6464: 0 (loudest) to 127 (silence), -dBov.
    pub audio_level: Option<u8>,
    /// The payload is RED (RFC 2198) around that codec: [`crate::red::read`]. Only where [`crate::PeerConfig::red`].
    pub red: bool,
    /// May be empty (padding only).
    pub payload: Bytes,
}

/// One RTP packet to send. Payload type, SSRC and header extensions are the peer's business.
#[derive(Debug, Clone)]
pub struct RtpOut {
    /// Last packet of a frame, or first of a talk spurt.
    pub marker: bool,
    /// Rises by one per packet of the sender.
    pub sequence: u16,
    /// In the codec's clock.
    pub timestamp: u32,
    /// RFC 6464: 0 (loudest) to 127 (silence). Active speakers exist only through this.
    pub audio_level: Option<u8>,
    /// The payload is RED around the sender's codec: only where [`crate::Peer::takes_red`] said so.
    pub red: bool,
    /// At most 1200 bytes.
    pub payload: Bytes,
}

/// How a data channel treats loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Ordered, sent again until it arrives.
    Reliable,
    /// Unordered, never sent again.
    Lossy,
}

/// How well the connection carries media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quality {
    /// Worst fraction lost of the newest reports in either direction, percent.
    pub loss_percent: u8,
    /// From RTCP reports, when there were any.
    pub rtt: Option<Duration>,
    /// Packets of sound sent again because the other side asked, per hundred sent, since the last question.
    pub resent_percent: u8,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// ICE and DTLS are up (again).
    Connected,
    /// ICE heard nothing for a while; it may come back by itself or by an ICE restart.
    Disconnected,
    /// For good: ICE failed, DTLS failed or was closed by the other side, or the peer died.
    Failed,
    /// Call [`crate::Peer::create_offer`] when no offer is outstanding.
    NegotiationNeeded,
    /// The other side announced a track.
    TrackAdded(RemoteTrack),
    /// The other side withdrew it.
    TrackRemoved(TrackKey),
    /// A packet of a remote track.
    Rtp(RtpIn),
    /// The other side needs a key frame of what we send (PLI or FIR).
    KeyFrameRequested {
        /// Of which track.
        sender: SenderId,
        /// Of which of its layers; 0 without simulcast.
        layer: u8,
    },
    /// A channel, ours or theirs, can be used now.
    ChannelOpen {
        /// Which.
        channel: ChannelId,
        /// Its label.
        label: Arc<str>,
    },
    /// A channel is gone.
    ChannelClosed {
        /// Which.
        channel: ChannelId,
        /// Its label.
        label: Arc<str>,
    },
    /// A message.
    Data {
        /// On which channel.
        channel: ChannelId,
        /// Its label.
        label: Arc<str>,
        /// As it came.
        bytes: Bytes,
    },
}
