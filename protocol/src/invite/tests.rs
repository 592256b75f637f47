//! Links as people paste them, whole, cut and forged.

use proptest::prelude::*;

use super::*;

fn sample() -> Invite {
    Invite {
        room: RoomId::parse("asa-kai").unwrap(),
        addresses: vec![
            HostAddress::Ip("192.168.1.5:7880".parse().unwrap()),
            HostAddress::Ip("[fe80::1]:7880".parse().unwrap()),
            HostAddress::Name("office.example.jp".into(), 443),
        ],
        id: InviteId::parse("inv_1").unwrap(),
        host: Fingerprint([9; 32]),
        expires_at: 1_800_000_000,
        secret: InviteSecret {
            entry: Secret::new([1; 16]),
            media: Secret::new([2; 32]),
            broadcast: Secret::new([3; 16]),
        },
    }
}

#[test]
fn a_link_survives_the_way_through_a_mail() {
    let link = sample().to_link();
    assert_eq!(Invite::parse(&link), Ok(sample()));
    assert_eq!(Invite::parse(&format!("  {link}\n")), Ok(sample()));
    assert_eq!(Invite::parse(&link.replacen("[fe80::1]", "%5Bfe80%3A%3A1%5D", 1)), Ok(sample()));
    assert_eq!(Invite::parse(&link.replacen("asa-kai?", "asa-kai/?", 1)), Ok(sample()));
}

#[test]
fn the_secret_stands_in_the_fragment_only() {
    let link = sample().to_link();
    let (open, secret) = link.split_once('#').unwrap();
    assert!(!open.contains(secret) && secret.len() == 86);
}

#[test]
fn a_damaged_link_says_what_is_wrong() {
    let link = sample().to_link();
    let without_secret = link.split_once('#').unwrap().0;
    assert_eq!(Invite::parse(without_secret), Err(ParseInvite::SecretMissing));
    assert_eq!(Invite::parse(&format!("{without_secret}#")), Err(ParseInvite::SecretMissing));
    assert_eq!(Invite::parse(&link[..link.len() - 3]), Err(ParseInvite::Secret));
    assert_eq!(Invite::parse("https://example.jp/"), Err(ParseInvite::Scheme));
    assert_eq!(Invite::parse(&link.replace("v=2", "v=3")), Err(ParseInvite::Version));
    assert_eq!(Invite::parse(&link.replace("x=18", "x=hello")), Err(ParseInvite::Expiry));
    assert_eq!(Invite::parse(&link.replace("&i=inv_1", "")), Err(ParseInvite::Id));
    assert_eq!(Invite::parse(&link.replace("&i=inv_1", "&i=inv_1&i=inv_2")), Err(ParseInvite::Field));
    assert_eq!(Invite::parse(&link.replace("192.168.1.5:7880", "0.0.0.0:1")), Err(ParseInvite::Address));
    assert_eq!(Invite::parse(&link.replace("office.example.jp", "-evil")), Err(ParseInvite::Address));
    assert_eq!(Invite::parse(&"x".repeat(5000)), Err(ParseInvite::TooLong));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        let _ = Invite::parse(&text).is_ok();
        let _ = Invite::parse(&format!("shoji://join/{text}")).is_ok();
    }

    #[test]
    fn one_changed_character_is_noticed_or_harmless(at in 0_usize..300, c in proptest::char::any()) {
        let link = sample().to_link();
        let mut chars: Vec<char> = link.chars().collect();
        let at = at % chars.len();
        chars[at] = c;
        let changed: String = chars.into_iter().collect();
        // Never a panic; a link that still parses still prints as a link that parses to the same.
        if let Ok(invite) = Invite::parse(&changed) {
            prop_assert_eq!(Invite::parse(&invite.to_link()), Ok(invite));
        }
    }
}

#[test]
fn numbers_in_disguise_are_not_names() {
    // A resolver would read each as an IPv4 address; a port has no sign.
    for text in ["010.0.0.1:7880", "05:7880", "0x7f.1:7880", "1.2.3:80", "host.0X:80", "192.0.2.1:+80", "host:+80"] {
        assert_eq!(HostAddress::parse(text), Err(ParseInvite::Address), "{text}");
    }
    for text in ["3com.example:80", "host-1:80", "a.0x1g:80"] {
        assert_eq!(HostAddress::parse(text).map(|a| a.to_string()), Ok(text.to_owned()));
    }
}
