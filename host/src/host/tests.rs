//! The whole host over loopback: real TLS, real sockets, a scripted media plane. Time limits are hang guards only.

use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as lk;
use lk::signal_response::Message as Said;
use protocol::ids::{DisplayName, TrackSid};
use protocol::office::{Entry, Refusal, ToClient, ToHost, VERSION};
use protocol::policy::Capability;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::*;
use crate::sfu::contract::{SfuCommand, SfuEvent};

const GUARD: Duration = Duration::from_secs(30);

/// A media plane that writes down what it is told.
#[derive(Clone, Default)]
struct Script {
    told: Arc<Mutex<Vec<String>>>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl MediaPlane for Script {
    fn send(&self, command: SfuCommand) {
        self.told.lock().unwrap().push(format!("{command:?}"));
    }

    fn accept_tcp(&self, stream: TcpStream, _peer: SocketAddr) {
        self.streams.lock().unwrap().push(stream);
    }
}

struct House {
    host: Host,
    script: Script,
    events: mpsc::Sender<SfuEvent>,
}

fn config(keys: &HostKeys) -> HostConfig {
    let mut config = HostConfig::new(keys.clone());
    config.bind = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    config.advertise = false;
    config
}

async fn house(config: HostConfig) -> House {
    let script = Script::default();
    let (events, receiver) = mpsc::channel(64);
    let plane = script.clone();
    let host = Host::start_with(config, async |_udp, _candidates| Ok((plane, receiver))).await.unwrap();
    House { host, script, events }
}

async fn plain_house() -> House {
    house(config(&HostKeys::generate().unwrap())).await
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

impl House {
    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.host.addresses()[0]).await.unwrap()
    }

    async fn tls(&self) -> TlsStream<TcpStream> {
        tls(&self.host, crate::tls::NAME).await.unwrap()
    }

    /// One request over TLS; the whole answer.
    async fn http(&self, request: &str) -> String {
        let mut stream = self.tls().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    async fn socket(&self, path: &str, token: Option<&str>) -> Result<Socket, WsError> {
        let mut request = format!("wss://{}{path}", crate::tls::NAME).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        tokio_tungstenite::client_async(request, self.tls().await).await.map(|(socket, _)| socket)
    }

    async fn office(&self, room: &RoomId, entry: Entry, name: &str) -> (Socket, ToClient) {
        let mut socket = self.socket("/office", None).await.unwrap();
        let name = DisplayName::parse(name).unwrap();
        let hello = ToHost::Hello { version: VERSION, room: room.clone(), entry, name, shield: Default::default() };
        socket.send(Message::text(hello.to_text())).await.unwrap();
        let first = next_office(&mut socket).await;
        (socket, first)
    }

    /// Opens a room and enters as its owner: socket, room, signal token, session token.
    async fn owner(&self) -> (Socket, RoomId, String, String) {
        let opened = self.host.open_room("朝会").await.unwrap();
        let entry = Entry::Invite { id: opened.invite, proof: B64.encode(opened.entry.expose()) };
        let (socket, first) = self.office(&opened.room, entry, "花子").await;
        let ToClient::Welcome { signal_token, session_token, .. } = first else { panic!("{first:?}") };
        (socket, opened.room, signal_token, session_token)
    }
}

async fn tls(host: &Host, name: &'static str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(host.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(host.addresses()[0]).await?;
    tokio_rustls::TlsConnector::from(Arc::new(client)).connect(ServerName::try_from(name).unwrap(), stream).await
}

async fn read_all(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    // An abrupt end counts as an end.
    tokio::time::timeout(GUARD, stream.read_to_end(&mut bytes)).await.expect("the host hangs").ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn next(socket: &mut Socket) -> Option<Message> {
    loop {
        match tokio::time::timeout(GUARD, socket.next()).await.expect("the host hangs") {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(message)) => return Some(message),
        }
    }
}

async fn next_office(socket: &mut Socket) -> ToClient {
    match next(socket).await {
        Some(Message::Text(text)) => ToClient::parse(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn next_said(socket: &mut Socket) -> Said {
    match next(socket).await {
        Some(Message::Binary(bytes)) => protocol::signal::parse_response(&bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Waits for one kind of message, skipping others.
async fn wait_for<T>(socket: &mut Socket, mut want: impl FnMut(Said) -> Option<T>) -> T {
    loop {
        if let Some(found) = want(next_said(socket).await) {
            return found;
        }
    }
}

#[tokio::test]
async fn a_person_enters_signals_and_loses_a_right() {
    let house = plain_house().await;
    let (mut owner, room, ..) = house.owner().await;
    let guest = house.host.invite(&room, Role::Guest, 60).await.unwrap().unwrap();
    let entry = Entry::Invite { id: guest.invite, proof: B64.encode(guest.entry.expose()) };
    let (_office, first) = house.office(&room, entry, "次郎").await;
    let ToClient::Welcome { signal_token, role: Role::Guest, .. } = first else { panic!("{first:?}") };
    let mut rtc = house.socket("/rtc?protocol=17&sdk=rust&auto_subscribe=1", Some(&signal_token)).await.unwrap();
    assert!(matches!(next_said(&mut rtc).await, Said::Join(_)));
    assert!(matches!(next_said(&mut rtc).await, Said::RefreshToken(_)));
    let camera = lk::AddTrackRequest { cid: "cam".into(), r#type: 1, source: 1, ..Default::default() };
    rtc.send(Message::binary(protocol::signal::request(lk::signal_request::Message::AddTrack(camera)))).await.unwrap();
    let sid = wait_for(&mut rtc, |m| if let Said::TrackPublished(p) = m { p.track } else { None }).await.sid;
    let sid = TrackSid::parse(sid).unwrap();
    let live = SfuEvent::TrackLive {
        session: crate::sfu::contract::SessionKey(1),
        sid: sid.clone(),
        mime: "video/H264".into(),
    };
    house.events.send(live).await.unwrap();
    let no = ToHost::SetRight { role: Role::Guest, capability: Capability::Camera, allowed: false };
    owner.send(Message::text(no.to_text())).await.unwrap();
    let gone = wait_for(&mut rtc, |m| if let Said::TrackUnpublished(u) = m { Some(u.track_sid) } else { None }).await;
    assert_eq!(gone, sid.as_str());
    assert!(house.script.told.lock().unwrap().iter().any(|c| c.starts_with("Remove")));
    house.host.stop().await;
}

#[tokio::test]
async fn a_stopping_host_says_so_on_both_channels() {
    let house = plain_house().await;
    let (mut owner, _, signal, _) = house.owner().await;
    let mut rtc = house.socket("/rtc", Some(&signal)).await.unwrap();
    assert!(matches!(next_said(&mut rtc).await, Said::Join(_)));
    let stop = tokio::spawn(house.host.stop());
    let leave = wait_for(&mut rtc, |m| if let Said::Leave(l) = m { Some(l) } else { None }).await;
    assert_eq!(leave.action, lk::leave_request::Action::Reconnect as i32);
    loop {
        if next_office(&mut owner).await == ToClient::Closing {
            break;
        }
    }
    drop((owner, rtc));
    tokio::time::timeout(GUARD, stop).await.expect("the host hangs").unwrap();
}

#[tokio::test]
async fn a_host_that_was_killed_knows_its_people_again() {
    let folder = tempfile::tempdir().unwrap();
    let keys = HostKeys::generate().unwrap();
    let with_data = || {
        let mut config = config(&keys);
        config.data = Some(folder.path().to_owned());
        config
    };
    let first = house(with_data()).await;
    let (_socket, room, signal, session) = first.owner().await;
    let fingerprint = first.host.fingerprint();
    // No goodbye.
    drop(first);
    let second = house(with_data()).await;
    assert_eq!(second.host.fingerprint(), fingerprint);
    let (_socket, welcome) = second.office(&room, Entry::Session { token: session }, "花子").await;
    assert!(matches!(welcome, ToClient::Welcome { role: Role::Owner, .. }), "{welcome:?}");
    let mut rtc = second.socket("/rtc", Some(&signal)).await.unwrap();
    assert!(matches!(next_said(&mut rtc).await, Said::Join(_)));
    assert!(second.host.reopen(&room).await.unwrap().is_some());
    assert!(second.host.reopen(&RoomId::parse("r_nowhere").unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_lost_signal_socket_is_resumed() {
    let house = plain_house().await;
    let (_owner, _, signal, _) = house.owner().await;
    let mut rtc = house.socket("/rtc", Some(&signal)).await.unwrap();
    let Said::Join(join) = next_said(&mut rtc).await else { panic!() };
    let Said::RefreshToken(fresh) = next_said(&mut rtc).await else { panic!() };
    drop(rtc);
    let sid = join.participant.unwrap().sid;
    let mut rtc = house.socket(&format!("/rtc?reconnect=1&sid={sid}"), Some(&fresh)).await.unwrap();
    assert!(matches!(next_said(&mut rtc).await, Said::Reconnect(_)));
    let mut lost = house.socket("/rtc?reconnect=1&sid=PA_gone", Some(&fresh)).await.unwrap();
    assert!(matches!(next_said(&mut lost).await, Said::Leave(_)));
    assert!(next(&mut lost).await.is_none());
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let house = plain_house().await;
    let mut stream = house.tcp().await;
    // A ClientHello as TLS 1.2 wrote it (RFC 5246, 7.4.1.2): no supported_versions.
    let mut hello = vec![0x03, 0x03];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0xc0, 0x2f, 0xc0, 0x2b, 1, 0]);
    let extensions = [0x00, 0x0a, 0, 4, 0, 2, 0, 0x17, 0x00, 0x0d, 0, 4, 0, 2, 4, 3];
    hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    hello.extend(extensions);
    let mut record = vec![0x16, 3, 1];
    record.extend(u16::try_from(hello.len() + 4).unwrap().to_be_bytes());
    record.extend([1, 0, 0, u8::try_from(hello.len()).unwrap()]);
    record.extend(hello);
    stream.write_all(&record).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(GUARD, stream.read_to_end(&mut answer)).await.expect("the host hangs").ok();
    // A fatal alert: protocol_version (70).
    assert_eq!((answer.first(), answer.get(5), answer.get(6)), (Some(&0x15), Some(&2), Some(&70)), "{answer:?}");
}

#[tokio::test]
async fn the_certificate_is_only_for_the_names_it_says() {
    let house = plain_house().await;
    assert!(tls(&house.host, crate::tls::NAME).await.is_ok());
    assert!(tls(&house.host, "localhost").await.is_ok());
    assert!(tls(&house.host, "example.com").await.is_err());
}

#[tokio::test]
async fn plain_http_and_rubbish_get_no_answer_and_ice_tcp_goes_to_media() {
    let house = plain_house().await;
    for first in [&b"GET /healthz HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-x\r\n", &[0xff; 64]] {
        let mut stream = house.tcp().await;
        stream.write_all(first).await.unwrap();
        assert_eq!(read_all(&mut stream).await, "");
    }
    let mut stream = house.tcp().await;
    stream.write_all(&[0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]).await.unwrap();
    let wait = async {
        while house.script.streams.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, wait).await.expect("the stream did not reach the media plane");
}

#[tokio::test]
async fn whoever_is_too_slow_is_shown_out() {
    let mut config = config(&HostKeys::generate().unwrap());
    let short = Duration::from_millis(100);
    config.patience = Patience { handshake: short, head: short, hello: short, idle: GUARD };
    let house = house(config).await;
    // Silent from the first byte; in the middle of a handshake; in the middle of a head; before the hello.
    assert_eq!(read_all(&mut house.tcp().await).await, "");
    let mut stream = house.tcp().await;
    stream.write_all(&[0x16, 3]).await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
    let mut stream = house.tls().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
    let mut socket = house.socket("/office", None).await.unwrap();
    let refused = next_office(&mut socket).await;
    assert!(matches!(refused, ToClient::Refused { why: Refusal::Malformed, .. }), "{refused:?}");
    assert!(next(&mut socket).await.is_none());
}

#[tokio::test]
async fn too_much_is_refused_and_nobody_else_notices() {
    let house = plain_house().await;
    let (mut owner, ..) = house.owner().await;
    let huge = format!("GET /x?{} HTTP/1.1\r\n\r\n", "a".repeat(64 * 1024));
    assert!(house.http(&huge).await.starts_with("HTTP/1.1 431 "));
    assert!(house.http("\u{1}\u{2}\u{3} rubbish\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    let mut socket = house.socket("/office", None).await.unwrap();
    // The host may hang up while it is still being written to.
    socket.send(Message::text("x".repeat(protocol::office::MAX_MESSAGE + 1))).await.ok();
    assert!(next(&mut socket).await.is_none());
    let mut socket = house.socket("/office", None).await.unwrap();
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert!(matches!(next_office(&mut socket).await, ToClient::Refused { why: Refusal::Malformed, .. }));
    owner.send(Message::text(ToHost::Ping { nonce: 9 }.to_text())).await.unwrap();
    loop {
        if next_office(&mut owner).await == (ToClient::Pong { nonce: 9 }) {
            break;
        }
    }
}

#[tokio::test]
async fn rubbish_on_the_signal_socket_ends_only_that_session() {
    let house = plain_house().await;
    let (_owner, _, signal, _) = house.owner().await;
    let mut rtc = house.socket("/rtc", Some(&signal)).await.unwrap();
    assert!(matches!(next_said(&mut rtc).await, Said::Join(_)));
    rtc.send(Message::binary(vec![0xff; 100])).await.unwrap();
    let leave = wait_for(&mut rtc, |m| if let Said::Leave(l) = m { Some(l) } else { None }).await;
    assert_eq!(leave.reason, lk::DisconnectReason::StateMismatch as i32);
    assert!(house.socket("/rtc", Some(&signal)).await.is_ok());
}

#[tokio::test]
async fn sdks_find_what_they_ask_for() {
    let house = plain_house().await;
    let (_owner, _, signal, _) = house.owner().await;
    for path in ["/rtc/v1", "/rtc/v1/validate", "/rtc/v1?join_request=x"] {
        let answer = house.http(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("Access-Control-Allow-Origin: *"), "{answer}");
    }
    let refused = house.http("GET /rtc/validate HTTP/1.1\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 401 ") && refused.contains("Access-Control-Allow-Origin: *"));
    let good = house.http(&format!("GET /rtc/validate?access_token={signal} HTTP/1.1\r\n\r\n")).await;
    assert!(good.starts_with("HTTP/1.1 200 ") && good.ends_with("success"), "{good}");
    assert!(house.http("GET /healthz HTTP/1.1\r\n\r\n").await.ends_with("ok"));
    assert!(house.http("GET /metrics HTTP/1.1\r\n\r\n").await.contains("shoji_connections_total"));
    assert!(house.http("DELETE / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405 "));
    let error = house.socket("/rtc", Some("no.such.token")).await.unwrap_err();
    assert!(matches!(&error, WsError::Http(answer) if answer.status() == 401), "{error:?}");
}

#[tokio::test]
async fn a_token_of_the_offices_own_backend_joins_and_manages() {
    use livekit_token::{AccessToken, VideoGrants};
    let keys = HostKeys::generate().unwrap().with_api_secret("a secret of the office's own").unwrap();
    let house = house(config(&keys)).await;
    let token = |grants| {
        let token = AccessToken::with_api_key(DEFAULT_API_KEY, "a secret of the office's own").with_identity("robot");
        token.with_grants(grants).to_jwt().unwrap()
    };
    let join = token(VideoGrants { room_join: true, room: "lobby".into(), ..Default::default() });
    let mut rtc = house.socket(&format!("/rtc?access_token={join}"), None).await.unwrap();
    let Said::Join(response) = next_said(&mut rtc).await else { panic!() };
    assert_eq!(response.participant.unwrap().attributes["shoji.role"], "member");
    let admin = token(VideoGrants { room_admin: true, room: "lobby".into(), ..Default::default() });
    let post = |method: &str, token: &str, body: &str| {
        format!(
            "POST /twirp/livekit.RoomService/{method} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let list = house.http(&post("ListParticipants", &admin, r#"{"room":"lobby"}"#)).await;
    assert!(list.starts_with("HTTP/1.1 200 ") && list.contains("robot"), "{list}");
    let other = house.http(&post("ListParticipants", &admin, r#"{"room":"elsewhere"}"#)).await;
    assert!(other.starts_with("HTTP/1.1 403 "), "{other}");
    let plain = house.http(&post("ListParticipants", &join, r#"{"room":"lobby"}"#)).await;
    assert!(plain.starts_with("HTTP/1.1 403 "), "a participant is no administrator: {plain}");
    let removed = house.http(&post("RemoveParticipant", &admin, r#"{"room":"lobby","identity":"robot"}"#)).await;
    assert!(removed.starts_with("HTTP/1.1 200 "), "{removed}");
    let leave = wait_for(&mut rtc, |m| if let Said::Leave(l) = m { Some(l) } else { None }).await;
    assert_eq!(leave.reason, lk::DisconnectReason::ParticipantRemoved as i32);
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    let mut config = config(&HostKeys::generate().unwrap());
    config.limits.per_address = 2;
    let house = house(config).await;
    let (a, b) = (house.tls().await, house.tls().await);
    assert_eq!(read_all(&mut house.tcp().await).await, "");
    assert_eq!(house.host.metrics().connections_refused_total.read(), 1);
    drop((a, b));
}

#[tokio::test]
async fn a_taken_port_is_an_error_when_asked_for_and_none_when_not() {
    let first = plain_house().await;
    let mut same = config(&HostKeys::generate().unwrap());
    same.port = first.host.port();
    let script = Script::default();
    let (_events, receiver) = mpsc::channel(1);
    let error = Host::start_with(same, async |_udp, _candidates| Ok((script, receiver))).await.err().unwrap();
    assert!(matches!(error, HostError::Listen { kind: std::io::ErrorKind::AddrInUse, .. }), "{error}");
    let second = plain_house().await;
    assert_ne!(first.host.port(), second.host.port());
}

#[tokio::test]
async fn the_real_media_plane_offers_at_once() {
    let host = Host::start(config(&HostKeys::generate().unwrap())).await.unwrap();
    let house = House { host, script: Script::default(), events: mpsc::channel(1).0 };
    let (_owner, _, signal, _) = house.owner().await;
    let mut rtc = house.socket("/rtc", Some(&signal)).await.unwrap();
    let offer = wait_for(&mut rtc, |m| if let Said::Offer(o) = m { Some(o) } else { None }).await;
    assert!(offer.sdp.contains("m=application"), "the data channels are in the first offer");
    house.host.stop().await;
}

#[test]
fn public_names_are_checked() {
    let good = ["192.0.2.1", "192.0.2.1:80", "::1", "[::1]:9", "host.example", "host.example:443"].map(String::from);
    let all = public_addresses(&good, 7880).unwrap();
    assert_eq!(
        all,
        ["192.0.2.1:7880", "192.0.2.1:80", "[::1]:7880", "[::1]:9", "host.example:7880", "host.example:443"]
    );
    for bad in ["", "a b", "host:port", "http://x"] {
        assert!(public_addresses(&[bad.to_owned()], 1).is_err(), "{bad}");
    }
}
