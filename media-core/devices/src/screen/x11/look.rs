//! Looks at one monitor: sleeps until something changed, fetches what changed, draws the cursor in, hands over.
//! Runs on the screen's own thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use media_core::device::{OnEvent, StreamEvent};
use media_core::frame::{Picture, Size};
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, Damage, ReportLevel};
use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask, Region};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::cursor::Cursor;
use super::grab::{Canvas, Grab, Place};
use super::{Looker, Monitor, is_monitor_change, monitors, select_monitor_changes};
use crate::picture::{Pace, from_bgra};
use crate::wait::readable;

/// The longest sleep: how late stop and revocation are seen on a monitor at one picture a second.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
/// More changed rectangles than this are fetched as the one around them.
pub(super) const MOST_PARTS: usize = 24;

/// Something open that is looked at.
pub(super) trait Look {
    /// Looks until told to stop (`None`), until nobody wants pictures (`None`), or until something happened.
    fn run(&mut self) -> Option<StreamEvent>;

    /// Closes the display's end; gives back whom to tell.
    fn close(self) -> OnEvent;
}

/// Why looking failed.
pub(super) enum Trouble {
    /// The display went away, in words.
    Display(String),
    /// Nobody wants pictures any more.
    Unwanted,
}

impl From<ReplyError> for Trouble {
    fn from(error: ReplyError) -> Self {
        Self::Display(error.to_string())
    }
}

impl From<ConnectionError> for Trouble {
    fn from(error: ConnectionError) -> Self {
        Self::Display(error.to_string())
    }
}

/// One open monitor.
pub(super) struct Looking {
    x: RustConnection,
    root: Window,
    monitor: Monitor,
    looker: Looker,
    stop: Arc<AtomicBool>,
    damage: Damage,
    region: Region,
    grab: Grab,
    canvas: Canvas,
    cursor: Cursor,
    size: Size,
    news: News,
}

/// What happened since the last picture.
#[derive(Default)]
struct News {
    damaged: bool,
    new_cursor: bool,
    monitors: bool,
}

impl Look for Looking {
    fn run(&mut self) -> Option<StreamEvent> {
        match self.look() {
            Ok(end) => end,
            Err(Trouble::Unwanted) => None,
            // A monitor that shrinks while it is being fetched is an error of the fetch first.
            Err(Trouble::Display(_)) if self.is_moved().unwrap_or(false) => Some(monitor_changed()),
            Err(Trouble::Display(why)) => Some(StreamEvent::Lost(why)),
        }
    }

    fn close(self) -> OnEvent {
        self.looker.events
    }
}

impl Looking {
    /// Prepares everything on the server; the first picture comes from [`Look::run`].
    pub(super) fn new(
        x: RustConnection,
        root: Window,
        monitor: Monitor,
        looker: Looker,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ReplyOrIdError> {
        x.damage_query_version(1, 1)?.reply()?;
        x.xfixes_query_version(5, 0)?.reply()?;
        let (damage, region) = (x.generate_id()?, x.generate_id()?);
        x.damage_create(damage, root, ReportLevel::NON_EMPTY)?.check()?;
        x.xfixes_create_region(region, &[])?.check()?;
        x.xfixes_select_cursor_input(root, CursorNotifyMask::DISPLAY_CURSOR)?.check()?;
        select_monitor_changes(&x, root)?;
        let place = monitor.place;
        let size = Size::even(place.width.into(), place.height.into()).ok_or(ConnectionError::UnknownError)?;
        let canvas = Canvas::new(place);
        let grab = Grab::new(&x, place)?;
        let cursor = Cursor::fetch(&x)?;
        Ok(Self { x, root, monitor, looker, stop, damage, region, grab, canvas, cursor, size, news: News::default() })
    }

    fn look(&mut self) -> Result<Option<StreamEvent>, Trouble> {
        let mut pace = Pace::new(self.looker.wish.fps);
        let sleep = pace.beat().min(LONGEST_SLEEP);
        let mut first = true;
        while !self.stop.load(Ordering::Acquire) {
            if !self.looker.permit.is_live() {
                return Ok(Some(StreamEvent::Revoked));
            }
            self.read_news()?;
            if std::mem::take(&mut self.news.monitors) && self.is_moved()? {
                return Ok(Some(monitor_changed()));
            }
            if std::mem::take(&mut self.news.new_cursor) {
                let shape = Cursor::fetch(&self.x)?;
                self.cursor.become_shape(shape);
            }
            self.cursor.follow(&self.x, self.root)?;
            let changed = first || self.news.damaged || self.cursor.is_worth_a_picture(self.monitor.place);
            if !changed {
                // A cursor that lies still is looked for less often: that is all a still screen costs.
                let sleep = if self.cursor.rests() { LONGEST_SLEEP } else { sleep };
                readable(self.x.stream(), sleep).map_err(|e| Trouble::Display(e.to_string()))?;
                continue;
            }
            let now = self.looker.clock.now();
            if !pace.admits(now) {
                // Too early: what else changes until then comes in the same picture.
                std::thread::sleep(sleep / 4);
                continue;
            }
            let fetched = self.fetch(first)?;
            first = false;
            if !fetched && !self.cursor.is_worth_a_picture(self.monitor.place) {
                // What changed is on another monitor.
                continue;
            }
            let picture = self.compose()?;
            if !self.looker.permit.is_live() {
                return Ok(Some(StreamEvent::Revoked));
            }
            if !self.looker.slot.put(picture) {
                return Err(Trouble::Unwanted);
            }
        }
        Ok(None)
    }

    fn read_news(&mut self) -> Result<(), Trouble> {
        while let Some(event) = self.x.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => self.news.damaged = true,
                Event::XfixesCursorNotify(_) => self.news.new_cursor = true,
                Event::Error(error) => tracing::debug!(?error, "the display reports an error"),
                // x11rb's list is open-ended.
                event => self.news.monitors |= is_monitor_change(&event),
            }
        }
        Ok(())
    }

    /// Brings the canvas up to date: everything, or what was damaged. `false` when that was nothing of this monitor.
    fn fetch(&mut self, everything: bool) -> Result<bool, Trouble> {
        if !std::mem::take(&mut self.news.damaged) && !everything {
            return Ok(false);
        }
        // First forget, then fetch: what changes between comes again.
        self.x.damage_subtract(self.damage, x11rb::NONE, self.region)?;
        let damaged = self.x.xfixes_fetch_region(self.region)?.reply()?;
        let place = self.monitor.place;
        let parts: Vec<Place> = if everything {
            vec![place]
        } else if damaged.rectangles.len() > MOST_PARTS {
            place.overlap(damaged.extents).into_iter().collect()
        } else {
            damaged.rectangles.iter().filter_map(|r| place.overlap(*r)).collect()
        };
        self.grab.fetch(&self.x, (self.root, 0), &parts, &mut self.canvas)?;
        Ok(!parts.is_empty())
    }

    /// The canvas with the cursor on it, as I420. The canvas itself stays without.
    fn compose(&mut self) -> Result<Picture, Trouble> {
        let under = self.cursor.draw(&mut self.canvas);
        let at = self.looker.clock.now();
        let picture = from_bgra(self.size, self.canvas.pixels(), self.canvas.stride(), at);
        self.canvas.restore(under);
        picture.map_err(|e| Trouble::Display(e.to_string()))
    }

    /// Is our monitor gone, moved or of another size?
    fn is_moved(&self) -> Result<bool, ReplyError> {
        let now = monitors(&self.x, self.root)?;
        Ok(!now.iter().any(|m| m.name == self.monitor.name && m.place == self.monitor.place))
    }
}

fn monitor_changed() -> StreamEvent {
    StreamEvent::Lost("the monitor changed or went away".into())
}
