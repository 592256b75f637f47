//! Whose packet is this, and how much of a stranger do we listen to? Pure tables; the caller brings time.
//! An address belongs to a connection only after that connection *answered* a binding request from it, which it does
//! only if the request was made with its password. So nobody can take another's address by claiming it.
//! Answers to our own checks are sorted by transaction: libwebrtc nominates with its first request, and such a request
//! is answered only after a check of ours to the same address came back.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use peer::{Protocol, stun};

/// Window the allowances are for.
const WINDOW: Duration = Duration::from_millis(100);

/// Binding requests one IP may send from unproven addresses per window: 60 people behind one address joining at once,
/// each checking a few pairs every 30 ms.
const STRANGER_REQUESTS: u32 = 500;

/// Packets one proven address may send per window: 40 Mbit/s, far over what a publisher needs.
const PROVEN_PACKETS: u32 = 4000;

/// IPs remembered per window; more at once is a forged flood, and strangers wait.
const MAX_STRANGERS: usize = 4096;

/// Addresses one connection may hold: it moves between networks, it does not live in many.
const MAX_ADDRESSES: usize = 8;

/// Checks of ours remembered while they wait for an answer; as long as the library repeats one, and some more.
const CHECK_LIFE: Duration = Duration::from_secs(8);

/// Checks remembered at most: a whole office joining at once.
const MAX_CHECKS: usize = 16_384;

/// STUN message types (RFC 8489 section 5) and where the transaction id stands.
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const BINDING_ERROR: [u8; 2] = [0x01, 0x11];
const TRANSACTION: std::ops::Range<usize> = 8..20;

type Transaction = [u8; 12];

/// What to do with a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<K> {
    /// Give it to this connection.
    For(K),
    /// From nobody we know.
    Stranger,
    /// Over its allowance.
    TooMany,
}

#[derive(Debug)]
struct Home<K> {
    owner: K,
    packets: u32,
}

/// The tables. `K` names a connection.
#[derive(Debug)]
pub struct Demux<K> {
    homes: HashMap<(Protocol, SocketAddr), Home<K>>,
    ufrags: HashMap<String, K>,
    /// Our own checks, and in the order they were sent. Ids are random: nobody who did not see one can answer it.
    checks: HashMap<Transaction, K>,
    check_order: VecDeque<(Instant, Transaction)>,
    strangers: HashMap<IpAddr, u32>,
    window: Option<Instant>,
}

impl<K> Default for Demux<K> {
    fn default() -> Self {
        Self {
            homes: HashMap::new(),
            ufrags: HashMap::new(),
            checks: HashMap::new(),
            check_order: VecDeque::new(),
            strangers: HashMap::new(),
            window: None,
        }
    }
}

impl<K: Copy + Eq> Demux<K> {
    /// Sorts one packet.
    pub fn sort(&mut self, protocol: Protocol, remote: SocketAddr, packet: &[u8], now: Instant) -> Verdict<K> {
        if self.window.is_none_or(|since| now.saturating_duration_since(since) >= WINDOW) {
            self.window = Some(now);
            self.strangers.clear();
            for home in self.homes.values_mut() {
                home.packets = 0;
            }
        }
        let known = self.homes.get_mut(&(protocol, remote)).map(|home| {
            home.packets += 1;
            (home.owner, home.packets > PROVEN_PACKETS)
        });
        if let Some((_, true)) = known {
            return Verdict::TooMany;
        }
        // Requests always go where they say: the address may be about to change hands.
        if let Some(ufrag) = stun::request_ufrag(packet) {
            let Some(owner) = self.ufrags.get(ufrag).copied() else { return Verdict::Stranger };
            if known.is_none_or(|(home, _)| home != owner) && self.too_many_strangers(remote.ip()) {
                return Verdict::TooMany;
            }
            return Verdict::For(owner);
        }
        if let Some((BINDING_SUCCESS | BINDING_ERROR, transaction)) = binding(packet)
            && let Some(owner) = self.checks.remove(&transaction)
        {
            return Verdict::For(owner);
        }
        known.map_or(Verdict::Stranger, |(owner, _)| Verdict::For(owner))
    }

    fn too_many_strangers(&mut self, ip: IpAddr) -> bool {
        if self.strangers.len() >= MAX_STRANGERS && !self.strangers.contains_key(&ip) {
            return true;
        }
        let requests = self.strangers.entry(ip).or_default();
        *requests += 1;
        *requests > STRANGER_REQUESTS
    }

    /// A packet left for `remote`; an answer to a binding request proves the address.
    pub fn sent(&mut self, owner: K, protocol: Protocol, remote: SocketAddr, packet: &[u8], now: Instant) {
        match binding(packet) {
            Some((BINDING_REQUEST, transaction)) => return self.checked(owner, transaction, now),
            Some((BINDING_SUCCESS, _)) => {}
            Some(_) | None => return,
        }
        if let Some(home) = self.homes.get_mut(&(protocol, remote)) {
            home.owner = owner;
            return;
        }
        if self.homes.values().filter(|home| home.owner == owner).count() < MAX_ADDRESSES {
            self.homes.insert((protocol, remote), Home { owner, packets: 0 });
        }
    }

    fn checked(&mut self, owner: K, transaction: Transaction, now: Instant) {
        while let Some((sent, old)) = self.check_order.front().copied() {
            if self.check_order.len() < MAX_CHECKS && now.saturating_duration_since(sent) < CHECK_LIFE {
                break;
            }
            self.check_order.pop_front();
            self.checks.remove(&old);
        }
        self.checks.insert(transaction, owner);
        self.check_order.push_back((now, transaction));
    }

    /// A local ufrag now leads to this connection; older ones of it still do (a restart is answered in its own time).
    pub fn expect(&mut self, ufrag: &str, owner: K) {
        if !ufrag.is_empty() {
            self.ufrags.insert(ufrag.to_owned(), owner);
        }
    }

    /// The connection is gone.
    pub fn forget(&mut self, owner: K) {
        self.homes.retain(|_, home| home.owner != owner);
        self.ufrags.retain(|_, known| *known != owner);
        self.checks.retain(|_, known| *known != owner);
    }

    /// A TCP stream ended: nothing more comes from there.
    pub fn hung_up(&mut self, remote: SocketAddr) {
        self.homes.remove(&(Protocol::Tcp, remote));
    }
}

/// Type and transaction of a STUN message; `None`: it is none.
fn binding(packet: &[u8]) -> Option<([u8; 2], Transaction)> {
    if packet.len() < TRANSACTION.end || !stun::is_stun(packet) {
        return None;
    }
    Some(([packet[0], packet[1]], packet[TRANSACTION].try_into().expect("twelve bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(ufrag: &str) -> Vec<u8> {
        let name = format!("{ufrag}:them");
        let size = u8::try_from(name.len()).unwrap();
        let mut packet = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        packet.extend_from_slice(&[5; 12]);
        packet.extend_from_slice(&[0, 6, 0, size]);
        packet.extend_from_slice(name.as_bytes());
        packet.resize(packet.len().next_multiple_of(4), 0);
        packet[3] = u8::try_from(packet.len() - 20).unwrap();
        packet
    }

    fn success() -> Vec<u8> {
        let mut packet = vec![1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        packet.extend_from_slice(&[5; 12]);
        packet
    }

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn an_address_is_known_only_after_its_request_was_answered() {
        let now = Instant::now();
        let mut demux = Demux::default();
        demux.expect("abcd", 7);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &[0x80; 30], now), Verdict::Stranger);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &request("abcd"), now), Verdict::For(7));
        assert_eq!(demux.sort(Protocol::Udp, at(1), &[0x80; 30], now), Verdict::Stranger, "not proven yet");
        demux.sent(7, Protocol::Udp, at(1), &success(), now);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &[0x80; 30], now), Verdict::For(7));
        demux.expect("efgh", 8);
        demux.sent(8, Protocol::Udp, at(1), &request("x"), now);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &[0x80; 30], now), Verdict::For(7), "checks prove nothing");
        demux.forget(7);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &request("abcd"), now), Verdict::Stranger);
    }

    #[test]
    fn an_answer_to_a_check_finds_who_sent_it_before_the_address_is_known() {
        let now = Instant::now();
        let mut demux = Demux::default();
        assert_eq!(demux.sort(Protocol::Udp, at(1), &success(), now), Verdict::Stranger, "nobody asked");
        demux.sent(7, Protocol::Udp, at(1), &request("them"), now);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &success(), now), Verdict::For(7));
        assert_eq!(demux.sort(Protocol::Udp, at(1), &success(), now), Verdict::Stranger, "answered once");
        demux.sent(7, Protocol::Udp, at(1), &request("them"), now);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &[0x80; 30], now), Verdict::Stranger, "only answers pass");
        demux.forget(7);
        assert_eq!(demux.sort(Protocol::Udp, at(1), &success(), now), Verdict::Stranger, "its owner left");
    }

    #[test]
    fn strangers_and_friends_have_an_allowance_each() {
        let now = Instant::now();
        let mut demux = Demux::default();
        demux.expect("abcd", 7);
        let answered = (0..2000)
            .filter(|port| demux.sort(Protocol::Udp, at(*port), &request("abcd"), now) == Verdict::For(7))
            .count();
        assert_eq!(answered, 500);
        let other = SocketAddr::from(([10, 0, 0, 2], 1));
        assert_eq!(demux.sort(Protocol::Udp, other, &request("abcd"), now), Verdict::For(7), "others are undisturbed");
        demux.sent(7, Protocol::Udp, other, &success(), now);
        let passed =
            (0..10_000).filter(|_| demux.sort(Protocol::Udp, other, &[0x80; 9], now) == Verdict::For(7)).count();
        assert_eq!(passed, 4000);
        assert_eq!(demux.sort(Protocol::Udp, other, &[0x80; 9], now + WINDOW), Verdict::For(7));
    }
}
