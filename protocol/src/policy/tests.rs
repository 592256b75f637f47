//! The rules of rights, also over random orders of changes.

use proptest::prelude::*;

use super::*;

#[test]
fn a_new_gate_allows_nothing() {
    let gate = Gate::new();
    assert_eq!(gate.permit::<Mic>().unwrap_err(), NotAllowed(Capability::Microphone));
}

#[test]
fn a_revoked_permit_is_dead_and_stays_dead() {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let permit = gate.permit::<Camera>().unwrap();
    assert!(permit.is_live());
    assert_eq!(gate.set(Grants::NONE), Capability::ALL.to_vec());
    assert!(!permit.is_live());
    gate.set(Grants::ALL);
    assert!(!permit.is_live(), "a right that comes back must not wake an old pipeline");
    assert!(gate.permit::<Camera>().unwrap().is_live());
}

#[test]
fn a_dropped_gate_takes_its_permits_with_it() {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let permit = gate.permit::<Screen>().unwrap();
    drop(gate);
    assert!(!permit.is_live());
}

#[test]
fn the_owner_keeps_every_right() {
    let mut matrix = Matrix::default();
    assert_eq!(matrix.set(Role::Owner, Capability::Camera, false), Err(ChangeMatrix::OwnerKeepsAll));
    let forged: Matrix = serde_json::from_str(r#"{"owner":[],"member":[],"guest":[]}"#).unwrap();
    assert_eq!(forged.grants(Role::Owner), Grants::ALL);
}

#[test]
fn source_and_kind_must_agree() {
    assert_eq!(TrackSource::Microphone.capability(TrackKind::Video), None, "video in a microphone's clothes");
    assert_eq!(TrackSource::Camera.capability(TrackKind::Audio), None);
    assert_eq!(TrackSource::Megaphone.capability(TrackKind::Video), None);
    assert_eq!(TrackSource::ScreenShareAudio.capability(TrackKind::Audio), Some(Capability::ScreenShare));
}

proptest! {
    #[test]
    fn permits_never_outlive_their_right(changes in proptest::collection::vec(0_u8..16, 1..40)) {
        let mut gate = Gate::new();
        let mut held: Vec<(Capability, Box<dyn Fn() -> bool>)> = Vec::new();
        for bits in changes {
            let grants = Grants(bits);
            gate.set(grants);
            for (capability, is_live) in &held {
                prop_assert!(grants.allows(*capability) || !is_live(), "{capability:?} outlived its right");
            }
            if let Ok(p) = gate.permit::<Mic>() { held.push((Capability::Microphone, Box::new(move || p.is_live()))); }
            if let Ok(p) = gate.permit::<Megaphone>() { held.push((Capability::Megaphone, Box::new(move || p.is_live()))); }
        }
    }

    #[test]
    fn grants_survive_json(bits in 0_u8..16) {
        let text = serde_json::to_string(&Grants(bits)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Grants>(&text).unwrap(), Grants(bits));
    }
}
