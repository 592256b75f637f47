//! The jitter buffer of one remote sound: holds packets until their turn, and says how fast to play.
//! Pure and bounded. Time is counted in samples at 48 kHz; a packet's ideal arrival is its timestamp on the clock of the
//! fastest recent packet, so `delay` is what we add to the quickest the network can do.
//!
//! The target follows the measured jitter (95th percentile of the last five seconds, less when the last one was calm; hold-ups
//! that come again and again within ten; and how late copies of lost packets come along with later ones). The player is
//! told by [`Jitter::error`] how far off it is, and leaves out or adds single periods of the sound; only a far excess is cut.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::copies::Copies;
use super::loss::{Loss, LossMeter};
use super::peaks::Peaks;
use super::queue::Queue;
use super::reorder::Unwrap;
use super::resends::Resends;
use crate::frame::{BLOCK, SAMPLE_RATE};
use crate::time::MediaTime;

/// Sound held at most.
pub const MAX_HELD: Duration = Duration::from_secs(1);
/// Packets held at most, whatever their timestamps say.
pub const MAX_PACKETS: usize = 256;
/// The least delay aimed at. The engine looks every 10 ms and starts at the tick nearest to it, so a packet of a quiet
/// network is there up to 10 ms before its turn.
pub const MIN_TARGET: Duration = Duration::from_millis(5);
/// The most delay aimed at; worse networks lose packets.
pub const MAX_TARGET: Duration = Duration::from_millis(400);

/// Arrivals remembered, at most.
const HISTORY: usize = 512;
/// For so long.
const MEMORY: i64 = 5 * SAMPLE_RATE as i64;
/// When so long nothing came nearly as late as before, the weather has changed, and what was before says nothing any more.
const CALM: i64 = SAMPLE_RATE as i64;
/// But so many packets are needed to say so.
const ENOUGH: usize = 12;
/// Made-up sound at most before silence.
const MAX_CONCEALED: i64 = 60 * 48;
/// A lesser share lost is little.
const LIGHT: f32 = 0.08;
/// For copies so much is waited even where little is lost: a packet and a tick.
const LIGHT_WAIT: i64 = 30 * 48;
/// A hole longer than this is a pause, not a loss.
const PAUSE: i64 = 120 * 48;
/// A timestamp this far away means the sender started anew.
const JUMP: i64 = 5 * SAMPLE_RATE as i64;

/// What to play next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This packet.
    Packet(Bytes),
    /// The sound that began `before` samples ahead of this packet is lost: restore a frame of it from what this packet
    /// tells of it. The packet is not used up.
    Restore {
        /// The packet.
        next: Bytes,
        /// How far ahead of it, in samples.
        before: usize,
        /// How much of it, in samples.
        samples: usize,
    },
    /// Make up so many samples.
    Conceal(usize),
    /// Silence: nothing is due.
    Silence,
}

/// Counters of a jitter buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterStats {
    /// Packets taken.
    pub received: u64,
    /// Came after their turn, or twice.
    pub late: u64,
    /// Never came in time.
    pub lost: u64,
    /// Thrown away because too much was waiting.
    pub overflowed: u64,
    /// Lost, but brought along by a later packet in time.
    pub carried: u64,
}

/// Where a packet stands that a later one carried along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The how-manieth nearest copy of its carrier, from 1; 0 for what was in a sum.
    pub rank: usize,
    /// Sent so many packets before it.
    pub back: u16,
    /// And so many samples.
    pub earlier: u32,
}

#[derive(Debug)]
struct Held {
    sequence: i64,
    samples: i64,
    payload: Bytes,
}

/// A jitter buffer.
#[derive(Debug)]
pub struct Jitter {
    sequences: Unwrap,
    times: UnwrapTime,
    held: BTreeMap<i64, Held>,
    /// Timestamp of what is played next; `None` while silent.
    play: Option<i64>,
    last_sequence: Option<i64>,
    /// Made up since the last real packet while nothing was there, in samples.
    owed: i64,
    frame: i64,
    /// When, and how late.
    transits: VecDeque<(i64, i64)>,
    /// How late they all are, in order; kept for its room.
    sorted: Vec<i64>,
    fastest: i64,
    /// The 95th percentile of how late packets come.
    usual: i64,
    /// What nearly all packets in time asks for.
    percentile: i64,
    target: i64,
    peaks: Peaks,
    copies: Copies,
    resends: Resends,
    /// When a packet last told of several before it.
    covered: i64,
    meter: LossMeter,
    loss: Loss,
    queue: Queue,
    /// Made up without moving on, so that what is missing can still come, in samples.
    stretched: i64,
    since_measure: usize,
    stats: JitterStats,
}

impl Default for Jitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Jitter {
    /// An empty buffer with the least delay.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sequences: Unwrap::default(),
            times: UnwrapTime::default(),
            held: BTreeMap::new(),
            play: None,
            last_sequence: None,
            owed: 0,
            frame: 2 * BLOCK as i64,
            transits: VecDeque::with_capacity(HISTORY),
            sorted: Vec::with_capacity(HISTORY),
            fastest: 0,
            usual: 0,
            percentile: samples(MIN_TARGET),
            target: samples(MIN_TARGET),
            peaks: Peaks::default(),
            copies: Copies::default(),
            resends: Resends::default(),
            covered: -MEMORY,
            meter: LossMeter::default(),
            loss: Loss::default(),
            queue: Queue::default(),
            stretched: 0,
            since_measure: 0,
            stats: JitterStats::default(),
        }
    }

    /// Takes an opened packet of `len` samples (48 kHz, at most 120 ms).
    pub fn insert(&mut self, sequence: u16, rtp_time: u32, len: usize, payload: Bytes, now: MediaTime) {
        self.insert_together(sequence, rtp_time, &[(len, payload)], now);
    }

    /// Takes what came in one datagram: packets that follow one another, with their samples.
    pub fn insert_together(&mut self, sequence: u16, rtp_time: u32, packets: &[(usize, Bytes)], now: MediaTime) {
        let len = |samples: usize| i64::try_from(samples).unwrap_or(0).clamp(1, 120 * 48);
        let mut time = self.times.extend(rtp_time);
        if self.play.or_else(|| self.held.keys().next().copied()).is_some_and(|at| (time - at).abs() > JUMP) {
            self.restart();
        }
        let sequence = self.sequences.extend(sequence);
        let overtaken = self.meter.packet(sequence);
        let whole: i64 = packets.iter().map(|(samples, _)| len(*samples)).sum();
        self.measure((clock(now) - time, whole), overtaken, clock(now));
        self.stats.received += 1;
        for (samples, payload) in packets {
            let samples = len(*samples);
            if self.play.is_some_and(|play| time + samples <= play) || self.held.contains_key(&time) {
                self.stats.late += 1;
            } else {
                self.held.insert(time, Held { sequence, samples, payload: payload.clone() });
            }
            time += samples;
        }
        while self.held.len() > MAX_PACKETS || self.span() > samples(MAX_HELD) {
            let Some((first, _)) = self.held.pop_first() else { break };
            self.stats.overflowed += 1;
            self.play = self.play.map(|play| play.max(first + 1));
        }
    }

    /// Takes a packet that a later one carried along; ignored when it is here or was played. How late it came tells how
    /// long it pays to wait for such.
    pub fn insert_carried(&mut self, of: (u16, u32), carried: Carried, len: usize, payload: Bytes, now: MediaTime) {
        // Nothing to repair before anything was heard.
        let (Some(last), Some(_)) = (self.times.last, self.last_sequence) else { return };
        let len = i64::try_from(len).unwrap_or(0).clamp(1, 120 * 48);
        let time = self.times.near(of.1, last) - i64::from(carried.earlier);
        let sequence = self.sequences.near(of.0) - i64::from(carried.back);
        let ahead = self.play.is_some_and(|play| time >= play) && !self.held.contains_key(&time);
        // What follows from sums comes when it may, and too late now and then; `covered` says how long to wait.
        if carried.rank > 0 {
            self.copies.came(clock(now), carried.rank, clock(now) - time - self.fastest, self.loss);
        }
        if ahead && self.held.len() < MAX_PACKETS {
            self.stats.carried += 1;
            self.held.insert(time, Held { sequence, samples: len, payload });
        }
    }

    /// A packet of this time came that tells of all sound up to so much `earlier`: it pays to wait for such.
    pub fn covered(&mut self, rtp_time: u32, earlier: u32, now: MediaTime) {
        let Some(last) = self.times.last else { return };
        let time = self.times.near(rtp_time, last) - i64::from(earlier);
        self.covered = clock(now);
        self.copies.came(clock(now), 1, clock(now) - time - self.fastest, self.loss);
    }

    /// What to play now. Called when the player runs out, with `ahead` decoded samples not yet played; answers one frame's
    /// worth, and moves on.
    pub fn next(&mut self, now: MediaTime, ahead: usize) -> Next {
        let Some(play) = self.play else { return self.start(now) };
        let Some((&first, held)) = self.held.first_key_value() else {
            if self.owed >= MAX_CONCEALED {
                self.play = None;
                self.owed = 0;
                return Next::Silence;
            }
            self.owed += self.frame;
            return self.conceal();
        };
        if first <= play {
            return self.take(first);
        }
        // Something is missing, or the sender paused (silence is not sent with DTX, nor while muted).
        let paused = self.last_sequence.is_some_and(|last| held.sequence == last + 1);
        if first - play > PAUSE.max(3 * self.frame) || paused {
            self.play = None;
            self.owed = 0;
            if !paused {
                self.stats.lost += u64::try_from((first - play) / self.frame).unwrap_or(0);
            }
            return self.start(now);
        }
        // Too early by our own measure: what is missing may still come, and waiting is the quickest way to be later.
        let early = -self.error(now, ahead);
        let copies = self.copies.worth_waiting(clock(now)) > 0 || self.resends.worth_waiting(clock(now)) > 0;
        if early > self.frame / 2 && self.stretched < MAX_CONCEALED && copies {
            self.stretched += self.frame;
            return self.conceal();
        }
        self.stats.lost += 1;
        // What was made up while nothing was there stood for the loss.
        let covered = self.owed.min(first - play);
        if covered > 0 {
            self.owed = 0;
            self.play = Some(play + covered);
            if play + covered >= first {
                return self.take(first);
            }
        }
        let step = self.frame.min(first - play - covered);
        self.play = Some(play + covered + step);
        let before = usize::try_from(first - play - covered).unwrap_or(0);
        Next::Restore { next: held.payload.clone(), before, samples: usize::try_from(step).unwrap_or(0) }
    }

    /// Is what comes next here?
    #[must_use]
    pub fn ready(&self) -> bool {
        let first = self.held.first_key_value().map(|(&first, _)| first);
        self.play.zip(first).is_some_and(|(play, first)| first <= play)
    }

    fn conceal(&self) -> Next {
        Next::Conceal(usize::try_from(self.frame).unwrap_or(0))
    }

    fn take(&mut self, first: i64) -> Next {
        let Some(held) = self.held.remove(&first) else { return Next::Silence };
        self.play = Some(first + held.samples);
        self.frame = held.samples;
        self.last_sequence = Some(held.sequence);
        self.owed = 0;
        self.stretched = 0;
        Next::Packet(held.payload)
    }

    /// Out of silence, once the first packet has waited its due.
    fn start(&mut self, now: MediaTime) -> Next {
        let Some((&first, _)) = self.held.first_key_value() else { return Next::Silence };
        let due = first + self.fastest + self.target;
        // The nearest tick, early or late: later corrections are audible, this is not.
        if clock(now) + (BLOCK as i64) / 2 < due && self.span() < self.target + self.frame {
            return Next::Silence;
        }
        self.take(first)
    }

    /// How much later than aimed at we play, in samples; negative: too early. `ahead` is decoded sound not yet played.
    #[must_use]
    pub fn error(&self, now: MediaTime, ahead: usize) -> i64 {
        match self.play {
            Some(play) => clock(now) - (play - i64::try_from(ahead).unwrap_or(0)) - self.fastest - self.target,
            None => 0,
        }
    }

    /// The delay aimed at.
    #[must_use]
    pub fn target(&self) -> Duration {
        duration(self.target)
    }

    /// The delay now, with `ahead` decoded samples not yet played.
    #[must_use]
    pub fn delay(&self, now: MediaTime, ahead: usize) -> Duration {
        if self.play.is_some() { duration(self.error(now, ahead) + self.target) } else { Duration::ZERO }
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> JitterStats {
        self.stats
    }

    /// What the network lost lately.
    #[must_use]
    pub const fn loss(&self) -> Loss {
        self.loss
    }

    /// How long even the quickest packets waited lately: a full link.
    #[must_use]
    pub fn queued(&self) -> Duration {
        duration(self.queue.stands())
    }

    /// Packets held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    fn span(&self) -> i64 {
        match (self.held.first_key_value(), self.held.last_key_value()) {
            (Some((first, _)), Some((last, held))) => last + held.samples - first,
            (Some(_), None) | (None, Some(_)) | (None, None) => 0,
        }
    }

    /// `transit` is from the first sample on, of so much sound.
    fn measure(&mut self, (transit, whole): (i64, i64), overtaken: bool, now: i64) {
        while self.transits.front().is_some_and(|(at, _)| now - at > MEMORY || self.transits.len() == HISTORY) {
            self.transits.pop_front();
        }
        self.transits.push_back((now, transit));
        // From the last sample on: a packet is none the fuller a link for being longer.
        self.queue.packet(now, transit - whole);
        if self.transits.len() == 1 {
            self.fastest = transit;
        }
        self.fastest = self.fastest.min(transit);
        self.since_measure += 1;
        // A slow packet counts at once, a calmer network only with the next look at everything.
        let relative = transit - self.fastest;
        if overtaken {
            self.resends.came(now, relative);
        }
        if relative > self.percentile / 2 {
            self.peaks.late(now, relative, self.percentile);
        }
        let look = self.since_measure >= 8 || relative > self.target;
        if !look {
            return;
        }
        self.since_measure = 0;
        self.loss = self.meter.loss(MEMORY / self.frame.max(1));
        if self.loss.share == 0.0 && now - self.covered > MEMORY {
            self.copies.forget();
        }
        let mut percentile = self.look();
        if self.is_over(now, percentile) {
            self.transits.retain(|(at, _)| now - at <= CALM);
            percentile = self.look();
        }
        // Half a block on top: packets and ticks do not meet.
        let half = BLOCK as i64 / 2;
        self.percentile = (percentile + half).clamp(samples(MIN_TARGET), samples(MAX_TARGET));
        self.aim(now);
    }

    /// Looks at all arrivals that are remembered; answers how late those that count came.
    fn look(&mut self) -> i64 {
        self.fastest = self.transits.iter().map(|(_, transit)| *transit).min().unwrap_or(self.fastest);
        self.sorted.clear();
        self.sorted.extend(self.transits.iter().map(|(_, transit)| transit - self.fastest));
        self.sorted.sort_unstable();
        let rank = |percent: usize| {
            let last = self.sorted.len().saturating_sub(1);
            self.sorted.get((self.sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
        };
        // Nearly all packets in time, unless the last few cost too much.
        self.usual = rank(95);
        rank(99).min(self.usual * 5 / 4)
    }

    /// Were all the packets of the last second early, beside what the seconds before ask for?
    fn is_over(&self, now: i64, percentile: i64) -> bool {
        if percentile <= samples(MIN_TARGET) {
            return false;
        }
        let lately = || self.transits.iter().rev().take_while(|(at, _)| now - at <= CALM).map(|(_, transit)| *transit);
        let latest = lately().max().unwrap_or_default() - lately().min().unwrap_or_default();
        lately().count() >= ENOUGH && latest < percentile / 3
    }

    fn aim(&mut self, now: i64) {
        let half = BLOCK as i64 / 2;
        // A frame is wanted up to a block before it is played, and what comes then is too late for it.
        let copies = match self.copies.worth_waiting(now) {
            0 => 0,
            late => late + BLOCK as i64,
        };
        // Where little is lost, delay is worth more than the last copy. But a sender who adds sums up has seen much lost, and
        // a delay that follows every lucky second is heard more than one that stays.
        let copies = match self.loss.share {
            ..LIGHT if now - self.covered > MEMORY => {
                copies.min((self.usual * 12 / 10 + samples(MIN_TARGET)).max(LIGHT_WAIT))
            }
            _ => copies,
        };
        let resends = self.resends.worth_waiting(now);
        let longest = self.peaks.recurring(now).max(copies).max(resends);
        self.target = self.percentile.max(longest + half).min(samples(MAX_TARGET));
    }

    fn restart(&mut self) {
        self.stats.overflowed += self.held.len() as u64;
        self.held.clear();
        self.transits.clear();
        self.play = None;
        self.last_sequence = None;
        self.owed = 0;
        self.peaks.clear();
        self.copies = Copies::default();
        self.resends.clear();
        self.queue = Queue::default();
        self.stretched = 0;
        self.percentile = samples(MIN_TARGET);
        self.target = samples(MIN_TARGET);
    }
}

/// Extends 32-bit timestamps so that they never wrap.
#[derive(Debug, Default)]
struct UnwrapTime {
    last: Option<i64>,
}

impl UnwrapTime {
    fn extend(&mut self, time: u32) -> i64 {
        let Some(last) = self.last else {
            let first = i64::from(time);
            self.last = Some(first);
            return first;
        };
        let low = u32::try_from(last.rem_euclid(1 << 32)).unwrap_or(0);
        let number = last + i64::from(time.wrapping_sub(low).cast_signed());
        self.last = Some(number);
        number
    }

    /// The same near a number that is known, without moving on.
    fn near(&self, time: u32, known: i64) -> i64 {
        let low = u32::try_from(known.rem_euclid(1 << 32)).unwrap_or(0);
        known + i64::from(time.wrapping_sub(low).cast_signed())
    }
}

fn clock(now: MediaTime) -> i64 {
    i64::try_from(u128::from(now.as_micros()) * 48 / 1000).unwrap_or(i64::MAX / 4)
}

fn samples(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros() * 48 / 1000).unwrap_or(i64::MAX / 4)
}

fn duration(samples: i64) -> Duration {
    Duration::from_micros(u64::try_from(samples.max(0)).unwrap_or(0) * 1000 / 48)
}

#[cfg(test)]
mod tests;
