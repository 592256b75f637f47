//! Why a peer could not do something.

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The description is not SDP we can use; the peer is unchanged.
    #[error("unusable description: {0}")]
    Description(&'static str),
    /// Longer than [`crate::sdp::MAX_SDP`] or with too many sections; the peer is unchanged.
    #[error("the description is too large")]
    TooLarge,
    /// The library refused the step. After this in a negotiation, start over with a new peer.
    #[error("webrtc: {0}")]
    Library(String),
    /// The candidate is not one, or there are too many.
    #[error("unusable candidate")]
    Candidate,
    /// An offer is outstanding, or there is none to answer.
    #[error("not possible in this state of the negotiation")]
    State,
    /// No such sender, track or channel.
    #[error("no such {0}")]
    Unknown(&'static str),
    /// The other side has not agreed to this track or codec (yet).
    #[error("not negotiated")]
    NotNegotiated,
    /// The connection is not up (yet, or at the moment): the packet was not sent.
    #[error("not connected")]
    NotConnected,
    /// A queue is full: the message was not taken.
    #[error("the channel is congested")]
    Congested,
    /// The library panicked on this peer's input, or the peer was closed. It stays dead.
    #[error("the peer is dead")]
    Dead,
}

impl From<rtc::shared::error::Error> for PeerError {
    fn from(error: rtc::shared::error::Error) -> Self {
        Self::Library(error.to_string())
    }
}
