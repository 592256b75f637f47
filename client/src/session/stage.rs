//! The shared screen that is shown in a window of its own. Part of the session: says which one, as long as it is shared;
//! the window itself is opened and closed by whoever has windows.

use protocol::bridge::{Code, Failure, Severity, TrackState};
use protocol::ids::TrackSid;
use protocol::policy::{TrackKind, TrackSource};

use super::Session;
use super::call::Call;

impl Session {
    /// This person wants it apart.
    pub(super) fn open_stage(&mut self, track: TrackSid) -> Result<(), Failure> {
        let Some(call) = &self.call else { return Err(Failure::of(Code::NotInMeeting, "nothing is shown")) };
        if !is_shown(call, &track) || !self.sees_pictures(call) {
            return Err(Failure::of(Code::BadInput, "no screen that can be seen"));
        }
        self.set_apart(Some(track));
        Ok(())
    }

    pub(super) fn close_stage(&mut self) {
        self.set_apart(None);
    }

    /// There is no window for it.
    pub(super) fn on_window_refused(&mut self, code: Code) {
        self.close_stage();
        self.notice(code, None, Severity::Warning);
    }

    /// Which one it is.
    pub(super) fn apart(&self) -> Option<TrackSid> {
        self.apart.borrow().clone()
    }

    /// The share is over, or the meeting is: the window closes. While pictures are withheld it stays, and is empty: a shield
    /// that is raised anew for this very window is proven some seconds later.
    pub(super) fn settle_stage(&mut self) {
        let Some(track) = self.apart() else { return };
        if self.call.as_ref().is_none_or(|call| !is_shown(call, &track)) {
            self.close_stage();
        }
    }

    fn set_apart(&self, track: Option<TrackSid>) {
        self.apart.send_if_modified(|was| std::mem::replace(was, track.clone()) != track);
    }
}

fn is_shown(call: &Call, track: &TrackSid) -> bool {
    call.remotes.get(track).is_some_and(|remote| {
        remote.track.kind == TrackKind::Video
            && remote.track.source == TrackSource::ScreenShare
            && !remote.track.muted
            && matches!(remote.state, TrackState::Waiting | TrackState::Playing)
    })
}
