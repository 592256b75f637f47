//! The estimator over links of every kind, in virtual time: a sender that sends what it may, up to what it has.

use super::*;

/// A link with a queue, and a receiver that reports ten times a second.
struct Link {
    /// bit/s.
    rate: f64,
    delay: Duration,
    jitter: Duration,
    loss: f64,
    /// More than this does not wait.
    room: Duration,
    idle: Instant,
    seed: u64,
}

impl Link {
    fn new(rate: f64, now: Instant) -> Self {
        Self {
            rate,
            delay: Duration::from_millis(20),
            jitter: Duration::ZERO,
            loss: 0.0,
            room: Duration::from_millis(1000),
            idle: now,
            seed: 9,
        }
    }

    fn unit(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as f64 / f64::from(1_u32 << 31)
    }

    /// When a packet sent now arrives.
    fn carry(&mut self, bytes: u32, now: Instant) -> Option<Instant> {
        if self.unit() < self.loss {
            return None;
        }
        let begins = self.idle.max(now);
        if begins.duration_since(now) > self.room {
            return None;
        }
        self.idle = begins + Duration::from_secs_f64(f64::from(bytes) * 8.0 / self.rate);
        Some(self.idle + self.delay + self.jitter.mul_f64(self.unit()))
    }
}

struct Ride {
    estimator: Estimator,
    link: Link,
    now: Instant,
    origin: Instant,
    /// What the sender has to send, in bit/s.
    has: f64,
    flying: Vec<(Fate, Instant)>,
    owed: f64,
    /// Longest queue, in whole tests or since `forget`.
    worst: Duration,
}

impl Ride {
    fn over(rate: f64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let now = Instant::now();
        Self {
            estimator: Estimator::default(),
            link: Link::new(rate, now),
            now,
            origin: now,
            has: 10e6,
            flying: vec![],
            owed: 0.0,
            worst: Duration::ZERO,
        }
    }

    fn run(&mut self, time: Duration) {
        let (origin, end) = (self.origin, self.now + time);
        let mut report = self.now + Duration::from_millis(100);
        while self.now < end {
            self.now += Duration::from_millis(1);
            let estimate = self.estimator.estimate(self.now);
            let rate = estimate.map_or(FIRST, |e| e.bits as f64).min(self.has);
            if estimate.is_none_or(|e| e.hold.is_none()) {
                self.owed += rate / 1000.0;
            }
            while self.owed >= 9600.0 {
                self.owed -= 9600.0;
                let arrives = self.link.carry(1200, self.now);
                let waits = arrives.map_or(Duration::ZERO, |at| at.duration_since(self.now));
                self.worst = self.worst.max(waits.saturating_sub(self.link.delay + self.link.jitter));
                let arrived = arrives.map(|at| Duration::from_secs(77) + at.duration_since(origin));
                let known = arrives.unwrap_or(self.now + self.link.delay);
                self.flying.push((Fate { sent: self.now, bytes: 1200, arrived }, known));
            }
            if self.now >= report {
                report = self.now + Duration::from_millis(100);
                // The report takes the way back.
                let heard = self.now.checked_sub(self.link.delay).unwrap_or(self.now);
                let (known, flying): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.flying).into_iter().partition(|(_, at)| *at <= heard);
                self.flying = flying;
                let fates: Vec<Fate> = known.into_iter().map(|(fate, _)| fate).collect();
                let flying = self.flying.iter().map(|(fate, _)| u64::from(fate.bytes)).sum();
                self.estimator.report(&fates, flying, self.now);
            }
        }
    }

    fn kbps(&self) -> u64 {
        self.estimator.estimate(self.now).unwrap().bits / 1000
    }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn nothing_is_known_before_the_first_report() {
    let ride = Ride::over(1e6);
    assert_eq!(ride.estimator.estimate(ride.now), None);
}

#[test]
fn a_wide_link_is_used_within_seconds() {
    let mut ride = Ride::over(100e6);
    ride.has = 2.4e6;
    ride.run(seconds(3));
    assert!(ride.kbps() > 2400, "{} kbit/s", ride.kbps());
    ride.run(seconds(20));
    assert!(ride.kbps() <= 2400 * 5 + 400, "it does not run away from what is sent: {}", ride.kbps());
}

#[test]
fn a_narrow_link_is_filled_and_not_flooded() {
    for rate in [300e3, 600e3, 1.5e6, 3e6] {
        let mut ride = Ride::over(rate);
        ride.run(seconds(6));
        ride.worst = Duration::ZERO;
        let mut sum = 0;
        for _ in 0..40 {
            ride.run(seconds(1));
            sum += ride.kbps();
        }
        let share = sum as f64 / 40.0 * 1000.0 / rate;
        assert!((0.75..1.02).contains(&share), "{rate}: {share}");
        assert!(ride.worst < Duration::from_millis(260), "{rate}: a queue of {:?}", ride.worst);
    }
}

#[test]
fn a_link_that_becomes_narrow_is_left_at_once_and_one_that_becomes_wide_is_found() {
    let mut ride = Ride::over(3e6);
    ride.has = 2.3e6;
    ride.run(seconds(15));
    assert!(ride.kbps() > 2000, "{}", ride.kbps());
    ride.link.rate = 500e3;
    ride.run(Duration::from_millis(700));
    assert!(ride.kbps() < 520, "{}", ride.kbps());
    ride.run(Duration::from_millis(1300));
    let queue = ride.link.idle.saturating_duration_since(ride.now);
    assert!(queue < Duration::from_millis(60), "the queue is gone after two seconds: {queue:?}");
    ride.run(seconds(10));
    assert!((350..520).contains(&ride.kbps()), "{}", ride.kbps());
    ride.link.rate = 3e6;
    ride.run(seconds(40));
    assert!(ride.kbps() > 1500, "{}", ride.kbps());
}

#[test]
fn random_loss_is_not_a_full_link() {
    for loss in [0.02, 0.05] {
        let mut ride = Ride::over(20e6);
        ride.has = 2e6;
        ride.link.loss = loss;
        ride.run(seconds(10));
        assert!(ride.kbps() > 1900, "{loss}: {}", ride.kbps());
    }
}

#[test]
fn a_link_that_throws_away_instead_of_queueing_is_heard_too() {
    let mut ride = Ride::over(600e3);
    ride.link.room = Duration::from_millis(10);
    ride.run(seconds(20));
    assert!((300..900).contains(&ride.kbps()), "{}", ride.kbps());
}

#[test]
fn jitter_is_no_queue() {
    let mut ride = Ride::over(20e6);
    ride.has = 1.5e6;
    ride.link.jitter = Duration::from_millis(60);
    ride.run(seconds(15));
    assert!(ride.kbps() > 1400, "{}", ride.kbps());
}

#[test]
fn who_sends_little_keeps_room_for_more() {
    let mut ride = Ride::over(3e6);
    ride.has = 160e3;
    ride.run(seconds(20));
    assert!(ride.kbps() >= 700, "the next layer can be tried: {}", ride.kbps());
    assert!(ride.kbps() <= 1200, "and no more than that: {}", ride.kbps());
}

#[test]
fn nonsense_of_a_receiver_does_no_harm() {
    let mut ride = Ride::over(3e6);
    ride.run(seconds(1));
    let fate = |arrived| Fate { sent: ride.now, bytes: u32::MAX, arrived };
    for arrived in [None, Some(Duration::ZERO), Some(Duration::MAX), Some(Duration::from_secs(1 << 40))] {
        ride.estimator.report(&[fate(arrived); 3], u64::MAX, ride.now);
        let bits = ride.estimator.estimate(ride.now).unwrap().bits;
        assert!((LEAST as u64..=MOST as u64).contains(&bits), "{arrived:?}: {bits}");
    }
}
