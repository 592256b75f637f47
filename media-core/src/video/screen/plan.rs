//! How a writer tells what changed: chooses the cheapest way for every block, and where a band ends. Writers only; whatever
//! is chosen, the picture comes out right. Pure.

use super::moves::Move;
use super::page::{Area, BLOCK, Band, Mode, Page, Plan, Planes, side};
use super::pieces::{self, Piece, Sheet};
use super::plane::Plane;

/// Bytes: a block that is told, without its samples; a new letter, without its samples; a letter that is known.
const TOLD: usize = 2;
const NEW: usize = 8;
const KNOWN: usize = 2;
/// A block with part of a letter, by what [`told_bytes`] takes it for.
const INKED: usize = 22;
/// Rows that are looked at in one go: a line of large letters, twice.
const WINDOW: usize = 24;

/// Is this row of blocks as in that picture?
pub(super) fn is_row_same(page: &Page, row: usize, new: Planes<'_>) -> bool {
    (0..3).all(|plane| is_plane_same(page, plane, row, new))
}

fn is_plane_same(page: &Page, number: usize, row: usize, new: Planes<'_>) -> bool {
    let (plane, new, side) = (&page.planes()[number], new[number], side(number));
    let (from, to) = (row * side, (row * side + side).min(plane.height()));
    (from..to).all(|y| plane.line(0, y, plane.width()) == &new[y * plane.width()..(y + 1) * plane.width()])
}

/// The next band from row `first` on, for about so many bytes, and how it is told.
pub(super) fn plan<'a, 'b>(
    page: &Page,
    new: Planes<'a>,
    first: usize,
    waits: &[bool],
    budget: usize,
    ways: &'b [Move],
) -> (Band<'b>, Plan<'a>) {
    let across = page.across();
    let last = waits.iter().rposition(|waits| *waits).map_or(first, |last| last.max(first));
    // What moved is told at once, or it is torn on the way.
    let end = if ways.is_empty() { (first + WINDOW).min(last + 1) } else { last + 1 };
    let mut modes = [Vec::with_capacity((end - first) * across), Vec::with_capacity((end - first) * across)];
    for (row, waits) in waits.iter().enumerate().take(end).skip(first) {
        for (kind, modes) in modes.iter_mut().enumerate() {
            let planes = if kind == 0 { 0..1 } else { 1..3 };
            if *waits && !planes.clone().all(|plane| is_plane_same(page, plane, row, new)) {
                modes.extend((0..across).map(|column| choose(page, kind, column, row, new, ways)));
            } else {
                modes.extend(std::iter::repeat_n(Mode::Same, across));
            }
        }
    }
    let paper = paper(page, &modes[0], first, new);
    let width = page.size().width as usize;
    let bottom = (end * BLOCK).min(page.size().height as usize);
    let sheet = Sheet { luma: new[0], width, lines: first * BLOCK..bottom, paper };
    let mut pieces = pieces::find(&sheet, |column, row| modes[0][(row - first) * across + column] == Mode::Told);
    // A letter that is cut off by the end of the window is told with the next band.
    if end <= last {
        pieces.retain(|p| p.y + p.height < bottom);
    }
    let end = cut(page, &modes, &pieces, (first, end), (budget, paper, end <= last), new);
    pieces.retain(|p| p.y + p.height <= end * BLOCK);
    for modes in &mut modes {
        modes.truncate((end - first) * across);
    }
    put_on_paper(page, &mut modes[0], &mut pieces, first, new, paper);
    (Band { rows: first..end, paper, ways }, Plan { new, modes, pieces })
}

/// The cheapest way to tell a block, without letters.
fn choose(page: &Page, kind: usize, column: usize, row: usize, new: Planes<'_>, ways: &[Move]) -> Mode {
    let planes = if kind == 0 { 0..1 } else { 1..3 };
    if planes.clone().all(|p| is_as(page, p, &page.planes()[p], Area::of(&page.planes()[p], p, column, row), None, new))
    {
        return Mode::Same;
    }
    if let Some(before) = page.before() {
        for (number, way) in ways.iter().enumerate() {
            let comes = planes.clone().all(|p| {
                let area = Area::of(&before[p], p, column, row);
                area.moved(&before[p], *way, p).is_some_and(|from| is_as(page, p, &before[p], area, Some(from), new))
            });
            if comes {
                return Mode::Moved(number as u8);
            }
        }
    }
    let is_flat = planes.clone().all(|p| {
        let area = Area::of(&page.planes()[p], p, column, row);
        let width = page.planes()[p].width();
        let value = new[p].get(area.y * width + area.x);
        area.lines()
            .all(|y| new[p][y * width + area.x..y * width + area.x + area.width].iter().all(|s| Some(s) == value))
    });
    if is_flat { Mode::Flat } else { Mode::Told }
}

/// Does the plane have in `from` (or in the same place) what the new picture has in the area?
fn is_as(page: &Page, p: usize, plane: &Plane, area: Area, from: Option<Area>, new: Planes<'_>) -> bool {
    let width = page.planes()[p].width();
    let from = from.unwrap_or(area);
    let (mut at, mut new_at) = (plane.at(from.x, from.y), area.y * width + area.x);
    for _ in area.lines() {
        // Whole blocks are compared as numbers, which is many times as fast.
        let (old, new) = (&plane.samples()[at..at + area.width], &new[p][new_at..new_at + area.width]);
        let same = match (<[u8; 8]>::try_from(old), <[u8; 8]>::try_from(new)) {
            (Ok(old), Ok(new)) => u64::from_ne_bytes(old) == u64::from_ne_bytes(new),
            _ => old == new,
        };
        if !same {
            return false;
        }
        at += plane.stride();
        new_at += width;
    }
    true
}

/// What the letters stand on: the commonest value.
fn paper(page: &Page, modes: &[Mode], first: usize, new: Planes<'_>) -> u8 {
    let (across, width) = (page.across(), page.size().width as usize);
    let mut counts = [0_u32; 256];
    for (block, _) in modes.iter().enumerate().filter(|(_, mode)| **mode == Mode::Told) {
        let a = Area::of(&page.planes()[0], 0, block % across, first + block / across);
        for y in a.lines() {
            for sample in &new[0][y * width + a.x..y * width + a.x + a.width] {
                counts[usize::from(*sample)] += 1;
            }
        }
    }
    (0..=255).max_by_key(|value| counts[usize::from(*value)]).unwrap_or(0)
}

/// The row in front of which the band ends.
fn cut(
    page: &Page,
    modes: &[Vec<Mode>; 2],
    pieces: &[Piece],
    (first, end): (usize, usize),
    (budget, paper, open): (usize, u8, bool),
    new: Planes<'_>,
) -> usize {
    let across = page.across();
    let mut cost = vec![0_usize; end - first];
    let mut crossed = vec![false; end - first + 1];
    let mut inked = vec![0_usize; end - first];
    for piece in pieces {
        let (top, bottom) = (piece.y / BLOCK - first, (piece.y + piece.height - 1) / BLOCK - first);
        let bytes = if page.letters().knows(piece, paper) { KNOWN } else { NEW + piece.samples.len() * 3 / 8 };
        cost[bottom.min(end - first - 1)] += bytes;
        let line = piece.width.div_ceil(BLOCK) * INKED;
        inked[top..=bottom.min(end - first - 1)].iter_mut().for_each(|inked| *inked += line);
        crossed[top + 1..=bottom.min(end - first)].fill(true);
    }
    if open {
        // Letters in the last rows may be cut off.
        crossed[end - first] = false;
    }
    for (row, cost) in cost.iter_mut().enumerate() {
        for kind in 0..2 {
            let modes = &modes[kind][row * across..(row + 1) * across];
            let told = modes.iter().enumerate().filter(|(_, mode)| **mode == Mode::Told);
            for (column, _) in told {
                let planes = if kind == 0 { 0..1 } else { 1..3 };
                *cost += planes.map(|p| told_bytes(page, p, (column, first + row), new)).sum::<usize>();
            }
        }
        // What is in letters was counted there.
        *cost = cost.saturating_sub(inked[row]);
    }
    let mut sum = 0;
    let mut best = None;
    for row in 0..end - first {
        sum += cost[row];
        if !crossed[row + 1] {
            best = Some(row + 1);
        }
        if sum >= budget && best.is_some() {
            break;
        }
    }
    first + best.unwrap_or(end - first)
}

/// What it costs to tell a block, about: as much as there are edges in it.
fn told_bytes(page: &Page, p: usize, (column, row): (usize, usize), new: Planes<'_>) -> usize {
    let plane = &page.planes()[p];
    let area = Area::of(plane, p, column, row);
    let edges = |y: usize| {
        let from = y * plane.width() + area.x;
        new[p][from..from + area.width].windows(2).filter(|pair| pair[0] != pair[1]).count()
    };
    TOLD + area.lines().map(edges).sum::<usize>() * 5 / 8
}

/// Blocks whose ink is all in letters become paper; letters without such a block are left out.
fn put_on_paper(page: &Page, modes: &mut [Mode], pieces: &mut Vec<Piece>, first: usize, new: Planes<'_>, paper: u8) {
    let (across, width) = (page.across(), page.size().width as usize);
    let mut left = vec![0_u16; modes.len()];
    for (block, _) in modes.iter().enumerate().filter(|(_, mode)| **mode == Mode::Told) {
        let a = Area::of(&page.planes()[0], 0, block % across, first + block / across);
        let ink = |y: usize| new[0][y * width + a.x..y * width + a.x + a.width].iter().filter(|s| **s != paper).count();
        left[block] = a.lines().map(ink).sum::<usize>() as u16;
    }
    let each_ink = |piece: &Piece, mut act: Box<dyn FnMut(usize) + '_>| {
        for (i, _) in piece.samples.iter().enumerate().filter(|(_, s)| **s != paper) {
            let (x, y) = (piece.x + i % piece.width, piece.y + i / piece.width);
            act((y / BLOCK - first) * across + x / BLOCK);
        }
    };
    for piece in &*pieces {
        each_ink(piece, Box::new(|block| left[block] = left[block].saturating_sub(1)));
    }
    for (mode, left) in modes.iter_mut().zip(&left) {
        if *mode == Mode::Told && *left == 0 {
            *mode = Mode::Paper;
        }
    }
    pieces.retain(|piece| {
        let mut needed = false;
        each_ink(piece, Box::new(|block| needed |= modes[block] == Mode::Paper));
        needed
    });
}
