//! Windows and macOS: their web views choose a renderer themselves.

/// Nothing.
pub(super) fn wanted() -> Vec<(&'static str, &'static str)> {
    Vec::new()
}
