//! Reads the network's file. It is part of the program, and read as if it were not: everything a step touches is proved to
//! lie within its room here, so that no step can reach beyond. Pure; allocates what the limits allow.

use super::kernels::{NARROW, WIDE};
use super::{Bend, Kind, Network, Shape, Step, Weights, Window};

const MAGIC: &[u8; 4] = b"BACK";
const VERSION: usize = 1;
const MAX_ROOMS: usize = 64;
const MAX_STEPS: usize = 256;
/// Numbers in a room, and a side of a value.
const MAX_ROOM: usize = 1 << 20;
const MAX_SIDE: usize = 1 << 10;
const MAX_WINDOW: usize = 5;

pub(super) fn read(bytes: &[u8], (width, height): (usize, usize)) -> Option<Network> {
    let mut rest = Rest(bytes);
    (rest.bytes(MAGIC.len())? == MAGIC && rest.count()? == VERSION).then_some(())?;
    let (rooms, steps) = (rest.at_most(MAX_ROOMS)?, rest.at_most(MAX_STEPS)?);
    let rooms = (0..rooms).map(|_| rest.at_most(MAX_ROOM)).collect::<Option<Vec<_>>>()?;
    let plans = (0..steps).map(|_| rest.numbers::<15>()).collect::<Option<Vec<_>>>()?;
    let steps = plans.into_iter().map(|plan| step(plan, &rooms, &mut rest)).collect::<Option<Vec<_>>>()?;
    let picture = Shape { high: height, wide: width, deep: 3 };
    let mask = Shape { deep: 1, ..picture };
    let (first, last) = (steps.first()?, steps.last()?);
    let fits = first.from == picture && first.first == 0 && last.to == mask && rest.0.is_empty();
    // What it is shown must still be there when nobody writes it anew, and nothing else lies there.
    let fits = fits && rooms.first() == Some(&picture.len()) && steps.iter().all(|step| step.out != 0);
    let answer = (last.out, mask.len());
    let rooms = rooms.into_iter().map(|len| vec![0.0; len]).collect();
    fits.then(|| Network { steps, rooms, seen: Vec::new(), answer })
}

fn step(plan: [usize; 15], rooms: &[usize], rest: &mut Rest<'_>) -> Option<Step> {
    let [kind, bend, first, second, out, high, wide, deep, to_high, to_wide, to_deep, side, stride, top, left] = plan;
    let from = shape(high, wide, deep)?;
    let to = shape(to_high, to_wide, to_deep)?;
    let window = Window { side, stride, top, left };
    let holds = |room: usize, len: usize| rooms.get(room).is_some_and(|size| *size >= len);
    let apart = out != first && out != second;
    (apart && holds(first, from.len()) && holds(second, 0) && holds(out, to.len())).then_some(())?;
    let fits = match kind {
        1 => moves(window, from, to),
        2 => moves(window, from, to) && to.deep == from.deep,
        3 => holds(second, from.len()) && to == from,
        4 => holds(second, from.deep) && to == from,
        5 => to == (Shape { high: 1, wide: 1, deep: from.deep }),
        6 => to == (Shape { high: 2 * from.high, wide: 2 * from.wide, deep: from.deep }),
        7 => to == (Shape { high: 2 * from.high, wide: 2 * from.wide, deep: 1 }),
        _ => false,
    };
    fits.then_some(())?;
    let kind = match kind {
        1 => Kind::Convolution(window, rest.matrix(side * side * from.deep, to.deep)?),
        2 => Kind::Depthwise(window, rest.weights(side * side * from.deep, from.deep)?),
        3 => Kind::Add,
        4 => Kind::Scale,
        5 => Kind::Mean,
        6 => Kind::Double,
        7 => Kind::Spread(rest.matrix(from.deep, NARROW)?),
        _ => return None,
    };
    let bend = [Bend::Straight, Bend::Relu, Bend::HardSwish, Bend::Sigmoid].into_iter().nth(bend)?;
    Some(Step { kind, bend, first, second, out, from, to })
}

fn shape(high: usize, wide: usize, deep: usize) -> Option<Shape> {
    let fits = [high, wide, deep].iter().all(|side| (1..=MAX_SIDE).contains(side));
    fits.then_some(Shape { high, wide, deep })
}

/// Does a window that moves over `from` make `to`, and see at least a pixel wherever it stands?
fn moves(window: Window, from: Shape, to: Shape) -> bool {
    let Window { side, stride, top, left } = window;
    let known = (1..=MAX_WINDOW).contains(&side) && (1..=2).contains(&stride) && top < side && left < side;
    let ends = (to.high - 1) * stride < from.high + top && (to.wide - 1) * stride < from.wide + left;
    // Without one it takes the pixels as they lie.
    let same = side > 1 || stride > 1 || (top == 0 && left == 0 && to.pixels() == from.pixels());
    known && ends && same && to.deep.is_multiple_of(NARROW)
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        let bytes = self.bytes(4)?.try_into().ok()?;
        u32::from_le_bytes(bytes).try_into().ok()
    }

    fn at_most(&mut self, most: usize) -> Option<usize> {
        self.count().filter(|count| *count <= most)
    }

    fn numbers<const N: usize>(&mut self) -> Option<[usize; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.count()?;
        }
        Some(numbers)
    }

    fn halves(&mut self, count: usize) -> Option<Vec<f32>> {
        let (halves, _) = self.bytes(count.checked_mul(2)?)?.as_chunks();
        let values: Vec<f32> = halves.iter().map(|bytes| widened(u16::from_le_bytes(*bytes))).collect();
        values.iter().all(|value| value.is_finite()).then_some(values)
    }

    fn weights(&mut self, worth: usize, bias: usize) -> Option<Weights> {
        Some(Weights { worth: self.halves(worth)?, bias: self.halves(bias)? })
    }

    /// In the file a line for each input; the kernels want sixteen outputs after sixteen.
    fn matrix(&mut self, inputs: usize, outputs: usize) -> Option<Weights> {
        let Weights { worth, bias } = self.weights(inputs.checked_mul(outputs)?, outputs)?;
        let wide = outputs / WIDE * WIDE;
        let mut packed = Vec::with_capacity(worth.len());
        for (at, end) in (0..wide).step_by(WIDE).map(|at| (at, at + WIDE)).chain([(wide, outputs)]) {
            packed.extend(worth.chunks_exact(outputs).flat_map(|line| &line[at..end]));
        }
        Some(Weights { worth: packed, bias })
    }
}

/// A number of 16 bits (IEEE 754 half) in 32; what is not finite becomes so in 32 as well.
fn widened(half: u16) -> f32 {
    if half & 0x7c00 == 0x7c00 {
        return f32::NAN;
    }
    // Moved to its place the exponent is too small by 112: one exact product makes that good, for the smallest numbers, too.
    let size = f32::from_bits(u32::from(half & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    if half & 0x8000 == 0 { size } else { -size }
}
