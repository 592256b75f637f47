//! What a join needs before the first packet: secrets from the vault, a host inside this app, keys. Async functions
//! that run in a task of the session and touch none of its state.

use std::sync::Arc;

use protocol::bridge::{Code, Failure, HostingView, JoinStep};
use protocol::ids::{DisplayName, InviteId, RoomId};
use protocol::invite::{Fingerprint, HostAddress, Invite, ParseInvite};
use protocol::pii::Secret;
use protocol::shield::ShieldStatus;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::seals::Seals;
use crate::address::ServerUrl;
use crate::attempt::{By, Hello, Place};
use crate::ports::{LocalHost, LocalMeeting};
use crate::profile::{Recent, Way};
use crate::secrets::{self, Kind, Secrets};
use crate::tls::Trust;

/// Where the user wants to go.
pub(crate) enum Goal {
    /// A new meeting on the host inside this app.
    HostHere {
        /// What it is called.
        title: String,
    },
    /// By a link.
    Invite(Box<Invite>),
    /// A foreign server.
    Server {
        /// As typed.
        url: String,
        /// Access token.
        token: Zeroizing<String>,
        /// Empty: not sealed.
        passphrase: Zeroizing<String>,
    },
    /// A meeting of before.
    Recent {
        /// Which.
        recent: Recent,
        /// Where its host was just seen on this network.
        near: Vec<HostAddress>,
    },
}

/// How the door opens.
#[derive(Clone)]
pub(crate) enum Ticket {
    /// Our hosts: the office is asked.
    Office(Hello),
    /// Foreign servers: an access token.
    Token(Zeroizing<String>),
}

/// Everything known before connecting.
pub(crate) struct Prepared {
    /// Names the meeting's secrets; empty on a foreign server until the room is known.
    pub(crate) id: String,
    /// Where.
    pub(crate) place: Place,
    /// How.
    pub(crate) ticket: Ticket,
    /// `Some`: sealed. The keys arrive in it by [`Prepared::keys`].
    pub(crate) seals: Option<Seals>,
    /// Ends when the seals have their keys.
    pub(crate) keys: Option<JoinHandle<bool>>,
    /// What invitations to this meeting carry.
    pub(crate) media: Option<Secret<32>>,
    /// What invitations to every meeting of this host carry.
    pub(crate) broadcast: Option<Secret<16>>,
    /// On a foreign server: kept in the vault with the token.
    pub(crate) passphrase: Zeroizing<String>,
    /// Hosted by this app.
    pub(crate) own: bool,
    /// For the list of recent meetings.
    pub(crate) way: Way,
    /// The host inside this app, if it was started for this.
    pub(crate) hosting: Option<HostingView>,
    /// What it was called before; the office knows better.
    pub(crate) title: String,
}

/// What preparing needs.
#[derive(Clone)]
pub(crate) struct Kit {
    pub(crate) secrets: Secrets,
    pub(crate) host: Option<Arc<dyn LocalHost>>,
    pub(crate) name: DisplayName,
    pub(crate) shield: ShieldStatus,
    pub(crate) plaintext: bool,
}

/// What a person is told about a link that is none.
pub(crate) fn invite_failure(error: ParseInvite) -> Failure {
    let code = match error {
        ParseInvite::SecretMissing | ParseInvite::Secret => Code::InviteCut,
        ParseInvite::Version => Code::InviteTooNew,
        ParseInvite::Scheme
        | ParseInvite::TooLong
        | ParseInvite::Address
        | ParseInvite::Room
        | ParseInvite::Fingerprint
        | ParseInvite::Id
        | ParseInvite::Expiry
        | ParseInvite::Field => Code::InviteUnreadable,
    };
    Failure::of(code, error)
}

/// Gathers everything for a join.
///
/// # Errors
/// As the door says it.
pub(crate) async fn prepare(goal: Goal, kit: &Kit, steps: &mpsc::Sender<JoinStep>) -> Result<Prepared, Failure> {
    match goal {
        Goal::HostHere { title } => {
            let host = local(kit)?;
            if steps.try_send(JoinStep::StartingHost).is_err() {
                tracing::trace!("a step nobody saw");
            }
            let meeting = host.open(&title).await?;
            own_meeting(kit, meeting, secrets::random(), title).await
        }
        Goal::Invite(invite) => {
            let proof = secrets::text(invite.secret.entry.expose());
            let way = HostWay { room: invite.room, host: invite.host, addresses: invite.addresses, own: false };
            let shared = Shared { media: invite.secret.media.clone(), broadcast: invite.secret.broadcast.clone() };
            host_meeting(kit, way, By::Invite { id: invite.id, proof }, shared, String::new())
        }
        Goal::Server { url, token, passphrase } => server(kit, &url, token, passphrase, String::new()).await,
        Goal::Recent { recent, near } => again(kit, recent, near).await,
    }
}

async fn again(kit: &Kit, recent: Recent, near: Vec<HostAddress>) -> Result<Prepared, Failure> {
    let over = || Failure::of(Code::SessionOver, "its secrets are gone");
    match recent.way {
        Way::Server { url } => {
            let token = string(kit.secrets.get(Kind::Token, &recent.id).await).ok_or_else(over)?;
            let passphrase = string(kit.secrets.get(Kind::Passphrase, &recent.id).await).unwrap_or_default();
            server(kit, &url, token, passphrase, recent.title).await
        }
        Way::Host { room, host, addresses } => {
            let host = Fingerprint::decode(&host).map_err(|e| Failure::of(Code::SessionOver, e))?;
            let media = kept(kit, Kind::Media, &recent.id).await.ok_or_else(over)?;
            if recent.own {
                let meeting = local(kit)?.reopen(&room).await?.ok_or_else(over)?;
                return own_meeting(kit, meeting, media, recent.title).await;
            }
            let broadcast = kept(kit, Kind::Broadcast, &recent.id).await.ok_or_else(over)?;
            let token = string(kit.secrets.get(Kind::Session, &recent.id).await).ok_or_else(over)?;
            let known = addresses.iter().filter_map(|a| HostAddress::parse(a).ok());
            let addresses = near.into_iter().chain(known).take(Invite::MAX_ADDRESSES).collect();
            host_meeting(
                kit,
                HostWay { room, host, addresses, own: false },
                By::Session(token),
                Shared { media, broadcast },
                recent.title,
            )
        }
    }
}

fn local(kit: &Kit) -> Result<&Arc<dyn LocalHost>, Failure> {
    kit.host.as_ref().ok_or_else(|| Failure::of(Code::HostStartFailed, "there is no host in this program"))
}

fn string(bytes: Option<Zeroizing<Vec<u8>>>) -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(std::str::from_utf8(&bytes?).ok()?.to_owned()))
}

async fn kept<const N: usize>(kit: &Kit, kind: Kind, id: &str) -> Option<Secret<N>> {
    let bytes = kit.secrets.get(kind, id).await?;
    Some(Secret::new(bytes.as_slice().try_into().ok()?))
}

/// What people share and the host never sees.
struct Shared {
    /// With everyone in the room.
    media: Secret<32>,
    /// With everyone on the host.
    broadcast: Secret<16>,
}

struct HostWay {
    room: RoomId,
    host: Fingerprint,
    addresses: Vec<HostAddress>,
    own: bool,
}

async fn own_meeting(kit: &Kit, meeting: LocalMeeting, media: Secret<32>, title: String) -> Result<Prepared, Failure> {
    // Made here and not by the host: it forwards megaphones and must not be able to open them.
    let id = secrets::own_host_id(&meeting.fingerprint);
    let broadcast = kit.secrets.get_or_make(Kind::Broadcast, &id).await;
    let broadcast = broadcast.map_err(|error| Failure::passing(Code::KeyringLocked, error))?;
    let hosting = HostingView {
        title: title.clone(),
        addresses: meeting.addresses.iter().filter(|a| !a.ip().is_loopback()).map(ToString::to_string).collect(),
        fingerprint: meeting.fingerprint.spoken(),
        people: kit.host.as_ref().map_or(0, |h| h.people()),
    };
    let by = owner_ticket(meeting.invite, &meeting.entry);
    let addresses = meeting.addresses.into_iter().map(HostAddress::Ip).collect();
    let way = HostWay { room: meeting.room, host: meeting.fingerprint, addresses, own: true };
    let prepared = host_meeting(kit, way, by, Shared { media, broadcast }, title)?;
    Ok(Prepared { hosting: Some(hosting), ..prepared })
}

fn owner_ticket(id: InviteId, entry: &Secret<16>) -> By {
    By::Invite { id, proof: secrets::text(entry.expose()) }
}

fn host_meeting(kit: &Kit, way: HostWay, by: By, shared: Shared, title: String) -> Result<Prepared, Failure> {
    let HostWay { room, host, addresses, own } = way;
    let id = secrets::host_meeting_id(&room, &host);
    let kept = Way::Host {
        room: room.clone(),
        host: host.encode(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
    };
    let place = Place::host(host, addresses).map_err(|e| e.failure())?;
    let Shared { media, broadcast } = shared;
    let (seals, keys) = Seals::derive(secrets::text(media.expose()), Some(secrets::text(broadcast.expose())));
    let hello = Hello { room, by, name: kit.name.clone(), shield: kit.shield };
    Ok(Prepared {
        id,
        place,
        ticket: Ticket::Office(hello),
        seals: Some(seals),
        keys: Some(keys),
        media: Some(media),
        broadcast: Some(broadcast),
        passphrase: Zeroizing::default(),
        own,
        way: kept,
        hosting: None,
        title,
    })
}

async fn server(
    kit: &Kit,
    url: &str,
    token: Zeroizing<String>,
    passphrase: Zeroizing<String>,
    title: String,
) -> Result<Prepared, Failure> {
    /// A LiveKit token with every claim is under a tenth of this.
    const MAX_TOKEN: usize = 16 * 1024;
    let parsed = ServerUrl::parse(url, kit.plaintext).map_err(|code| Failure::of(code, "the server's URL"))?;
    if token.trim().is_empty() || token.len() > MAX_TOKEN || passphrase.len() > 1024 {
        return Err(Failure::of(Code::BadInput, "token or passphrase"));
    }
    let token = Zeroizing::new(token.trim().to_owned());
    let kept = Way::Server {
        url: format!("{}://{}{}", if parsed.secure { "wss" } else { "ws" }, parsed.authority(), parsed.prefix),
    };
    let place = tokio::task::spawn_blocking(move || Place::server(&parsed, &Trust::System))
        .await
        .map_err(|e| Failure::of(Code::Internal, e))?
        .map_err(|e| e.failure())?;
    let (seals, keys) = if passphrase.is_empty() {
        (None, None)
    } else {
        let (seals, keys) = Seals::derive(passphrase.clone(), None);
        (Some(seals), Some(keys))
    };
    Ok(Prepared {
        id: String::new(),
        place,
        ticket: Ticket::Token(token),
        seals,
        keys,
        media: None,
        broadcast: None,
        passphrase,
        own: false,
        way: kept,
        hosting: None,
        title,
    })
}
