//! The watchdog against a clock that only moves when told.

use super::*;

struct Page {
    pulse: Pulse,
    now: Instant,
}

impl Page {
    fn new() -> Self {
        let now = Instant::now();
        Self { pulse: Pulse::new(now), now }
    }

    /// Lets time pass, looking as the thread does; answers the first verdict that is not `Leave`.
    fn pass(&mut self, time: Duration, shown: bool) -> Verdict {
        let end = self.now + time;
        while self.now < end {
            self.now += LOOK;
            let verdict = self.pulse.look(self.now, shown);
            if verdict != Verdict::Leave {
                return verdict;
            }
        }
        Verdict::Leave
    }
}

#[test]
fn a_page_that_beats_is_left_alone() {
    let mut page = Page::new();
    for _ in 0..1000 {
        assert_eq!(page.pass(LOOK, true), Verdict::Leave);
        page.pulse.beat(page.now);
    }
    assert!(page.pulse.answers(page.now));
}

#[test]
fn a_page_that_falls_silent_is_loaded_again_once() {
    let mut page = Page::new();
    page.pulse.beat(page.now);
    assert_eq!(page.pass(SILENCE + LOOK, true), Verdict::Reload);
    assert_eq!(page.pass(FIRST_BEAT - LOOK, true), Verdict::Leave, "it gets its time to come up");
    page.pulse.beat(page.now);
    assert_eq!(page.pass(SILENCE - LOOK * 2, true), Verdict::Leave);
}

#[test]
fn a_hidden_page_and_a_sleeping_machine_are_no_crash() {
    let mut page = Page::new();
    page.pulse.beat(page.now);
    assert_eq!(page.pass(SILENCE * 100, false), Verdict::Leave);
    page.now += Duration::from_secs(3600);
    assert_eq!(page.pulse.look(page.now, true), Verdict::Leave);
    assert_eq!(page.pass(SILENCE + LOOK, true), Verdict::Reload, "but afterwards it must answer");
}

#[test]
fn a_page_that_never_comes_up_is_given_up_and_one_that_does_is_not() {
    let mut page = Page::new();
    let mut verdicts = Vec::new();
    for _ in 0..RELOADS + 1 {
        page.now += LOOK;
        verdicts.push(page.pulse.reload(page.now));
    }
    assert_eq!(verdicts.pop(), Some(Verdict::GiveUp));
    assert!(verdicts.iter().all(|v| *v == Verdict::Reload));
    assert_eq!(page.pulse.reload(page.now), Verdict::Leave, "it is said once");
    page.now += RELOADS_WITHIN + LOOK;
    assert_eq!(page.pulse.reload(page.now), Verdict::Reload);
}
