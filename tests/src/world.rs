//! A host and any number of people in one process, on loopback: the whole product without a window.
//! Nothing is announced on the network and nothing of it is fake but the devices.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use host::host::{Host, HostConfig, HostError, Opened};
use host::keys::HostKeys;
use host::sfu::{Sfu, SfuConfig};
use host::token::Tokens;
use protocol::ids::{RoomId, UserId};
use protocol::invite::{Fingerprint, HostAddress, Invite, InviteSecret};
use protocol::pii::Secret;
use protocol::policy::Role;

use crate::person::Guest;
use crate::relay::{Reclusive, Relay};

/// How long test invitations last, in seconds.
const LASTS: u32 = 3600;

/// A building with one meeting in it.
pub struct World {
    /// The host; `None` while it is down.
    pub host: Option<Host>,
    /// The meeting.
    pub room: RoomId,
    config: HostConfig,
    media: Secret<32>,
    broadcast: Secret<16>,
    at: SocketAddr,
    owner: Opened,
    relay: Option<Relay>,
    /// What lasts.
    pub data: tempfile::TempDir,
}

impl World {
    /// Opens it.
    ///
    /// # Errors
    /// The host does not start.
    pub async fn open() -> anyhow::Result<Self> {
        Self::build(false).await
    }

    /// Opens one whose media can only be reached through a [`World::relay`].
    ///
    /// # Errors
    /// The host does not start.
    pub async fn open_behind_a_relay() -> anyhow::Result<Self> {
        Self::build(true).await
    }

    async fn build(relayed: bool) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let keys = HostKeys::generate()?;
        let config = HostConfig {
            bind: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            // Any free one, so that tests can run side by side and beside a real host.
            port: free_port()?,
            data: Some(data.path().to_owned()),
            advertise: false,
            ..HostConfig::new(keys)
        };
        let relay = match relayed {
            true => Some(Relay::to((Ipv4Addr::LOCALHOST, config.port).into()).await?),
            false => None,
        };
        let host = start(&config, relay.as_ref()).await?;
        let owner = host.open_room("World").await?;
        let mut media = [0; 32];
        media[..16].copy_from_slice(owner.entry.expose());
        let broadcast = Secret::new(owner.entry.expose().map(|byte| !byte));
        let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), host.port());
        let config = HostConfig { port: host.port(), ..config };
        let (room, media) = (owner.room.clone(), Secret::new(media));
        Ok(Self { room, host: Some(host), config, media, broadcast, at, owner, relay, data })
    }

    /// Where the host listens.
    #[must_use]
    pub const fn at(&self) -> SocketAddr {
        self.at
    }

    /// What media goes through.
    ///
    /// # Errors
    /// It goes through none.
    pub fn relay(&self) -> anyhow::Result<&Relay> {
        self.relay.as_ref().ok_or_else(|| anyhow::anyhow!("this world has no relay"))
    }

    /// The running host.
    ///
    /// # Errors
    /// It is down.
    pub fn host(&self) -> anyhow::Result<&Host> {
        self.host.as_ref().ok_or_else(|| anyhow::anyhow!("the host is down"))
    }

    /// A LiveKit access token to the meeting, as an office's own backend would make one.
    ///
    /// # Errors
    /// A name that is none.
    pub fn token(&self, identity: &str, role: Role) -> anyhow::Result<String> {
        let tokens = Tokens::new(&self.config.api_key, self.config.keys.api_secret());
        Ok(tokens.mint(&UserId::parse(identity)?, identity, &self.room, role))
    }

    /// API key and secret, as an office's own backend is configured with them.
    #[must_use]
    pub fn api(&self) -> (&str, &str) {
        (&self.config.api_key, self.config.keys.api_secret())
    }

    /// What a foreign client types as the passphrase to be inside the seal: the media secret as text.
    #[must_use]
    pub fn passphrase(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.media.expose())
    }

    /// What invitations pin.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.config.keys.fingerprint()
    }

    /// The owner's own way in.
    #[must_use]
    pub fn owner_invite(&self) -> Invite {
        self.invite_of(&self.owner, self.at)
    }

    /// An invitation to the meeting that leads to the host directly.
    ///
    /// # Errors
    /// The host is down.
    pub async fn invite(&self, role: Role) -> anyhow::Result<Invite> {
        self.invite_by(role, self.at).await
    }

    /// An invitation that leads through another address, such as a cable's end.
    ///
    /// # Errors
    /// The host is down.
    pub async fn invite_by(&self, role: Role, at: SocketAddr) -> anyhow::Result<Invite> {
        let opened = self.host()?.invite(&self.room, role, LASTS).await?;
        let opened = opened.ok_or_else(|| anyhow::anyhow!("the host does not know its room"))?;
        Ok(self.invite_of(&opened, at))
    }

    fn invite_of(&self, opened: &Opened, at: SocketAddr) -> Invite {
        Invite {
            room: opened.room.clone(),
            addresses: vec![HostAddress::Ip(at)],
            id: opened.invite.clone(),
            host: self.fingerprint(),
            expires_at: opened.expires_at,
            secret: InviteSecret {
                entry: opened.entry.clone(),
                media: self.media.clone(),
                broadcast: self.broadcast.clone(),
            },
        }
    }

    /// The owner's way into another room of the same host, with a media secret of its own.
    ///
    /// # Errors
    /// The host is down or full.
    pub async fn next_door(&self, title: &str) -> anyhow::Result<Invite> {
        let opened = self.host()?.open_room(title).await?;
        let mut media = [0; 32];
        media[16..].copy_from_slice(opened.entry.expose());
        let mut invite = self.invite_of(&opened, self.at);
        invite.secret.media = Secret::new(media);
        Ok(invite)
    }

    /// The owner, inside, humming this note; microphone on.
    ///
    /// # Errors
    /// They do not get in.
    pub async fn owner(&self, name: &str, note: f64) -> anyhow::Result<Guest> {
        self.enter(Guest::humming(name, note).await?, &self.owner_invite()).await
    }

    /// Someone inside, humming this note; microphone on.
    ///
    /// # Errors
    /// They do not get in.
    pub async fn guest(&self, name: &str, role: Role, note: f64) -> anyhow::Result<Guest> {
        let invite = self.invite(role).await?;
        self.enter(Guest::humming(name, note).await?, &invite).await
    }

    async fn enter(&self, guest: Guest, invite: &Invite) -> anyhow::Result<Guest> {
        guest.join(&invite.to_link(), true, false).await?;
        guest.until_in().await?;
        Ok(guest)
    }

    /// Stops the host with goodbyes.
    pub async fn stop(&mut self) {
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
    }

    /// Takes the host away without a word, as a crash would.
    pub fn crash(&mut self) {
        self.host = None;
    }

    /// Starts it again with the same keys, port and store.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        // The port of a crashed host may take a moment to be free.
        let mut last = None;
        for _ in 0..100 {
            match start(&self.config, self.relay.as_ref()).await {
                Ok(host) => {
                    self.host = Some(host);
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Err(last.map_or_else(|| anyhow::anyhow!("no try was made"), Into::into))
    }
}

/// Starts a host; behind a relay it tells everybody the relay's end as its only address for media.
async fn start(config: &HostConfig, relay: Option<&Relay>) -> Result<Host, HostError> {
    let Some(relay) = relay else { return Host::start(config.clone()).await };
    let end = relay.end();
    let media = async |udp, _| {
        let (plane, events) =
            Sfu::start(SfuConfig::new(udp, vec![end])).map_err(|e| HostError::Media(e.to_string()))?;
        Ok((Reclusive(plane), events))
    };
    Host::start_with(config.clone(), media).await
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
