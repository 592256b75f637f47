//! The two WebRTC connections of a session, their sockets, and the task that drives them: the only module that names
//! `peer`. Sealed frames go in by [`Outlet`], packets of others come out to the [`Sink`] their track was given.
//! It never sees a sample or a key, and decides nothing: `session` says what to offer and when.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_core::frame::{Codec, SealedFrame};
use media_core::rtp::Packet;
use peer::{Flow, Peer, PeerConfig};
use protocol::ids::TrackSid;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::driver::Driver;

mod driver;
mod pacer;
mod tcp;
mod uplink;

pub(crate) use uplink::{Room, Uplink};

/// Orders waiting for the driver.
const ORDERS: usize = 256;
/// Frames waiting for the driver: about a second of all local tracks.
const FRAMES: usize = 256;

/// One of our own tracks. At most one of each is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Speaking in the room.
    Microphone,
    /// Speaking to everyone.
    Megaphone,
    /// The camera.
    Camera,
    /// The shared screen.
    Screen,
    /// What other programs play, beside the shared screen.
    ScreenSound,
}

impl Lane {
    /// Its simulcast layers; none: one stream.
    pub(crate) const fn rids(self) -> &'static [&'static str] {
        match self {
            Self::Camera => &media_core::video::layers::RIDS,
            Self::Microphone | Self::Megaphone | Self::Screen | Self::ScreenSound => &[],
        }
    }

    /// What is sent in it.
    pub(crate) const fn codec(self) -> Codec {
        match self {
            Self::Microphone | Self::Megaphone | Self::ScreenSound => Codec::Opus,
            Self::Camera | Self::Screen => Codec::H264,
        }
    }
}

/// To the driver.
#[derive(Debug)]
pub(crate) enum Order {
    /// Make a publisher offer.
    Offer {
        /// With fresh ICE credentials.
        ice_restart: bool,
    },
    /// The server's answer to it.
    Answer(String),
    /// The server's subscriber offer.
    SubscriberOffer {
        /// SDP.
        sdp: String,
        /// To echo.
        id: u32,
    },
    /// A candidate of the server's.
    Candidate {
        /// For which connection.
        publisher: bool,
        /// `candidateInit` JSON.
        json: String,
    },
    /// A track of ours goes into the next offer.
    AddLane {
        /// Which.
        lane: Lane,
        /// Its id in the msid.
        cid: String,
    },
    /// A track of ours leaves.
    RemoveLane(Lane),
    /// Packets of this track go there.
    Route(TrackSid, Sink),
    /// Packets of this track are dropped from now on.
    Unroute(TrackSid),
    /// Ask for a key frame of this track.
    NeedKey(TrackSid),
    /// Send this data packet; it may get lost.
    Data(Vec<u8>),
}

/// From the driver.
#[derive(Debug)]
pub(crate) enum Note {
    /// The offer that was ordered.
    Offer(String),
    /// The answer to a subscriber offer.
    Answer {
        /// SDP.
        sdp: String,
        /// Echoed.
        id: u32,
    },
    /// A candidate of ours, for the server.
    Candidate {
        /// Of which connection.
        publisher: bool,
        /// `candidateInit` JSON.
        json: String,
    },
    /// A connection is up.
    Up {
        /// Which.
        publisher: bool,
    },
    /// A connection hears nothing.
    Down {
        /// Which.
        publisher: bool,
    },
    /// A connection is dead, or a negotiation failed beyond repair.
    Dead {
        /// Which.
        publisher: bool,
    },
    /// Someone needs a key frame of what we send: of this layer of it.
    KeyWanted(Lane, u8),
    /// A message on a data channel.
    Data(Bytes),
    /// How the connections fare, about every two seconds.
    Quality {
        /// Worst loss of both directions, percent.
        loss_percent: u8,
        /// What the server lost of what we sent, percent.
        sent_loss_percent: u8,
        /// When known.
        rtt: Option<Duration>,
        /// Of our sound, sent again because the server asked, per hundred packets.
        resent_percent: u8,
    },
}

/// Takes the packets of one remote track. Called on the driver's task: must not block.
pub(crate) type Deliver = Arc<dyn Fn(Codec, Packet, Instant) + Send + Sync>;

/// Where packets of a track go.
#[derive(Clone)]
pub(crate) struct Sink(pub(crate) Deliver);

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

/// Where encoders put their frames, whichever connection is the current one. Cheap to clone; a full or missing
/// connection loses frames and never waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet(Arc<Mutex<Option<(Frames, Uplink)>>>);

/// The way to one driver: a frame of one layer of a lane.
type Frames = mpsc::Sender<(Lane, u8, SealedFrame)>;

impl Outlet {
    /// Sends one frame; `false` when it was lost.
    pub(crate) fn send(&self, lane: Lane, frame: SealedFrame) -> bool {
        self.send_layer(lane, 0, frame)
    }

    /// The same of one layer.
    pub(crate) fn send_layer(&self, lane: Lane, layer: u8, frame: SealedFrame) -> bool {
        let way = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        way.is_some_and(|(sender, _)| sender.try_send((lane, layer, frame)).is_ok())
    }

    /// What pictures of a lane may take of the link now.
    pub(crate) fn room(&self, lane: Lane) -> Room {
        let way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        way.as_ref().map_or(Room::Unknown, |(_, uplink)| uplink.room(lane))
    }

    /// Leads to this connection from now on, or nowhere.
    pub(crate) fn lead_to(&self, transport: Option<&Transport>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            transport.map(|t| (t.frames.clone(), t.uplink.clone()));
    }
}

/// A session's connections. Dropping it says good-bye and closes the sockets.
#[derive(Debug)]
pub(crate) struct Transport {
    orders: mpsc::Sender<Order>,
    frames: Frames,
    uplink: Uplink,
}

impl Transport {
    /// Opens sockets towards a server and starts the driver; notes go through `wrap` into `into`.
    ///
    /// # Errors
    /// No socket, or the library refuses to start.
    pub(crate) fn start<T: Send + 'static>(
        server: SocketAddr,
        tokio: &Handle,
        into: mpsc::Sender<T>,
        wrap: impl Fn(Note) -> T + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (orders, order_box) = mpsc::channel(ORDERS);
        let (frames, frame_box) = mpsc::channel(FRAMES);
        let now = Instant::now();
        let side = |flow| {
            let peer = Peer::new(PeerConfig::new(flow), now).map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>((peer, local_socket(server, tokio)?))
        };
        let publisher = side(Flow::Send)?;
        let subscriber = side(Flow::Receive)?;
        let notes: Box<dyn Fn(Note) -> bool + Send + Sync> = Box::new(move |note| into.try_send(wrap(note)).is_ok());
        let uplink = Uplink::default();
        let driver = Driver::new(publisher, subscriber, notes, uplink.clone())?;
        tokio.spawn(driver.run(order_box, frame_box));
        Ok(Self { orders, frames, uplink })
    }

    /// Gives an order; `false` when the driver is gone or hopelessly behind.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }
}

/// A socket on the address this machine uses towards the server, so that candidates name an interface the server can
/// reach and nothing is sent elsewhere.
fn local_socket(server: SocketAddr, tokio: &Handle) -> std::io::Result<UdpSocket> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let probe = std::net::UdpSocket::bind((any, 0))?;
    // Connecting a UDP socket sends nothing: it only asks the routing table.
    probe.connect(server)?;
    let mut local = probe.local_addr()?;
    local.set_port(0);
    let socket = std::net::UdpSocket::bind(local)?;
    socket.set_nonblocking(true)?;
    let _guard = tokio.enter();
    UdpSocket::from_std(socket)
}
