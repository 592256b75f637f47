//! How much sound may spend on the wire: follows what receivers report. A network that merely loses gets more copies;
//! one that is full shows it by a queue that stands, and gets less of everything. Pure; runs on the engine's thread.

use std::time::Duration;

use crate::receive::loss::Loss;
use crate::time::Bitrate;

/// Spent at most on a long way. Speech pauses and Opus follows it: this comes to less than the 91 kbit/s that LiveKit's
/// browser SDK spends on speech with RED.
const FAR: Bitrate = Bitrate::kbps(94);
/// Spent at most on a short way, where small packets bring sound sooner.
const NEAR: Bitrate = Bitrate::kbps(140);
/// A way is short below this.
const SHORT: Duration = Duration::from_millis(40);
/// Less than this carries no speech.
const LEAST: Bitrate = Bitrate(9_000);
/// A queue that stands this much longer than one packet means that the link is full.
const FULL: Duration = Duration::from_millis(40);
/// So much of what a full link carries lets its queue drain.
const DRAINS: f32 = 0.85;
/// Looks at a full link after which a queue that should have drained is not believed any more.
const LONG_DRAIN: u8 = 4;
/// Reports until a change shows in them.
const SHOWS: u8 = 3;
/// What a link was full with is tried again from this many hundredths of it on only very slowly.
const NEARLY: u32 = 93;
/// More than this is not answered to asks.
const MOST_RESENT: f32 = 1.5;
/// Reports without a try for more, after the link was full.
const PATIENCE: u8 = 6;

/// What a receiver, or the server in between, tells of the sound we sent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// What did not come.
    pub loss: Loss,
    /// How long even the quickest packets waited lately, beyond what the way takes.
    pub queued: Duration,
    /// What came in the last second, headers included; unknown where nobody measured.
    pub arrived: Option<Bitrate>,
    /// There and back; unknown before the first answer.
    pub rtt: Option<Duration>,
    /// Packets that the server asked for again, of all that were sent.
    pub resent: f32,
    /// Somebody listens with a client that knows nothing of our copies.
    pub foreign: bool,
}

/// What to go by when encoding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Conditions {
    /// What is lost, eased.
    pub(super) loss: Loss,
    /// All that may be on the wire, headers included.
    pub(super) budget: Bitrate,
    /// Do milliseconds count more than bytes?
    pub(super) near: bool,
    /// The link was found full: what is longer than others stands in its queue.
    pub(super) thin: bool,
    /// See [`Report::foreign`].
    pub(super) foreign: bool,
}

/// Follows reports.
#[derive(Debug)]
pub(super) struct Rate {
    now: Conditions,
    /// More was forbidden.
    most: Bitrate,
    /// The link's room, once it was found full.
    room: Option<Bitrate>,
    /// Where it was found full: beyond this, more is tried only very slowly.
    full_at: Bitrate,
    /// Reports since the link was found full.
    since_full: u8,
    queued: Duration,
    /// Looks at a full link without spending less.
    drains: u8,
    /// See [`Report::resent`], eased.
    resent: f32,
}

impl Rate {
    /// Nothing was reported yet.
    pub(super) fn new() -> Self {
        let now = Conditions { loss: Loss::default(), budget: FAR, near: false, thin: false, foreign: false };
        Self {
            now,
            most: NEAR,
            room: None,
            full_at: NEAR,
            since_full: u8::MAX,
            queued: Duration::ZERO,
            drains: 0,
            resent: 0.0,
        }
    }

    /// How things stand.
    pub(super) const fn conditions(&self) -> Conditions {
        self.now
    }

    /// Spends at most so much from now on, but never too little for speech.
    pub(super) fn spend(&mut self, most: Bitrate) -> Conditions {
        self.most = most.max(LEAST);
        self.now.budget = self.now.budget.min(self.most);
        self.now
    }

    /// Takes a report, about twice a second, of packets that are `frame` long.
    pub(super) fn on_report(&mut self, report: Report, frame: Duration) -> Conditions {
        self.now.foreign = report.foreign;
        self.now.near = report.rtt.map_or(self.now.near, |rtt| rtt < SHORT);
        let most = if self.now.near { NEAR } else { FAR }.min(self.most);
        self.resent = eased_share(self.resent, report.resent.clamp(0.0, MOST_RESENT));
        // What is sent again is on the wire as well.
        let most = Bitrate((most.0 as f32 / (1.0 + self.resent)) as u32).max(LEAST);
        let share = report.loss.share.clamp(0.0, 1.0);
        // A queue that gets shorter has been helped already, and what was changed just now is not seen yet.
        let helped = report.queued < self.queued.mul_f32(0.95) || self.since_full < SHOWS;
        self.queued = report.queued;
        self.since_full = self.since_full.saturating_add(1);
        // A long packet alone takes a thin link up to its own length.
        let full = report.queued >= FULL + frame;
        if full && !helped {
            // What came through is what there is room for; a little less lets the queue drain.
            let spent = self.room.map_or(self.now.budget, |room| room.min(self.now.budget)).0 as f32;
            let drains = |arrived: f32| arrived * (DRAINS + 0.03) > spent && self.drains < LONG_DRAIN;
            let (through, room) = match report.arrived.map(|arrived| (arrived.0 as f32).min(FAR.0 as f32)) {
                // More comes out than goes in: what was spent before stands there yet.
                Some(arrived) if drains(arrived) => (arrived, spent),
                Some(arrived) => (arrived.min(spent), arrived.min(spent) * DRAINS),
                None if self.since_full > PATIENCE => (spent * (1.0 - share), spent * (1.0 - share) * DRAINS),
                None => (spent, spent * DRAINS),
            };
            self.drains = if room < spent { 0 } else { self.drains + 1 };
            // While it drains, what comes out is what there is room for, however little is sent.
            let known = if room < spent || self.room.is_none() { Bitrate(0) } else { self.full_at };
            self.full_at = Bitrate(through as u32).max(LEAST).max(known);
            self.room = Some(Bitrate(room as u32).max(LEAST));
            self.since_full = 0;
        } else if !full && self.since_full >= PATIENCE {
            self.room = self.room.map(|room| self.more(room)).filter(|room| *room < most);
        }
        self.now.budget = self.room.map_or(most, |room| room.min(most));
        self.now.thin = self.room.is_some();
        // What a full link loses is lost because of us: sending more would only lose more.
        if !full && self.since_full >= SHOWS {
            self.now.loss = eased(self.now.loss, Loss { share, burst: report.loss.burst });
        }
        self.now
    }
}

impl Rate {
    /// A little more than this: in a minute beyond what the link was full with.
    fn more(&self, room: Bitrate) -> Bitrate {
        let step = if room.0 < self.full_at.0 / 100 * NEARLY { room.0 / 32 + 250 } else { room.0 / 2048 + 25 };
        Bitrate(room.0 + step)
    }
}

/// More at once, less slowly: a plan that changes with every report changes the delay of everyone who listens.
fn eased(old: Loss, seen: Loss) -> Loss {
    let share = eased_share(old.share, seen.share);
    let burst = if seen.burst > old.burst { seen.burst } else { old.burst * 0.95 + seen.burst.max(1.0) * 0.05 };
    Loss { share, burst }
}

fn eased_share(old: f32, seen: f32) -> f32 {
    if seen > old { seen } else { old * 0.9 + seen * 0.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    fn queued(ms: u64) -> Report {
        Report { queued: Duration::from_millis(ms), ..Report::default() }
    }

    #[test]
    fn a_full_link_gets_less_and_later_more_again() {
        let mut rate = Rate::new();
        assert_eq!(rate.conditions().budget, FAR);
        let full = rate.on_report(queued(200), FRAME).budget;
        assert!(full < FAR);
        // Drained: for a while nothing changes, then there is room again, in the end for everything.
        assert_eq!(rate.on_report(queued(0), FRAME).budget, full);
        let later: Vec<Bitrate> = (0..2000).map(|_| rate.on_report(queued(0), FRAME).budget).collect();
        assert!(later.is_sorted(), "{later:?}");
        assert_eq!(later.last(), Some(&FAR));
    }

    #[test]
    fn however_full_speech_still_gets_through() {
        let mut rate = Rate::new();
        for _ in 0..100 {
            rate.on_report(queued(900), FRAME);
        }
        assert_eq!(rate.conditions().budget, LEAST);
    }

    #[test]
    fn what_arrives_over_a_full_link_is_its_room_at_once() {
        let mut rate = Rate::new();
        let report = Report { arrived: Some(Bitrate::kbps(20)), ..queued(400) };
        assert_eq!(rate.on_report(report, FRAME).budget, Bitrate::kbps(17));
        // While it drains it carries more than is sent, and that is no reason to send less.
        for waits in [395, 390, 385, 380, 375, 370, 365] {
            let report = Report { arrived: Some(Bitrate::kbps(20)), ..queued(waits) };
            assert_eq!(rate.on_report(report, FRAME).budget, Bitrate::kbps(17), "{waits}");
        }
        // Whoever says that everything comes is not believed for ever.
        let mut rate = Rate::new();
        let report = Report { arrived: Some(Bitrate::kbps(900)), ..queued(400) };
        let budgets: Vec<Bitrate> = (0..40).map(|_| rate.on_report(report, FRAME).budget).collect();
        assert!(budgets.is_sorted_by(|a, b| a >= b) && budgets[39] < Bitrate::kbps(80), "{budgets:?}");
    }

    #[test]
    fn a_link_that_was_full_is_thin_until_there_is_room_for_everything() {
        let mut rate = Rate::new();
        assert!(!rate.on_report(queued(0), FRAME).thin);
        let full = rate.on_report(queued(200), FRAME);
        assert!(full.thin);
        // Nearly what it was full with is reached soon, and left slowly: beyond it sound would stand in the queue again.
        let after = |rate: &mut Rate, seconds: usize| {
            (0..2 * seconds).map(|_| rate.on_report(queued(0), FRAME)).last().unwrap()
        };
        let soon = after(&mut rate, 12);
        assert!(soon.thin && soon.budget.0 >= FAR.0 / 100 * 92 && soon.budget < FAR, "{soon:?}");
        let later = after(&mut rate, 20);
        assert!(later.budget < FAR && later.budget > soon.budget, "{later:?}");
        assert!(!after(&mut rate, 120).thin);
    }

    #[test]
    fn what_a_full_link_loses_brings_no_copies() {
        let mut rate = Rate::new();
        let loss = Loss { share: 0.4, burst: 2.0 };
        rate.on_report(Report { loss, ..queued(300) }, FRAME);
        assert_eq!(rate.conditions().loss, Loss::default());
        let mut rate = Rate::new();
        rate.on_report(Report { loss, ..queued(0) }, FRAME);
        assert_eq!(rate.conditions().loss, loss);
    }

    #[test]
    fn what_is_forbidden_is_not_spent_even_where_there_is_room() {
        let mut rate = Rate::new();
        let near = Report { rtt: Some(Duration::from_millis(2)), ..Report::default() };
        assert_eq!(rate.spend(Bitrate::kbps(44)).budget, Bitrate::kbps(44));
        assert_eq!(rate.on_report(near, FRAME).budget, Bitrate::kbps(44));
        assert_eq!(rate.spend(Bitrate::kbps(1)).budget, LEAST, "there is no speech for less");
        rate.spend(Bitrate::kbps(1000));
        assert_eq!(rate.on_report(near, FRAME).budget, NEAR, "leave is no order");
    }

    #[test]
    fn what_is_sent_again_is_saved_elsewhere() {
        let mut rate = Rate::new();
        let again = rate.on_report(Report { resent: 0.25, ..Report::default() }, FRAME);
        assert_eq!(again.budget.0, FAR.0 * 4 / 5);
        let later = (0..100).map(|_| rate.on_report(Report::default(), FRAME)).last().unwrap();
        assert!(later.budget.0 > FAR.0 * 99 / 100, "{later:?}");
    }

    #[test]
    fn milliseconds_count_only_on_a_short_way() {
        let mut rate = Rate::new();
        let near = rate.on_report(Report { rtt: Some(Duration::from_millis(2)), ..Report::default() }, FRAME);
        assert!(near.near && near.budget == NEAR);
        let far = rate.on_report(Report { rtt: Some(Duration::from_millis(120)), ..Report::default() }, FRAME);
        assert!(!far.near && far.budget == FAR);
    }
}
