//! Small pictures of monitors and windows of an X server, for choosing among them. Runs on the caller's thread, keeps no
//! picture, and grabs a whole monitor or window for each: once a second is what it is made for.

use media_core::device::{OpenDevice, Stills};
use media_core::frame::{Picture, Size};
use media_core::video::scale::Scaler;
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};
use x11rb::connection::Connection;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, Rectangle, Window};
use x11rb::rust_connection::RustConnection;

use super::grab::{Canvas, Grab, Place};
use super::{connect, is_bgrx, monitors, windows};
use crate::picture::{Clock, from_bgra};

/// What covers our own windows: middle grey, four bytes a pixel.
const COVER: u8 = 0x80;

struct Looker {
    x: RustConnection,
    root: Window,
    clock: Clock,
    permit: Permit<Screen>,
    scaler: Scaler,
    /// Windows the server keeps apart for us. It goes on until this ends: to begin and end it each time makes them flicker.
    kept: Vec<Window>,
}

/// See [`media_core::device::Devices::open_stills`].
pub(crate) fn stills(
    display: Option<&str>,
    clock: Clock,
    permit: Permit<Screen>,
) -> Result<Box<dyn Stills>, OpenDevice> {
    let (x, root) = connect(display).map_err(|_| OpenDevice::Missing)?;
    if !is_bgrx(&x, root) {
        return Err(OpenDevice::Failed("the display has an unusual pixel layout".into()));
    }
    Ok(Box::new(Looker { x, root, clock, permit, scaler: Scaler::new(), kept: Vec::new() }))
}

impl Stills for Looker {
    fn still(&mut self, screen: &DeviceId, limit: Size) -> Result<Picture, OpenDevice> {
        if !self.permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        let canvas = match windows::parse(screen) {
            Some(window) => self.window(screen, window),
            None => self.monitor(screen),
        };
        let canvas = canvas.map_err(|e| OpenDevice::Failed(e.to_string()))?.ok_or(OpenDevice::Missing)?;
        let place = canvas.place();
        let size = Size::even(place.width.into(), place.height.into()).ok_or(OpenDevice::Missing)?;
        let whole = from_bgra(size, canvas.pixels(), canvas.stride(), self.clock.now());
        let whole = whole.map_err(|e| OpenDevice::Failed(e.to_string()))?;
        // Asked once more: the fetch took its time.
        if !self.permit.is_live() {
            return Err(OpenDevice::Revoked);
        }
        Ok(self.scaler.fit(&whole, limit))
    }
}

impl Looker {
    /// The monitor with our own windows covered, and whatever lies over them; `None`: there is none of that name.
    fn monitor(&self, screen: &DeviceId) -> Result<Option<Canvas>, ReplyOrIdError> {
        let all = monitors(&self.x, self.root)?;
        let monitor = all.into_iter().find(|m| m.id().as_ref() == Some(screen)).filter(|m| is_usual(m.place));
        let Some(monitor) = monitor else { return Ok(None) };
        // Before and after: one that moves meanwhile is covered in both places.
        let mut ours = windows::own_places(&self.x, self.root)?;
        let mut canvas = self.fetch((self.root, 0), monitor.place)?;
        ours.extend(windows::own_places(&self.x, self.root)?);
        for place in ours {
            let place = Rectangle { x: place.x, y: place.y, width: place.width, height: place.height };
            if let Some(seen) = monitor.place.overlap(place) {
                (0..seen.height).for_each(|line| canvas.line_mut(seen, line).fill(COVER));
            }
        }
        Ok(Some(canvas))
    }

    /// The window alone; `None`: it is not in the list, which ours never are.
    fn window(&mut self, screen: &DeviceId, window: Window) -> Result<Option<Canvas>, ReplyOrIdError> {
        if !windows::list(&self.x, self.root)?.iter().any(|info| info.id == *screen) {
            return Ok(None);
        }
        if !self.kept.contains(&window) {
            self.x.composite_redirect_window(window, Redirect::AUTOMATIC)?.check()?;
            self.kept.push(window);
        }
        let geometry = self.x.get_geometry(window)?.reply()?;
        let place = Place { x: 0, y: 0, width: geometry.width, height: geometry.height };
        if !is_usual(place) {
            return Ok(None);
        }
        let pixmap = self.x.generate_id()?;
        self.x.composite_name_window_pixmap(window, pixmap)?.check()?;
        let border = i16::try_from(geometry.border_width).unwrap_or(0);
        let canvas = self.fetch((pixmap, border), place);
        self.x.free_pixmap(pixmap)?;
        canvas.map(Some)
    }

    fn fetch(&self, from: (Drawable, i16), place: Place) -> Result<Canvas, ReplyOrIdError> {
        let mut canvas = Canvas::new(place);
        let grab = Grab::new(&self.x, place)?;
        let fetched = grab.fetch(&self.x, from, &[place], &mut canvas);
        grab.close(&self.x)?;
        self.x.flush()?;
        fetched?;
        Ok(canvas)
    }
}

/// Of a size that can be shown at all: asked before there is memory for it.
fn is_usual(place: Place) -> bool {
    Size::even(place.width.into(), place.height.into()).is_some()
}
