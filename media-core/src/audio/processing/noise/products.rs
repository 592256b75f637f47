//! Products of a matrix of small integers with a column of them, which is nearly all of the network's work: by the vector
//! instructions of an x86 processor, in plain Rust elsewhere. Integers are exact, so all say the same.
//! Pure; allocates only when made.

#[cfg(not(target_arch = "x86_64"))]
#[path = "products/fallback.rs"]
mod fast;
#[cfg(target_arch = "x86_64")]
#[path = "products/x86.rs"]
mod fast;

use fast::Fast;

/// Columns of every matrix.
pub(super) const ROW: usize = 384;
/// Weights of one output, each a signed byte.
pub(super) type Row = [u8; ROW];
/// What a matrix is multiplied with: -127 to 127.
pub(super) type Column = [i8; ROW];

/// Of -1 to 1, this many steps to either side.
const STEPS: f32 = 127.0;

/// In whole steps, the nearest.
pub(super) fn round(values: &[f32], into: &mut [i8]) {
    for (value, into) in values.iter().zip(into) {
        // Shifted above zero, where cutting off is the same on every processor and rounds down.
        *into = ((value * STEPS + (STEPS + 0.5)) as i32 - STEPS as i32) as i8;
    }
}

/// A matrix.
pub(super) struct Matrix {
    rows: &'static [Row],
    /// Minus [`STEPS`] times the sum of each row: the fast instructions want a column without negative numbers.
    shift: Vec<i32>,
    fast: Option<Fast>,
}

impl Matrix {
    /// Of these rows.
    pub(super) fn new(rows: &'static [Row]) -> Self {
        let shift = rows.iter().map(|row| row.iter().map(|w| i32::from(*w as i8) * -(STEPS as i32)).sum()).collect();
        Self { rows, shift, fast: Fast::new() }
    }

    /// The products of its rows with a column, each in steps of weight and column.
    pub(super) fn times(&self, column: &Column, into: &mut [i32]) {
        match self.fast {
            Some(fast) => fast.products(self.rows, &self.shift, column, into),
            None => plain(self.rows, column, into),
        }
    }

    /// Its rows.
    #[cfg(test)]
    pub(super) fn rows(&self) -> &'static [Row] {
        self.rows
    }

    /// The same in all ways this processor knows, the last one plainly.
    #[cfg(test)]
    pub(super) fn times_in_all_ways(&self, column: &Column) -> Vec<Vec<i32>> {
        let mut into = vec![0; self.rows.len()];
        let mut ways = Vec::new();
        for fast in Fast::all() {
            fast.products(self.rows, &self.shift, column, &mut into);
            ways.push(into.clone());
        }
        plain(self.rows, column, &mut into);
        ways.push(into);
        ways
    }
}

fn plain(rows: &[Row], column: &Column, into: &mut [i32]) {
    for (row, into) in rows.iter().zip(into) {
        *into = row.iter().zip(column).map(|(weight, value)| i32::from(*weight as i8) * i32::from(*value)).sum();
    }
}
