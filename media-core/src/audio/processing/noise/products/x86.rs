//! 32 products at a time where the processor has AVX2, 16 where it has SSSE3 (all of the last fifteen years have), by the
//! instructions of `pulp`, which proves that the processor knows them. Pure; no allocation.

use std::arch::x86_64::{__m128i, __m256i};

use pulp::cast;
use pulp::x86::{V2, V3};

use super::{Column, ROW, Row};

/// What the processor knows.
#[derive(Clone, Copy)]
pub(super) enum Fast {
    Avx2(V3),
    Ssse3(V2),
}

impl Fast {
    /// Knows it any of these?
    pub(super) fn new() -> Option<Self> {
        Self::all().next()
    }

    /// All it knows, the fastest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let wide = V3::try_new().map(Self::Avx2);
        wide.into_iter().chain(V2::try_new().map(Self::Ssse3))
    }

    /// The products of rows with a column; `shift` is what the shifted column makes too much, negative.
    pub(super) fn products(self, rows: &[Row], shift: &[i32], column: &Column, into: &mut [i32]) {
        // The instruction takes one side without sign. Two of its products fit into 16 bits, beyond which it saturates:
        // no two neighbouring weights of one sign come to more than 129 (a test looks), and 129 x 254 < 32 768.
        let shifted = column.map(|value| value.cast_unsigned().wrapping_add(127));
        match self {
            Self::Avx2(cpu) => wide(cpu, rows, shift, &shifted, into),
            Self::Ssse3(cpu) => narrow(cpu, rows, shift, &shifted, into),
        }
    }
}

fn wide(cpu: V3, rows: &[Row], shift: &[i32], column: &[u8; ROW], into: &mut [i32]) {
    cpu.vectorize(
        #[inline(always)]
        || {
            let (column, _) = column.as_chunks::<32>();
            let ones = cpu.avx._mm256_set1_epi16(1);
            for ((row, shift), into) in rows.iter().zip(shift).zip(into) {
                let mut sums = cpu.avx._mm256_setzero_si256();
                for (weights, values) in row.as_chunks::<32>().0.iter().zip(column) {
                    let pairs = cpu.avx2._mm256_maddubs_epi16(cast(*values), cast(*weights));
                    sums = cpu.avx2._mm256_add_epi32(sums, cpu.avx2._mm256_madd_epi16(pairs, ones));
                }
                let sums: [i32; 8] = cast::<__m256i, _>(sums);
                *into = sums.iter().sum::<i32>() + shift;
            }
        },
    );
}

fn narrow(cpu: V2, rows: &[Row], shift: &[i32], column: &[u8; ROW], into: &mut [i32]) {
    cpu.vectorize(
        #[inline(always)]
        || {
            let (column, _) = column.as_chunks::<16>();
            let ones = cpu.sse2._mm_set1_epi16(1);
            for ((row, shift), into) in rows.iter().zip(shift).zip(into) {
                let mut sums = cpu.sse2._mm_setzero_si128();
                for (weights, values) in row.as_chunks::<16>().0.iter().zip(column) {
                    let pairs = cpu.ssse3._mm_maddubs_epi16(cast(*values), cast(*weights));
                    sums = cpu.sse2._mm_add_epi32(sums, cpu.sse2._mm_madd_epi16(pairs, ones));
                }
                let sums: [i32; 4] = cast::<__m128i, _>(sums);
                *into = sums.iter().sum::<i32>() + shift;
            }
        },
    );
}
