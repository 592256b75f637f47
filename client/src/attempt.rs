//! One try to get in: find the host, enter the office, open signalling. Run by one task that the session may drop.
//! It decides nothing about what comes after; what it brings is checked to be the first word of each protocol.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use livekit_protocol as lk;
use lk::signal_response::Message as Say;
use protocol::bridge::{Code, Failure, JoinStep};
use protocol::ids::{InviteId, RoomId, UserId};
use protocol::invite::{Fingerprint, HostAddress};
use protocol::office::{self, Refusal, ToClient, ToHost};
use protocol::policy::{Matrix, Role};
use protocol::signal;
use rustls::pki_types::ServerName;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use zeroize::Zeroizing;

use crate::address::ServerUrl;
use crate::discovery;
use crate::link::{self, Connect, Security, Socket, Upgrade, Wire};
use crate::tls::{self, Trust};

/// The first word must come within this time.
const FIRST_WORD: Duration = Duration::from_secs(5);
/// How long the network is searched for a host whose known addresses do not answer.
const SEARCH: Duration = Duration::from_secs(4);

/// Why it did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] Connect),
    /// The office said no.
    #[error("the office refused: {why:?}")]
    Refused {
        /// Why.
        why: Refusal,
        /// Seconds to wait.
        retry_after: Option<u32>,
    },
    /// The server sent us away with its first word.
    #[error("the server sent us away")]
    Away(Box<lk::LeaveRequest>),
}

impl Failed {
    /// As the door says it.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Connect(error) => error.failure(),
            Self::Refused { why, .. } => {
                let code = refusal_code(*why);
                Failure {
                    code,
                    detail: self.to_string(),
                    retry: matches!(code, Code::TooManyTries | Code::HostClosing),
                }
            }
            Self::Away(leave) => Failure::of(leave_code(leave).unwrap_or(Code::NotAMeetingServer), self),
        }
    }
}

/// What a person is told about a refusal.
pub(crate) const fn refusal_code(why: Refusal) -> Code {
    match why {
        Refusal::Invite => Code::InviteRefused,
        Refusal::Expired => Code::InviteExpired,
        Refusal::Session => Code::SessionOver,
        Refusal::Version => Code::VersionMismatch,
        Refusal::TooManyTries => Code::TooManyTries,
        Refusal::Full => Code::RoomFull,
        Refusal::NotAllowed => Code::NotAllowed,
        Refusal::Malformed => Code::Internal,
        Refusal::Closing => Code::HostClosing,
        Refusal::NoSuchPerson => Code::BadInput,
        Refusal::LastOwner => Code::LastOwner,
    }
}

/// What a person is told when a server ends the session for good. `None`: it did not mean it for good.
pub(crate) fn leave_code(leave: &lk::LeaveRequest) -> Option<Code> {
    use lk::DisconnectReason as Why;
    match Why::try_from(leave.reason).unwrap_or(Why::UnknownReason) {
        Why::DuplicateIdentity => Some(Code::JoinedElsewhere),
        Why::ParticipantRemoved => Some(Code::Removed),
        Why::RoomDeleted | Why::RoomClosed => Some(Code::MeetingOver),
        _ => None,
    }
}

/// A host of ours or a foreign server, ready to be connected to.
#[derive(Clone)]
pub(crate) struct Place {
    /// Where to knock.
    pub(crate) addresses: Vec<HostAddress>,
    /// Whose key must answer; `None` on a foreign server.
    pub(crate) host: Option<Fingerprint>,
    security: Security,
    authority: String,
    prefix: String,
}

impl Place {
    /// A host of ours.
    ///
    /// # Errors
    /// The crypto library failed.
    pub(crate) fn host(fingerprint: Fingerprint, addresses: Vec<HostAddress>) -> Result<Self, Connect> {
        let config = tls::config(&Trust::Host(fingerprint)).map_err(Connect::Tls)?;
        let name = ServerName::try_from(tls::HOST_NAME).expect("a constant name is a name");
        Ok(Self {
            addresses,
            host: Some(fingerprint),
            security: Security::Tls(config, name),
            authority: tls::HOST_NAME.to_owned(),
            prefix: String::new(),
        })
    }

    /// A foreign server. Reads the machine's trust store: call it where blocking is fine.
    ///
    /// # Errors
    /// The trust store cannot be read, or the name is none.
    pub(crate) fn server(url: &ServerUrl, trust: &Trust) -> Result<Self, Connect> {
        let security = if url.secure {
            let name = ServerName::try_from(url.host.clone()).map_err(|_| Connect::Url(Code::UrlUnreadable))?;
            Security::Tls(tls::config(trust).map_err(Connect::Tls)?, name)
        } else {
            Security::PlainLoopback
        };
        Ok(Self {
            addresses: vec![url.address()],
            host: None,
            security,
            authority: url.authority(),
            prefix: url.prefix.clone(),
        })
    }

    #[cfg(test)]
    pub(crate) const fn security(&self) -> &Security {
        &self.security
    }

    async fn reach(&self) -> Result<(Box<dyn Wire>, SocketAddr), Connect> {
        match (link::reach(&self.addresses, &self.security).await, self.host) {
            (Err(error), Some(host)) if error.code() == Code::HostUnreachable => {
                let found = discovery::find(host, SEARCH).await;
                if found.is_empty() { Err(error) } else { link::reach(&found, &self.security).await }
            }
            (result, _) => result,
        }
    }
}

/// How the office is asked to let us in.
#[derive(Clone)]
pub(crate) enum By {
    /// With an invitation.
    Invite {
        /// Which.
        id: InviteId,
        /// Its entry bytes, base64url.
        proof: Zeroizing<String>,
    },
    /// Coming back.
    Session(Zeroizing<String>),
}

/// What the office is told.
#[derive(Clone)]
pub(crate) struct Hello {
    /// The room.
    pub(crate) room: RoomId,
    /// How.
    pub(crate) by: By,
    /// What to be called.
    pub(crate) name: protocol::ids::DisplayName,
    /// What protects the window.
    pub(crate) shield: protocol::shield::ShieldStatus,
}

impl Hello {
    fn text(&self) -> Zeroizing<String> {
        let entry = match &self.by {
            By::Invite { id, proof } => office::Entry::Invite { id: id.clone(), proof: proof.to_string() },
            By::Session(token) => office::Entry::Session { token: token.to_string() },
        };
        Zeroizing::new(
            ToHost::Hello {
                version: office::VERSION,
                room: self.room.clone(),
                entry,
                name: self.name.clone(),
                shield: self.shield,
            }
            .to_text(),
        )
    }
}

/// What the office said at the door.
#[derive(Debug, Clone)]
pub(crate) struct Welcome {
    /// Identity.
    pub(crate) you: UserId,
    /// What the meeting is called.
    pub(crate) title: String,
    /// Our role.
    pub(crate) role: Role,
    /// Everyone's rights.
    pub(crate) matrix: Matrix,
    /// What the meeting demands before it sends pictures.
    pub(crate) minimum: protocol::shield::ShieldMinimum,
    /// Who is here.
    pub(crate) people: Vec<office::Person>,
    /// For `/rtc`.
    pub(crate) signal_token: String,
    /// For coming back.
    pub(crate) session_token: Zeroizing<String>,
    /// Where else the host is.
    pub(crate) addresses: Vec<String>,
}

/// The office is open to us.
pub(crate) struct InOffice {
    /// Its socket.
    pub(crate) socket: Socket,
    /// Its first word.
    pub(crate) welcome: Welcome,
}

/// Signalling is open to us.
pub(crate) struct InSignal {
    /// Its socket.
    pub(crate) socket: Socket,
    /// Its first word: a join, or a reconnect when resuming.
    pub(crate) first: First,
}

/// A first word of signalling.
pub(crate) enum First {
    /// A new session.
    Join(Box<lk::JoinResponse>),
    /// The old one goes on.
    Reconnect,
}

/// Everything a whole entry brings.
pub(crate) struct Entered {
    /// Only with a host of ours.
    pub(crate) office: Option<InOffice>,
    /// Always.
    pub(crate) signal: InSignal,
    /// Who answered: media is expected there, too.
    pub(crate) at: SocketAddr,
}

/// Enters a host: office first, then signalling with the token it gave; the second connection is made meanwhile.
///
/// # Errors
/// See [`Failed`].
pub(crate) async fn enter_host(
    place: &Place,
    hello: &Hello,
    steps: &mpsc::Sender<JoinStep>,
) -> Result<Entered, Failed> {
    let (wire, at) = place.reach().await?;
    tell(steps, JoinStep::Entering);
    let (office, second) = tokio::join!(enter_office_on(wire, place, hello), link::reach_ip(at, &place.security));
    let office = office?;
    tell(steps, JoinStep::Connecting);
    let wire = match second {
        Ok(wire) => wire,
        Err(_) => link::reach_ip(at, &place.security).await?,
    };
    let signal = signal_on(wire, place, &office.welcome.signal_token, None).await?;
    Ok(Entered { office: Some(office), signal, at })
}

/// Enters a foreign server with a token.
///
/// # Errors
/// See [`Failed`].
pub(crate) async fn enter_server(
    place: &Place,
    token: &str,
    steps: &mpsc::Sender<JoinStep>,
) -> Result<Entered, Failed> {
    let (wire, at) = place.reach().await?;
    tell(steps, JoinStep::Connecting);
    let signal = signal_on(wire, place, token, None).await?;
    Ok(Entered { office: None, signal, at })
}

/// Opens signalling again: `resume` is the old session's sid, `None` starts a new one.
///
/// # Errors
/// See [`Failed`].
pub(crate) async fn open_signal(
    place: &Place,
    at: SocketAddr,
    token: &str,
    resume: Option<&str>,
) -> Result<InSignal, Failed> {
    let wire = link::reach_ip(at, &place.security).await?;
    signal_on(wire, place, token, resume).await
}

/// Enters the office again.
///
/// # Errors
/// See [`Failed`].
pub(crate) async fn open_office(place: &Place, hello: &Hello) -> Result<InOffice, Failed> {
    let (wire, _) = place.reach().await?;
    enter_office_on(wire, place, hello).await
}

fn tell(steps: &mpsc::Sender<JoinStep>, step: JoinStep) {
    // Only for show: a session that is gone, or busy, needs no step.
    if steps.try_send(step).is_err() {
        tracing::trace!("a step nobody saw");
    }
}

async fn enter_office_on(wire: Box<dyn Wire>, place: &Place, hello: &Hello) -> Result<InOffice, Failed> {
    let ask = Upgrade { authority: &place.authority, path: "/office", bearer: None, max_message: office::MAX_MESSAGE };
    let mut socket = link::upgrade(wire, &ask).await?;
    let sent = timeout(FIRST_WORD, socket.send(Message::text(hello.text().to_string()))).await;
    if !matches!(sent, Ok(Ok(()))) {
        return Err(Connect::Slow("saying hello").into());
    }
    match timeout(FIRST_WORD, first_office(&mut socket)).await {
        Err(_) => Err(Connect::Slow("waiting for the welcome").into()),
        Ok(Err(failed)) => Err(failed),
        Ok(Ok(welcome)) => Ok(InOffice { socket, welcome }),
    }
}

async fn first_office(socket: &mut Socket) -> Result<Welcome, Failed> {
    loop {
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Binary(_))) => return Err(Connect::Protocol("bytes in the office").into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                return Err(Connect::Tcp(std::io::ErrorKind::ConnectionReset).into());
            }
        };
        return match ToClient::parse(text.as_str()) {
            Ok(ToClient::Welcome {
                version,
                you,
                room: _,
                title,
                role,
                matrix,
                people,
                signal_token,
                session_token,
                host: _,
                addresses,
                shield_minimum: minimum,
            }) => {
                if version != office::VERSION {
                    return Err(Failed::Refused { why: Refusal::Version, retry_after: None });
                }
                let session_token = Zeroizing::new(session_token);
                Ok(Welcome { you, title, role, matrix, minimum, people, signal_token, session_token, addresses })
            }
            Ok(ToClient::Refused { why, retry_after }) => Err(Failed::Refused { why, retry_after }),
            Ok(_) | Err(_) => Err(Connect::Protocol("no welcome").into()),
        };
    }
}

async fn signal_on(wire: Box<dyn Wire>, place: &Place, token: &str, resume: Option<&str>) -> Result<InSignal, Failed> {
    let mut path = format!(
        "{}/rtc?protocol={}&sdk=rust&version={}&auto_subscribe=1&adaptive_stream=0",
        place.prefix,
        signal::PROTOCOL,
        env!("CARGO_PKG_VERSION"),
    );
    if let Some(sid) = resume {
        path.push_str("&reconnect=1&sid=");
        path.push_str(sid);
    }
    let ask =
        Upgrade { authority: &place.authority, path: &path, bearer: Some(token), max_message: signal::MAX_MESSAGE };
    let mut socket = link::upgrade(wire, &ask).await?;
    match timeout(FIRST_WORD, first_signal(&mut socket, resume.is_some())).await {
        Err(_) => Err(Connect::Slow("waiting for the join").into()),
        Ok(Err(failed)) => Err(failed),
        Ok(Ok(first)) => Ok(InSignal { socket, first }),
    }
}

async fn first_signal(socket: &mut Socket, resuming: bool) -> Result<First, Failed> {
    loop {
        let bytes = match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Text(_))) => return Err(Connect::Protocol("text in signalling").into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                return Err(Connect::Tcp(std::io::ErrorKind::ConnectionReset).into());
            }
        };
        return match signal::parse_response(&bytes) {
            Ok(Say::Join(join)) if !resuming => Ok(First::Join(Box::new(join))),
            Ok(Say::Reconnect(_)) if resuming => Ok(First::Reconnect),
            Ok(Say::Leave(leave)) => Err(Failed::Away(Box::new(leave))),
            Ok(_) | Err(_) => Err(Connect::Protocol("no join").into()),
        };
    }
}
