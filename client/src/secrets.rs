//! Names and shapes of what the client keeps in the `Vault`, and the way there: a thread that may block.
//! Run by tokio tasks; nothing here is logged.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::ids::RoomId;
use protocol::invite::Fingerprint;
use protocol::pii::Secret;
use zeroize::Zeroizing;

use crate::ports::{Vault, VaultError};

/// What of a meeting is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Comes back as the same person.
    Session,
    /// Seals the media of a host's meeting: 32 bytes.
    Media,
    /// Seals the megaphones of a host: 16 bytes. Kept for each of its meetings, and once for the host inside this app.
    Broadcast,
    /// Access token of a foreign server.
    Token,
    /// Passphrase of a foreign server's meeting.
    Passphrase,
}

impl Kind {
    /// Every kind, to forget them all.
    pub(crate) const ALL: [Self; 5] = [Self::Session, Self::Media, Self::Broadcast, Self::Token, Self::Passphrase];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Media => "media",
            Self::Broadcast => "broadcast",
            Self::Token => "token",
            Self::Passphrase => "passphrase",
        }
    }
}

/// The id of a host's meeting: says nothing about room or host to whoever reads it.
pub(crate) fn host_meeting_id(room: &RoomId, host: &Fingerprint) -> String {
    short_hash(&[b"host", room.as_str().as_bytes(), &host.0])
}

/// The id of the host inside this app, for what all its meetings share.
pub(crate) fn own_host_id(host: &Fingerprint) -> String {
    short_hash(&[b"own host", &host.0])
}

/// The id of a meeting on a foreign server.
pub(crate) fn server_meeting_id(url: &str, room: &str) -> String {
    short_hash(&[b"server", url.as_bytes(), room.as_bytes()])
}

fn short_hash(parts: &[&[u8]]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        // Lengths first, so that two lists of parts never run together into one text.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..15])
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Secret<N> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's random source answers");
    Secret::new(bytes)
}

/// A random number in `0.0..1.0`, for backoff.
pub(crate) fn dice() -> f64 {
    f64::from(u32::from_be_bytes(*random::<4>().expose())) / (f64::from(u32::MAX) + 1.0)
}

/// A random id with a prefix, for client-side track ids.
pub(crate) fn random_id(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<9>().expose()))
}

/// What the host keeps of an entry secret.
pub(crate) fn verifier(entry: &Secret<16>) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, entry.expose()))
}

/// The vault, from tasks that must not block.
#[derive(Clone)]
pub(crate) struct Secrets {
    vault: Arc<dyn Vault>,
}

impl Secrets {
    /// Around a vault.
    pub(crate) fn new(vault: Arc<dyn Vault>) -> Self {
        Self { vault }
    }

    /// A secret of a meeting; a keyring that fails is as one that has nothing.
    pub(crate) async fn get(&self, kind: Kind, id: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (vault, name) = (Arc::clone(&self.vault), name(kind, id));
        let got = tokio::task::spawn_blocking(move || vault.get(&name)).await.ok()?;
        got.inspect_err(|error| tracing::warn!(%error, "the vault did not answer")).ok()?
    }

    /// Keeps a secret of a meeting; `false` when it could not be kept.
    pub(crate) async fn set(&self, kind: Kind, id: &str, secret: Zeroizing<Vec<u8>>) -> bool {
        let (vault, name) = (Arc::clone(&self.vault), name(kind, id));
        let kept = tokio::task::spawn_blocking(move || vault.set(&name, &secret)).await;
        match kept {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a secret could not be kept");
                false
            }
            Err(_) => false,
        }
    }

    /// A secret that is made once: the kept one, or a new one that is kept first.
    ///
    /// # Errors
    /// The keyring failed; nothing was replaced.
    pub(crate) async fn get_or_make<const N: usize>(&self, kind: Kind, id: &str) -> Result<Secret<N>, VaultError> {
        let (vault, name) = (Arc::clone(&self.vault), name(kind, id));
        let task = tokio::task::spawn_blocking(move || {
            // One of another length is damaged: as none.
            if let Some(kept) = vault.get(&name)?.and_then(|kept| kept.as_slice().try_into().ok()) {
                return Ok(Secret::new(kept));
            }
            let made: Secret<N> = random();
            vault.set(&name, made.expose())?;
            Ok(made)
        });
        task.await.unwrap_or_else(|error| Err(VaultError::Keyring(error.to_string())))
    }

    /// Forgets every secret of a meeting.
    pub(crate) async fn forget(&self, id: &str) {
        for kind in Kind::ALL {
            let (vault, name) = (Arc::clone(&self.vault), name(kind, id));
            match tokio::task::spawn_blocking(move || vault.forget(&name)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "a secret could not be forgotten"),
                Err(error) => tracing::error!(%error, "the vault panicked"),
            }
        }
    }
}

fn name(kind: Kind, id: &str) -> String {
    format!("{}/{id}", kind.prefix())
}

/// base64url without padding, as proofs and passphrases are written.
pub(crate) fn text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use protocol::bridge::{Code, VaultView};

    use super::*;

    #[derive(Default)]
    struct Memory {
        kept: Mutex<HashMap<String, Vec<u8>>>,
        locked: bool,
    }

    impl Vault for Memory {
        fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            if self.locked {
                return Err(VaultError::Keyring("locked".to_owned()));
            }
            Ok(self.kept.lock().unwrap().get(name).cloned().map(Zeroizing::new))
        }

        fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
            self.kept.lock().unwrap().insert(name.to_owned(), secret.to_vec());
            Ok(())
        }

        fn forget(&self, name: &str) -> Result<(), VaultError> {
            self.kept.lock().unwrap().remove(name);
            Ok(())
        }

        fn view(&self) -> VaultView {
            VaultView::MemoryOnly { code: Code::KeyringMissing }
        }
    }

    #[tokio::test]
    async fn a_secret_is_made_once_and_not_replaced_while_the_keyring_is_locked() {
        let vault = Arc::new(Memory::default());
        let secrets = Secrets::new(Arc::clone(&vault) as Arc<dyn Vault>);
        let host = own_host_id(&Fingerprint([1; 32]));
        let first: Secret<16> = secrets.get_or_make(Kind::Broadcast, &host).await.unwrap();
        assert_eq!(secrets.get_or_make(Kind::Broadcast, &host).await, Ok(first.clone()));
        let other = own_host_id(&Fingerprint([2; 32]));
        assert_ne!(secrets.get_or_make(Kind::Broadcast, &other).await, Ok(first.clone()));

        let kept = Mutex::new(vault.kept.lock().unwrap().clone());
        let locked = Arc::new(Memory { kept, locked: true });
        let behind: Result<Secret<16>, _> =
            Secrets::new(Arc::clone(&locked) as Arc<dyn Vault>).get_or_make(Kind::Broadcast, &host).await;
        assert!(behind.is_err());
        assert!(locked.kept.lock().unwrap().values().any(|kept| kept.as_slice() == first.expose()));
    }
}
