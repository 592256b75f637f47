//! Where secrets are kept: the system's keyring, or memory for this run when there is none or it stays locked.
//! A thread of its own talks to the keyring, because a call may wait for a person who types a password; callers wait
//! with a limit. Never writes a secret anywhere else, and never tells of a keyring it has not written to and read from.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use client::ports::{Vault, VaultError};
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use protocol::bridge::{Code, VaultView};
use zeroize::Zeroizing;

#[cfg(target_os = "linux")]
#[path = "vault/linux.rs"]
mod system;
#[cfg(target_os = "windows")]
#[path = "vault/windows.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "vault/macos.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "macos")))]
#[path = "vault/fallback.rs"]
mod system;

/// What every keyring takes: Credential Manager's `CRED_MAX_CREDENTIAL_BLOB_SIZE`, in bytes after base64.
const MAX_STORED: usize = 5 * 512;
/// How long the first look may take: a person may be asked for the keyring's password.
const PROBE: Duration = Duration::from_secs(25);
/// How long a later call may take.
const CALL: Duration = Duration::from_secs(25);
/// The service may still be starting right after login.
const SECOND_TRY_AFTER: Duration = Duration::from_millis(300);
/// Calls that may wait for the thread; more means it hangs.
const WAITING: usize = 16;
const PROBE_NAME: &str = "probe";

/// The vault of this machine.
pub struct SystemVault {
    backing: Backing,
}

enum Backing {
    Keyring(SyncSender<Ask>),
    Memory { kept: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>, why: Code },
}

impl SystemVault {
    /// Looks for the keyring by writing, reading and removing an entry; anything less lies (a locked one answers
    /// "no entry" to a read). Blocks for up to 25 s: not for the UI thread.
    #[must_use]
    pub fn open(namespace: &str) -> Self {
        Self::with_store(namespace, HashMap::from(system::MODIFIERS), Box::new(system::store))
    }

    /// In memory for this run, saying why.
    #[must_use]
    pub fn memory(why: Code) -> Self {
        Self { backing: Backing::Memory { kept: Mutex::default(), why } }
    }

    fn with_store(namespace: &str, modifiers: Modifiers, store: StoreMaker) -> Self {
        let (asks, inbox) = mpsc::sync_channel(WAITING);
        let (ready, answer) = mpsc::sync_channel(1);
        let namespace = namespace.to_owned();
        let thread = std::thread::Builder::new().name("vault".into()).spawn(move || {
            let opened = open_store(&namespace, &modifiers, &*store);
            // Whoever asked may have given up; then the store is of no use either.
            match opened {
                Ok(keyring) => {
                    if ready.send(Ok(())).is_ok() {
                        keyring.serve(&inbox);
                    }
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread for the keyring");
            return Self::memory(Code::KeyringMissing);
        }
        match answer.recv_timeout(PROBE) {
            Ok(Ok(())) => {
                tracing::info!(keyring = system::NAME, "secrets are kept in the keyring");
                Self { backing: Backing::Keyring(asks) }
            }
            Ok(Err(error)) => {
                let why = code_of(&error);
                tracing::warn!(%error, code = ?why, "secrets are kept in memory for this run");
                Self::memory(why)
            }
            Err(_) => {
                tracing::warn!("the keyring does not answer; secrets are kept in memory for this run");
                Self::memory(Code::KeyringLocked)
            }
        }
    }

    fn ask(asks: &SyncSender<Ask>, what: What, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let (reply, answer) = mpsc::sync_channel(1);
        let ask = Ask { what, name: name.to_owned(), reply };
        asks.try_send(ask).map_err(|_| VaultError::Keyring("the keyring does not keep up".into()))?;
        answer.recv_timeout(CALL).map_err(|_| VaultError::Keyring("the keyring does not answer".into()))?
    }
}

impl Vault for SystemVault {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match &self.backing {
            Backing::Keyring(asks) => Self::ask(asks, What::Get, name),
            Backing::Memory { kept, .. } => Ok(lock(kept).get(name).cloned()),
        }
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        let stored = secret.len().div_ceil(3) * 4;
        if stored > MAX_STORED {
            return Err(VaultError::TooLong(secret.len()));
        }
        match &self.backing {
            Backing::Keyring(asks) => Self::ask(asks, What::Set(Zeroizing::new(secret.to_vec())), name).map(drop),
            Backing::Memory { kept, .. } => {
                lock(kept).insert(name.to_owned(), Zeroizing::new(secret.to_vec()));
                Ok(())
            }
        }
    }

    fn forget(&self, name: &str) -> Result<(), VaultError> {
        match &self.backing {
            Backing::Keyring(asks) => Self::ask(asks, What::Forget, name).map(drop),
            Backing::Memory { kept, .. } => {
                lock(kept).remove(name);
                Ok(())
            }
        }
    }

    fn view(&self) -> VaultView {
        match &self.backing {
            Backing::Keyring(_) => VaultView::Keyring { name: system::NAME.to_owned() },
            Backing::Memory { why, .. } => VaultView::MemoryOnly { code: *why },
        }
    }
}

type StoreMaker = Box<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send>;
/// What an entry is made with, beyond its name: each system knows other words.
type Modifiers = HashMap<&'static str, &'static str>;
type Kept = HashMap<String, Zeroizing<Vec<u8>>>;

/// A panic while the map was held leaves whole entries behind: each change is one call.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Ask {
    what: What,
    name: String,
    reply: SyncSender<Result<Option<Zeroizing<Vec<u8>>>, VaultError>>,
}

enum What {
    Get,
    Set(Zeroizing<Vec<u8>>),
    Forget,
}

/// The keyring, on its own thread.
struct Keyring {
    store: Arc<CredentialStore>,
    modifiers: Modifiers,
    namespace: String,
}

impl Keyring {
    fn serve(&self, inbox: &Receiver<Ask>) {
        while let Ok(ask) = inbox.recv() {
            let answer = match &ask.what {
                What::Get => self.get(&ask.name),
                What::Set(secret) => self.set(&ask.name, secret).map(|()| None),
                What::Forget => self.forget(&ask.name).map(|()| None),
            };
            // The names of secrets say nothing about people; their values never come here.
            let answer = answer.map_err(|error| {
                tracing::warn!(error = %kind(&error), "the keyring refused");
                VaultError::Keyring(kind(&error).to_owned())
            });
            drop(ask.reply.send(answer));
        }
    }

    fn entry(&self, name: &str) -> keyring_core::Result<Entry> {
        self.store.build(&self.namespace, name, (!self.modifiers.is_empty()).then_some(&self.modifiers))
    }

    fn get(&self, name: &str) -> keyring_core::Result<Option<Zeroizing<Vec<u8>>>> {
        let stored = match self.entry(name)?.get_secret() {
            Ok(stored) => Zeroizing::new(stored),
            Err(Error::NoEntry) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Something else wrote it: as good as not there.
        Ok(BASE64.decode(&*stored).ok().map(Zeroizing::new))
    }

    /// Base64, because KWallet takes text only.
    fn set(&self, name: &str, secret: &[u8]) -> keyring_core::Result<()> {
        let stored = Zeroizing::new(BASE64.encode(secret));
        self.entry(name)?.set_secret(stored.as_bytes())
    }

    fn forget(&self, name: &str) -> keyring_core::Result<()> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes, reads and removes something nobody can have written before.
    fn probe(&self) -> keyring_core::Result<()> {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| Error::Invalid("nonce".into(), "no randomness".into()))?;
        self.set(PROBE_NAME, &nonce)?;
        let back = self.get(PROBE_NAME)?;
        self.forget(PROBE_NAME)?;
        if back.is_some_and(|back| *back == nonce) {
            Ok(())
        } else {
            Err(Error::BadStoreFormat("what was written did not come back".into()))
        }
    }
}

fn open_store(
    namespace: &str,
    modifiers: &Modifiers,
    store: &dyn Fn() -> keyring_core::Result<Arc<CredentialStore>>,
) -> keyring_core::Result<Keyring> {
    let open = || {
        let keyring = Keyring { store: store()?, modifiers: modifiers.clone(), namespace: namespace.to_owned() };
        keyring.probe().map(|()| keyring)
    };
    match open() {
        Err(Error::PlatformFailure(_)) => {
            std::thread::sleep(SECOND_TRY_AFTER);
            open()
        }
        done => done,
    }
}

fn code_of(error: &Error) -> Code {
    if matches!(error, Error::NoStorageAccess(_)) { Code::KeyringLocked } else { Code::KeyringMissing }
}

/// An error without its values: `Display` of some holds what was stored.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::PlatformFailure(_) => "the system's call failed",
        Error::NoStorageAccess(_) => "locked",
        Error::NoEntry => "no entry",
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => "damaged",
        Error::TooLong(..) => "too long",
        Error::Invalid(..) => "refused as invalid",
        Error::Ambiguous(_) => "more than one entry of that name",
        Error::NoDefaultStore | Error::NotSupportedByStore(_) => "not supported",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests;
