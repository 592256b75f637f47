//! Finds letters in a picture: patches of ink on paper, however they came there. Writers only; a letter that is not found
//! is told sample by sample, so nothing here can make a picture wrong. Pure.

use super::page::BLOCK;

/// A letter is not larger.
pub(super) const LARGEST: (usize, usize) = (64, 48);
/// Parts of a letter above each other are no further apart.
const APART: i32 = 5;
/// Letters found in one go at most.
pub(super) const MOST: usize = 20_000;

/// One patch of ink. The rectangle around it may hold ink of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Its samples, with paper where its ink is not.
    pub(super) samples: Vec<u8>,
}

/// Ink on paper.
pub(super) struct Sheet<'a> {
    /// Luma of the whole picture.
    pub(super) luma: &'a [u8],
    /// Of a line.
    pub(super) width: usize,
    /// Lines that are looked at.
    pub(super) lines: std::ops::Range<usize>,
    pub(super) paper: u8,
}

/// A run of ink in a line.
#[derive(Debug, Clone, Copy)]
struct Run {
    y: usize,
    from: usize,
    to: usize,
    group: u32,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Bounds {
    const fn fits(self) -> bool {
        self.right - self.left <= LARGEST.0 as i32 && self.bottom - self.top <= LARGEST.1 as i32
    }

    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// Which patches belong together.
#[derive(Default)]
struct Groups(Vec<u32>);

impl Groups {
    fn add(&mut self) -> u32 {
        let new = self.0.len() as u32;
        self.0.push(new);
        new
    }

    fn root(&mut self, mut group: u32) -> u32 {
        while self.0[group as usize] != group {
            let up = self.0[self.0[group as usize] as usize];
            self.0[group as usize] = up;
            group = up;
        }
        group
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high as usize] = low;
        low
    }
}

/// The letters in the blocks for which `asked` (by column and row of blocks) says so, in reading order.
pub(super) fn find(sheet: &Sheet<'_>, asked: impl Fn(usize, usize) -> bool) -> Vec<Piece> {
    let mut groups = Groups::default();
    let runs = runs(sheet, asked, &mut groups);
    let mut bounds: Vec<Option<Bounds>> = vec![None; groups.0.len()];
    for run in &runs {
        let root = groups.root(run.group) as usize;
        let own = Bounds { left: run.from as i32, top: run.y as i32, right: run.to as i32, bottom: run.y as i32 + 1 };
        bounds[root] = Some(bounds[root].map_or(own, |b| b.with(own)));
    }
    stack(&mut groups, &mut bounds);
    let mut number = vec![usize::MAX; groups.0.len()];
    let mut pieces = Vec::new();
    for (group, bounds) in bounds.iter().enumerate() {
        let Some(b) = bounds.filter(|b| b.fits()) else { continue };
        if pieces.len() == MOST {
            break;
        }
        number[group] = pieces.len();
        let (width, height) = ((b.right - b.left) as usize, (b.bottom - b.top) as usize);
        let samples = vec![sheet.paper; width * height];
        pieces.push(Piece { x: b.left as usize, y: b.top as usize, width, height, samples });
    }
    for run in &runs {
        let root = groups.root(run.group) as usize;
        let Some(piece) = pieces.get_mut(number[root]) else { continue };
        let to = (run.y - piece.y) * piece.width + run.from - piece.x;
        let from = run.y * sheet.width;
        piece.samples[to..to + run.to - run.from].copy_from_slice(&sheet.luma[from + run.from..from + run.to]);
    }
    in_reading_order(pieces)
}

/// Runs of ink, those that touch in one group.
fn runs(sheet: &Sheet<'_>, asked: impl Fn(usize, usize) -> bool, groups: &mut Groups) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut above = 0..0;
    let mut asks = false;
    for y in sheet.lines.clone() {
        let start = runs.len();
        let mut candidate = above.start;
        if y == sheet.lines.start || y % BLOCK == 0 {
            asks = (0..sheet.width.div_ceil(BLOCK)).any(|column| asked(column, y / BLOCK));
        }
        if !asks {
            above = start..start;
            continue;
        }
        let line = &sheet.luma[y * sheet.width..(y + 1) * sheet.width];
        let mut x = 0;
        while x < sheet.width {
            if x % BLOCK == 0 && !asked(x / BLOCK, y / BLOCK) {
                x += BLOCK;
                continue;
            }
            if line[x] == sheet.paper {
                x += 1;
                continue;
            }
            let from = x;
            while x < sheet.width
                && line[x] != sheet.paper
                && (x % BLOCK != 0 || x == from || asked(x / BLOCK, y / BLOCK))
            {
                x += 1;
            }
            let mut group = None;
            while candidate < above.end && runs[candidate].to < from {
                candidate += 1;
            }
            let mut touching = candidate;
            while touching < above.end && runs[touching].from <= x {
                group = Some(group.map_or(runs[touching].group, |g| groups.join(g, runs[touching].group)));
                touching += 1;
            }
            let group = group.unwrap_or_else(|| groups.add());
            runs.push(Run { y, from, to: x, group });
        }
        above = start..runs.len();
    }
    runs
}

/// Joins what stands above each other, as dots and the parts of most letters do.
fn stack(groups: &mut Groups, bounds: &mut [Option<Bounds>]) {
    let mut order: Vec<u32> =
        (0..bounds.len() as u32).filter(|g| bounds[*g as usize].is_some_and(Bounds::fits)).collect();
    order.sort_by_key(|g| bounds[*g as usize].map(|b| b.left));
    for (place, &first) in order.iter().enumerate() {
        for &second in &order[place + 1..] {
            let a = groups.root(first);
            let b = groups.root(second);
            let (Some(mine), Some(theirs)) = (bounds[a as usize], bounds[b as usize]) else { continue };
            let own = bounds[second as usize].unwrap_or(theirs);
            if own.left >= mine.right.max(mine.left + LARGEST.0 as i32) {
                break;
            }
            if a == b {
                continue;
            }
            let shared = mine.right.min(theirs.right) - mine.left.max(theirs.left);
            let narrow = (mine.right - mine.left).min(theirs.right - theirs.left);
            let gap = mine.top.max(theirs.top) - mine.bottom.min(theirs.bottom);
            let both = mine.with(theirs);
            if shared * 2 >= narrow.max(1) && gap <= APART && both.fits() && both.bottom - both.top <= 40 {
                let root = groups.join(a, b);
                let other = if root == a { b } else { a };
                bounds[root as usize] = Some(both);
                bounds[other as usize] = None;
            }
        }
    }
}

/// Line by line, and in a line from left to right.
fn in_reading_order(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort_by_key(|p| (p.y, p.x));
    let mut ordered = Vec::with_capacity(pieces.len());
    let mut line: Vec<Piece> = Vec::new();
    let mut middle = 0;
    for piece in pieces {
        if !line.is_empty() && piece.y >= middle {
            line.sort_by_key(|p| p.x);
            ordered.append(&mut line);
        }
        if line.is_empty() {
            middle = piece.y + piece.height;
        } else {
            middle = middle.max(piece.y + piece.height.min(24) * 2 / 3);
        }
        line.push(piece);
    }
    line.sort_by_key(|p| p.x);
    ordered.append(&mut line);
    ordered
}
