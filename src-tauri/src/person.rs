//! What the operating system calls the person at this computer, so that a newcomer need not type a name first.
//! Only a proposal for the page; nothing here is sent or logged. May ask a directory service: not for the main thread.

use protocol::ids::DisplayName;

#[cfg(unix)]
#[path = "person/unix.rs"]
mod system;
#[cfg(not(unix))]
#[path = "person/elsewhere.rs"]
mod system;

/// Accounts that belong to a role or an image, not to somebody: nobody wants to be greeted as `root`.
const NOBODY: &[&str] = &[
    "root",
    "admin",
    "administrator",
    "user",
    "guest",
    "ubuntu",
    "debian",
    "pi",
    "vagrant",
    "node",
    "runner",
    "nobody",
];

/// The full name where there is one, else the account's; `None` when neither says who it is.
pub(crate) fn named() -> Option<DisplayName> {
    let (full, login) = system::asked();
    best(full.as_deref(), login.as_deref())
}

fn best(full: Option<&str>, login: Option<&str>) -> Option<DisplayName> {
    [full, login].into_iter().flatten().map(str::trim).find_map(|name| {
        let nobody = NOBODY.iter().any(|other| other.eq_ignore_ascii_case(name));
        if nobody { None } else { DisplayName::parse(name).ok() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(full: Option<&str>, login: Option<&str>) -> Option<String> {
        best(full, login).map(|name| name.to_string())
    }

    #[test]
    fn a_full_name_goes_before_the_accounts() {
        assert_eq!(name(Some("佐藤 花子"), Some("hanako")).as_deref(), Some("佐藤 花子"));
        assert_eq!(name(Some("  "), Some("hanako")).as_deref(), Some("hanako"));
        assert_eq!(name(None, Some("hanako")).as_deref(), Some("hanako"));
    }

    #[test]
    fn an_account_of_nobody_is_not_a_name() {
        assert_eq!(name(Some("root"), Some("root")), None);
        assert_eq!(name(Some("Ubuntu"), Some("ubuntu")), None);
        assert_eq!(name(None, None), None);
        assert_eq!(name(Some("a\u{7}b"), None), None);
    }
}
