//! A full link shows by a queue that stands: even the quickest packets of the last half second came later than packets can.
//! Jitter, reordering and hold-ups do not look so. Pure; time in samples at 48 kHz.

/// What is looked at: half a second.
const WINDOW: i64 = 24_000;
/// What the quickest packet of all times becomes slower by, per window: clocks drift (200 ppm), ways change.
const FADE: i64 = 24;

/// Watches transit times.
#[derive(Debug, Default)]
pub(super) struct Queue {
    quickest: Option<i64>,
    began: i64,
    /// The quickest of this window.
    now: Option<i64>,
    stands: i64,
}

impl Queue {
    /// A packet came after this transit (up to a constant).
    pub(super) fn packet(&mut self, now: i64, transit: i64) {
        let quickest = self.quickest.map_or(transit, |quickest| quickest.min(transit));
        self.quickest = Some(quickest);
        self.now = Some(self.now.map_or(transit, |least| least.min(transit)));
        if now - self.began >= WINDOW {
            self.stands = self.now.take().map_or(0, |least| least - quickest);
            self.quickest = Some(quickest + FADE);
            self.began = now;
        }
    }

    /// How long the quickest packets of the last half second waited, in samples.
    pub(super) const fn stands(&self) -> i64 {
        self.stands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(transit: impl Fn(i64) -> i64) -> i64 {
        let mut queue = Queue::default();
        (0..500).for_each(|n| queue.packet(n * 960, transit(n)));
        queue.stands()
    }

    #[test]
    fn a_queue_that_stands_is_seen() {
        let stands = after(|n| if n < 200 { -1000 } else { 8600 });
        assert!((9000..=9600).contains(&stands), "{stands}");
    }

    #[test]
    fn jitter_and_hold_ups_are_none() {
        let jitter = after(|n| (n * 7919) % 9600);
        assert!(jitter < 480, "{jitter}");
        let held_up = after(|n| if n % 100 < 10 { 9600 } else { 0 });
        assert!(held_up < 480, "{held_up}");
        let drift = after(|n| n * 960 / 5000);
        assert!(drift < 480, "{drift}");
    }
}
