//! What a frame of text changed, for a page that has the picture before: what moved, and new pixels. Pure.

use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_rgba};

use super::moves::Move;
use super::page::{Area, BLOCK, Mode, Page, side};
use super::plane::Plane;

/// Part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
    /// Across.
    pub width: u16,
    /// Down.
    pub height: u16,
}

/// Something to be done to the picture before, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// Put there what lies so far to the right and down of it.
    Copy {
        /// Where to.
        to: Rect,
        /// Where from.
        right: i16,
        /// Where from.
        down: i16,
    },
    /// Put these pixels there: four bytes each, red first.
    Pixels {
        /// Where.
        to: Rect,
        /// Line by line.
        rgba: Vec<u8>,
    },
}

/// What the band that was read last did to the picture.
pub(super) fn patches(page: &Page, first: usize, ways: &[Move]) -> Vec<Patch> {
    let mut patches = Vec::new();
    let across = page.across();
    let rows = page.modes(0).len() / across;
    let moved = moved(page, first, ways);
    if let Some((columns, lines)) = &moved {
        let to = rect(page, columns.clone(), lines.clone());
        patches.push(Patch::Copy { to, right: ways[0].right, down: ways[0].down });
    }
    for row in 0..rows {
        let needs = |column: &usize| {
            let block = row * across + column;
            let inside = moved.as_ref().is_some_and(|(c, l)| c.contains(column) && l.contains(&(first + row)));
            let modes = (page.modes(0)[block], page.modes(1)[block]);
            if inside {
                // What stood still inside of what moved was moved along, and stands wrong now, unless it looks alike.
                !looks_moved(page, *column, first + row, ways[0])
            } else {
                modes != (Mode::Same, Mode::Same)
            }
        };
        let (Some(from), Some(to)) = ((0..across).find(needs), (0..across).rfind(needs)) else { continue };
        let to = rect(page, from..to + 1, first + row..first + row + 1);
        patches.extend(pixels(page, to).map(|rgba| Patch::Pixels { to, rgba }));
    }
    patches
}

/// The columns and rows around everything that went the first way.
fn moved(page: &Page, first: usize, ways: &[Move]) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let way = ways.first()?;
    let across = page.across();
    let went = page.modes(0).iter().enumerate().filter(|(_, mode)| **mode == Mode::Moved(0)).map(|(block, _)| block);
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
    for block in went {
        let (column, row) = (block % across, block / across);
        (left, right) = (left.min(column), right.max(column + 1));
        (top, bottom) = (top.min(row), bottom.max(row + 1));
    }
    if left >= right {
        return None;
    }
    // What comes from outside of the picture is not copied: only whole blocks that come from inside.
    let luma = &page.planes()[0];
    let inside = |column: usize, row: usize| Area::of(luma, 0, column, row).moved(luma, *way, 0).is_some();
    let corners = [(left, first + top), (right - 1, first + bottom - 1)];
    corners.iter().all(|(c, r)| inside(*c, *r)).then_some((left..right, first + top..first + bottom))
}

/// Is what is here now what the move brought?
fn looks_moved(page: &Page, column: usize, row: usize, way: Move) -> bool {
    let Some(before) = page.before() else { return false };
    let planes = if way.right % 2 == 0 && way.down % 2 == 0 { 3 } else { 1 };
    if planes == 1 && !is_plain(page, before, column, row, way) {
        return false;
    }
    (0..planes).all(|p| {
        let (now, old) = (&page.planes()[p], &before[p]);
        let area = Area::of(now, p, column, row);
        area.moved(old, way, p)
            .is_some_and(|from| area.lines().all(|y| line(now, area, y) == line(old, from, from.y + y - area.y)))
    })
}

/// Is all the colour around a block the same? What moved by half a sample of it looks the same then.
fn is_plain(page: &Page, before: &[Plane; 3], column: usize, row: usize, way: Move) -> bool {
    (1..3).all(|p| {
        let (now, old) = (&page.planes()[p], &before[p]);
        let area = Area::of(now, p, column, row);
        let Some(from) = area.moved(old, way, p) else { return false };
        let value = now.samples()[now.at(area.x, area.y)];
        let width = (from.width + 1).min(old.width() - from.x);
        let bottom = (from.lines().end + 1).min(old.height());
        area.lines().all(|y| line(now, area, y).iter().all(|s| *s == value))
            && (from.y..bottom).all(|y| old.line(from.x, y, width).iter().all(|s| *s == value))
    })
}

fn line(plane: &Plane, area: Area, y: usize) -> &[u8] {
    plane.line(area.x, y, area.width)
}

fn rect(page: &Page, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> Rect {
    let (width, height) = (page.size().width as usize, page.size().height as usize);
    let (x, y) = (columns.start * BLOCK, rows.start * BLOCK);
    let (right, bottom) = ((columns.end * BLOCK).min(width), (rows.end * BLOCK).min(height));
    Rect { x: x as u16, y: y as u16, width: (right - x) as u16, height: (bottom - y) as u16 }
}

fn pixels(page: &Page, part: Rect) -> Option<Vec<u8>> {
    let [y, u, v] = page.planes();
    let from = |plane: &Plane, number: usize| {
        let half = BLOCK / side(number);
        plane.at(usize::from(part.x) / half, usize::from(part.y) / half)
    };
    let image = YuvPlanarImage {
        y_plane: &y.samples()[from(y, 0)..],
        y_stride: u32::try_from(y.stride()).ok()?,
        u_plane: &u.samples()[from(u, 1)..],
        u_stride: u32::try_from(u.stride()).ok()?,
        v_plane: &v.samples()[from(v, 2)..],
        v_stride: u32::try_from(v.stride()).ok()?,
        width: part.width.into(),
        height: part.height.into(),
    };
    let stride = u32::from(part.width) * 4;
    let mut rgba = vec![255; stride as usize * usize::from(part.height)];
    yuv420_to_rgba(&image, &mut rgba, stride, YuvRange::Limited, YuvStandardMatrix::Bt601).ok()?;
    Some(rgba)
}
