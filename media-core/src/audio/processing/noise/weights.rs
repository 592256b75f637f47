//! The weights of RNNoise 0.2, as `assets/noise/README.md` lays them out: floats are read when a network is made, the
//! large matrices stay where they are in the program. Pure; allocates only when made.

use super::bands::BANDS;
use super::products::{Matrix, ROW, Row};

/// What the network is told about a block.
pub(super) const INPUTS: usize = 2 * BANDS + 1;
/// Blocks both first layers look at.
pub(super) const FRAMES: usize = 3;
/// What the first layer says.
pub(super) const FIRST: usize = ROW / FRAMES;
/// What every later layer says, and remembers.
pub(super) const STATE: usize = ROW;
/// Layers that remember.
pub(super) const MEMORIES: usize = 3;
/// What the last layer is told: everything the layers before it said.
pub(super) const TOLD: usize = (1 + MEMORIES) * STATE;

/// Starts on a line of the cache, and so does every row after it.
#[repr(align(64))]
struct Aligned<T: ?Sized>(T);

static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!("../../../../../assets/noise/rnnoise-0.2.bin"));

const MAGIC: &[u8; 4] = b"RNNS";
const VERSION: usize = 1;
const HEADER: usize = 64;

/// A layer of floats: what is added, and what each input is worth to each output.
pub(super) struct Dense<const OUT: usize> {
    bias: [f32; OUT],
    columns: Vec<[f32; OUT]>,
}

impl<const OUT: usize> Dense<OUT> {
    /// What it says, before it is bent.
    pub(super) fn of(&self, told: &[f32]) -> [f32; OUT] {
        let mut out = self.bias;
        for (told, column) in told.iter().zip(&self.columns) {
            for (out, weight) in out.iter_mut().zip(column) {
                *out += weight * told;
            }
        }
        out
    }
}

/// What a layer of small integers needs beside its matrix: a row counts in steps of its own.
pub(super) struct Scale {
    pub(super) bias: Vec<f32>,
    pub(super) step: Vec<f32>,
}

/// A gated recurrent unit.
pub(super) struct Memory {
    pub(super) told: (Matrix, Scale),
    pub(super) kept: (Matrix, Scale),
    /// What each state is worth to itself; the matrix has zeros there.
    pub(super) own: Vec<f32>,
}

/// All layers.
pub(super) struct Weights {
    pub(super) first: Dense<FIRST>,
    pub(super) second: (Matrix, Scale),
    pub(super) memories: [Memory; MEMORIES],
    pub(super) gains: Dense<BANDS>,
}

impl Weights {
    /// Those in the program.
    pub(super) fn new() -> Self {
        Self::read(&FILE.0).expect("the file is part of the program, and a test reads it")
    }

    /// Those of small integers.
    #[cfg(test)]
    pub(super) fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        let memories = self.memories.iter().flat_map(|memory| [&memory.told.0, &memory.kept.0]);
        std::iter::once(&self.second.0).chain(memories)
    }

    /// `None` where it is not such a file.
    pub(super) fn read(file: &'static [u8]) -> Option<Self> {
        let mut rest = Rest(file);
        let mut header = Rest(rest.bytes(HEADER)?);
        (header.bytes(MAGIC.len())? == MAGIC).then_some(())?;
        for wanted in [VERSION, INPUTS, FRAMES, FIRST, STATE, STATE, MEMORIES, BANDS] {
            (header.count()? == wanted).then_some(())?;
        }
        let second = rest.matrix(STATE)?;
        let mut matrices = Vec::with_capacity(2 * MEMORIES);
        for _ in 0..2 * MEMORIES {
            matrices.push(rest.matrix(3 * STATE)?);
        }
        let first = rest.dense(INPUTS * FRAMES)?;
        let second = (second, rest.scale(STATE)?);
        let mut matrices = matrices.into_iter();
        let mut memory = || {
            Some(Memory {
                told: (matrices.next()?, rest.scale(3 * STATE)?),
                kept: (matrices.next()?, rest.scale(3 * STATE)?),
                own: rest.floats(3 * STATE)?,
            })
        };
        let memories = [memory()?, memory()?, memory()?];
        let gains = rest.dense(TOLD)?;
        rest.0.is_empty().then_some(Self { first, second, memories, gains })
    }
}

/// The file.
#[cfg(test)]
pub(super) fn file() -> &'static [u8] {
    &FILE.0
}

/// What has not been read yet.
struct Rest(&'static [u8]);

impl Rest {
    fn bytes(&mut self, count: usize) -> Option<&'static [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        let bytes = self.bytes(4)?.try_into().ok()?;
        u32::from_le_bytes(bytes).try_into().ok()
    }

    fn floats(&mut self, count: usize) -> Option<Vec<f32>> {
        let (floats, _) = self.bytes(4 * count)?.as_chunks();
        Some(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn matrix(&mut self, rows: usize) -> Option<Matrix> {
        let (rows, _): (&[Row], _) = self.bytes(rows * ROW)?.as_chunks();
        Some(Matrix::new(rows))
    }

    fn dense<const OUT: usize>(&mut self, inputs: usize) -> Option<Dense<OUT>> {
        let bias = self.floats(OUT)?.try_into().ok()?;
        let columns = self.floats(inputs * OUT)?.as_chunks().0.to_vec();
        Some(Dense { bias, columns })
    }

    fn scale(&mut self, rows: usize) -> Option<Scale> {
        Some(Scale { bias: self.floats(rows)?, step: self.floats(rows)? })
    }
}
