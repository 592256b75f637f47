//! Slows down guessing: wrong proofs per address. Only wrong ones count, so an office behind one address is not
//! punished for being many.

use std::collections::HashMap;
use std::net::IpAddr;

/// Wrong tries that are free.
const FREE: u32 = 5;
/// First wait after that, in seconds; doubles with each further wrong try.
const FIRST_WAIT: u32 = 5;
/// Longest wait.
const MAX_WAIT: u32 = 900;
/// Addresses remembered. Beyond it the oldest are forgotten: a table that grows without end would be an attack itself.
const MAX_ADDRESSES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Throttle(HashMap<IpAddr, Tries>);

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    until: u32,
    last: u32,
}

impl Throttle {
    /// Seconds this address has to wait, if any.
    pub(super) fn wait(&self, from: IpAddr, now: u32) -> Option<u32> {
        self.0.get(&key(from)).map(|t| t.until.saturating_sub(now)).filter(|left| *left > 0)
    }

    /// A wrong proof came from there.
    pub(super) fn wrong(&mut self, from: IpAddr, now: u32) {
        let full = self.0.len() >= MAX_ADDRESSES && !self.0.contains_key(&key(from));
        let oldest = self.0.iter().min_by_key(|(_, t)| t.last).map(|(ip, _)| *ip).filter(|_| full);
        if let Some(oldest) = oldest {
            self.0.remove(&oldest);
        }
        let tries = self.0.entry(key(from)).or_insert(Tries { wrong: 0, until: 0, last: now });
        tries.wrong = tries.wrong.saturating_add(1);
        tries.last = now;
        if tries.wrong >= FREE {
            let wait = FIRST_WAIT.saturating_mul(1 << (tries.wrong - FREE).min(10)).min(MAX_WAIT);
            tries.until = now.saturating_add(wait);
        }
    }

    /// Forgets addresses that were quiet for long.
    pub(super) fn forget(&mut self, now: u32) {
        self.0.retain(|_, t| t.last.saturating_add(MAX_WAIT * 2) > now);
    }
}

/// One IPv6 subscriber has a whole /64.
fn key(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
    }
}

/// How much of something one person may do: a bucket that refills by the second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    size: u32,
    per_second: u32,
    cost: u32,
    left: u32,
    at: u32,
}

impl Rate {
    const fn new(size: u32, per_second: u32, cost: u32) -> Self {
        Self { size: size * cost, per_second, cost, left: size * cost, at: 0 }
    }

    /// Messages of one channel, 100 at once and 10 a second: an owner who sets a whole matrix by hand stays far below.
    pub(super) const fn messages() -> Self {
        Self::new(100, 10, 1)
    }

    /// Captures of one window that owners are told of: 12 at once, and one in ten seconds. A broken or hostile client must
    /// not bury what others have to tell.
    pub(super) const fn incidents() -> Self {
        Self::new(12, 1, 10)
    }

    pub(super) fn take(&mut self, now: u32) -> bool {
        let refill = now.saturating_sub(self.at).saturating_mul(self.per_second);
        self.left = self.left.saturating_add(refill).min(self.size);
        self.at = now;
        let allowed = self.left >= self.cost;
        if allowed {
            self.left -= self.cost;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let mut rate = Rate::incidents();
        assert_eq!((0..20).filter(|_| rate.take(1000)).count(), 12);
        assert!(!rate.take(1009), "not yet one more");
        assert!(rate.take(1010) && !rate.take(1010));
    }
}
