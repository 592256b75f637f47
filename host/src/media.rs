//! What the control plane needs of a media plane: take commands, take TCP connections, end. The SFU is one; tests bring
//! a scripted one.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::sfu::contract::SfuCommand;
use crate::sfu::counters::Counters;

/// A media plane. Nothing here waits.
pub trait MediaPlane: Send + Sync + 'static {
    /// Takes a command; commands are carried out in order.
    fn send(&self, command: SfuCommand);

    /// A TCP connection on the host's port that did not begin like TLS: RFC 4571 frames with STUN inside, or rubbish.
    fn accept_tcp(&self, stream: TcpStream, peer: SocketAddr);

    /// What it counted, for `/metrics`; `None`: it does not count.
    fn counters(&self) -> Option<&Counters> {
        None
    }
}
