//! Small pictures of what could be shared, while somebody chooses. Made on a blocking thread, one round at a time, and shown
//! through the frames door; nothing is kept, nothing leaves the machine. Part of the session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media_core::device::{OpenDevice, Stills};
use media_core::frame::Size;
use protocol::bridge::{Code, Failure};
use protocol::ids::DeviceId;
use protocol::policy::Screen;

use super::{Input, Session};
use crate::frames::Door;

/// Begins the names of these tracks on the frames door.
const PREFIX: &str = "still:";
/// What is shown at once at most: as many as there are windows in the list.
const MOST: usize = 64;
/// Of an id: with the prefix it must fit the name of a track.
const LONGEST: usize = 200;
/// Pixels.
const LIMIT: Size = Size { width: 320, height: 180 };
/// Asked more often, the page waits.
const PACE: Duration = Duration::from_millis(500);
/// A page that has not asked for so long does not choose any more, whatever it forgot to say.
const FORGOTTEN: Duration = Duration::from_secs(5);

/// What is looked at.
#[derive(Default)]
pub(super) struct Look {
    /// Open from the first round to the last; away while a round is on.
    looker: Option<Box<dyn Stills>>,
    busy: bool,
    asked: Option<Instant>,
    made: Option<Instant>,
    /// What the page was shown.
    shown: Vec<DeviceId>,
}

fn track(screen: &DeviceId) -> String {
    format!("{PREFIX}{screen}")
}

impl Session {
    pub(super) fn look_at_screens(&mut self, screens: Vec<DeviceId>, now: Instant) -> Result<(), Failure> {
        if screens.len() > MOST || screens.iter().any(|id| id.as_str().len() > LONGEST) {
            return Err(Failure::of(Code::BadInput, "the screens"));
        }
        if screens.is_empty() {
            self.stop_looking();
            return Ok(());
        }
        if self.call.is_none() {
            return Err(Failure::of(Code::NotInMeeting, "there is no meeting"));
        }
        let Ok(permit) = self.gate.permit::<Screen>() else {
            return Err(Failure::of(Code::NotAllowed, "screen_share"));
        };
        self.stills.asked = Some(now);
        let early = self.stills.made.is_some_and(|made| now.saturating_duration_since(made) < PACE);
        if self.stills.busy || early {
            return Ok(());
        }
        self.stills.busy = true;
        self.stills.made = Some(now);
        for gone in self.stills.shown.iter().filter(|id| !screens.contains(id)) {
            self.around.door.end(&track(gone));
        }
        self.stills.shown.clone_from(&screens);
        let (looker, devices) = (self.stills.looker.take(), Arc::clone(&self.ports.devices));
        let (door, me) = (self.around.door.clone(), self.me.clone());
        self.tokio.spawn_blocking(move || {
            // One that broke is opened anew for the next round.
            let looker = looker.map_or_else(|| devices.open_stills(permit), Ok);
            let looker = looker.and_then(|mut looker| round(&mut *looker, &screens, &door).map(|()| looker));
            let looker = looker.inspect_err(|error| tracing::debug!(%error, "no stills of screens")).ok();
            if me.blocking_send(Input::Stills(looker)).is_err() {
                tracing::debug!("the session ended first");
            }
        });
        Ok(())
    }

    pub(super) fn on_stills(&mut self, looker: Option<Box<dyn Stills>>) {
        self.stills.busy = false;
        if self.stills.asked.is_some() {
            self.stills.looker = looker;
            return;
        }
        // Over while it was made: what it showed last is taken away, too.
        self.drop_slowly(looker);
        self.stop_looking();
    }

    /// The page forgot to say that nobody chooses, or there is nothing to choose for any more.
    pub(super) fn settle_stills(&mut self, now: Instant) {
        let Some(asked) = self.stills.asked else { return };
        let forgotten = now.saturating_duration_since(asked) > FORGOTTEN;
        if forgotten || self.call.is_none() || self.gate.permit::<Screen>().is_err() {
            self.stop_looking();
        }
    }

    fn stop_looking(&mut self) {
        self.stills.asked = None;
        if self.stills.busy {
            return;
        }
        for shown in std::mem::take(&mut self.stills.shown) {
            self.around.door.end(&track(&shown));
        }
        if let Some(looker) = self.stills.looker.take() {
            self.drop_slowly(looker);
        }
    }
}

/// One of each. What cannot be seen is not shown, and does not keep the others from being seen.
fn round(looker: &mut dyn Stills, screens: &[DeviceId], door: &Door) -> Result<(), OpenDevice> {
    let mut end = Ok(());
    for screen in screens {
        match looker.still(screen, LIMIT) {
            Ok(picture) => {
                door.raw(&track(screen), &picture, 0);
            }
            Err(error) => {
                door.end(&track(screen));
                match error {
                    OpenDevice::Missing => {}
                    OpenDevice::Revoked => return Err(error),
                    OpenDevice::Busy
                    | OpenDevice::Cancelled
                    | OpenDevice::Denied
                    | OpenDevice::Unsupported
                    | OpenDevice::Failed(_) => {
                        end = Err(error);
                    }
                }
            }
        }
    }
    end
}
