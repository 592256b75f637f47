//! Says on the local link that a host is here: `_shoji._tcp` with its fingerprint and port, nothing about people or
//! meetings. Never needed, and it may fail without anybody noticing more than a log line.

use std::net::SocketAddr;

use mdns_sd::{ServiceDaemon, ServiceInfo};
use protocol::invite::Fingerprint;

/// The service that clients browse for.
pub const SERVICE: &str = "_shoji._tcp.local.";

/// Which interfaces say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Interfaces {
    /// All but loopback.
    #[default]
    All,
    /// These, by name.
    Only(Vec<String>),
}

/// Says it until dropped.
pub struct Announcement {
    daemon: ServiceDaemon,
    name: String,
}

impl Announcement {
    /// Starts to say it: that address, or every address of the machine when it is unspecified. `None` when the machine
    /// has no multicast; the host works without.
    #[must_use]
    pub fn start(fingerprint: Fingerprint, listening: SocketAddr, interfaces: &Interfaces) -> Option<Self> {
        match Self::register(fingerprint, listening, interfaces) {
            Ok(this) => Some(this),
            Err(error) => {
                tracing::warn!(%error, "mdns_unavailable");
                None
            }
        }
    }

    fn register(
        fingerprint: Fingerprint,
        listening: SocketAddr,
        interfaces: &Interfaces,
    ) -> Result<Self, mdns_sd::Error> {
        let daemon = ServiceDaemon::new()?;
        if let Interfaces::Only(names) = interfaces {
            daemon.disable_interface(mdns_sd::IfKind::All)?;
            for name in names {
                daemon.enable_interface(name.as_str())?;
            }
        }
        let info = info(fingerprint, listening)?;
        let name = info.get_fullname().to_owned();
        daemon.register(info)?;
        Ok(Self { daemon, name })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Says goodbye, so that lists on other machines forget us at once.
        if let Err(error) = self.daemon.unregister(&self.name) {
            tracing::debug!(%error, "mdns_unregister_failed");
        }
        if let Err(error) = self.daemon.shutdown() {
            tracing::debug!(%error, "mdns_shutdown_failed");
        }
    }
}

fn info(fingerprint: Fingerprint, listening: SocketAddr) -> Result<ServiceInfo, mdns_sd::Error> {
    let short: String = fingerprint.0.iter().take(4).map(|b| format!("{b:02x}")).collect();
    let name = format!("shoji-{short}");
    // Not the machine's own name: that often holds a person's.
    let host = format!("{name}.local.");
    let properties = [("v", "1".to_owned()), ("k", fingerprint.encode())];
    let (ip, port) = (listening.ip(), listening.port());
    // An address nobody listens at would only be knocked at in vain.
    if ip.is_unspecified() {
        Ok(ServiceInfo::new(SERVICE, &name, &host, "", port, &properties[..])?.enable_addr_auto())
    } else {
        ServiceInfo::new(SERVICE, &name, &host, ip, port, &properties[..])
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_record_holds_the_fingerprint_and_nothing_about_people() {
        let fingerprint = Fingerprint([0xab; 32]);
        let info = info(fingerprint, (Ipv4Addr::UNSPECIFIED, 7880).into()).unwrap();
        assert_eq!(info.get_property_val_str("k"), Some(fingerprint.encode().as_str()));
        assert_eq!(info.get_property_val_str("v"), Some("1"));
        assert_eq!(info.get_fullname(), format!("shoji-abababab.{SERVICE}"));
        assert_eq!(info.get_properties().iter().count(), 2);
        assert!(info.is_addr_auto());
    }

    #[test]
    fn only_the_address_it_listens_at_is_said() {
        let info = info(Fingerprint([1; 32]), (Ipv4Addr::new(192, 0, 2, 1), 7880).into()).unwrap();
        assert!(!info.is_addr_auto());
        assert_eq!(info.get_addresses().len(), 1);
    }
}
