//! How much one connection carries, from what its receiver reports of every packet (transport-wide feedback). Pure: packets
//! and time go in, a rate comes out; tests drive it over links in virtual time.
//!
//! The measure is the queue that stands: how much longer packets take than the quickest of late. Where one stands, the link
//! is full, and what arrived meanwhile is what it carries; the sender goes below that and holds its pictures until the queue
//! is gone. Where none stands the rate rises, quickly below what is known to fit and slowly near what was too much; a rate
//! that was too much twice is tried again later and later. The rate never runs far ahead of what is really sent, so that a
//! try costs little. Loss without a queue is the air's, up to a tenth.
//!
//! The library has an estimator, too: it starts at 300 kbit/s and doubles in nine seconds, which is a blurred start on every
//! link of an office, and its rate rises without end while little is sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Before anything is known, in bit/s: a picture of the middle size, and hardly a queue anywhere.
const FIRST: f64 = 900_000.0;
/// Bounds, in bit/s.
const LEAST: f64 = 50_000.0;
const MOST: f64 = 30_000_000.0;
/// What is left of the rate that arrived while the link was full.
const BACK: f64 = 0.85;
/// A queue this long is none of a single burst, nor of a receiver whose machine is busy for a moment.
const STANDS: Duration = Duration::from_millis(110);
/// No queue to speak of.
const GONE: Duration = Duration::from_millis(15);
/// A queue this long is answered without waiting for a second report.
const LONG: Duration = Duration::from_millis(250);
/// Pictures are held for a queue at least this long, and at most so long.
const HELD: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(1000));
/// The quickest packet of the last so long is the measure of the others.
const QUICKEST: Duration = Duration::from_secs(10);
/// What arrives is averaged over this; while the link is full, over the newest part of it.
const ARRIVES: (Duration, Duration) = (Duration::from_millis(400), Duration::from_millis(150));
/// Loss is looked at over this, of so many packets at least.
const LOSES: (Duration, u32) = (Duration::from_secs(1), 20);
/// Loss beyond this share is the link's even without a queue.
const TOO_MUCH: f64 = 0.10;
/// Sending less than this part of the rate fills no link.
const LITTLE: f64 = 0.35;
/// Before the rate rises again after it fell.
const REST: Duration = Duration::from_millis(500);
/// Before what was too much is tried again, at first and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(60));

/// What the receiver reported of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// When it left.
    pub sent: Instant,
    /// Its size on the wire.
    pub bytes: u32,
    /// When it arrived, on the receiver's clock; only differences mean anything. `None`: lost.
    pub arrived: Option<Duration>,
}

/// What is known of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// What it carries, in bit/s.
    pub bits: u64,
    /// How long packets waited lately.
    pub queue: Duration,
    /// Nothing that can wait should be sent before: a queue has to go.
    pub hold: Option<Instant>,
    /// It was too much lately: the number is a measure of the link, not only of what was tried so far.
    pub limited: bool,
}

/// The estimator of one direction of one connection.
#[derive(Debug)]
pub struct Estimator {
    /// Queues are this many times as long before they count.
    patience: u32,
    rate: f64,
    /// Since when everything is counted.
    origin: Option<Instant>,
    /// Of the time a packet takes, in µs and an unknown offset.
    quickest: Least,
    /// Of the time that what is under way would take to arrive, in µs: the way there, the way back and a report's time.
    shortest: Least,
    queue: Duration,
    /// Reports in a row with a queue.
    over: u32,
    /// How far the queue of a report lies from the one before, in µs, averaged: jitter.
    unrest: f64,
    /// (arrived, bytes) of late.
    arrivals: VecDeque<(Duration, u32)>,
    /// (reported, lost, all) of late.
    losses: VecDeque<(Instant, u32, u32)>,
    fell: Option<Instant>,
    /// What was too much, since when, and before it is tried again.
    ceiling: Option<(f64, Instant, Duration)>,
    reported: Option<Instant>,
    hold: Option<Instant>,
}

impl Default for Estimator {
    fn default() -> Self {
        Self {
            patience: 1,
            rate: FIRST,
            origin: None,
            quickest: Least::default(),
            shortest: Least::default(),
            queue: Duration::ZERO,
            over: 0,
            unrest: 0.0,
            arrivals: VecDeque::new(),
            losses: VecDeque::new(),
            fell: None,
            ceiling: None,
            reported: None,
            hold: None,
        }
    }
}

impl Estimator {
    /// One that believes only in long queues. For a host: its listeners' machines are busy now and then, and a picture that
    /// gets smaller for that is worse than one that comes late for a moment.
    #[must_use]
    pub fn patient() -> Self {
        Self { patience: 3, ..Self::default() }
    }

    /// What is known; `None` before the first report.
    #[must_use]
    pub fn estimate(&self, now: Instant) -> Option<Estimate> {
        self.reported?;
        let hold = self.hold.filter(|until| *until > now);
        Some(Estimate { bits: self.rate as u64, queue: self.queue, hold, limited: self.ceiling.is_some() })
    }

    /// A report came; `flying` bytes were sent and nothing is known of them yet.
    pub fn report(&mut self, fates: &[Fate], flying: u64, now: Instant) {
        let Some(first) = fates.first() else { return };
        let origin = *self.origin.get_or_insert(first.sent);
        let since = self.reported.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let took = |fate: &Fate| {
            let sent = i64::try_from(fate.sent.saturating_duration_since(origin).as_micros()).ok()?;
            Some(i64::try_from(fate.arrived?.as_micros()).ok()? - sent)
        };
        let lost = u32::try_from(fates.iter().filter(|fate| fate.arrived.is_none()).count()).unwrap_or(u32::MAX);
        self.losses.push_back((now, lost, u32::try_from(fates.len()).unwrap_or(u32::MAX)));
        while self.losses.front().is_some_and(|(at, ..)| now.saturating_duration_since(*at) > LOSES.0) {
            self.losses.pop_front();
        }
        let arrived = fates.iter().filter_map(|fate| Some((fate.arrived?, fate.bytes)));
        if let Some(newest) = arrived.clone().map(|(at, _)| at).max() {
            self.arrivals.extend(arrived);
            // Either way: the receiver's clock may begin anew.
            self.arrivals.retain(|(at, _)| newest.abs_diff(*at) <= ARRIVES.0);
        }
        let drains = (flying as f64 * 8e6 / self.arrives(ARRIVES.1).max(1.0)) as i64;
        let waits = Duration::from_micros(self.shortest.above(drains, now));
        // What was lost need not be waited for: it is known as soon as something behind it arrives.
        self.hold = self.hold.map(|until| until.min(now + waits));
        // What was sent before the rate fell says nothing about what is sent since.
        let fresh = fates.iter().filter(|fate| self.fell.is_none_or(|at| fate.sent >= at));
        if let Some(least) = fresh.filter_map(took).min() {
            self.measure(least, now);
            self.decide(since, waits, now);
        }
    }

    /// The least time a packet of this report took.
    fn measure(&mut self, least: i64, now: Instant) {
        let queue = Duration::from_micros(self.quickest.above(least, now));
        let apart = queue.abs_diff(self.queue).min(LONG).as_secs_f64() * 1e6;
        self.unrest += (apart - self.unrest) / 16.0;
        self.queue = queue;
    }

    /// `waits`: how long what is under way takes longer than it should.
    fn decide(&mut self, since: Duration, waits: Duration, now: Instant) {
        // Where packets take now this and now that long, a long one says less.
        let stands = STANDS * self.patience + Duration::from_micros(self.unrest as u64);
        let long = LONG * self.patience;
        self.over = if self.queue > stands { self.over + 1 } else { 0 };
        let share = self.lost();
        // Hardly anything is sent: whatever makes it wait, a machine that is busy or somebody else's traffic, is not us.
        let little = self.arrives(ARRIVES.0) < self.rate * LITTLE && share == 0.0;
        let full = self.over >= 2 || self.queue > stands.max(long) || (self.over == 1 && waits > long);
        if full && little {
            // Nothing is learnt of the link.
        } else if full {
            self.full(waits.max(self.queue), now);
        } else if share > TOO_MUCH {
            if self.rested(now) {
                self.ceiling = Some((self.rate, now, PATIENCE.0));
                self.rate = (self.rate * (1.0 - share / 2.0)).max(LEAST);
                self.fell = Some(now);
            }
        } else if self.over == 0 && self.queue < stands.mul_f64(0.6).max(GONE) && self.rested(now) {
            self.rise(since.min(Duration::from_millis(250)), now);
        }
    }

    fn rested(&self, now: Instant) -> bool {
        self.fell.is_none_or(|at| now.saturating_duration_since(at) >= REST)
    }

    /// A queue stands, so long.
    fn full(&mut self, queue: Duration, now: Instant) {
        let arrives = self.arrives(ARRIVES.1);
        let patience = match self.ceiling {
            // Still the same queue: not another try.
            Some((_, at, patience)) if now.saturating_duration_since(at) < PATIENCE.0 => patience,
            Some((ceiling, _, patience)) if (ceiling * 0.75..ceiling * 1.3).contains(&arrives) => {
                (patience * 2).min(PATIENCE.1)
            }
            _ => PATIENCE.0,
        };
        self.ceiling = Some((arrives, now, patience));
        self.rate = (arrives * BACK).min(self.rate).max(LEAST);
        self.fell = Some(now);
        self.over = 0;
        if queue >= HELD.0 {
            self.hold = Some(now + queue.min(HELD.1));
        }
    }

    fn rise(&mut self, since: Duration, now: Instant) {
        let (most, by) = match self.ceiling {
            // Known to be too much not long ago.
            Some((ceiling, at, patience)) if now.saturating_duration_since(at) < patience => (ceiling * 0.93, 0.15),
            Some((ceiling, ..)) if self.rate < ceiling * 1.3 => (MOST, 0.06),
            // Everything that was known has changed.
            Some(_) => {
                self.ceiling = None;
                (MOST, 0.3)
            }
            None => (MOST, 1.2),
        };
        // A try beyond what is sent must not be a leap.
        let most = most.min(MOST).min(self.arrives(ARRIVES.0) * 5.0 + 300_000.0);
        self.rate = (self.rate * (1.0 + by * since.as_secs_f64())).min(most.max(self.rate));
    }

    /// What arrived in the newest part of what is remembered, in bit/s.
    fn arrives(&self, part: Duration) -> f64 {
        let last = self.arrivals.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let newest = || self.arrivals.iter().filter(|(at, _)| last.saturating_sub(*at) <= part);
        let first = newest().min_by_key(|(at, _)| *at).copied().unwrap_or_default();
        // The first one arrived before the time that is counted.
        let bytes = newest().map(|(_, bytes)| u64::from(*bytes)).sum::<u64>().saturating_sub(u64::from(first.1));
        bytes as f64 * 8.0 / last.saturating_sub(first.0).max(ARRIVES.0 / 8).as_secs_f64()
    }

    /// Share lost of late; nothing of few packets.
    fn lost(&self) -> f64 {
        let (lost, all) = self.losses.iter().fold((0, 0), |sum, (_, lost, all)| (sum.0 + lost, sum.1 + all));
        if all < LOSES.1 { 0.0 } else { f64::from(lost) / f64::from(all) }
    }
}

/// The least of a number over the last [`QUICKEST`].
#[derive(Debug, Default)]
struct Least(VecDeque<(Instant, i64)>);

impl Least {
    /// Takes one more; how far it lies above the least.
    fn above(&mut self, value: i64, now: Instant) -> u64 {
        while self.0.front().is_some_and(|(until, _)| *until < now) {
            self.0.pop_front();
        }
        while self.0.back().is_some_and(|(_, other)| *other >= value) {
            self.0.pop_back();
        }
        self.0.push_back((now + QUICKEST, value));
        u64::try_from(value.saturating_sub(self.0.front().map_or(value, |(_, least)| *least))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
