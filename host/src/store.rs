//! What lasts: rooms, their matrix, members and roles, invitations and sessions, in SQLite (WAL) or in memory.
//! One thread owns the connection; everyone else sends it writes. Of secrets only SHA-256 hashes come here. When the
//! disk is full or broken the meeting goes on and [`Store::health`] says why nothing lasts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::ids::{DisplayName, InviteId, RoomId, UserId};
use protocol::policy::{Matrix, Role};
use protocol::shield::ShieldMinimum;
use protocol::watermark::Watermark;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot, watch};

mod schema;

/// SHA-256 of a secret.
pub type Hash = [u8; 32];

/// Writes that may wait for the disk. More means the disk hangs.
const QUEUE: usize = 1024;

/// How long the meeting waits for a write before it goes on without.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why something was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No space left.
    #[error("the disk is full")]
    Full,
    /// The folder or file may not be written.
    #[error("the data folder cannot be written")]
    ReadOnly,
    /// The file is not a database of ours, or damaged.
    #[error("the data file is damaged")]
    Damaged,
    /// Written by a newer version of this program.
    #[error("the data file is of version {0}, which this program does not know")]
    Newer(i64),
    /// Another host uses it.
    #[error("another host uses this data folder")]
    Busy,
    /// The disk does not answer.
    #[error("the disk does not answer")]
    Slow,
    /// Anything else.
    #[error("the store failed: {0}")]
    Other(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            // The message names a table at most, never a value.
            Some(code) => Self::Other(format!("{code:?}")),
            None => Self::Other("unexpected value".into()),
        }
    }
}

/// One thing to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// A room, new or with a changed title, matrix or minimum.
    Room {
        /// Which.
        room: RoomId,
        /// Its title.
        title: String,
        /// Its rights.
        matrix: Matrix,
        /// What it demands before it sends pictures.
        minimum: ShieldMinimum,
        /// Unix seconds.
        created_at: u32,
    },
    /// What is drawn over a room's pictures.
    Watermark {
        /// Where.
        room: RoomId,
        /// What.
        watermark: Watermark,
    },
    /// A person of a room, new or changed.
    Member {
        /// Where.
        room: RoomId,
        /// Who.
        user: UserId,
        /// What they are.
        role: Role,
        /// What they are called.
        name: DisplayName,
        /// Sent pictures whatever protects their window.
        exempt: bool,
    },
    /// An invitation.
    Invite {
        /// Where to.
        room: RoomId,
        /// Which.
        id: InviteId,
        /// What its bearers become.
        role: Role,
        /// Of its entry secret.
        verifier: Hash,
        /// Unix seconds.
        expires_at: u32,
    },
    /// A session, new or used again.
    Session {
        /// Of its token.
        token: Hash,
        /// Where.
        room: RoomId,
        /// Whose.
        user: UserId,
        /// Unix seconds of its last use.
        used_at: u32,
    },
    /// Invitations that ended and sessions last used before these moments are forgotten.
    Forget {
        /// Unix seconds.
        invites_before: u32,
        /// Unix seconds.
        sessions_before: u32,
    },
}

/// Everything that was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// One write per kept thing: rooms first, then watermarks, members, invitations, sessions.
    pub all: Vec<Write>,
}

/// A handle; the last one dropped ends the thread after its queue is empty.
#[derive(Debug, Clone)]
pub struct Store {
    queue: mpsc::Sender<(Write, oneshot::Sender<Result<(), StoreError>>)>,
    health: watch::Receiver<Option<StoreError>>,
    failures: Arc<AtomicU64>,
}

impl Store {
    /// Opens `folder/host.sqlite`, or memory for `None`, brings it to today's form and reads it.
    ///
    /// # Errors
    /// It cannot be opened, is damaged, newer, or in use.
    pub fn open(folder: Option<&Path>) -> Result<(Self, Saved), StoreError> {
        let connection = match folder {
            Some(folder) => {
                make_private_folder(folder)?;
                Connection::open(folder.join("host.sqlite"))?
            }
            None => Connection::open_in_memory()?,
        };
        Self::with(connection)
    }

    fn with(mut connection: Connection) -> Result<(Self, Saved), StoreError> {
        connection.busy_timeout(Duration::from_secs(2))?;
        schema::prepare(&mut connection)?;
        let saved = schema::read(&connection)?;
        let (queue, mut writes) = mpsc::channel::<(Write, oneshot::Sender<Result<(), StoreError>>)>(QUEUE);
        let (set_health, health) = watch::channel(None);
        let failures = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&failures);
        std::thread::Builder::new()
            .name("host-store".into())
            .spawn(move || {
                while let Some((write, done)) = writes.blocking_recv() {
                    let result = schema::apply(&connection, &write);
                    if let Err(error) = &result {
                        counted.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(%error, "store_write_failed");
                    }
                    let now = result.clone().err();
                    set_health.send_if_modified(|health| {
                        let changed = *health != now;
                        *health = now;
                        changed
                    });
                    // The writer may have lost patience.
                    done.send(result).ok();
                }
                if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
                    tracing::debug!(error = %StoreError::from(error), "store_checkpoint_skipped");
                }
            })
            .map_err(|e| StoreError::Other(e.kind().to_string()))?;
        Ok((Self { queue, health, failures }, saved))
    }

    /// Keeps one thing; back when it is on disk, or after half a second.
    ///
    /// # Errors
    /// It was not kept (yet). The caller goes on: a meeting does not end because a disk is full.
    pub async fn keep(&self, write: Write) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        if self.queue.try_send((write, done)).is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::Slow);
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(StoreError::Slow),
        }
    }

    /// Keeps one thing without waiting for it.
    pub fn keep_later(&self, write: Write) {
        let (done, _) = oneshot::channel();
        if self.queue.try_send((write, done)).is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Are there writes that wait for the disk?
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.queue.capacity() < QUEUE
    }

    /// Why the last write failed; `None`: it did not.
    #[must_use]
    pub fn health(&self) -> Option<StoreError> {
        self.health.borrow().clone()
    }

    /// Writes that failed since the start.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// Names and roles are people's data: nobody else on the machine reads them.
fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| match e.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        other => StoreError::Other(other.to_string()),
    })
}

#[cfg(test)]
mod tests;
