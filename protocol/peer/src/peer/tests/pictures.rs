//! Simulcast, feedback about the link, and the budget of what is sent again.

use super::*;

const RIDS: [&str; 3] = ["q", "h", "f"];

fn simulcast(path: &mut Path) -> SenderId {
    let spec = SenderSpec { track_id: "cam".into(), stream_id: "-".into(), codec: Codec::H264 };
    path.left.add_simulcast_sender(spec, &RIDS).unwrap()
}

fn packet(sequence: u16, payload: &[u8]) -> RtpOut {
    RtpOut {
        marker: true,
        sequence,
        timestamp: u32::from(sequence) * 3000,
        audio_level: None,
        red: false,
        payload: Bytes::copy_from_slice(payload),
    }
}

#[test]
fn every_layer_arrives_as_itself_and_is_asked_for_key_frames_by_itself() {
    let mut path = Path::new();
    let camera = simulcast(&mut path);
    path.connect();
    assert_eq!(path.tracks()[0].rids, RIDS);
    // The third layer first: nothing but its name says which one it is.
    for layer in [2, 0, 1] {
        for sequence in 0..5 {
            path.left.write_layer(camera, layer, packet(sequence, &[0x65, layer]), path.now).unwrap();
            path.run(Duration::from_millis(10));
        }
    }
    assert!(path.left.write_layer(camera, 3, packet(0, &[0x65]), path.now).is_err(), "there is no fourth layer");
    let arrived = path.received();
    assert_eq!(arrived.len(), 15);
    assert!(arrived.iter().all(|packet| packet.payload[1] == packet.layer), "{arrived:?}");
    let key = arrived[0].track;
    path.right.request_key_frame(key, 1, path.now).unwrap();
    path.run(Duration::from_millis(50));
    let asked = |event: &Event| match event {
        Event::KeyFrameRequested { sender, layer } => Some((*sender, *layer)),
        _ => None,
    };
    assert_eq!(path.left_events.iter().filter_map(asked).collect::<Vec<_>>(), [(camera, 1)]);
}

#[test]
fn lost_packets_of_a_layer_are_sent_again() {
    let mut path = Path::new();
    let camera = simulcast(&mut path);
    path.connect();
    path.left.write_layer(camera, 1, packet(0, &[1; 900]), path.now).unwrap();
    path.run(Duration::from_millis(50));
    path.loss_percent = 10;
    for sequence in 1..500 {
        path.left.write_layer(camera, 1, packet(sequence, &[1; 900]), path.now).unwrap();
        path.run(Duration::from_millis(10));
    }
    path.loss_percent = 0;
    path.run(Duration::from_secs(1));
    let arrived: std::collections::BTreeSet<u16> = path.received().iter().map(|packet| packet.sequence).collect();
    assert!(arrived.len() >= 495, "{} of 500", arrived.len());
}

#[test]
fn the_link_is_known_from_feedback_about_pictures() {
    let mut path = Path::new();
    let mic = path.sender("mic", Codec::Opus);
    let camera = path.sender("cam", Codec::H264);
    path.connect();
    for sequence in 0..50 {
        path.write(mic, sequence, &[1; 80]).unwrap();
        path.run(Duration::from_millis(20));
    }
    assert_eq!(path.left.estimate(path.now), None, "sound is not numbered");
    for sequence in 0..400 {
        path.write(camera, sequence, &[1; 1100]).unwrap();
        path.run(Duration::from_millis(10));
    }
    let estimate = path.left.estimate(path.now).expect("the other side reports");
    assert!(estimate.bits > 1_000_000, "{estimate:?}");
    assert!(estimate.queue < Duration::from_millis(5) && estimate.hold.is_none(), "{estimate:?}");
    assert_eq!(path.right.estimate(path.now), None, "who sends nothing knows nothing");
}

#[test]
fn what_is_sent_again_is_bounded_however_much_is_lost() {
    // The checks of the way are lost, too.
    let patient = |flow| PeerConfig { disconnected_after: Duration::from_secs(60), ..PeerConfig::new(flow) };
    let mut path = Path::with(patient(Flow::Send), patient(Flow::Receive), Protocol::Udp);
    let camera = path.sender("cam", Codec::Vp8);
    path.connect();
    path.loss_percent = 40;
    path.packets = 0;
    let count = 1500_u16;
    for sequence in 0..count {
        path.write(camera, sequence, &[1; 900]).unwrap();
        path.run(Duration::from_millis(5));
    }
    // Reports and requests of the other side are among them: ten a second and fifty a second at most.
    let others = 75 + 375;
    let again = path.packets.saturating_sub(usize::from(count) + others);
    assert!(again <= usize::from(count) * 30 / 100 + 15, "{again} sent again for {count}");
}
