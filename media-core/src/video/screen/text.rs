//! The text codec: pictures of a screen without any loss, for as little as text is worth. What is the same as before costs
//! nothing, what moved is copied, flat areas are filled, letters that came before are named, and everything else is told
//! sample by sample. A picture may be told in several frames, band by band; after each of them both ends have the same
//! picture. Pure; bytes from outside never panic, and cost at most a few pictures' worth of time.
//!
//! ```text
//! u8 version = 1 | u8 flags: bit 0 key, bit 1 whole | u16 number | u16 width | u16 height | u16 first row of blocks | u16 rows
//! u8 paper | u8 moves | moves x (i16 right, i16 down): where copies come from | arithmetically coded rows
//! ```

use super::moves::{self, Move};
use super::page::{Band, MOVES, Page, Planes};
use super::patch::{self, Patch};
use super::plan;
use super::range::{Reader, Writer};
use crate::frame::Size;

const VERSION: u8 = 1;
const HEAD: usize = 14;
const KEY: u8 = 1;
/// With this frame the picture is as it should be.
const WHOLE: u8 = 2;

/// Why a frame was not understood. Only a key frame helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadText {
    /// Shorter than its head, or of another version.
    #[error("no frame of text")]
    Malformed,
    /// A picture of this size is not taken.
    #[error("a picture of {0} x {1} is not taken")]
    Size(u16, u16),
    /// One before it is missing.
    #[error("a frame is missing")]
    Missing,
    /// It copies from outside, or ends before its rows do.
    #[error("the frame is broken")]
    Broken,
}

/// Writes pictures.
pub(super) struct TextWriter {
    page: Page,
    number: u16,
    /// The row that is told next, so that everything has its turn.
    next: usize,
    is_new: bool,
    /// Rows told since the picture was whole.
    told: usize,
}

/// One frame.
#[derive(Debug)]
pub(super) struct TextFrame {
    pub(super) data: Vec<u8>,
    /// The other end has the whole picture now.
    pub(super) whole: bool,
    /// How much of what waited it told, by rows; above 0.
    pub(super) share: f64,
}

impl TextWriter {
    /// For pictures of this size; the first frame is a key frame.
    pub(super) fn new(size: Size) -> Self {
        Self { page: Page::new(size), number: 0, next: 0, is_new: true, told: 0 }
    }

    /// Size of its pictures.
    pub(super) const fn size(&self) -> Size {
        self.page.size()
    }

    /// Begins anew: the next frame is a key frame.
    pub(super) fn restart(&mut self) {
        *self = Self { number: self.number, ..Self::new(self.size()) };
    }

    /// Whether the next frame can be understood without earlier ones.
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Tells what of `new` the other end does not have, in about so many bytes; `None` when it has everything.
    pub(super) fn write(&mut self, new: Planes<'_>, budget: usize) -> Option<TextFrame> {
        let rows = self.page.rows();
        let mut waits: Vec<bool> = (0..rows).map(|row| !plan::is_row_same(&self.page, row, new)).collect();
        if self.is_new {
            self.next = 0;
        } else if !waits.contains(&true) {
            return None;
        }
        // From where the last frame ended to the bottom; then from the top.
        let first = (self.next..rows).chain(0..self.next).find(|row| waits[*row]).unwrap_or(0);
        let ways = if self.is_new { Vec::new() } else { moves::find(&self.page.planes()[0], new[0], &waits) };
        let first = if ways.is_empty() { first } else { waits.iter().position(|waits| *waits).unwrap_or(0) };
        self.page.keep(!ways.is_empty());
        let (band, plan) = plan::plan(&self.page, new, first, &waits, budget, &ways);
        let waited = waits.iter().filter(|waits| **waits).count();
        waits[band.rows.clone()].fill(false);
        let left = waits.iter().filter(|waits| **waits).count();
        self.told += waited - left;
        let share = self.told.max(1) as f64 / (self.told + left).max(1) as f64;
        if left == 0 {
            self.told = 0;
        }
        let whole = !waits.contains(&true);
        let flags = if self.is_new { KEY } else { 0 } | if whole { WHOLE } else { 0 };
        let mut head = Vec::with_capacity(budget + budget / 2);
        head.extend_from_slice(&[VERSION, flags]);
        let Size { width, height } = self.size();
        for word in [self.number, width as u16, height as u16, first as u16, band.rows.len() as u16] {
            head.extend_from_slice(&word.to_be_bytes());
        }
        head.extend_from_slice(&[band.paper, ways.len() as u8]);
        for way in &ways {
            head.extend_from_slice(&way.right.to_be_bytes());
            head.extend_from_slice(&way.down.to_be_bytes());
        }
        let mut coder = Writer::behind(head);
        // A writer's band never fails: it copies only from where there is something.
        if let Err(error) = self.page.band(&mut coder, &band, Some(&plan)) {
            tracing::error!(%error, "a band of text was not written");
        }
        self.next = if band.rows.end >= rows { 0 } else { band.rows.end };
        self.is_new = false;
        self.number = self.number.wrapping_add(1);
        Some(TextFrame { data: coder.finish(), whole, share })
    }
}

/// Reads them.
#[derive(Default)]
pub(super) struct TextReader {
    page: Option<Page>,
    number: u16,
    /// Of the last frame.
    first: usize,
    ways: Vec<Move>,
}

impl TextReader {
    /// Takes a frame in; answers the picture as it is then.
    ///
    /// # Errors
    /// See [`ReadText`]; only a key frame helps then.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<&Page, ReadText> {
        let done = self.take(bytes);
        if done.is_err() {
            self.page = None;
        }
        done?;
        self.page.as_ref().ok_or(ReadText::Missing)
    }

    /// What the last frame did to the picture.
    pub(super) fn patches(&self) -> Vec<Patch> {
        self.page.as_ref().map(|page| patch::patches(page, self.first, &self.ways)).unwrap_or_default()
    }

    /// The picture as it is.
    pub(super) const fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    /// Does it begin anew?
    pub(super) fn is_key(bytes: &[u8]) -> bool {
        bytes.get(1).is_some_and(|flags| flags & KEY != 0)
    }

    /// Is the picture as it should be then?
    pub(super) fn is_whole(bytes: &[u8]) -> bool {
        bytes.get(1).is_some_and(|flags| flags & WHOLE != 0)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), ReadText> {
        let (head, mut rest) = bytes.split_at_checked(HEAD).ok_or(ReadText::Malformed)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let (number, width, height, first, rows) = (word(2), word(4), word(6), word(8), word(10));
        let (paper, count) = (head[12], usize::from(head[13]));
        if head[0] != VERSION || count > MOVES {
            return Err(ReadText::Malformed);
        }
        let size = Size::even(width.into(), height.into()).filter(|size| Page::takes(*size));
        let size = size.filter(|s| (s.width, s.height) == (u32::from(width), u32::from(height)));
        let size = size.ok_or(ReadText::Size(width, height))?;
        if head[1] & KEY != 0 {
            self.page = Some(Page::new(size));
        } else if self.number.wrapping_add(1) != number {
            return Err(ReadText::Missing);
        }
        let page = self.page.as_mut().filter(|page| page.size() == size).ok_or(ReadText::Missing)?;
        self.number = number;
        self.first = usize::from(first);
        self.ways.clear();
        for _ in 0..count {
            let (way, further) = rest.split_first_chunk::<4>().ok_or(ReadText::Malformed)?;
            self.ways
                .push(Move { right: i16::from_be_bytes([way[0], way[1]]), down: i16::from_be_bytes([way[2], way[3]]) });
            rest = further;
        }
        let rows: std::ops::Range<usize> = usize::from(first)..usize::from(first) + usize::from(rows);
        if rows.end > page.rows() {
            return Err(ReadText::Broken);
        }
        page.keep(count > 0);
        let mut coder = Reader::new(rest);
        page.band(&mut coder, &Band { rows, paper, ways: &self.ways }, None)?;
        if coder.is_beyond() { Err(ReadText::Broken) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
