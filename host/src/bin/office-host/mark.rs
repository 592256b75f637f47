//! `office-host read-mark PICTURE`: reads a file and the store, and prints one line of JSON: whose mark it is, or none.
//! Serves nobody and changes nothing.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use host::leak;
use host::store::Store;
use serde_json::Value;

use crate::keys::{self, Keys};

/// Whose window a picture that leaked was drawn for.
#[derive(Debug, Args)]
pub(crate) struct ReadMark {
    /// A PNG or JPEG file.
    picture: PathBuf,

    /// The host's folder, as given to it at start.
    #[arg(long)]
    data: PathBuf,

    /// The host's keys, as given to it at start: `file:PATH` or `keyring`.
    #[arg(long, value_parser = keys::parse)]
    keys: Keys,
}

impl ReadMark {
    /// The line to print.
    pub(crate) fn run(&self) -> anyhow::Result<Value> {
        // Keys that are made now have made no mark, and a folder that is made now remembers nobody.
        match &self.keys {
            Keys::Memory => bail!("keys that are new at each start read nothing"),
            Keys::File(path) if !path.exists() => bail!("there are no keys in {}", path.display()),
            Keys::File(_) | Keys::Keyring => {}
        }
        if !self.data.join("host.sqlite").exists() {
            bail!("no host kept anything in {}", self.data.display());
        }
        let keys = keys::load(&self.keys)?;
        let (_store, saved) = Store::open(Some(&self.data))?;
        Ok(leak::read(&self.picture, &keys, &saved)?)
    }
}
