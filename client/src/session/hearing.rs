//! How others hear us, and how we hear them: every receiver tells the one it hears, by a small data packet (sealed like
//! all data), what it lost and how long packets waited. The server's reports know only our half of the way, and not
//! whether anybody hears us at all. Part of the session.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use media_core::audio::{AudioInput, RemoteId, Report};
use media_core::e2ee::SealFrame;
use media_core::receive::loss::Loss;
use media_core::time::Bitrate;
use media_core::video::ladder::{Allowed, Ladder};
use prost::Message as _;
use protocol::bridge::{Code, Severity};
use protocol::ids::{TrackSid, UserId};
use protocol::policy::TrackSource;

use super::Session;
use super::call::Call;
use crate::transport::{Lane, Order};

/// Topic of the data packets.
pub(super) const TOPIC: &str = "shoji.hearing";
/// First byte of one.
const VERSION: u8 = 1;
/// Told at least so often while packets come.
const CALM: Duration = Duration::from_secs(1);
/// What counts as trouble, which is told with every measurement.
const TROUBLE: (f32, Duration) = (0.01, Duration::from_millis(30));
/// A report counts for so long.
const COUNTS: Duration = Duration::from_secs(5);
/// Our sound follows at most so often, however many listen.
const FOLLOWS: Duration = Duration::from_millis(450);

/// What was told and what we were told.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    told: BTreeMap<RemoteId, Instant>,
    heard_by: BTreeMap<UserId, (Instant, Report)>,
    /// Who ever told: their clients know our copies.
    ours: BTreeSet<UserId>,
    /// Of the server, about our half of the way.
    server: Option<(Instant, Report)>,
    followed: Option<Instant>,
    /// What pictures may take of the link.
    pictures: Ladder,
    /// The person knows that there is room for the voice only.
    told_nothing: bool,
}

impl Hearing {
    /// Is it time to tell that track's sender?
    fn is_due(&mut self, id: RemoteId, report: Report, now: Instant) -> bool {
        let trouble = report.loss.share >= TROUBLE.0 || report.queued >= TROUBLE.1;
        let due = trouble || self.told.get(&id).is_none_or(|at| now.duration_since(*at) >= CALM);
        if due {
            self.told.insert(id, now);
        }
        due
    }

    /// Who lately said that they hear us.
    pub(super) fn heard_by(&self, now: Instant) -> u32 {
        let fresh = self.heard_by.values().filter(|(at, _)| now.duration_since(*at) < COUNTS).count();
        u32::try_from(fresh).unwrap_or(u32::MAX)
    }

    /// What our sound should follow. The worst off counts; of many listeners the worst fifth is left out, so that one bad
    /// network does not make everyone's sound worse.
    fn combined(&mut self, now: Instant) -> Report {
        self.heard_by.retain(|_, (at, _)| now.duration_since(*at) < COUNTS);
        let mut reports: Vec<Report> = self.heard_by.values().map(|(_, report)| *report).collect();
        let left_out = reports.len() / 5;
        reports.sort_by(|a, b| a.loss.share.total_cmp(&b.loss.share));
        let loss = reports[..reports.len() - left_out].last().map(|r| r.loss).unwrap_or_default();
        reports.sort_by_key(|r| r.queued);
        let queued = reports[..reports.len() - left_out].last().map(|r| r.queued).unwrap_or_default();
        let arrived = reports[..reports.len() - left_out].last().and_then(|r| r.arrived);
        let server = self.server.filter(|(at, _)| now.duration_since(*at) < COUNTS).map(|(_, r)| r).unwrap_or_default();
        let loss = if server.loss.share > loss.share { server.loss } else { loss };
        Report {
            loss,
            queued: queued.max(server.queued),
            arrived,
            rtt: server.rtt,
            resent: server.resent,
            foreign: false,
        }
    }

    /// How long packets of ours wait for everybody who listens: a full link of ours. Where only some see it, the link is theirs.
    fn queued_for_all(&self) -> Duration {
        self.heard_by.values().map(|(_, report)| report.queued).min().unwrap_or_default()
    }

    /// Is there anybody among these who never told how they hear us? Another client then, or one that has just come.
    fn foreign<'a>(&self, mut others: impl Iterator<Item = &'a UserId>) -> bool {
        others.any(|user| !self.ours.contains(user))
    }
}

/// The bytes of a report: version, loss in 1/255, run in tenths of packets, queue in milliseconds, what arrived in units of
/// 100 bit/s (big endian; 0: unknown).
fn encode(report: Report) -> [u8; 7] {
    let queued = u16::try_from(report.queued.as_millis()).unwrap_or(u16::MAX).to_be_bytes();
    let share = (report.loss.share.clamp(0.0, 1.0) * 255.0).round() as u8;
    let arrived = report.arrived.map_or(0, |rate| u16::try_from(rate.0 / 100).unwrap_or(u16::MAX)).to_be_bytes();
    let burst = (report.loss.burst * 10.0).round().clamp(0.0, 255.0) as u8;
    [VERSION, share, burst, queued[0], queued[1], arrived[0], arrived[1]]
}

/// Longer ones are of later versions: what we know of them is at the front.
fn decode(bytes: &[u8]) -> Option<Report> {
    let [VERSION, share, burst, high, low, ref later @ ..] = *bytes else { return None };
    let arrived = match *later {
        [high, low, ..] => Some(u16::from_be_bytes([high, low])).filter(|units| *units > 0),
        [] | [_] => None,
    };
    let loss = Loss { share: f32::from(share) / 255.0, burst: f32::from(burst) / 10.0 };
    let queued = Duration::from_millis(u64::from(u16::from_be_bytes([high, low])));
    Some(Report { loss, queued, arrived: arrived.map(|units| Bitrate(u32::from(units) * 100)), ..Report::default() })
}

impl Session {
    /// The engine measured how a remote sound comes.
    pub(super) fn on_hears(&mut self, id: RemoteId, report: Report) {
        let Some(call) = &mut self.call else { return };
        let Some(remote) = call.sounds.get(&id).and_then(|sid: &TrackSid| call.remotes.get(sid)) else { return };
        let speaks = matches!(remote.track.source, TrackSource::Microphone | TrackSource::Megaphone);
        let user = remote.user.clone();
        if !speaks || !call.hearing.is_due(id, report, Instant::now()) {
            return;
        }
        match packet(call, &user, report) {
            Ok(bytes) => self.order(Order::Data(bytes)),
            Err(error) => tracing::warn!(%error, "a report was not sealed and is not sent"),
        }
    }

    /// Someone tells how they hear us.
    pub(super) fn on_heard(&mut self, from: &str, payload: &[u8]) {
        let Some(report) = decode(payload) else {
            tracing::debug!("a report that is none");
            return;
        };
        let Some(call) = &mut self.call else { return };
        // Only people of this meeting count, so that the list cannot be filled with names.
        let known = call.crowd.as_ref().and_then(|c| c.iter().map(|(user, _)| user).find(|u| u.as_str() == from));
        let Some(user) = known.cloned() else { return };
        call.hearing.ours.insert(user.clone());
        call.hearing.heard_by.insert(user, (Instant::now(), report));
        self.follow_hearing();
    }

    /// The server tells what it lost of ours.
    pub(super) fn on_server_report(&mut self, report: Report) {
        let Some(call) = &mut self.call else { return };
        call.hearing.server = Some((Instant::now(), report));
        self.follow_hearing();
    }

    fn follow_hearing(&mut self) {
        let Some(call) = &mut self.call else { return };
        let now = Instant::now();
        if call.hearing.followed.is_some_and(|at| now.duration_since(at) < FOLLOWS) {
            return;
        }
        call.hearing.followed = Some(now);
        let others = call.crowd.iter().flat_map(|c| c.iter().map(|(user, _)| user).filter(|user| *user != c.me()));
        let foreign = call.hearing.foreign(others);
        let mut report = Report { foreign, ..call.hearing.combined(now) };
        let shows = [Lane::Camera, Lane::Screen].iter().any(|lane| call.own.get(lane).is_some_and(|own| own.accepted));
        let before = call.hearing.pictures.allowed();
        let theirs = call.hearing.pictures.on_report(call.hearing.queued_for_all(), self.around.clock.now());
        if theirs && shows {
            // Pictures give way first.
            report.queued = Duration::ZERO;
        }
        let allowed = call.hearing.pictures.allowed();
        if allowed != before {
            tracing::info!(?allowed, "what pictures may take of the link");
            self.around.share.set(allowed);
        }
        self.tell_of_pictures(allowed, shows);
        self.sound_order(AudioInput::Heard(report));
    }

    /// Says that pictures stay away, and takes it back.
    fn tell_of_pictures(&mut self, allowed: Allowed, shows: bool) {
        let Some(call) = &mut self.call else { return };
        let nothing = allowed == Allowed::Nothing && shows;
        if std::mem::replace(&mut call.hearing.told_nothing, nothing) == nothing {
            return;
        }
        if nothing {
            self.page.notice(Code::PicturesHeldBack, None, Severity::Warning);
        } else {
            self.page.withdraw(Code::PicturesHeldBack);
        }
    }
}

fn packet(call: &Call, to: &UserId, report: Report) -> Result<Vec<u8>, SealFrame> {
    data_packet(call, to, TOPIC, encode(report).to_vec())
}

/// A data packet of our own clients to one person, sealed as the meeting is.
pub(super) fn data_packet(call: &Call, to: &UserId, topic: &str, payload: Vec<u8>) -> Result<Vec<u8>, SealFrame> {
    let user = lk::UserPacket { payload, topic: Some(topic.to_owned()), ..lk::UserPacket::default() };
    let value = match &call.seals {
        Some(seals) => {
            let plain = lk::EncryptedPacketPayload { value: Some(lk::encrypted_packet_payload::Value::User(user)) };
            let sealed = seals.sealer(Lane::Microphone)?.seal_data(&plain.encode_to_vec())?;
            lk::data_packet::Value::EncryptedPacket(lk::EncryptedPacket {
                encryption_type: lk::encryption::Type::Gcm as i32,
                iv: sealed.iv.to_vec(),
                key_index: u32::from(sealed.key_index),
                encrypted_value: sealed.value.to_vec(),
            })
        }
        None => lk::data_packet::Value::User(user),
    };
    let packet = lk::DataPacket {
        destination_identities: vec![to.to_string()],
        value: Some(value),
        ..lk::DataPacket::default()
    };
    Ok(packet.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(share: f32, queued: u64) -> Report {
        Report { loss: Loss { share, burst: 2.0 }, queued: Duration::from_millis(queued), ..Report::default() }
    }

    #[test]
    fn a_report_comes_back_and_junk_is_none() {
        let told = decode(&encode(report(0.25, 300))).unwrap();
        assert!((told.loss.share - 0.25).abs() < 0.01 && told.loss.burst == 2.0, "{told:?}");
        assert_eq!(told.queued, Duration::from_millis(300));
        let arrived = Some(Bitrate::kbps(47));
        assert_eq!(decode(&encode(Report { arrived, ..report(0.0, 0) })).unwrap().arrived, arrived);
        assert_eq!(decode(&[VERSION, 1, 2, 3, 4]).unwrap().arrived, None, "of a version that did not tell");
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[VERSION, 1, 2, 3]), None);
        assert_eq!(decode(&[9, 1, 2, 3, 4]), None);
    }

    #[test]
    fn trouble_is_told_at_once_and_calm_seldom() {
        let (mut hearing, now) = (Hearing::default(), Instant::now());
        assert!(hearing.is_due(RemoteId(1), report(0.0, 0), now));
        assert!(!hearing.is_due(RemoteId(1), report(0.0, 0), now + Duration::from_millis(500)));
        assert!(hearing.is_due(RemoteId(1), report(0.05, 0), now + Duration::from_millis(500)));
        assert!(hearing.is_due(RemoteId(2), report(0.0, 0), now));
        assert!(hearing.is_due(RemoteId(1), report(0.0, 0), now + Duration::from_secs(3)));
    }

    #[test]
    fn one_bad_network_of_many_does_not_decide_and_silence_is_forgotten() {
        let (mut hearing, now) = (Hearing::default(), Instant::now());
        let told = |hearing: &mut Hearing, n: u8, share| {
            hearing.heard_by.insert(UserId::parse(format!("u_{n}")).unwrap(), (now, report(share, 0)));
        };
        told(&mut hearing, 0, 0.5);
        assert_eq!(hearing.combined(now).loss.share, 0.5);
        (1..6).for_each(|n| told(&mut hearing, n, 0.02));
        assert_eq!(hearing.combined(now).loss.share, 0.02);
        assert_eq!(hearing.heard_by(now), 6);
        assert_eq!(hearing.combined(now + COUNTS).loss, Loss::default());
        assert_eq!(hearing.heard_by(now + COUNTS), 0);
    }

    #[test]
    fn who_never_told_how_they_hear_us_has_another_client() {
        let mut hearing = Hearing::default();
        let people = ["u_1", "u_2"].map(|name| UserId::parse(name).unwrap());
        assert!(!hearing.foreign(std::iter::empty()), "nobody else is there");
        hearing.ours.insert(people[0].clone());
        assert!(hearing.foreign(people.iter()));
        hearing.ours.insert(people[1].clone());
        assert!(!hearing.foreign(people.iter()));
    }
}
