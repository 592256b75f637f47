//! Which packets of one stream are missing, and when to ask for each again. Pure: `now` and what the way takes are passed in;
//! [`crate::nack`] sends.
//!
//! The library's generator asks every 20 ms whatever the way takes, so a packet lost on a way of 100 ms is sent three times
//! over, and one that was merely overtaken is sent twice. This one waits for an answer, learns how far packets overtake each
//! other, and gives sound up where an answer would come too late to be played.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets waited for, at most; the oldest is given up first.
const MAX_OPEN: usize = 128;
/// A gap of more packets is a sender that was away or started anew: nothing of it is asked for.
const AWAY: u16 = 128;
/// Wait before the first ask, and how it grows and shrinks as asks turn out needless or not.
const LEAST_WAIT: Duration = Duration::from_millis(2);
const MOST_WAIT: Duration = Duration::from_millis(80);
const NEEDLESS: Duration = Duration::from_millis(5);
const USEFUL: f64 = 0.97;
/// There and back, until it is known.
const UNKNOWN: Duration = Duration::from_millis(30);
/// Least pause between two asks for one packet.
const LEAST_PAUSE: Duration = Duration::from_millis(15);
/// An answer takes a little longer than there and back.
const MARGIN: Duration = Duration::from_millis(5);
/// Where there and back takes longer, lost sound is made good sooner by what later packets carry along, and is not asked for.
const SOUND_FAR: Duration = Duration::from_millis(35);
/// Between two asks for pictures.
const TOGETHER: Duration = Duration::from_millis(20);
/// What is missing for so long is given up.
const SOUND_PATIENCE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(1);
/// Asks that bring nothing are for a link that is full, and make it fuller: with fewer answers than this, one ask in
/// [`PROBE`] tells whether that changed.
const TRUST: f64 = 0.5;
/// What one answer, or none, counts.
const OF_TRUST: f64 = 0.1;
const PROBE: Duration = Duration::from_secs(1);
/// A second copy of an answered packet within this shows that the ask was needless.
const SECOND_COPY: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
struct Open {
    sequence: u16,
    missed: Instant,
    asked: Option<Instant>,
    times: u16,
}

/// Watches one stream.
#[derive(Debug)]
pub(crate) struct Asks {
    sound: bool,
    /// Asks per packet, at most.
    most: u16,
    newest: Option<u16>,
    open: VecDeque<Open>,
    /// Came after they were asked for: number and when.
    answered: VecDeque<(u16, Instant)>,
    wait: Duration,
    /// Share of asks that are answered, 0.0 to 1.0.
    trust: f64,
    probed: Option<Instant>,
    /// When anything was last asked for.
    last: Option<Instant>,
}

impl Asks {
    /// Of a stream that sent nothing yet; each packet is asked for at most so many times.
    pub(crate) const fn new(sound: bool, most: u16) -> Self {
        Self {
            sound,
            most,
            newest: None,
            open: VecDeque::new(),
            answered: VecDeque::new(),
            wait: LEAST_WAIT,
            trust: 1.0,
            probed: None,
            last: None,
        }
    }

    /// A packet came, for the first time or again.
    pub(crate) fn came(&mut self, sequence: u16, now: Instant) {
        let Some(newest) = self.newest else {
            self.newest = Some(sequence);
            return;
        };
        let ahead = sequence.wrapping_sub(newest);
        if ahead == 0 || ahead > u16::MAX / 2 {
            self.late(sequence, now);
            return;
        }
        self.newest = Some(sequence);
        if ahead > AWAY {
            self.open.clear();
            return;
        }
        for skipped in 1..ahead {
            if self.open.len() == MAX_OPEN {
                self.open.pop_front();
            }
            let sequence = newest.wrapping_add(skipped);
            self.open.push_back(Open { sequence, missed: now, asked: None, times: 0 });
        }
    }

    /// A packet that others overtook: by itself, or because it was sent again.
    fn late(&mut self, sequence: u16, now: Instant) {
        if let Some(at) = self.open.iter().position(|open| open.sequence == sequence) {
            let open = self.open.remove(at);
            if open.is_none_or(|open| open.asked.is_none()) {
                return;
            }
            self.trust += (1.0 - self.trust) * OF_TRUST;
            self.wait = self.wait.mul_f64(USEFUL).max(LEAST_WAIT);
            if self.answered.len() == MAX_OPEN {
                self.answered.pop_front();
            }
            self.answered.push_back((sequence, now));
        } else if let Some(at) = self.answered.iter().position(|(answered, _)| *answered == sequence) {
            let first = self.answered.remove(at);
            if first.is_some_and(|(_, came)| now.saturating_duration_since(came) < SECOND_COPY) {
                self.wait = (self.wait + NEEDLESS).min(MOST_WAIT);
            }
        }
    }

    /// What to ask for now, where there and back takes `rtt`.
    pub(crate) fn due(&mut self, now: Instant, rtt: Option<Duration>) -> Vec<u16> {
        while self.open.front().is_some_and(|open| now.saturating_duration_since(open.missed) >= self.patience()) {
            if self.open.pop_front().is_some_and(|open| open.asked.is_some()) {
                self.trust -= self.trust * OF_TRUST;
            }
        }
        let mut asks = Vec::new();
        if self.is_far(rtt) || self.rests().is_some_and(|until| until > now) {
            return asks;
        }
        for at in 0..self.open.len() {
            let open = &self.open[at];
            if open.times >= self.most || at_of(open, self.wait, rtt) > now || !self.trusts(now) {
                continue;
            }
            let open = &mut self.open[at];
            open.asked = Some(now);
            open.times += 1;
            asks.push(open.sequence);
        }
        if !asks.is_empty() {
            self.last = Some(now);
        }
        asks
    }

    /// When [`Self::due`] has something to do next.
    pub(crate) fn wake(&self, rtt: Option<Duration>) -> Option<Instant> {
        let gives_up = self.open.front().map(|open| open.missed + self.patience());
        if self.is_far(rtt) {
            return gives_up;
        }
        let asks = self.open.iter().filter(|open| open.times < self.most);
        let asks = asks.map(|open| at_of(open, self.wait, rtt)).min();
        let probe = self.probed.filter(|_| self.trust < TRUST).map(|at| at + PROBE);
        let asks = asks.map(|asks| [probe, self.rests()].into_iter().flatten().fold(asks, Instant::max));
        [asks, gives_up].into_iter().flatten().min()
    }

    const fn patience(&self) -> Duration {
        if self.sound { SOUND_PATIENCE } else { PATIENCE }
    }

    /// Pictures are many packets: asks for them go together.
    fn rests(&self) -> Option<Instant> {
        self.last.filter(|_| !self.sound).map(|last| last + TOGETHER)
    }

    fn is_far(&self, rtt: Option<Duration>) -> bool {
        self.sound && rtt.is_some_and(|rtt| rtt > SOUND_FAR)
    }

    /// Is it worth asking? Now and then even where it seems not to be.
    fn trusts(&mut self, now: Instant) -> bool {
        if self.trust >= TRUST {
            return true;
        }
        let probes = self.probed.is_none_or(|at| now.saturating_duration_since(at) >= PROBE);
        if probes {
            self.probed = Some(now);
        }
        probes
    }
}

fn at_of(open: &Open, wait: Duration, rtt: Option<Duration>) -> Instant {
    match open.asked {
        None => open.missed + wait,
        Some(asked) => asked + (rtt.unwrap_or(UNKNOWN).mul_f64(1.25) + MARGIN).max(LEAST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    /// Sends a packet every 20 ms over a way with this rule: how long number `n` takes, or that it is lost. What is asked
    /// for comes after `answer`. Counts packets that came, asks, and the asks of the second half.
    fn run(asks: &mut Asks, answer: Duration, way: impl Fn(u16) -> Option<Duration>) -> (usize, usize, usize) {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let start = Instant::now();
        let mut air: Vec<(Instant, u16)> = Vec::new();
        let mut came = std::collections::BTreeSet::new();
        let (mut asked, mut lately) = (0, 0);
        for ms in 0..20_000_u32 {
            let now = start + TICK * ms;
            if ms % 20 == 0 && ms < 19_000 {
                let n = (ms / 20) as u16;
                air.extend(way(n).map(|takes| (now + takes, n)));
            }
            while let Some(at) = air.iter().position(|(at, _)| *at <= now) {
                let (_, n) = air.remove(at);
                came.insert(n);
                asks.came(n.wrapping_add(65_000), now);
            }
            for again in asks.due(now, Some(answer)) {
                asked += 1;
                lately += usize::from(ms > 10_000);
                air.push((now + answer, again.wrapping_sub(65_000)));
            }
            assert!(asks.wake(Some(answer)).is_none_or(|at| at > now), "it does what is due");
        }
        (came.len(), asked, lately)
    }

    #[test]
    fn what_is_lost_is_asked_for_once_where_answers_come_in_time() {
        for ms in [0, 15, 34] {
            let answer = Duration::from_millis(ms);
            let (came, asked, _) = run(&mut Asks::new(true, 3), answer, |n| (n % 10 != 3).then_some(TICK));
            assert_eq!(came, 950, "{ms}");
            assert!((95..110).contains(&asked), "{asked} asks at {ms} ms");
        }
    }

    #[test]
    fn a_lost_answer_is_asked_for_again_and_not_for_ever() {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let start = Instant::now();
        let mut asks = Asks::new(true, 3);
        asks.came(1, start);
        asks.came(3, start);
        let rtt = Some(TICK * 20);
        let asked: Vec<u32> = (0..400).filter(|ms| !asks.due(start + TICK * *ms, rtt).is_empty()).collect();
        assert_eq!(asked, [2, 32, 62]);
        assert_eq!(asks.wake(rtt), None);
    }

    #[test]
    fn where_nothing_is_answered_hardly_anything_is_asked_for_until_something_is() {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let start = Instant::now();
        let mut asks = Asks::new(true, 3);
        let mut pass = |from: u32, answers: bool| {
            let mut asked = 0;
            for ms in from..from + 10_000 {
                let now = start + TICK * ms;
                if ms % 20 == 0 && ms % 60 != 0 {
                    asks.came((ms / 20) as u16, now);
                }
                for again in asks.due(now, None) {
                    asked += 1;
                    if answers {
                        asks.came(again, now);
                    }
                }
            }
            asked
        };
        let (first, then, answered) = (pass(0, false), pass(10_000, false), pass(20_000, true));
        assert!(first > 20 && then <= 10 && answered > 40, "{first} {then} {answered}");
    }

    #[test]
    fn sound_whose_answers_come_too_late_is_hardly_asked_for_and_pictures_are() {
        let answer = Duration::from_millis(200);
        let way = |n: u16| (n % 10 != 3).then_some(TICK);
        let (_, _, lately) = run(&mut Asks::new(true, 3), answer, way);
        assert_eq!(lately, 0);
        let (came, ..) = run(&mut Asks::new(false, 3), answer, way);
        assert_eq!(came, 950);
    }

    #[test]
    fn what_is_overtaken_is_soon_not_asked_for() {
        let answer = Duration::from_millis(60);
        let way = |n: u16| Some(Duration::from_millis(30 + u64::from(n) * 7919 % 41));
        let (came, asked, lately) = run(&mut Asks::new(true, 3), answer, way);
        assert_eq!(came, 950);
        assert!(asked < 120 && lately < 40, "{asked} asks, {lately} lately");
    }

    #[test]
    fn jumps_and_junk_are_bounded() {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let start = Instant::now();
        let mut asks = Asks::new(false, 3);
        for n in 0..5000_u32 {
            asks.came((n * 7919 % 65_521) as u16, start + TICK * n);
            assert!(asks.due(start + TICK * n, None).len() <= MAX_OPEN);
            assert!(asks.open.len() <= MAX_OPEN && asks.answered.len() <= MAX_OPEN);
        }
    }
}
