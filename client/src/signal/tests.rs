//! The signalling machine with scripted messages and a clock of its own.

use super::*;

fn joined() -> (Signal, Instant) {
    let now = Instant::now();
    let join = lk::JoinResponse {
        participant: Some(lk::ParticipantInfo { sid: "PA_me".into(), ..Default::default() }),
        ping_interval: 5,
        ping_timeout: 15,
        ..Default::default()
    };
    (Signal::joined(&join, now), now)
}

fn drain(signal: &mut Signal) -> Vec<Out> {
    std::iter::from_fn(|| signal.poll()).collect()
}

fn track(cid: &str) -> lk::AddTrackRequest {
    lk::AddTrackRequest { cid: cid.into(), source: 2, ..Default::default() }
}

fn let_in(cid: &str, sid: &str) -> Say {
    Say::TrackPublished(lk::TrackPublishedResponse {
        cid: cid.into(),
        track: Some(lk::TrackInfo { sid: sid.into(), ..Default::default() }),
    })
}

fn answer(id: u32) -> Say {
    Say::Answer(lk::SessionDescription { r#type: "answer".into(), sdp: "a".into(), id, ..Default::default() })
}

#[test]
fn only_one_offer_is_outstanding_and_the_next_one_follows_its_answer() {
    let (mut signal, now) = joined();
    signal.negotiate(false);
    assert!(matches!(drain(&mut signal)[..], [Out::OfferWanted { ice_restart: false }]));
    signal.publisher_offer("o1".into(), now);
    signal.negotiate(false);
    signal.negotiate(true);
    assert!(matches!(&drain(&mut signal)[..], [Out::Send(Ask::Offer(o))] if o.id == 1));
    signal.on_message(answer(7), now);
    assert!(drain(&mut signal).is_empty(), "an answer to another offer is stale");
    signal.on_message(answer(1), now);
    assert!(matches!(drain(&mut signal)[..], [Out::PublisherAnswer(_), Out::OfferWanted { ice_restart: true }]));
}

#[test]
fn a_track_that_is_not_allowed_fails_at_once() {
    let (mut signal, now) = joined();
    signal.add_track(track("c1"), now);
    drain(&mut signal);
    let refusal = lk::RequestResponse {
        reason: lk::request_response::Reason::NotAllowed as i32,
        request: Some(lk::request_response::Request::AddTrack(track("c1"))),
        ..Default::default()
    };
    signal.on_message(Say::RequestResponse(refusal), now);
    assert!(matches!(&drain(&mut signal)[..], [Out::TrackRefused { cid, by_right: true }] if cid == "c1"));
}

#[test]
fn a_track_nobody_answers_for_is_given_up() {
    let (mut signal, now) = joined();
    signal.add_track(track("c1"), now);
    drain(&mut signal);
    let later = now + Duration::from_secs(11);
    signal.on_message(Say::Pong(0), later);
    signal.on_time(later);
    assert!(drain(&mut signal).iter().any(|o| matches!(o, Out::TrackRefused { by_right: false, .. })));
}

#[test]
fn a_server_that_takes_a_track_away_is_heard() {
    let (mut signal, now) = joined();
    signal.add_track(track("c1"), now);
    signal.on_message(let_in("c1", "TR_1"), now);
    drain(&mut signal);
    signal.on_message(Say::TrackUnpublished(lk::TrackUnpublishedResponse { track_sid: "TR_1".into() }), now);
    assert!(matches!(&drain(&mut signal)[..], [Out::TrackGone { cid }] if cid == "c1"));
}

#[test]
fn silence_means_the_socket_is_dead() {
    let (mut signal, now) = joined();
    signal.on_time(now);
    assert!(matches!(&drain(&mut signal)[..], [Out::Send(Ask::PingReq(_))]));
    signal.on_time(now + Duration::from_secs(16));
    assert!(drain(&mut signal).iter().any(|o| matches!(o, Out::Silent)));
}

#[test]
fn a_pong_measures_the_round_trip() {
    let (mut signal, now) = joined();
    signal.on_time(now);
    let Some(Out::Send(Ask::PingReq(ping))) = signal.poll() else { panic!("a ping comes first") };
    let pong = lk::Pong { last_ping_timestamp: ping.timestamp, timestamp: 0 };
    signal.on_message(Say::PongResp(pong), now + Duration::from_millis(40));
    assert_eq!(signal.rtt(), Some(Duration::from_millis(40)));
}

#[test]
fn a_resume_syncs_restarts_the_publisher_and_sends_what_waited() {
    let (mut signal, now) = joined();
    signal.add_track(track("c1"), now);
    signal.on_message(let_in("c1", "TR_1"), now);
    let offer = lk::SessionDescription { r#type: "offer".into(), sdp: "theirs".into(), id: 4, ..Default::default() };
    signal.on_message(Say::Offer(offer), now);
    signal.subscriber_answer("ours".into(), 4);
    signal.negotiate(false);
    signal.publisher_offer("done".into(), now);
    signal.on_message(answer(1), now);
    drain(&mut signal);
    signal.lost();
    signal.mute("c1", true);
    signal.candidate(true, "{}".into());
    assert!(drain(&mut signal).is_empty(), "nothing is sent while the socket is gone");
    signal.resumed(Vec::new(), now);
    let out = drain(&mut signal);
    let [Out::Send(Ask::SyncState(sync)), Out::OfferWanted { ice_restart: true }, Out::Send(Ask::Mute(mute))] =
        &out[..]
    else {
        panic!("{out:?}")
    };
    assert_eq!(sync.publish_tracks.len(), 1);
    assert_eq!(sync.offer.as_ref().unwrap().sdp, "theirs");
    assert_eq!(sync.answer.as_ref().unwrap().sdp, "ours");
    assert!(mute.muted);
}

#[test]
fn an_offer_without_answer_is_stuck_after_a_while() {
    let (mut signal, now) = joined();
    signal.negotiate(false);
    signal.publisher_offer("o".into(), now);
    drain(&mut signal);
    let later = now + Duration::from_secs(16);
    signal.on_message(Say::Pong(0), later);
    signal.on_time(later);
    assert!(drain(&mut signal).iter().any(|o| matches!(o, Out::Stuck)));
}

#[test]
fn an_offer_whose_answer_was_lost_is_sent_again_before_the_restart() {
    let (mut signal, now) = joined();
    signal.negotiate(false);
    signal.publisher_offer("lost".into(), now);
    drain(&mut signal);
    signal.lost();
    signal.resumed(Vec::new(), now);
    let out = drain(&mut signal);
    let [Out::Send(Ask::SyncState(_)), Out::Send(Ask::Offer(offer))] = &out[..] else { panic!("{out:?}") };
    assert_eq!((offer.sdp.as_str(), offer.id), ("lost", 2));
    signal.on_message(answer(2), now);
    assert!(matches!(drain(&mut signal)[..], [Out::PublisherAnswer(_), Out::OfferWanted { ice_restart: true }]));
}
