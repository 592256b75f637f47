//! Forwarding of sealed media the host cannot read. One thread owns every connection; its map:
//!
//! | file | what |
//! |---|---|
//! | [`contract`] | commands and events: the seam to the control plane |
//! | [`core`] | every session, connection and track, without a socket or a clock (tests drive it in virtual time) |
//! | `core/*` | its parts: publishing, subscribing, the choice of layers |
//! | [`red`] | plain packets of sound out of RED, for those who do not take it |
//! | [`rewrite`] | sequence and timestamp of one subscriber's copy, unbroken across mutes and layer switches |
//! | [`picture_id`] | the same for what VP8 counts itself |
//! | [`split`] | which pictures a subscriber's link has room for |
//! | [`speakers`] | who is heard, and which microphones are worth forwarding |
//! | [`demux`] | whose packet is this, and how much of a stranger we listen to |
//! | [`run`], [`tcp`] | the thread: one UDP socket, ICE-TCP streams, timers |
//! | [`counters`] | what the control plane exports |
//!
//! It must not decide rights, look into frames, or wait for the control plane.

pub mod contract;
pub mod core;
pub mod counters;
pub mod demux;
pub mod key_frame;
pub mod picture_id;
pub mod red;
pub mod rewrite;
mod run;
pub mod speakers;
pub mod split;
mod tcp;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::media::MediaPlane;
use contract::{SfuCommand, SfuEvent};
use counters::Counters;

/// Commands waiting for the media thread; it takes all of them each turn (milliseconds).
const COMMANDS: usize = 16_384;

/// Events waiting for the control plane.
const EVENTS: usize = 16_384;

/// Streams waiting to be taken over.
const STREAMS: usize = 64;

/// What the media plane needs.
#[derive(Debug)]
pub struct SfuConfig {
    /// Bound; becomes non-blocking.
    pub udp: UdpSocket,
    /// Addresses clients are told, reachable ones only (never unspecified); each for UDP and for passive TCP.
    pub candidates: Vec<SocketAddr>,
    /// Microphones forwarded per room at most; megaphone and screen sound always pass.
    pub loudest: usize,
}

impl SfuConfig {
    /// Twelve microphones at once: more than a person can tell apart.
    #[must_use]
    pub fn new(udp: UdpSocket, candidates: Vec<SocketAddr>) -> Self {
        Self { udp, candidates, loudest: 12 }
    }
}

/// Why the media plane did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartSfu {
    /// The socket cannot be used.
    #[error("the UDP socket: {0}")]
    Socket(#[source] std::io::Error),
    /// No thread.
    #[error("the media thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// Talks to the media plane. When the last clone is dropped the thread ends and every connection with it.
#[derive(Debug, Clone)]
pub struct SfuHandle {
    commands: mpsc::Sender<SfuCommand>,
    streams: mpsc::Sender<(TcpStream, SocketAddr)>,
    counters: Arc<Counters>,
}

/// The media plane.
#[derive(Debug)]
pub struct Sfu;

impl Sfu {
    /// Starts the media thread.
    ///
    /// # Errors
    /// The socket or the thread cannot be had.
    pub fn start(config: SfuConfig) -> Result<(SfuHandle, mpsc::Receiver<SfuEvent>), StartSfu> {
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (streams, stream_queue) = mpsc::channel(STREAMS);
        let (events, event_queue) = mpsc::channel(EVENTS);
        let counters = Arc::new(Counters::default());
        run::spawn(config, command_queue, stream_queue, events, Arc::clone(&counters))?;
        Ok((SfuHandle { commands, streams, counters }, event_queue))
    }
}

impl SfuHandle {
    /// Hands over a command; commands are carried out in order. A full queue means the media thread is stuck: the
    /// command is dropped and counted.
    pub fn send(&self, command: SfuCommand) {
        if self.commands.try_send(command).is_err() {
            self.counters.commands_lost.add(1);
            tracing::warn!("media command lost");
        }
    }

    /// A TCP stream on the host's port that did not begin like TLS; nothing of it was read.
    pub fn accept_tcp(&self, stream: TcpStream, peer: SocketAddr) {
        if self.streams.try_send((stream, peer)).is_err() {
            self.counters.streams_refused.add(1);
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl MediaPlane for SfuHandle {
    fn send(&self, command: SfuCommand) {
        Self::send(self, command);
    }

    fn accept_tcp(&self, stream: TcpStream, peer: SocketAddr) {
        Self::accept_tcp(self, stream, peer);
    }

    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }
}

#[cfg(test)]
mod tests;
