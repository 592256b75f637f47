//! Blurs what is behind the person before the camera: a network says which pixels are the person, everything else is mixed
//! with a strong blur of itself. Runs on the camera's encode thread, before anything else sees the picture.
//! Fail closed: it gives a blurred picture or an error, never the picture as it came. Where the network finds nobody, all is
//! blurred. No time but that of the pictures; the memory of a size is used again from the second picture on.

mod backdrop;
mod cpu;
mod enlarge;
mod mask;
mod network;
mod shrink;

use std::time::Duration;

use self::backdrop::Backdrop;
use self::cpu::{Cpu, Work};
use self::enlarge::{Enlarger, Plane};
use self::mask::{HEIGHT, Mask, WIDTH};
use super::convert::Pool;
use crate::frame::{Picture, Size};
use crate::time::MediaTime;

/// The person is looked for this often, at most: every other picture of a camera with 30 a second.
const LOOK_EVERY: Duration = Duration::from_millis(60);

/// Why there is no blurred picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlurBackground {
    /// The network's file is not one of ours.
    #[error("the network that tells people from their background cannot be read")]
    Network,
    /// The planes of a picture do not fit its size.
    #[error("a blurred picture has another size")]
    Size,
}

/// Blurs the pictures of one camera.
#[derive(Debug)]
pub struct Background {
    mask: Mask,
    backdrop: Backdrop,
    cpu: Cpu,
    pool: Pool,
    enlargers: [Enlarger; 2],
    /// When the person was last looked for, and in a picture of which size.
    looked: Option<(MediaTime, Size)>,
    looks: u64,
}

impl Background {
    /// With the network in the program.
    ///
    /// # Errors
    /// [`BlurBackground::Network`].
    pub fn new() -> Result<Self, BlurBackground> {
        Self::of(network::FILE)
    }

    fn of(file: &[u8]) -> Result<Self, BlurBackground> {
        let cpu = Cpu::new();
        Ok(Self {
            mask: Mask::new(file, cpu).ok_or(BlurBackground::Network)?,
            backdrop: Backdrop::default(),
            cpu,
            pool: Pool::default(),
            enlargers: Default::default(),
            looked: None,
            looks: 0,
        })
    }

    /// The same picture with a blurred background.
    ///
    /// # Errors
    /// [`BlurBackground::Size`].
    pub fn blur(&mut self, picture: &Picture) -> Result<Picture, BlurBackground> {
        self.look(picture);
        let size = picture.size();
        let mut out = self.pool.take(size.i420_len());
        self.cpu.run(Blend {
            picture,
            mask: &self.mask,
            backdrop: &self.backdrop,
            by: &mut self.enlargers,
            out: &mut out,
        });
        let data = self.pool.keep(out);
        Picture::new(size, data, picture.at).ok_or(BlurBackground::Size)
    }

    /// How often the person was looked for.
    #[must_use]
    pub const fn looks(&self) -> u64 {
        self.looks
    }

    /// Looks for the person, and makes the blur anew, where that is due.
    fn look(&mut self, picture: &Picture) {
        let size = picture.size();
        match self.looked {
            Some((at, of)) if of == size && at <= picture.at => {
                if picture.at.since(at) < LOOK_EVERY {
                    return;
                }
            }
            // What another size or another time showed says nothing.
            Some(_) | None => self.mask.forget(),
        }
        self.looked = Some((picture.at, size));
        self.looks += 1;
        self.mask.look(picture);
        self.cpu.run(backdrop::Make { backdrop: &mut self.backdrop, picture, coverage: self.mask.coverage() });
    }
}

/// Mixes person and blur, plane by plane.
struct Blend<'a> {
    picture: &'a Picture,
    mask: &'a Mask,
    backdrop: &'a Backdrop,
    by: &'a mut [Enlarger; 2],
    out: &'a mut [u8],
}

impl Work for Blend<'_> {
    type Answer = ();

    #[inline(always)]
    fn done<const FUSED: bool>(self) {
        let size = self.picture.size();
        let (w, h) = (size.width as usize, size.height as usize);
        let coverage = Plane { data: self.mask.coverage(), width: WIDTH, height: HEIGHT };
        let (y, chroma) = self.out.split_at_mut(w * h);
        let (u, v) = chroma.split_at_mut(w * h / 4);
        let sources = [self.picture.y(), self.picture.u(), self.picture.v()];
        let sizes = [(w, h), (w / 2, h / 2), (w / 2, h / 2)];
        for (((source, out), size), blurred) in
            sources.into_iter().zip([y, u, v]).zip(sizes).zip(self.backdrop.planes())
        {
            plane(source, out, size, (coverage, blurred), self.by);
        }
    }
}

#[inline(always)]
fn plane(
    source: &[u8],
    out: &mut [u8],
    (width, height): (usize, usize),
    (coverage, blurred): (Plane<'_>, Plane<'_>),
    [person, behind]: &mut [Enlarger; 2],
) {
    person.begin(coverage, (width, height));
    behind.begin(blurred, (width, height));
    for (y, (line, out)) in source.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        let person = person.line(coverage, y);
        let behind = behind.line(blurred, y);
        for (x, (pixel, out)) in line.iter().zip(out).enumerate() {
            let of_person = person.at(x);
            // 255 is all of it: 256 parts of 256.
            let of_person = of_person + (of_person >> 7);
            let mixed = u32::from(*pixel) * of_person + behind.at(x) * (256 - of_person);
            *out = ((mixed + 128) >> 8) as u8;
        }
    }
}

#[cfg(test)]
mod tests;
