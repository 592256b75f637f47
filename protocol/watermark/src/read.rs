//! From a picture back to the viewer it was drawn for. Pure; slow by design (tenths of a second for a picture): nobody
//! waits for it in a meeting.
//!
//! Two ways, the quick one first: upright pictures of any scale are tried scale by scale; turned and tilted ones show
//! their lattice in the spectrum. Either way the known cells say whether the pattern is there, and only a message that
//! the meeting's key made is believed.

use protocol::watermark::MARK_CELLS;

use crate::code::{self, CODED};
use crate::key::{CELLS, Key, SYNC, ViewerMark};
use crate::tile;

mod align;
mod fold;
mod map;
mod search;

use align::Quad;
use fold::{FOLD, Pattern};
use map::Map;

/// How well known cells must agree with the picture: 0 for chance, about 10.6 for every cell right. A picture without a
/// mark agrees by chance only.
const LEAST_SYNC: f32 = 5.0;
/// How well all cells must agree, 0 to 1.
const LEAST_AGREEMENT: f32 = 0.45;
/// Scales an upright picture is decoded at, the likeliest first.
const UPRIGHT: usize = 3;
/// Positions a turned or tilted picture is decoded at.
const TILTED: usize = 3;
/// Pixels along a side up to which a picture is looked at whole.
const WHOLE: usize = 3000;

/// A viewer read from a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Whose mark it is.
    pub viewer: ViewerMark,
    /// How well the cells agree with that mark: 0.45 to 1.
    pub agreement: f32,
}

/// A picture in grey, with sides the reader can work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Why a picture is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPicture {
    /// A side is too long or too short.
    #[error("a picture of {0} x {1} pixels cannot be read; each side must have 128 to 16384")]
    Size(usize, usize),
    /// The number of pixels is not width times height.
    #[error("{0} values do not make a picture of that size")]
    Pixels(usize),
}

impl Grey {
    /// Shortest side: half a tile.
    pub const SHORTEST: usize = 128;
    /// Longest side.
    pub const LONGEST: usize = 16_384;

    /// One byte a pixel, row by row.
    ///
    /// # Errors
    /// A side out of range, or the wrong number of bytes.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, BadPicture> {
        let range = Self::SHORTEST..=Self::LONGEST;
        if !range.contains(&width) || !range.contains(&height) {
            return Err(BadPicture::Size(width, height));
        }
        if pixels.len() != width * height {
            return Err(BadPicture::Pixels(pixels.len()));
        }
        Ok(Self { width, height, pixels })
    }

    /// From interleaved channels: grey, grey and alpha, RGB or RGBA.
    ///
    /// # Errors
    /// A side out of range, or a number of bytes that fits none of these.
    pub fn from_channels(width: usize, height: usize, bytes: &[u8]) -> Result<Self, BadPicture> {
        let channels = bytes.len() / width.saturating_mul(height).max(1);
        let grey = |pixel: &[u8]| match *pixel {
            [r, g, b, ..] => ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8,
            [grey, ..] => grey,
            [] => 0,
        };
        if !(1..=4).contains(&channels) || !bytes.len().is_multiple_of(channels) {
            return Err(BadPicture::Pixels(bytes.len()));
        }
        Self::new(width, height, bytes.chunks_exact(channels).map(grey).collect())
    }

    /// Every other pixel of four, averaged.
    fn half(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let at = |x: usize, y: usize| u16::from(self.pixels[y * self.width + x]);
        let pixels = (0..width * height).map(|n| {
            let (x, y) = (n % width * 2, n / width * 2);
            ((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4) as u8
        });
        Self { width, height, pixels: pixels.collect() }
    }

    /// The middle, at most [`WHOLE`] pixels wide and high.
    fn middle(&self) -> Self {
        let (width, height) = (self.width.min(WHOLE), self.height.min(WHOLE * 9 / 16));
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        Self { width, height, pixels: rows.flat_map(|row| &row[left..left + width]).copied().collect() }
    }
}

/// Looks for a mark of this key. `None` where there is none, or too little is left of it.
#[must_use]
pub fn read(picture: &Grey, key: &Key) -> Option<Found> {
    let reader = Reader::new(key);
    let mut picture = std::borrow::Cow::Borrowed(picture);
    loop {
        let found = if picture.width.max(picture.height) > WHOLE {
            reader.look(&picture.middle())
        } else {
            reader.look(&picture)
        };
        // Screens with two device pixels to one of the page double the tile: half of such a picture is an ordinary one.
        let again =
            picture.width.max(picture.height) > WHOLE / 2 && picture.width.min(picture.height) > 2 * Grey::SHORTEST;
        if found.is_some() || !again {
            return found;
        }
        picture = std::borrow::Cow::Owned(picture.half());
    }
}

struct Reader<'a> {
    key: &'a Key,
    pattern: Pattern,
}

impl<'a> Reader<'a> {
    fn new(key: &'a Key) -> Self {
        let mut known = [0.0_f32; CELLS];
        for (cell, lighter) in key.layout().sync {
            known[cell] = if lighter { 1.0 } else { -1.0 };
        }
        Self { key, pattern: Pattern::new(tile::soft(|column, row| known[row * MARK_CELLS + column])) }
    }

    fn look(&self, picture: &Grey) -> Option<Found> {
        let fine = Map::of(picture);
        let coarse = fine.coarse();
        let coarse = coarse.as_ref().unwrap_or(&fine);
        let upright = search::upright(coarse, &self.pattern, UPRIGHT);
        for place in &upright {
            let found = self.decode(&fine, place);
            if found.is_some() {
                return found;
            }
        }
        let tilted = search::tilted(&fine, &self.pattern, TILTED);
        upright.iter().take(1).chain(&tilted).find_map(|place| {
            let place = align::refine(coarse, place, &self.pattern);
            self.decode(&fine, &place)
        })
    }

    /// Reads the cells of a picture that lies there, and believes them or not.
    fn decode(&self, map: &Map, place: &Quad) -> Option<Found> {
        let folded = fold::whole(map, place)?;
        const PER_CELL: usize = FOLD / MARK_CELLS;
        let mut cells = [0.0_f32; CELLS];
        for (n, value) in folded.iter().enumerate() {
            let (x, y) = (n % FOLD / PER_CELL, n / FOLD / PER_CELL);
            cells[y * MARK_CELLS + x] += value;
        }
        let layout = self.key.layout();
        let (mut agree, mut energy) = (0.0, 0.0);
        for (cell, lighter) in &layout.sync {
            agree += if *lighter { cells[*cell] } else { -cells[*cell] };
            energy += cells[*cell].powi(2);
        }
        let sync = agree / energy.sqrt();
        // Not a number where the picture is empty.
        if sync.is_nan() || sync < LEAST_SYNC {
            return None;
        }
        let mut soft = [0.0_f32; CODED];
        for (soft, (cell, turned)) in soft.iter_mut().zip(&layout.coded) {
            *soft = if *turned { -cells[*cell] } else { cells[*cell] };
        }
        let viewer = self.key.check(code::decode(&soft))?;
        let pattern = self.key.pattern(viewer);
        let agree: f32 = cells.iter().zip(pattern).map(|(value, lighter)| if lighter { *value } else { -value }).sum();
        let energy: f32 = cells.iter().map(|v| v * v).sum();
        let agreement = agree / (energy * CELLS as f32).sqrt();
        (agreement >= LEAST_AGREEMENT).then_some(Found { viewer, agreement })
    }
}

const _: () = assert!(SYNC as f32 > LEAST_SYNC * LEAST_SYNC, "a threshold that can be reached");

#[cfg(test)]
mod tests;
