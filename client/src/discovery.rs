//! Hosts on this network, found by mDNS under [`SERVICE`] and known by the fingerprint in their record.
//! Run by one tokio task on top of the library's own thread. What it finds is a hint where to knock: TLS still proves
//! who answers.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use mdns_sd::{Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent};
use protocol::invite::{Fingerprint, HostAddress, Invite};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What hosts announce.
pub(crate) const SERVICE: &str = "_shoji._tcp.local.";
/// The TXT key of the fingerprint, as in the link.
const FINGERPRINT_KEY: &str = "k";
/// How long the rest of a record may take once its first part is there.
const REST: Duration = Duration::from_millis(250);

/// A host that announced itself, or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// It is here.
    Here {
        /// mDNS name of the instance.
        name: String,
        /// Whose key it claims to have.
        host: Fingerprint,
        /// Where it can be knocked at.
        addresses: Vec<HostAddress>,
    },
    /// It went.
    Gone {
        /// mDNS name of the instance.
        name: String,
    },
}

/// Looks around until dropped.
#[derive(Debug)]
pub(crate) struct Discovery {
    _stop: DropGuard,
}

impl Discovery {
    /// Starts to look. `None` when this machine has no multicast: then nobody is nearby.
    pub(crate) fn start<T: Send + 'static>(
        tokio: &Handle,
        into: mpsc::Sender<T>,
        wrap: impl Fn(Sighting) -> T + Send + 'static,
    ) -> Option<Self> {
        let daemon = ServiceDaemon::new().inspect_err(|error| tracing::info!(%error, "no mDNS here")).ok()?;
        let events = daemon.browse(SERVICE).inspect_err(|error| tracing::info!(%error, "no mDNS here")).ok()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio.spawn(async move {
            loop {
                let event = tokio::select! {
                    () = stopped.cancelled() => break,
                    event = events.recv_async() => event,
                };
                let sighting = match event {
                    Ok(ServiceEvent::ServiceResolved(service)) => here(&service),
                    Ok(ServiceEvent::ServiceRemoved(_, name)) => Some(Sighting::Gone { name }),
                    Ok(_) => None,
                    Err(_) => break,
                };
                if let Some(sighting) = sighting
                    && into.send(wrap(sighting)).await.is_err()
                {
                    break;
                }
            }
            if let Err(error) = daemon.shutdown() {
                tracing::debug!(%error, "mDNS did not stop at once");
            }
        });
        Some(Self { _stop: stop.drop_guard() })
    }
}

/// Looks for one host for at most `patience`.
pub(crate) async fn find(host: Fingerprint, patience: Duration) -> Vec<HostAddress> {
    let Ok(daemon) = ServiceDaemon::new() else { return Vec::new() };
    let found = match daemon.browse(SERVICE) {
        Err(_) => Vec::new(),
        Ok(events) => tokio::time::timeout(patience, async {
            let mut found = next_of(&events, host).await;
            // A record comes in parts, and the first may hold an address that does not reach the host.
            let rest = async {
                loop {
                    for address in next_of(&events, host).await {
                        if !found.contains(&address) && found.len() < Invite::MAX_ADDRESSES {
                            found.push(address);
                        }
                    }
                }
            };
            let _: Result<std::convert::Infallible, _> = tokio::time::timeout(REST, rest).await;
            found
        })
        .await
        .unwrap_or_default(),
    };
    if let Err(error) = daemon.shutdown() {
        tracing::debug!(%error, "mDNS did not stop at once");
    }
    found
}

/// Where a host says it is, the next time it says so. Never, when nothing is heard any more.
async fn next_of(events: &Receiver<ServiceEvent>, host: Fingerprint) -> Vec<HostAddress> {
    while let Ok(event) = events.recv_async().await {
        if let ServiceEvent::ServiceResolved(service) = event
            && let Some(Sighting::Here { host: found, addresses, .. }) = here(&service)
            && found == host
        {
            return addresses;
        }
    }
    std::future::pending().await
}

fn here(service: &ResolvedService) -> Option<Sighting> {
    let host = Fingerprint::decode(service.get_property_val_str(FINGERPRINT_KEY)?).ok()?;
    let port = service.get_port();
    let mut addresses: Vec<HostAddress> = service
        .get_addresses()
        .iter()
        .filter_map(|ip| socket_address(ip, port))
        .take(Invite::MAX_ADDRESSES)
        .map(HostAddress::Ip)
        .collect();
    addresses.sort_by_key(|a| matches!(a, HostAddress::Ip(SocketAddr::V6(_))));
    (port != 0 && !addresses.is_empty()).then(|| Sighting::Here {
        name: service.get_fullname().to_owned(),
        host,
        addresses,
    })
}

fn socket_address(ip: &ScopedIp, port: u16) -> Option<SocketAddr> {
    match ip {
        ScopedIp::V6(v6) if v6.addr().is_unicast_link_local() => {
            Some(SocketAddr::V6(SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index)))
        }
        other => match other.to_ip_addr() {
            ip if ip.is_unspecified() || ip.is_multicast() => None,
            IpAddr::V4(v4) => Some((v4, port).into()),
            IpAddr::V6(v6) => Some((v6, port).into()),
        },
    }
}
