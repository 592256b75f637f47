//! Systems without rtkit: what the system itself refused nobody else gives.

/// Nobody to ask.
///
/// # Errors
/// Always.
pub(super) fn hasten() -> Result<(), &'static str> {
    Err("there is nobody else to ask")
}
