//! The self-test against a private display.

use super::*;
use display::Display;

#[path = "../../tests/shield/display.rs"]
mod display;

#[test]
fn the_self_test_tells_protected_from_unprotected() {
    let Some(display) = Display::start() else { return };
    let bare = test(&Spot { display: Some(display.name()), kin: &Kin::default() }, false);
    assert_eq!(bare.unwrap(), Proof::Leaked(WAYS.to_vec()), "without a shield every way shows the window");
    // A busy machine loses the race with a capture now and then, and the test says so: that is what it is for.
    let proofs: Vec<Proof> = (0..8).map(|_| self_test(Some(display.name()), &Kin::default())).collect();
    assert!(proofs.contains(&Proof::Held), "{proofs:?}");
    assert!(proofs.iter().all(|proof| matches!(proof, Proof::Held | Proof::Leaked(_))), "{proofs:?}");
}

#[test]
fn without_a_display_nothing_is_claimed() {
    assert!(matches!(self_test(Some(":4000"), &Kin::default()), Proof::CannotTell(_)));
}
