//! MediaPipe's network for video calls, run step by step as `assets/background/README.md` lays it out. Pure; allocates only
//! when made.

mod file;
mod kernels;

use super::cpu::Work;

/// The one in the program.
pub(super) const FILE: &[u8] = include_bytes!("../../../../assets/background/selfie-landscape.bin");

/// Height, width, depth of a value; depth lies innermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    high: usize,
    wide: usize,
    deep: usize,
}

impl Shape {
    const fn pixels(self) -> usize {
        self.high * self.wide
    }

    const fn len(self) -> usize {
        self.pixels() * self.deep
    }
}

/// What happens to every number a step made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bend {
    Straight,
    Relu,
    HardSwish,
    Sigmoid,
}

/// A window that moves over a value.
#[derive(Debug, Clone, Copy)]
struct Window {
    side: usize,
    stride: usize,
    /// Zeros before the first line and the first column.
    top: usize,
    left: usize,
}

/// What a step does.
#[derive(Debug)]
enum Kind {
    /// Everything in the window is worth something to every output.
    Convolution(Window, Weights),
    /// Each depth for itself.
    Depthwise(Window, Weights),
    /// With another value of the same shape.
    Add,
    /// Each depth by one number of another value.
    Scale,
    /// Over all pixels.
    Mean,
    /// Twice the size, in straight lines between pixels.
    Double,
    /// Each pixel becomes two by two.
    Spread(Weights),
}

/// What inputs are worth, in the order the kernels want, and what is added.
#[derive(Debug)]
struct Weights {
    worth: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Debug)]
struct Step {
    kind: Kind,
    bend: Bend,
    /// In which rooms the values lie that it needs, and where its own goes: another one.
    first: usize,
    second: usize,
    out: usize,
    from: Shape,
    to: Shape,
}

/// The network with the memory for its values.
#[derive(Debug)]
pub(super) struct Network {
    steps: Vec<Step>,
    rooms: Vec<Vec<f32>>,
    /// What the window of a line of pixels sees.
    seen: Vec<f32>,
    /// Where its answer lies, and how long it is.
    answer: (usize, usize),
}

impl Network {
    /// `None` where it is not such a file, or is made for pictures of another size (width and height).
    pub(super) fn read(bytes: &[u8], size: (usize, usize)) -> Option<Self> {
        file::read(bytes, size)
    }

    /// The picture it is shown next: red, green and blue from 0 to 1.
    pub(super) fn shown(&mut self) -> &mut [f32] {
        &mut self.rooms[0]
    }

    /// What it said last: how surely each pixel is the person, 0 to 1.
    pub(super) fn said(&self) -> &[f32] {
        &self.rooms[self.answer.0][..self.answer.1]
    }
}

/// Lets it look at what it is shown.
pub(super) struct Forward<'a>(pub(super) &'a mut Network);

impl Work for Forward<'_> {
    type Answer = ();

    #[inline(always)]
    fn done<const FUSED: bool>(self) {
        let Network { steps, rooms, seen, .. } = self.0;
        for step in steps {
            // Never one that is read: the file was looked at for that.
            let mut out = std::mem::take(&mut rooms[step.out]);
            let into = &mut out[..step.to.len()];
            let (first, second) = (&rooms[step.first], &rooms[step.second]);
            let from = &first[..step.from.len()];
            match &step.kind {
                Kind::Convolution(window, weights) => {
                    let shapes = (step.from, step.to);
                    kernels::convolution::<FUSED>(from, shapes, *window, weights, into, seen);
                }
                Kind::Depthwise(window, weights) => {
                    kernels::depthwise::<FUSED>(from, (step.from, step.to), *window, weights, into);
                }
                Kind::Add => kernels::add(from, second, into),
                Kind::Scale => kernels::scale(from, &second[..step.from.deep], into),
                Kind::Mean => kernels::mean(from, into),
                Kind::Double => kernels::double(from, step.from, into),
                Kind::Spread(weights) => kernels::spread::<FUSED>(from, step.from, weights, into, seen),
            }
            kernels::bend(step.bend, into);
            rooms[step.out] = out;
        }
    }
}
