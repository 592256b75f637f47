//! LiveKit's wire (protocol 17): reading it with limits, and the words between its types and ours.
//! Values only; the sockets are in `client::link` and `host::signal`.
//!
//! One binary WebSocket frame is one protobuf message: `SignalRequest` from the client, `SignalResponse` from the
//! server. Unknown fields of newer peers are skipped, as protobuf does.

use livekit_protocol as lk;
use prost::Message;

use crate::policy::{Capability, Grants, TrackKind, TrackSource};

/// Signalling protocol both our ends speak.
pub const PROTOCOL: i32 = 17;

/// Bytes one signalling message may have (the official server's limit).
pub const MAX_MESSAGE: usize = 2 * 1024 * 1024;

/// Bytes an SDP inside a message may have: a real one with 60 sections is about 60 kB.
pub const MAX_SDP: usize = 512 * 1024;

/// Why a frame is not a signalling message.
#[derive(Debug, thiserror::Error)]
pub enum ParseSignal {
    /// Over [`MAX_MESSAGE`].
    #[error("a signalling message of {0} bytes is too long")]
    TooLong(usize),
    /// Not protobuf, or not this message.
    #[error("not a signalling message: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// Protobuf, but with nothing in it that this version knows.
    #[error("a signalling message without content")]
    Empty,
}

/// Reads one request.
///
/// # Errors
/// Too long, not protobuf, or empty.
pub fn parse_request(frame: &[u8]) -> Result<lk::signal_request::Message, ParseSignal> {
    if frame.len() > MAX_MESSAGE {
        return Err(ParseSignal::TooLong(frame.len()));
    }
    lk::SignalRequest::decode(frame)?.message.ok_or(ParseSignal::Empty)
}

/// Reads one response.
///
/// # Errors
/// Too long, not protobuf, or empty.
pub fn parse_response(frame: &[u8]) -> Result<lk::signal_response::Message, ParseSignal> {
    if frame.len() > MAX_MESSAGE {
        return Err(ParseSignal::TooLong(frame.len()));
    }
    lk::SignalResponse::decode(frame)?.message.ok_or(ParseSignal::Empty)
}

/// One request as a frame.
#[must_use]
pub fn request(message: lk::signal_request::Message) -> Vec<u8> {
    lk::SignalRequest { message: Some(message) }.encode_to_vec()
}

/// One response as a frame.
#[must_use]
pub fn response(message: lk::signal_response::Message) -> Vec<u8> {
    lk::SignalResponse { message: Some(message) }.encode_to_vec()
}

/// Our word for LiveKit's source. `None`: a number this version does not know.
#[must_use]
pub fn source(wire: i32) -> Option<TrackSource> {
    Some(match lk::TrackSource::try_from(wire).ok()? {
        lk::TrackSource::Unknown => TrackSource::Megaphone,
        lk::TrackSource::Camera => TrackSource::Camera,
        lk::TrackSource::Microphone => TrackSource::Microphone,
        lk::TrackSource::ScreenShare => TrackSource::ScreenShare,
        lk::TrackSource::ScreenShareAudio => TrackSource::ScreenShareAudio,
    })
}

/// LiveKit's number for our word.
#[must_use]
pub const fn wire_source(source: TrackSource) -> i32 {
    match source {
        TrackSource::Megaphone => lk::TrackSource::Unknown as i32,
        TrackSource::Camera => lk::TrackSource::Camera as i32,
        TrackSource::Microphone => lk::TrackSource::Microphone as i32,
        TrackSource::ScreenShare => lk::TrackSource::ScreenShare as i32,
        TrackSource::ScreenShareAudio => lk::TrackSource::ScreenShareAudio as i32,
    }
}

/// Our word for LiveKit's track type. `None`: data, or a number this version does not know.
#[must_use]
pub fn kind(wire: i32) -> Option<TrackKind> {
    match lk::TrackType::try_from(wire).ok()? {
        lk::TrackType::Audio => Some(TrackKind::Audio),
        lk::TrackType::Video => Some(TrackKind::Video),
        lk::TrackType::Data => None,
    }
}

/// LiveKit's number for our word.
#[must_use]
pub const fn wire_kind(kind: TrackKind) -> i32 {
    match kind {
        TrackKind::Audio => lk::TrackType::Audio as i32,
        TrackKind::Video => lk::TrackType::Video as i32,
    }
}

/// What a LiveKit permission allows, in our words. An empty source list with `can_publish` means everything.
#[must_use]
pub fn grants(permission: &lk::ParticipantPermission) -> Grants {
    if !permission.can_publish {
        return Grants::NONE;
    }
    if permission.can_publish_sources.is_empty() {
        return Grants::ALL;
    }
    permission.can_publish_sources.iter().filter_map(|s| source(*s)).fold(Grants::NONE, |set, s| {
        set.with(
            match s {
                TrackSource::Megaphone => Capability::Megaphone,
                TrackSource::Camera => Capability::Camera,
                TrackSource::Microphone => Capability::Microphone,
                TrackSource::ScreenShare | TrackSource::ScreenShareAudio => Capability::ScreenShare,
            },
            true,
        )
    })
}

/// Our grants as LiveKit's permission. No grant at all must not become "an empty list", which would mean everything.
#[must_use]
pub fn permission(grants: Grants) -> lk::ParticipantPermission {
    let mut sources: Vec<i32> = Vec::new();
    for capability in grants.iter() {
        match capability {
            Capability::Microphone => sources.push(wire_source(TrackSource::Microphone)),
            Capability::Camera => sources.push(wire_source(TrackSource::Camera)),
            Capability::ScreenShare => {
                sources.push(wire_source(TrackSource::ScreenShare));
                sources.push(wire_source(TrackSource::ScreenShareAudio));
            }
            Capability::Megaphone => sources.push(wire_source(TrackSource::Megaphone)),
        }
    }
    lk::ParticipantPermission {
        can_subscribe: true,
        can_publish: !sources.is_empty(),
        can_publish_data: true,
        can_publish_sources: sources,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_grant_never_becomes_every_grant() {
        assert!(!permission(Grants::NONE).can_publish);
        for bits in 0_u8..16 {
            let set = Capability::ALL.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0).map(|(_, c)| *c);
            let set = Grants::of(&set.collect::<Vec<_>>());
            assert_eq!(grants(&permission(set)), set);
        }
    }

    #[test]
    fn an_oversized_frame_is_refused_before_it_is_read() {
        assert!(matches!(parse_request(&vec![0; MAX_MESSAGE + 1]), Err(ParseSignal::TooLong(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = parse_request(&bytes).is_ok();
            let _ = parse_response(&bytes).is_ok();
        }
    }
}
