//! Sessions in virtual time.
