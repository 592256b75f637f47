//! ICE-TCP (RFC 6544, RFC 4571): one task per stream, cutting it into packets and back. A stream that does not begin
//! with a binding request to a connection of ours within seconds is closed; so is one that stops reading.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use peer::{Deframer, frame_header, stun};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Streams at once.
const MAX_STREAMS: usize = 512;

/// Streams of one IP at once.
const MAX_PER_IP: usize = 64;

/// Packets waiting for a stream to take them; about a second of 2.5 Mbit/s.
const OUTGOING: usize = 512;

/// Time for the first packet.
const FIRST_PACKET: Duration = Duration::from_secs(5);

/// A stream that sends nothing for this long is dead: consent checks come every few seconds.
const IDLE: Duration = Duration::from_secs(60);

/// What streams tell the media thread.
#[derive(Debug)]
pub(super) enum FromStream {
    /// Packets to this remote go into the queue.
    Opened { remote: SocketAddr, outgoing: mpsc::Sender<BytesMut> },
    /// One packet.
    Packet { local: SocketAddr, remote: SocketAddr, bytes: BytesMut },
    /// It ended.
    Closed { remote: SocketAddr },
}

/// How many streams there are.
#[derive(Debug, Default, Clone)]
pub(super) struct Census {
    all: Arc<AtomicUsize>,
    by_ip: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One stream's place; freed on drop.
struct Place {
    census: Census,
    ip: IpAddr,
}

impl Census {
    fn admit(&self, ip: IpAddr) -> Option<Place> {
        let mut by_ip = self.by_ip.lock().unwrap_or_else(PoisonError::into_inner);
        let of_ip = by_ip.get(&ip).copied().unwrap_or_default();
        if self.all.load(Ordering::Relaxed) >= MAX_STREAMS || of_ip >= MAX_PER_IP {
            return None;
        }
        by_ip.insert(ip, of_ip + 1);
        self.all.fetch_add(1, Ordering::Relaxed);
        Some(Place { census: self.clone(), ip })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_ip = self.census.by_ip.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_ip) = by_ip.get_mut(&self.ip) {
            *of_ip -= 1;
            if *of_ip == 0 {
                by_ip.remove(&self.ip);
            }
        }
        self.census.all.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a stream until it ends; false if there is no place for it.
pub(super) fn serve(stream: TcpStream, remote: SocketAddr, census: &Census, to: mpsc::Sender<FromStream>) -> bool {
    let Some(place) = census.admit(remote.ip()) else { return false };
    let Ok(local) = stream.local_addr() else { return false };
    tokio::spawn(async move {
        let _place = place;
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        if let Err(error) = exchange(stream, local, remote, outgoing, queue, &to).await {
            tracing::debug!(%error, "stream ended");
        }
        if to.send(FromStream::Closed { remote }).await.is_err() {
            tracing::debug!("the media thread is gone");
        }
    });
    true
}

async fn exchange(
    mut stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    outgoing: mpsc::Sender<BytesMut>,
    mut queue: mpsc::Receiver<BytesMut>,
    to: &mpsc::Sender<FromStream>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.split();
    let mut deframer = Deframer::default();
    let mut buffer = vec![0; 8192];
    let mut outgoing = Some(outgoing);
    let mut wire = BytesMut::new();
    loop {
        let patience = if outgoing.is_some() { FIRST_PACKET } else { IDLE };
        tokio::select! {
            read = tokio::time::timeout(patience, reader.read(&mut buffer)) => {
                let Ok(length) = read else { return Ok(()) };
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                deframer.feed(&buffer[..length]);
                loop {
                    let packet = deframer.next_packet().map_err(std::io::Error::other)?;
                    let Some(bytes) = packet else { break };
                    if let Some(outgoing) = outgoing.take() {
                        if stun::request_ufrag(&bytes).is_none() {
                            return Ok(());
                        }
                        send(to, FromStream::Opened { remote, outgoing }).await?;
                    }
                    send(to, FromStream::Packet { local, remote, bytes }).await?;
                }
            }
            packet = queue.recv(), if outgoing.is_none() => {
                let Some(first) = packet else { return Ok(()) };
                wire.clear();
                let mut next = Some(first);
                while let Some(packet) = next {
                    wire.extend_from_slice(&frame_header(packet.len()));
                    wire.extend_from_slice(&packet);
                    next = if wire.len() < 64 * 1024 { queue.try_recv().ok() } else { None };
                }
                match tokio::time::timeout(IDLE, writer.write_all(&wire)).await {
                    Ok(written) => written?,
                    Err(_) => return Ok(()),
                }
            }
        }
    }
}

async fn send(to: &mpsc::Sender<FromStream>, message: FromStream) -> std::io::Result<()> {
    to.send(message).await.map_err(|_| std::io::Error::other("the media thread is gone"))
}
