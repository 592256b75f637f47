//! The login keychain of macOS.
//! Called on the vault's thread only: the calls may put up the system's dialog.

use std::sync::Arc;

use keyring_core::api::CredentialStore;

/// As shown to the user.
pub(super) const NAME: &str = "macOS Keychain";
/// Nothing: service and account name the entry.
pub(super) const MODIFIERS: [(&str, &str); 0] = [];

/// Connects.
pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}
