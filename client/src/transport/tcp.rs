//! ICE over TCP, the dialling half: connects to a server's passive candidates where UDP does not get through.
//! One task per stream; frames by RFC 4571.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use peer::{Deframer, frame_header};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// A stream that does not connect in this time is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Packets waiting to be written: media that waits longer is worthless.
const OUTBOX: usize = 128;

/// What a stream tells the driver.
#[derive(Debug)]
pub(super) enum Dialled {
    /// It is connected.
    Open {
        /// For which connection.
        publisher: bool,
        /// Our end.
        local: SocketAddr,
        /// Packets for it.
        out: mpsc::Sender<BytesMut>,
    },
    /// A packet came.
    Packet {
        /// For which connection.
        publisher: bool,
        /// Our end.
        local: SocketAddr,
        /// Their end.
        remote: SocketAddr,
        /// Without its length.
        bytes: BytesMut,
    },
    /// It is over.
    Closed {
        /// For which connection.
        publisher: bool,
        /// Our end.
        local: SocketAddr,
    },
}

/// Connects and moves packets until either end is gone.
pub(super) async fn dial(publisher: bool, remote: SocketAddr, into: mpsc::Sender<Dialled>) {
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, TcpStream::connect(remote)).await else {
        tracing::debug!("a TCP candidate does not answer");
        return;
    };
    let Ok(local) = stream.local_addr() else { return };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay is not to be had");
    }
    let (out, outbox) = mpsc::channel(OUTBOX);
    if into.send(Dialled::Open { publisher, local, out }).await.is_err() {
        return;
    }
    pump(publisher, local, remote, stream, outbox, &into).await;
    if into.send(Dialled::Closed { publisher, local }).await.is_err() {
        tracing::trace!("a stream ended after its driver");
    }
}

async fn pump(
    publisher: bool,
    local: SocketAddr,
    remote: SocketAddr,
    stream: TcpStream,
    mut outbox: mpsc::Receiver<BytesMut>,
    into: &mpsc::Sender<Dialled>,
) {
    let (mut read, mut write) = stream.into_split();
    let mut deframer = Deframer::default();
    let mut chunk = BytesMut::with_capacity(16 * 1024);
    loop {
        tokio::select! {
            got = read.read_buf(&mut chunk) => {
                match got {
                    Ok(n) if n > 0 => {}
                    Ok(_) | Err(_) => return,
                }
                deframer.feed(&chunk);
                chunk.clear();
                loop {
                    match deframer.next_packet() {
                        Ok(Some(bytes)) => {
                            if into.send(Dialled::Packet { publisher, local, remote, bytes }).await.is_err() {
                                return;
                            }
                        }
                        Ok(None) => break,
                        Err(error) => {
                            tracing::debug!(%error, "a stream of nonsense");
                            return;
                        }
                    }
                }
            }
            packet = outbox.recv() => {
                let Some(packet) = packet else { return };
                let header = frame_header(packet.len());
                if write.write_all(&header).await.is_err() || write.write_all(&packet).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct CandidateInit {
    candidate: String,
}

/// The address of a passive TCP candidate (RFC 6544); `None` for every other candidate.
pub(super) fn passive_address(json: &str) -> Option<SocketAddr> {
    if json.len() > 4096 {
        return None;
    }
    let init: CandidateInit = serde_json::from_str(json).ok()?;
    let fields: Vec<&str> = init.candidate.split_ascii_whitespace().collect();
    // candidate:<foundation> <component> tcp <priority> <address> <port> typ host tcptype passive
    let is_tcp = fields.get(2)?.eq_ignore_ascii_case("tcp");
    let passive = fields.windows(2).any(|pair| pair == ["tcptype", "passive"]);
    if !is_tcp || !passive {
        return None;
    }
    Some(SocketAddr::new(fields.get(4)?.parse().ok()?, fields.get(5)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_passive_tcp_candidate_is_dialled() {
        let json = |text: &str| format!(r#"{{"candidate":"candidate:1 1 {text}","sdpMid":"0","sdpMLineIndex":0}}"#);
        let passive = json("tcp 1 10.0.0.1 7881 typ host tcptype passive");
        assert_eq!(passive_address(&passive), Some("10.0.0.1:7881".parse().unwrap()));
        assert_eq!(passive_address(&json("udp 1 10.0.0.1 7882 typ host")), None);
        assert_eq!(passive_address(&json("tcp 1 10.0.0.1 9 typ host tcptype active")), None);
        assert_eq!(passive_address(&json("tcp 1 name.local 7881 typ host tcptype passive")), None);
        assert_eq!(passive_address("{"), None);
    }
}
