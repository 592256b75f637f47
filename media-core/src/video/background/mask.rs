//! Where the person is: shows the network a small picture and makes its answers steady. Pure; allocates only when made
//! and for wider pictures than before.

use super::cpu::{Cpu, Work};
use super::network::{Forward, Network};
use super::shrink::Shrinker;
use crate::frame::Picture;

/// What the network is shown, and answers, in pixels across.
pub(super) const WIDTH: usize = 256;
/// And down.
pub(super) const HEIGHT: usize = 144;
const PIXELS: usize = WIDTH * HEIGHT;

/// Of a small change so much is believed at once, of a large one all: a hand that moves leaves no open trail behind.
const BELIEVED: f32 = 0.3;
const BELIEVED_MORE: f32 = 1.4;
/// Below this all is background, above that all is the person: in doubt it is blurred.
const DOUBT: (f32, f32) = (0.35, 0.85);

/// The person in the pictures of one camera.
#[derive(Debug)]
pub(super) struct Mask {
    network: Network,
    cpu: Cpu,
    shrinker: Shrinker,
    planes: [Vec<f32>; 3],
    steady: Vec<f32>,
    known: bool,
    coverage: Vec<u8>,
}

impl Mask {
    /// `None` where the file is no such network.
    pub(super) fn new(file: &[u8], cpu: Cpu) -> Option<Self> {
        Some(Self {
            network: Network::read(file, (WIDTH, HEIGHT))?,
            cpu,
            shrinker: Shrinker::default(),
            planes: std::array::from_fn(|_| vec![0.0; PIXELS]),
            steady: vec![0.0; PIXELS],
            known: false,
            coverage: vec![0; PIXELS],
        })
    }

    /// The next picture has nothing to do with those before.
    pub(super) const fn forget(&mut self) {
        self.known = false;
    }

    /// How much of each pixel is the person, line by line; 255 is all of it.
    pub(super) fn coverage(&self) -> &[u8] {
        &self.coverage
    }

    /// Looks for the person in a picture.
    pub(super) fn look(&mut self, picture: &Picture) {
        self.cpu.run(See {
            picture,
            shrinker: &mut self.shrinker,
            planes: &mut self.planes,
            into: self.network.shown(),
        });
        self.cpu.run(Forward(&mut self.network));
        for ((steady, coverage), seen) in self.steady.iter_mut().zip(&mut self.coverage).zip(self.network.said()) {
            let change = seen - *steady;
            let believed = if self.known { (BELIEVED + BELIEVED_MORE * change.abs()).min(1.0) } else { 1.0 };
            *steady += believed * change;
            let sure = ((*steady - DOUBT.0) / (DOUBT.1 - DOUBT.0)).clamp(0.0, 1.0);
            *coverage = (sure * sure * (3.0 - 2.0 * sure) * 255.0 + 0.5) as u8;
        }
        self.known = true;
    }

    /// What the network said itself.
    #[cfg(test)]
    pub(super) fn said(&self) -> &[f32] {
        self.network.said()
    }
}

/// Makes the small picture, red, green and blue from 0 to 1.
struct See<'a> {
    picture: &'a Picture,
    shrinker: &'a mut Shrinker,
    planes: &'a mut [Vec<f32>; 3],
    into: &'a mut [f32],
}

impl Work for See<'_> {
    type Answer = ();

    #[inline(always)]
    fn done<const FUSED: bool>(self) {
        let size = self.picture.size();
        let (w, h) = (size.width as usize, size.height as usize);
        let [luma, blue, red] = self.planes;
        self.shrinker.shrink(self.picture.y(), (w, h), luma, (WIDTH, HEIGHT));
        self.shrinker.shrink(self.picture.u(), (w / 2, h / 2), blue, (WIDTH, HEIGHT));
        self.shrinker.shrink(self.picture.v(), (w / 2, h / 2), red, (WIDTH, HEIGHT));
        let (pixels, _) = self.into.as_chunks_mut::<3>();
        for (((rgb, luma), blue), red) in pixels.iter_mut().zip(luma).zip(blue).zip(red) {
            // BT.601, limited range.
            let (luma, blue, red) = (1.164_383 * (*luma - 16.0), *blue - 128.0, *red - 128.0);
            *rgb = [luma + 1.596_027 * red, luma - 0.391_762 * blue - 0.812_968 * red, luma + 2.017_232 * blue];
            *rgb = rgb.map(|value| (value / 255.0).clamp(0.0, 1.0));
        }
    }
}
