//! Windows: the account's name, as every process of the session has it.

/// Full name and account.
pub(super) fn asked() -> (Option<String>, Option<String>) {
    (None, std::env::var("USERNAME").ok())
}
