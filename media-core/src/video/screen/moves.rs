//! Where a picture that scrolled came from. Looks at a few pieces that changed, finds them again in the picture before,
//! straight above or below, left or right, and believes what several of them say. Pure.

use super::page::{BLOCK, MOVES};
use super::plane::Plane;

/// How far something may move between two pictures and be found again.
const FAR: usize = 512;
/// Pieces that are looked for.
const PIECES: usize = 40;
/// A piece: so wide, so high.
const PIECE: (usize, usize) = (24, 8);
/// As many have to agree.
const AGREE: usize = 3;

/// What is here was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) right: i16,
    pub(super) down: i16,
}

impl Move {
    /// On planes of half the size.
    pub(super) const fn halved(self) -> Self {
        Self { right: self.right >> 1, down: self.down >> 1 }
    }
}

/// The moves worth telling, the most common first; `waits` says which rows of blocks changed.
pub(super) fn find(before: &Plane, new: &[u8], waits: &[bool]) -> Vec<Move> {
    let mut votes: Vec<(Move, usize)> = Vec::new();
    for (x, y) in pieces(before, new, waits) {
        if let Some(way) = look(before, new, x, y) {
            match votes.iter_mut().find(|(known, _)| *known == way) {
                Some((_, count)) => *count += 1,
                None => votes.push((way, 1)),
            }
        }
    }
    votes.retain(|(_, count)| *count >= AGREE);
    votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    votes.truncate(MOVES);
    votes.into_iter().map(|(way, _)| way).collect()
}

/// Pieces that changed and that hardly occur twice.
fn pieces(before: &Plane, new: &[u8], waits: &[bool]) -> Vec<(usize, usize)> {
    let (width, height) = (before.width(), before.height());
    let mut found = Vec::new();
    let changed = waits.iter().filter(|waits| **waits).count();
    if changed < 2 || width < PIECE.0 {
        return found;
    }
    let step = (changed / PIECES).max(1);
    let rows = waits.iter().enumerate().filter(|(_, waits)| **waits).map(|(row, _)| row);
    for (count, row) in rows.step_by(step).enumerate() {
        let y = row * BLOCK;
        if y + PIECE.1 > height {
            continue;
        }
        // Elsewhere in every row, so that a window in any place is met.
        let across = width / PIECE.0;
        let start = count * 7 % across;
        let lively = (0..across).map(|i| (start + i) % across * PIECE.0).find(|x| is_lively(before, new, *x, y));
        found.extend(lively.map(|x| (x, y)));
        if found.len() >= PIECES {
            break;
        }
    }
    found
}

fn is_lively(before: &Plane, new: &[u8], x: usize, y: usize) -> bool {
    let width = before.width();
    let line = |y: usize| &new[y * width + x..y * width + x + PIECE.0];
    let mut edges = 0;
    let mut differs = false;
    for y in y..y + PIECE.1 {
        differs |= before.line(x, y, PIECE.0) != line(y);
        edges += line(y).windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 24).count();
    }
    differs && edges > PIECE.0
}

/// Where this piece was before: the nearest place up or down, else left or right.
fn look(before: &Plane, new: &[u8], x: usize, y: usize) -> Option<Move> {
    let (width, height) = (before.width(), before.height());
    let fits = |from_x: usize, from_y: usize| {
        (0..PIECE.1).all(|line| {
            let at = (y + line) * width + x;
            before.line(from_x, from_y + line, PIECE.0) == &new[at..at + PIECE.0]
        })
    };
    let vertical = (1..=FAR).flat_map(|far| {
        let below = (y + far + PIECE.1 <= height).then_some(y + far);
        [below, y.checked_sub(far)].into_iter().flatten()
    });
    if let Some(from) = vertical.into_iter().find(|from| fits(x, *from)) {
        return Some(Move { right: 0, down: i16::try_from(from as i64 - y as i64).ok()? });
    }
    let horizontal = (1..=FAR).flat_map(|far| {
        let right = (x + far + PIECE.0 <= width).then_some(x + far);
        [right, x.checked_sub(far)].into_iter().flatten()
    });
    let from = horizontal.into_iter().find(|from| fits(*from, y))?;
    Some(Move { right: i16::try_from(from as i64 - x as i64).ok()?, down: 0 })
}
