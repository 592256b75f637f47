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

use crate::ports::Vault;

/// What of a meeting is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Comes back as the same person.
    Session,
    /// Seals the media of a host's meeting: 32 bytes.
    Media,
    /// Access token of a foreign server.
    Token,
    /// Passphrase of a foreign server's meeting.
    Passphrase,
}

impl Kind {
    /// Every kind, to forget them all.
    pub(crate) const ALL: [Self; 4] = [Self::Session, Self::Media, Self::Token, Self::Passphrase];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Media => "media",
            Self::Token => "token",
            Self::Passphrase => "passphrase",
        }
    }
}

/// The id of a host's meeting: says nothing about room or host to whoever reads it.
pub(crate) fn host_meeting_id(room: &RoomId, host: &Fingerprint) -> String {
    short_hash(&[b"host", room.as_str().as_bytes(), &host.0])
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
