//! Other processors: what the compiler takes for granted there, which on 64-bit ARM is all that is needed. Pure.

use super::Work;

/// Every 64-bit ARM has it.
const FUSED: bool = cfg!(target_arch = "aarch64");

/// What the processor knows.
#[derive(Debug, Clone, Copy)]
pub(in crate::video::background) struct Cpu;

impl Cpu {
    /// Nothing to look for.
    pub(in crate::video::background) const fn new() -> Self {
        Self
    }

    /// The same.
    #[cfg(test)]
    pub(in crate::video::background) const fn plain() -> Self {
        Self
    }

    /// Does it.
    pub(in crate::video::background) fn run<W: Work>(self, work: W) -> W::Answer {
        work.done::<FUSED>()
    }
}
