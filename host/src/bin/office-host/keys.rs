//! Where the stand-alone host's keys come from: memory, a private file, or the system's keyring (feature `keyring`).
//! Runs once at start, and may block for a password dialog of the system.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use host::keys::HostKeys;
use zeroize::Zeroizing;

/// The choice.
#[derive(Debug, Clone)]
pub(crate) enum Keys {
    Memory,
    File(PathBuf),
    Keyring,
}

/// Reads `memory`, `file:PATH` or `keyring`.
pub(crate) fn parse(text: &str) -> Result<Keys, String> {
    match text.split_once(':') {
        None if text == "memory" => Ok(Keys::Memory),
        None if text == "keyring" => Ok(Keys::Keyring),
        Some(("file", path)) if !path.is_empty() => Ok(Keys::File(path.into())),
        _ => Err("expected memory, file:PATH or keyring".to_owned()),
    }
}

/// Loads the keys, or makes and keeps new ones.
pub(crate) fn load(keys: &Keys) -> anyhow::Result<HostKeys> {
    match keys {
        Keys::Memory => HostKeys::generate().context("no keys"),
        Keys::Keyring => from_keyring(),
        Keys::File(path) if path.exists() => {
            HostKeys::from_blob(&read_private(path)?).with_context(|| format!("in {}", path.display()))
        }
        Keys::File(path) => {
            let keys = HostKeys::generate().context("no keys")?;
            write_private(path, &keys.to_blob()).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(keys)
        }
    }
}

#[cfg(feature = "keyring")]
fn from_keyring() -> anyhow::Result<HostKeys> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use keyring_core::Error;

    let store = keyring_store().context("no keyring")?;
    let entry = store.build("shoji-office-host", "host-keys", None).context("no keyring entry")?;
    match entry.get_password().map(Zeroizing::new) {
        Ok(text) => {
            let blob = Zeroizing::new(BASE64.decode(text.as_bytes()).context("the keyring's entry is damaged")?);
            HostKeys::from_blob(&blob).context("in the keyring")
        }
        Err(Error::NoEntry) => {
            let keys = HostKeys::generate().context("no keys")?;
            // A locked keyring answers "no entry" to a read; writing tells the truth.
            entry
                .set_password(&Zeroizing::new(BASE64.encode(&*keys.to_blob())))
                .context("the keyring takes no entry")?;
            Ok(keys)
        }
        Err(error) => Err(error).context("the keyring failed"),
    }
}

#[cfg(all(feature = "keyring", target_os = "linux"))]
fn keyring_store() -> keyring_core::Result<std::sync::Arc<keyring_core::api::CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(all(feature = "keyring", target_os = "windows"))]
fn keyring_store() -> keyring_core::Result<std::sync::Arc<keyring_core::api::CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(all(feature = "keyring", target_os = "macos"))]
fn keyring_store() -> keyring_core::Result<std::sync::Arc<keyring_core::api::CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(not(feature = "keyring"))]
fn from_keyring() -> anyhow::Result<HostKeys> {
    bail!("this office-host was built without the feature `keyring`; use file:PATH")
}

/// Reads a secret that only its owner may read; others' eyes make it worthless.
pub(crate) fn read_private(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let about = || format!("cannot read {}", path.display());
    let data = std::fs::metadata(path).with_context(about)?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o077 != 0 {
        bail!("{} can be read by others; run chmod 600 on it", path.display());
    }
    if data.len() > 4096 {
        bail!("{} is too large for a secret", path.display());
    }
    Ok(Zeroizing::new(std::fs::read(path).with_context(about)?))
}

/// Writes a secret that only its owner may read, and never over something that is there.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    // New only: never through a link somebody else put there.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
