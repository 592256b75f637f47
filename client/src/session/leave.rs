//! How a call ends: given up, or left by the user. Part of the session.

use livekit_protocol as lk;
use media_core::video::ladder::Allowed;
use protocol::bridge::{Code, Failure, Severity};
use protocol::signal;

use super::Session;
use super::command::answer;
use crate::client::MeetingHappening;

impl Session {
    /// It cannot be: home, with the reason.
    pub(super) fn give_up(&mut self, failure: Failure) {
        let reply = self.call.as_mut().and_then(|c| c.reply.take());
        self.end_call();
        self.happened(&MeetingHappening::Ended(Some(failure.code)));
        match reply {
            Some(reply) => answer(reply, Err(failure)),
            None => self.notice(failure.code, None, Severity::Error),
        }
    }

    /// The user leaves: at once, whatever was going on.
    pub(super) fn leave_now(&mut self) {
        let Some(call) = &mut self.call else { return };
        if let Some((_, link)) = &call.socket {
            let leave = lk::LeaveRequest {
                reason: lk::DisconnectReason::ClientInitiated as i32,
                action: lk::leave_request::Action::Disconnect as i32,
                ..Default::default()
            };
            if !link.binary(signal::request(lk::signal_request::Message::Leave(leave))) {
                tracing::debug!("good-bye could not be said");
            }
        }
        let reply = call.reply.take();
        self.end_call();
        self.happened(&MeetingHappening::Ended(None));
        if let Some(reply) = reply {
            answer(reply, Err(Failure::of(Code::NotInMeeting, "left while joining")));
        }
    }

    fn end_call(&mut self) {
        self.drop_remotes();
        self.around.outlet.lead_to(None);
        self.gate.close();
        self.call = None;
        // The next call begins with all there is.
        self.around.share.set(Allowed::Rung(0));
        self.page.withdraw(Code::PicturesHeldBack);
        self.check_recents();
    }
}
