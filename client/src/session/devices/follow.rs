//! Which device is meant: a chosen one, the system's default wherever it goes, or the one that was lost and may come back.
//! Part of the session.
//!
//! A microphone is followed only while the one in use is still there: then the person changed the default. When it is gone,
//! nothing takes its place by itself: it is silent until it is back or another one is chosen. A speaker may be replaced by
//! whatever there is: hearing the meeting elsewhere is what people expect.

use std::time::{Duration, Instant};

use media_core::device::{DeviceInfo, DeviceList};
use protocol::bridge::{Code, Severity};
use protocol::ids::DeviceId;

use super::{Kept, Slot, State, Which};
use crate::session::Session;

/// A lost device is looked for this often, beside whatever the system tells.
const RETRY: Duration = Duration::from_millis(200);
/// One that is away for longer, this often.
const RETRY_LATER: Duration = Duration::from_secs(2);
/// How long it is looked for often.
const SOON: Duration = Duration::from_secs(30);
/// Lost within this time after opening: something is wrong with it, and it is opened less and less often.
const FLAPS: Duration = Duration::from_secs(5);

/// A lost device's way back.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Way {
    opened: Option<Instant>,
    lost: Option<Instant>,
    next: Option<Instant>,
    flaps: u32,
}

impl Way {
    /// It is open.
    pub(super) fn opened(&mut self, now: Instant) {
        self.opened = Some(now);
        self.lost = None;
        self.next = None;
    }

    /// It went away.
    pub(super) fn lost(&mut self, now: Instant) {
        let flapped = self.opened.is_some_and(|at| now.saturating_duration_since(at) < FLAPS);
        self.flaps = if flapped { (self.flaps + 1).min(6) } else { 0 };
        self.lost = Some(now);
        self.next = Some(now + RETRY * 2_u32.pow(self.flaps));
    }

    /// The system says that something changed: now, unless it only flaps.
    pub(super) fn hint(&mut self, now: Instant) {
        if self.flaps <= 1 {
            self.next = Some(now);
        }
    }

    /// Time to try again? If so, the next time is later.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| now < next) {
            return false;
        }
        let long = self.lost.is_some_and(|at| now.saturating_duration_since(at) > SOON);
        self.next = Some(now + if long { RETRY_LATER } else { RETRY * 2_u32.pow(self.flaps) });
        true
    }
}

impl Slot {
    /// Which device it really is, while it is open.
    fn actual(&self) -> Option<DeviceId> {
        match &self.state {
            State::Open(Kept::Listens(device)) => Some(device.device()),
            State::Open(Kept::Speaks(device)) => Some(device.device()),
            State::Open(Kept::Picture { device, .. }) => Some(device.device()),
            State::Closed | State::Opening => None,
        }
    }
}

impl Session {
    /// Which device to open; `None` is the system's default.
    pub(super) fn target(&self, which: Which) -> Option<DeviceId> {
        let (slot, chosen) = match which {
            Which::Microphone => (&self.hardware.microphone, &self.settings.microphone),
            Which::Camera => (&self.hardware.camera, &self.settings.camera),
            Which::Speaker => {
                let list = &self.hardware.list.speakers;
                let there = |id: &&DeviceId| list.is_empty() || list.iter().any(|d| d.id == **id);
                return self.settings.speaker.as_ref().filter(there).cloned();
            }
            Which::Screen | Which::System => return None,
        };
        slot.last.as_ref().filter(|_| slot.lost).or(chosen.as_ref()).cloned()
    }

    /// The list changed from `before`: open microphones and speakers go where they should be.
    pub(super) fn follow_all(&mut self, before: &DeviceList) {
        self.follow(Which::Microphone, &before.microphones);
        self.follow(Which::Speaker, &before.speakers);
    }

    fn follow(&mut self, which: Which, before: &[DeviceInfo]) {
        let Some(actual) = self.hardware.slot(which).actual() else { return };
        let (list, chosen) = match which {
            Which::Microphone => (&self.hardware.list.microphones, self.settings.microphone.as_ref()),
            Which::Speaker => (&self.hardware.list.speakers, self.settings.speaker.as_ref()),
            Which::Camera | Which::Screen | Which::System => return,
        };
        let (was, is) = (wanted(which, before, chosen), wanted(which, list, chosen));
        let still_there = list.iter().any(|d| d.id == actual);
        // Somebody may have moved our sound by hand: only a change of what is wanted moves it again.
        if is.is_some() && was != is && is != Some(&actual) && (still_there || which == Which::Speaker) {
            tracing::info!(?which, "a device follows the system");
            self.close(which);
            self.hardware.slot(which).failed = None;
        } else if which == Which::Speaker && self.hardware.speaker.last.as_ref() != Some(&actual) {
            self.changed(which, actual);
        }
    }

    /// Another device than before, by the system's doing: the person is told which.
    pub(super) fn changed(&mut self, which: Which, to: DeviceId) {
        let name = self.device_name(which, &to);
        self.hardware.slot(which).last = Some(to);
        self.page.device_notice(Code::DeviceChanged, which.kind(), name, Severity::Info);
    }
}

/// What should be open: the chosen one if it is there; a speaker falls back to the default, a microphone never.
fn wanted<'a>(which: Which, list: &'a [DeviceInfo], chosen: Option<&DeviceId>) -> Option<&'a DeviceId> {
    let default = || list.iter().find(|d| d.is_default).map(|d| &d.id);
    match chosen {
        None => default(),
        Some(chosen) => {
            let there = list.iter().find(|d| d.id == *chosen).map(|d| &d.id);
            if which == Which::Speaker { there.or_else(default) } else { there }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_device_is_looked_for_often_at_first_and_at_once_when_something_changed() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut way = Way::default();
        assert!(!way.is_due(start), "nothing is lost");
        way.opened(start);
        way.lost(at(60_000));
        assert!(!way.is_due(at(60_050)));
        way.hint(at(60_050));
        assert!(way.is_due(at(60_050)));
        assert!(!way.is_due(at(60_100)));
        assert!(way.is_due(at(60_250)));
        assert!(way.is_due(at(95_000)));
        assert!(!way.is_due(at(96_900)), "after half a minute less often");
        assert!(way.is_due(at(97_000)));
    }

    #[test]
    fn a_device_that_breaks_as_soon_as_it_is_open_is_opened_less_and_less_often() {
        let mut now = Instant::now();
        let mut way = Way::default();
        let mut opened = 0;
        let end = now + Duration::from_secs(60);
        way.opened(now);
        way.lost(now);
        while now < end {
            now += Duration::from_millis(10);
            // Its own coming and going is news, too.
            way.hint(now);
            if way.is_due(now) {
                opened += 1;
                way.opened(now);
                way.lost(now);
            }
        }
        assert!((4..=12).contains(&opened), "{opened} times in a minute");
        way.opened(now);
        way.lost(now + Duration::from_secs(60));
        assert!(way.is_due(now + Duration::from_secs(60) + RETRY), "one that worked for a while is trusted again");
    }
}
