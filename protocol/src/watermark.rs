//! What a meeting draws over the pictures at each viewer, so that a leak says who looked.
//! Values only; the host decides and gives every viewer a mark of their own, the page draws.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;

/// What is drawn over pictures in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Watermark {
    /// Nothing.
    #[default]
    None,
    /// The viewer's name and the time, readable, over shared screens and cameras.
    Visible,
    /// A pattern nobody sees over shared screens, from which the host's owner can tell the viewer.
    Invisible,
    /// Both.
    Both,
}

impl Watermark {
    /// Is the name drawn?
    #[must_use]
    pub const fn visible(self) -> bool {
        matches!(self, Self::Visible | Self::Both)
    }

    /// Is the pattern drawn?
    #[must_use]
    pub const fn invisible(self) -> bool {
        matches!(self, Self::Invisible | Self::Both)
    }
}

/// Cells of a mark along each side.
pub const MARK_CELLS: usize = 16;

/// The pattern of one viewer: [`MARK_CELLS`] rows of as many cells, each a little lighter or a little darker than what
/// lies below. Only the host can make one: without the meeting's key it says nothing, and nobody makes another's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkCells([u8; Self::BYTES]);

/// Why a text is not a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the cells of a mark")]
pub struct ParseMark;

impl MarkCells {
    /// A bit a cell.
    pub const BYTES: usize = MARK_CELLS * MARK_CELLS / 8;

    /// From one bit a cell, row by row, highest bit first; a one is lighter.
    #[must_use]
    pub const fn new(bits: [u8; Self::BYTES]) -> Self {
        Self(bits)
    }

    /// Is this cell lighter? Both count from the top left and wrap around.
    #[must_use]
    pub const fn lighter(&self, column: usize, row: usize) -> bool {
        let at = (row % MARK_CELLS) * MARK_CELLS + column % MARK_CELLS;
        self.0[at / 8] >> (7 - at % 8) & 1 == 1
    }

    /// Reads base64url without padding.
    ///
    /// # Errors
    /// Anything but [`Self::BYTES`] bytes.
    pub fn parse(text: &str) -> Result<Self, ParseMark> {
        // Longer than any mark: refused before anything is decoded.
        if text.len() > 2 * Self::BYTES {
            return Err(ParseMark);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ParseMark)?;
        Ok(Self(bytes.try_into().map_err(|_| ParseMark)?))
    }

    /// As base64url without padding.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// Who holds the cells can say who looked at a picture: they are not for logs.
impl fmt::Debug for MarkCells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkCells")
    }
}

impl Serialize for MarkCells {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.encode())
    }
}

impl<'de> Deserialize<'de> for MarkCells {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_is_the_bit_of_its_row_and_column() {
        let mut bits = [0; MarkCells::BYTES];
        bits[2 * 3 + 1] = 0b0001_0000;
        let cells = MarkCells::new(bits);
        let lighter: Vec<_> =
            (0..256).map(|n| (n % 16, n / 16)).filter(|(column, row)| cells.lighter(*column, *row)).collect();
        assert_eq!(lighter, [(11, 3)], "the twelfth cell of the fourth row, and no other");
        assert!(cells.lighter(11 + 16, 3 + 16), "cells wrap around");
    }

    #[test]
    fn only_both_draws_both() {
        let drawn = |w: Watermark| (w.visible(), w.invisible());
        assert_eq!(drawn(Watermark::None), (false, false));
        assert_eq!(drawn(Watermark::Visible), (true, false));
        assert_eq!(drawn(Watermark::Invisible), (false, true));
        assert_eq!(drawn(Watermark::Both), (true, true));
    }

    #[test]
    fn the_cells_are_not_printed() {
        assert_eq!(format!("{:?}", MarkCells::new([7; 32])), "MarkCells");
    }

    proptest! {
        #[test]
        fn cells_read_back(bits: [u8; MarkCells::BYTES]) {
            let cells = MarkCells::new(bits);
            prop_assert_eq!(MarkCells::parse(&cells.encode()), Ok(cells));
            let json = serde_json::to_string(&cells).unwrap();
            prop_assert_eq!(serde_json::from_str::<MarkCells>(&json).unwrap(), cells);
        }

        #[test]
        fn no_other_text_is_a_mark(text in "\\PC{0,80}") {
            if let Ok(cells) = MarkCells::parse(&text) {
                prop_assert_eq!(cells.encode(), text);
            }
        }
    }
}
