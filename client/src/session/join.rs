//! Getting in: from the command to the server's first word of a session. Part of the session; [`super::reconnect`] comes
//! back, [`super::leave`] ends it.

use std::time::{Duration, Instant};

use livekit_protocol as lk;
use protocol::backoff::Backoff;
use protocol::bridge::{Code, Failure, JoinStep, LostBecause, Severity};
use protocol::ids::{DisplayName, UserId};
use protocol::signal;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::call::{Call, Route, Running, Stage, UNMEASURED};
use super::command::answer;
use super::enter::{self, Goal, Kit, Prepared, Ticket};
use super::{Input, Reply, Session};
use crate::attempt::{self, Entered, Failed, First};
use crate::client::MeetingHappening;
use crate::link::Link;
use crate::people::Crowd;
use crate::secrets;
use crate::signal::Signal;
use crate::transport::{Lane, Transport};

/// Media must be up this long after signalling.
pub(super) const MEDIA_PATIENCE: Duration = Duration::from_secs(15);
/// A refreshed token is used for a fresh start this long after the loss (the server makes it good for 10 min).
const REFRESHED_FOR: Duration = Duration::from_secs(9 * 60);
/// A meeting lost for less than this came back unnoticed.
const UNNOTICED: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn join(&mut self, goal: Goal, name: DisplayName, on: (bool, bool), reply: Reply<()>) {
        if self.call.is_some() {
            return answer(reply, Err(Failure::of(Code::AlreadyInMeeting, "leave first")));
        }
        let epoch = self.next_serial();
        let kit = Kit {
            secrets: self.secrets.clone(),
            host: self.ports.host.clone(),
            name: name.clone(),
            shield: self.shield.status,
            plaintext: self.plaintext,
        };
        let steps = self.steps(epoch);
        let me = self.me.clone();
        let task = self.tokio.spawn(async move {
            let prepared = enter::prepare(goal, &kit, &steps).await;
            if me.send(Input::Prepared(epoch, Box::new(prepared))).await.is_err() {
                tracing::debug!("the session ended first");
            }
        });
        let now = Instant::now();
        self.page.withdraw(Code::Reconnected);
        let mut call = Call {
            epoch,
            reply: Some(reply),
            name,
            stage: Stage::Joining(JoinStep::Finding),
            started: now,
            route: None,
            seals: None,
            server_mark: bytes::Bytes::new(),
            title: String::new(),
            token: Zeroizing::default(),
            at: None,
            office: None,
            signal: None,
            socket: None,
            transport: None,
            up: (false, false),
            connect_by: None,
            crowd: None,
            server_grants: None,
            remotes: Default::default(),
            sounds: Default::default(),
            own: Default::default(),
            link: UNMEASURED,
            volumes: std::collections::BTreeMap::new(),
            hearing: super::hearing::Hearing::default(),
            captures: Vec::new(),
            sight: super::sight::Sight::default(),
            task: Some(Running(task.abort_handle())),
            backoff: Backoff::new(),
            retry_at: None,
            resumes: 0,
            closing: false,
        };
        call.own(Lane::Microphone).wanted = on.0;
        call.own(Lane::Camera).wanted = on.1;
        self.call = Some(call);
        self.stop_preview();
    }

    fn steps(&self, epoch: u64) -> mpsc::Sender<JoinStep> {
        let (steps, mut seen) = mpsc::channel(8);
        let me = self.me.clone();
        self.tokio.spawn(async move {
            while let Some(step) = seen.recv().await {
                if me.send(Input::Step(epoch, step)).await.is_err() {
                    return;
                }
            }
        });
        steps
    }

    pub(super) fn on_step(&mut self, epoch: u64, step: JoinStep) {
        if let Some(call) = &mut self.call
            && call.epoch == epoch
            && matches!(call.stage, Stage::Joining(_))
        {
            call.stage = Stage::Joining(step);
        }
    }

    pub(super) fn on_prepared(&mut self, epoch: u64, result: Result<Prepared, Failure>) {
        let Some(call) = self.call.as_mut().filter(|c| c.epoch == epoch) else { return };
        let prepared = match result {
            Ok(prepared) => prepared,
            Err(failure) => return self.give_up(failure),
        };
        call.stage = Stage::Joining(JoinStep::Finding);
        call.seals = prepared.seals;
        call.title = prepared.title;
        call.route = Some(Route {
            id: prepared.id,
            place: prepared.place,
            ticket: prepared.ticket,
            way: prepared.way,
            own: prepared.own,
            media: prepared.media,
            broadcast: prepared.broadcast,
            passphrase: prepared.passphrase,
        });
        if prepared.hosting.is_some() {
            self.hosting = prepared.hosting;
        }
        self.enter(prepared.keys);
    }

    /// Starts a whole entry.
    pub(super) fn enter(&mut self, key: Option<tokio::task::JoinHandle<bool>>) {
        let epoch = self.next_serial();
        let steps = self.steps(epoch);
        let Some(call) = &mut self.call else { return };
        let Some(route) = &call.route else { return };
        call.epoch = epoch;
        call.retry_at = None;
        let (place, mut ticket, me) = (route.place.clone(), route.ticket.clone(), self.me.clone());
        // A refreshed token lives for ten minutes at least, and the first one may be over by now.
        let fresh = matches!(call.stage, Stage::Lost { since, .. } if since.elapsed() < REFRESHED_FOR);
        if let Ticket::Token(token) = &mut ticket
            && fresh
            && !call.token.is_empty()
        {
            *token = call.token.clone();
        }
        let task = self.tokio.spawn(async move {
            let entry = async {
                match &ticket {
                    Ticket::Office(hello) => attempt::enter_host(&place, hello, &steps).await,
                    Ticket::Token(token) => attempt::enter_server(&place, token, &steps).await,
                }
            };
            let key_made = async {
                match key {
                    Some(key) => key.await.unwrap_or(false),
                    None => true,
                }
            };
            let (entered, key_made) = tokio::join!(entry, key_made);
            if !key_made {
                tracing::error!("joined without a media key: nothing will be sent or opened");
            }
            if me.send(Input::Entered(epoch, Box::new(entered))).await.is_err() {
                tracing::debug!("the session ended first");
            }
        });
        call.task = Some(Running(task.abort_handle()));
    }

    pub(super) fn on_entered(&mut self, epoch: u64, result: Result<Entered, Failed>) {
        let Some(call) = self.call.as_mut().filter(|c| c.epoch == epoch) else { return };
        call.task = None;
        let entered = match result {
            Ok(entered) => entered,
            Err(failed) => return self.entry_failed(&failed),
        };
        let First::Join(join) = entered.signal.first else {
            return self.entry_failed(&Failed::Connect(crate::link::Connect::Protocol("a reconnect")));
        };
        if join.client_configuration.as_ref().is_some_and(|c| c.force_relay == lk::ClientConfigSetting::Enabled as i32)
        {
            return self.give_up(Failure::of(Code::RelayRequired, "force_relay"));
        }
        call.at = Some(entered.at);
        if let Some(office) = entered.office {
            self.take_office(office);
        }
        self.joined(&join, entered.signal.socket);
    }

    fn entry_failed(&mut self, failed: &Failed) {
        let failure = failed.failure();
        tracing::info!(code = ?failure.code, detail = %failure.detail, "an entry failed");
        let Some(call) = &mut self.call else { return };
        if matches!(call.stage, Stage::Joining(_)) {
            return self.give_up(failure);
        }
        // Once in, only a clear no ends it: a host that is away comes back.
        let is_final = matches!(
            failure.code,
            Code::SessionOver
                | Code::InviteRefused
                | Code::InviteExpired
                | Code::JoinedElsewhere
                | Code::Removed
                | Code::MeetingOver
                | Code::VersionMismatch
                | Code::TokenRefused
        );
        if is_final {
            return self.give_up(failure);
        }
        if let Stage::Lost { why, .. } = &mut call.stage
            && failure.code == Code::HostUnreachable
            && *why == LostBecause::Network
        {
            *why = LostBecause::HostUnreachable;
        }
        let mut wait = call.backoff.next(secrets::dice());
        if let Failed::Refused { retry_after: Some(seconds), .. } = failed {
            wait = wait.max(Duration::from_secs(u64::from((*seconds).min(300))));
        }
        call.retry_at = Some(Instant::now() + wait);
    }

    /// The first word of a new session on the server.
    fn joined(&mut self, join: &lk::JoinResponse, socket: crate::link::Socket) {
        let now = Instant::now();
        let number = self.next_serial();
        let link = Link::start(socket, &self.tokio, self.me.clone(), move |came| Input::Signal(number, came));
        self.drop_remotes();
        let transport_number = self.next_serial();
        let Some(call) = &mut self.call else { return };
        let Some(me) = join.participant.as_ref().and_then(|p| UserId::parse(p.identity.as_str()).ok()) else {
            return self.give_up(Failure::of(Code::NotAMeetingServer, "a join without a participant"));
        };
        let Some(at) = call.at else { return };
        let started =
            Transport::start(at, &self.tokio, self.me.clone(), move |note| Input::Transport(transport_number, note));
        let transport = match started {
            Ok(transport) => transport,
            Err(error) => return self.give_up(Failure::passing(Code::MediaBlocked, error)),
        };
        self.around.outlet.lead_to(Some(&transport));
        call.socket = Some((number, link));
        call.transport = Some((transport_number, transport));
        call.up = (false, false);
        call.connect_by = Some(now + MEDIA_PATIENCE);
        call.server_mark = bytes::Bytes::copy_from_slice(&join.sif_trailer);
        let mut machine = Signal::joined(join, now);
        // At once, so that ICE and DTLS run while tracks are still being asked for.
        machine.negotiate(false);
        call.signal = Some(machine);
        for own in call.own.values_mut() {
            own.cid = None;
            own.accepted = false;
            own.laned = false;
            own.muted = false;
        }
        if call.title.is_empty() {
            call.title = join
                .room
                .as_ref()
                .map(|r| r.name.chars().filter(|c| !c.is_control()).take(96).collect())
                .unwrap_or_default();
        }
        let mine = join.participant.as_ref();
        call.server_grants = mine.and_then(|p| p.permission.as_ref()).map(signal::grants);
        if call.crowd.as_ref().is_none_or(|crowd| *crowd.me() != me) {
            call.crowd = Some(Crowd::new(me));
        }
        let everyone: Vec<lk::ParticipantInfo> = mine.into_iter().chain(&join.other_participants).cloned().collect();
        let crowd = call.crowd.as_mut().expect("it was just put in");
        let mut differences = crowd.replace(&everyone);
        // Receivers start afresh: every track known before is new to the new connection.
        let known: Vec<_> =
            crowd.iter().flat_map(|(user, a)| a.tracks.values().map(|t| (user.clone(), t.clone()))).collect();
        differences.retain(|d| !matches!(d, crate::people::Difference::TrackNew(..)));
        differences.extend(known.into_iter().map(|(user, track)| crate::people::Difference::TrackNew(user, track)));
        self.arrived();
        self.on_differences(differences);
        self.remember_meeting(join);
        self.pump();
    }

    /// In, or back in.
    pub(super) fn arrived(&mut self) {
        let Some(call) = &mut self.call else { return };
        let was = std::mem::replace(&mut call.stage, Stage::In);
        call.backoff.reset();
        call.retry_at = None;
        call.resumes = 0;
        call.closing = false;
        call.link = UNMEASURED;
        if let Some(reply) = call.reply.take() {
            tracing::info!(took = ?call.started.elapsed(), "joined");
            answer(reply, Ok(()));
        }
        match was {
            Stage::Lost { since, .. } => {
                if since.elapsed() > UNNOTICED {
                    self.notice(Code::Reconnected, None, Severity::Info);
                }
                self.happened(&MeetingHappening::Reconnected);
            }
            Stage::Joining(_) => self.happened(&MeetingHappening::Joined),
            Stage::In => {}
        }
    }
}
