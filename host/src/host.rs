//! One host: started and stopped here, in the app or by `office-host`. Holds the actor, the listener, the media plane
//! and the announcement together; what they do is in their own modules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::ids::{InviteId, RoomId};
use protocol::invite::Fingerprint;
use protocol::office::MAX_INVITE_SECONDS;
use protocol::pii::Secret;
use protocol::policy::Role;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::building::{self, Input, OwnRoom, Parts, Reception, Seal};
use crate::keys::{DEFAULT_API_KEY, HostKeys};
use crate::listener::limits::{Gatekeeper, Limits};
use crate::listener::{self, Patience, Porch};
use crate::mdns::{Announcement, Interfaces};
use crate::media::MediaPlane;
use crate::metrics::Metrics;
use crate::office::{Authority, Capacity, entry_hash};
use crate::sfu::contract::SfuEvent;
use crate::sfu::counters::Counters;
use crate::sfu::{Sfu, SfuConfig};
use crate::store::{Store, StoreError};
use crate::tls::{Identity, TlsError, own_addresses};
use crate::token::Tokens;

/// The port tried first.
pub const DEFAULT_PORT: u16 = 7880;
/// Ports tried after it when nobody asked for one.
const MORE_PORTS: u16 = 20;
/// Addresses told to guests; an invitation holds twelve at most.
const MAX_ADDRESSES: usize = 8;
/// How often, and after what pause, UDP is tried on a port that is free for TCP.
const BIND_TRIES: u32 = 20;
const BIND_PAUSE: Duration = Duration::from_millis(50);
/// How long a stop waits for the last frames.
const FAREWELL: Duration = Duration::from_secs(3);

/// How to build one.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Where to listen; `None`: everywhere, IPv6 and IPv4.
    pub bind: Option<IpAddr>,
    /// Port; 0: [`DEFAULT_PORT`], or one of the next if it is taken.
    pub port: u16,
    /// Folder for what lasts; `None`: memory.
    pub data: Option<PathBuf>,
    /// Its identity. The caller keeps it.
    pub keys: HostKeys,
    /// Name that join tokens give as their issuer.
    pub api_key: String,
    /// Say on the local link that it is here.
    pub advertise: bool,
    /// On which interfaces.
    pub interfaces: Interfaces,
    /// Names or addresses (with or without port) that IT gave this host, told to guests first.
    pub public: Vec<String>,
    /// Rooms and people.
    pub capacity: Capacity,
    /// Connections.
    pub limits: Limits,
    /// Waiting.
    pub patience: Patience,
    /// May other machines read `/metrics`?
    pub public_metrics: bool,
}

impl HostConfig {
    /// Everywhere, default port, in memory, announced.
    #[must_use]
    pub fn new(keys: HostKeys) -> Self {
        Self {
            bind: None,
            port: 0,
            data: None,
            keys,
            api_key: DEFAULT_API_KEY.to_owned(),
            advertise: true,
            interfaces: Interfaces::All,
            public: Vec::new(),
            capacity: Capacity::default(),
            limits: Limits::default(),
            patience: Patience::default(),
            public_metrics: false,
        }
    }
}

/// Why a host could not start or do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The port or address cannot be had.
    #[error("cannot listen on {address}: {kind}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        kind: std::io::ErrorKind,
    },
    /// What lasts cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The media plane cannot start.
    #[error("media cannot start: {0}")]
    Media(String),
    /// A name of `public` is none.
    #[error("{0} is no address or name")]
    Public(String),
    /// It is stopped.
    #[error("the host is stopped")]
    Stopped,
    /// Too many rooms.
    #[error("the host has no room for another meeting")]
    Full,
    /// An invitation cannot last so long.
    #[error("an invitation lasts from a second to 30 days")]
    Lasts,
}

/// A meeting opened in-process: its room, and an invitation that makes its bearer what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The room.
    pub room: RoomId,
    /// The invitation.
    pub invite: InviteId,
    /// Its entry secret; the host keeps only the hash.
    pub entry: Secret<16>,
    /// Unix seconds after which it is refused.
    pub expires_at: u32,
}

/// A running host. Dropped, it ends at once; [`Host::stop`] says goodbye first.
pub struct Host {
    reception: Reception,
    store: Store,
    metrics: Arc<Metrics>,
    media: Arc<dyn MediaPlane>,
    local: SocketAddr,
    identity: Arc<Identity>,
    public: Vec<String>,
    closing: CancellationToken,
    tasks: TaskTracker,
    announcement: Option<Announcement>,
    /// Ends whatever still runs.
    abort: DropGuard,
}

impl Host {
    /// Starts one: signalling and ICE-TCP on a TCP port, media on the UDP port of the same number.
    ///
    /// # Errors
    /// The port, the store, TLS or the media plane.
    pub async fn start(config: HostConfig) -> Result<Self, HostError> {
        Self::start_with(config, async |udp, candidates| {
            Sfu::start(SfuConfig::new(udp, candidates)).map_err(|e| HostError::Media(e.to_string()))
        })
        .await
    }

    /// Starts with a media plane of the caller's choice: `media` gets a bound UDP socket and the addresses clients can
    /// reach, which are good for TCP too.
    ///
    /// # Errors
    /// The port, the store, TLS or the media plane.
    pub async fn start_with<M, F>(config: HostConfig, media: F) -> Result<Self, HostError>
    where
        M: MediaPlane,
        F: AsyncFnOnce(UdpSocket, Vec<SocketAddr>) -> Result<(M, mpsc::Receiver<SfuEvent>), HostError>,
    {
        let (store, saved) = Store::open(config.data.as_deref())?;
        let (listener, udp) = listen(config.bind, config.port).await?;
        let local = listener.local_addr().map_err(|e| HostError::Listen {
            address: SocketAddr::new(config.bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), config.port),
            kind: e.kind(),
        })?;
        let public = public_addresses(&config.public, local.port())?;
        let names: Vec<String> = certificate_names(&public, local);
        let identity = Arc::new(Identity::make(&config.keys, &names, SystemTime::now())?);
        let abort = CancellationToken::new();
        let closing = abort.child_token();
        let metrics = Arc::new(Metrics::default());
        let tokens = Tokens::new(&config.api_key, config.keys.api_secret());
        let (media, events) = media(udp, candidates(&public, local)).await?;
        let media: Arc<dyn MediaPlane> = Arc::new(media);
        let about = concat!("Shoji ", env!("CARGO_PKG_VERSION")).to_owned();
        let told = told_addresses(&public, local);
        let office = Authority::new(
            saved,
            config.capacity,
            Box::new(Seal { tokens: tokens.clone(), keys: config.keys.clone() }),
            about,
            told,
        );
        let (reception, actor) = building::start(Parts {
            office,
            store: store.clone(),
            tokens: tokens.clone(),
            media: Arc::clone(&media),
            events,
            metrics: Arc::clone(&metrics),
            abort: abort.clone(),
        });
        let tasks = TaskTracker::new();
        let all = abort.clone();
        tasks.spawn(async move {
            if let Err(error) = actor.await {
                // Only a bug of ours ends it early; the listener goes too, so that clients look elsewhere.
                tracing::error!(panicked = error.is_panic(), "building_ended");
                all.cancel();
            }
        });
        let porch = Arc::new(Porch {
            reception: reception.clone(),
            media: Arc::clone(&media),
            tokens,
            metrics: Arc::clone(&metrics),
            store: store.clone(),
            patience: config.patience,
            public_metrics: config.public_metrics,
            abort: abort.clone(),
        });
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&identity.config));
        let gatekeeper = Gatekeeper::new(config.limits);
        tokio::spawn(listener::run(listener, acceptor, gatekeeper, porch, closing.clone(), tasks.clone()));
        let announcement =
            config.advertise.then(|| Announcement::start(identity.fingerprint, local, &config.interfaces)).flatten();
        tracing::info!(port = local.port(), announced = announcement.is_some(), "host_started");
        let abort = abort.drop_guard();
        Ok(Self { reception, store, metrics, media, local, identity, public, closing, tasks, announcement, abort })
    }

    /// Makes a room and an invitation that makes its bearer the owner, good for ten minutes.
    ///
    /// # Errors
    /// Stopped, or full.
    pub async fn open_room(&self, title: &str) -> Result<Opened, HostError> {
        self.own(OwnRoom::New(title.to_owned())).await?.ok_or(HostError::Full)
    }

    /// Makes a room of this name unless it is there.
    ///
    /// # Errors
    /// Stopped, or full.
    pub async fn ensure_room(&self, room: &RoomId, title: &str) -> Result<(), HostError> {
        let (room, title) = (room.clone(), title.to_owned());
        let made = self.reception.ask(move |desk| desk.office.ensure_room(&room, &title, desk.now.seconds()));
        made.await.ok_or(HostError::Stopped)?.map_err(|_| HostError::Full)
    }

    /// Another owner invitation for a room of an earlier run; `None`: it is not here.
    ///
    /// # Errors
    /// Stopped.
    pub async fn reopen(&self, room: &RoomId) -> Result<Option<Opened>, HostError> {
        self.own(OwnRoom::Old(room.clone())).await
    }

    async fn own(&self, room: OwnRoom) -> Result<Option<Opened>, HostError> {
        let (entry, verifier) = secret();
        let made = self.reception.owner_invite(room, verifier).await.ok_or(HostError::Stopped)?;
        Ok(match made {
            Ok(i) => Some(Opened { room: i.room, invite: i.id, entry, expires_at: i.expires_at }),
            Err(_) => None,
        })
    }

    /// An invitation to a room, for whoever started the host; `None`: no such room. `lasts` in seconds.
    ///
    /// # Errors
    /// Stopped, or too long.
    pub async fn invite(&self, room: &RoomId, role: Role, lasts: u32) -> Result<Option<Opened>, HostError> {
        if !(1..=MAX_INVITE_SECONDS).contains(&lasts) {
            return Err(HostError::Lasts);
        }
        let (entry, verifier) = secret();
        let room = room.clone();
        let made = self
            .reception
            .ask(move |desk| {
                let expires_at = desk.now.seconds().saturating_add(lasts);
                desk.office.invite(&room, role, verifier, expires_at)
            })
            .await
            .ok_or(HostError::Stopped)?;
        Ok(made.map(|i| Opened { room: i.room, invite: i.id, entry, expires_at: i.expires_at }))
    }

    /// Rooms it knows, with the people in them now.
    ///
    /// # Errors
    /// Stopped.
    pub async fn rooms(&self) -> Result<Vec<(RoomId, usize)>, HostError> {
        let rooms = self.reception.ask(|desk| desk.office.rooms()).await.ok_or(HostError::Stopped)?;
        Ok(rooms.into_iter().map(|(room, _, people)| (room, people)).collect())
    }

    /// Where it listens: loopback first, then the network.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        reachable(self.local)
    }

    /// What guests are told, best first: public names, then the network, loopback last.
    #[must_use]
    pub fn told_addresses(&self) -> Vec<String> {
        told_addresses(&self.public, self.local)
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.local.port()
    }

    /// What invitations pin.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint
    }

    /// Its CA certificate, for software that knows nothing of invitations (PEM, public).
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.identity.ca_pem
    }

    /// People in all rooms, counted twice a second.
    #[must_use]
    pub fn people(&self) -> u32 {
        u32::try_from(self.metrics.people.read()).unwrap_or(u32::MAX)
    }

    /// Counters.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// What the media plane counted; `None`: it does not count.
    #[must_use]
    pub fn media_counters(&self) -> Option<&Counters> {
        self.media.counters()
    }

    /// Why what changes now may not last; `None`: it lasts.
    #[must_use]
    pub fn store_health(&self) -> Option<StoreError> {
        self.store.health()
    }

    /// Stops: takes nobody new, tells everyone, waits for the last frames, and ends.
    pub async fn stop(mut self) {
        self.announcement = None;
        let (done, told) = oneshot::channel();
        // The order matters: a client that is told to come back must find the door shut, not half open.
        self.closing.cancel();
        if self.reception.send(Input::Stop { done }).await && told.await.is_err() {
            tracing::debug!("building_was_gone");
        }
        self.tasks.close();
        if tokio::time::timeout(FAREWELL, self.tasks.wait()).await.is_err() {
            tracing::debug!(left = self.tasks.len(), "farewell_cut_short");
        }
        drop(self.abort);
        tracing::info!("host_stopped");
    }
}

fn secret() -> (Secret<16>, crate::store::Hash) {
    let mut bytes = [0; 16];
    building::random(&mut bytes);
    (Secret::new(bytes), entry_hash(&bytes))
}

/// Binds the port asked for, or the first free one.
async fn listen(bind: Option<IpAddr>, port: u16) -> Result<(TcpListener, UdpSocket), HostError> {
    // One socket for both families where the system allows it; machines without IPv6 get IPv4.
    let everywhere = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
    let addresses: &[IpAddr] = match &bind {
        Some(ip) => std::slice::from_ref(ip),
        // Windows' IPv6 sockets do not take IPv4.
        None if cfg!(windows) => &everywhere[1..],
        None => &everywhere,
    };
    let ports: Vec<u16> = match port {
        0 => (DEFAULT_PORT..DEFAULT_PORT + MORE_PORTS).chain([0]).collect(),
        port => vec![port],
    };
    let mut last = None;
    for port in ports {
        for ip in addresses {
            let address = SocketAddr::new(*ip, port);
            match both(address).await {
                Ok(sockets) => return Ok(sockets),
                Err(error) => last = Some(HostError::Listen { address, kind: error.kind() }),
            }
            // A port that is taken on one family is not ours on the other.
            if matches!(&last, Some(HostError::Listen { kind: std::io::ErrorKind::AddrInUse, .. })) {
                break;
            }
        }
    }
    Err(last.expect("at least one address was tried"))
}

/// TCP and UDP on the same port: one number to open in a firewall.
async fn both(address: SocketAddr) -> std::io::Result<(TcpListener, UdpSocket)> {
    // A port the system chose for TCP may be taken for UDP: another choice helps. A port that was asked for may still
    // be held by the media thread of a host that just ended: a moment helps.
    let mut last = None;
    for attempt in 0..BIND_TRIES {
        if attempt > 0 && address.port() != 0 {
            tokio::time::sleep(BIND_PAUSE).await;
        }
        let listener = TcpListener::bind(address).await?;
        match UdpSocket::bind(SocketAddr::new(address.ip(), listener.local_addr()?.port())) {
            Ok(udp) => return Ok((listener, udp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.expect("at least one try"))
}

/// Where media can reach us: everything we listen on, and the numbers that IT gave this host.
fn candidates(public: &[String], local: SocketAddr) -> Vec<SocketAddr> {
    let given = public.iter().filter_map(|p| p.parse::<SocketAddr>().ok());
    let mut all = reachable(local);
    for address in given {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

fn reachable(local: SocketAddr) -> Vec<SocketAddr> {
    if !local.ip().is_unspecified() {
        return vec![local];
    }
    let v4_only = local.is_ipv4();
    own_addresses().into_iter().filter(|ip| !v4_only || ip.is_ipv4()).map(|ip| (ip, local.port()).into()).collect()
}

fn told_addresses(public: &[String], local: SocketAddr) -> Vec<String> {
    let mut own = reachable(local);
    own.sort_by_key(|a| a.ip().is_loopback());
    public.iter().cloned().chain(own.iter().map(SocketAddr::to_string)).take(MAX_ADDRESSES).collect()
}

fn public_addresses(given: &[String], port: u16) -> Result<Vec<String>, HostError> {
    given
        .iter()
        .map(|text| {
            if let Ok(ip) = text.parse::<IpAddr>() {
                return Ok(SocketAddr::new(ip, port).to_string());
            }
            if let Ok(address) = text.parse::<SocketAddr>() {
                return Ok(address.to_string());
            }
            let (name, port) = match text.rsplit_once(':') {
                Some((name, port)) => (name, port.parse().map_err(|_| HostError::Public(text.clone()))?),
                None => (text.as_str(), port),
            };
            let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            if name.is_empty() || !name.chars().all(good) {
                return Err(HostError::Public(text.clone()));
            }
            Ok(format!("{name}:{port}"))
        })
        .collect()
}

/// Names for the leaf certificate besides the fixed one, so that official SDKs that trust our CA can connect.
fn certificate_names(public: &[String], local: SocketAddr) -> Vec<String> {
    let named = public.iter().filter_map(|p| {
        let (name, _) = p.rsplit_once(':')?;
        Some(name.trim_matches(['[', ']']).to_owned())
    });
    named.chain(reachable(local).iter().map(|a| a.ip().to_string())).collect()
}

#[cfg(test)]
mod tests;
