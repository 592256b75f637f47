//! The decision behind the Windows shield, without Windows: ask, read back, fall back, look, and fail closed.
//! Values and two closures; run by `shield/windows.rs` and by tests on every system.

use protocol::shield::{SelfTest, SelfTestOutcome, ShieldLevel, ShieldMechanism, ShieldStatus};

/// First build with `WDA_EXCLUDEFROMCAPTURE` (Windows 10 2004); older ones treat it as `WDA_MONITOR`, or refuse it.
const EXCLUDE_SINCE: u32 = 19_041;

/// A display affinity, as the system counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Affinity(pub(super) u32);

impl Affinity {
    /// `WDA_NONE`: like any other window.
    pub(super) const NONE: Self = Self(0);
    /// `WDA_MONITOR`: captures show a black window.
    pub(super) const MONITOR: Self = Self(0x01);
    /// `WDA_EXCLUDEFROMCAPTURE`: captures show what is behind it.
    pub(super) const EXCLUDE: Self = Self(0x11);
}

/// Sets the strongest affinity that every window accepts and reads back. `set` and `read` answer for one window.
pub(super) fn raise<W: Copy>(
    build: u32,
    windows: &[W],
    mut set: impl FnMut(W, Affinity) -> bool,
    mut read: impl FnMut(W) -> Option<Affinity>,
) -> ShieldStatus {
    let mut holds = |wanted: Affinity| {
        let answers: Vec<bool> = windows.iter().map(|w| set(*w, wanted) && read(*w) == Some(wanted)).collect();
        !answers.is_empty() && answers.iter().all(|held| *held)
    };
    // "Asked and read back" is all that is known, until somebody took a screenshot to see.
    if build >= EXCLUDE_SINCE && holds(Affinity::EXCLUDE) {
        return status(ShieldLevel::Deter, ShieldMechanism::WindowsExcludeFromCapture, false);
    }
    if holds(Affinity::MONITOR) {
        return status(ShieldLevel::Deter, ShieldMechanism::WindowsMonitor, false);
    }
    status(ShieldLevel::None, ShieldMechanism::WindowsExcludeFromCapture, true)
}

/// The affinity that a status stands for; `None` where nothing holds that could be looked at.
pub(super) fn behind(status: ShieldStatus) -> Option<Affinity> {
    match (status.holds(), status.mechanism) {
        (ShieldLevel::None, _) => None,
        (_, ShieldMechanism::WindowsMonitor) => Some(Affinity::MONITOR),
        _ => Some(Affinity::EXCLUDE),
    }
}

/// What a capture of our own made of it.
pub(super) fn proven(status: ShieldStatus, test: SelfTest) -> ShieldStatus {
    let (level, failed) = match test.outcome {
        SelfTestOutcome::Held => (ShieldLevel::Block, false),
        SelfTestOutcome::Leaked => (ShieldLevel::None, true),
        SelfTestOutcome::CannotTell => (status.level, status.failed),
    };
    ShieldStatus { level, failed, test: Some(test), ..status }
}

const fn status(level: ShieldLevel, mechanism: ShieldMechanism, failed: bool) -> ShieldStatus {
    ShieldStatus { level, mechanism, failed, test: None }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::*;

    fn run(build: u32, windows: &[u8], accepts: impl Fn(u8, Affinity) -> bool) -> ShieldStatus {
        let kept = RefCell::new(HashMap::new());
        let set = |w, a| {
            let ok = accepts(w, a);
            if ok {
                kept.borrow_mut().insert(w, a);
            }
            ok
        };
        raise(build, windows, set, |w| kept.borrow().get(&w).copied())
    }

    #[test]
    fn a_shield_that_is_read_back_deters() {
        let up = run(22_631, &[1, 2], |_, _| true);
        assert_eq!(up, status(ShieldLevel::Deter, ShieldMechanism::WindowsExcludeFromCapture, false));
    }

    #[test]
    fn an_old_windows_gets_the_black_window() {
        let up = run(17_763, &[1], |_, a| a == Affinity::MONITOR);
        assert_eq!(up, status(ShieldLevel::Deter, ShieldMechanism::WindowsMonitor, false));
    }

    #[test]
    fn one_window_that_refuses_brings_all_down_to_what_it_takes() {
        let up = run(22_631, &[1, 2], |w, a| w == 1 || a == Affinity::MONITOR);
        assert_eq!(up.mechanism, ShieldMechanism::WindowsMonitor);
    }

    #[test]
    fn only_a_capture_that_could_see_and_did_not_makes_it_a_block() {
        let asked = run(22_631, &[1], |_, _| true);
        let after = |outcome| proven(asked, SelfTest { at: 1, outcome });
        assert_eq!(after(SelfTestOutcome::Held).holds(), ShieldLevel::Block);
        assert_eq!(after(SelfTestOutcome::CannotTell).holds(), ShieldLevel::Deter);
        let leaked = after(SelfTestOutcome::Leaked);
        assert!(leaked.failed && leaked.holds() == ShieldLevel::None);
        assert_eq!(behind(asked), Some(Affinity::EXCLUDE));
        assert_eq!(behind(run(17_763, &[1], |_, _| true)), Some(Affinity::MONITOR));
        assert_eq!(behind(run(22_631, &[1], |_, _| false)), None, "what does not hold need not be looked at");
    }

    #[test]
    fn a_refusal_a_lie_and_no_window_at_all_are_failures() {
        let failed = status(ShieldLevel::None, ShieldMechanism::WindowsExcludeFromCapture, true);
        assert_eq!(run(22_631, &[1], |_, _| false), failed);
        assert_eq!(run(22_631, &[], |_, _| true), failed);
        // Says yes, reads back nothing.
        assert_eq!(raise(22_631, &[1], |_, _| true, |_: i32| None), failed);
        // As wine does.
        assert_eq!(raise(22_631, &[1], |_, _| true, |_: i32| Some(Affinity::NONE)), failed);
    }
}
