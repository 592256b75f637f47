//! The secrets a host lives on: its CA key, which invitations pin, and the secret that signs join tokens.
//! Values only. Whoever starts the host keeps the blob in a keyring (or a file nobody else may read); this module
//! writes nothing anywhere.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::ids::RoomId;
use protocol::invite::Fingerprint;
use protocol::pii::Secret;
use rcgen::{KeyPair, PublicKeyData};
use zeroize::Zeroizing;

/// API key that join tokens name as their issuer unless another one is configured.
pub const DEFAULT_API_KEY: &str = "shoji";

/// Largest blob read: what every keyring can hold.
const MAX_BLOB: usize = 1900;

const VERSION: u8 = 1;
const SECRET: usize = 32;

/// Why keys could not be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system has no randomness, or the library refused a key it made itself.
    #[error("no key could be made: {0}")]
    Generate(String),
    /// Not a blob of [`HostKeys::to_blob`], or damaged.
    #[error("the host's keys are damaged")]
    Damaged,
    /// A version this program does not know.
    #[error("the host's keys are of version {0}, which this program does not know")]
    Version(u8),
}

/// A host's identity. The leaf certificate's key is made anew at every start and is no part of it.
pub struct HostKeys {
    ca: Zeroizing<Vec<u8>>,
    secret: Zeroizing<String>,
    fingerprint: Fingerprint,
}

impl std::fmt::Debug for HostKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostKeys").field("fingerprint", &self.fingerprint.encode()).finish_non_exhaustive()
    }
}

impl Clone for HostKeys {
    fn clone(&self) -> Self {
        Self { ca: self.ca.clone(), secret: self.secret.clone(), fingerprint: self.fingerprint }
    }
}

impl HostKeys {
    /// New keys: a P-256 CA key and 32 random bytes of API secret.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate().map_err(|e| KeyError::Generate(e.to_string()))?;
        let mut secret = Zeroizing::new([0_u8; SECRET]);
        SystemRandom::new().fill(&mut *secret).map_err(|_| KeyError::Generate("no randomness".into()))?;
        Self::of(Zeroizing::new(pair.serialize_der()), Zeroizing::new(URL_SAFE_NO_PAD.encode(*secret)))
    }

    /// The same identity with another API secret, for offices whose own backend mints tokens.
    ///
    /// # Errors
    /// Shorter than 16 bytes (it would be guessed) or longer than 1 kB (it would not fit into a keyring).
    pub fn with_api_secret(mut self, secret: &str) -> Result<Self, KeyError> {
        if !(16..=1024).contains(&secret.len()) {
            return Err(KeyError::Damaged);
        }
        self.secret = Zeroizing::new(secret.to_owned());
        Ok(self)
    }

    /// SHA-256 of the CA's SubjectPublicKeyInfo: what an invitation pins.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Signs and checks join tokens.
    #[must_use]
    pub fn api_secret(&self) -> &str {
        &self.secret
    }

    /// The CA key as PKCS#8.
    #[must_use]
    pub(crate) fn ca_pkcs8(&self) -> &[u8] {
        &self.ca
    }

    /// What makes and reads the invisible marks of a room's viewers. Follows from the CA key, which never changes.
    #[must_use]
    pub fn marks(&self, room: &RoomId) -> watermark::Key {
        let secret = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.ca), b"shoji watermark");
        let secret: [u8; 32] = secret.as_ref().try_into().expect("SHA-256 has 32 bytes");
        watermark::Key::of_room(&Secret::new(secret), room)
    }

    /// Everything in about 200 bytes: version, length of the CA key (u16 big endian), CA key, API secret.
    #[must_use]
    pub fn to_blob(&self) -> Zeroizing<Vec<u8>> {
        let mut blob = Zeroizing::new(Vec::with_capacity(3 + self.ca.len() + self.secret.len()));
        blob.push(VERSION);
        let length = u16::try_from(self.ca.len()).expect("a P-256 key in PKCS#8 has fewer than 200 bytes");
        blob.extend_from_slice(&length.to_be_bytes());
        blob.extend_from_slice(&self.ca);
        blob.extend_from_slice(self.secret.as_bytes());
        blob
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// Damaged, or of another version.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        if blob.len() > MAX_BLOB {
            return Err(KeyError::Damaged);
        }
        let (version, rest) = blob.split_first().ok_or(KeyError::Damaged)?;
        if *version != VERSION {
            return Err(KeyError::Version(*version));
        }
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(KeyError::Damaged)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (ca, secret) = rest.split_at_checked(length).ok_or(KeyError::Damaged)?;
        let secret = std::str::from_utf8(secret).map_err(|_| KeyError::Damaged)?;
        if secret.len() < 16 {
            return Err(KeyError::Damaged);
        }
        Self::of(Zeroizing::new(ca.to_vec()), Zeroizing::new(secret.to_owned()))
    }

    fn of(ca: Zeroizing<Vec<u8>>, secret: Zeroizing<String>) -> Result<Self, KeyError> {
        let pair = KeyPair::try_from(ca.as_slice()).map_err(|_| KeyError::Damaged)?;
        let hash = digest::digest(&digest::SHA256, &pair.subject_public_key_info());
        let fingerprint = Fingerprint(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"));
        Ok(Self { ca, secret, fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_fit_into_every_keyring() {
        let keys = HostKeys::generate().unwrap();
        let blob = keys.to_blob();
        assert!(blob.len() * 4 / 3 + 4 <= 2560, "{} bytes", blob.len());
        let again = HostKeys::from_blob(&blob).unwrap();
        assert_eq!(again.fingerprint(), keys.fingerprint());
        assert_eq!(again.api_secret(), keys.api_secret());
    }

    #[test]
    fn every_cut_blob_is_refused_without_a_panic() {
        let blob = HostKeys::generate().unwrap().to_blob();
        for length in 0..blob.len() - 28 {
            assert!(HostKeys::from_blob(&blob[..length]).is_err(), "{length}");
        }
        assert_eq!(HostKeys::from_blob(&[9, 0, 0]).unwrap_err(), KeyError::Version(9));
    }

    #[test]
    fn keys_are_never_printed() {
        let keys = HostKeys::generate().unwrap();
        assert!(!format!("{keys:?}").contains(keys.api_secret()));
    }
}
