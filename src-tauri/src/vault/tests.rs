//! The vault against a keyring in memory, a missing one, a locked one and one that never answers. The real keyring is
//! tried by `tests/keyring.sh`.

use keyring_core::mock;

use super::*;

fn mock_vault() -> SystemVault {
    // One store for all calls, as the real ones are.
    let store = mock::Store::new().unwrap();
    let vault = SystemVault::with_store("test", HashMap::new(), Box::new(move || Ok(store.clone())));
    assert!(matches!(vault.view(), VaultView::Keyring { .. }));
    vault
}

#[test]
fn what_is_kept_comes_back_until_it_is_forgotten() {
    for vault in [mock_vault(), SystemVault::memory(Code::KeyringMissing)] {
        assert_eq!(vault.get("a").unwrap(), None);
        vault.set("a", &[0, 255, 7]).unwrap();
        assert_eq!(vault.get("a").unwrap().unwrap().as_slice(), [0, 255, 7]);
        vault.forget("a").unwrap();
        vault.forget("a").unwrap();
        assert_eq!(vault.get("a").unwrap(), None);
    }
}

#[test]
fn a_secret_no_keyring_can_hold_is_refused_everywhere() {
    for vault in [mock_vault(), SystemVault::memory(Code::KeyringMissing)] {
        assert_eq!(vault.set("a", &[1; 1921]), Err(VaultError::TooLong(1921)));
        vault.set("a", &[1; 1920]).unwrap();
    }
}

#[test]
fn a_keyring_that_is_not_there_is_told_as_such() {
    let failing =
        |make: fn() -> Error| SystemVault::with_store("test", HashMap::new(), Box::new(move || Err(make()))).view();
    let missing = failing(|| Error::PlatformFailure("no bus".into()));
    assert_eq!(missing, VaultView::MemoryOnly { code: Code::KeyringMissing });
    let locked = failing(|| Error::NoStorageAccess("locked".into()));
    assert_eq!(locked, VaultView::MemoryOnly { code: Code::KeyringLocked });
}

#[test]
fn a_vault_in_memory_still_keeps_for_this_run() {
    let vault =
        SystemVault::with_store("test", HashMap::new(), Box::new(|| Err(Error::NoStorageAccess("locked".into()))));
    vault.set("a", b"x").unwrap();
    assert_eq!(vault.get("a").unwrap().unwrap().as_slice(), b"x");
}

#[test]
fn the_second_try_finds_a_service_that_was_starting() {
    let store = mock::Store::new().unwrap();
    let tries = std::sync::atomic::AtomicU32::new(0);
    let vault = SystemVault::with_store(
        "test",
        HashMap::new(),
        Box::new(move || match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Err(Error::PlatformFailure("starting".into())),
            _ => Ok(store.clone()),
        }),
    );
    assert!(matches!(vault.view(), VaultView::Keyring { .. }));
}

#[test]
fn the_reasons_of_a_keyring_never_hold_a_secret() {
    let error = Error::BadEncoding(b"canary".to_vec());
    assert!(!kind(&error).contains("canary") && !error.to_string().contains("canary"));
}
