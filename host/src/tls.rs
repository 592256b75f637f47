//! The host's TLS: version 1.3 only, aws-lc-rs, X25519MLKEM768 preferred, its own CA and a leaf made at every start.
//! Pure set-up; the handshakes run in `listener`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::invite::Fingerprint;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::keys::HostKeys;

/// The name every leaf carries and every invited client asks for, whatever address it dials.
pub const NAME: &str = "host.shoji.internal";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("the host's certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The library refused the configuration.
    #[error("TLS could not be set up: {0}")]
    Config(#[from] rustls::Error),
}

/// What a listener needs, and what an administrator may hand to other software.
pub struct Identity {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// The CA certificate, PEM; public.
    pub ca_pem: String,
    /// What invitations pin.
    pub fingerprint: Fingerprint,
}

impl Identity {
    /// Makes CA and leaf certificates from the keys, valid from two days before `now` (wrong clocks exist).
    /// The leaf names [`NAME`], `localhost` and the given names and addresses.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate, or a key the library refuses.
    pub fn make(keys: &HostKeys, names: &[String], now: SystemTime) -> Result<Self, TlsError> {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at = |moment: Duration| rcgen::date_time_ymd(1970, 1, 1) + moment;

        let mut ca = CertificateParams::default();
        ca.distinguished_name = named("Shoji host CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // The pin is on its key, so its dates only have to outlive every invitation.
        ca.not_before = rcgen::date_time_ymd(2024, 1, 1);
        ca.not_after = at(since + DAY * 3650);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::try_from(keys.ca_pkcs8())?)?;

        let mut all = vec![NAME.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        for name in names {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        let leaf_key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(all)?;
        leaf.distinguished_name = named(NAME);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        leaf.not_before = at(since.saturating_sub(DAY * 2));
        // Longer than any process runs without an update; macOS refuses more than 825 days.
        leaf.not_after = at(since + DAY * 800);
        let leaf = leaf.signed_by(&leaf_key, &*ca)?;

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), ca.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Replayed early data could repeat a request; nothing here needs it.
        config.max_early_data_size = 0;
        Ok(Self { config: Arc::new(config), ca_pem: ca.pem(), fingerprint: keys.fingerprint() })
    }
}

/// Loopback first, then what the machine's own interfaces have; link-local IPv6 is left out, because it means nothing
/// without the guest's own interface.
#[must_use]
pub fn own_addresses() -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .map(|i| i.ip())
        .filter(|ip| match ip {
            IpAddr::V4(v4) => !v4.is_unspecified() && !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_unspecified() && !v6.is_unicast_link_local(),
        })
        .collect();
    found.sort_by_key(|ip| (!ip.is_loopback(), ip.is_ipv6()));
    found.dedup();
    found
}

fn named(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_host_keeps_its_fingerprint() {
        let keys = HostKeys::generate().unwrap();
        let first = Identity::make(&keys, &[], SystemTime::now()).unwrap();
        let second = Identity::make(&keys, &["192.0.2.7".into()], SystemTime::now()).unwrap();
        assert_eq!(first.fingerprint, second.fingerprint);
        assert!(first.ca_pem.starts_with("-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn post_quantum_key_exchange_is_preferred() {
        let keys = HostKeys::generate().unwrap();
        let identity = Identity::make(&keys, &[], SystemTime::now()).unwrap();
        let groups = &identity.config.crypto_provider().kx_groups;
        assert_eq!(groups[0].name(), rustls::NamedGroup::X25519MLKEM768);
    }
}
