//! A call that is lost and comes back: first the same session resumed, then a fresh one. Part of the session.

use std::time::Instant;

use protocol::bridge::{Code, Failure, LostBecause, Severity};

use super::call::{Running, Stage};
use super::join::MEDIA_PATIENCE;
use super::{Input, Session};
use crate::attempt::{self, Failed, First, InSignal};
use crate::link::Link;
use crate::secrets;

/// Resumes in a row before a fresh start.
const MAX_RESUMES: u32 = 4;

impl Session {
    /// The connection is lost; what is known of the session is kept for a resume.
    pub(super) fn lose(&mut self, why: LostBecause) {
        let Some(call) = &mut self.call else { return };
        let why = if call.closing { LostBecause::HostClosing } else { why };
        call.socket = None;
        call.connect_by = None;
        if let Some(signal) = &mut call.signal {
            signal.lost();
        }
        match &mut call.stage {
            Stage::Lost { why: known, .. } => *known = why,
            Stage::In => {
                call.stage = Stage::Lost { why, since: Instant::now() };
                call.backoff.reset();
            }
            Stage::Joining(_) => return self.give_up(Failure::passing(Code::HostUnreachable, "lost while joining")),
        }
        if call.task.is_none() && call.retry_at.is_none() {
            call.retry_at = Some(Instant::now() + call.backoff.next(secrets::dice()));
        }
    }

    pub(super) fn on_signal_back(&mut self, epoch: u64, result: Result<InSignal, Failed>) {
        let Some(call) = self.call.as_mut().filter(|c| c.epoch == epoch) else { return };
        call.task = None;
        match result {
            Ok(InSignal { socket, first: First::Reconnect }) => {
                let number = self.next_serial();
                let link = Link::start(socket, &self.tokio, self.me.clone(), move |came| Input::Signal(number, came));
                let Some(call) = &mut self.call else { return };
                call.socket = Some((number, link));
                call.connect_by = (call.up != (true, true)).then(|| Instant::now() + MEDIA_PATIENCE);
                if let Some(signal) = &mut call.signal {
                    signal.resumed(super::server::channels(), Instant::now());
                }
                self.arrived();
                self.pump();
            }
            Ok(InSignal { first: First::Join(_), .. }) => self.start_afresh(),
            Err(failed) => {
                tracing::debug!(%failed, "a resume failed");
                let unreachable = failed.failure().code == Code::HostUnreachable;
                if let Stage::Lost { why: why @ LostBecause::Network, .. } = &mut call.stage
                    && unreachable
                {
                    *why = LostBecause::HostUnreachable;
                }
                if unreachable && call.resumes < MAX_RESUMES {
                    call.retry_at = Some(Instant::now() + call.backoff.next(secrets::dice()));
                } else {
                    // The server knows us no more, or the token is stale: only a new session helps.
                    self.start_afresh();
                }
            }
        }
    }

    /// The session on the server is over: everything is dropped and joined again.
    pub(super) fn start_afresh(&mut self) {
        self.drop_remotes();
        self.around.outlet.lead_to(None);
        let Some(call) = &mut self.call else { return };
        call.socket = None;
        call.signal = None;
        call.transport = None;
        call.up = (false, false);
        call.connect_by = None;
        call.task = None;
        call.retry_at = Some(Instant::now() + call.backoff.next(secrets::dice()));
        if call.stage == Stage::In {
            call.stage = Stage::Lost { why: LostBecause::ServerAsked, since: Instant::now() };
        }
    }

    /// Time passed: tries that are due.
    pub(super) fn on_time(&mut self, now: Instant) {
        self.look_after_host(now);
        let Some(call) = &mut self.call else { return };
        if let Some(signal) = &mut call.signal {
            signal.on_time(now);
        }
        if call.connect_by.is_some_and(|at| at <= now) {
            call.connect_by = None;
            self.notice(Code::MediaBlocked, None, Severity::Warning);
            self.start_afresh();
        }
        self.office_time(now);
        let Some(call) = &mut self.call else { return };
        if call.task.is_none() && call.retry_at.is_some_and(|at| at <= now) {
            call.retry_at = None;
            self.try_again();
        }
        self.pump();
    }

    fn try_again(&mut self) {
        let epoch = self.next_serial();
        let Some(call) = &mut self.call else { return };
        let resume = call.signal.as_ref().zip(call.transport.as_ref()).zip(call.at).zip(call.route.as_ref());
        let Some((((signal, _), at), route)) = resume.filter(|_| call.resumes < MAX_RESUMES) else {
            return self.enter(None);
        };
        call.resumes += 1;
        call.epoch = epoch;
        let (place, token, me) = (route.place.clone(), call.token.clone(), self.me.clone());
        let sid = signal.participant().to_owned();
        let task = self.tokio.spawn(async move {
            let back = attempt::open_signal(&place, at, &token, Some(&sid)).await;
            if me.send(Input::SignalBack(epoch, Box::new(back))).await.is_err() {
                tracing::debug!("the session ended first");
            }
        });
        call.task = Some(Running(task.abort_handle()));
    }
}
