//! One end of a WebRTC connection, without a socket, a thread or a clock: the only crate that names `rtc`.
//! Used by `host::sfu` (many peers in one task) and `client::transport` (two peers per session). It must not do I/O,
//! decide policy or look inside sealed frames.
//!
//! # Map
//! | file | what |
//! |---|---|
//! | [`peer`] | [`Peer`]: offers, answers, candidates, senders, data channels, the four `poll`s |
//! | [`config`] | [`PeerConfig`], [`Flow`], [`Codec`] |
//! | [`media`] | what goes in and out: [`RtpIn`], [`RtpOut`], [`Event`], [`Transmit`] … |
//! | [`sdp`] | the few facts we need from a remote description, read with limits |
//! | `wire`, `tap`, `plane` | interceptors: RTX before NACK, routing of RTP, key frame requests, loss and round trip |
//! | `nack`, `asks` | asking for lost packets again |
//! | [`bandwidth`] | how much a connection carries, from what its receiver reports |
//! | `traffic` | numbers pictures for those reports, and bounds what is sent once more |
//! | [`red`] | RFC 2198: packets of sound that carry earlier ones once more |
//! | [`framing`] | RFC 4571: packets on a TCP stream |
//! | [`stun`] | which peer a first datagram is for (USERNAME) |
//!
//! # Driving it
//! ```text
//! let mut peer = Peer::new(PeerConfig::new(Flow::Send), now)?;
//! let trickle = peer.add_local_candidate(LocalCandidate::udp(addr))?;      // tell the other side
//! let mic = peer.add_sender(SenderSpec { track_id: cid, stream_id, codec: Codec::Opus })?;
//! let data = peer.open_data_channel("_reliable", Delivery::Reliable)?;
//! let offer = peer.create_offer(false, now)?;                              // … answer arrives …
//! peer.set_answer(&answer, now)?;
//! loop {
//!     while let Some(t) = peer.poll_transmit() { send(t) }                 // UDP datagram, or frame it for TCP
//!     while let Some(e) = peer.poll_event() { … }                          // after every handle/handle_timeout
//!     wait for: a datagram -> peer.handle(Datagram { .. }), or peer.poll_timeout() -> peer.handle_timeout(now)
//! }
//! ```
//! After **every** call that takes `&mut self` drain `poll_event` and `poll_transmit` until they answer `None`, then ask
//! `poll_timeout`. [`Event::NegotiationNeeded`] asks for `create_offer`; only one offer may be outstanding.
//! Nothing here panics on bytes from outside: a panic inside the library is caught, the peer is dead afterwards
//! ([`PeerError::Dead`], [`Event::Failed`]).

#![forbid(unsafe_code)]

mod asks;
pub mod bandwidth;
pub mod config;
pub mod error;
pub mod framing;
pub mod media;
mod nack;
pub mod peer;
mod plane;
pub mod red;
pub mod sdp;
pub mod stun;
mod tap;
mod traffic;
mod wire;

pub use bandwidth::Estimate;
pub use config::{Codec, Flow, Kind, PeerConfig};
pub use error::PeerError;
pub use framing::{Deframer, frame_header};
pub use media::{
    ChannelId, Datagram, Delivery, Event, LocalCandidate, Protocol, Quality, RemoteTrack, RtpIn, RtpOut, SenderId,
    SenderSpec, TrackKey, Transmit,
};
pub use peer::Peer;
