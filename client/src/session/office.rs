//! The office channel of our own hosts: roles, rights, people, invitations. Part of the session.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::backoff::Backoff;
use protocol::bridge::{Code, CreateInvite, CreatedInvite, Failure, LostBecause, Severity};
use protocol::invite::{HostAddress, Invite, InviteSecret};
use protocol::office::{SHIELD_BEAT, ToClient, ToHost};
use protocol::watermark::{MarkCells, Watermark};
use watermark::Tile;
use zeroize::Zeroizing;

use super::call::{Drawn, Office, Route, Running, Stage};
use super::command::answer;
use super::enter::Ticket;
use super::{Input, Reply, Session};
use crate::attempt::{self, By, Failed, InOffice, refusal_code};
use crate::link::{Came, Link};
use crate::secrets::{self, Kind};

/// The office is asked whether it is there, and told again what protects the window.
const BEAT: Duration = SHIELD_BEAT;
/// Silence after which its socket is dropped.
const PATIENCE: Duration = Duration::from_secs(15);
/// Invitations being made at once.
const MAX_REQUESTS: usize = 16;

impl Session {
    /// The office let us in: its word on everything replaces what was known.
    pub(super) fn take_office(&mut self, office: InOffice) {
        let now = Instant::now();
        let number = self.next_serial();
        let InOffice { socket, welcome } = office;
        let link = Link::start(socket, &self.tokio, self.me.clone(), move |came| Input::Office(number, came));
        let Some(call) = &mut self.call else { return };
        call.title = welcome.title.chars().filter(|c| !c.is_control()).take(96).collect();
        call.token = Zeroizing::new(welcome.signal_token.clone());
        // What was drawn stays until the office says otherwise: a broken line must not wipe marks away.
        let drawn = call.office.take().map(|office| office.drawn).unwrap_or_default();
        call.office = Some(Office { drawn, ..office_of(&welcome, number, link, now) });
        if let Some(hosting) = self.hosting.as_mut().filter(|_| call.route.as_ref().is_some_and(|r| r.own)) {
            hosting.title.clone_from(&call.title);
        }
        self.tell_captures();
        let Some(call) = &mut self.call else { return };
        let Some(route) = &mut call.route else { return };
        returning(route, &welcome.session_token);
        let (secrets, id, me) = (self.secrets.clone(), route.id.clone(), self.me.clone());
        let token = Zeroizing::new(welcome.session_token.as_bytes().to_vec());
        // Kept only now that the host has let us in: a refused invitation leaves nothing behind.
        let media = route.media.as_ref().map(|media| Zeroizing::new(media.expose().to_vec()));
        let broadcast = route.broadcast.as_ref().map(|secret| Zeroizing::new(secret.expose().to_vec()));
        self.tokio.spawn(async move {
            let mut kept = secrets.set(Kind::Session, &id, token).await;
            for (kind, secret) in [(Kind::Media, media), (Kind::Broadcast, broadcast)] {
                if let Some(secret) = secret {
                    kept &= secrets.set(kind, &id, secret).await;
                }
            }
            if me.send(Input::Kept(kept)).await.is_err() {
                tracing::debug!("the session ended first");
            }
        });
    }

    pub(super) fn on_office(&mut self, number: u64, came: Came) {
        let Some(office) = self.call.as_mut().and_then(|c| c.office.as_mut()) else { return };
        if office.link.as_ref().is_none_or(|(n, _)| *n != number) {
            return;
        }
        office.heard = Instant::now();
        match came {
            Came::Text(text) => match ToClient::parse(&text) {
                Ok(message) => self.on_office_message(message),
                // A newer host may say more than we know.
                Err(error) => tracing::debug!(%error, "an office message of another version"),
            },
            Came::Binary(_) => tracing::debug!("bytes in the office"),
            Came::Closed => self.lose_office(),
        }
    }

    fn on_office_message(&mut self, message: ToClient) {
        let Some(call) = &mut self.call else { return };
        let Some(office) = &mut call.office else { return };
        match message {
            ToClient::Rights { matrix, role, .. } => {
                office.matrix = matrix;
                office.role = role;
            }
            ToClient::People { people } => {
                if let Some(me) = call.crowd.as_ref().map(|c| c.me())
                    && let Some(mine) = people.iter().find(|p| p.user == *me)
                {
                    office.role = mine.role;
                }
                office.people = people;
            }
            ToClient::ShieldMinimum { minimum } => office.minimum = minimum,
            ToClient::ShieldIncident { user: _, name, incident } => self.page.captured(Some(&name), incident),
            ToClient::Watermark { watermark, cells } => office.drawn = drawn(watermark, cells.as_ref()),
            ToClient::Token { signal_token } => call.token = Zeroizing::new(signal_token),
            ToClient::InviteCreated { request, id, expires_at } => {
                if let Some((entry, ask, reply)) = office.invites.remove(&request) {
                    let made = self.make_link(id, expires_at, entry, ask);
                    answer(reply, made);
                }
            }
            ToClient::Denied { about, why } => {
                let failure = Failure::of(refusal_code(why), &about);
                // A wish is answered in order; the oldest of its kind is the one denied.
                let oldest = office.invites.keys().min().copied().filter(|_| about == "create_invite");
                match oldest.and_then(|request| office.invites.remove(&request)) {
                    Some((_, _, reply)) => answer(reply, Err(failure)),
                    None => self.notice(failure.code, None, Severity::Warning),
                }
            }
            ToClient::Closing => {
                call.closing = true;
                // Its media or its signalling may have gone first: the reason is known only now.
                if let Stage::Lost { why, .. } = &mut call.stage {
                    *why = LostBecause::HostClosing;
                }
            }
            ToClient::Refused { why, .. } => {
                tracing::info!(?why, "the office sends us away");
                self.lose_office();
            }
            ToClient::Pong { .. } | ToClient::Welcome { .. } => {}
        }
    }

    fn make_link(
        &self,
        id: protocol::ids::InviteId,
        expires_at: u32,
        entry: protocol::pii::Secret<16>,
        ask: CreateInvite,
    ) -> Result<CreatedInvite, Failure> {
        let missing = || Failure::of(Code::NotInMeeting, "the meeting ended meanwhile");
        let call = self.call.as_ref().ok_or_else(missing)?;
        let (route, office) = call.route.as_ref().zip(call.office.as_ref()).ok_or_else(missing)?;
        let host = route.place.host.ok_or_else(missing)?;
        let (media, broadcast) = route.media.clone().zip(route.broadcast.clone()).ok_or_else(missing)?;
        let Ticket::Office(hello) = &route.ticket else { return Err(missing()) };
        let told = office.addresses.iter().filter_map(|a| HostAddress::parse(a).ok());
        let mut addresses: Vec<HostAddress> = Vec::new();
        for address in told.chain(route.place.addresses.iter().cloned()) {
            if !addresses.contains(&address) && addresses.len() < Invite::MAX_ADDRESSES {
                addresses.push(address);
            }
        }
        let secret = InviteSecret { entry, media, broadcast };
        let invite = Invite { room: hello.room.clone(), addresses, id, host, expires_at, secret };
        let link = invite.to_link();
        let code = qrcode::QrCode::new(link.as_bytes()).map_err(|e| Failure::of(Code::Internal, e))?;
        let qr_svg = code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build();
        Ok(CreatedInvite { link, qr_svg, role: ask.role, expires_at, fingerprint: host.spoken() })
    }

    pub(super) fn create_invite(&mut self, ask: CreateInvite, reply: Reply<CreatedInvite>) {
        if !(1..=720).contains(&ask.hours) {
            return answer(reply, Err(Failure::of(Code::BadInput, "hours")));
        }
        let Some(office) = self.call.as_mut().and_then(|c| c.office.as_mut()) else {
            return answer(reply, Err(Failure::of(Code::NotInMeeting, "there is no office")));
        };
        if office.invites.len() >= MAX_REQUESTS {
            return answer(reply, Err(Failure::passing(Code::TooManyTries, "invitations are being made")));
        }
        let entry = secrets::random();
        let request = office.next_request;
        office.next_request = request.wrapping_add(1);
        let wish = ToHost::CreateInvite {
            request,
            role: ask.role,
            lasts: ask.hours * 3600,
            verifier: secrets::verifier(&entry),
        };
        office.invites.insert(request, (entry, ask, reply));
        if let Err(failure) = self.wish(&wish)
            && let Some(office) = self.call.as_mut().and_then(|c| c.office.as_mut())
            && let Some((_, _, reply)) = office.invites.remove(&request)
        {
            answer(reply, Err(failure));
        }
    }

    /// Sends a wish to the office.
    pub(super) fn wish(&mut self, wish: &ToHost) -> Result<(), Failure> {
        let office = self.call.as_ref().and_then(|c| c.office.as_ref());
        let office = office.ok_or_else(|| Failure::of(Code::NotInMeeting, "there is no office"))?;
        let sent = office.link.as_ref().is_some_and(|(_, link)| link.text(wish.to_text()));
        if sent { Ok(()) } else { Err(Failure::passing(Code::HostUnreachable, "the office is away")) }
    }

    /// Tells the office something, if there is one.
    pub(super) fn tell_office(&mut self, message: &ToHost) {
        if let Err(failure) = self.wish(message) {
            tracing::trace!(?failure, "not told to an office");
        }
    }

    fn lose_office(&mut self) {
        let Some(call) = &mut self.call else { return };
        let closing = call.closing;
        let Some(office) = &mut call.office else { return };
        office.link = None;
        for (_, (_, _, reply)) in office.invites.drain() {
            answer(reply, Err(Failure::passing(Code::HostUnreachable, "the office went away")));
        }
        if office.retry_at.is_none() && office.task.is_none() {
            office.retry_at = Some(Instant::now() + office.backoff.next(secrets::dice()));
        }
        if closing && call.stage == Stage::In {
            self.lose(LostBecause::HostClosing);
        }
    }

    pub(super) fn office_time(&mut self, now: Instant) {
        let epoch = self.serial + 1;
        let Some(call) = &mut self.call else { return };
        let shield = self.shield.status;
        let name = call.name.clone();
        let Some(office) = &mut call.office else { return };
        if let Some((_, link)) = &office.link {
            if now.duration_since(office.heard) > PATIENCE {
                return self.lose_office();
            }
            if now >= office.next_ping {
                office.next_ping = now + BEAT;
                let report = ToHost::Shield { status: shield };
                if !link.text(ToHost::Ping { nonce: 0 }.to_text()) || !link.text(report.to_text()) {
                    self.lose_office();
                }
            }
            return;
        }
        // While the whole session is lost, a whole entry brings the office back, too.
        if call.stage != Stage::In || office.task.is_some() || office.retry_at.is_none_or(|at| at > now) {
            return;
        }
        office.retry_at = None;
        let Some(route) = &call.route else { return };
        let Ticket::Office(hello) = &route.ticket else { return };
        let hello = attempt::Hello { name, shield, ..hello.clone() };
        let (place, me) = (route.place.clone(), self.me.clone());
        self.serial = epoch;
        let task = self.tokio.spawn(async move {
            let back = attempt::open_office(&place, &hello).await;
            if me.send(Input::OfficeBack(epoch, Box::new(back))).await.is_err() {
                tracing::debug!("the session ended first");
            }
        });
        office.task = Some(Running(task.abort_handle()));
    }

    pub(super) fn on_office_back(&mut self, _epoch: u64, result: Result<InOffice, Failed>) {
        let Some(call) = &mut self.call else { return };
        let Some(office) = &mut call.office else { return };
        // Only a try whose task was not dropped with an earlier office can still report.
        if office.task.take().is_none() {
            return;
        }
        match result {
            Ok(back) => {
                let same = call.crowd.as_ref().is_some_and(|c| *c.me() == back.welcome.you);
                self.take_office(back);
                if !same {
                    self.start_afresh();
                }
            }
            Err(failed) => {
                let failure = failed.failure();
                if matches!(failure.code, Code::SessionOver | Code::InviteRefused | Code::InviteExpired) {
                    return self.give_up(Failure::of(Code::SessionOver, failure.detail));
                }
                office.retry_at = Some(Instant::now() + office.backoff.next(secrets::dice()));
            }
        }
    }
}

/// The office's answer makes the next entry one of a session, not of an invitation.
fn returning(route: &mut Route, session_token: &Zeroizing<String>) {
    if let Ticket::Office(hello) = &mut route.ticket {
        hello.by = By::Session(session_token.clone());
    }
}

/// What the page draws over pictures.
fn drawn(watermark: Watermark, cells: Option<&MarkCells>) -> Drawn {
    let tile = cells.filter(|_| watermark.invisible()).and_then(|cells| match Tile::draw(cells).to_png() {
        Ok(png) => Some(STANDARD.encode(png)),
        Err(error) => {
            tracing::error!(%error, "the mark cannot be drawn");
            None
        }
    });
    Drawn { watermark, tile }
}

/// A fresh office, as it was let us in.
fn office_of(welcome: &attempt::Welcome, number: u64, link: Link, now: Instant) -> Office {
    Office {
        link: Some((number, link)),
        me: welcome.you.clone(),
        role: welcome.role,
        matrix: welcome.matrix,
        minimum: welcome.minimum,
        people: welcome.people.clone(),
        drawn: Drawn::default(),
        addresses: welcome.addresses.clone(),
        heard: now,
        next_ping: now,
        backoff: Backoff::new(),
        retry_at: None,
        task: None,
        next_request: 1,
        invites: Default::default(),
    }
}
