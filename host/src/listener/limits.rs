//! Who may open another connection: limits per address and in all, in number and in rate.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub total: usize,
    /// Connections from one address (IPv6: one /64).
    pub per_address: usize,
    /// New connections from one address: so many at once,
    pub burst: u32,
    /// and so many per second for long.
    pub per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        // One person has two connections; a whole office may stand behind one address.
        Self { total: 2048, per_address: 512, burst: 256, per_second: 32 }
    }
}

/// Counts connections.
#[derive(Debug, Clone)]
pub struct Gatekeeper {
    limits: Limits,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Debug)]
struct Address {
    open: usize,
    tokens: f64,
    at: Instant,
}

/// One connection's place; dropped, it is free again.
#[derive(Debug)]
pub struct Pass {
    state: Arc<Mutex<State>>,
    address: IpAddr,
}

impl Gatekeeper {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Arc::default() }
    }

    /// A place for one more connection from there, if there is one.
    #[must_use]
    pub fn admit(&self, from: IpAddr) -> Option<Pass> {
        self.admit_at(from, Instant::now())
    }

    fn admit_at(&self, from: IpAddr, now: Instant) -> Option<Pass> {
        let address = network(from);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.addresses.len() > self.limits.total * 2 {
            // Addresses without a connection whose bucket is full again say nothing any more.
            let full = Duration::from_secs(u64::from(self.limits.burst / self.limits.per_second.max(1)) + 1);
            state.addresses.retain(|_, a| a.open > 0 || now.duration_since(a.at) < full);
        }
        if state.total >= self.limits.total {
            return None;
        }
        let (burst, rate) = (f64::from(self.limits.burst), f64::from(self.limits.per_second));
        let entry = state.addresses.entry(address).or_insert(Address { open: 0, tokens: burst, at: now });
        entry.tokens = (entry.tokens + now.duration_since(entry.at).as_secs_f64() * rate).min(burst);
        entry.at = now;
        if entry.open >= self.limits.per_address || entry.tokens < 1.0 {
            return None;
        }
        entry.tokens -= 1.0;
        entry.open += 1;
        state.total += 1;
        Some(Pass { state: Arc::clone(&self.state), address })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.total = state.total.saturating_sub(1);
        if let Some(entry) = state.addresses.get_mut(&self.address) {
            entry.open = entry.open.saturating_sub(1);
        }
    }
}

fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn one_address_cannot_take_everybodys_places() {
        let keeper = Gatekeeper::new(Limits { total: 3, per_address: 2, burst: 100, per_second: 100 });
        let _a = keeper.admit(ip(1)).unwrap();
        let b = keeper.admit(ip(1)).unwrap();
        assert!(keeper.admit(ip(1)).is_none());
        let _c = keeper.admit(ip(2)).unwrap();
        assert!(keeper.admit(ip(3)).is_none(), "the house is full");
        drop(b);
        assert!(keeper.admit(ip(3)).is_some());
    }

    #[test]
    fn a_rush_is_slowed_and_recovers() {
        let keeper = Gatekeeper::new(Limits { total: 100, per_address: 100, burst: 2, per_second: 1 });
        let start = Instant::now();
        assert!(keeper.admit_at(ip(1), start).is_some());
        assert!(keeper.admit_at(ip(1), start).is_some());
        assert!(keeper.admit_at(ip(1), start).is_none());
        assert!(keeper.admit_at(ip(1), start + Duration::from_secs(1)).is_some());
    }

    #[test]
    fn a_mapped_address_is_the_same_address() {
        let keeper = Gatekeeper::new(Limits { total: 9, per_address: 1, burst: 9, per_second: 9 });
        let _a = keeper.admit("192.0.2.1".parse().unwrap()).unwrap();
        assert!(keeper.admit("::ffff:192.0.2.1".parse().unwrap()).is_none());
    }
}
