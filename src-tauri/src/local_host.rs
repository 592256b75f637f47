//! The host inside this app: started when someone hosts here, with an identity that the vault keeps.
//! Called by the client. The key never leaves the vault but into the host; without a keyring it lasts for this run, and
//! invitations of earlier runs are then for a key that is gone.

use std::path::PathBuf;
use std::sync::Arc;

use client::ports::{LocalHost, LocalMeeting, Pending, Vault};
use host::host::{Host, HostConfig, HostError, Opened};
use host::keys::HostKeys;
use protocol::bridge::{Code, Failure};
use protocol::ids::RoomId;
use tokio::sync::RwLock;

/// The vault's name for the host's identity.
pub(crate) const KEYS: &str = "host-keys";

/// One host at most.
pub(crate) struct LocalOffice {
    data: PathBuf,
    vault: Arc<dyn Vault>,
    running: RwLock<Option<Host>>,
}

impl LocalOffice {
    /// `data` is the folder for what lasts: people, invitations' hashes, rights. Nothing in it is secret.
    pub(crate) fn new(data: PathBuf, vault: Arc<dyn Vault>) -> Self {
        Self { data, vault, running: RwLock::default() }
    }

    async fn start(&self) -> Result<Host, Failure> {
        let vault = Arc::clone(&self.vault);
        // The keyring may ask a person for a password.
        let keys = tokio::task::spawn_blocking(move || identity(&*vault))
            .await
            .map_err(|error| Failure::of(Code::Internal, error))??;
        let config = HostConfig { data: Some(self.data.clone()), ..HostConfig::new(keys) };
        Host::start(config).await.map_err(failure)
    }

    /// The meeting, with where and who answers.
    fn meeting(host: &Host, opened: Opened) -> LocalMeeting {
        LocalMeeting {
            room: opened.room,
            invite: opened.invite,
            entry: opened.entry,
            fingerprint: host.fingerprint(),
            addresses: host.addresses(),
        }
    }
}

impl LocalHost for LocalOffice {
    fn open(&self, title: &str) -> Pending<'_, Result<LocalMeeting, Failure>> {
        let title = title.to_owned();
        Box::pin(async move {
            let mut running = self.running.write().await;
            let host = match running.take() {
                Some(host) => running.insert(host),
                None => running.insert(self.start().await?),
            };
            let opened = host.open_room(&title).await.map_err(failure)?;
            Ok(Self::meeting(host, opened))
        })
    }

    fn reopen(&self, room: &RoomId) -> Pending<'_, Result<Option<LocalMeeting>, Failure>> {
        let room = room.clone();
        Box::pin(async move {
            let mut running = self.running.write().await;
            let fresh = running.is_none();
            let host = match running.take() {
                Some(host) => running.insert(host),
                None => running.insert(self.start().await?),
            };
            let opened = host.reopen(&room).await.map_err(failure)?;
            let meeting = opened.map(|opened| Self::meeting(host, opened));
            // A host that was started for a room it does not have is not wanted.
            if fresh
                && meeting.is_none()
                && let Some(host) = running.take()
            {
                host.stop().await;
            }
            Ok(meeting)
        })
    }

    fn stop(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            let running = self.running.write().await.take();
            if let Some(host) = running {
                host.stop().await;
            }
        })
    }

    fn people(&self) -> u32 {
        // Starting or stopping: nobody is in yet, or any more.
        self.running.try_read().ok().and_then(|running| running.as_ref().map(Host::people)).unwrap_or(0)
    }
}

/// The host's keys: those of the vault, or new ones that go there.
fn identity(vault: &dyn Vault) -> Result<HostKeys, Failure> {
    let kept = vault.get(KEYS).map_err(|error| Failure::passing(Code::KeyringLocked, error))?;
    if let Some(kept) = kept {
        match HostKeys::from_blob(&kept) {
            Ok(keys) => return Ok(keys),
            // Old invitations die with it; a host that never starts again would be worse.
            Err(error) => tracing::error!(%error, "the host's keys are made anew"),
        }
    }
    let keys = HostKeys::generate().map_err(|error| Failure::of(Code::HostStartFailed, error))?;
    vault.set(KEYS, &keys.to_blob()).map_err(|error| Failure::passing(Code::KeyringLocked, error))?;
    Ok(keys)
}

fn failure(error: HostError) -> Failure {
    match error {
        HostError::Listen { kind: std::io::ErrorKind::AddrInUse, .. } => Failure::passing(Code::PortInUse, error),
        HostError::Full => Failure::passing(Code::RoomFull, error),
        HostError::Listen { .. }
        | HostError::Store(_)
        | HostError::Tls(_)
        | HostError::Media(_)
        | HostError::Public(_)
        | HostError::Stopped
        | HostError::Lasts => Failure::passing(Code::HostStartFailed, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::SystemVault;

    #[test]
    fn the_host_keeps_its_identity_in_the_vault() {
        let vault = SystemVault::memory(Code::KeyringMissing);
        let first = identity(&vault).unwrap().fingerprint();
        assert_eq!(identity(&vault).unwrap().fingerprint(), first);
        vault.set(KEYS, b"damaged").unwrap();
        let anew = identity(&vault).unwrap().fingerprint();
        assert_ne!(anew, first);
        assert_eq!(identity(&vault).unwrap().fingerprint(), anew);
    }
}
