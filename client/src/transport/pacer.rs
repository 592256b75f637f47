//! Spreads the packets of pictures over time, so that those of the voice never wait behind a whole picture: sound goes out at
//! once, pictures as fast as the link is known to carry them and some more. While a queue on the way has to go, they wait
//! here. Pure: time is passed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use peer::Estimate;

/// Faster than the link's estimate by this: a picture should not wait for the next one.
const AHEAD: f64 = 2.0;
/// While nothing is known of the link, in bit/s.
const UNKNOWN: f64 = 8_000_000.0;
/// What waits is gone after this whatever the estimate: the encoders follow it, this is their slack.
const DRAINED: Duration = Duration::from_millis(250);
/// May leave at once after a rest.
const BURST: Duration = Duration::from_millis(5);
/// The same at least, in bytes: a datagram.
const DATAGRAM: f64 = 1500.0;
/// More waits for nobody: the link is gone.
const MOST: usize = 1024;

/// The packets that wait, and when they may go.
#[derive(Debug)]
pub(super) struct Pacer<T> {
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    /// Bytes that may leave now; below zero after a large packet.
    credit: f64,
    counted: Option<Instant>,
    estimate: Option<Estimate>,
}

impl<T> Default for Pacer<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, credit: 0.0, counted: None, estimate: None }
    }
}

impl<T> Pacer<T> {
    /// A packet more. `Err` gives back everything that waited, and this one: it is too much, and all of it is given up.
    pub(super) fn push(&mut self, packet: T, bytes: usize) -> Result<(), Vec<T>> {
        self.waiting.push_back((packet, bytes));
        self.bytes += bytes;
        if self.waiting.len() <= MOST {
            return Ok(());
        }
        self.bytes = 0;
        Err(self.waiting.drain(..).map(|(packet, _)| packet).collect())
    }

    /// What is known of the link now.
    pub(super) const fn follow(&mut self, estimate: Option<Estimate>) {
        self.estimate = estimate;
    }

    /// The next packet that may leave.
    pub(super) fn due(&mut self, now: Instant) -> Option<T> {
        let rate = self.rate();
        let passed = self.counted.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let most = (rate * BURST.as_secs_f64()).max(DATAGRAM);
        self.credit = (self.credit + passed.as_secs_f64() * rate).min(most);
        if self.held(now).is_some() || self.credit <= 0.0 {
            return None;
        }
        let (packet, bytes) = self.waiting.pop_front()?;
        self.bytes -= bytes;
        self.credit -= bytes as f64;
        Some(packet)
    }

    /// When the next may leave; `None`: nothing waits.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        if let Some(until) = self.held(now) {
            return Some(until);
        }
        let missing = Duration::from_secs_f64((-self.credit).max(0.0) / self.rate());
        // The clock of the runtime counts milliseconds: sooner would only spin.
        Some(self.counted.map_or(now, |at| at + missing.max(Duration::from_millis(1))))
    }

    fn held(&self, now: Instant) -> Option<Instant> {
        self.estimate?.hold.filter(|until| *until > now)
    }

    /// Bytes a second.
    fn rate(&self) -> f64 {
        let link = self.estimate.map_or(UNKNOWN, |estimate| estimate.bits as f64 * AHEAD) / 8.0;
        link.max(self.bytes as f64 / DRAINED.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(bits: u64, hold: Option<Instant>) -> Option<Estimate> {
        Some(Estimate { bits, queue: Duration::ZERO, hold, limited: true })
    }

    /// Everything that leaves, and after how many milliseconds.
    fn drain(pacer: &mut Pacer<u32>, start: Instant) -> Vec<(u32, u128)> {
        let (mut now, mut left) = (start, Vec::new());
        while let Some(wake) = pacer.wake(now) {
            now = now.max(wake);
            while let Some(packet) = pacer.due(now) {
                left.push((packet, now.duration_since(start).as_millis()));
            }
        }
        left
    }

    #[test]
    fn a_picture_is_spread_and_stays_in_order() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        pacer.follow(known(1_000_000, None));
        for n in 0..20 {
            pacer.push(n, 1200).unwrap();
        }
        let left = drain(&mut pacer, now);
        assert!(left.iter().map(|(n, _)| *n).eq(0..20));
        let last = left.last().unwrap().1;
        // 24 kB at 2 Mbit/s.
        assert!((60..120).contains(&last), "{left:?}");
        let at_once = left.iter().filter(|(_, ms)| *ms < 2).count();
        assert!(at_once <= 3, "{left:?}");
    }

    #[test]
    fn nothing_waits_for_ever_however_slow_the_link() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        pacer.follow(known(50_000, None));
        for n in 0..200 {
            pacer.push(n, 1200).unwrap();
        }
        let last = drain(&mut pacer, now).last().unwrap().1;
        assert!(last < 2500, "{last} ms");
    }

    #[test]
    fn while_a_queue_has_to_go_nothing_leaves() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        let until = now + Duration::from_millis(300);
        pacer.follow(known(1_000_000, Some(until)));
        pacer.push(1, 1200).unwrap();
        assert_eq!(pacer.due(now), None);
        assert_eq!(pacer.wake(now), Some(until));
        assert_eq!(pacer.due(until), Some(1));
    }

    #[test]
    fn too_much_is_given_up_as_a_whole() {
        let mut pacer = Pacer::default();
        let given_up = (0..=MOST).find_map(|n| pacer.push(n, 1200).err()).unwrap();
        assert_eq!(given_up.len(), MOST + 1);
        assert_eq!(pacer.wake(Instant::now()), None);
    }
}
