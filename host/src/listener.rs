//! The host's one TCP port: takes connections within limits, tells TLS from ICE-TCP by the first byte, and serves HTTP
//! heads and WebSockets over TLS 1.3. Plain HTTP is never answered.
//! One task per connection on the net runtime; every wait has an end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::building::Reception;
use crate::media::MediaPlane;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::token::Tokens;

pub mod http;
pub mod limits;
mod room_service;
mod routes;
mod sockets;

use limits::Gatekeeper;

/// First byte of a TLS record that carries a handshake (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// ICE-TCP begins with a 16-bit length (RFC 4571), and STUN fits into one packet: the first byte is small.
const MAX_FRAME_BYTE: u8 = 0x05;

/// How long a stranger may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the first byte and the TLS handshake, each.
    pub handshake: Duration,
    /// For the whole HTTP head.
    pub head: Duration,
    /// For the hello on the office channel.
    pub hello: Duration,
    /// For any frame on an open WebSocket; ours asks every third of it.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { handshake: seconds(10), head: seconds(10), hello: seconds(10), idle: seconds(30) }
    }
}

/// What every connection may use.
pub struct Porch {
    /// Into the building.
    pub reception: Reception,
    /// For ICE-TCP.
    pub media: Arc<dyn MediaPlane>,
    /// Join tokens.
    pub tokens: Tokens,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// For `/healthz`.
    pub store: Store,
    /// How long things may take.
    pub patience: Patience,
    /// May machines other than this one read `/metrics`?
    pub public_metrics: bool,
    /// Ends every connection at once.
    pub abort: CancellationToken,
}

/// Takes connections until `closing`.
pub async fn run(
    listener: TcpListener,
    tls: TlsAcceptor,
    gatekeeper: Gatekeeper,
    porch: Arc<Porch>,
    closing: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let taken = tokio::select! {
            () = closing.cancelled() => return,
            taken = listener.accept() => taken,
        };
        let (stream, peer) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                // Out of file descriptors, or the peer is gone already: breathe, then go on.
                tracing::warn!(kind = ?error.kind(), "accept_failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(pass) = gatekeeper.admit(peer.ip()) else {
            porch.metrics.connections_refused_total.up();
            continue;
        };
        porch.metrics.connections_total.up();
        let (tls, porch) = (tls.clone(), Arc::clone(&porch));
        tasks.spawn(async move {
            let abort = porch.abort.clone();
            porch.metrics.connections.up();
            tokio::select! {
                () = abort.cancelled() => {}
                () = serve(stream, peer, tls, &porch) => {}
            }
            porch.metrics.connections.down();
            drop(pass);
        });
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, tls: TlsAcceptor, porch: &Porch) {
    let mut first = [0_u8; 1];
    let Ok(Ok(1)) = tokio::time::timeout(porch.patience.handshake, stream.peek(&mut first)).await else { return };
    if first[0] <= MAX_FRAME_BYTE {
        return porch.media.accept_tcp(stream, peer);
    }
    if first[0] != TLS_HANDSHAKE {
        porch.metrics.bad_requests_total.up();
        return;
    }
    // Signalling messages are small and waited for.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(kind = ?error.kind(), "nodelay_failed");
    }
    match tokio::time::timeout(porch.patience.handshake, tls.accept(stream)).await {
        Ok(Ok(stream)) => routes::serve(stream, peer.ip().to_canonical(), porch).await,
        Ok(Err(_)) | Err(_) => porch.metrics.tls_failed_total.up(),
    }
}
