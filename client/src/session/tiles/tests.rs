//! Tiles in virtual time: what is told, when, and how often.

use protocol::bridge::ShownPicture;

use super::*;

const MAIN: &str = "main";

struct Story {
    tiles: Tiles,
    tracks: Vec<(TrackSid, bool)>,
    now: Instant,
}

fn sid(name: &str) -> TrackSid {
    TrackSid::parse(name).unwrap()
}

fn story(tracks: &[(&str, bool)]) -> Story {
    let tracks = tracks.iter().map(|(name, screen)| (sid(name), *screen)).collect();
    Story { tiles: Tiles::default(), tracks, now: Instant::now() }
}

impl Story {
    fn shows(&mut self, page: &str, pictures: &[(&str, u16, u16)]) {
        let picture = |(track, width, height): &(&str, u16, u16)| ShownPicture {
            track: (*track).to_owned(),
            width: *width,
            height: *height,
        };
        self.tiles.show(page, LookAt { pictures: pictures.iter().map(picture).collect() }, self.now);
    }

    fn later(&mut self, passed: Duration) -> News {
        self.now += passed;
        self.tiles.settle(&self.tracks, self.now)
    }

    fn now(&mut self) -> News {
        self.later(Duration::ZERO)
    }
}

fn told(wishes: &[(Wish, &[&str])]) -> BTreeMap<Wish, Vec<TrackSid>> {
    wishes.iter().map(|(wish, sids)| (*wish, sids.iter().map(|name| sid(name)).collect())).collect()
}

fn looked(names: &[&str]) -> Vec<(String, HashSet<String>)> {
    vec![(MAIN.to_owned(), names.iter().map(|name| (*name).to_owned()).collect())]
}

#[test]
fn who_shows_nothing_is_given_everything_and_tells_nothing() {
    let mut story = story(&[("TR_a", false), ("TR_b", true)]);
    for _ in 0..10 {
        assert_eq!(story.later(LINGERS), News::default());
    }
}

#[test]
fn a_size_is_told_at_once_and_once_and_in_one_message_for_all_that_are_alike() {
    let mut story = story(&[("TR_a", false), ("TR_b", false), ("TR_s", true)]);
    assert_eq!(story.now(), News::default());
    story.shows(MAIN, &[("TR_a", 320, 180), ("TR_b", 320, 180), ("TR_s", 900, 500), ("local-camera", 320, 180)]);
    let news = story.now();
    assert_eq!(news.wishes, told(&[(Wish::Place(320, 180), &["TR_a", "TR_b"])]), "a screen comes whole anyway");
    assert_eq!(news.looks, looked(&["TR_a", "TR_b", "TR_s", "local-camera"]));
    assert!(news.keys.is_empty(), "they flow already");
    for _ in 0..10 {
        assert_eq!(story.later(SETTLES), News::default());
    }
}

#[test]
fn what_is_out_of_sight_is_hidden_after_a_while_and_back_at_once() {
    let mut story = story(&[("TR_a", false)]);
    story.shows(MAIN, &[("TR_a", 320, 180)]);
    story.now();
    story.shows(MAIN, &[]);
    story.later(LINGERS / 2);
    story.shows(MAIN, &[("TR_a", 320, 180)]);
    assert_eq!(story.later(LINGERS * 2).wishes, told(&[]), "it was back in time");
    story.shows(MAIN, &[]);
    assert!(!story.tiles.hides(&sid("TR_a")));
    let news = story.later(LINGERS);
    assert_eq!((news.wishes, news.looks), (told(&[(Wish::Hidden, &["TR_a"])]), looked(&[])));
    assert!(story.tiles.hides(&sid("TR_a")));
    story.later(LINGERS * 10);
    story.shows(MAIN, &[("TR_a", 640, 360)]);
    let news = story.now();
    assert_eq!(news.wishes, told(&[(Wish::Place(640, 360), &["TR_a"])]));
    assert_eq!(news.keys, BTreeSet::from([sid("TR_a")]), "there is nothing to go on from");
}

#[test]
fn an_edge_that_is_drawn_along_is_followed_a_few_times_a_second() {
    let mut story = story(&[("TR_a", false)]);
    story.shows(MAIN, &[("TR_a", 300, 200)]);
    story.now();
    let mut messages = 0;
    for step in 0..100 {
        story.shows(MAIN, &[("TR_a", 301 + step, 200)]);
        messages += story.later(Duration::from_millis(16)).wishes.len();
    }
    assert!((5..=9).contains(&messages), "{messages} in 1.6 s");
    messages = story.later(SETTLES).wishes.len();
    assert_eq!((messages, story.tiles.told[&sid("TR_a")].wish), (1, Wish::Place(400, 200)), "the last one counts");
}

#[test]
fn a_new_track_has_a_moment_to_find_its_place() {
    let mut story = story(&[]);
    story.shows(MAIN, &[]);
    story.now();
    story.tracks.push((sid("TR_a"), false));
    let news = story.now();
    assert_eq!((news.wishes, news.looks), (told(&[]), looked(&["TR_a"])));
    assert!(news.keys.is_empty(), "whoever adds it asks for its first key frame");
    let news = story.later(FRESH);
    assert_eq!((news.wishes, news.looks), (told(&[(Wish::Hidden, &["TR_a"])]), looked(&[])), "the gallery is full");
}

#[test]
fn the_largest_place_of_all_windows_counts_and_a_closed_window_none() {
    let mut story = story(&[("TR_a", false)]);
    story.shows(MAIN, &[("TR_a", 320, 180), ("TR_a", 100, 200)]);
    assert_eq!(story.now().wishes, told(&[(Wish::Place(320, 200), &["TR_a"])]));
    story.shows("stage", &[]);
    story.now();
    story.shows("stage", &[("TR_a", 1280, 720)]);
    story.now();
    let news = story.later(SETTLES);
    assert_eq!(news.wishes, told(&[(Wish::Place(1280, 720), &["TR_a"])]));
    story.tiles.forget("stage");
    story.now();
    assert_eq!(story.later(SETTLES).wishes, told(&[(Wish::Place(320, 200), &["TR_a"])]));
}

#[test]
fn a_page_that_is_loaded_again_sees_nothing_until_it_says_so() {
    let mut story = story(&[("TR_s", true)]);
    story.shows(MAIN, &[("TR_s", 900, 500)]);
    story.now();
    story.later(FRESH);
    story.tiles.leave(MAIN);
    assert_eq!(story.now().wishes, told(&[(Wish::Hidden, &["TR_s"])]));
    story.shows(MAIN, &[("TR_s", 900, 500)]);
    let news = story.now();
    assert_eq!(news.wishes, told(&[(Wish::Everything, &["TR_s"])]));
    assert_eq!(news.keys, BTreeSet::from([sid("TR_s")]), "a still screen would stay black");
}

#[test]
fn wishes_are_written_as_livekit_reads_them() {
    let sids = [sid("TR_a")];
    let small = Wish::Place(200, 112).settings(&sids);
    assert_eq!((small.disabled, small.width, small.height, small.fps), (false, 200, 112, FEW));
    let large = Wish::Place(1280, 720).settings(&sids);
    assert_eq!((large.disabled, large.width, large.height, large.fps), (false, 1280, 720, 0));
    let all = Wish::Everything.settings(&sids);
    assert_eq!((all.disabled, all.width, all.quality), (false, 0, lk::VideoQuality::High as i32));
    assert!(Wish::Hidden.settings(&sids).disabled);
    assert_eq!(small.track_sids, ["TR_a"]);
}
