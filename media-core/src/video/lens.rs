//! Notices a camera that is open and shows nothing: covered, in the dark, or one that repeats a single picture, as cameras
//! with a switch for privacy do. A value: time comes in with the pictures, so that a camera which takes fewer of them in
//! little light is judged no sooner and no later.

use std::time::Duration;

use crate::frame::Picture;
use crate::time::MediaTime;

/// What a camera shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lens {
    /// Something that lives.
    #[default]
    Clear,
    /// Nothing but black.
    Dark,
    /// The same picture again and again, to the last bit: no sensor does that.
    Still,
}

/// Pictures are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A hand before the lens, a light that is switched: shorter than this it is nobody's business.
const DARK_FOR: Duration = Duration::from_secs(3);
/// A camera that starts may repeat itself for a moment.
const STILL_FOR: Duration = Duration::from_secs(5);
/// Luma: black is 16, the noise of a covered sensor lies below this. A face lit by nothing but its screen lies above.
const BLACK: u8 = 48;
/// Of a thousand pixels so many may be brighter: sensors have spots.
const BRIGHT_PER_MILLE: usize = 5;
/// Every eighth line and pixel counts for brightness.
const STRIDE: usize = 8;

/// Watches one camera from opening to closing.
#[derive(Debug, Default)]
pub struct LensWatch {
    looked: Option<MediaTime>,
    dark_since: Option<MediaTime>,
    /// What the picture looked like, and since when.
    print: Option<(u64, MediaTime)>,
    lens: Lens,
}

impl LensWatch {
    /// One picture; what the camera shows now.
    pub fn look(&mut self, picture: &Picture) -> Lens {
        let now = picture.at;
        if self.looked.is_some_and(|looked| now.since(looked) < LOOK_EVERY) {
            return self.lens;
        }
        self.looked = Some(now);
        let print = print_of(picture);
        let same_since = match self.print {
            Some((known, since)) if known == print => since,
            Some(_) | None => now,
        };
        self.print = Some((print, same_since));
        self.dark_since = is_dark(picture).then(|| self.dark_since.unwrap_or(now));
        self.lens = if self.dark_since.is_some_and(|since| now.since(since) >= DARK_FOR) {
            Lens::Dark
        } else if now.since(same_since) >= STILL_FOR {
            Lens::Still
        } else {
            Lens::Clear
        };
        self.lens
    }
}

fn is_dark(picture: &Picture) -> bool {
    let width = picture.size().width as usize;
    let (mut all, mut bright) = (0, 0);
    for line in picture.y().chunks_exact(width).step_by(STRIDE) {
        for luma in line.iter().step_by(STRIDE) {
            all += 1;
            bright += usize::from(*luma > BLACK);
        }
    }
    bright * 1000 <= all * BRIGHT_PER_MILLE
}

/// Another one for another picture, as good as always: two with the same would have to be alike for seconds to matter.
fn print_of(picture: &Picture) -> u64 {
    let width = picture.size().width as usize;
    let lines = picture.y().chunks_exact(width).step_by(STRIDE / 2);
    lines.flat_map(|line| line.as_chunks::<8>().0).fold(0xcbf2_9ce4_8422_2325, |print: u64, bytes| {
        (print ^ u64::from_le_bytes(*bytes)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    })
}

#[cfg(test)]
mod tests;
