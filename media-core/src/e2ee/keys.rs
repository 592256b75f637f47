//! Keys for frames: derived from a passphrase or raw material the way LiveKit's SDKs do, kept in a ring of 16 slots.
//! Values only; material is wiped after use, keys when the last ring is dropped.

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_128_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::{hkdf, pbkdf2};
use zeroize::Zeroizing;

/// Slots of a ring.
pub const SLOTS: usize = 16;

const KEY_LEN: usize = 16;
const SALT: &[u8] = b"LKFrameEncryptionKey";
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).expect("a constant over zero");
/// LiveKit's HKDF `info`: 128 zero bytes.
const INFO: [u8; 128] = [0; 128];

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeriveKey {
    /// An empty passphrase or empty material protects nothing.
    #[error("nothing to derive a key from")]
    Empty,
    /// The cipher library refused.
    #[error("the key could not be derived")]
    Failed,
}

/// One AES-128-GCM key. Cheap to clone; never printed.
#[derive(Clone)]
pub struct FrameKey(Arc<LessSafeKey>);

impl FrameKey {
    /// From a passphrase: PBKDF2-HMAC-SHA256, salt `LKFrameEncryptionKey`, 100 000 rounds, 128 bits. Takes tens of
    /// milliseconds: not on a media thread.
    ///
    /// # Errors
    /// The passphrase is empty.
    pub fn from_passphrase(passphrase: &str) -> Result<Self, DeriveKey> {
        if passphrase.is_empty() {
            return Err(DeriveKey::Empty);
        }
        let mut key = Zeroizing::new([0; KEY_LEN]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, SALT, passphrase.as_bytes(), &mut *key);
        Self::from_bytes(&key)
    }

    /// From raw material: HKDF-SHA256, the same salt, 128 zero bytes of info, 128 bits (Element Call, JS with bytes).
    ///
    /// # Errors
    /// The material is empty.
    pub fn from_material(material: &[u8]) -> Result<Self, DeriveKey> {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                KEY_LEN
            }
        }
        if material.is_empty() {
            return Err(DeriveKey::Empty);
        }
        let mut key = Zeroizing::new([0; KEY_LEN]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
            .extract(material)
            .expand(&[&INFO], Length)
            .and_then(|okm| okm.fill(&mut *key))
            .map_err(|_| DeriveKey::Failed)?;
        Self::from_bytes(&key)
    }

    /// A key as it is.
    ///
    /// # Errors
    /// The cipher library refused it.
    pub fn from_bytes(key: &[u8; KEY_LEN]) -> Result<Self, DeriveKey> {
        let key = UnboundKey::new(&AES_128_GCM, key).map_err(|_| DeriveKey::Failed)?;
        Ok(Self(Arc::new(LessSafeKey::new(key))))
    }

    pub(super) fn aead(&self) -> &LessSafeKey {
        &self.0
    }
}

impl std::fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrameKey")
    }
}

#[derive(Default)]
struct Slots {
    keys: [Option<FrameKey>; SLOTS],
    current: u8,
}

/// The keys of one meeting (shared-key mode) or of one participant. Clones are the same ring: a key set in one is seen
/// by every sealer and opener.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<RwLock<Slots>>);

impl KeyRing {
    /// An empty ring: nothing can be sealed or opened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A ring with one key in slot 0, the usual case.
    #[must_use]
    pub fn with(key: FrameKey) -> Self {
        let ring = Self::new();
        ring.set(0, key);
        ring
    }

    /// Puts a key into a slot and seals with it from now on; slots outside 0..16 are ignored.
    pub fn set(&self, slot: u8, key: FrameKey) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = slots.keys.get_mut(usize::from(slot)) {
            *place = Some(key);
            slots.current = slot;
        }
    }

    /// Takes a key out again; what was sealed with it cannot be opened any more.
    pub fn clear(&self, slot: u8) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = slots.keys.get_mut(usize::from(slot)) {
            *place = None;
        }
    }

    pub(super) fn key(&self, slot: u8) -> Option<FrameKey> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        slots.keys.get(usize::from(slot)).cloned().flatten()
    }

    pub(super) fn current(&self) -> Option<(u8, FrameKey)> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = slots.keys.get(usize::from(slots.current)).cloned().flatten()?;
        Some((slots.current, key))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing")
    }
}
