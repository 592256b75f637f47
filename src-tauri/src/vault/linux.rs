//! The Secret Service on the session bus: GNOME Keyring, KWallet, KeePassXC.
//! Called on the vault's thread only: the calls block, and may put up the system's password dialog.

use std::sync::Arc;

use keyring_core::api::CredentialStore;

/// As shown to the user.
pub(super) const NAME: &str = "Secret Service";
/// What the entry is called in the system's password program.
pub(super) const MODIFIERS: [(&str, &str); 1] = [("label", "Shoji")];

/// Connects.
pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}
