//! What the signalling server and the media connections say, and what follows. Part of the session.

use std::time::Instant;

use livekit_protocol as lk;
use lk::leave_request::Action;
use media_core::audio::Report;
use media_core::receive::loss::Loss;
use protocol::bridge::{Code, Failure, LinkQuality, LostBecause};
use protocol::signal;
use zeroize::Zeroizing;

use super::call::Stage;
use super::{Session, hearing, sight};
use crate::attempt::leave_code;
use crate::client::MeetingHappening;
use crate::link::Came;
use crate::signal::Out;
use crate::transport::{Lane, Note, Order};

/// The publisher's data channels, as a resume tells the server.
pub(super) fn channels() -> Vec<lk::DataChannelInfo> {
    ["_reliable", "_lossy", "_data_track"]
        .into_iter()
        .zip([0_u32, 2, 4])
        .map(|(label, id)| lk::DataChannelInfo {
            label: label.to_owned(),
            id,
            target: lk::SignalTarget::Publisher as i32,
        })
        .collect()
}

impl Session {
    pub(super) fn on_signal(&mut self, number: u64, came: Came) {
        let Some(call) = &mut self.call else { return };
        if call.socket.as_ref().is_none_or(|(n, _)| *n != number) {
            return;
        }
        match came {
            Came::Binary(bytes) => match signal::parse_response(&bytes) {
                Ok(message) => {
                    if let Some(machine) = &mut call.signal {
                        machine.on_message(message, Instant::now());
                    }
                }
                Err(signal::ParseSignal::Empty) => tracing::debug!("a message of a newer server"),
                Err(error) => {
                    tracing::warn!(%error, "the server says nonsense");
                    self.lose(LostBecause::Network);
                }
            },
            Came::Text(_) => tracing::debug!("text in signalling"),
            Came::Closed => self.lose(LostBecause::Network),
        }
    }

    /// Does what the signalling machine says, until it has nothing more to say.
    pub(super) fn pump(&mut self) {
        while let Some(out) = self.call.as_mut().and_then(|c| c.signal.as_mut()).and_then(|s| s.poll()) {
            self.on_out(out);
        }
    }

    fn on_out(&mut self, out: Out) {
        let Some(call) = &mut self.call else { return };
        match out {
            Out::Send(ask) => {
                let sent = call.socket.as_ref().is_some_and(|(_, link)| link.binary(signal::request(ask)));
                if !sent && call.socket.is_some() {
                    tracing::warn!("signalling is stuck");
                    self.lose(LostBecause::Network);
                }
            }
            Out::OfferWanted { ice_restart } => self.order(Order::Offer { ice_restart }),
            Out::PublisherAnswer(sdp) => self.order(Order::Answer(sdp)),
            Out::SubscriberOffer { sdp, id } => self.order(Order::SubscriberOffer { sdp, id }),
            Out::Candidate { publisher, json } => self.order(Order::Candidate { publisher, json }),
            Out::TrackAccepted { cid, sid } => {
                tracing::debug!(sid, "a track was let in");
                if let Some(lane) = call.lane_of(&cid) {
                    call.own(lane).accepted = true;
                }
            }
            Out::TrackRefused { cid, by_right } => {
                if let Some(lane) = call.lane_of(&cid) {
                    let code = if by_right { Code::NotAllowed } else { Code::MediaBlocked };
                    self.close_own(lane, Some(code));
                    self.notice(code, None, protocol::bridge::Severity::Warning);
                }
            }
            Out::TrackGone { cid } => {
                if let Some(lane) = call.lane_of(&cid) {
                    self.close_own(lane, None);
                }
            }
            Out::Muted { cid, muted } => {
                // A server may silence us; only the person may open the microphone again.
                if let Some(lane) = call.lane_of(&cid).filter(|_| muted) {
                    let own = call.own(lane);
                    own.muted = true;
                    own.wanted = false;
                }
            }
            Out::Layers { cid, wanted } => {
                if call.lane_of(&cid) == Some(Lane::Camera) {
                    tracing::debug!(?wanted, "layers of the camera that are looked at");
                    self.around.camera.want(wanted);
                }
            }
            Out::People(people) => {
                let Some(crowd) = &mut call.crowd else { return };
                let differences = people.iter().flat_map(|info| crowd.apply(info)).collect();
                self.on_differences(differences);
            }
            Out::Room(room) => {
                if call.office.is_none() && !room.name.is_empty() {
                    call.title = room.name.chars().filter(|c| !c.is_control()).take(96).collect();
                }
            }
            Out::Quality(updates) => {
                let mine = call.signal.as_ref().map(|s| s.participant().to_owned()).unwrap_or_default();
                if let Some(update) = updates.iter().find(|u| u.participant_sid == mine) {
                    call.link.quality = match lk::ConnectionQuality::try_from(update.quality) {
                        Ok(lk::ConnectionQuality::Excellent) => LinkQuality::Excellent,
                        Ok(lk::ConnectionQuality::Good) => LinkQuality::Good,
                        Ok(lk::ConnectionQuality::Poor) => LinkQuality::Poor,
                        Ok(lk::ConnectionQuality::Lost) => LinkQuality::Lost,
                        Err(_) => LinkQuality::Unknown,
                    };
                }
            }
            Out::Silent => self.lose(LostBecause::Network),
            Out::Leave(leave) => self.on_leave(&leave),
            Out::Stuck => self.start_afresh(),
            Out::Token(token) => call.token = Zeroizing::new(token),
        }
    }

    fn on_leave(&mut self, leave: &lk::LeaveRequest) {
        if let Some(code) = leave_code(leave) {
            return self.give_up(Failure::of(code, "the server ended the session"));
        }
        let shutdown = leave.reason == lk::DisconnectReason::ServerShutdown as i32;
        if let Some(call) = &mut self.call {
            call.closing |= shutdown;
        }
        match Action::try_from(leave.action).unwrap_or(Action::Disconnect) {
            Action::Resume => self.lose(LostBecause::ServerAsked),
            // Sent away for a reason that may pass: the user still wants the call.
            Action::Reconnect | Action::Disconnect => {
                self.start_afresh();
                if shutdown
                    && let Some(call) = &mut self.call
                    && let Stage::Lost { why, .. } = &mut call.stage
                {
                    *why = LostBecause::HostClosing;
                }
            }
        }
    }

    pub(super) fn order(&mut self, order: Order) {
        let sent = self.call.as_ref().and_then(|c| c.transport.as_ref()).is_some_and(|(_, t)| t.order(order));
        if !sent && self.call.as_ref().is_some_and(|c| c.transport.is_some()) {
            tracing::warn!("the media connections do not keep up");
            self.start_afresh();
        }
    }

    pub(super) fn on_transport(&mut self, number: u64, note: Note) {
        let Some(call) = &mut self.call else { return };
        if call.transport.as_ref().is_none_or(|(n, _)| *n != number) {
            return;
        }
        match note {
            Note::Offer(sdp) => {
                if let Some(machine) = &mut call.signal {
                    machine.publisher_offer(sdp, Instant::now());
                }
            }
            Note::Answer { sdp, id } => {
                if let Some(machine) = &mut call.signal {
                    machine.subscriber_answer(sdp, id);
                }
            }
            Note::Candidate { publisher, json } => {
                if let Some(machine) = &mut call.signal {
                    machine.candidate(publisher, json);
                }
            }
            Note::Up { publisher } => {
                *(if publisher { &mut call.up.0 } else { &mut call.up.1 }) = true;
                if call.up == (true, true) {
                    call.connect_by = None;
                    self.page.withdraw(Code::MediaBlocked);
                    self.happened(&MeetingHappening::MediaUp);
                }
                if publisher {
                    // What was encoded before went nowhere: whoever looks needs a whole picture.
                    self.around.camera.need_keys();
                    self.key_wanted(Lane::Screen, 0);
                }
            }
            Note::Down { publisher } => {
                *(if publisher { &mut call.up.0 } else { &mut call.up.1 }) = false;
                tracing::info!(publisher, "media hears nothing");
                self.lose(LostBecause::Network);
            }
            Note::Dead { publisher } => {
                tracing::info!(publisher, "a media connection is dead");
                self.start_afresh();
            }
            Note::KeyWanted(lane, layer) => self.key_wanted(lane, layer),
            Note::Data(bytes) => self.on_data(&bytes),
            Note::Quality { loss_percent, sent_loss_percent, rtt, resent_percent } => {
                let rtt = rtt.or_else(|| call.signal.as_ref().and_then(|s| s.rtt()));
                call.link.rtt_ms = rtt.map(|r| u32::try_from(r.as_millis()).unwrap_or(u32::MAX));
                call.link.loss_percent = Some(u32::from(loss_percent));
                call.link.quality = match (loss_percent, call.link.rtt_ms.unwrap_or(0)) {
                    (0..=1, 0..=150) => LinkQuality::Excellent,
                    (0..=5, 0..=400) => LinkQuality::Good,
                    (0..=100, _) | (101.., _) => LinkQuality::Poor,
                };
                // The reports of RTCP say how many, not how many in a row.
                let share = f32::from(sent_loss_percent) / 100.0;
                let loss = Loss { share, burst: 1.0 };
                let resent = f32::from(resent_percent) / 100.0;
                self.on_server_report(Report { loss, rtt, resent, ..Report::default() });
            }
        }
    }

    /// Data of others. In a sealed meeting nothing in the clear is heard.
    fn on_data(&mut self, bytes: &[u8]) {
        use prost::Message as _;
        let Some(call) = &self.call else { return };
        let Ok(packet) = lk::DataPacket::decode(bytes) else {
            tracing::debug!("a data packet that is none");
            return;
        };
        let from = packet.participant_identity.clone();
        let user = match (packet.value, call.data_opening()) {
            (Some(lk::data_packet::Value::EncryptedPacket(sealed)), media_core::e2ee::Opening::Sealed(opener)) => {
                let Ok(plain) = opener.open_data(sealed.key_index, &sealed.iv, &sealed.encrypted_value) else {
                    tracing::debug!("data that does not open");
                    return;
                };
                match lk::EncryptedPacketPayload::decode(plain).ok().and_then(|p| p.value) {
                    Some(lk::encrypted_packet_payload::Value::User(user)) => user,
                    Some(_) | None => return,
                }
            }
            (Some(lk::data_packet::Value::User(user)), media_core::e2ee::Opening::Plain) => user,
            _ => {
                tracing::debug!("data that is not for us, or not sealed");
                return;
            }
        };
        if user.topic.as_deref() == Some(hearing::TOPIC) {
            self.on_heard(&from, &user.payload);
        } else if user.topic.as_deref() == Some(sight::TOPIC) {
            self.on_sight(&from, &user.payload);
        } else {
            self.happened(&MeetingHappening::Data { from, payload: user.payload.into() });
        }
    }

    fn key_wanted(&mut self, lane: Lane, layer: u8) {
        match lane {
            Lane::Camera => self.around.camera.need_key(layer),
            Lane::Screen => self.hardware.screen.need_key(),
            Lane::Microphone | Lane::Megaphone | Lane::ScreenSound => {}
        }
    }
}
