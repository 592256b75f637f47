//! Single windows of an X server: which there are, and looking at one. Its pixels are taken from the memory the server keeps
//! for it (Composite), so that what lies over it is never seen. Our own windows are not in the list and cannot be opened.
//! One thread per open window.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use media_core::device::{OnEvent, ScreenInfo, ScreenKind, StreamEvent};
use media_core::frame::Size;
use protocol::ids::DeviceId;
use x11rb::connection::Connection;
use x11rb::errors::{ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::damage::{ConnectionExt as _, Damage, ReportLevel};
use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask, Region};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, MapState, Pixmap, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::Looker;
use super::cursor::Cursor;
use super::grab::{Canvas, Grab, Place};
use super::look::{Look, MOST_PARTS, Trouble};
use crate::picture::{Pace, from_bgra};
use crate::wait::readable;

/// Begins the names of windows, apart from those of monitors.
const PREFIX: &str = "x11-window:";
/// Windows listed at most, and the smallest: what is smaller is no window of a person's.
const MOST: usize = 64;
const SMALLEST: u16 = 48;
/// Characters of a title that are kept.
const TITLE: usize = 96;
/// Fetches that fail one after the other before the window is given up.
const PATIENCE: u32 = 20;
/// How often a still window is looked at: stop, revocation and the cursor.
const REST: Duration = Duration::from_millis(100);

/// Windows a person may know, the topmost last; without ours.
pub(super) fn list(x: &RustConnection, root: Window) -> Result<Vec<ScreenInfo>, ReplyError> {
    // A server that keeps no windows apart can only show what lies on top.
    if !x.composite_query_version(0, 4).is_ok_and(|asked| asked.reply().is_ok()) {
        return Ok(Vec::new());
    }
    let names = Names::ask(x)?;
    let mut all = Vec::new();
    for window in managed(x, root, &names)? {
        // One that closes meanwhile is none.
        if let Ok(Some(info)) = describe(x, window, &names)
            && all.len() < MOST
        {
            all.push(info);
        }
    }
    Ok(all)
}

/// Where our own windows lie on the root.
pub(super) fn own_places(x: &RustConnection, root: Window) -> Result<Vec<Place>, ReplyError> {
    let names = Names::ask(x)?;
    let mut all = Vec::new();
    for window in managed(x, root, &names)? {
        // One that closes meanwhile lies nowhere.
        if let Ok(Some(place)) = own_place(x, root, window, &names) {
            all.push(place);
        }
    }
    Ok(all)
}

fn own_place(x: &RustConnection, root: Window, window: Window, names: &Names) -> Result<Option<Place>, ReplyError> {
    let pid = x.get_property(false, window, names.pid, AtomEnum::CARDINAL, 0, 1)?.reply()?;
    if pid.value32().and_then(|mut all| all.next()) != Some(std::process::id()) {
        return Ok(None);
    }
    if x.get_window_attributes(window)?.reply()?.map_state != MapState::VIEWABLE {
        return Ok(None);
    }
    let geometry = x.get_geometry(window)?.reply()?;
    let at = x.translate_coordinates(window, root, 0, 0)?.reply()?;
    Ok(Some(Place { x: at.dst_x, y: at.dst_y, width: geometry.width, height: geometry.height }))
}

/// The window of a name from the list.
pub(super) fn parse(id: &DeviceId) -> Option<Window> {
    u32::from_str_radix(id.as_str().strip_prefix(PREFIX)?, 16).ok()
}

struct Names {
    clients: Atom,
    name: Atom,
    text: Atom,
    pid: Atom,
}

impl Names {
    fn ask(x: &RustConnection) -> Result<Self, ReplyError> {
        let ask = |name: &str| Ok::<_, ReplyError>(x.intern_atom(false, name.as_bytes())?.reply()?.atom);
        Ok(Self {
            clients: ask("_NET_CLIENT_LIST")?,
            name: ask("_NET_WM_NAME")?,
            text: ask("UTF8_STRING")?,
            pid: ask("_NET_WM_PID")?,
        })
    }
}

/// What the window manager manages; without one, what lies on the root.
fn managed(x: &RustConnection, root: Window, names: &Names) -> Result<Vec<Window>, ReplyError> {
    let list = x.get_property(false, root, names.clients, AtomEnum::WINDOW, 0, 1024)?.reply()?;
    if let Some(windows) = list.value32() {
        let windows: Vec<Window> = windows.collect();
        if !windows.is_empty() {
            return Ok(windows);
        }
    }
    Ok(x.query_tree(root)?.reply()?.children)
}

fn describe(x: &RustConnection, window: Window, names: &Names) -> Result<Option<ScreenInfo>, ReplyError> {
    let attributes = x.get_window_attributes(window)?;
    let geometry = x.get_geometry(window)?;
    let pid = x.get_property(false, window, names.pid, AtomEnum::CARDINAL, 0, 1)?;
    let name = x.get_property(false, window, names.name, names.text, 0, 256)?;
    let old_name = x.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 256)?;
    let (attributes, geometry) = (attributes.reply()?, geometry.reply()?);
    let pid = pid.reply()?.value32().and_then(|mut all| all.next());
    let (name, old_name) = (name.reply()?.value, old_name.reply()?.value);
    let is_shown = attributes.map_state == MapState::VIEWABLE
        && attributes.class == WindowClass::INPUT_OUTPUT
        && !attributes.override_redirect;
    let is_usual = geometry.width >= SMALLEST && geometry.height >= SMALLEST && matches!(geometry.depth, 24 | 32);
    let title = if name.is_empty() { old_name } else { name };
    let title: String =
        String::from_utf8_lossy(&title).chars().filter(|c| !c.is_control()).take(TITLE).collect::<String>();
    let is_ours = pid == Some(std::process::id());
    if !is_shown || !is_usual || is_ours || title.trim().is_empty() {
        return Ok(None);
    }
    let Ok(id) = DeviceId::parse(format!("{PREFIX}{window:x}")) else { return Ok(None) };
    Ok(Some(ScreenInfo {
        id,
        name: title.trim().to_owned(),
        width: geometry.width.into(),
        height: geometry.height.into(),
        is_primary: false,
        kind: ScreenKind::Window,
    }))
}

/// One open window.
pub(super) struct WindowLooking {
    x: RustConnection,
    window: Window,
    looker: Looker,
    stop: Arc<AtomicBool>,
    damage: Damage,
    region: Region,
    cursor: Cursor,
    shown: Option<Shown>,
    was_hidden: bool,
    news: News,
}

fn closed() -> StreamEvent {
    StreamEvent::Lost("the window was closed".into())
}

/// What the server keeps of the window while it is shown, at its present size.
struct Shown {
    pixmap: Pixmap,
    grab: Grab,
    canvas: Canvas,
    size: Size,
    /// Around it, and in the server's memory, too.
    border: i16,
    /// Nothing of it was fetched yet.
    is_new: bool,
}

#[derive(Default)]
struct News {
    damaged: bool,
    new_cursor: bool,
    /// It was resized, or came back.
    changed: bool,
    hidden: bool,
    closed: bool,
}

impl Look for WindowLooking {
    fn run(&mut self) -> Option<StreamEvent> {
        match self.look() {
            Ok(end) => end,
            Err(Trouble::Unwanted) => None,
            Err(Trouble::Display(why)) => Some(StreamEvent::Lost(why)),
        }
    }

    fn close(self) -> OnEvent {
        self.looker.events
    }
}

impl WindowLooking {
    /// Prepares everything on the server.
    pub(super) fn new(
        x: RustConnection,
        root: Window,
        window: Window,
        looker: Looker,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ReplyOrIdError> {
        x.composite_query_version(0, 4)?.reply()?;
        x.damage_query_version(1, 1)?.reply()?;
        x.xfixes_query_version(5, 0)?.reply()?;
        let (damage, region) = (x.generate_id()?, x.generate_id()?);
        let attributes = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        x.change_window_attributes(window, &attributes)?.check()?;
        x.composite_redirect_window(window, Redirect::AUTOMATIC)?.check()?;
        x.damage_create(damage, window, ReportLevel::NON_EMPTY)?.check()?;
        x.xfixes_create_region(region, &[])?.check()?;
        x.xfixes_select_cursor_input(root, CursorNotifyMask::DISPLAY_CURSOR)?.check()?;
        let cursor = Cursor::fetch(&x)?;
        let news = News { changed: true, ..News::default() };
        Ok(Self { x, window, looker, stop, damage, region, cursor, shown: None, was_hidden: false, news })
    }

    fn look(&mut self) -> Result<Option<StreamEvent>, Trouble> {
        let mut pace = Pace::new(self.looker.wish.fps);
        let beat = pace.beat().min(REST);
        let mut broken = 0;
        while !self.stop.load(Ordering::Acquire) {
            if !self.looker.permit.is_live() {
                return Ok(Some(StreamEvent::Revoked));
            }
            self.read_news()?;
            if self.news.closed {
                return Ok(Some(closed()));
            }
            if std::mem::take(&mut self.news.hidden) {
                // The last picture stays where it is; nothing of the window is to be had.
                self.forget()?;
                // A window that closes is unmapped first, and is gone by then.
                if self.x.get_window_attributes(self.window)?.reply().is_err() {
                    return Ok(Some(closed()));
                }
                self.was_hidden = true;
                (self.looker.events)(StreamEvent::Hidden(true));
            }
            if std::mem::take(&mut self.news.changed) {
                self.take_up()?;
            }
            if std::mem::take(&mut self.news.new_cursor) {
                let shape = Cursor::fetch(&self.x)?;
                self.cursor.become_shape(shape);
            }
            let Some(place) = self.shown.as_ref().map(|shown| shown.canvas.place()) else {
                readable(self.x.stream(), REST).map_err(|e| Trouble::Display(e.to_string()))?;
                continue;
            };
            self.cursor.follow(&self.x, self.window)?;
            let is_new = self.shown.as_ref().is_some_and(|shown| shown.is_new);
            if !is_new && !self.news.damaged && !self.cursor.is_worth_a_picture(place) {
                let wait = if self.cursor.rests() { REST } else { beat };
                readable(self.x.stream(), wait).map_err(|e| Trouble::Display(e.to_string()))?;
                continue;
            }
            if !pace.admits(self.looker.clock.now()) {
                std::thread::sleep(beat / 4);
                continue;
            }
            match self.picture() {
                Ok(true) => broken = 0,
                Ok(false) => return Err(Trouble::Unwanted),
                // A window that shrinks or closes while it is fetched is an error of the fetch first.
                Err(Trouble::Display(why)) => {
                    broken += 1;
                    if broken > PATIENCE {
                        return Err(Trouble::Display(why));
                    }
                    self.news.changed = true;
                }
                Err(other) => return Err(other),
            }
        }
        Ok(None)
    }

    fn read_news(&mut self) -> Result<(), Trouble> {
        while let Some(event) = self.x.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => self.news.damaged = true,
                Event::XfixesCursorNotify(_) => self.news.new_cursor = true,
                Event::DestroyNotify(event) if event.window == self.window => self.news.closed = true,
                Event::UnmapNotify(event) if event.window == self.window => self.news.hidden = true,
                Event::MapNotify(event) if event.window == self.window => self.news.changed = true,
                Event::ConfigureNotify(event) if event.window == self.window => {
                    let size = self.shown.as_ref().map(|shown| shown.canvas.place());
                    self.news.changed |= size.is_none_or(|s| (s.width, s.height) != (event.width, event.height));
                }
                Event::Error(error) => tracing::debug!(?error, "the display reports an error"),
                // x11rb's list is open-ended.
                _ => {}
            }
        }
        Ok(())
    }

    fn forget(&mut self) -> Result<(), Trouble> {
        if let Some(shown) = self.shown.take() {
            self.x.free_pixmap(shown.pixmap)?;
            shown.grab.close(&self.x)?;
        }
        Ok(())
    }

    /// Takes what the server keeps of the window now; nothing, while it is hidden.
    fn take_up(&mut self) -> Result<(), Trouble> {
        self.forget()?;
        let Ok(attributes) = self.x.get_window_attributes(self.window)?.reply() else {
            self.news.closed = true;
            return Ok(());
        };
        let geometry = self.x.get_geometry(self.window)?.reply();
        let (Ok(geometry), true) = (geometry, attributes.map_state == MapState::VIEWABLE) else { return Ok(()) };
        // The border is part of what the server keeps.
        let place = Place { x: 0, y: 0, width: geometry.width, height: geometry.height };
        let Some(size) = Size::even(place.width.into(), place.height.into()) else { return Ok(()) };
        let pixmap = self.x.generate_id().map_err(|e| Trouble::Display(e.to_string()))?;
        if self.x.composite_name_window_pixmap(self.window, pixmap)?.check().is_err() {
            return Ok(());
        }
        let grab = Grab::new(&self.x, place).map_err(|e| Trouble::Display(e.to_string()))?;
        self.shown = Some(Shown {
            pixmap,
            grab,
            canvas: Canvas::new(place),
            size,
            border: i16::try_from(geometry.border_width).unwrap_or(0),
            is_new: true,
        });
        if std::mem::take(&mut self.was_hidden) {
            (self.looker.events)(StreamEvent::Hidden(false));
        }
        Ok(())
    }

    /// Fetches what changed and hands a picture over. `false`: nobody wants pictures any more.
    fn picture(&mut self) -> Result<bool, Trouble> {
        let Some(shown) = &mut self.shown else { return Ok(true) };
        let place = shown.canvas.place();
        // First forget, then fetch: what changes between comes again.
        self.news.damaged = false;
        self.x.damage_subtract(self.damage, x11rb::NONE, self.region)?;
        let damaged = self.x.xfixes_fetch_region(self.region)?.reply()?;
        let parts: Vec<Place> = if std::mem::take(&mut shown.is_new) || damaged.rectangles.len() > MOST_PARTS {
            vec![place]
        } else {
            damaged.rectangles.iter().filter_map(|r| place.overlap(*r)).collect()
        };
        shown.grab.fetch(&self.x, (shown.pixmap, shown.border), &parts, &mut shown.canvas)?;
        let under = self.cursor.draw(&mut shown.canvas);
        let at = self.looker.clock.now();
        let picture = from_bgra(shown.size, shown.canvas.pixels(), shown.canvas.stride(), at);
        shown.canvas.restore(under);
        let picture = picture.map_err(|e| Trouble::Display(e.to_string()))?;
        // Asked once more: the fetch took its time.
        Ok(self.looker.permit.is_live() && self.looker.slot.put(picture))
    }
}
