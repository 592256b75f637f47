//! Linux and macOS: the password database, local or through a directory service.

use nix::unistd::{Uid, User};

/// Full name and account.
pub(super) fn asked() -> (Option<String>, Option<String>) {
    match User::from_uid(Uid::current()) {
        Ok(Some(user)) => (full_name(&user.gecos.to_string_lossy(), &user.name), Some(user.name)),
        Ok(None) => (None, None),
        Err(error) => {
            tracing::debug!(%error, "the system does not say who is here");
            (None, None)
        }
    }
}

/// The first of the comma-separated fields; `&` in it stands for the account's name.
fn full_name(gecos: &str, login: &str) -> Option<String> {
    let first = gecos.split(',').next()?.trim();
    if first.is_empty() {
        return None;
    }
    let mut letters = login.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    Some(first.replace('&', &capital))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_and_telephone_are_not_part_of_the_name() {
        assert_eq!(full_name("Hanako Sato,101,555-0100,", "hanako").as_deref(), Some("Hanako Sato"));
        assert_eq!(full_name("& Sato", "hanako").as_deref(), Some("Hanako Sato"));
        assert_eq!(full_name(",,,", "hanako"), None);
    }
}
