//! Sockets to a host or server: addresses raced, TLS, the WebSocket upgrade, and a driver that moves frames.
//! Run by tokio tasks. It knows nothing about what the frames say; `session` does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use protocol::bridge::{Code, Failure};
use protocol::invite::HostAddress;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::tls;

/// One address gets this long for TCP, and again for TLS, and again for the upgrade.
const STEP: Duration = Duration::from_secs(5);
/// The next address is tried after this, while the earlier ones are still being waited for (RFC 8305 calls it the
/// connection attempt delay; ours are mostly on one LAN, so it is shorter than the 250 ms there).
const STAGGER: Duration = Duration::from_millis(80);
/// Frames waiting to be written. More means the socket is stuck, and it is given up.
const OUTBOX: usize = 256;
/// A closing socket gets this long to send its last frames.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why there is no connection. Says no address: details go into logs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Connect {
    /// TCP failed.
    #[error("no connection: {0}")]
    Tcp(io::ErrorKind),
    /// A step took too long.
    #[error("no answer in time while {0}")]
    Slow(&'static str),
    /// The handshake failed.
    #[error("TLS failed: {0}")]
    Tls(rustls::Error),
    /// The upgrade was answered with another status.
    #[error("the upgrade was answered with HTTP {0}")]
    Http(u16),
    /// It does not speak WebSocket.
    #[error("not a WebSocket: {0}")]
    NotWebSocket(String),
    /// There was nothing to try.
    #[error("no address to try")]
    NoAddress,
    /// The URL is not one, or not one that may be used.
    #[error("the URL cannot be used")]
    Url(Code),
    /// It answered, and said something that is not the protocol.
    #[error("the server said something else than the protocol: {0}")]
    Protocol(&'static str),
}

impl Connect {
    /// What a person is told.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Tcp(_) | Self::Slow(_) | Self::NoAddress => Code::HostUnreachable,
            Self::Tls(error) => tls::code_of(error),
            Self::Http(401 | 403) => Code::TokenRefused,
            Self::Http(500..=599) => Code::HostUnreachable,
            Self::Http(429) => Code::TooManyTries,
            Self::Http(_) | Self::NotWebSocket(_) | Self::Protocol(_) => Code::NotAMeetingServer,
            Self::Url(code) => *code,
        }
    }

    /// As the door says it.
    pub(crate) fn failure(&self) -> Failure {
        let code = self.code();
        let retry = matches!(code, Code::HostUnreachable | Code::TooManyTries);
        Failure { code, detail: self.to_string(), retry }
    }

    /// Which of several errors tells most: a changed key must not hide behind "unreachable".
    const fn weight(code: Code) -> u8 {
        match code {
            Code::HostKeyChanged => 5,
            Code::CertificateExpired | Code::CertificateWrongName | Code::CertificateUnknown => 4,
            Code::TlsTooOld => 3,
            Code::HostUnreachable => 0,
            _ => 1,
        }
    }
}

/// A connected byte stream: TLS, or plain TCP to loopback for developers.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An upgraded socket.
pub(crate) type Socket = WebSocketStream<Box<dyn Wire>>;

/// How to secure a connection.
#[derive(Clone)]
pub(crate) enum Security {
    /// TLS 1.3 to this name.
    Tls(Arc<ClientConfig>, ServerName<'static>),
    /// None: loopback only, by the developer's flag.
    PlainLoopback,
}

/// Connects to the first address that answers **and** proves who it is.
///
/// # Errors
/// The most telling of the errors of all addresses.
pub(crate) async fn reach(
    addresses: &[HostAddress],
    security: &Security,
) -> Result<(Box<dyn Wire>, SocketAddr), Connect> {
    // Numbers first: they need no look-up, and on one LAN one of them answers before a name is ever asked for.
    let (numbers, names): (Vec<_>, Vec<_>) = addresses.iter().partition(|a| matches!(a, HostAddress::Ip(_)));
    let mut tries = FuturesUnordered::new();
    for (place, address) in numbers.into_iter().chain(names).enumerate() {
        let wait = STAGGER * u32::try_from(place).unwrap_or(u32::MAX);
        tries.push(async move {
            tokio::time::sleep(wait).await;
            reach_one(address, security).await
        });
    }
    let mut worst = Connect::NoAddress;
    while let Some(result) = tries.next().await {
        match result {
            Ok(reached) => return Ok(reached),
            Err(error) => {
                tracing::debug!(%error, "an address did not answer");
                if matches!(worst, Connect::NoAddress) || Connect::weight(error.code()) > Connect::weight(worst.code())
                {
                    worst = error;
                }
            }
        }
    }
    Err(worst)
}

async fn reach_one(address: &HostAddress, security: &Security) -> Result<(Box<dyn Wire>, SocketAddr), Connect> {
    let resolved = match address {
        HostAddress::Ip(ip) => vec![*ip],
        HostAddress::Name(name, port) => timeout(STEP, tokio::net::lookup_host((name.as_str(), *port)))
            .await
            .map_err(|_| Connect::Slow("looking up the name"))?
            .map_err(|e| Connect::Tcp(e.kind()))?
            .take(8)
            .collect(),
    };
    let mut last = Connect::NoAddress;
    for ip in resolved {
        match reach_ip(ip, security).await {
            Ok(wire) => return Ok((wire, ip)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects to one address.
///
/// # Errors
/// TCP or TLS failed.
pub(crate) async fn reach_ip(ip: SocketAddr, security: &Security) -> Result<Box<dyn Wire>, Connect> {
    let tcp = timeout(STEP, TcpStream::connect(ip))
        .await
        .map_err(|_| Connect::Slow("connecting"))?
        .map_err(|e| Connect::Tcp(e.kind()))?;
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "nodelay is not to be had");
    }
    match security {
        Security::PlainLoopback if ip.ip().is_loopback() => Ok(Box::new(tcp)),
        Security::PlainLoopback => Err(Connect::Url(Code::UrlNotSecure)),
        Security::Tls(config, name) => {
            let handshake = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp);
            match timeout(STEP, handshake).await {
                Err(_) => Err(Connect::Slow("shaking hands")),
                Ok(Err(error)) => Err(tls_error(&error)),
                Ok(Ok(stream)) => Ok(Box::new(stream)),
            }
        }
    }
}

fn tls_error(error: &io::Error) -> Connect {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => Connect::Tls(tls.clone()),
        None => Connect::Tcp(error.kind()),
    }
}

/// What to ask for on a connection.
pub(crate) struct Upgrade<'a> {
    /// `Host` header.
    pub(crate) authority: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
    /// Sent as `Authorization: Bearer`, never in the URL.
    pub(crate) bearer: Option<&'a str>,
    /// Bytes one message may have.
    pub(crate) max_message: usize,
}

/// Upgrades a connection to a WebSocket.
///
/// # Errors
/// Refused with an HTTP status, or not a WebSocket at all.
pub(crate) async fn upgrade(wire: Box<dyn Wire>, ask: &Upgrade<'_>) -> Result<Socket, Connect> {
    use tungstenite::handshake::client::generate_key;
    let mut request = tungstenite::http::Request::builder()
        .method("GET")
        // The scheme in the request is only for the URI to be whole; what is sent is path and query.
        .uri(format!("ws://{}{}", ask.authority, ask.path))
        .header("Host", ask.authority)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("User-Agent", concat!("shoji/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = ask.bearer {
        let mut value =
            tungstenite::http::HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Connect::Http(401))?;
        value.set_sensitive(true);
        request = request.header("Authorization", value);
    }
    let request = request.body(()).map_err(|_| Connect::Url(Code::UrlUnreadable))?;
    let config =
        WebSocketConfig::default().max_message_size(Some(ask.max_message)).max_frame_size(Some(ask.max_message));
    match timeout(STEP, client_async_with_config(request, wire, Some(config))).await {
        Err(_) => Err(Connect::Slow("upgrading")),
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(response))) => Err(Connect::Http(response.status().as_u16())),
        Ok(Err(tungstenite::Error::Io(error))) => Err(tls_error(&error)),
        Ok(Err(other)) => Err(Connect::NotWebSocket(other.to_string())),
    }
}

/// What a socket brings.
#[derive(Debug)]
pub(crate) enum Came {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Bytes),
    /// The end, whatever the reason.
    Closed,
}

/// A running socket. Dropping it sends what is queued, closes politely, and ends the task.
#[derive(Debug)]
pub(crate) struct Link {
    out: mpsc::Sender<Message>,
}

impl Link {
    /// Starts the driver: every frame goes through `wrap` into `into`.
    pub(crate) fn start<T: Send + 'static>(
        socket: Socket,
        tokio: &Handle,
        into: mpsc::Sender<T>,
        wrap: impl Fn(Came) -> T + Send + Sync + 'static,
    ) -> Self {
        let (out, outbox) = mpsc::channel(OUTBOX);
        tokio.spawn(async move {
            drive(socket, outbox, &into, &wrap).await;
            // The session may be gone first; then nobody needs to know.
            if into.send(wrap(Came::Closed)).await.is_err() {
                tracing::debug!("a socket ended after its session");
            }
        });
        Self { out }
    }

    /// Queues a text frame; `false` when the socket is stuck or gone.
    pub(crate) fn text(&self, text: String) -> bool {
        self.out.try_send(Message::text(text)).is_ok()
    }

    /// Queues a binary frame; `false` when the socket is stuck or gone.
    pub(crate) fn binary(&self, bytes: Vec<u8>) -> bool {
        self.out.try_send(Message::binary(bytes)).is_ok()
    }
}

async fn drive<T: Send + 'static>(
    mut socket: Socket,
    mut outbox: mpsc::Receiver<Message>,
    into: &mpsc::Sender<T>,
    wrap: &(impl Fn(Came) -> T + Send + Sync + 'static),
) {
    loop {
        tokio::select! {
            frame = socket.next() => {
                let came = match frame {
                    Some(Ok(Message::Text(text))) => Came::Text(text.as_str().to_owned()),
                    Some(Ok(Message::Binary(bytes))) => Came::Binary(bytes),
                    // Pings are answered by the library when it is polled again.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_))) | None => return,
                    Some(Err(error)) => {
                        tracing::debug!(%error, "a socket broke");
                        return;
                    }
                };
                if into.send(wrap(came)).await.is_err() {
                    return;
                }
            }
            message = outbox.recv() => {
                let Some(message) = message else {
                    if timeout(LAST_WORDS, socket.close(None)).await.is_err() {
                        tracing::debug!("a socket did not close in time");
                    }
                    return;
                };
                if timeout(STEP, socket.send(message)).await.is_ok_and(|sent| sent.is_ok()) {
                    continue;
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
