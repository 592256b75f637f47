//! The cursor, which is in no window's pixels: fetched when its shape changes, followed, blended into each picture.

use x11rb::errors::ReplyError;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use super::grab::{Canvas, Place, Saved};

/// Pixels a side; the protocol allows more, nobody has seen one.
const LARGEST: u16 = 512;

/// Shape and place of the cursor.
pub(super) struct Cursor {
    /// Premultiplied ARGB.
    image: Vec<u32>,
    width: u16,
    height: u16,
    hot: (i32, i32),
    /// Of its hot spot, on the root window.
    at: (i32, i32),
    /// Where the last picture has it.
    drawn: Option<Place>,
    /// It looks different from what the last picture has.
    is_stale: bool,
    /// Looks in a row that found it where it was.
    still: u8,
}

/// Looks after which a cursor rests.
const RESTS: u8 = 30;

impl Cursor {
    /// Asks for shape and place.
    pub(super) fn fetch(x: &RustConnection) -> Result<Self, ReplyError> {
        let cursor = x.xfixes_get_cursor_image()?.reply()?;
        let (width, height) = (cursor.width, cursor.height);
        let fits = width <= LARGEST
            && height <= LARGEST
            && cursor.cursor_image.len() >= usize::from(width) * usize::from(height);
        let (width, height) = if fits { (width, height) } else { (0, 0) };
        Ok(Self {
            image: cursor.cursor_image,
            width,
            height,
            hot: (cursor.xhot.into(), cursor.yhot.into()),
            at: (cursor.x.into(), cursor.y.into()),
            drawn: None,
            is_stale: false,
            still: 0,
        })
    }

    /// Takes the shape of a newly fetched cursor; what the last picture has is kept in mind.
    pub(super) fn become_shape(&mut self, new: Self) {
        let drawn = self.drawn;
        *self = Self { drawn, is_stale: true, ..new };
    }

    /// Asks where it is on this window now: moving is not told by any event.
    pub(super) fn follow(&mut self, x: &RustConnection, window: Window) -> Result<(), ReplyError> {
        let pointer = x.query_pointer(window)?.reply()?;
        let at = (i32::from(pointer.win_x), i32::from(pointer.win_y));
        self.still = if at == self.at { self.still.saturating_add(1) } else { 0 };
        self.is_stale |= at != self.at;
        self.at = at;
        Ok(())
    }

    /// It has not moved for a while.
    pub(super) const fn rests(&self) -> bool {
        self.still >= RESTS
    }

    /// Did it change in a way that shows on this monitor?
    pub(super) fn is_worth_a_picture(&self, monitor: Place) -> bool {
        self.is_stale && (self.drawn.is_some() || self.place_on(monitor).is_some())
    }

    fn place_on(&self, monitor: Place) -> Option<Place> {
        monitor.overlap_at(self.at.0 - self.hot.0, self.at.1 - self.hot.1, self.width, self.height)
    }

    /// Blends it into the canvas; what was under it is given back for [`Canvas::restore`].
    pub(super) fn draw(&mut self, canvas: &mut Canvas) -> Option<Saved> {
        self.is_stale = false;
        self.drawn = self.place_on(canvas.place());
        let visible = self.drawn?;
        let saved = canvas.save(visible);
        let (left, top) = (self.at.0 - self.hot.0, self.at.1 - self.hot.1);
        for line in 0..visible.height {
            let from_line = i32::from(visible.y) + i32::from(line) - top;
            let from = from_line as usize * usize::from(self.width) + (i32::from(visible.x) - left) as usize;
            let source = &self.image[from..from + usize::from(visible.width)];
            for (to, argb) in canvas.line_mut(visible, line).as_chunks_mut::<4>().0.iter_mut().zip(source) {
                *to = over(*argb, *to);
            }
        }
        Some(saved)
    }
}

/// Premultiplied ARGB over BGRX.
fn over(argb: u32, under: [u8; 4]) -> [u8; 4] {
    let [blue, green, red, alpha] = argb.to_le_bytes();
    let keep = 255 - u32::from(alpha);
    let mix =
        |over: u8, under: u8| u8::try_from(u32::from(over) + (u32::from(under) * keep + 127) / 255).unwrap_or(255);
    [mix(blue, under[0]), mix(green, under[1]), mix(red, under[2]), under[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(at: (i32, i32)) -> Cursor {
        Cursor {
            image: vec![0xff00_00ff, 0, 0x8000_0080, 0xffff_ffff],
            width: 2,
            height: 2,
            hot: (1, 1),
            at,
            drawn: None,
            is_stale: true,
            still: 0,
        }
    }

    #[test]
    fn the_cursor_is_on_the_picture_and_not_on_the_canvas() {
        let monitor = Place { x: 10, y: 0, width: 4, height: 4 };
        let mut canvas = Canvas::new(monitor);
        let mut cursor = cursor((12, 2));
        assert!(cursor.is_worth_a_picture(monitor));
        let saved = cursor.draw(&mut canvas);
        let pixel = |canvas: &Canvas, x: usize, y: usize| canvas.pixels()[y * 16 + x * 4..][..3].to_vec();
        assert_eq!(pixel(&canvas, 1, 1), [255, 0, 0], "opaque blue");
        assert_eq!(pixel(&canvas, 2, 1), [0, 0, 0], "transparent");
        assert_eq!(pixel(&canvas, 1, 2), [128, 0, 0], "half");
        assert_eq!(pixel(&canvas, 2, 2), [255, 255, 255]);
        canvas.restore(saved);
        assert!(canvas.pixels().iter().all(|b| *b == 0));
        assert!(!cursor.is_worth_a_picture(monitor), "nothing moved since");
    }

    #[test]
    fn a_cursor_half_outside_is_cut_and_one_outside_costs_nothing() {
        let monitor = Place { x: 10, y: 0, width: 4, height: 4 };
        let mut canvas = Canvas::new(monitor);
        for at in [(10, 0), (14, 4), (10, 4), (14, 0)] {
            let saved = cursor(at).draw(&mut canvas);
            assert!(saved.is_some(), "a corner at {at:?}");
            canvas.restore(saved);
        }
        let outside = cursor((100, 100));
        assert!(!outside.is_worth_a_picture(monitor));
        let mut leaving = cursor((12, 2));
        assert!(leaving.draw(&mut canvas).is_some());
        (leaving.at, leaving.is_stale) = ((100, 100), true);
        assert!(leaving.is_worth_a_picture(monitor), "it has to be wiped off");
    }
}
