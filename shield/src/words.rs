//! What stands on the cover: the caller's picture, or a line of plain English in a font of the server. Run by the painter on a
//! connection of its own; a cover without words is still a cover, so trouble here is only noted.

use std::collections::BTreeMap;

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, Font, Gcontext, ImageFormat, ImageOrder, Pixmap,
    QueryFontReply, Rectangle, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::cover::{Board, PLAIN};
use crate::{Cause, Picture};

const LETTERS: u32 = 0xffff_ffff;
/// Letters of one line, as many as the protocol takes.
const LINE: usize = 255;

/// Writes, and wipes.
pub(crate) struct Words {
    font: Option<(Font, QueryFontReply)>,
    /// Windows that have something written on them.
    written: Vec<Window>,
}

impl Words {
    pub(crate) fn new(x: &RustConnection) -> Self {
        let font = open_font(x);
        if let Err(error) = &font {
            tracing::debug!(%error, "the display has no letters of its own");
        }
        Self { font: font.ok(), written: Vec::new() }
    }

    /// Shows the picture, or the line when there is none.
    pub(crate) fn write(&mut self, x: &RustConnection, boards: &[Board], picture: Option<&Picture>, cause: &Cause) {
        if let Err(error) = self.try_write(x, boards, picture, cause) {
            tracing::warn!(%error, "the cover has no words");
        }
    }

    /// Back to the plain colour, so that the next cover does not begin with the words of this one.
    pub(crate) fn wipe(&mut self, x: &RustConnection) {
        for window in self.written.drain(..) {
            let plain = ChangeWindowAttributesAux::new().background_pixel(PLAIN);
            if x.change_window_attributes(window, &plain).is_err() {
                return;
            }
        }
        self.drain(x);
    }

    fn try_write(
        &mut self,
        x: &RustConnection,
        boards: &[Board],
        picture: Option<&Picture>,
        cause: &Cause,
    ) -> Result<(), ReplyOrIdError> {
        // Boards of one size and depth share what is written.
        let mut sheets: BTreeMap<(u16, u16, u8), Vec<Window>> = BTreeMap::new();
        for board in boards.iter().filter(|b| b.width > 0 && b.height > 0) {
            sheets.entry((board.width, board.height, board.depth)).or_default().push(board.window);
        }
        for ((width, height, depth), windows) in sheets {
            let Some(first) = windows.first() else { continue };
            let (sheet, pen) = (x.generate_id()?, x.generate_id()?);
            x.create_pixmap(depth, sheet, *first, width, height)?;
            x.create_gc(pen, sheet, &CreateGCAux::new().foreground(PLAIN).background(PLAIN))?;
            x.poly_fill_rectangle(sheet, pen, &[Rectangle { x: 0, y: 0, width, height }])?;
            let shown = match picture {
                Some(picture) => paste(x, sheet, pen, (width, height, depth), picture)?,
                None => false,
            };
            if !shown {
                self.line(x, sheet, (width, height), &cause.to_string())?;
            }
            for window in windows {
                x.change_window_attributes(window, &ChangeWindowAttributesAux::new().background_pixmap(sheet))?;
                x.clear_area(false, window, 0, 0, 0, 0)?;
                self.written.push(window);
            }
            x.free_gc(pen)?;
            x.free_pixmap(sheet)?;
        }
        self.drain(x);
        Ok(())
    }

    fn line(&self, x: &RustConnection, sheet: Pixmap, size: (u16, u16), text: &str) -> Result<(), ReplyOrIdError> {
        let Some((font, measures)) = &self.font else { return Ok(()) };
        let bytes: Vec<u8> =
            text.chars().take(LINE).map(|c| if (' '..='~').contains(&c) { c as u8 } else { b'?' }).collect();
        let letter = i32::from(measures.max_bounds.character_width);
        let width = letter * bytes.len() as i32;
        let left = ((i32::from(size.0) - width) / 2).max(4) as i16;
        let middle = (i32::from(size.1) / 2) as i16;
        let pen = x.generate_id()?;
        x.create_gc(pen, sheet, &CreateGCAux::new().foreground(LETTERS).background(PLAIN).font(*font))?;
        x.image_text8(sheet, pen, left, middle, &bytes)?;
        x.free_gc(pen)?;
        Ok(())
    }

    /// Errors about windows that went meanwhile come as events, which nobody else reads.
    fn drain(&self, x: &RustConnection) {
        if x.flush().is_err() {
            return;
        }
        while let Ok(Some(event)) = x.poll_for_event() {
            tracing::trace!(?event, "while writing on the cover");
        }
    }
}

fn open_font(x: &RustConnection) -> Result<(Font, QueryFontReply), ReplyOrIdError> {
    let font = x.generate_id()?;
    x.open_font(font, b"fixed")?.check()?;
    let measures = x.query_font(font)?.reply()?;
    Ok((font, measures))
}

/// Puts a picture in the middle, cut to what there is room for; `false` where this display has another kind of pixels.
fn paste(
    x: &RustConnection,
    sheet: Pixmap,
    pen: Gcontext,
    (width, height, depth): (u16, u16, u8),
    picture: &Picture,
) -> Result<bool, ReplyOrIdError> {
    let setup = x.setup();
    let four_bytes = setup.pixmap_formats.iter().any(|f| f.depth == depth && f.bits_per_pixel == 32);
    let (columns, rows) = (usize::from(picture.width.min(width)), usize::from(picture.height.min(height)));
    let stride = usize::from(picture.width) * 4;
    let whole = picture.bgra.len() >= stride * usize::from(picture.height);
    if !four_bytes || setup.image_byte_order != ImageOrder::LSB_FIRST || !whole || columns == 0 || rows == 0 {
        return Ok(false);
    }
    // What does not fit is cut off on both sides alike.
    let (skip_x, skip_y) = ((usize::from(picture.width) - columns) / 2, (usize::from(picture.height) - rows) / 2);
    let (left, top) = ((usize::from(width) - columns) / 2, (usize::from(height) - rows) / 2);
    let at_once = ((x.maximum_request_bytes() - 64) / (columns * 4)).max(1);
    let mut row = 0;
    while row < rows {
        let count = at_once.min(rows - row);
        let mut piece = Vec::with_capacity(count * columns * 4);
        for line in row..row + count {
            let start = (skip_y + line) * stride + skip_x * 4;
            for pixel in picture.bgra[start..start + columns * 4].as_chunks::<4>().0 {
                piece.extend([pixel[0], pixel[1], pixel[2], 0xff]);
            }
        }
        let at = (left as i16, (top + row) as i16);
        x.put_image(ImageFormat::Z_PIXMAP, sheet, pen, columns as u16, count as u16, at.0, at.1, 0, depth, &piece)?;
        row += count;
    }
    Ok(true)
}
