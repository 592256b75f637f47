//! What both ends of the text codec know, and how one band of rows of blocks is coded with it. The same code writes and
//! reads: a writer brings a plan, a reader finds it in the bits. Pure; bytes from outside never panic.

use super::letters::Letters;
use super::model::Model;
use super::moves::Move;
use super::pieces::Piece;
use super::plane::Plane;
use super::range::{Chance, Coder};
use super::text::ReadText;
use crate::frame::Size;

/// Luma samples along a side of a block.
pub(super) const BLOCK: usize = 8;
/// Moves told with one frame at most.
pub(super) const MOVES: usize = 4;
/// The long and the short side of what is coded at most: both ends hold it in memory.
const LARGEST: (u32, u32) = (4096, 2304);
/// Nothing was shown yet: white.
const WHITE: [u8; 3] = [235, 128, 128];

/// Tight planes of a picture to be told.
pub(super) type Planes<'a> = [&'a [u8]; 3];

/// How a block is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// As before.
    Same,
    /// Sample by sample.
    Told,
    /// One value.
    Flat,
    /// Paper, and the letters on it. Luma only.
    Paper,
    /// From where a move points to.
    Moved(u8),
}

impl Mode {
    const CLASSES: usize = 5;

    const fn class(self) -> usize {
        match self {
            Self::Same => 0,
            Self::Told => 1,
            Self::Flat => 2,
            Self::Paper => 3,
            Self::Moved(_) => 4,
        }
    }
}

/// What a writer decided about a band.
pub(super) struct Plan<'a> {
    pub(super) new: Planes<'a>,
    /// Of its blocks, row by row: luma, chroma.
    pub(super) modes: [Vec<Mode>; 2],
    pub(super) pieces: Vec<Piece>,
}

/// Rows of blocks that are told together.
pub(super) struct Band<'a> {
    pub(super) rows: std::ops::Range<usize>,
    pub(super) paper: u8,
    pub(super) ways: &'a [Move],
}

/// What both ends know.
pub(super) struct Page {
    size: Size,
    planes: [Plane; 3],
    /// As the planes were before the frame, where something moved: copies come from here.
    before: Option<[Plane; 3]>,
    /// Memory for that.
    spare: Option<[Plane; 3]>,
    model: Model,
    letters: Letters,
    odds: Odds,
    modes: [Vec<Mode>; 2],
}

/// Chances of everything that is no sample and no letter.
struct Odds {
    /// Something changed in a row of blocks.
    row: [Chance; 2],
    /// By kind of plane, question, and the blocks left and above.
    modes: [[[Chance; Mode::CLASSES * Mode::CLASSES]; 4]; 2],
    moves: [Chance; MOVES],
    /// The value of the last flat block, and whether the next has it, too.
    flat: [u8; 3],
    flat_again: [Chance; 3],
    flat_bits: [[Chance; 256]; 3],
}

impl Page {
    pub(super) fn new(size: Size) -> Self {
        let (w, h) = (size.width as usize, size.height as usize);
        Self {
            size,
            planes: [
                Plane::new(w, h, WHITE[0]),
                Plane::new(w / 2, h / 2, WHITE[1]),
                Plane::new(w / 2, h / 2, WHITE[2]),
            ],
            before: None,
            spare: None,
            model: Model::new(),
            letters: Letters::new(),
            odds: Odds {
                row: [Chance::EVEN; 2],
                modes: [[[Chance::EVEN; Mode::CLASSES * Mode::CLASSES]; 4]; 2],
                moves: [Chance::EVEN; MOVES],
                flat: WHITE,
                flat_again: [Chance::EVEN; 3],
                flat_bits: [[Chance::EVEN; 256]; 3],
            },
            modes: [Vec::new(), Vec::new()],
        }
    }

    /// Whether so large a picture is taken.
    pub(super) const fn takes(size: Size) -> bool {
        let (long, short) =
            if size.width > size.height { (size.width, size.height) } else { (size.height, size.width) };
        long <= LARGEST.0 && short <= LARGEST.1
    }

    pub(super) const fn size(&self) -> Size {
        self.size
    }

    /// Rows of blocks.
    pub(super) const fn rows(&self) -> usize {
        (self.size.height as usize).div_ceil(BLOCK)
    }

    /// Blocks in a row.
    pub(super) const fn across(&self) -> usize {
        (self.size.width as usize).div_ceil(BLOCK)
    }

    pub(super) const fn planes(&self) -> &[Plane; 3] {
        &self.planes
    }

    pub(super) const fn letters(&self) -> &Letters {
        &self.letters
    }

    /// How the blocks of the last band were told: luma, chroma.
    pub(super) fn modes(&self, kind: usize) -> &[Mode] {
        &self.modes[kind]
    }

    /// The picture as both ends have it, plane after plane.
    pub(super) fn copy_to(&self, out: &mut [u8]) {
        let mut rest = out;
        for plane in &self.planes {
            for y in 0..plane.height() {
                let (line, further) = rest.split_at_mut(plane.width());
                line.copy_from_slice(plane.line(0, y, plane.width()));
                rest = further;
            }
        }
    }

    /// Keeps what copies of the next band come from.
    pub(super) fn keep(&mut self, copies: bool) {
        if let Some(before) = self.before.take() {
            self.spare = Some(before);
        }
        if !copies {
            return;
        }
        let mut before = self.spare.take().unwrap_or_else(|| self.planes.clone());
        for (to, from) in before.iter_mut().zip(&self.planes) {
            to.samples_mut().copy_from_slice(from.samples());
        }
        self.before = Some(before);
    }

    /// Where copies come from, if there are any.
    pub(super) const fn before(&self) -> Option<&[Plane; 3]> {
        self.before.as_ref()
    }

    /// Codes one band; both ends have the same picture then.
    pub(super) fn band<C: Coder>(
        &mut self,
        coder: &mut C,
        band: &Band<'_>,
        plan: Option<&Plan<'_>>,
    ) -> Result<(), ReadText> {
        let across = self.across();
        let mut modes = std::mem::take(&mut self.modes);
        for modes in &mut modes {
            modes.clear();
            modes.resize(band.rows.len() * across, Mode::Same);
        }
        for row in 0..band.rows.len() {
            let blocks = row * across..(row + 1) * across;
            for (kind, modes) in modes.iter_mut().enumerate() {
                let changed = plan.is_some_and(|p| p.modes[kind][blocks.clone()].iter().any(|m| *m != Mode::Same));
                if !coder.bit(changed, &mut self.odds.row[kind]) {
                    continue;
                }
                let mut left = Mode::Same;
                for (column, block) in blocks.clone().enumerate() {
                    let above = block.checked_sub(across).map_or(Mode::Same, |b| modes[b]);
                    let wanted = plan.map_or(Mode::Same, |p| p.modes[kind][block]);
                    left = self.mode(coder, kind, (left, above), wanted, band.ways.len());
                    modes[block] = left;
                    if !matches!(left, Mode::Same | Mode::Told) {
                        self.place(coder, kind, (column, band.rows.start + row), left, band, plan)?;
                    }
                }
            }
        }
        if modes[0].contains(&Mode::Paper) {
            let pieces = plan.map(|p| p.pieces.as_slice());
            self.letters.code(coder, &mut self.model, &mut self.planes[0], band.paper, pieces)?;
        }
        for plane in 0..3 {
            self.told(coder, plane, &modes[usize::from(plane > 0)], band, plan);
        }
        self.modes = modes;
        Ok(())
    }

    fn mode<C: Coder>(&mut self, coder: &mut C, kind: usize, near: (Mode, Mode), wanted: Mode, ways: usize) -> Mode {
        let context = near.0.class() * Mode::CLASSES + near.1.class();
        let odds = &mut self.odds.modes[kind];
        let mut is = |step: usize, mode: Mode| coder.bit(wanted == mode, &mut odds[step][context]);
        if is(0, Mode::Same) {
            return Mode::Same;
        }
        if kind == 0 && is(1, Mode::Paper) {
            return Mode::Paper;
        }
        if is(2, Mode::Told) {
            return Mode::Told;
        }
        if ways == 0 || is(3, Mode::Flat) {
            return Mode::Flat;
        }
        for number in 0..ways - 1 {
            if coder.bit(wanted == Mode::Moved(number as u8), &mut self.odds.moves[number]) {
                return Mode::Moved(number as u8);
            }
        }
        Mode::Moved((ways - 1) as u8)
    }

    /// Puts what needs no samples in its place.
    fn place<C: Coder>(
        &mut self,
        coder: &mut C,
        kind: usize,
        (column, row): (usize, usize),
        mode: Mode,
        band: &Band<'_>,
        plan: Option<&Plan<'_>>,
    ) -> Result<(), ReadText> {
        for p in if kind == 0 { 0..1 } else { 1..3 } {
            let a = Area::of(&self.planes[p], p, column, row);
            match mode {
                Mode::Same | Mode::Told => {}
                Mode::Paper => a.lines().for_each(|y| self.planes[p].line_mut(a.x, y, a.width).fill(band.paper)),
                Mode::Flat => {
                    let wanted = plan.map_or(0, |plan| plan.new[p][a.y * self.planes[p].width() + a.x]);
                    let value = self.flat(coder, p, wanted);
                    a.lines().for_each(|y| self.planes[p].line_mut(a.x, y, a.width).fill(value));
                }
                Mode::Moved(number) => {
                    let before = &self.before.as_ref().ok_or(ReadText::Broken)?[p];
                    let from = a.moved(before, band.ways[usize::from(number)], p).ok_or(ReadText::Broken)?;
                    for y in a.lines() {
                        let line = before.line(from.x, from.y + y - a.y, a.width);
                        self.planes[p].line_mut(a.x, y, a.width).copy_from_slice(line);
                    }
                }
            }
        }
        Ok(())
    }

    fn flat<C: Coder>(&mut self, coder: &mut C, plane: usize, wanted: u8) -> u8 {
        let last = self.odds.flat[plane];
        if coder.bit(wanted == last, &mut self.odds.flat_again[plane]) {
            return last;
        }
        let mut node = 1;
        for shift in (0..8).rev() {
            let bit = coder.bit(wanted >> shift & 1 == 1, &mut self.odds.flat_bits[plane][node]);
            node = node << 1 | usize::from(bit);
        }
        let value = (node & 0xff) as u8;
        self.odds.flat[plane] = value;
        value
    }

    /// The samples of the blocks that are told, line by line across a row.
    fn told<C: Coder>(
        &mut self,
        coder: &mut C,
        plane: usize,
        modes: &[Mode],
        band: &Band<'_>,
        plan: Option<&Plan<'_>>,
    ) {
        let side = side(plane);
        let across = self.across();
        let samples = &mut self.planes[plane];
        let (width, height) = (samples.width(), samples.height());
        for (row, modes) in band.rows.clone().zip(modes.chunks_exact(across)) {
            if !modes.contains(&Mode::Told) {
                continue;
            }
            for y in row * side..(row * side + side).min(height) {
                for (column, _) in modes.iter().enumerate().filter(|(_, mode)| **mode == Mode::Told) {
                    for x in column * side..(column * side + side).min(width) {
                        let wanted = plan.map_or(0, |plan| plan.new[plane][y * width + x]);
                        let at = samples.at(x, y);
                        let value = self.model.sample(coder, samples, at, plane, wanted);
                        samples.samples_mut()[at] = value;
                    }
                }
            }
        }
    }
}

/// Samples along a side of a block.
pub(super) const fn side(plane: usize) -> usize {
    if plane == 0 { BLOCK } else { BLOCK / 2 }
}

/// Where a block lies on a plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    height: usize,
}

impl Area {
    pub(super) fn of(plane: &Plane, number: usize, column: usize, row: usize) -> Self {
        let side = side(number);
        let (x, y) = (column * side, row * side);
        // The last block of half a plane may have nothing in it.
        let (width, height) = (plane.width().saturating_sub(x), plane.height().saturating_sub(y));
        Self { x, y, width: side.min(width), height: side.min(height) }
    }

    pub(super) const fn lines(self) -> std::ops::Range<usize> {
        self.y..self.y + self.height
    }

    /// Where it comes from; `None` outside.
    pub(super) fn moved(self, plane: &Plane, way: Move, number: usize) -> Option<Self> {
        let way = if number == 0 { way } else { way.halved() };
        let x = self.x.checked_add_signed(way.right.into())?;
        let y = self.y.checked_add_signed(way.down.into())?;
        (x + self.width <= plane.width() && y + self.height <= plane.height()).then_some(Self { x, y, ..self })
    }
}
