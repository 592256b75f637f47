//! `shoji --read-mark PICTURE`: whose window a leaked picture was drawn for, in a meeting that this app hosted. The keys come
//! from the vault, the people from the host's store; a line of JSON goes to the terminal. Makes no keys, no folder and no
//! window, and changes no mark.

use std::path::Path;
use std::process::ExitCode;

use client::ports::{Vault, VaultError};
use host::keys::{HostKeys, KeyError};
use host::leak::{self, ReadPicture};
use host::store::{Store, StoreError};
use protocol::bridge::{Language, VaultView};
use serde_json::Value;

use crate::local_host::KEYS;
use crate::profile::Profile;
use crate::vault::SystemVault;
use crate::words::Tongue;

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// There is no profile, or nobody ever hosted in it.
    #[error("this app never hosted a meeting")]
    NoHost,
    /// The keyring is missing or locked: keys made in memory are gone.
    #[error("the keyring is missing or locked")]
    NoKeyring,
    /// It does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There are none in it, or they are damaged.
    #[error("the keyring holds no keys of a host")]
    NoKeys,
    /// They are not what this version writes.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// What the host remembers cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nor can the picture.
    #[error(transparent)]
    Picture(#[from] ReadPicture),
}

/// Prints the answer and ends: 0 whether a mark was found or not, 1 where that cannot be told.
#[expect(clippy::print_stdout, reason = "this start has no window; the terminal is its face")]
pub(crate) fn read(profile: Option<&Profile>, picture: &Path) -> ExitCode {
    match profile.ok_or(Unread::NoHost).and_then(|profile| look(profile, picture)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", Tongue::of(Language::System).unread(&error));
            ExitCode::FAILURE
        }
    }
}

fn look(profile: &Profile, picture: &Path) -> Result<Value, Unread> {
    let folder = profile.host_data();
    if !folder.join("host.sqlite").is_file() {
        return Err(Unread::NoHost);
    }
    let vault = SystemVault::open(profile.namespace());
    if let VaultView::MemoryOnly { .. } = vault.view() {
        return Err(Unread::NoKeyring);
    }
    let kept = vault.get(KEYS)?.ok_or(Unread::NoKeys)?;
    let keys = HostKeys::from_blob(&kept)?;
    let (_store, saved) = Store::open(Some(&folder))?;
    Ok(leak::read(picture, &keys, &saved)?)
}
