//! What a join token may and may not do.

use super::*;
use protocol::policy::{Capability, Grants};

fn tokens() -> Tokens {
    Tokens::new("shoji", "a secret that only tests know")
}

fn jwt(key: &str, secret: &str, ttl: Duration, video: VideoGrants) -> String {
    let token = AccessToken::with_api_key(key, secret).with_identity("bob").with_name("Bob").with_ttl(ttl);
    token.with_grants(video).to_jwt().unwrap()
}

fn join(room: &str) -> VideoGrants {
    VideoGrants { room_join: true, room: room.into(), ..Default::default() }
}

const HOUR: Duration = Duration::from_secs(3600);
const SECRET: &str = "a secret that only tests know";

#[test]
fn our_own_token_reads_back() {
    let (user, room) = (UserId::parse("u_1").unwrap(), RoomId::parse("r").unwrap());
    let visitor = tokens().visitor(&tokens().mint(&user, "花子", &room, Role::Guest)).unwrap();
    assert_eq!((visitor.user, visitor.room, visitor.role), (user, room, Some(Role::Guest)));
    assert_eq!(visitor.name.as_str(), "花子");
    assert_eq!(protocol::signal::grants(&visitor.permission), Grants::ALL);
}

#[test]
fn a_renewed_token_allows_no_more_than_the_first() {
    let video = VideoGrants { can_publish_sources: vec!["microphone".into()], can_subscribe: Some(false), ..join("r") };
    let first = tokens().visitor(&jwt("shoji", SECRET, HOUR, video)).unwrap();
    let second = tokens().visitor(&tokens().renew(&first, Role::Member)).unwrap();
    assert_eq!(second.permission, first.permission);
    assert_eq!(protocol::signal::grants(&second.permission), Grants::of(&[Capability::Microphone]));
    let muzzled = VideoGrants { can_publish: Some(false), ..join("r") };
    let first = tokens().visitor(&jwt("shoji", SECRET, HOUR, muzzled)).unwrap();
    let second = tokens().visitor(&tokens().renew(&first, Role::Member)).unwrap();
    assert_eq!(protocol::signal::grants(&second.permission), Grants::NONE);
}

#[test]
fn a_wrong_key_secret_or_form_is_refused() {
    for (key, secret) in [("shoji", "another secret, also long enough"), ("someone", SECRET)] {
        assert_eq!(tokens().visitor(&jwt(key, secret, HOUR, join("r"))), Err(TokenError::Invalid));
    }
    assert_eq!(tokens().visitor(""), Err(TokenError::Missing));
    assert_eq!(tokens().visitor("a.b.c"), Err(TokenError::Invalid));
    assert_eq!(tokens().visitor(&"x".repeat(MAX + 1)), Err(TokenError::Invalid));
}

#[test]
fn an_unsigned_token_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let body =
        B64.encode(r#"{"iss":"shoji","sub":"bob","exp":99999999999,"nbf":0,"video":{"roomJoin":true,"room":"r"}}"#);
    for alg in ["none", "None", "RS256", "HS512"] {
        let head = B64.encode(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#));
        assert!(tokens().visitor(&format!("{head}.{body}.")).is_err(), "{alg}");
    }
}

#[test]
fn a_token_that_is_over_is_refused() {
    // Two hours ago: far beyond the minute of leeway.
    let claims = serde_json::json!({"iss":"shoji","sub":"bob","exp":1000,"nbf":0,"video":{"roomJoin":true,"room":"r"}});
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let signed = format!("{}.{}", B64.encode(r#"{"alg":"HS256","typ":"JWT"}"#), B64.encode(claims.to_string()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let mac = B64.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
    assert_eq!(tokens().visitor(&format!("{signed}.{mac}")), Err(TokenError::Invalid));
}

#[test]
fn a_token_without_join_or_with_a_bad_room_is_refused() {
    let no = VideoGrants { room: "r".into(), ..Default::default() };
    assert_eq!(tokens().visitor(&jwt("shoji", SECRET, HOUR, no)), Err(TokenError::NoJoin));
    assert_eq!(tokens().visitor(&jwt("shoji", SECRET, HOUR, join("../x"))), Err(TokenError::Names));
}

#[test]
fn a_list_of_unknown_sources_never_becomes_everything() {
    let video = VideoGrants { can_publish_sources: vec!["hologram".into()], ..join("r") };
    let visitor = tokens().visitor(&jwt("shoji", SECRET, HOUR, video)).unwrap();
    assert_eq!(protocol::signal::grants(&visitor.permission), Grants::NONE);
}

#[test]
fn a_long_name_is_cut_between_characters() {
    let name = display_name(&"障".repeat(200));
    assert_eq!(name.as_str().chars().count(), 32);
    assert_eq!(display_name("\u{7}").as_str(), "?");
}
