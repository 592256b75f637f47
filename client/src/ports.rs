//! What the client needs from outside and never makes itself: a vault for secrets, a host inside the app, a page to
//! draw pictures. Traits and plain data only; `app` plugs the real ones in, tests plug in memory.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use media_core::device::Devices;
use media_core::frame::Codec;
use media_core::video::screen::patch::Patch;
use protocol::bridge::{Failure, VaultView};
use protocol::ids::{DisplayName, InviteId, RoomId};
use protocol::invite::Fingerprint;
use protocol::pii::Secret;
use protocol::shield::ShieldStatus;
use zeroize::Zeroizing;

/// A future that is named by nobody.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a secret could not be kept or found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Longer than every system's keyring can take (2,560 bytes on Windows).
    #[error("a secret of {0} bytes is too long for a keyring")]
    TooLong(usize),
    /// The keyring said no.
    #[error("the keyring failed: {0}")]
    Keyring(String),
}

/// Where secrets live: the system's keyring, or memory for this run. Calls may block for a while: never from an async
/// task directly.
pub trait Vault: Send + Sync {
    /// A secret, if it is there.
    ///
    /// # Errors
    /// The keyring failed.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;

    /// Keeps a secret under a name; at most 2,560 bytes after base64.
    ///
    /// # Errors
    /// Too long, or the keyring failed.
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError>;

    /// Forgets a secret; one that is not there is fine.
    ///
    /// # Errors
    /// The keyring failed.
    fn forget(&self, name: &str) -> Result<(), VaultError>;

    /// What to tell the user about it.
    fn view(&self) -> VaultView;
}

/// A meeting on the host inside this app.
#[derive(Debug, Clone)]
pub struct LocalMeeting {
    /// The room.
    pub room: RoomId,
    /// An invitation that makes its bearer the owner.
    pub invite: InviteId,
    /// Its entry secret.
    pub entry: Secret<16>,
    /// The host's key.
    pub fingerprint: Fingerprint,
    /// Where it listens: loopback first, then the LAN.
    pub addresses: Vec<SocketAddr>,
}

/// The host inside this app. The client does not know how one is built.
pub trait LocalHost: Send + Sync {
    /// Starts it if it does not run, and opens a meeting.
    fn open(&self, title: &str) -> Pending<'_, Result<LocalMeeting, Failure>>;

    /// Starts it again for a meeting of an earlier run, so that old invitations work; `None`: that meeting is not here.
    fn reopen(&self, room: &RoomId) -> Pending<'_, Result<Option<LocalMeeting>, Failure>>;

    /// Stops it: everyone is told.
    fn stop(&self) -> Pending<'_, ()>;

    /// People connected now.
    fn people(&self) -> u32;
}

/// One picture on its way to the page.
#[derive(Debug, Clone)]
pub struct PageFrame {
    /// The track: a sid, or `local-camera`, `local-screen`, `preview`.
    pub track: String,
    /// Number of the frame on its track: the client counts, from 0 and by one, because it keeps the ack window; the
    /// count starts again with each [`FrameSink`].
    pub seq: u32,
    /// What the bytes are.
    pub content: PageContent,
    /// RTP clock, 90 kHz.
    pub rtp_time: u32,
}

/// The bytes of a [`PageFrame`].
#[derive(Debug, Clone)]
pub enum PageContent {
    /// For WebCodecs.
    Encoded {
        /// How.
        codec: Codec,
        /// Decodable without an earlier one.
        key: bool,
        /// H.264 in Annex B, or a VP8 frame.
        data: Bytes,
    },
    /// Decoded in Rust, where the page lacks the codec.
    I420 {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Tight planes Y, U, V.
        data: Bytes,
    },
    /// What changed of the picture before, which was an [`PageContent::I420`] or patched itself.
    Patches {
        /// Pixels of the whole picture.
        width: u32,
        /// Pixels of the whole picture.
        height: u32,
        /// To be done one after the other.
        patches: Vec<Patch>,
    },
    /// The track is over: close the decoder, clear the tile.
    End,
}

/// The page's end of the frames door.
pub trait FrameSink: Send + Sync {
    /// Sends one frame; `false` when the page is gone.
    fn send(&self, frame: PageFrame) -> bool;
}

/// Everything from outside.
#[derive(Clone)]
pub struct Ports {
    /// Hardware.
    pub devices: Arc<dyn Devices>,
    /// Secrets.
    pub vault: Arc<dyn Vault>,
    /// The host inside this app; `None` in a headless visitor.
    pub host: Option<Arc<dyn LocalHost>>,
    /// Where `settings.json` and the list of recent meetings are kept; `None`: nothing is written.
    pub profile: Option<std::path::PathBuf>,
    /// What protects the window at start.
    pub shield: ShieldStatus,
    /// What the system calls the person, if it knows; proposed as their name.
    pub person: Option<DisplayName>,
}
