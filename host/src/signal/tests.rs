//! The switchboard.
