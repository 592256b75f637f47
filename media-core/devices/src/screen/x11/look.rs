//! Looks at one monitor: sleeps until something changed, fetches what changed, draws the cursor in, hands over.
//! Runs on the screen's own thread. Pixels that were fetched while monitors moved may be another's: they are thrown away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use media_core::device::{OnEvent, StreamEvent};
use media_core::frame::{Picture, Size};
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, Damage, ReportLevel};
use x11rb::protocol::randr::{Connection as Plug, Notify, Output};
use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask, Region};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::cursor::Cursor;
use super::grab::{Canvas, Grab, Place};
use super::{Looker, Monitor, is_monitor_change, monitors, plugged, select_monitor_changes};
use crate::picture::{Pace, from_bgra};
use crate::wait::readable;

/// The longest sleep: how late stop and revocation are seen on a monitor at one picture a second.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
/// A monitor that is switched off is waited for so long: desktops do that for a moment when they change its size.
const AWAY: Duration = Duration::from_secs(2);
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
    /// Where something was plugged in when it was opened.
    plugged: Vec<Output>,
    /// Since when it is switched off.
    away: Option<Instant>,
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
    /// Nothing of the monitor is to be had until everything was fetched anew.
    anew: bool,
    unplugged: bool,
}

impl Look for Looking {
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
        let plugged = plugged(&x, &monitor)?;
        // Looked at once more at first: it may have changed since it was listed.
        let news = News { monitors: true, anew: true, ..News::default() };
        let away = None;
        Ok(Self { x, root, monitor, plugged, away, looker, stop, damage, region, grab, canvas, cursor, size, news })
    }

    fn look(&mut self) -> Result<Option<StreamEvent>, Trouble> {
        let mut pace = Pace::new(self.looker.wish.fps);
        let sleep = pace.beat().min(LONGEST_SLEEP);
        while !self.stop.load(Ordering::Acquire) {
            if !self.looker.permit.is_live() {
                return Ok(Some(StreamEvent::Revoked));
            }
            self.read_news()?;
            if self.news.unplugged || !self.is_there()? {
                return Ok(Some(StreamEvent::Lost("the monitor went away".into())));
            }
            if self.away.is_some() {
                readable(self.x.stream(), LONGEST_SLEEP).map_err(|e| Trouble::Display(e.to_string()))?;
                continue;
            }
            if std::mem::take(&mut self.news.new_cursor) {
                let shape = Cursor::fetch(&self.x)?;
                self.cursor.become_shape(shape);
            }
            self.cursor.follow(&self.x, self.root)?;
            let changed = self.news.anew || self.news.damaged || self.cursor.is_worth_a_picture(self.monitor.place);
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
            let fetched = self.fetch();
            // What the display told before it answered is here now.
            self.read_news()?;
            if self.news.monitors || self.news.unplugged {
                self.news.anew = true;
                continue;
            }
            if !fetched? && !self.cursor.is_worth_a_picture(self.monitor.place) {
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

    /// Follows the monitor to another place or size. `false`: it is gone.
    fn is_there(&mut self) -> Result<bool, Trouble> {
        if std::mem::take(&mut self.news.monitors) {
            match monitors(&self.x, self.root)?.into_iter().find(|m| m.name == self.monitor.name) {
                Some(now) => {
                    self.news.anew |= self.away.take().is_some();
                    if now.place != self.monitor.place {
                        self.take_place(now.place)?;
                    }
                }
                None => self.away = self.away.or_else(|| Some(Instant::now())),
            }
        }
        Ok(self.away.is_none_or(|since| since.elapsed() < AWAY))
    }

    fn take_place(&mut self, place: Place) -> Result<(), Trouble> {
        tracing::info!(width = place.width, height = place.height, "the monitor has another place or size");
        let size = Size::even(place.width.into(), place.height.into());
        self.size = size.ok_or_else(|| Trouble::Display("the monitor has an unusable size".into()))?;
        let grab = Grab::new(&self.x, place).map_err(|e| Trouble::Display(e.to_string()))?;
        std::mem::replace(&mut self.grab, grab).close(&self.x)?;
        self.canvas = Canvas::new(place);
        self.monitor.place = place;
        self.news.anew = true;
        Ok(())
    }

    fn read_news(&mut self) -> Result<(), Trouble> {
        while let Some(event) = self.x.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => self.news.damaged = true,
                Event::XfixesCursorNotify(_) => self.news.new_cursor = true,
                Event::Error(error) => tracing::debug!(?error, "the display reports an error"),
                // x11rb's list is open-ended.
                event => {
                    self.news.monitors |= is_monitor_change(&event);
                    self.news.unplugged |= is_unplugging(&event, &self.plugged);
                }
            }
        }
        Ok(())
    }

    /// Brings the canvas up to date: everything, or what was damaged. `false` when that was nothing of this monitor.
    fn fetch(&mut self) -> Result<bool, Trouble> {
        let everything = std::mem::take(&mut self.news.anew);
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
}

/// Was something pulled out that was plugged in? What is plugged in there afterwards may be another monitor.
fn is_unplugging(event: &Event, plugged: &[Output]) -> bool {
    let Event::RandrNotify(event) = event else { return false };
    // Only an output's news have one; to those of something else this is a number like any other.
    event.sub_code == Notify::OUTPUT_CHANGE && {
        let change = event.u.as_oc();
        change.connection == Plug::DISCONNECTED && plugged.contains(&change.output)
    }
}

#[cfg(test)]
mod tests;
