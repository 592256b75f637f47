//! Where the tile lies on a picture: how its corners map into the tile, and how that is made exact. Pure.

use super::fold::Pattern;
use super::map::Map;

/// Where the corners of a picture lie in the endless pattern, in pixels of the tile: top left, top right, bottom right,
/// bottom left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quad(pub(super) [[f32; 2]; 4]);

/// The projective map of a [`Quad`], in samples of one map.
pub(super) struct Projection {
    x: [f32; 3],
    y: [f32; 3],
    w: [f32; 3],
}

impl Quad {
    /// A picture of that many pixels whose middle is moved by `shift` after `turn` maps pixels to those of the tile.
    pub(super) fn affine(size: (f32, f32), turn: [[f32; 2]; 2], shift: [f32; 2]) -> Self {
        let (x, y) = (size.0 / 2.0, size.1 / 2.0);
        Self(
            [[-x, -y], [x, -y], [x, y], [-x, y]]
                .map(|[x, y]| [turn[0][0] * x + turn[0][1] * y + shift[0], turn[1][0] * x + turn[1][1] * y + shift[1]]),
        )
    }

    /// `None` for corners no picture can have.
    pub(super) fn over(&self, map: &Map) -> Option<Projection> {
        let [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = self.0;
        let (px, py) = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3);
        let (ax, ay, bx, by) = (x1 - x2, y1 - y2, x3 - x2, y3 - y2);
        let area = ax * by - bx * ay;
        let (g, h) = ((px * by - bx * py) / area, (ax * py - px * ay) / area);
        // Flat, inside out or seen from behind.
        if !(g.is_finite() && h.is_finite() && 1.0 + g.min(0.0) + h.min(0.0) > 0.2) {
            return None;
        }
        // From the middle of a sample to the unit square.
        let (u, v) = (1.0 / map.width as f32, 1.0 / map.height as f32);
        let scaled = |a: f32, b: f32, c: f32| [a * u, b * v, c + 0.5 * (a * u + b * v)];
        Some(Projection {
            x: scaled(x1 - x0 + g * x1, x3 - x0 + h * x3, x0),
            y: scaled(y1 - y0 + g * y1, y3 - y0 + h * y3, y0),
            w: scaled(g, h, 1.0),
        })
    }

    fn moved(&self, mode: &[[f32; 2]; 4], by: f32) -> Self {
        let mut out = *self;
        for (corner, mode) in out.0.iter_mut().zip(mode) {
            corner[0] += mode[0] * by;
            corner[1] += mode[1] * by;
        }
        out
    }
}

impl Projection {
    /// Where a sample lies in the pattern.
    pub(super) fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let of = |row: &[f32; 3]| row[0] * x + row[1] * y + row[2];
        let depth = 1.0 / of(&self.w);
        (of(&self.x) * depth, of(&self.y) * depth)
    }
}

/// Shift, stretch, shear and keystone, each along x and along y.
const MODES: [[f32; 4]; 4] =
    [[1.0, 1.0, 1.0, 1.0], [-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]];
/// How much of the picture is looked at: a tilt is small in its middle, and from there it is followed outwards.
const REACH: [f32; 3] = [0.45, 0.7, 1.0];
/// First and last step of the climb, in pixels of the tile.
const STEPS: (f32, f32) = (8.0, 0.4);

/// Climbs to the place near `start` where the known cells agree best.
pub(super) fn refine(map: &Map, start: &Quad, pattern: &Pattern) -> Quad {
    let modes: Vec<[[f32; 2]; 4]> =
        MODES.iter().flat_map(|mode| [mode.map(|v| [v, 0.0]), mode.map(|v| [0.0, v])]).collect();
    let mut at = *start;
    for reach in REACH {
        let value = |quad: &Quad| quad.over(map).map_or(f32::MIN, |place| pattern.agreement(map, &place, reach));
        let mut best = value(&at);
        let mut step = STEPS.0 / reach;
        while step > STEPS.1 {
            let mut climbed = false;
            for mode in &modes {
                for by in [step, -step] {
                    let next = at.moved(mode, by);
                    let agreement = value(&next);
                    if agreement > best {
                        (at, best, climbed) = (next, agreement, true);
                        break;
                    }
                }
            }
            if !climbed {
                step /= 2.0;
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_map_to_corners() {
        let quad = Quad([[3.0, 4.0], [205.0, -7.0], [190.0, 110.0], [-5.0, 95.0]]);
        let map = Map { width: 40, height: 20, pitch: 2, samples: Vec::new() };
        let place = quad.over(&map).unwrap();
        for (corner, (x, y)) in quad.0.iter().zip([(-0.5, -0.5), (39.5, -0.5), (39.5, 19.5), (-0.5, 19.5)]) {
            let (tx, ty) = place.at(x, y);
            assert!((tx - corner[0]).abs() < 0.01 && (ty - corner[1]).abs() < 0.01, "{corner:?} became {tx}, {ty}");
        }
    }

    #[test]
    fn impossible_corners_have_no_place() {
        let map = Map { width: 40, height: 20, pitch: 2, samples: Vec::new() };
        for corners in [[[1.0, 1.0]; 4], [[f32::NAN, 0.0]; 4], [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]] {
            assert!(Quad(corners).over(&map).is_none(), "{corners:?}");
        }
    }
}
