//! The invitation link: where a meeting is, whose key answers there, until when, and the secret that opens it.
//! Values only. The secret part stands in the fragment, so nothing that handles the rest of a link as a URL sees it.
//!
//! ```text
//! shoji://join/ROOM?v=2&a=192.168.1.5:7880&a=[fe80::1]:7880&i=INVITE&k=FINGERPRINT&x=1767225600#SECRET
//! ```
//! `FINGERPRINT` is the SHA-256 of the host CA's SubjectPublicKeyInfo. `SECRET` is 16 bytes that prove to the host
//! that the bearer was invited, then 32 bytes from which the room's media key comes, then 16 from which the key of
//! megaphones comes, the same in every room of one host; the host sees neither of the last two. All are base64url
//! without padding.

use std::fmt;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::{InviteId, RoomId};
use crate::pii::Secret;

/// Where a host listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostAddress {
    /// A number: no name look-up is ever made for it.
    Ip(SocketAddr),
    /// A name and port, for hosts that IT gave one.
    Name(String, u16),
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl HostAddress {
    /// Reads `192.168.1.5:7880`, `[fe80::1]:7880` or `name:7880`.
    ///
    /// # Errors
    /// Not an address somebody could be reached at.
    pub fn parse(text: &str) -> Result<Self, ParseInvite> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            if address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast() {
                return Err(ParseInvite::Address);
            }
            return Ok(Self::Ip(address));
        }
        let (name, port) = text.rsplit_once(':').ok_or(ParseInvite::Address)?;
        // `parse` alone would take `+7880`, which nobody writes.
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|p| digits && *p != 0).ok_or(ParseInvite::Address)?;
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !l.starts_with('-')
        };
        if name.len() > 253 || !name.split('.').all(label) || ends_in_a_number(name) {
            return Err(ParseInvite::Address);
        }
        Ok(Self::Name(name.to_ascii_lowercase(), port))
    }
}

/// Such a name is an IPv4 address in a spelling of old (`010.1`, `0x7f.1`), which resolvers read as one and people do not
/// (WHATWG URL, "ends in a number").
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|b| b.is_ascii_digit()) || hex.is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// SHA-256 of the SubjectPublicKeyInfo of a host's own CA: what an invitation pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Groups of four hex digits, as read out loud on the phone.
    #[must_use]
    pub fn spoken(&self) -> String {
        let hex: Vec<String> = self.0.chunks(2).take(8).map(|c| format!("{:02x}{:02x}", c[0], c[1])).collect();
        hex.join(" ")
    }

    /// base64url, as it stands in a link and in the mDNS record.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// From base64url.
    ///
    /// # Errors
    /// Anything but exactly 32 bytes.
    pub fn decode(text: &str) -> Result<Self, ParseInvite> {
        decode_exactly(text).map(Self).ok_or(ParseInvite::Fingerprint)
    }
}

/// The three parts of an invitation's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteSecret {
    /// Proves to the host that the bearer was invited. The host keeps only its SHA-256.
    pub entry: Secret<16>,
    /// Seals the room's media. Never leaves the people in the meeting.
    pub media: Secret<32>,
    /// Seals megaphones: the same for every room of one host, so that each can open them. Never leaves the people on
    /// the host. No longer than the AES-128 key that is made of it: a link is copied, and drawn as a QR code.
    pub broadcast: Secret<16>,
}

/// Everything a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The room.
    pub room: RoomId,
    /// Where to look, best first; at most [`Invite::MAX_ADDRESSES`].
    pub addresses: Vec<HostAddress>,
    /// Which invitation this is.
    pub id: InviteId,
    /// Whose key must answer.
    pub host: Fingerprint,
    /// Unix seconds after which the host refuses it.
    pub expires_at: u32,
    /// What opens the meeting.
    pub secret: InviteSecret,
}

/// Why a text is not an invitation. Each is something a person can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseInvite {
    /// Not a `shoji://join/` link at all.
    #[error("not a shoji:// invitation")]
    Scheme,
    /// Longer than any invitation.
    #[error("longer than an invitation can be")]
    TooLong,
    /// Made by another version, most likely a newer one.
    #[error("an invitation of a version this program does not know")]
    Version,
    /// The part after `#` is missing: the link was cut when it was copied.
    #[error("the secret part after # is missing")]
    SecretMissing,
    /// The part after `#` is damaged.
    #[error("the secret part after # is damaged")]
    Secret,
    /// No usable address.
    #[error("no usable address")]
    Address,
    /// The room name is missing or not one.
    #[error("the room is missing or not a room name")]
    Room,
    /// The host fingerprint is missing or damaged.
    #[error("the host's fingerprint is missing or damaged")]
    Fingerprint,
    /// The invitation's id is missing or not one.
    #[error("the invitation's id is missing or damaged")]
    Id,
    /// The expiry is missing or not a number.
    #[error("the expiry is missing or damaged")]
    Expiry,
    /// The same field twice, or one nobody knows.
    #[error("an unexpected field")]
    Field,
}

impl Invite {
    /// Longest link taken.
    pub const MAX_LENGTH: usize = 2048;
    /// Addresses a link may hold.
    pub const MAX_ADDRESSES: usize = 12;
    const PREFIX: &str = "shoji://join/";

    /// The whole link, with its secret. It goes to a person's screen or clipboard, never into a log.
    #[must_use]
    pub fn to_link(&self) -> String {
        let mut link = format!("{}{}?v=2", Self::PREFIX, self.room);
        for address in &self.addresses {
            link.push_str(&format!("&a={address}"));
        }
        let mut secret = zeroize::Zeroizing::new([0_u8; 64]);
        secret[..16].copy_from_slice(self.secret.entry.expose());
        secret[16..48].copy_from_slice(self.secret.media.expose());
        secret[48..].copy_from_slice(self.secret.broadcast.expose());
        link.push_str(&format!(
            "&i={}&k={}&x={}#{}",
            self.id,
            self.host.encode(),
            self.expires_at,
            URL_SAFE_NO_PAD.encode(*secret)
        ));
        link
    }

    /// Reads a link. Everything is checked; the order of fields does not matter, white space around it neither.
    ///
    /// # Errors
    /// What is wrong with it, as [`ParseInvite`].
    pub fn parse(link: &str) -> Result<Self, ParseInvite> {
        let link = link.trim();
        if link.len() > Self::MAX_LENGTH {
            return Err(ParseInvite::TooLong);
        }
        let head = link.get(..Self::PREFIX.len()).ok_or(ParseInvite::Scheme)?;
        if !head.eq_ignore_ascii_case(Self::PREFIX) {
            return Err(ParseInvite::Scheme);
        }
        let rest = &link[Self::PREFIX.len()..];
        let (rest, secret) = rest.split_once('#').ok_or(ParseInvite::SecretMissing)?;
        let (room, query) = rest.split_once('?').ok_or(ParseInvite::Room)?;
        // Some mail programs put a slash behind the path.
        let room = RoomId::parse(room.trim_end_matches('/')).map_err(|_| ParseInvite::Room)?;
        let fields = Fields::parse(query)?;
        if secret.is_empty() {
            return Err(ParseInvite::SecretMissing);
        }
        let bytes: [u8; 64] = decode_exactly(secret).ok_or(ParseInvite::Secret)?;
        let bytes = zeroize::Zeroizing::new(bytes);
        let (mut entry, mut media, mut broadcast) = ([0; 16], [0; 32], [0; 16]);
        entry.copy_from_slice(&bytes[..16]);
        media.copy_from_slice(&bytes[16..48]);
        broadcast.copy_from_slice(&bytes[48..]);
        Ok(Self {
            room,
            addresses: fields.addresses,
            id: fields.id.ok_or(ParseInvite::Id)?,
            host: fields.host.ok_or(ParseInvite::Fingerprint)?,
            expires_at: fields.expires_at.ok_or(ParseInvite::Expiry)?,
            secret: InviteSecret {
                entry: Secret::new(entry),
                media: Secret::new(media),
                broadcast: Secret::new(broadcast),
            },
        })
    }
}

#[derive(Default)]
struct Fields {
    addresses: Vec<HostAddress>,
    id: Option<InviteId>,
    host: Option<Fingerprint>,
    expires_at: Option<u32>,
}

impl Fields {
    fn parse(query: &str) -> Result<Self, ParseInvite> {
        let mut fields = Self::default();
        let mut version = None;
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').ok_or(ParseInvite::Field)?;
            match key {
                "v" if version.is_none() => version = Some(value),
                "a" if fields.addresses.len() < Invite::MAX_ADDRESSES => {
                    fields.addresses.push(HostAddress::parse(&unescape(value))?);
                }
                "i" if fields.id.is_none() => {
                    fields.id = Some(InviteId::parse(value).map_err(|_| ParseInvite::Id)?);
                }
                "k" if fields.host.is_none() => fields.host = Some(Fingerprint::decode(value)?),
                "x" if fields.expires_at.is_none() => {
                    fields.expires_at = Some(value.parse().map_err(|_| ParseInvite::Expiry)?);
                }
                _ => return Err(ParseInvite::Field),
            }
        }
        if version != Some("2") {
            return Err(ParseInvite::Version);
        }
        if fields.addresses.is_empty() {
            return Err(ParseInvite::Address);
        }
        Ok(fields)
    }
}

/// Mail programs escape `[`, `]` and `:` inside links; nothing else is expected to be escaped.
fn unescape(value: &str) -> String {
    value
        .replace("%3A", ":")
        .replace("%3a", ":")
        .replace("%5B", "[")
        .replace("%5b", "[")
        .replace("%5D", "]")
        .replace("%5d", "]")
}

fn decode_exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The length is checked before anything is allocated for it.
    if text.len() > N * 2 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
