//! A system whose keyring this program does not know: it says so, and secrets stay in memory.

use std::sync::Arc;

use keyring_core::Error;
use keyring_core::api::CredentialStore;

/// Never shown.
pub(super) const NAME: &str = "";
/// Nothing.
pub(super) const MODIFIERS: [(&str, &str); 0] = [];

/// Refuses.
pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NotSupportedByStore("no keyring is known on this system".into()))
}
