//! Configures the library's connection: codecs, extensions, interceptors, ICE, SRTP profiles.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::interceptor::{NackResponderBuilder, ReceiverReportBuilder, Registry, SenderReportBuilder, Slot};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::{SctpMaxMessageSize, SettingEngineBuilder};
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate, RTCIceCandidateInit};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverId};

use crate::config::{Codec, Flow, PeerConfig, red_parameters};
use crate::error::PeerError;
use crate::media::LocalCandidate;
use crate::nack::Nack;
use crate::plane::SharedPlane;
use crate::sdp::EXTENSIONS;
use crate::tap::Tap;
use crate::traffic::Traffic;
use crate::wire::{Arrivals, Wire};

/// Reports of every stream we send. On the thinnest link one a second would take a twentieth of it.
const REPORT_EVERY: Duration = Duration::from_secs(3);
/// Before everything else: arrivals are counted as they were on the wire.
const SLOT_ARRIVALS: usize = 400;
/// Then retransmissions become what they repair.
const SLOT_WIRE: usize = 500;
/// After every stock interceptor: what remains is the application's.
const SLOT_TAP: usize = 14_000;

pub(super) fn connection(
    config: &PeerConfig,
    plane: &SharedPlane,
    now: Instant,
) -> Result<RTCPeerConnection, PeerError> {
    let mut media = MediaEngine::default();
    for codec in &config.codecs {
        for parameters in codec.parameters() {
            media.register_codec(parameters, codec.kind().rtc())?;
        }
    }
    if config.red {
        media.register_codec(red_parameters(), RtpCodecKind::Audio)?;
    }
    for (uri, audio, video) in EXTENSIONS {
        for (wanted, kind) in [(audio, RtpCodecKind::Audio), (video, RtpCodecKind::Video)] {
            if wanted {
                media.register_header_extension(RTCRtpHeaderExtensionCapability { uri: uri.to_owned() }, kind, None)?;
            }
        }
    }

    let mut registry = Registry::new()
        .with(Slot::from(SLOT_WIRE), Wire::new(plane.clone()))
        .with(Slot::from(SLOT_TAP), Tap::new(plane.clone()));
    registry = match config.flow {
        Flow::Send => registry
            .with(Slot::CongestionControl, Traffic::new(plane.clone()))
            .with(Slot::NackResponder, NackResponderBuilder::new().with_size(config.resend_packets).build())
            .with(Slot::SenderReport, SenderReportBuilder::new().with_interval(REPORT_EVERY).build()),
        Flow::Receive => registry
            .with(Slot::from(SLOT_ARRIVALS), Arrivals::new(plane.clone()))
            .with(Slot::NackGenerator, Nack::new(plane.clone(), config.max_nacks))
            .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build()),
    };

    let attempts = config.disconnected_after.as_millis() / config.check_interval.as_millis().max(1);
    let settings = SettingEngineBuilder::new()
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        .with_ice_timeouts(
            Some(config.disconnected_after),
            Some(config.failed_after),
            Some(std::time::Duration::from_secs(2)),
        )
        .with_ice_connection_attempts(Some(config.check_interval), Some(u16::try_from(attempts).unwrap_or(u16::MAX)))
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(65_536))
        .build();
    Ok(RTCPeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_setting_engine(settings)
        .with_interceptor_registry(registry)
        .build(now)?)
}

/// Every configured codec of the kind, the wanted one first, each with its retransmission format.
pub(super) fn preferences(config: &PeerConfig, first: Codec) -> Vec<RTCRtpCodecParameters> {
    let others = config.codecs.iter().copied().filter(|codec| *codec != first && codec.kind() == first.kind());
    std::iter::once(first).chain(others).flat_map(Codec::parameters).collect()
}

pub(super) fn candidate(candidate: LocalCandidate) -> Result<RTCIceCandidateInit, PeerError> {
    use rtc::ice::tcp_type::TcpType;
    let (network, address, tcp_type) = match candidate {
        LocalCandidate::Udp(address) => ("udp", address, TcpType::Unspecified),
        LocalCandidate::TcpPassive(address) => ("tcp", address, TcpType::Passive),
        LocalCandidate::TcpActive(address) => ("tcp", address, TcpType::Active),
    };
    if address.ip().is_unspecified() || address.port() == 0 {
        return Err(PeerError::Candidate);
    }
    let host = CandidateHostConfig {
        base_config: CandidateConfig {
            network: network.to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        tcp_type,
    }
    .new_candidate_host()?;
    let mut init = RTCIceCandidate::from(&host).to_json()?;
    init.sdp_mid = Some(String::from("0"));
    init.sdp_mline_index = Some(0);
    Ok(init)
}

/// The candidate's address is an IP, not a name.
pub(super) fn is_numeric(candidate: &str) -> bool {
    candidate.split(' ').nth(4).is_some_and(|address| address.parse::<IpAddr>().is_ok())
}

pub(super) fn transceiver(sender: RTCRtpSenderId) -> RTCRtpTransceiverId {
    sender.into()
}
