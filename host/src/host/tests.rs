//! The whole host over loopback.
