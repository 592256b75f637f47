//! What a user types as a server, read into parts that can be connected to.
//! Values only: no look-up happens here.

use protocol::bridge::Code;
use protocol::invite::HostAddress;
use tokio_tungstenite::tungstenite::http::Uri;

/// Longest URL taken.
const MAX_URL: usize = 2048;

/// A LiveKit server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    /// `wss` or `https`.
    pub(crate) secure: bool,
    /// Name or number, without brackets.
    pub(crate) host: String,
    /// Where.
    pub(crate) port: u16,
    /// What stands before `/rtc`, without a slash at its end.
    pub(crate) prefix: String,
}

impl ServerUrl {
    /// Reads `wss://…` or `https://…`; `ws://` and `http://` only to a loopback number and with the developer's flag.
    ///
    /// # Errors
    /// [`Code::UrlUnreadable`] or [`Code::UrlNotSecure`].
    pub(crate) fn parse(text: &str, plaintext: bool) -> Result<Self, Code> {
        let text = text.trim();
        if text.len() > MAX_URL {
            return Err(Code::UrlUnreadable);
        }
        let uri: Uri = text.parse().map_err(|_| Code::UrlUnreadable)?;
        let secure = match uri.scheme_str() {
            Some("wss" | "https") => true,
            Some("ws" | "http") => false,
            Some(_) | None => return Err(Code::UrlUnreadable),
        };
        let authority = uri.authority().ok_or(Code::UrlUnreadable)?;
        if authority.as_str().contains('@') {
            return Err(Code::UrlUnreadable);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(Code::UrlUnreadable);
        }
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        if !secure {
            // A name could lead anywhere: only a number says by itself that nothing leaves the machine.
            let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
            if !(plaintext && loopback) {
                return Err(Code::UrlNotSecure);
            }
        }
        let prefix = uri.path().trim_end_matches('/');
        let prefix = prefix.strip_suffix("/rtc").unwrap_or(prefix).to_owned();
        Ok(Self { secure, host, port, prefix })
    }

    /// Where to connect.
    pub(crate) fn address(&self) -> HostAddress {
        match self.host.parse::<std::net::IpAddr>() {
            Ok(ip) => HostAddress::Ip((ip, self.port).into()),
            Err(_) => HostAddress::Name(self.host.to_ascii_lowercase(), self.port),
        }
    }

    /// `Host` header.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_url_is_read_with_and_without_port_and_prefix() {
        let url = ServerUrl::parse(" https://Meet.example.org/livekit/ ", false).unwrap();
        assert_eq!((url.port, url.prefix.as_str(), url.secure), (443, "/livekit", true));
        assert_eq!(url.address(), HostAddress::Name("meet.example.org".into(), 443));
        let url = ServerUrl::parse("wss://[::1]:7880", false).unwrap();
        assert_eq!(url.authority(), "[::1]:7880");
        assert_eq!(url.address(), HostAddress::Ip("[::1]:7880".parse().unwrap()));
    }

    #[test]
    fn plaintext_needs_the_flag_and_a_loopback_number() {
        assert_eq!(ServerUrl::parse("ws://127.0.0.1:7880", false), Err(Code::UrlNotSecure));
        assert!(ServerUrl::parse("ws://127.0.0.1:7880", true).is_ok());
        assert_eq!(ServerUrl::parse("ws://localhost:7880", true), Err(Code::UrlNotSecure));
        assert_eq!(ServerUrl::parse("http://192.168.1.4:7880", true), Err(Code::UrlNotSecure));
    }

    #[test]
    fn nonsense_is_unreadable() {
        for text in ["", "meet", "ftp://x", "wss://", "wss://user:pw@host", "https://h ost"] {
            assert_eq!(ServerUrl::parse(text, true), Err(Code::UrlUnreadable), "{text}");
        }
    }
}
