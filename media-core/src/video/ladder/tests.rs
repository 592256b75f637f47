//! Pictures on links of any width, in virtual time.

use super::*;

const REPORT: Duration = Duration::from_millis(500);

/// A link with half a second of queue that carries voice and pictures; one step is one report.
struct Link {
    ladder: Ladder,
    now: MediaTime,
    /// Bits that wait.
    queue: f64,
    rate: f64,
}

/// What the voice takes.
const VOICE: f64 = 85_000.0;
const LIMITS: VideoLimits = VideoLimits::CAMERA;

impl Link {
    fn new(rate: f64) -> Self {
        Self { ladder: Ladder::default(), now: MediaTime::from_micros(1), queue: 0.0, rate }
    }

    /// Half a second; answers how long the voice waited and what pictures were sent with.
    fn step(&mut self) -> (Duration, f64) {
        let pictures = match self.ladder.allowed() {
            Allowed::Rung(rung) => f64::from(LIMITS.on_rung(rung, Content::Camera).bitrate.0),
            Allowed::Waits | Allowed::Nothing => 0.0,
        };
        let spare = self.rate - VOICE - pictures;
        self.queue = (self.queue - spare * REPORT.as_secs_f64()).clamp(0.0, self.rate * 0.5);
        self.now = self.now + REPORT;
        let waited = Duration::from_secs_f64(self.queue / self.rate);
        self.ladder.on_report(waited, self.now);
        (waited, pictures)
    }

    fn seconds(&mut self, seconds: u32) -> Vec<(Duration, f64)> {
        (0..seconds * 2).map(|_| self.step()).collect()
    }
}

fn share(of: &[(Duration, f64)], is: impl Fn(&(Duration, f64)) -> bool) -> f64 {
    of.iter().filter(|step| is(step)).count() as f64 / of.len() as f64
}

#[test]
fn a_wide_link_is_left_alone() {
    let steps = Link::new(3e6).seconds(600);
    assert!(steps.iter().all(|(_, pictures)| *pictures == 1_700_000.0));
}

#[test]
fn where_only_the_voice_fits_pictures_are_gone_soon_and_hardly_try() {
    let mut link = Link::new(100e3);
    // Hardly any room drains hardly anything: each of two steps down waits for its queue.
    link.seconds(12);
    assert!(matches!(link.ladder.allowed(), Allowed::Nothing), "{:?}", link.ladder);
    link.seconds(4);
    let steps = link.seconds(10);
    assert!(steps.iter().all(|(waited, _)| *waited < FULL), "{steps:?}");
    let hour = link.seconds(3600);
    assert!(share(&hour, |(waited, _)| *waited >= FULL) < 0.02, "tries cost the voice too much");
}

#[test]
fn where_half_fits_half_is_sent_nearly_all_the_time() {
    let mut link = Link::new(1e6);
    link.seconds(30);
    let steps = link.seconds(600);
    assert!(share(&steps, |(_, pictures)| *pictures >= 400_000.0) > 0.9, "pictures stay away");
    assert!(share(&steps, |(waited, _)| *waited >= FULL) < 0.04, "the voice waits");
}

#[test]
fn a_link_that_is_wide_again_carries_everything_again_within_two_minutes_and_a_half() {
    let mut link = Link::new(100e3);
    link.seconds(20);
    link.rate = 3e6;
    link.seconds(150);
    assert_eq!(link.ladder.allowed(), Allowed::Rung(0));
}

#[test]
fn a_queue_that_pictures_did_not_make_is_not_theirs_for_long() {
    let mut ladder = Ladder::default();
    let mut now = MediaTime::from_micros(1);
    let blamed: Vec<bool> = (0..120)
        .map(|_| {
            now = now + REPORT;
            ladder.on_report(Duration::from_millis(400), now)
        })
        .collect();
    assert!(blamed[0]);
    assert!(!blamed[119] && blamed.iter().filter(|blamed| **blamed).count() < 30, "{blamed:?}");
}

#[test]
fn every_rung_is_half_of_the_one_above_and_no_larger() {
    for (limits, content) in [(VideoLimits::CAMERA, Content::Camera), (VideoLimits::SCREEN, Content::Screen)] {
        let rungs: Vec<VideoLimits> = (0..RUNGS).map(|rung| limits.on_rung(rung, content)).collect();
        assert_eq!(rungs[0], limits);
        for pair in rungs.windows(2) {
            assert_eq!(pair[1].bitrate.0, pair[0].bitrate.0 / 2);
            assert!(pair[1].size.width <= pair[0].size.width && pair[1].fps <= pair[0].fps);
            assert!(pair[1].size.width % 2 == 0 && pair[1].size.height % 2 == 0 && pair[1].fps > 0);
        }
    }
}
