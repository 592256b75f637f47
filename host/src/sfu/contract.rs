//! The seam between the host's control plane (signalling, office, rights) and its media plane (the SFU): plain data.
//! The control plane decides who may do what and never sees an RTP packet; the media plane forwards what it was told
//! to and drops everything else. Neither waits for the other.

use bytes::Bytes;
use peer::Codec;
use protocol::ids::{RoomId, TrackSid};
use protocol::policy::{TrackKind, TrackSource};

/// One participant session on this host, unique for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u64);

/// Which of a participant's two connections (LiveKit `SignalTarget`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Carries what the client sends; the client offers.
    Publisher,
    /// Carries what the client receives; the host offers.
    Subscriber,
}

/// A track the control plane has allowed. RTP of anything else is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedTrack {
    /// Given by the control plane; starts with `TR_`.
    pub sid: TrackSid,
    /// The client's own id: equals the msid track id in its offer.
    pub cid: String,
    /// Further client ids of simulcast codecs.
    pub other_cids: Vec<String>,
    /// Sound or picture.
    pub kind: TrackKind,
    /// What it is.
    pub source: TrackSource,
    /// What the client means to send, if it said: first in our answer. What arrives counts all the same.
    pub codec: Option<Codec>,
    /// Sound only: the client is asked to send it in RED, if it offers that.
    pub red: bool,
    /// Nothing of it is forwarded while muted.
    pub muted: bool,
    /// Simulcast layers by ascending quality: (LiveKit quality 0..=2, width, height, rid). One or none: no simulcast.
    pub layers: Vec<Layer>,
}

impl AllowedTrack {
    /// Does it show a person or a screen? Judged by source **and** kind: whatever is either is a picture.
    #[must_use]
    pub const fn shows(&self) -> bool {
        matches!(self.kind, TrackKind::Video) || matches!(self.source, TrackSource::Camera | TrackSource::ScreenShare)
    }
}

/// One simulcast layer as announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// LiveKit `VideoQuality`: 0 low, 1 medium, 2 high.
    pub quality: u8,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// RTP stream id: `q`, `h`, `f`.
    pub rid: String,
}

/// What a subscriber wants of one track (LiveKit `UpdateTrackSettings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackWish {
    /// Paused without renegotiation.
    pub disabled: bool,
    /// Highest layer wanted, if said.
    pub quality: Option<u8>,
    /// Size it is shown at, if said: (width, height).
    pub size: Option<(u32, u32)>,
}

/// From the control plane to the media plane.
#[derive(Debug)]
pub enum SfuCommand {
    /// A session begins: both connections are made; if it may subscribe, a subscriber offer with the two data
    /// channels `_reliable` and `_lossy` follows as an event.
    Join {
        /// Who.
        session: SessionKey,
        /// Where: speakers are reported per room.
        room: RoomId,
        /// `a=msid` needs the publisher's `PA_…` sid.
        participant_sid: String,
        /// May it receive at all?
        can_subscribe: bool,
        /// May it receive pictures? See [`SfuCommand::Pictures`].
        pictures: bool,
    },
    /// The client's publisher offer.
    PublisherOffer {
        /// Whose.
        session: SessionKey,
        /// SDP, at most `protocol::signal::MAX_SDP` bytes.
        sdp: String,
        /// Echoed in the answer.
        id: u32,
    },
    /// The client's answer to our subscriber offer.
    SubscriberAnswer {
        /// Whose.
        session: SessionKey,
        /// SDP.
        sdp: String,
        /// Of the offer it answers; 0 = don't check.
        id: u32,
    },
    /// A remote candidate.
    Trickle {
        /// Whose.
        session: SessionKey,
        /// For which connection.
        target: Target,
        /// LiveKit's `candidateInit` JSON.
        candidate: String,
    },
    /// A track may be published now.
    Allow {
        /// By whom.
        session: SessionKey,
        /// What.
        track: AllowedTrack,
    },
    /// A track is not allowed any more, or was unpublished: dropped at once, taken from all subscribers.
    Remove {
        /// Which.
        sid: TrackSid,
    },
    /// Muted or not: nothing of a muted track is forwarded.
    Mute {
        /// Which.
        sid: TrackSid,
        /// Muted?
        muted: bool,
    },
    /// Subscribe or unsubscribe. May cross rooms (the megaphone does).
    Subscribe {
        /// Who listens.
        session: SessionKey,
        /// To what.
        sid: TrackSid,
        /// On or off.
        on: bool,
    },
    /// A subscriber's wish for one track.
    Wish {
        /// Who.
        session: SessionKey,
        /// Which.
        sid: TrackSid,
        /// What.
        wish: TrackWish,
    },
    /// Whether a session is sent pictures: cameras and screens, by source and kind, whatever it subscribed to. Sound is not
    /// touched. Takes effect with the next packet; what comes back begins with a key frame.
    Pictures {
        /// Who.
        session: SessionKey,
        /// On or off.
        on: bool,
    },
    /// Send data to sessions, on the channel `_reliable` or `_lossy` of their subscriber connection.
    SendData {
        /// To whom.
        to: Vec<SessionKey>,
        /// Which channel.
        reliable: bool,
        /// One LiveKit `DataPacket`.
        bytes: Bytes,
    },
    /// The client resumed: restart ICE on the subscriber connection with a new offer.
    Resume {
        /// Who.
        session: SessionKey,
    },
    /// The session ends.
    Leave {
        /// Who.
        session: SessionKey,
    },
}

/// From the media plane to the control plane.
#[derive(Debug)]
pub enum SfuEvent {
    /// Answer to a publisher offer.
    PublisherAnswer {
        /// For whom.
        session: SessionKey,
        /// SDP.
        sdp: String,
        /// Of the offer.
        id: u32,
    },
    /// A subscriber offer; at most one is outstanding per session.
    SubscriberOffer {
        /// For whom.
        session: SessionKey,
        /// SDP.
        sdp: String,
        /// Rises.
        id: u32,
    },
    /// A local candidate.
    Trickle {
        /// For whom.
        session: SessionKey,
        /// Of which connection.
        target: Target,
        /// LiveKit's `candidateInit` JSON.
        candidate: String,
    },
    /// An offer or answer could not be used: the client needs a full reconnect.
    NegotiationFailed {
        /// Whose.
        session: SessionKey,
        /// Of which connection.
        target: Target,
    },
    /// A connection is up.
    Connected {
        /// Whose.
        session: SessionKey,
        /// Which.
        target: Target,
    },
    /// A connection failed for good (ICE failed, DTLS closed).
    Disconnected {
        /// Whose.
        session: SessionKey,
        /// Which.
        target: Target,
    },
    /// First RTP of an allowed track arrived: it is published now.
    TrackLive {
        /// By whom.
        session: SessionKey,
        /// Which.
        sid: TrackSid,
        /// `audio/opus`, `video/VP8`, `video/H264`, as negotiated.
        mime: String,
    },
    /// The client removed the track from its offer.
    TrackGone {
        /// Whose.
        session: SessionKey,
        /// Which.
        sid: TrackSid,
    },
    /// Which layers of a track of pictures are looked at: its publisher need not send others.
    LayersWanted {
        /// Whose track.
        session: SessionKey,
        /// Which.
        sid: TrackSid,
        /// LiveKit `VideoQuality` low, medium, high. All alike for a track of one stream.
        qualities: [bool; 3],
    },
    /// Somebody subscribed to it for the first time.
    FirstSubscriber {
        /// Whose track.
        session: SessionKey,
        /// Which.
        sid: TrackSid,
    },
    /// Who is heard, at most every 400 ms and only when it changed: loudest first.
    Speakers {
        /// Where.
        room: RoomId,
        /// Who, and 0.0..=1.0.
        speakers: Vec<(SessionKey, f32)>,
    },
    /// A `DataPacket` a client sent.
    Data {
        /// By whom.
        session: SessionKey,
        /// On which channel.
        reliable: bool,
        /// As it came, at most 65 535 bytes.
        bytes: Bytes,
    },
    /// How well a session is connected, about every 5 s: loss in percent, round trip in ms.
    Quality {
        /// Whose.
        session: SessionKey,
        /// Worst of both directions.
        loss_percent: u8,
        /// When known.
        rtt_ms: Option<u32>,
    },
}
