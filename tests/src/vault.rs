//! A vault that a test can look into. In memory only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use client::ports::{Vault, VaultError};
use protocol::bridge::{Code, VaultView};
use zeroize::Zeroizing;

/// What a keyring of Windows takes, after base64.
const LONGEST: usize = 2560;

/// Secrets of one run.
#[derive(Default)]
pub struct OpenVault(Mutex<BTreeMap<String, Vec<u8>>>);

impl OpenVault {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every secret kept now, by name.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.kept().clone()
    }
}

impl Vault for OpenVault {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.kept().get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        if secret.len().div_ceil(3) * 4 > LONGEST {
            return Err(VaultError::TooLong(secret.len()));
        }
        self.kept().insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), VaultError> {
        self.kept().remove(name);
        Ok(())
    }

    fn view(&self) -> VaultView {
        VaultView::MemoryOnly { code: Code::KeyringMissing }
    }
}
