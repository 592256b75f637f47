//! Nothing about people, and no secret, gets into the logs, the metrics or the files of a host.
//! Runs a join with telling names, tokens and secrets against a host that logs everything it can, then looks.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use futures_util::{SinkExt, StreamExt};
use host::host::{Host, HostConfig};
use host::keys::HostKeys;
use protocol::ids::{DisplayName, RoomId};
use protocol::office::{Entry, ToClient, ToHost, VERSION};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const GUARD: Duration = Duration::from_secs(30);
const NAME: &str = "KanariaHanako";
const TITLE: &str = "KanariaKaigi";

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn socket(host: &Host, path: &str) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(host.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(host.addresses()[0]).await.unwrap();
    let name = ServerName::try_from(host::tls::NAME).unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    let request = format!("wss://{}{path}", host::tls::NAME).into_client_request().unwrap();
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

async fn next(socket: &mut Socket) -> Option<Message> {
    loop {
        match tokio::time::timeout(GUARD, socket.next()).await.expect("the host hangs") {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(message)) => return Some(message),
            Some(Err(_)) | None => return None,
        }
    }
}

async fn hello(host: &Host, room: &RoomId, entry: Entry) -> (Socket, ToClient) {
    let mut office = socket(host, "/office").await.unwrap();
    let name = DisplayName::parse(NAME).unwrap();
    let hello = ToHost::Hello { version: VERSION, room: room.clone(), entry, name, shield: Default::default() };
    office.send(Message::text(hello.to_text())).await.unwrap();
    let Some(Message::Text(text)) = next(&mut office).await else { panic!("no answer") };
    (office, ToClient::parse(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_sings_in_logs_metrics_or_files() {
    let paper = Paper::default();
    let ours = paper.clone();
    // As loud as our own logs get; libraries as `host::log` sets them.
    let filter = tracing_subscriber::EnvFilter::new("warn,host=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || ours.clone()).init();

    let folder = tempfile::tempdir().unwrap();
    let keys = HostKeys::generate().unwrap();
    let mut config = HostConfig::new(keys.clone());
    config.bind = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    config.advertise = false;
    config.data = Some(folder.path().to_owned());
    let host = Host::start(config).await.unwrap();
    let opened = host.open_room(TITLE).await.unwrap();
    let proof = B64.encode(opened.entry.expose());
    let wrong = B64.encode([0x5a; 16]);

    // A wrong secret, rubbish, a bad token, then a good entry and a join, mute and a message that is none.
    let entry = Entry::Invite { id: opened.invite.clone(), proof: wrong.clone() };
    let (_, refused) = hello(&host, &opened.room, entry).await;
    assert!(matches!(refused, ToClient::Refused { .. }));
    let (mut office, welcome) =
        hello(&host, &opened.room, Entry::Invite { id: opened.invite, proof: proof.clone() }).await;
    let ToClient::Welcome { you, signal_token, session_token, .. } = welcome else { panic!("{welcome:?}") };
    office.send(Message::text(format!("{{\"type\":\"{NAME}\"}}"))).await.unwrap();
    assert!(socket(&host, &format!("/rtc?access_token=x{signal_token}")).await.is_err());
    let mut rtc = socket(&host, &format!("/rtc?access_token={signal_token}")).await.unwrap();
    assert!(matches!(next(&mut rtc).await, Some(Message::Binary(_))));
    rtc.send(Message::binary(NAME.as_bytes().to_vec())).await.unwrap();
    while next(&mut rtc).await.is_some() {}
    let metrics = host.metrics().text();
    drop((office, rtc));
    host.stop().await;

    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let log = paper.0.lock().unwrap().clone();
    assert!(!log.is_empty(), "it logged something");
    let holds = |hay: &[u8], needle: &str| hay.windows(needle.len()).any(|w| w == needle.as_bytes());
    let secrets = [&proof, &wrong, &signal_token, &session_token, &keys.api_secret().to_owned()];
    for secret in secrets {
        assert!(!holds(&log, secret), "a secret in the log");
        assert!(!holds(&files, secret), "a secret in the files");
        assert!(!holds(metrics.as_bytes(), secret), "a secret in the metrics");
    }
    // What a host notes for its owner names people as `Pii`, which only a build like this one prints.
    let lines = String::from_utf8_lossy(&log);
    let others: Vec<&str> = lines.lines().filter(|line| !line.contains("host::log")).collect();
    for person in [NAME, TITLE, you.as_str(), "127.0.0.1"] {
        assert!(!others.iter().any(|line| line.contains(person)), "{person} in the log: {lines}");
        assert!(!holds(metrics.as_bytes(), person), "{person} in the metrics");
    }
    // What must last does: the store really was looked at.
    assert!(holds(&files, TITLE));
}
