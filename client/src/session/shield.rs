//! Protection from screenshots: what this window has, what the meeting demands, and what was captured. Part of the session.
//! The host decides who is sent pictures; this reports to it, shows its word, and does not wait for it where less is known.

use std::sync::Arc;

use protocol::bridge::MeetingShieldView;
use protocol::office::{Person, ToHost};
use protocol::policy::{Role, TrackKind};
use protocol::shield::{ShieldIncident, ShieldLevel, ShieldStatus};
use tokio::sync::watch;

use super::Session;
use super::call::{Call, Office};

/// Captures kept for an office that is away.
const MAX_UNTOLD: usize = 16;

/// What is wanted of the window's protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShieldWish {
    /// Protect it: the meeting demands it of this person, and no owner exempted them.
    pub protect: bool,
    /// And cover it while another window has the keyboard, where that can be: the person's own wish.
    pub cover_unfocused: bool,
}

/// What is known of this window, and who wants to know whether it must be protected.
pub(super) struct Shield {
    pub(super) status: ShieldStatus,
    wish: Arc<watch::Sender<ShieldWish>>,
    /// Pictures of others were shown, or would have been.
    showed: bool,
}

impl Shield {
    pub(super) const fn new(status: ShieldStatus, wish: Arc<watch::Sender<ShieldWish>>) -> Self {
        Self { status, wish, showed: true }
    }
}

impl Session {
    pub(super) fn on_shield(&mut self, status: ShieldStatus) {
        if self.shield.status != status {
            self.shield.status = status;
            self.tell_office(&ToHost::Shield { status });
        }
    }

    /// Outside a meeting there is nothing to protect, and nobody to tell.
    pub(super) fn on_captured(&mut self, incident: ShieldIncident) {
        if self.call.as_ref().is_none_or(|call| call.crowd.is_none()) {
            return;
        }
        self.page.captured(None, incident.clone());
        if let Some(call) = self.call.as_mut().filter(|call| call.captures.len() < MAX_UNTOLD) {
            call.captures.push(incident);
        }
        self.tell_captures();
    }

    /// Whoever captures a window may cut its line first: what the office was not told waits until it is back.
    pub(super) fn tell_captures(&mut self) {
        let Some(call) = &mut self.call else { return };
        for incident in std::mem::take(&mut call.captures) {
            let message = ToHost::ShieldIncident { incident: incident.clone() };
            if self.wish(&message).is_err()
                && let Some(call) = &mut self.call
                && call.office.is_some()
            {
                call.captures.push(incident);
            }
        }
    }

    /// Tells the window whether it must be protected, and clears pictures that may not be seen any more.
    pub(super) fn settle_shield(&mut self) {
        let office = self.call.as_ref().and_then(|call| call.office.as_ref());
        let demanded = office.is_some_and(|o| o.minimum.of(o.role) != ShieldLevel::None && !is_exempt(o));
        let wish = ShieldWish { protect: demanded, cover_unfocused: self.settings.cover_unfocused };
        self.shield.wish.send_if_modified(|was| std::mem::replace(was, wish) != wish);
        let shows = self.call.as_ref().is_none_or(|call| self.sees_pictures(call));
        if std::mem::replace(&mut self.shield.showed, shows) && !shows {
            // The page holds the last picture of each track: nothing more of it may stay on a screen.
            let remotes = self.call.iter().flat_map(|call| call.remotes.iter());
            for (sid, _) in remotes.filter(|(_, remote)| remote.track.kind == TrackKind::Video) {
                self.around.door.end(sid.as_str());
            }
        }
    }

    /// May pictures of others be shown here? The host's word, and our own where it says less: a shield that fell a moment
    /// ago is known here first.
    pub(super) fn sees_pictures(&self, call: &Call) -> bool {
        let Some(office) = &call.office else { return true };
        let told = me(office).is_none_or(|person| person.pictures);
        told && office.minimum.lets_pictures(office.role, is_exempt(office), &self.shield.status)
    }

    pub(super) fn meeting_shield(&self, call: &Call) -> Option<MeetingShieldView> {
        let office = call.office.as_ref()?;
        Some(MeetingShieldView {
            minimum: office.minimum,
            needed: office.minimum.of(office.role),
            exempt: is_exempt(office),
            pictures: self.sees_pictures(call),
            editable: office.role == Role::Owner,
        })
    }
}

fn me(office: &Office) -> Option<&Person> {
    office.people.iter().find(|person| person.user == office.me)
}

fn is_exempt(office: &Office) -> bool {
    me(office).is_some_and(|person| person.exempt)
}
