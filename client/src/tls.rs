//! The only TLS configuration of the client: TLS 1.3 and nothing older, with two ways to trust.
//! Run by `link`'s tasks. It opens no socket and keeps no state; what it refuses it refuses with a [`Code`] a person
//! understands.

use std::sync::Arc;

use aws_lc_rs::digest;
use protocol::bridge::Code;
use protocol::invite::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, PeerIncompatible,
    RootCertStore, SignatureScheme,
};

/// The DNS name in every leaf certificate of a Shoji host, whatever its address is.
pub(crate) const HOST_NAME: &str = "host.shoji.internal";

/// Certificates a host may present; a real one presents its leaf and its CA.
const MAX_CHAIN: usize = 8;

/// Whom a connection trusts.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// A host of ours: only the CA with this fingerprint, as the invitation says.
    Host(Fingerprint),
    /// A foreign server: whatever this machine's trust store trusts.
    System,
    /// As [`Trust::System`], and one more root: how tests reach the same code without touching the machine's store.
    #[cfg(test)]
    SystemAnd(CertificateDer<'static>),
}

/// The certificate chain does not hold the key the invitation names.
#[derive(Debug, thiserror::Error)]
#[error("the host's key is not the one in the invitation")]
struct WrongKey;

/// Builds the configuration. Reads the machine's trust store for foreign servers: call it where blocking is fine.
///
/// # Errors
/// The trust store cannot be read, or the crypto library lacks TLS 1.3.
pub(crate) fn config(trust: &Trust) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Host(fingerprint) => Arc::new(PinnedHost { fingerprint: *fingerprint, provider: Arc::clone(&provider) }),
        Trust::System => Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?),
        #[cfg(test)]
        Trust::SystemAnd(root) => {
            Arc::new(rustls_platform_verifier::Verifier::new_with_extra_roots([root.clone()], Arc::clone(&provider))?)
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Accepts exactly the chains that end at the CA with a given key, by the usual rules: signature, validity, purpose
/// and name of the leaf.
#[derive(Debug)]
struct PinnedHost {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = &intermediates[..intermediates.len().min(MAX_CHAIN)];
        let anchor = chain.iter().find_map(|ca| self.anchor(ca)).ok_or_else(wrong_key)?;
        let leaf = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(&leaf, &anchor, chain, now, algorithms) {
            Ok(()) => {}
            // The right CA certificate is public; only its key can sign a leaf. Someone showed the one without the other.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
                return Err(wrong_key());
            }
            Err(other) => return Err(other),
        }
        verify_server_name(&leaf, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl PinnedHost {
    /// The certificate as the one root, if its key is the one of the invitation.
    fn anchor(&self, certificate: &CertificateDer<'_>) -> Option<RootCertStore> {
        let mut store = RootCertStore::empty();
        store.add(certificate.clone().into_owned()).ok()?;
        let spki = spki_der(store.roots.first()?.subject_public_key_info.as_ref());
        let hash = digest::digest(&digest::SHA256, &spki);
        (hash.as_ref() == self.fingerprint.0).then_some(store)
    }
}

fn wrong_key() -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(WrongKey))))
}

/// A trust anchor keeps the inside of its SubjectPublicKeyInfo; the fingerprint is over the whole (X.690 8.1, RFC 5280 4.1).
fn spki_der(inside: &[u8]) -> Vec<u8> {
    let len = inside.len();
    let mut der = Vec::with_capacity(len + 5);
    der.push(0x30);
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => der.push(short),
        Ok(_) | Err(_) => {
            let bytes = len.to_be_bytes();
            let from = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len() - 1);
            der.push(0x80 | u8::try_from(bytes.len() - from).expect("a length has at most eight bytes"));
            der.extend_from_slice(&bytes[from..]);
        }
    }
    der.extend_from_slice(inside);
    der
}

/// What a person is told about a handshake that failed.
pub(crate) fn code_of(error: &Error) -> Code {
    match error {
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => Code::TlsTooOld,
        Error::InvalidCertificate(certificate) => certificate_code(certificate),
        Error::InvalidMessage(_) => Code::NotAMeetingServer,
        _ => Code::HostUnreachable,
    }
}

fn certificate_code(error: &CertificateError) -> Code {
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Code::CertificateExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Code::CertificateWrongName
        }
        CertificateError::Other(OtherError(inner)) if inner.is::<WrongKey>() => Code::HostKeyChanged,
        _ => Code::CertificateUnknown,
    }
}

#[cfg(test)]
mod tests;
