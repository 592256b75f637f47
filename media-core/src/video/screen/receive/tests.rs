//! A page that only follows the patches has the picture.

use bytes::Bytes;
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_rgba};

use super::*;
use crate::frame::Codec;
use crate::testing::TextScreen;
use crate::video::screen::envelope::Envelopes;
use crate::video::screen::simplify::planes;
use crate::video::screen::text::TextWriter;

const SIZE: Size = Size { width: 320, height: 180 };

struct Ends {
    writer: TextWriter,
    envelopes: Envelopes,
    reader: ScreenReader,
}

impl Ends {
    fn new() -> Self {
        Self { writer: TextWriter::new(SIZE), envelopes: Envelopes::new().unwrap(), reader: ScreenReader::new() }
    }

    fn send(&mut self, picture: &Picture) -> Option<Screened> {
        let text = self.writer.write(planes(SIZE, picture.data()), 100_000)?;
        let unit = self.envelopes.wrap(&text.data, false).unwrap().unwrap();
        let frame = EncodedFrame { codec: Codec::H264, rtp_time: 0, key: unit.key, data: unit.data };
        Some(self.reader.take(&frame).expect("it is understood"))
    }
}

/// Part of a tall page of text with a coloured band in it, from this line on.
fn part(top: usize) -> Picture {
    let tall = TextScreen::new(Size { width: 320, height: 260 }).paint(1, MediaTime::ZERO);
    let chroma: Vec<u8> = (0..2 * 160 * 90).map(|n| if (n / 160 % 90) / 20 == 2 { 90 } else { 128 }).collect();
    let luma = &tall.y()[top * 320..(top + 180) * 320];
    Picture::new(SIZE, [luma, &chroma].concat().into(), MediaTime::ZERO).unwrap()
}

fn rgba(picture: &Picture) -> Vec<u8> {
    let image = YuvPlanarImage {
        y_plane: picture.y(),
        y_stride: 320,
        u_plane: picture.u(),
        u_stride: 160,
        v_plane: picture.v(),
        v_stride: 160,
        width: 320,
        height: 180,
    };
    let mut out = vec![255; 320 * 180 * 4];
    yuv420_to_rgba(&image, &mut out, 320 * 4, YuvRange::Limited, YuvStandardMatrix::Bt601).unwrap();
    out
}

/// As the page does it.
fn apply(canvas: &mut [u8], patches: &[Patch]) -> usize {
    let mut bytes = 0;
    let line = |x: usize, y: usize, width: usize| (y * 320 + x) * 4..(y * 320 + x + width) * 4;
    for patch in patches {
        match patch {
            Patch::Copy { to, right, down } => {
                let before = canvas.to_vec();
                for y in 0..usize::from(to.height) {
                    let from_x = usize::from(to.x).checked_add_signed((*right).into()).unwrap();
                    let from_y = (usize::from(to.y) + y).checked_add_signed((*down).into()).unwrap();
                    let from = line(from_x, from_y, to.width.into());
                    canvas[line(to.x.into(), usize::from(to.y) + y, to.width.into())].copy_from_slice(&before[from]);
                }
            }
            Patch::Pixels { to, rgba } => {
                bytes += rgba.len();
                for (y, pixels) in rgba.chunks_exact(usize::from(to.width) * 4).enumerate() {
                    canvas[line(to.x.into(), usize::from(to.y) + y, to.width.into())].copy_from_slice(pixels);
                }
            }
        }
    }
    bytes
}

#[test]
fn a_page_that_follows_the_patches_has_the_picture() {
    let mut ends = Ends::new();
    assert!(matches!(ends.send(&part(0)), Some(Screened::Picture(SIZE))));
    assert!(ends.reader.patches().is_none(), "there is nothing to patch yet");
    let mut canvas = rgba(&ends.reader.picture(MediaTime::ZERO).unwrap());
    for top in [6, 12, 13, 40, 20, 0] {
        ends.send(&part(top)).expect("it changed");
        let bytes = apply(&mut canvas, &ends.reader.patches().expect("every picture before was taken"));
        assert!(canvas == rgba(&part(top)), "scrolled to {top}");
        assert!(bytes < canvas.len(), "less than everything");
    }
}

#[test]
fn who_left_a_picture_out_gets_a_whole_one() {
    let mut ends = Ends::new();
    ends.send(&part(0));
    assert!(ends.reader.picture(MediaTime::ZERO).is_some());
    ends.send(&part(6));
    ends.send(&part(12));
    assert!(ends.reader.patches().is_none());
    assert!(ends.reader.picture(MediaTime::ZERO).is_some());
    ends.send(&part(18));
    assert!(ends.reader.patches().is_some());
    ends.writer.restart();
    ends.send(&part(18));
    assert!(ends.reader.patches().is_none(), "it began anew");
}

#[test]
fn a_film_in_between_is_told_from_text() {
    let mut ends = Ends::new();
    ends.send(&part(0));
    let film =
        EncodedFrame { codec: Codec::H264, rtp_time: 0, key: true, data: Bytes::from_static(&[0, 0, 0, 1, 0x65, 9]) };
    assert!(matches!(ends.reader.take(&film), Ok(Screened::Video)));
    assert!(matches!(ends.send(&part(6)), Some(Screened::Picture(_))), "it is whole, so it is shown");
    assert!(ends.reader.patches().is_none(), "the film is on the canvas");
}
