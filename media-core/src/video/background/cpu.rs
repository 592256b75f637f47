//! Runs the same plain Rust with the vector instructions of the processor at hand. Pure; no allocation.

#[cfg(not(target_arch = "x86_64"))]
#[path = "cpu/fallback.rs"]
mod fast;
#[cfg(target_arch = "x86_64")]
#[path = "cpu/x86.rs"]
mod fast;

pub(super) use fast::Cpu;

/// Something that is worth it. Everything it calls has to be inlined into it.
pub(super) trait Work {
    /// What comes of it.
    type Answer;

    /// Does it; `FUSED`: a product and its sum are one instruction.
    fn done<const FUSED: bool>(self) -> Self::Answer;
}

/// `a * b + c`, in one instruction where there is one.
#[inline(always)]
pub(super) fn add_product<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
