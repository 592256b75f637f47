//! The media thread: one UDP socket, TCP streams, commands, timers. Everything is decided in [`Core`]; here bytes move.
//! Packets of one picture to one subscriber leave in one system call (segmentation offload) where the system can.

use std::collections::HashMap;
use std::io::{ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peer::{Protocol, Transmit};
use quinn_udp::{RecvMeta, UdpSocketState};
use tokio::io::Interest;
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;

use super::contract::{SfuCommand, SfuEvent};
use super::core::Core;
use super::counters::Counters;
use super::tcp::{Census, FromStream, serve};
use super::{SfuConfig, StartSfu};

/// Socket buffers: a key frame to a hundred subscribers is some megabytes at once.
const SEND_BUFFER: usize = 8 * 1024 * 1024;
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Longest datagram we take; longer ones are cut and fail to decrypt.
const DATAGRAM: usize = 2048;

/// Receive rounds before timers and commands get their turn.
const ROUNDS: usize = 4;

/// Time the system may refuse datagrams before they are given up.
const SEND_PATIENCE: Duration = Duration::from_millis(50);

/// How often the thread's CPU time is noted.
const CPU_INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn spawn(
    config: SfuConfig,
    commands: mpsc::Receiver<SfuCommand>,
    streams: mpsc::Receiver<(TcpStream, SocketAddr)>,
    events: mpsc::Sender<SfuEvent>,
    counters: Arc<Counters>,
) -> Result<(), StartSfu> {
    let state = UdpSocketState::new((&config.udp).into()).map_err(StartSfu::Socket)?;
    config.udp.set_nonblocking(true).map_err(StartSfu::Socket)?;
    for (what, result) in [
        ("send", state.set_send_buffer_size((&config.udp).into(), SEND_BUFFER)),
        ("receive", state.set_recv_buffer_size((&config.udp).into(), RECEIVE_BUFFER)),
    ] {
        if let Err(error) = result {
            tracing::debug!(what, %error, "socket buffer stays small");
        }
    }
    let bound = config.udp.local_addr().map_err(StartSfu::Socket)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartSfu::Thread)?;
    std::thread::Builder::new()
        .name("media-plane".into())
        .spawn(move || {
            runtime.block_on(async move {
                let socket = match UdpSocket::from_std(config.udp) {
                    Ok(socket) => socket,
                    Err(error) => return tracing::error!(%error, "the media socket"),
                };
                let (from_streams, stream_packets) = mpsc::channel(1024);
                let core = Core::new(config.candidates.clone(), config.loudest, Arc::clone(&counters), Instant::now());
                let driver = Driver {
                    core,
                    socket,
                    state,
                    bound,
                    candidates: config.candidates,
                    events,
                    counters,
                    writers: HashMap::new(),
                    out: vec![],
                    segments: vec![],
                    census: Census::default(),
                    from_streams,
                };
                driver.run(commands, streams, stream_packets).await;
            });
        })
        .map_err(StartSfu::Thread)?;
    Ok(())
}

struct Driver {
    core: Core,
    socket: UdpSocket,
    state: UdpSocketState,
    bound: SocketAddr,
    candidates: Vec<SocketAddr>,
    events: mpsc::Sender<SfuEvent>,
    counters: Arc<Counters>,
    /// Streams by their remote end.
    writers: HashMap<SocketAddr, mpsc::Sender<BytesMut>>,
    out: Vec<Transmit>,
    segments: Vec<u8>,
    census: Census,
    from_streams: mpsc::Sender<FromStream>,
}

impl Driver {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<SfuCommand>,
        mut streams: mpsc::Receiver<(TcpStream, SocketAddr)>,
        mut packets: mpsc::Receiver<FromStream>,
    ) {
        let stride = DATAGRAM * self.state.gro_segments();
        let mut storage = vec![0_u8; stride * quinn_udp::BATCH_SIZE];
        let mut cpu_noted = Instant::now();
        loop {
            let now = Instant::now();
            if now.saturating_duration_since(cpu_noted) >= CPU_INTERVAL {
                cpu_noted = now;
                self.counters.note_cpu(thread_cpu_us());
            }
            let wake = tokio::time::Instant::from_std(self.core.next_timeout(now));
            tokio::select! {
                biased;
                command = commands.recv() => {
                    let Some(command) = command else { break };
                    let now = Instant::now();
                    self.core.command(command, now);
                    while let Ok(command) = commands.try_recv() {
                        self.core.command(command, now);
                    }
                }
                Some(packet) = packets.recv() => {
                    self.on_stream(packet);
                    while let Ok(packet) = packets.try_recv() {
                        self.on_stream(packet);
                    }
                }
                Some((stream, remote)) = streams.recv() => {
                    if !serve(stream, remote, &self.census, self.from_streams.clone()) {
                        self.counters.streams_refused.add(1);
                    }
                }
                ready = self.socket.readable() => {
                    if let Err(error) = ready {
                        tracing::error!(%error, "the media socket");
                        break;
                    }
                    for _ in 0..ROUNDS {
                        if !self.receive(&mut storage, stride) {
                            break;
                        }
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
            let now = Instant::now();
            self.core.timeout(now);
            self.core.flush(now);
            self.send().await;
            for event in self.core.take_events() {
                if self.events.try_send(event).is_err() {
                    self.counters.events_lost.add(1);
                }
            }
        }
        tracing::info!("media plane ended");
    }

    /// One batch of datagrams; false when there are no more.
    fn receive(&mut self, storage: &mut [u8], stride: usize) -> bool {
        let mut slices: [IoSliceMut<'_>; quinn_udp::BATCH_SIZE] = {
            let mut chunks = storage.chunks_mut(stride);
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()))
        };
        let mut metas = [RecvMeta::default(); quinn_udp::BATCH_SIZE];
        let (socket, state) = (&self.socket, &self.state);
        let received = socket.try_io(Interest::READABLE, || state.recv(socket.into(), &mut slices, &mut metas));
        let count = match received {
            Ok(count) => count,
            Err(error) => {
                if error.kind() != ErrorKind::WouldBlock {
                    tracing::debug!(%error, "receive");
                }
                return false;
            }
        };
        let now = Instant::now();
        for (meta, slice) in metas.iter().zip(&slices).take(count) {
            let remote = canonical(meta.addr);
            let local = self.local(meta.dst_ip, remote);
            for packet in slice[..meta.len].chunks(meta.stride.max(1)) {
                self.core.packet(Core::datagram(Protocol::Udp, local, remote, BytesMut::from(packet), now));
            }
        }
        count == quinn_udp::BATCH_SIZE
    }

    /// The candidate a datagram came to: connections only know those.
    fn local(&self, to: Option<IpAddr>, remote: SocketAddr) -> SocketAddr {
        let to = to.map(|ip| ip.to_canonical());
        let exact = self.candidates.iter().find(|candidate| Some(candidate.ip()) == to);
        let family = || self.candidates.iter().find(|candidate| candidate.is_ipv4() == remote.is_ipv4());
        exact.or_else(family).copied().unwrap_or(self.bound)
    }

    fn on_stream(&mut self, message: FromStream) {
        match message {
            FromStream::Opened { remote, outgoing } => {
                self.writers.insert(canonical(remote), outgoing);
            }
            FromStream::Packet { local, remote, bytes } => {
                let remote = canonical(remote);
                let local = self.local(Some(local.ip()), remote);
                self.core.packet(Core::datagram(Protocol::Tcp, local, remote, bytes, Instant::now()));
            }
            FromStream::Closed { remote } => {
                let remote = canonical(remote);
                self.writers.remove(&remote);
                self.core.hung_up(remote);
            }
        }
    }

    /// Sends what the core has, grouping packets of equal size to one destination.
    async fn send(&mut self) {
        let mut out = std::mem::take(&mut self.out);
        self.core.take_transmits(&mut out);
        self.counters.packets_out.add(out.len() as u64);
        let most = self.state.max_gso_segments().max(1);
        let mut at = 0;
        while at < out.len() {
            let first = &out[at];
            if first.protocol == Protocol::Tcp {
                if let Some(writer) = self.writers.get(&first.remote)
                    && writer.try_send(first.bytes.clone()).is_err()
                {
                    self.counters.unsent.add(1);
                }
                at += 1;
                continue;
            }
            let size = first.bytes.len();
            let mut end = at + 1;
            // All of one size, only the last may be shorter; the kernel takes at most 64 KiB.
            while end < out.len()
                && end - at < most
                && out[end - 1].bytes.len() == size
                && out[end].bytes.len() <= size
                && (end - at + 1) * size < 65_000
                && out[end].remote == first.remote
                && out[end].local == first.local
                && out[end].protocol == Protocol::Udp
            {
                end += 1;
            }
            if end - at == 1 {
                self.segments.clear();
                self.transmit(first.remote, first.local.ip(), &first.bytes, None).await;
            } else {
                let mut segments = std::mem::take(&mut self.segments);
                segments.clear();
                for packet in &out[at..end] {
                    segments.extend_from_slice(&packet.bytes);
                }
                self.transmit(first.remote, first.local.ip(), &segments, Some(size)).await;
                self.segments = segments;
            }
            at = end;
        }
        out.clear();
        self.out = out;
    }

    async fn transmit(&self, remote: SocketAddr, from: IpAddr, contents: &[u8], segment_size: Option<usize>) {
        let transmit = quinn_udp::Transmit {
            destination: for_socket(remote, self.bound),
            ecn: None,
            contents,
            segment_size,
            src_ip: self.bound.ip().is_unspecified().then_some(from),
        };
        let (socket, state) = (&self.socket, &self.state);
        loop {
            let sent = socket.try_io(Interest::WRITABLE, || state.try_send(socket.into(), &transmit));
            match sent {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if tokio::time::timeout(SEND_PATIENCE, socket.writable()).await.is_err() {
                        self.counters.unsent.add(1);
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "send");
                    self.counters.unsent.add(1);
                    return;
                }
            }
        }
    }
}

/// IPv4 as IPv4, also on a socket for both.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn for_socket(remote: SocketAddr, bound: SocketAddr) -> SocketAddr {
    match (remote.ip(), bound) {
        (IpAddr::V4(ip), SocketAddr::V6(_)) => SocketAddr::new(IpAddr::V6(ip.to_ipv6_mapped()), remote.port()),
        (IpAddr::V4(_) | IpAddr::V6(_), SocketAddr::V4(_) | SocketAddr::V6(_)) => remote,
    }
}

/// CPU time of this thread; 0 where there is no procfs to ask.
fn thread_cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<u64>().ok()).unwrap_or_default() / 1000
}
