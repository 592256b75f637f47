//! Invitation links as somebody might paste them. What parses must print as a link that parses to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::invite::Invite;

fuzz_target!(|link: &str| {
    if let Ok(invite) = Invite::parse(link) {
        assert!(invite.addresses.len() <= Invite::MAX_ADDRESSES);
        assert_eq!(Invite::parse(&invite.to_link()), Ok(invite));
    }
});
