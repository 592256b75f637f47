//! What a peer offers: codecs, feedback, header extensions, timers. Values only.

use std::time::Duration;

use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8};
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};

/// Which way media goes. LiveKit's dual layout has one peer per way; the way decides which RTCP work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// We send media (client's publisher, host's subscriber connection): retransmissions, sender reports.
    Send,
    /// We receive media (host's publisher, client's subscriber connection): NACK, receiver reports, TWCC feedback.
    Receive,
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Opus.
    Audio,
    /// VP8 or H.264.
    Video,
}

/// The codecs this product speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// 48 kHz, RTP clock 48 000.
    Opus,
    /// RTP clock 90 000.
    Vp8,
    /// Constrained baseline, packetization-mode 1, RTP clock 90 000.
    H264,
}

impl Codec {
    /// Sound or picture.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Opus => Kind::Audio,
            Self::Vp8 | Self::H264 => Kind::Video,
        }
    }

    /// As LiveKit's `TrackInfo.mime_type` spells it.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Opus => MIME_TYPE_OPUS,
            Self::Vp8 => MIME_TYPE_VP8,
            Self::H264 => MIME_TYPE_H264,
        }
    }

    /// RTP ticks per second.
    #[must_use]
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Vp8 | Self::H264 => 90_000,
        }
    }

    /// From an `a=rtpmap` name such as `VP8` (case does not matter).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [(Self::Opus, "opus"), (Self::Vp8, "VP8"), (Self::H264, "H264")]
            .into_iter()
            .find_map(|(codec, known)| name.eq_ignore_ascii_case(known).then_some(codec))
    }

    pub(crate) fn capability(self) -> RTCRtpCodec {
        match self {
            Self::Opus => RTCRtpCodec {
                mime_type: MIME_TYPE_OPUS.to_owned(),
                clock_rate: 48_000,
                channels: 2,
                sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
                // No transport-cc: libwebrtc would look for bandwidth with sound alone, by sending padding in its place.
                rtcp_feedback: feedback(&[("nack", "")]),
            },
            Self::Vp8 => video(MIME_TYPE_VP8, ""),
            Self::H264 => {
                video(MIME_TYPE_H264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
            }
        }
    }

    fn payload_type(self) -> u8 {
        match self {
            Self::Opus => 111,
            Self::Vp8 => 96,
            Self::H264 => 125,
        }
    }

    fn rtx_payload_type(self) -> Option<u8> {
        match self {
            Self::Opus => None,
            Self::Vp8 => Some(97),
            Self::H264 => Some(108),
        }
    }

    /// The codec and its retransmission format, as registered with the library.
    pub(crate) fn parameters(self) -> Vec<RTCRtpCodecParameters> {
        let mut all = vec![RTCRtpCodecParameters { rtp_codec: self.capability(), payload_type: self.payload_type() }];
        if let Some(rtx) = self.rtx_payload_type() {
            all.push(RTCRtpCodecParameters {
                rtp_codec: RTCRtpCodec {
                    mime_type: MIME_TYPE_RTX.to_owned(),
                    clock_rate: 90_000,
                    channels: 0,
                    sdp_fmtp_line: format!("apt={}", self.payload_type()),
                    rtcp_feedback: vec![],
                },
                payload_type: rtx,
            });
        }
        all
    }
}

/// RED (RFC 2198) around Opus, as LiveKit registers it. What is lost is in the next packets; it is not asked for again.
pub(crate) fn red_parameters() -> RTCRtpCodecParameters {
    let opus = Codec::Opus.payload_type();
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: "audio/red".to_owned(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: format!("{opus}/{opus}"),
            rtcp_feedback: vec![],
        },
        payload_type: 63,
    }
}

fn video(mime: &str, fmtp: &str) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: feedback(&[("ccm", "fir"), ("nack", ""), ("nack", "pli"), ("transport-cc", "")]),
    }
}

fn feedback(list: &[(&str, &str)]) -> Vec<RTCPFeedback> {
    list.iter()
        .map(|(typ, parameter)| RTCPFeedback { typ: (*typ).to_owned(), parameter: (*parameter).to_owned() })
        .collect()
}

impl Kind {
    pub(crate) fn rtc(self) -> RtpCodecKind {
        match self {
            Self::Audio => RtpCodecKind::Audio,
            Self::Video => RtpCodecKind::Video,
        }
    }
}

/// How a peer behaves. [`PeerConfig::new`] is what both ends of the product use.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// Which way media goes.
    pub flow: Flow,
    /// Offered in this order; the first video codec is the preferred one.
    pub codecs: Vec<Codec>,
    /// Pause between connectivity checks of one pair. The RFC's 50 ms floor is for the open internet; our checks are
    /// few (a handful of candidates), so a join is not kept waiting.
    pub check_interval: Duration,
    /// Silence after which ICE is disconnected (media may come back by itself).
    pub disconnected_after: Duration,
    /// Further silence after which it has failed for good.
    pub failed_after: Duration,
    /// Packets kept for retransmission per sent stream; a power of two.
    pub resend_packets: u16,
    /// Times one lost packet is asked for. More than this is never useful within a jitter buffer's patience, and it
    /// bounds what a peer that never answers can make us send.
    pub max_nacks: u16,
    /// Negotiate RED for sound: packets that carry the ones before them once more.
    pub red: bool,
    /// Treat Opus as if the other side had named `nack` for it. Official SDKs leave it out of their descriptions and
    /// answer and send such requests all the same; LiveKit's server reads it into them, too.
    pub assume_sound_nack: bool,
    /// Only long queues count as a link that is full: see [`crate::bandwidth::Estimator::patient`].
    pub patient: bool,
}

impl PeerConfig {
    /// Opus, H.264 and VP8; GCM-256 SRTP preferred; disconnected after 5 s, failed 10 s later.
    #[must_use]
    pub fn new(flow: Flow) -> Self {
        Self {
            flow,
            codecs: vec![Codec::Opus, Codec::Vp8, Codec::H264],
            check_interval: Duration::from_millis(30),
            disconnected_after: Duration::from_secs(5),
            failed_after: Duration::from_secs(10),
            resend_packets: 512,
            max_nacks: 5,
            red: false,
            assume_sound_nack: false,
            patient: false,
        }
    }
}
