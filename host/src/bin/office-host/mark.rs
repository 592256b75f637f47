//! `office-host read-mark PICTURE`: reads a file and the store, and prints one line of JSON: whose mark it is, or none.
//! Serves nobody and changes nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use host::leak::{self, MAX_FILE};
use host::store::Store;
use serde_json::{Value, json};

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
        let picture = leak::decode(&file(&self.picture)?)?;
        Ok(leak::viewer(&picture, &keys, &saved).map_or(json!({ "found": false }), |viewer| {
            let (user, name) = viewer.person.unzip();
            json!({
                "found": true, "room": viewer.room, "title": viewer.title, "user": user, "name": name,
                "agreement": (f64::from(viewer.agreement) * 100.0).round() / 100.0,
            })
        }))
    }
}

/// At most a little more than is looked at.
fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let what = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .with_context(what)?
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(what)?;
    Ok(bytes)
}
