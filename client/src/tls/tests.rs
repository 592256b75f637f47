//! Every kind of wrong certificate on a real loopback server, and what a person is told about it.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::invite::HostAddress;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::address::ServerUrl;
use crate::attempt::Place;
use crate::link::{self, Connect};

struct Ca {
    params: CertificateParams,
    key: KeyPair,
    der: CertificateDer<'static>,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { params, key, der }
    }

    fn fingerprint(&self) -> Fingerprint {
        let hash = digest::digest(&digest::SHA256, &self.key.subject_public_key_info());
        Fingerprint(hash.as_ref().try_into().unwrap())
    }

    fn leaf(&self, name: &str, until: i32) -> (CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).unwrap().der().clone();
        (der, key)
    }
}

use rcgen::PublicKeyData as _;

async fn serve(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(tcp).await {
                    let mut rest = Vec::new();
                    assert!(stream.read_to_end(&mut rest).await.is_ok() || rest.is_empty());
                }
            });
        }
    });
    address
}

/// A server that answers every hello with the same bytes.
async fn parrot(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            let read = tcp.read(&mut hello).await.unwrap();
            assert!(read > 0);
            tcp.write_all(&answer).await.unwrap();
            // Stay open until the client has read it and goes.
            while tcp.read(&mut hello).await.is_ok_and(|n| n > 0) {}
        }
    });
    address
}

async fn reach(place: &Place) -> Result<(), Connect> {
    link::reach(&place.addresses, place.security()).await.map(|_| ())
}

async fn pinned(address: SocketAddr, host: Fingerprint) -> Result<(), Code> {
    reach(&Place::host(host, vec![HostAddress::Ip(address)]).unwrap()).await.map_err(|e| e.code())
}

async fn foreign(address: SocketAddr, trust: &Trust) -> Result<(), Code> {
    let url = ServerUrl::parse(&format!("wss://{address}"), false).unwrap();
    reach(&Place::server(&url, trust).unwrap()).await.map_err(|e| e.code())
}

#[tokio::test]
async fn the_host_of_the_invitation_is_reached() {
    let ca = Ca::new();
    let (leaf, key) = ca.leaf(HOST_NAME, 2100);
    let at = serve(vec![leaf, ca.der.clone()], &key).await;
    assert_eq!(pinned(at, ca.fingerprint()).await, Ok(()));
}

#[tokio::test]
async fn a_changed_host_key_is_refused_by_that_name() {
    let (ca, other) = (Ca::new(), Ca::new());
    let (leaf, key) = other.leaf(HOST_NAME, 2100);
    let at = serve(vec![leaf, other.der.clone()], &key).await;
    assert_eq!(pinned(at, ca.fingerprint()).await, Err(Code::HostKeyChanged));
}

#[tokio::test]
async fn showing_the_right_ca_without_its_key_does_not_help() {
    let (ca, thief) = (Ca::new(), Ca::new());
    let (leaf, key) = thief.leaf(HOST_NAME, 2100);
    let at = serve(vec![leaf, ca.der.clone()], &key).await;
    assert_eq!(pinned(at, ca.fingerprint()).await, Err(Code::HostKeyChanged));
}

#[tokio::test]
async fn the_ca_itself_is_not_a_server() {
    let ca = Ca::new();
    let at = serve(vec![ca.der.clone(), ca.der.clone()], &ca.key).await;
    assert!(pinned(at, ca.fingerprint()).await.is_err());
}

#[tokio::test]
async fn an_expired_host_certificate_is_named() {
    let ca = Ca::new();
    let (leaf, key) = ca.leaf(HOST_NAME, 2021);
    let at = serve(vec![leaf, ca.der.clone()], &key).await;
    assert_eq!(pinned(at, ca.fingerprint()).await, Err(Code::CertificateExpired));
}

#[tokio::test]
async fn a_host_certificate_for_another_name_is_named() {
    let ca = Ca::new();
    let (leaf, key) = ca.leaf("other.example", 2100);
    let at = serve(vec![leaf, ca.der.clone()], &key).await;
    assert_eq!(pinned(at, ca.fingerprint()).await, Err(Code::CertificateWrongName));
}

#[tokio::test]
async fn a_server_that_only_speaks_tls_1_2_is_named() {
    // alert, TLS 1.2, two bytes: fatal protocol_version (RFC 5246 section 7.2).
    let alert = parrot(vec![21, 3, 3, 0, 2, 2, 70]).await;
    assert_eq!(pinned(alert, Fingerprint([0; 32])).await, Err(Code::TlsTooOld));
    // A ServerHello of TLS 1.2 without supported_versions, ECDHE-RSA-AES128-GCM-SHA256.
    let mut hello = vec![22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0xC0, 0x2F, 0]);
    let old = parrot(hello).await;
    assert_eq!(foreign(old, &Trust::SystemAnd(Ca::new().der)).await, Err(Code::TlsTooOld));
}

#[tokio::test]
async fn something_that_does_not_speak_tls_is_not_a_meeting_server() {
    let web = parrot(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    assert_eq!(pinned(web, Fingerprint([0; 32])).await, Err(Code::NotAMeetingServer));
}

#[tokio::test]
async fn a_foreign_server_is_judged_by_the_machine() {
    let ca = Ca::new();
    let trust = Trust::SystemAnd(ca.der.clone());
    let cases = [
        ("127.0.0.1", 2100, &trust, Ok(())),
        ("127.0.0.1", 2021, &trust, Err(Code::CertificateExpired)),
        ("meet.example.org", 2100, &trust, Err(Code::CertificateWrongName)),
    ];
    for (name, until, trust, expected) in cases {
        let (leaf, key) = ca.leaf(name, until);
        let at = serve(vec![leaf, ca.der.clone()], &key).await;
        assert_eq!(foreign(at, trust).await, expected, "{name} until {until}");
    }
    let (leaf, key) = ca.leaf("127.0.0.1", 2100);
    let at = serve(vec![leaf, ca.der.clone()], &key).await;
    let stranger = Trust::SystemAnd(Ca::new().der);
    assert_eq!(foreign(at, &stranger).await, Err(Code::CertificateUnknown));
}

#[tokio::test]
async fn a_wrong_key_at_one_address_does_not_hide_the_right_host_at_another() {
    let (ca, other) = (Ca::new(), Ca::new());
    let (leaf, key) = other.leaf(HOST_NAME, 2100);
    let wrong = serve(vec![leaf, other.der.clone()], &key).await;
    let (leaf, key) = ca.leaf(HOST_NAME, 2100);
    let right = serve(vec![leaf, ca.der.clone()], &key).await;
    let place = Place::host(ca.fingerprint(), vec![HostAddress::Ip(wrong), HostAddress::Ip(right)]).unwrap();
    let (_, at) = link::reach(&place.addresses, place.security()).await.unwrap();
    assert_eq!(at, right);
}
