//! What holds the cover and what lets go of it, in virtual time.

use super::*;

const ANY: u32 = 0x20_0000;
const OTHER: u32 = 0x40_0000;
const BLINK: Duration = Duration::from_millis(1);

impl Judge {
    fn covered(&self) -> bool {
        self.cause().is_some()
    }
}

fn after(judge: &mut Judge, now: Instant, time: Duration) -> bool {
    judge.pass(now + time);
    judge.covered()
}

#[test]
fn a_stranger_that_comes_covers_until_it_was_quiet_for_long_enough() {
    let (mut judge, now) = (Judge::new(), Instant::now());
    judge.came(ANY, now);
    assert_eq!(judge.cause(), Some((Method::NewProgram, Some(ANY))));
    judge.known(ANY, Standing::Stranger, now);
    assert_eq!(judge.next(), Some(now + QUIET));
    assert!(after(&mut judge, now, QUIET - BLINK));
    assert!(!after(&mut judge, now, QUIET));
    assert_eq!(judge.next(), None, "an idle shield waits for nothing");
}

#[test]
fn an_ordinary_program_uncovers_as_soon_as_it_is_known() {
    for standing in [Standing::Ordinary, Standing::Manager, Standing::Ours] {
        let (mut judge, now) = (Judge::new(), Instant::now());
        judge.came(ANY, now);
        judge.known(ANY, standing, now);
        assert!(!after(&mut judge, now, Duration::ZERO), "{standing:?}");
    }
}

#[test]
fn a_capturer_covers_until_it_leaves_whoever_it_is() {
    for standing in [Standing::Ordinary, Standing::Stranger, Standing::Manager] {
        let (mut judge, now) = (Judge::new(), Instant::now());
        judge.was_there(ANY, standing, now);
        judge.captures(ANY, Method::GetImage, now);
        assert_eq!(judge.cause(), Some((Method::GetImage, Some(ANY))));
        let hour = Duration::from_secs(3600);
        assert!(after(&mut judge, now, hour), "{standing:?}");
        judge.left(ANY, now + hour);
        assert!(after(&mut judge, now, hour + CAPTURER_LEFT - BLINK));
        assert!(!after(&mut judge, now, hour + CAPTURER_LEFT));
    }
}

#[test]
fn a_window_shown_before_any_capture_makes_a_stranger_ordinary() {
    let (mut judge, now) = (Judge::new(), Instant::now());
    judge.came(ANY, now);
    judge.creates(ANY, ANY + 1, now);
    judge.maps(ANY, ANY + 2, now);
    assert!(after(&mut judge, now, SHOWED_A_WINDOW), "that was some other window");
    judge.maps(ANY, ANY + 1, now);
    assert!(!after(&mut judge, now, SHOWED_A_WINDOW));
    judge.captures(ANY, Method::ShmGetImage, now);
    assert!(after(&mut judge, now, QUIET), "and no licence to capture later");
}

#[test]
fn a_capture_that_is_known_before_the_client_is_forgiven_only_to_us_and_managers() {
    let (mut judge, now) = (Judge::new(), Instant::now());
    judge.captures(ANY, Method::GetImage, now);
    assert!(judge.covered() && judge.is_unknown(ANY));
    judge.known(ANY, Standing::Ours, now);
    assert!(!after(&mut judge, now, Duration::ZERO));

    judge.captures(OTHER, Method::Render, now);
    judge.known(OTHER, Standing::Manager, now);
    assert!(after(&mut judge, now, QUIET), "a program that could manage, but does not");
    judge.managed_by([OTHER].into(), now);
    assert!(!after(&mut judge, now, QUIET), "it manages");
    judge.captures(OTHER, Method::GetImage, now);
    judge.captures(OTHER, Method::Render, now);
    assert_eq!(judge.cause(), Some((Method::GetImage, Some(OTHER))), "what it may not do is not hidden by what it may");
}

#[test]
fn what_manages_without_being_of_the_system_captures() {
    let (mut judge, now) = (Judge::new(), Instant::now());
    judge.managed_by([ANY].into(), now);
    judge.was_there(ANY, Standing::Stranger, now);
    judge.captures(ANY, Method::Composite, now);
    assert!(after(&mut judge, now, QUIET));
}

#[test]
fn the_gravest_cause_is_told_and_each_ends_for_itself() {
    let (mut judge, now) = (Judge::new(), Instant::now());
    judge.start(None);
    assert!(after(&mut judge, now, QUIET), "no end is known before the window is seen");
    judge.start(Some(now + START));
    judge.key(now);
    judge.focus(false);
    assert_eq!(judge.cause(), Some((Method::PrintKey, None)));
    judge.captures(ANY, Method::Copy, now);
    assert_eq!(judge.cause(), Some((Method::Copy, Some(ANY))));
    judge.left(ANY, now);
    assert!(after(&mut judge, now, KEY));
    assert_eq!(judge.cause(), Some((Method::FocusLost, None)));
    judge.focus(true);
    assert!(!judge.covered());
    judge.lose();
    assert!(after(&mut judge, now, Duration::from_secs(86_400)), "a lost watch covers for good");
}

#[test]
fn only_programs_of_the_system_may_listen_to_others() {
    for (standing, covers) in [(Standing::Ordinary, false), (Standing::Manager, false), (Standing::Stranger, true)] {
        let (mut judge, now) = (Judge::new(), Instant::now());
        judge.captures(ANY, Method::Record, now);
        judge.known(ANY, standing, now);
        assert_eq!(after(&mut judge, now, QUIET), covers, "{standing:?}");
        judge.captures(ANY, Method::Meddling, now);
        assert!(after(&mut judge, now, QUIET), "nobody may end our watch: {standing:?}");
    }
}

#[test]
fn a_second_print_key_holds_longer() {
    let (mut judge, now) = (Judge::new(), Instant::now());
    judge.key(now);
    judge.key(now + KEY / 2);
    assert!(after(&mut judge, now, KEY));
    assert!(!after(&mut judge, now, KEY + KEY / 2));
}
