//! One monitor as a system with a compositor shows it: frames come whenever something changed, and more often than
//! anybody wants them. The newest is kept where it is cheap to keep, and becomes a picture when its time has come.
//! Runs on the screen's own thread; knows no system.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use media_core::channel::LatestWriter;
use media_core::device::StreamEvent;
use media_core::frame::Picture;
use media_core::time::MediaTime;
use protocol::policy::{Permit, Screen};

use crate::picture::{Clock, Pace};

/// The longest sleep: how late stop and revocation are seen.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
/// How often it is asked whether the monitor is still what it was.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// Where frames come from.
pub(super) trait Frames {
    /// Takes what came since the last call; only the newest counts. Is there anything new?
    ///
    /// # Errors
    /// The monitor is gone, in words.
    fn take(&mut self) -> Result<bool, String>;
    /// What was taken last, as a picture.
    ///
    /// # Errors
    /// The device that holds it is gone, in words.
    fn picture(&mut self, at: MediaTime) -> Result<Picture, String>;
    /// Sleeps until something may have come, so long at most.
    fn wait(&mut self, longest: Duration);
    /// Is the monitor there, with the size it had? Slow.
    fn is_as_it_was(&mut self) -> bool;
}

/// Where pictures go, and how long they may.
pub(super) struct Showing {
    pub(super) clock: Clock,
    pub(super) permit: Permit<Screen>,
    /// Pictures a second, at most.
    pub(super) fps: u32,
    pub(super) slot: LatestWriter<Picture>,
}

/// Looks until told to stop (`None`), until nobody wants pictures (`None`), or until something happened.
pub(super) fn look(frames: &mut impl Frames, showing: &Showing, stop: &AtomicBool) -> Option<StreamEvent> {
    let mut pace = Pace::new(showing.fps);
    let sleep = pace.beat().min(LONGEST_SLEEP);
    let mut looked_after = Instant::now();
    let mut fresh = false;
    while !stop.load(Ordering::Acquire) {
        if !showing.permit.is_live() {
            return Some(StreamEvent::Revoked);
        }
        if looked_after.elapsed() >= LOOK_AFTER {
            looked_after = Instant::now();
            if !frames.is_as_it_was() {
                return Some(StreamEvent::Lost("the monitor changed or went away".into()));
            }
        }
        match frames.take() {
            Ok(new) => fresh |= new,
            Err(why) => return Some(StreamEvent::Lost(why)),
        }
        if !fresh {
            frames.wait(sleep);
            continue;
        }
        let now = showing.clock.now();
        if !pace.admits(now) {
            // Too early: what else changes until then comes in the same picture.
            std::thread::sleep(sleep / 4);
            continue;
        }
        fresh = false;
        let picture = match frames.picture(now) {
            Ok(picture) => picture,
            Err(why) => return Some(StreamEvent::Lost(why)),
        };
        // Revoked while it was made: it is not shown.
        if !showing.permit.is_live() {
            return Some(StreamEvent::Revoked);
        }
        if !showing.slot.put(picture) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests;
