//! A UDP relay on loopback between people and their host, with seeded weather on one hop: media (RTP) that goes one way is
//! lost, delayed and overtaken as [`LossyNetwork`] says; everything else passes as it is.
//! For benches with processes that cannot run in virtual time. Reads no packet further than its first two bytes.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use host::media::MediaPlane;
use host::sfu::SfuHandle;
use host::sfu::contract::SfuCommand;
use host::sfu::counters::Counters;
use media_core::testing::{LossyNetwork, Weather};
use media_core::time::MediaTime;
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinHandle;

/// IPv4 and UDP around every datagram.
const AROUND: usize = 20 + 8;
/// Longer datagrams are cut, as the loopback's own limit would.
const LONGEST: usize = 2048;
/// How exactly delays are kept.
const BEAT: Duration = Duration::from_millis(1);

/// What crossed the hop, before any was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crossed {
    /// Media packets.
    pub packets: u64,
    /// With UDP and IPv4 around them.
    pub bytes: u64,
}

/// A running relay. Dropping it ends it.
pub struct Relay {
    end: SocketAddr,
    inner: Arc<Inner>,
    tasks: [JoinHandle<()>; 2],
}

struct Inner {
    near: UdpSocket,
    host: SocketAddr,
    start: Instant,
    hop: Mutex<Hop>,
    people: Mutex<HashMap<SocketAddr, Person>>,
}

/// Which way has weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From people to the host, which tells them by RTCP what it lost of theirs.
    ToHost,
    /// From the host to people.
    FromHost,
}

struct Hop {
    way: Way,
    network: LossyNetwork<(Outlet, Vec<u8>)>,
    crossed: Crossed,
    /// By payload type, packets.
    kinds: BTreeMap<u8, u64>,
}

/// Where a datagram leaves the relay.
#[derive(Clone)]
enum Outlet {
    Host(Arc<UdpSocket>),
    Person(SocketAddr),
}

struct Person {
    far: Arc<UdpSocket>,
    back: JoinHandle<()>,
}

impl Relay {
    /// A relay to the host's media port, in clear weather.
    ///
    /// # Errors
    /// No free port on loopback.
    pub async fn to(host: SocketAddr) -> std::io::Result<Self> {
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        near.writable().await?;
        let end = near.local_addr()?;
        let hop = Hop {
            way: Way::ToHost,
            network: LossyNetwork::new(1, Weather::CLEAR),
            crossed: Crossed::default(),
            kinds: BTreeMap::new(),
        };
        let inner =
            Arc::new(Inner { near, host, start: Instant::now(), hop: Mutex::new(hop), people: Mutex::default() });
        let there = tokio::spawn(forth(Arc::clone(&inner)));
        let late = tokio::spawn(deliver(Arc::clone(&inner)));
        Ok(Self { end, inner, tasks: [there, late] })
    }

    /// Where people find the host's media.
    #[must_use]
    pub const fn end(&self) -> SocketAddr {
        self.end
    }

    /// Begins new weather; what was under way is gone.
    pub fn set_weather(&self, way: Way, seed: u64, weather: Weather) {
        let mut hop = lock(&self.inner.hop);
        (hop.way, hop.network) = (way, LossyNetwork::new(seed, weather));
    }

    /// The weather of the same way changes; what is under way, or waits for a full link, still arrives.
    pub fn change_weather(&self, weather: Weather) {
        lock(&self.inner.hop).network.set_weather(weather);
    }

    /// What has crossed so far.
    #[must_use]
    pub fn crossed(&self) -> Crossed {
        lock(&self.inner.hop).crossed
    }
}

impl Relay {
    /// How many of it had this payload type.
    #[must_use]
    pub fn crossed_as(&self, payload_type: u8) -> u64 {
        lock(&self.inner.hop).kinds.get(&payload_type).copied().unwrap_or_default()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        for person in lock(&self.inner.people).values() {
            person.back.abort();
        }
    }
}

/// A host's media plane that is not told where people are, or it would call them directly: they come to it, through the
/// relay, and it answers.
pub(crate) struct Reclusive(pub(crate) SfuHandle);

impl MediaPlane for Reclusive {
    fn send(&self, mut command: SfuCommand) {
        if matches!(command, SfuCommand::Trickle { .. }) {
            return;
        }
        if let SfuCommand::PublisherOffer { sdp, .. } | SfuCommand::SubscriberAnswer { sdp, .. } = &mut command {
            *sdp = without_candidates(sdp);
        }
        self.0.send(command);
    }

    fn accept_tcp(&self, stream: TcpStream, peer: SocketAddr) {
        self.0.accept_tcp(stream, peer);
    }

    fn counters(&self) -> Option<&Counters> {
        Some(self.0.counters())
    }
}

fn without_candidates(sdp: &str) -> String {
    sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// RTP, and neither STUN, DTLS nor RTCP (RFC 7983, RFC 5761).
fn is_media(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, kind, ..] if !(192..=223).contains(kind))
}

/// From people to the host.
async fn forth(inner: Arc<Inner>) {
    let mut buffer = vec![0; LONGEST];
    loop {
        let Ok((length, from)) = inner.near.recv_from(&mut buffer).await else { continue };
        let Ok(far) = inner.far(from).await else { continue };
        inner.pass(Way::ToHost, Outlet::Host(far), &buffer[..length]);
    }
}

/// What took time arrives.
async fn deliver(inner: Arc<Inner>) {
    let mut beat = tokio::time::interval(BEAT);
    loop {
        beat.tick().await;
        inner.land();
    }
}

impl Inner {
    fn now(&self) -> MediaTime {
        MediaTime::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Media goes into the weather of its way, everything else goes on at once.
    fn pass(&self, way: Way, outlet: Outlet, datagram: &[u8]) {
        {
            let mut hop = lock(&self.hop);
            if hop.way != way || !is_media(datagram) {
                drop(hop);
                return self.leave(&outlet, datagram);
            }
            hop.crossed.packets += 1;
            *hop.kinds.entry(datagram[1] & 0x7f).or_default() += 1;
            hop.crossed.bytes += (datagram.len() + AROUND) as u64;
            hop.network.send_sized((outlet, datagram.to_vec()), datagram.len() + AROUND, self.now());
        }
        self.land();
    }

    /// Hands over what has arrived by now.
    fn land(&self) {
        let now = self.now();
        let mut hop = lock(&self.hop);
        while let Some((_, (outlet, datagram))) = hop.network.receive(now) {
            self.leave(&outlet, &datagram);
        }
    }

    /// A full or closed socket loses it, as networks do.
    fn leave(&self, outlet: &Outlet, datagram: &[u8]) {
        match outlet {
            Outlet::Host(far) => far.try_send(datagram).ok(),
            Outlet::Person(to) => self.near.try_send_to(datagram, *to).ok(),
        };
    }

    /// The socket that stands for a person towards the host.
    async fn far(self: &Arc<Self>, from: SocketAddr) -> std::io::Result<Arc<UdpSocket>> {
        if let Some(person) = lock(&self.people).get(&from) {
            return Ok(Arc::clone(&person.far));
        }
        let far = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        far.connect(self.host).await?;
        // Until then it seems full.
        far.writable().await?;
        let back = tokio::spawn(back(Arc::clone(self), Arc::clone(&far), from));
        lock(&self.people).insert(from, Person { far: Arc::clone(&far), back });
        Ok(far)
    }
}

/// From the host to a person.
async fn back(inner: Arc<Inner>, far: Arc<UdpSocket>, to: SocketAddr) {
    let mut buffer = vec![0; LONGEST];
    loop {
        // Whoever is not there yet, or no more, is no reason to end.
        if let Ok(length) = far.recv(&mut buffer).await {
            inner.pass(Way::FromHost, Outlet::Person(to), &buffer[..length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchange(way: Way, weather: Weather) -> (usize, usize, Crossed) {
        let host = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let relay = Relay::to(host.local_addr().unwrap()).await.unwrap();
        relay.set_weather(way, 1, weather);
        let person = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        person.connect(relay.end()).await.unwrap();
        let (mut media, mut other) = (0, 0);
        for _ in 0..100 {
            person.send(&[0x80, 111, 0, 0]).await.unwrap();
            // RTCP comes last of the pair: once it is there, so is what was not lost.
            person.send(&[0x80, 201, 0, 0]).await.unwrap();
            let mut buffer = [0; 16];
            loop {
                let (_, from) = host.recv_from(&mut buffer).await.unwrap();
                if buffer[1] == 201 {
                    other += 1;
                    host.send_to(&buffer[..2], from).await.unwrap();
                    break;
                }
                media += 1;
            }
            assert_eq!(person.recv(&mut buffer).await.unwrap(), 2, "the way back is open");
        }
        (media, other, relay.crossed())
    }

    #[tokio::test]
    async fn media_is_lost_by_the_weather_and_nothing_else_is() {
        let (media, other, crossed) = exchange(Way::ToHost, Weather { loss: 0.3, ..Weather::CLEAR }).await;
        assert!((50..90).contains(&media), "{media} of 100 came through 30 % loss");
        assert_eq!(other, 100);
        assert_eq!(crossed, Crossed { packets: 100, bytes: 3_200 });
    }

    #[tokio::test]
    async fn the_other_way_is_clear() {
        let (media, other, crossed) = exchange(Way::FromHost, Weather { loss: 1.0, ..Weather::CLEAR }).await;
        assert_eq!((media, other, crossed), (100, 100, Crossed::default()));
    }

    #[tokio::test]
    async fn clear_weather_loses_nothing() {
        assert_eq!(exchange(Way::ToHost, Weather::CLEAR).await.0, 100);
    }
}
