//! AVX2 and FMA, where `pulp` proves that the processor has them (those of the last ten years); else what every 64-bit
//! processor has. Pure; no allocation.

use pulp::x86::V3;

use super::Work;

/// What the processor knows.
#[derive(Debug, Clone, Copy)]
pub(in crate::video::background) struct Cpu(Option<V3>);

impl Cpu {
    /// Looks.
    pub(in crate::video::background) fn new() -> Self {
        Self(V3::try_new())
    }

    /// One that knows nothing special.
    #[cfg(test)]
    pub(in crate::video::background) const fn plain() -> Self {
        Self(None)
    }

    /// Does it as fast as it can.
    pub(in crate::video::background) fn run<W: Work>(self, work: W) -> W::Answer {
        match self.0 {
            Some(v3) => v3.vectorize(
                #[inline(always)]
                || work.done::<true>(),
            ),
            None => work.done::<false>(),
        }
    }
}
