//! Pictures a machine can read: a test card with a painted frame counter, and a screen of scrolling text with the same
//! counter on top. Pure; pooled.
//!
//! The counter is 16 cells across the top of the picture, white for one, highest bit left; below each cell its opposite,
//! so that a damaged picture is not misread. It survives scaling and hard compression.

use super::font;
use crate::frame::{Picture, Size};
use crate::time::MediaTime;
use crate::video::convert::Pool;

const CELLS: usize = 16;
const BLACK: u8 = 16;
const WHITE: u8 = 235;

/// The counter's height: an eighth of the picture for each of its two rows.
const fn row_height(size: Size) -> usize {
    size.height as usize / 8
}

fn paint_counter(y: &mut [u8], size: Size, counter: u16) {
    let (width, row) = (size.width as usize, row_height(size));
    for (line, pixels) in y.chunks_exact_mut(width).take(2 * row).enumerate() {
        for (x, pixel) in pixels.iter_mut().enumerate() {
            let one = counter >> (CELLS - 1 - (x * CELLS / width)) & 1 == 1;
            *pixel = if one == (line < row) { WHITE } else { BLACK };
        }
    }
}

/// The counter painted on a picture; `None` when it cannot be read.
#[must_use]
pub fn read_counter(picture: &Picture) -> Option<u16> {
    let (width, row) = (picture.size().width as usize, row_height(picture.size()));
    if width < CELLS * 4 || row < 4 {
        return None;
    }
    // The middle quarter of a cell, away from its blurred edges.
    let look = |cell: usize, top: usize| -> Option<bool> {
        let (left, right) = (width * (8 * cell + 3) / (8 * CELLS), width * (8 * cell + 5) / (8 * CELLS));
        let (mut sum, mut n) = (0_u32, 0_u32);
        for line in top + row * 3 / 8..(top + row * 5 / 8).max(top + row * 3 / 8 + 1) {
            for x in left..right.max(left + 1) {
                sum += u32::from(picture.y()[line * width + x]);
                n += 1;
            }
        }
        match sum / n {
            170.. => Some(true),
            0..=85 => Some(false),
            _ => None,
        }
    };
    let mut counter = 0;
    for cell in 0..CELLS {
        let one = look(cell, 0)?;
        if look(cell, row)? == one {
            return None;
        }
        counter = counter << 1 | u16::from(one);
    }
    Some(counter)
}

/// A camera's picture: counter, colour bars that stand still, a bar that moves.
#[derive(Debug)]
pub struct TestCard {
    size: Size,
    pool: Pool,
}

impl TestCard {
    /// A card of this size.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self { size, pool: Pool::default() }
    }

    /// The card with this counter.
    pub fn paint(&mut self, counter: u16, at: MediaTime) -> Picture {
        let (w, h) = (self.size.width as usize, self.size.height as usize);
        let mut out = self.pool.take(self.size.i420_len());
        let (y, rest) = out.split_at_mut(w * h);
        let (u, v) = rest.split_at_mut(w * h / 4);
        let bar = usize::from(counter) * w / 64 % w;
        for (line, pixels) in y.chunks_exact_mut(w).enumerate() {
            for (x, pixel) in pixels.iter_mut().enumerate() {
                let moving = line > h * 3 / 4 && x.abs_diff(bar) < w / 32;
                *pixel = if moving { WHITE } else { 60 + (x * 120 / w) as u8 };
            }
        }
        // Eight colours below the counter, grey behind it.
        for (line, (u, v)) in u.chunks_exact_mut(w / 2).zip(v.chunks_exact_mut(w / 2)).enumerate() {
            let coloured = line * 2 >= 2 * row_height(self.size);
            for (x, (u, v)) in u.iter_mut().zip(v).enumerate() {
                let bar = (x * 16 / w) as u8;
                (*u, *v) = if coloured { (64 + bar * 18, 190 - bar * 16) } else { (128, 128) };
            }
        }
        paint_counter(y, self.size, counter);
        let data = self.pool.keep(out);
        Picture::new(self.size, data, at).expect("the pool gave the size's length")
    }
}

/// A screen's picture: counter, and lines of small text that scroll up one pixel per count.
#[derive(Debug)]
pub struct TextScreen {
    size: Size,
    pool: Pool,
}

const LETTER_WIDTH: usize = 6;
const LETTER_HEIGHT: usize = 10;
const WORDS: [&[u8]; 8] = [
    b"SHOJI LETS LIGHT THROUGH AND KEEPS THE VIEW OUT. ",
    b"0123456789 THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG. ",
    b"QUARTERLY FIGURES 12.5 - 48.0 - 7.25 ",
    b"MINUTES OF THE FIRST MEETING ",
    b"ROOM 3 - FLOOR 2 - SEAT 14 ",
    b"PACK MY BOX WITH FIVE DOZEN LIQUOR JUGS. ",
    b"A LINE OF SMALL TEXT THAT MUST STAY LEGIBLE ",
    b"-------------------------------------------- ",
];

impl TextScreen {
    /// A screen of this size.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self { size, pool: Pool::default() }
    }

    /// The screen with this counter.
    pub fn paint(&mut self, counter: u16, at: MediaTime) -> Picture {
        let (w, h) = (self.size.width as usize, self.size.height as usize);
        let mut out = self.pool.take(self.size.i420_len());
        let (y, chroma) = out.split_at_mut(w * h);
        chroma.fill(128);
        for (line, pixels) in y.chunks_exact_mut(w).enumerate() {
            let place = line + usize::from(counter);
            let (text, bit) = (WORDS[place / LETTER_HEIGHT % WORDS.len()], place % LETTER_HEIGHT);
            pixels.fill(WHITE);
            if bit >= 7 {
                continue;
            }
            for (x, pixel) in pixels.iter_mut().enumerate() {
                let (letter, column) = (text[x / LETTER_WIDTH % text.len()], x % LETTER_WIDTH);
                if column < 5 && font::columns(letter)[column] >> bit & 1 == 1 {
                    *pixel = 30;
                }
            }
        }
        paint_counter(y, self.size, counter);
        let data = self.pool.keep(out);
        Picture::new(self.size, data, at).expect("the pool gave the size's length")
    }
}
