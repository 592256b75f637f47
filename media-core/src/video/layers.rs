//! What a camera is sent as: up to three layers (q, h, f by LiveKit's names), and how the bits of a link are shared out
//! among those that somebody wants. Pure.
//!
//! The smallest wanted layer comes first, so that everybody sees something; what is left goes upwards. The only layer, or
//! the best one, takes all that remains and is made of fewer pixels and pictures where that is little.

use crate::frame::Size;
use crate::time::Bitrate;

/// How many there are.
pub const LAYERS: usize = 3;
/// Their RTP stream ids, in this order everywhere.
pub const RIDS: [&str; LAYERS] = ["q", "h", "f"];
/// Each is that much narrower than the camera.
const NARROWER: [u32; LAYERS] = [4, 2, 1];
/// Aimed at where the link is wide; LiveKit's presets.
const MOST: [u32; LAYERS] = [160_000, 450_000, 1_700_000];
/// Below this a layer beside others is not worth its bits.
const LEAST: [u32; LAYERS] = [40_000, 140_000, 400_000];
/// Below this nothing is sent: the voice needs it more.
const NOTHING: u32 = 40_000;
/// Bits a picture element needs, per second at 30 pictures: below, fewer pixels look better. Measured with the test card.
const SPARSE: f64 = 0.55;
/// A smaller picture grows again where there is so much more than it would need.
const GROWS: f64 = 1.35;
/// Parts of a layer's width that are tried, in twelfths: whole, three quarters, half, a third.
const PARTS: [u32; 4] = [12, 9, 6, 4];

/// What every layer is sent with; `None`: not at all.
pub type Shares = [Option<Bitrate>; LAYERS];

/// Shares out a link among the layers wanted.
#[must_use]
pub fn share(link: Option<Bitrate>, wanted: [bool; LAYERS]) -> Shares {
    let mut left = link.map_or(u32::MAX, |link| link.0);
    let mut shares = [None; LAYERS];
    if left < NOTHING {
        return shares;
    }
    let mut first = true;
    for layer in (0..LAYERS).filter(|layer| wanted[*layer]) {
        let least = if first { NOTHING } else { LEAST[layer] };
        if left < least {
            break;
        }
        let bits = left.min(MOST[layer]);
        // What the next one needs to begin with is not kept back from this one: it is the one everybody can see.
        shares[layer] = Some(Bitrate(bits));
        left -= bits;
        first = false;
    }
    shares
}

/// How large a layer of a camera of this size is at most.
#[must_use]
pub fn size_of(layer: usize, camera: Size) -> Size {
    let narrower = NARROWER.get(layer).copied().unwrap_or(1);
    let side = |side: u32| (side / narrower).max(2) / 2 * 2;
    Size { width: side(camera.width), height: side(camera.height) }
}

/// What a layer is really encoded as: remembers what it is now, so that it does not go to and fro.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fit {
    /// Index into [`PARTS`].
    part: usize,
}

impl Fit {
    /// The size of a layer with these bits, never above `whole`.
    pub fn size(&mut self, whole: Size, bitrate: Bitrate) -> Size {
        let enough = |part: usize, spare: f64| {
            let Size { width, height } = scaled(whole, part);
            f64::from(bitrate.0) >= f64::from(width) * f64::from(height) * SPARSE * spare
        };
        while self.part + 1 < PARTS.len() && !enough(self.part, 1.0) {
            self.part += 1;
        }
        while self.part > 0 && enough(self.part - 1, GROWS) {
            self.part -= 1;
        }
        scaled(whole, self.part)
    }
}

fn scaled(whole: Size, part: usize) -> Size {
    let twelfths = PARTS.get(part).copied().unwrap_or(12);
    // Multiples of four: the chroma planes stay even, too.
    let side = |side: u32| if twelfths == 12 { side } else { (side * twelfths / 12).max(4) / 4 * 4 };
    Size { width: side(whole.width), height: side(whole.height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [bool; LAYERS] = [true; LAYERS];
    const HD: Size = Size { width: 1280, height: 720 };

    fn shared(link: u32, wanted: [bool; LAYERS]) -> [u32; LAYERS] {
        share(Some(Bitrate::kbps(link)), wanted).map(|bits| bits.map_or(0, |bits| bits.0 / 1000))
    }

    #[test]
    fn a_wide_link_carries_everything_wanted_and_nothing_else() {
        assert_eq!(share(None, ALL).map(Option::unwrap), MOST.map(Bitrate));
        assert_eq!(shared(5000, [false, false, true]), [0, 0, 1700]);
        assert_eq!(shared(5000, [true, false, false]), [160, 0, 0]);
        assert_eq!(shared(5000, [false; LAYERS]), [0, 0, 0]);
    }

    #[test]
    fn a_narrow_link_keeps_the_small_ones_and_the_only_one() {
        assert_eq!(shared(1500, ALL), [160, 450, 890]);
        assert_eq!(shared(900, ALL), [160, 450, 0], "the large one would be mud");
        assert_eq!(shared(250, ALL), [160, 0, 0]);
        assert_eq!(shared(100, ALL), [100, 0, 0]);
        assert_eq!(shared(30, ALL), [0, 0, 0], "the voice needs it");
        assert_eq!(shared(250, [false, false, true]), [0, 0, 250], "somebody wants only this one: it grows small");
    }

    #[test]
    fn layers_are_a_quarter_a_half_and_the_whole() {
        assert_eq!(size_of(0, HD), Size { width: 320, height: 180 });
        assert_eq!(size_of(1, HD), Size { width: 640, height: 360 });
        assert_eq!(size_of(2, HD), HD);
    }

    #[test]
    fn few_bits_make_fewer_pixels_and_do_not_go_to_and_fro() {
        let mut fit = Fit::default();
        assert_eq!(fit.size(HD, Bitrate::kbps(1700)), HD);
        let small = fit.size(HD, Bitrate::kbps(480));
        assert_eq!(small, Size { width: 960, height: 540 });
        assert_eq!(fit.size(HD, Bitrate::kbps(530)), small, "a little more is not enough to change");
        assert_eq!(fit.size(HD, Bitrate::kbps(900)), HD);
        assert_eq!(fit.size(HD, Bitrate::kbps(60)), Size { width: 424, height: 240 });
        for bits in 0..2000 {
            let Size { width, height } = fit.size(HD, Bitrate::kbps(bits));
            assert!(width % 4 == 0 && height % 4 == 0 && width >= 4, "{bits}: {width} x {height}");
        }
    }
}
