//! LiveKit join tokens (JWT, HS256): minting our own short-lived ones and reading those an office's backend minted with
//! the same key and secret.
//! Values only. A token is never logged, whole or in part.

use std::collections::HashMap;
use std::time::Duration;

use livekit_protocol as lk;
use livekit_token::{AccessToken, Claims, TokenVerifier, VideoGrants};
use protocol::ids::{DisplayName, RoomId, UserId};
use protocol::policy::Role;
use zeroize::Zeroizing;

/// How long a token of ours is good for. Grants are looked up afresh at every join, so a stolen one is worth this long.
pub const LIFE: Duration = Duration::from_secs(600);

/// Longest token looked at.
pub const MAX: usize = 16 * 1024;

/// Attribute in which the host says a participant's role.
pub const ROLE_ATTRIBUTE: &str = "shoji.role";

/// LiveKit's limits for what a token may carry (bytes).
const MAX_METADATA: usize = 512 * 1024;
const MAX_ATTRIBUTES: usize = 64 * 1024;

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("no permissions to access the room")]
    Missing,
    /// Wrong signature, issuer or form, or over.
    #[error("invalid token")]
    Invalid,
    /// Good, but not for joining a room.
    #[error("the token does not allow to join")]
    NoJoin,
    /// A room name or identity this host cannot take.
    #[error("the token names a room or identity that is not valid here")]
    Names,
}

/// Who a token says is coming, and what its maker allows at most.
#[derive(Debug, Clone, PartialEq)]
pub struct Visitor {
    /// Identity.
    pub user: UserId,
    /// What to call them; the identity when the token has no name.
    pub name: DisplayName,
    /// Where to.
    pub room: RoomId,
    /// The role the token's maker gave, if any.
    pub role: Option<Role>,
    /// LiveKit metadata.
    pub metadata: String,
    /// LiveKit attributes without the host's own.
    pub attributes: HashMap<String, String>,
    /// The most this person may do; the room's matrix decides within it.
    pub permission: lk::ParticipantPermission,
}

/// What an administrator's token allows (`RoomService`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// May manage this room.
    pub room: Option<RoomId>,
    /// May list rooms.
    pub list: bool,
}

/// Signs and checks.
#[derive(Clone)]
pub struct Tokens {
    key: String,
    secret: Zeroizing<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Tokens {
    /// For one API key and its secret.
    #[must_use]
    pub fn new(key: &str, secret: &str) -> Self {
        Self { key: key.to_owned(), secret: Zeroizing::new(secret.to_owned()) }
    }

    /// A join token of ours, good for [`LIFE`]. It allows everything: what its bearer may do is decided at the door and
    /// whenever rights change, never by an old token.
    #[must_use]
    pub fn mint(&self, user: &UserId, name: &str, room: &RoomId, role: Role) -> String {
        let token = AccessToken::with_api_key(&self.key, &self.secret)
            .with_ttl(LIFE)
            .with_identity(user.as_str())
            .with_name(name)
            .with_attributes([(ROLE_ATTRIBUTE, role_word(role))])
            .with_grants(VideoGrants { room_join: true, room: room.as_str().to_owned(), ..Default::default() });
        token.to_jwt().expect("HMAC signing of plain claims cannot fail")
    }

    /// A fresh token with the same limits as an accepted one, for a participant that keeps `refresh_token`.
    #[must_use]
    pub fn renew(&self, visitor: &Visitor, role: Role) -> String {
        let p = &visitor.permission;
        let sources = if p.can_publish { &p.can_publish_sources[..] } else { &[] };
        let attributes = visitor
            .attributes
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .chain(std::iter::once((ROLE_ATTRIBUTE.to_owned(), role_word(role).to_owned())));
        let token = AccessToken::with_api_key(&self.key, &self.secret)
            .with_ttl(LIFE)
            .with_identity(visitor.user.as_str())
            .with_name(visitor.name.as_str())
            .with_metadata(&visitor.metadata)
            .with_attributes(attributes)
            .with_grants(VideoGrants {
                room_join: true,
                room: visitor.room.as_str().to_owned(),
                can_publish: Some(p.can_publish),
                can_subscribe: Some(p.can_subscribe),
                can_publish_data: Some(p.can_publish_data),
                can_update_own_metadata: Some(p.can_update_metadata),
                can_publish_sources: sources.iter().filter_map(|s| source_word(*s)).collect(),
                hidden: p.hidden,
                ..Default::default()
            });
        token.to_jwt().expect("HMAC signing of plain claims cannot fail")
    }

    /// Reads a join token.
    ///
    /// # Errors
    /// Not ours, over, not for joining, or with names this host cannot take.
    pub fn visitor(&self, token: &str) -> Result<Visitor, TokenError> {
        let claims = self.claims(token)?;
        if !claims.video.room_join {
            return Err(TokenError::NoJoin);
        }
        let room = RoomId::parse(claims.video.room.clone()).map_err(|_| TokenError::Names)?;
        let user = UserId::parse(claims.sub.clone()).map_err(|_| TokenError::Names)?;
        let attributes: usize = claims.attributes.iter().map(|(k, v)| k.len() + v.len()).sum();
        if claims.metadata.len() > MAX_METADATA || attributes > MAX_ATTRIBUTES {
            return Err(TokenError::Names);
        }
        let name = if claims.name.is_empty() { user.as_str() } else { &claims.name };
        Ok(Visitor {
            name: display_name(name),
            role: claims.attributes.get(ROLE_ATTRIBUTE).and_then(|r| role_of(r)),
            permission: permission(&claims.video),
            metadata: claims.metadata,
            attributes: claims.attributes.into_iter().filter(|(k, _)| !is_ours(k)).collect(),
            user,
            room,
        })
    }

    /// Reads an administrator's token.
    ///
    /// # Errors
    /// Not ours, or over.
    pub fn admin(&self, token: &str) -> Result<Admin, TokenError> {
        let claims = self.claims(token)?;
        let room = claims.video.room_admin.then(|| RoomId::parse(claims.video.room.clone()).ok()).flatten();
        Ok(Admin { room, list: claims.video.room_list })
    }

    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > MAX {
            return Err(TokenError::Invalid);
        }
        // The library's error can quote claims: it is dropped, not wrapped.
        TokenVerifier::with_api_key(&self.key, &self.secret).verify(token).map_err(|_| TokenError::Invalid)
    }
}

/// Attributes only the host writes.
#[must_use]
pub fn is_ours(attribute: &str) -> bool {
    attribute.starts_with("shoji.")
}

/// As it stands in attributes.
#[must_use]
pub const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
        Role::Guest => "guest",
    }
}

fn role_of(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|r| role_word(*r) == word)
}

fn source_word(source: i32) -> Option<String> {
    lk::TrackSource::try_from(source).ok().map(|s| s.as_str_name().to_ascii_lowercase())
}

/// LiveKit allows longer names than a tile can show, and control characters.
fn display_name(text: &str) -> DisplayName {
    let mut name = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if name.len() + c.len_utf8() > DisplayName::MAX {
            break;
        }
        name.push(c);
    }
    DisplayName::parse(name).unwrap_or_else(|_| DisplayName::parse("?").expect("one printable character is a name"))
}

fn permission(video: &VideoGrants) -> lk::ParticipantPermission {
    let known: Vec<i32> = video
        .can_publish_sources
        .iter()
        .filter_map(|s| lk::TrackSource::from_str_name(&s.to_ascii_uppercase()))
        .map(|s| s as i32)
        .collect();
    // A list of only unknown words must not become an empty list, which would mean everything.
    let none = known.is_empty() && !video.can_publish_sources.is_empty();
    lk::ParticipantPermission {
        can_subscribe: video.can_subscribe(),
        can_publish: video.can_publish() && !none,
        can_publish_data: video.can_publish_data(),
        can_publish_sources: known,
        can_update_metadata: video.can_update_own_metadata(),
        hidden: video.hidden,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
