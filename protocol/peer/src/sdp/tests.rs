//! Real descriptions read right, broken ones refused or survived.

use super::*;

const CHROMIUM: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
a=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=sendonly\r\na=msid:stream mic\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=ssrc:7 cname:x\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 109\r\na=mid:1\r\na=sendonly\r\na=msid:- cam\r\n\
a=extmap:10/sendonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:103 H264/90000\r\n\
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\na=rtpmap:109 H264/90000\r\n\
a=fmtp:109 level-asymmetry-allowed=1; packetization-mode=1;profile-level-id=42e01f\r\n\
a=rid:q send\r\na=rid:h send\r\na=rid:x recv\r\na=simulcast:send q;h\r\na=ssrc-group:FID 11 12\r\na=ssrc:11 msid:- cam\r\na=ssrc:12 msid:- cam\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

#[test]
fn a_browser_offer_tells_who_sends_what() {
    let description = Description::parse(CHROMIUM).unwrap();
    assert_eq!(description.ufrag, "abcd");
    assert_eq!(
        description.extensions,
        ExtensionIds { mid: Some(4), rid: Some(10), audio_level: Some(1), ..ExtensionIds::default() }
    );
    let [audio, video, data] = description.sections.as_slice() else { panic!("three sections") };
    assert_eq!((audio.kind, video.kind, data.kind), (Some(Kind::Audio), Some(Kind::Video), None));
    assert_eq!(audio.msid, Some(("stream".into(), "mic".into())));
    assert_eq!(audio.ssrcs, [7]);
    assert!(audio.sends && !audio.receives);
    assert_eq!(video.rids, ["q", "h"], "only those it sends");
    assert_eq!((video.ssrcs.as_slice(), video.repairs.as_slice()), ([11].as_slice(), [(11, 12)].as_slice()));
    assert_eq!(video.payload_type(Codec::Vp8), Some(96));
    assert_eq!(video.payload_type(Codec::H264), Some(109), "only packetization-mode 1 is ours");
    assert_eq!(video.formats[1].repairs, Some(96));
    assert_eq!(audio.payload_type(Codec::Vp8), None);
}

#[test]
fn a_description_without_its_essentials_is_refused() {
    for (broken, why) in [
        (String::new(), "empty"),
        ("v=0\r\na=ice-ufrag:x\r\n".into(), "no section"),
        (CHROMIUM.replace("a=ice-ufrag:abcd\r\n", ""), "no ufrag"),
        (CHROMIUM.replace("a=mid:1", "a=mid:0"), "mid twice"),
        (CHROMIUM.replace("a=mid:1\r\n", ""), "no mid"),
        (CHROMIUM.replace("m=video", "m=smellovision"), "unknown kind"),
    ] {
        assert!(Description::parse(&broken).is_err(), "{why}");
    }
    let huge = format!("{CHROMIUM}{}", "m=audio 9 X 0\r\na=mid:z\r\n".repeat(600));
    assert!(matches!(Description::parse(&huge), Err(PeerError::TooLarge)));
    assert!(matches!(Description::parse(&"a".repeat(MAX_SDP + 1)), Err(PeerError::TooLarge)));
}

#[test]
fn every_truncation_survives() {
    for length in 0..CHROMIUM.len() {
        let _: Result<Description, PeerError> = Description::parse(&CHROMIUM[..length]);
    }
}

#[test]
fn only_passive_tcp_candidates_are_dialled() {
    let line = "candidate:1 1 tcp 1518280447 192.168.0.5 7881 typ host tcptype passive";
    assert_eq!(tcp_passive(line), "192.168.0.5:7881".parse().ok());
    assert_eq!(tcp_passive(&format!("{{\"candidate\":\"{line}\",\"sdpMid\":\"0\"}}")), "192.168.0.5:7881".parse().ok());
    for not in [
        "candidate:1 1 udp 1518280447 192.168.0.5 7881 typ host",
        "candidate:1 1 tcp 1518280447 192.168.0.5 9 typ host tcptype active",
        "candidate:1 1 tcp 1 host.local 9 typ host tcptype passive",
        "candidate:1 1 tcp",
        "",
    ] {
        assert_eq!(tcp_passive(not), None, "{not}");
    }
}

#[test]
fn an_answer_keeps_the_offers_order_of_codecs() {
    let sdp = |video: &str| {
        format!(
            "v=0\r\na=ice-ufrag:abcd\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF {video}\r\na=mid:1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"
        )
    };
    let offer = Description::parse(&sdp("103 104 96 97 98")).unwrap();
    let answer = |sdp: &str| ordered(&offer, sdp, &|_| None);
    assert_eq!(answer(&sdp("96 97 103 104")), sdp("103 104 96 97"));
    assert_eq!(answer(&sdp("96 45 103")), sdp("103 96 45"), "unknown ones stay, last");
    assert_eq!(answer("v=0\r\nm=audio 0\r\n"), "v=0\r\nm=audio 0\r\n");
}

#[test]
fn a_wanted_codec_comes_first_where_it_is_offered() {
    let offer = Description::parse(CHROMIUM).unwrap();
    let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 109\r\n";
    // H.264 is offered twice, first in packetization-mode 0, which we do not answer.
    let wanted =
        |section: &Section| (section.kind == Some(Kind::Video)).then_some(Wanted { codec: Codec::H264, red: false });
    assert_eq!(ordered(&offer, answer, &wanted), answer.replace("96 97 109", "109 96 97"));
    let red = |_: &Section| Some(Wanted { codec: Codec::Opus, red: true });
    assert_eq!(ordered(&offer, answer, &red), answer, "what is not answered changes nothing");
}

#[test]
fn red_is_known_by_what_is_in_it_and_comes_first_where_it_is_wanted() {
    let offer = Description::parse(CHROMIUM).unwrap();
    assert_eq!(offer.sections[0].red_payload_type(), Some(63));
    assert_eq!(offer.sections[1].red_payload_type(), None);
    for other in [CHROMIUM.replace("111/111", "96/96"), CHROMIUM.replace("a=fmtp:63 111/111\r\n", "")] {
        let description = Description::parse(&other).unwrap();
        assert_eq!(description.sections[0].red_payload_type(), None, "RED around something else is not ours");
    }
    let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
    let opus = |red| move |_: &Section| Some(Wanted { codec: Codec::Opus, red });
    assert_eq!(ordered(&offer, answer, &opus(true)), answer.replace("111 63", "63 111"));
    assert_eq!(ordered(&offer, answer, &opus(false)), answer);
}

#[test]
fn nack_is_read_into_sound_once_and_into_nothing_else() {
    let read = |sdp: &str| with_sound_nack(&Description::parse(sdp).unwrap(), sdp);
    let wanted = CHROMIUM.replace("opus/48000/2\r\n", "opus/48000/2\r\na=rtcp-fb:111 nack\r\n");
    assert_eq!(read(CHROMIUM), wanted);
    assert_eq!(read(&wanted), wanted);
    let other = CHROMIUM.replace("opus/48000/2\r\n", "opus/48000/2\r\na=rtcp-fb:111 nack pli\r\n");
    assert_ne!(read(&other), other, "another kind of feedback is not it");
}
