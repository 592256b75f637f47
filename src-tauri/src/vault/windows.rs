//! Windows Credential Manager, for this user on this machine.
//! Called on the vault's thread only.

use std::sync::Arc;

use keyring_core::api::CredentialStore;

/// As shown to the user.
pub(super) const NAME: &str = "Windows Credential Manager";
/// Local: secrets of this machine do not roam with the profile.
pub(super) const MODIFIERS: [(&str, &str); 1] = [("persistence", "Local")];

/// Connects.
pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}
