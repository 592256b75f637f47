//! What the self-tests of one shield prove. Pure: their outcomes come in, the level to claim comes out.

use protocol::shield::{SelfTest, SelfTestOutcome, ShieldLevel, ShieldMechanism, ShieldStatus};
use shield::Proof;

/// A busy machine loses a race with a capture now and then. One loss is made up for by so many tests in a row without.
const MAKE_UP: usize = 2;
/// A test that cannot tell is tried so often before that is the answer.
const TRIES: usize = 3;

/// What is known of a shield.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Since it was raised or last proven; the newest last.
    outcomes: Vec<SelfTestOutcome>,
    claim: Claim,
    lost: bool,
    last: Option<SelfTest>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Nothing was proven, nor refuted.
    #[default]
    Open,
    Holds,
    Refuted,
}

impl Verdict {
    /// A test ended; answers whether the shield is refuted now.
    pub(super) fn tested(&mut self, proof: &Proof, at: u32) -> bool {
        let outcome = match proof {
            Proof::Held => SelfTestOutcome::Held,
            Proof::Leaked(_) => SelfTestOutcome::Leaked,
            Proof::CannotTell(_) => SelfTestOutcome::CannotTell,
        };
        self.last = Some(SelfTest { at, outcome });
        self.outcomes.push(outcome);
        self.claim = decide(&self.outcomes);
        if self.claim != Claim::Open {
            self.outcomes.clear();
        }
        self.claim == Claim::Refuted
    }

    /// Something changed: what was proven stays claimed while it is proven again.
    pub(super) fn again(&mut self) {
        self.outcomes.clear();
    }

    /// Nothing is known any more.
    pub(super) fn unknown(&mut self) {
        self.again();
        self.claim = Claim::Open;
    }

    /// The watch is over; nothing this shield says counts any more.
    pub(super) fn lost(&mut self) {
        self.lost = true;
    }

    /// Is another test needed, now?
    pub(super) fn is_open(&self) -> bool {
        !self.lost && self.claim == Claim::Open
    }

    /// Is it proven?
    pub(super) fn holds(&self) -> bool {
        !self.lost && self.claim == Claim::Holds
    }

    /// What is told to the person and the meeting.
    pub(super) fn status(&self, mechanism: ShieldMechanism) -> ShieldStatus {
        let level = match mechanism {
            _ if !self.holds() => ShieldLevel::None,
            ShieldMechanism::X11Module => ShieldLevel::Block,
            _ => ShieldLevel::Detect,
        };
        ShieldStatus { level, mechanism, failed: self.lost || self.claim == Claim::Refuted, test: self.last }
    }
}

fn decide(outcomes: &[SelfTestOutcome]) -> Claim {
    let count = |of| outcomes.iter().filter(|outcome| **outcome == of).count();
    let in_a_row = outcomes.iter().rev().take_while(|outcome| **outcome == SelfTestOutcome::Held).count();
    let leaks = count(SelfTestOutcome::Leaked);
    let needed = if leaks == 0 { 1 } else { MAKE_UP };
    if leaks >= 2 || count(SelfTestOutcome::CannotTell) >= TRIES {
        Claim::Refuted
    } else if in_a_row >= needed {
        Claim::Holds
    } else {
        Claim::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: ShieldMechanism = ShieldMechanism::X11Watch;

    fn after(proofs: &[Proof]) -> Verdict {
        let mut verdict = Verdict::default();
        for proof in proofs {
            verdict.tested(proof, 7);
        }
        verdict
    }

    fn leaked() -> Proof {
        Proof::Leaked(vec![shield::Way::Root])
    }

    fn cannot_tell() -> Proof {
        Proof::CannotTell("no".into())
    }

    #[test]
    fn nothing_is_claimed_before_a_test_held() {
        let fresh = Verdict::default();
        assert_eq!(fresh.status(WATCH), ShieldStatus { mechanism: WATCH, ..ShieldStatus::default() });
        assert!(fresh.is_open());
        let held = after(&[Proof::Held]).status(WATCH);
        assert_eq!((held.level, held.failed), (ShieldLevel::Detect, false));
        assert_eq!(held.test, Some(SelfTest { at: 7, outcome: SelfTestOutcome::Held }));
        assert_eq!(after(&[Proof::Held]).status(ShieldMechanism::X11Module).level, ShieldLevel::Block);
    }

    #[test]
    fn one_leak_is_made_up_for_by_two_tests_in_a_row_and_two_are_not() {
        assert!(after(&[leaked()]).is_open());
        assert!(after(&[leaked(), Proof::Held]).is_open());
        assert!(after(&[leaked(), Proof::Held, Proof::Held]).holds());
        let refuted = after(&[leaked(), Proof::Held, leaked()]).status(WATCH);
        assert_eq!((refuted.level, refuted.failed), (ShieldLevel::None, true));
        assert!(after(&[leaked(), leaked()]).status(WATCH).failed);
    }

    #[test]
    fn who_cannot_tell_claims_nothing() {
        assert!(after(&[cannot_tell(), cannot_tell()]).is_open());
        let given_up = after(&[cannot_tell(), cannot_tell(), cannot_tell()]);
        assert!(!given_up.is_open() && !given_up.holds());
        assert_eq!(given_up.status(WATCH).level, ShieldLevel::None);
        assert!(after(&[cannot_tell(), Proof::Held]).holds());
    }

    #[test]
    fn a_change_keeps_the_claim_until_the_next_test_and_a_loss_does_not() {
        let mut verdict = after(&[Proof::Held]);
        verdict.again();
        assert!(verdict.holds());
        verdict.tested(&leaked(), 8);
        assert!(!verdict.holds(), "a leak counts at once");
        let mut verdict = after(&[Proof::Held]);
        verdict.lost();
        assert!(verdict.status(WATCH).failed && !verdict.holds() && !verdict.is_open());
        verdict.tested(&Proof::Held, 9);
        assert_eq!(verdict.status(WATCH).level, ShieldLevel::None, "nothing is proven after a loss");
        let mut verdict = after(&[Proof::Held]);
        verdict.unknown();
        assert!(!verdict.holds());
    }
}
