//! What a blurred background costs: a drawn person at 720p, 30 pictures a second of virtual time; processor time of the one
//! thread that does it, and the time of single pictures, for which that is counted too coarsely.

use std::time::Instant;

use anyhow::Context;
use media_core::frame::{Picture, Size};
use media_core::time::MediaTime;
use media_core::video::background::Background;
use serde_json::json;

use super::own_sound::thread_seconds;
use super::{quantile, say};

const FPS: u64 = 30;
const PICTURES: u64 = 300;
/// The drawing of the network's own tests.
const PERSON: &[u8] = include_bytes!("../../../media-core/src/video/background/tests/person.i420");
const DRAWN: (usize, usize) = (256, 144);

/// The drawing at full size, a little further to the right every time.
fn pictures(size: Size) -> anyhow::Result<Vec<Picture>> {
    let (w, h) = (size.width as usize, size.height as usize);
    let luma = DRAWN.0 * DRAWN.1;
    let planes = [(w, h, 0, 1), (w / 2, h / 2, luma, 2), (w / 2, h / 2, luma * 5 / 4, 2)];
    let picture = |number: u64| {
        let mut data = Vec::with_capacity(size.i420_len());
        for (w, h, start, part) in planes {
            let (wide, high) = (DRAWN.0 / part, DRAWN.1 / part);
            let moved = (number % 8) as usize * 2 / part;
            let place = |n: usize| n / w * high / h * wide + (n % w * wide / w + moved) % wide;
            data.extend((0..w * h).map(|n| PERSON[start + place(n)]));
        }
        let at = MediaTime::from_micros(number * 1_000_000 / FPS);
        Picture::new(size, data.into(), at).context("the planes fit the size")
    };
    (0..PICTURES).map(picture).collect()
}

/// Every other picture is looked at for the person: those cost more.
pub fn measure() -> anyhow::Result<()> {
    let size = Size::even(1280, 720).context("a size")?;
    let mut background = Background::new()?;
    let (mut looks, mut blends) = (Vec::new(), Vec::new());
    let all = pictures(size)?;
    // The first ones get memory.
    for picture in &all[..4] {
        background.blur(picture)?;
    }
    let begun = thread_seconds()?;
    for picture in &all[4..] {
        let before = background.looks();
        let started = Instant::now();
        std::hint::black_box(background.blur(picture)?);
        let took = started.elapsed().as_secs_f64() * 1000.0;
        if background.looks() > before { looks.push(took) } else { blends.push(took) }
    }
    let seconds = thread_seconds()? - begun;
    let blend = quantile(&blends, 0.5).context("pictures without a look")?;
    let look = quantile(&looks, 0.5).context("pictures with a look")? - blend;
    let hundredth = |value: f64| (value * 100.0).round() / 100.0;
    say(&json!({
        "bench": "blur",
        "pictures": PICTURES - 4,
        "masks": looks.len(),
        "mask_ms": hundredth(look),
        "blend_ms": hundredth(blend),
        "core_pct": hundredth(seconds * FPS as f64 / (PICTURES - 4) as f64 * 100.0),
    }))
}
