//! Other processors: plain Rust does it. Pure.

use super::{Column, Row};

/// Nothing is known that is faster.
#[derive(Clone, Copy)]
pub(super) enum Fast {}

impl Fast {
    /// Never.
    pub(super) fn new() -> Option<Self> {
        None
    }

    /// None.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::empty()
    }

    /// Never called.
    pub(super) fn products(self, _rows: &[Row], _shift: &[i32], _column: &Column, _into: &mut [i32]) {
        match self {}
    }
}
