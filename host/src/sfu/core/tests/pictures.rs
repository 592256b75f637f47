//! Who is sent no pictures gets none, whatever they subscribe to and ask for, and keeps the sound.

use super::*;

/// A meeting in which one sends everything there is.
struct Show {
    world: World,
    camera: SenderId,
    screen: SenderId,
    mic: SenderId,
    screen_sound: SenderId,
    sequence: u16,
}

const CAMERA: &str = "TR_cam";
const SCREEN: &str = "TR_screen";
const MIC: &str = "TR_mic";
const SCREEN_SOUND: &str = "TR_screen_sound";

impl Show {
    fn new() -> Self {
        let mut world = World::meeting();
        let camera = world.publish(0, CAMERA, TrackSource::Camera);
        let screen = world.publish(0, SCREEN, TrackSource::ScreenShare);
        let mic = world.publish(0, MIC, TrackSource::Microphone);
        let screen_sound = world.publish(0, SCREEN_SOUND, TrackSource::ScreenShareAudio);
        for at in [1, 2] {
            for sid in [CAMERA, SCREEN, MIC, SCREEN_SOUND] {
                world.subscribe(at, sid, true);
            }
        }
        world.millis(100);
        let mut show = Self { world, camera, screen, mic, screen_sound, sequence: 0 };
        show.send(10);
        show
    }

    /// Pictures are key frames where somebody asked for one, and the first always.
    fn send(&mut self, pictures: usize) {
        for _ in 0..pictures {
            let asked = std::mem::take(&mut self.world.clients[0].asked);
            for sender in [self.camera, self.screen] {
                let key = self.sequence == 0 || asked.contains(&sender);
                self.world.write(0, sender, self.sequence, 0, if key { KEY } else { DELTA });
            }
            for sender in [self.mic, self.screen_sound] {
                self.world.write(0, sender, self.sequence, 20, b"opus");
            }
            self.sequence += 1;
            self.world.millis(33);
        }
    }

    fn pictures(&mut self, at: usize, on: bool) {
        let session = self.world.clients[at].key;
        self.world.command(SfuCommand::Pictures { session, on });
    }

    /// How many packets came since the last look: camera, screen, microphone, sound of the screen.
    fn came(&mut self, at: usize) -> [usize; 4] {
        let counts = [CAMERA, SCREEN, MIC, SCREEN_SOUND].map(|sid| self.world.clients[at].sequences(sid).len());
        self.world.clients[at].received.clear();
        counts
    }
}

#[test]
fn pictures_stop_with_the_next_packet_and_sound_goes_on() {
    let mut show = Show::new();
    assert!(show.came(1).iter().all(|count| *count > 0), "everything arrives at first");
    show.came(2);
    // What was on its way when it was stopped still arrives.
    show.pictures(1, false);
    show.world.millis(10);
    show.came(1);
    show.world.clients[0].asked.clear();
    show.send(60);
    let [camera, screen, mic, sound] = show.came(1);
    assert_eq!((camera, screen), (0, 0), "not one packet of a picture");
    assert!(mic >= 59 && sound >= 59, "{mic} {sound}");
    let [camera, screen, ..] = show.came(2);
    assert!(camera >= 59 && screen >= 59, "the others are not touched: {camera} {screen}");
}

#[test]
fn what_comes_back_begins_with_a_key_frame_without_a_gap() {
    let mut show = Show::new();
    show.pictures(1, false);
    show.send(20);
    show.came(1);
    show.pictures(1, true);
    show.send(20);
    let client = &show.world.clients[1];
    let camera = client.tracks.iter().find(|track| track.track_id == CAMERA).expect("it stayed subscribed").key;
    let first = client.received.iter().find(|packet| packet.track == camera).expect("pictures are back");
    assert_eq!(first.payload.as_ref(), KEY);
    let [camera, screen, ..] = show.came(1);
    assert!(camera >= 10 && screen >= 10, "soon after: {camera} {screen}");
}

#[test]
fn nothing_a_client_asks_for_brings_pictures_and_publishers_are_not_bothered() {
    let mut show = Show::new();
    let key = show.world.clients[1].key;
    show.pictures(1, false);
    show.world.millis(400);
    show.came(1);
    show.world.clients[0].asked.clear();
    show.world.subscribe(2, CAMERA, false);
    show.world.subscribe(2, SCREEN, false);
    show.world.clients[0].asked.clear();
    for round in 0..10 {
        let wish = TrackWish { disabled: round % 2 == 0, quality: Some(2), size: Some((1920, 1080)) };
        show.world.command(SfuCommand::Wish { session: key, sid: sid(CAMERA), wish });
        show.world.subscribe(1, SCREEN, round % 2 == 1);
        show.world.command(SfuCommand::Mute { sid: sid(CAMERA), muted: round % 2 == 0 });
        show.world.command(SfuCommand::Resume { session: key });
        let tracks: Vec<TrackKey> = show.world.clients[1].tracks.iter().map(|track| track.key).collect();
        let now = show.world.now;
        for track in tracks {
            // Of tracks that are gone or sound it cannot even be asked.
            show.world.clients[1].subscriber.request_key_frame(track, 0, now).ok();
        }
        show.world.millis(400);
        assert!(show.world.clients[0].asked.is_empty(), "nobody sees it, so nobody is asked for key frames");
        for _ in 0..10 {
            show.world.write(0, show.camera, show.sequence, 0, KEY);
            show.world.write(0, show.screen, show.sequence, 0, KEY);
            show.sequence += 1;
            show.world.millis(33);
        }
    }
    let [camera, screen, ..] = show.came(1);
    assert_eq!((camera, screen), (0, 0));
}

#[test]
fn who_joins_without_leave_for_pictures_gets_sound_from_the_start() {
    let mut show = Show::new();
    show.world.pictures = false;
    let at = show.world.join("room");
    for sid in [CAMERA, SCREEN, MIC, SCREEN_SOUND] {
        show.world.subscribe(at, sid, true);
    }
    show.world.millis(1500);
    show.send(30);
    let [camera, screen, mic, sound] = show.came(at);
    assert_eq!((camera, screen), (0, 0));
    assert!(mic > 10 && sound > 10, "{mic} {sound}");
}
