//! The windows that cover, three for each protected one: a child inside it (what per-window captures and compositors see),
//! a sibling on top of everything (what is on a plain screen), and a child of the compositor's overlay window (what a
//! composited screen shows before the compositor has drawn again). Run by the watch; nothing here waits for the server.

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectionError, ReplyOrIdError};
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::Failed;
use crate::place::{self, Place};

/// A dark grey. The upper byte makes it opaque where windows have transparency.
pub(crate) const PLAIN: u32 = 0xff20_2124;
/// The child inside is larger than any window gets, so that it need not follow when the window grows.
const ENOUGH: u16 = 16_384;

/// A window to put words on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Board {
    pub(crate) window: Window,
    /// The part of it that can be seen.
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) depth: u8,
}

/// All covers.
pub(crate) struct Cover {
    connection: RustConnection,
    covers: Vec<Three>,
    shown: bool,
}

struct Three {
    window: Window,
    inner: Window,
    top: Window,
    /// The overlay it is in, and itself.
    overlay: Option<(Window, Window)>,
    place: Place,
}

impl Cover {
    /// Makes them, not shown yet, with a connection that is theirs alone.
    pub(crate) fn open(connection: RustConnection, windows: &[(Window, Place)]) -> Result<Self, Failed> {
        place::served_always(&connection)?;
        let mut covers = Vec::new();
        for (window, place) in windows {
            let inner = make(&connection, *window, (0, 0), (ENOUGH, ENOUGH))?;
            let top = make(&connection, place.root, (place.x, place.y), (place.width, place.height))?;
            let_through(&connection, top)?;
            covers.push(Three { window: *window, inner, top, overlay: None, place: *place });
        }
        connection.flush()?;
        Ok(Self { connection, covers, shown: false })
    }

    pub(crate) fn connection(&self) -> &RustConnection {
        &self.connection
    }

    pub(crate) fn shown(&self) -> bool {
        self.shown
    }

    /// The numbers of all of them.
    pub(crate) fn windows(&self) -> impl Iterator<Item = Window> + '_ {
        self.covers.iter().flat_map(|c| [Some(c.inner), Some(c.top), c.overlay.map(|(_, w)| w)]).flatten()
    }

    /// Where words can stand.
    pub(crate) fn boards(&self) -> Vec<Board> {
        let board = |window, place: &Place, depth| Board { window, width: place.width, height: place.height, depth };
        self.covers
            .iter()
            .flat_map(|c| {
                let on_screen = [Some(c.top), c.overlay.map(|(_, w)| w)].into_iter().flatten();
                std::iter::once(board(c.inner, &c.place, c.place.depth))
                    .chain(on_screen.map(|w| board(w, &c.place, c.place.root_depth)))
            })
            .collect()
    }

    /// Covers, now.
    pub(crate) fn show(&mut self) -> Result<(), ConnectionError> {
        self.shown = true;
        for cover in &self.covers {
            self.raise(cover.inner)?;
            if cover.place.viewable {
                self.raise_on_screen(cover)?;
            }
        }
        self.connection.flush()
    }

    /// Covers from inside only: for when nobody follows the window any more.
    pub(crate) fn show_inside(&mut self) -> Result<(), ConnectionError> {
        self.shown = true;
        for cover in &self.covers {
            self.raise(cover.inner)?;
            self.lower_on_screen(cover)?;
        }
        self.connection.flush()
    }

    /// Uncovers.
    pub(crate) fn hide(&mut self) -> Result<(), ConnectionError> {
        self.shown = false;
        for cover in &self.covers {
            self.connection.unmap_window(cover.inner)?;
            self.lower_on_screen(cover)?;
        }
        self.connection.flush()
    }

    /// A window is somewhere else, of another size, hidden or shown.
    pub(crate) fn follow(&mut self, window: Window, place: Place) -> Result<(), ConnectionError> {
        let Some(index) = self.covers.iter().position(|c| c.window == window && c.place != place) else {
            return Ok(());
        };
        self.covers[index].place = place;
        let cover = &self.covers[index];
        let to = ConfigureWindowAux::new()
            .x(i32::from(place.x))
            .y(i32::from(place.y))
            .width(u32::from(place.width.max(1)))
            .height(u32::from(place.height.max(1)));
        for on_screen in [Some(cover.top), cover.overlay.map(|(_, w)| w)].into_iter().flatten() {
            self.connection.configure_window(on_screen, &to)?;
        }
        if self.shown && place.viewable {
            self.raise_on_screen(cover)?;
        } else {
            // What is not there needs no cover, and others have the place.
            self.lower_on_screen(cover)?;
        }
        self.connection.flush()
    }

    /// A window of the caller is gone, and the cover inside it, too.
    pub(crate) fn forget(&mut self, window: Window) -> Result<(), ConnectionError> {
        for cover in self.covers.iter().filter(|c| c.window == window) {
            self.connection.destroy_window(cover.top)?;
            if let Some((_, own)) = cover.overlay {
                self.connection.destroy_window(own)?;
            }
        }
        self.covers.retain(|c| c.window != window);
        self.connection.flush()
    }

    /// The overlay window of a screen came or went. `inside`: the windows in it. With one that went its children did, and
    /// the next has the same number.
    pub(crate) fn overlaid(
        &mut self,
        root: Window,
        overlay: Option<Window>,
        inside: &[Window],
    ) -> Result<(), ReplyOrIdError> {
        for index in 0..self.covers.len() {
            let cover = &self.covers[index];
            let stands = match (cover.overlay, overlay) {
                (Some((of, own)), Some(overlay)) => of == overlay && inside.contains(&own),
                (None, None) => true,
                _ => false,
            };
            if cover.place.root != root || stands {
                continue;
            }
            let own = match overlay {
                Some(parent) => {
                    let (at, size) = ((cover.place.x, cover.place.y), (cover.place.width, cover.place.height));
                    let own = make(&self.connection, parent, at, size)?;
                    let_through(&self.connection, own)?;
                    Some((parent, own))
                }
                None => None,
            };
            self.covers[index].overlay = own;
            if self.shown && self.covers[index].place.viewable {
                self.raise_on_screen(&self.covers[index])?;
            }
        }
        Ok(self.connection.flush()?)
    }

    fn raise(&self, window: Window) -> Result<(), ConnectionError> {
        self.connection.configure_window(window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE))?;
        self.connection.map_window(window)?;
        Ok(())
    }

    fn raise_on_screen(&self, cover: &Three) -> Result<(), ConnectionError> {
        self.raise(cover.top)?;
        cover.overlay.map_or(Ok(()), |(_, own)| self.raise(own))
    }

    fn lower_on_screen(&self, cover: &Three) -> Result<(), ConnectionError> {
        self.connection.unmap_window(cover.top)?;
        if let Some((_, own)) = cover.overlay {
            self.connection.unmap_window(own)?;
        }
        Ok(())
    }
}

/// A cover inside `parent`, with its depth and visual: anything else would be drawn by the server a moment later.
fn make(x: &RustConnection, parent: Window, at: (i16, i16), size: (u16, u16)) -> Result<Window, ReplyOrIdError> {
    let window = x.generate_id()?;
    let look = CreateWindowAux::new().background_pixel(PLAIN).border_pixel(0).override_redirect(1);
    let (width, height) = (size.0.max(1), size.1.max(1));
    x.create_window(0, window, parent, at.0, at.1, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
    Ok(window)
}

/// Lets clicks through: other people's windows may lie in between.
fn let_through(x: &RustConnection, window: Window) -> Result<(), ConnectionError> {
    x.shape_rectangles(shape::SO::SET, shape::SK::INPUT, ClipOrdering::UNSORTED, window, 0, 0, &[])?;
    Ok(())
}
