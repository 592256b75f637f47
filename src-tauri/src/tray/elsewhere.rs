//! Windows and macOS always have a tray.

/// Always.
pub(super) const fn has_tray() -> bool {
    true
}
