//! What a call is made of, from the join command until leaving. Part of the session; values and small questions.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_core::audio::RemoteId;
use media_core::e2ee::{Opening, SealFrame, Sealing};
use protocol::backoff::Backoff;
use protocol::bridge::{Code, CreatedInvite, JoinStep, LinkQuality, LinkView, LostBecause, TrackState};
use protocol::ids::{DeviceId, DisplayName, TrackSid, UserId};
use protocol::office::Person;
use protocol::pii::Secret;
use protocol::policy::{Grants, Matrix, Role, TrackSource};
use protocol::shield::{ShieldIncident, ShieldMinimum};
use protocol::watermark::Watermark;
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

use super::Reply;
use super::enter::Ticket;
use super::hearing::Hearing;
use super::seals::Seals;
use super::sight::Sight;
use crate::attempt::Place;
use crate::link::Link;
use crate::people::{Announced, Crowd};
use crate::picture::RemotePicture;
use crate::profile::Way;
use crate::signal::Signal;
use crate::transport::{Lane, Transport};

/// A task that ends with its owner.
pub(super) struct Running(pub(super) AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// On the way in for the first time.
    Joining(JoinStep),
    /// In.
    In,
    /// Lost, and coming back by itself.
    Lost {
        /// Why.
        why: LostBecause,
        /// Since.
        since: Instant,
    },
}

/// How the meeting is reached; known from `Prepared` on.
pub(super) struct Route {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) ticket: Ticket,
    pub(super) way: Way,
    pub(super) own: bool,
    pub(super) media: Option<Secret<32>>,
    pub(super) broadcast: Option<Secret<16>>,
    pub(super) passphrase: Zeroizing<String>,
}

/// What is drawn over pictures here, as the office wants it.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) watermark: Watermark,
    /// The invisible mark as the page takes it.
    pub(super) tile: Option<String>,
}

/// What the office said last; stays through a reconnect.
pub(super) struct Office {
    pub(super) link: Option<(u64, Link)>,
    pub(super) me: UserId,
    pub(super) role: Role,
    pub(super) matrix: Matrix,
    pub(super) minimum: ShieldMinimum,
    pub(super) people: Vec<Person>,
    pub(super) drawn: Drawn,
    pub(super) addresses: Vec<String>,
    pub(super) heard: Instant,
    pub(super) next_ping: Instant,
    pub(super) backoff: Backoff,
    pub(super) retry_at: Option<Instant>,
    pub(super) task: Option<Running>,
    pub(super) next_request: u32,
    pub(super) invites: HashMap<u32, (Secret<16>, protocol::bridge::CreateInvite, Reply<CreatedInvite>)>,
}

/// One of our own tracks.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The user wants it open.
    pub(super) wanted: bool,
    /// Which screen.
    pub(super) screen: Option<DeviceId>,
    /// Announced to the server under this id.
    pub(super) cid: Option<String>,
    /// The server let it in.
    pub(super) accepted: bool,
    /// It is in the publisher's description.
    pub(super) laned: bool,
    /// The server thinks it muted.
    pub(super) muted: bool,
    /// The sound engine sends it.
    pub(super) sounding: bool,
    /// The sound engine has it, open or not, and drops what it hears.
    pub(super) hushed: bool,
    /// Why it is not open though wanted, or was given up.
    pub(super) problem: Option<Code>,
}

/// A track of someone else.
pub(super) struct Remote {
    pub(super) user: UserId,
    pub(super) track: Announced,
    pub(super) state: TrackState,
    pub(super) media: Option<RemoteMedia>,
}

/// What receives it.
pub(super) enum RemoteMedia {
    /// Known to the engine by this.
    Sound(RemoteId),
    /// Its number; the thread ends when this is dropped.
    Picture(u64, #[expect(dead_code, reason = "kept for its drop")] RemotePicture),
}

/// The call.
pub(super) struct Call {
    pub(super) epoch: u64,
    pub(super) reply: Option<Reply<()>>,
    pub(super) name: DisplayName,
    pub(super) stage: Stage,
    pub(super) started: Instant,
    pub(super) route: Option<Route>,
    pub(super) seals: Option<Seals>,
    pub(super) server_mark: Bytes,
    pub(super) title: String,
    pub(super) token: Zeroizing<String>,
    pub(super) at: Option<SocketAddr>,
    pub(super) office: Option<Office>,
    pub(super) signal: Option<Signal>,
    pub(super) socket: Option<(u64, Link)>,
    pub(super) transport: Option<(u64, Transport)>,
    pub(super) up: (bool, bool),
    pub(super) connect_by: Option<Instant>,
    pub(super) crowd: Option<Crowd>,
    pub(super) server_grants: Option<Grants>,
    pub(super) remotes: BTreeMap<TrackSid, Remote>,
    pub(super) sounds: HashMap<RemoteId, TrackSid>,
    pub(super) own: BTreeMap<Lane, Own>,
    pub(super) link: LinkView,
    /// How loud each is heard, in percent, where it was changed.
    pub(super) volumes: BTreeMap<UserId, u8>,
    pub(super) hearing: Hearing,
    /// Captures of this window that the host was not told of yet.
    pub(super) captures: Vec<ShieldIncident>,
    pub(super) sight: Sight,
    pub(super) task: Option<Running>,
    pub(super) backoff: Backoff,
    pub(super) retry_at: Option<Instant>,
    /// Resumes tried in a row; after a few only a fresh start helps.
    pub(super) resumes: u32,
    pub(super) closing: bool,
}

/// A voice nobody made louder or quieter, in percent.
pub(super) const AS_IT_IS: u8 = 100;

/// Of a connection that nothing is known of yet.
pub(super) const UNMEASURED: LinkView = LinkView { quality: LinkQuality::Unknown, rtt_ms: None, loss_percent: None };

/// After this long without a connection nobody sees us: the devices are closed until it is back.
const DEVICES_WITHOUT_LINK: Duration = Duration::from_secs(30);

impl Call {
    /// May devices be open now?
    pub(super) fn may_capture(&self, now: Instant) -> bool {
        match &self.stage {
            Stage::Joining(_) | Stage::In => true,
            Stage::Lost { since, .. } => now.duration_since(*since) < DEVICES_WITHOUT_LINK,
        }
    }

    /// The next instant something is due.
    pub(super) fn wake(&self) -> Option<Instant> {
        [
            self.retry_at,
            self.signal.as_ref().map(Signal::wake),
            self.office.as_ref().and_then(|o| o.retry_at),
            self.connect_by,
            self.sight.wake().filter(|_| self.up.0),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What this person may do, by office and server together.
    pub(super) fn grants(&self) -> Grants {
        if self.crowd.is_none() {
            return Grants::NONE;
        }
        let office = self.office.as_ref().map_or(Grants::ALL, |o| o.matrix.grants(o.role));
        let server = self.server_grants.unwrap_or(Grants::ALL);
        office.iter().filter(|c| server.allows(*c)).fold(Grants::NONE, |set, c| set.with(c, true))
    }

    /// How what we send is protected.
    pub(super) fn sealing(&self, lane: Lane) -> Result<Sealing, SealFrame> {
        Ok(match &self.seals {
            Some(seals) => Sealing::Sealed(seals.sealer(lane)?),
            None => Sealing::Plain,
        })
    }

    /// How what we receive must be protected.
    pub(super) fn opening(&self, source: TrackSource) -> Opening {
        match &self.seals {
            Some(seals) => Opening::Sealed(seals.opener(source, self.server_mark.clone())),
            None => Opening::Plain,
        }
    }

    /// How data packets must be protected.
    pub(super) fn data_opening(&self) -> Opening {
        match &self.seals {
            Some(seals) => Opening::Sealed(seals.data_opener()),
            None => Opening::Plain,
        }
    }

    /// One of our own tracks.
    pub(super) fn own(&mut self, lane: Lane) -> &mut Own {
        self.own.entry(lane).or_default()
    }

    /// Which of ours has this id.
    pub(super) fn lane_of(&self, cid: &str) -> Option<Lane> {
        self.own.iter().find(|(_, own)| own.cid.as_deref() == Some(cid)).map(|(lane, _)| *lane)
    }
}
