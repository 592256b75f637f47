//! The vault against the Credential Manager of Windows, the real one of whoever runs the test (or wine's).
//! Uses a namespace of its own and leaves nothing behind.
#![cfg(target_os = "windows")]

use app::vault::SystemVault;
use client::ports::Vault;
use protocol::bridge::VaultView;

const NAMESPACE: &str = "jp.shoji.desktop.test";

#[test]
fn a_secret_outlives_the_program_and_is_forgotten_when_told() {
    // Longer than one page of text and not text at all, as session tokens and host keys are.
    let secret: Vec<u8> = (0..1500_u32).map(|n| (n * 7 % 251) as u8).collect();
    {
        let vault = SystemVault::open(NAMESPACE);
        assert!(matches!(vault.view(), VaultView::Keyring { .. }), "no keyring: {:?}", vault.view());
        vault.set("token", &secret).unwrap();
    }
    let again = SystemVault::open(NAMESPACE);
    assert_eq!(again.get("token").unwrap().as_deref(), Some(&secret), "what was kept is what is found");
    again.forget("token").unwrap();
    assert_eq!(again.get("token").unwrap(), None, "what is forgotten is gone");
    again.forget("token").unwrap();
}
