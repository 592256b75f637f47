//! The frames door: numbers frames for every page that looks at a track and keeps at most a window of them on the way, because
//! a channel without acknowledgement queues without end when the page is slow. Called from picture threads; holds a lock for as
//! long as one hand-over takes, decides nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use media_core::frame::{Codec, EncodedFrame, Picture, Size};
use media_core::video::screen::patch::Patch;
use protocol::bridge::PageCodecs;

use crate::ports::{FrameSink, PageContent, PageFrame};

/// Encoded frames of one track that may be on their way.
const WINDOW: u32 = 8;
/// Raw pictures of one track that may be on their way: each is megabytes.
const RAW_WINDOW: u32 = 3;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handed {
    /// It is on its way.
    Sent,
    /// Nobody looks.
    NoPage,
    /// Dropped; nothing helps but waiting for the page.
    Waiting,
    /// Dropped, and the page has room again: a key frame is needed.
    NeedKey,
}

/// The door. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By the name of their window.
    pages: BTreeMap<String, Page>,
    /// What of everything a page is given; one that is not in here is given all.
    looks: BTreeMap<String, HashSet<String>>,
    codecs: Option<PageCodecs>,
}

struct Page {
    sink: Arc<dyn FrameSink>,
    tracks: HashMap<String, Window>,
}

#[derive(Debug, Default)]
struct Window {
    next: u32,
    acked: u32,
    /// The chain is whole: deltas may follow.
    flowing: bool,
}

impl Window {
    const fn on_the_way(&self) -> u32 {
        self.next.wrapping_sub(self.acked)
    }
}

impl State {
    fn is_looked_at(&self, track: &str) -> bool {
        self.pages.keys().any(|page| self.gives(page, track))
    }

    fn gives(&self, page: &str, track: &str) -> bool {
        self.looks.get(page).is_none_or(|given| given.contains(track))
    }
}

impl Door {
    /// A page, perhaps a reloaded one: every track begins again with a key frame and number 0.
    pub(crate) fn attach(&self, page: &str, sink: Arc<dyn FrameSink>) {
        self.lock().pages.insert(page.to_owned(), Page { sink, tracks: HashMap::new() });
    }

    /// A window was closed.
    pub(crate) fn detach(&self, page: &str) {
        let mut state = self.lock();
        state.pages.remove(page);
        state.looks.remove(page);
    }

    /// From now on a page is given these tracks and no others.
    pub(crate) fn look(&self, page: &str, given: HashSet<String>) {
        let mut state = self.lock();
        if let Some(page) = state.pages.get_mut(page) {
            // What comes back is no continuation.
            for (_, window) in page.tracks.iter_mut().filter(|(track, _)| !given.contains(*track)) {
                window.flowing = false;
            }
        }
        state.looks.insert(page.to_owned(), given);
    }

    /// Is there a page that is given this track?
    pub(crate) fn is_looked_at(&self, track: &str) -> bool {
        self.lock().is_looked_at(track)
    }

    /// Does a page look at this track, and has nothing yet that it could show? Of what stands still no frame comes by itself.
    pub(crate) fn is_starved(&self, track: &str) -> bool {
        let state = self.lock();
        let waits = |page: &Page| page.tracks.get(track).is_none_or(|window| !window.flowing);
        state.pages.iter().any(|(name, page)| state.gives(name, track) && waits(page))
    }

    /// What the page can decode, as it measured. Every page of this program has the same decoders.
    pub(crate) fn set_codecs(&self, codecs: PageCodecs) {
        self.lock().codecs = Some(codecs);
    }

    /// Must pictures of this track and codec be decoded in Rust for a page? Before the page has measured: no.
    pub(crate) fn wants_raw(&self, track: &str, codec: Codec) -> bool {
        let state = self.lock();
        let Some(codecs) = state.codecs else { return false };
        let lacks = match codec {
            Codec::H264 => !codecs.h264,
            Codec::Vp8 => !codecs.vp8,
            Codec::Opus => false,
        };
        lacks && state.is_looked_at(track)
    }

    /// A page has drawn or thrown away everything up to `seq`.
    pub(crate) fn ack(&self, page: &str, track: &str, seq: u32) {
        if let Some(window) = self.lock().pages.get_mut(page).and_then(|page| page.tracks.get_mut(track)) {
            let acked = seq.wrapping_add(1);
            // An ack from the future is a bug of the page, one from the past is late news: neither counts.
            if window.next.wrapping_sub(acked) < window.on_the_way() {
                window.acked = acked;
            }
        }
    }

    /// Hands over one encoded frame.
    pub(crate) fn encoded(&self, track: &str, frame: &EncodedFrame) -> Handed {
        let content = PageContent::Encoded { codec: frame.codec, key: frame.key, data: frame.data.clone() };
        self.hand(track, &content, frame.rtp_time, frame.key, WINDOW)
    }

    /// Hands over one picture decoded here.
    pub(crate) fn raw(&self, track: &str, picture: &Picture, rtp_time: u32) -> Handed {
        let size = picture.size();
        let content = PageContent::I420 { width: size.width, height: size.height, data: Bytes::clone(picture.data()) };
        match self.hand(track, &content, rtp_time, true, RAW_WINDOW) {
            Handed::NeedKey => Handed::Waiting,
            other => other,
        }
    }

    /// Hands over what changed of the picture before. [`Handed::NeedKey`]: a whole one has to come first.
    pub(crate) fn patched(&self, track: &str, size: Size, patches: Vec<Patch>, rtp_time: u32) -> Handed {
        let content = PageContent::Patches { width: size.width, height: size.height, patches };
        self.hand(track, &content, rtp_time, false, WINDOW)
    }

    /// The track is over.
    pub(crate) fn end(&self, track: &str) {
        let mut ended = Vec::new();
        for page in self.lock().pages.values_mut() {
            ended.extend(page.tracks.remove(track).map(|window| (Arc::clone(&page.sink), window.next)));
        }
        for (sink, seq) in ended {
            let last = PageFrame { track: track.to_owned(), seq, content: PageContent::End, rtp_time: 0 };
            if !sink.send(last) {
                tracing::debug!("the page went before its track");
            }
        }
    }

    /// To every page that looks; what is worst for one of them is answered.
    fn hand(&self, track: &str, content: &PageContent, rtp_time: u32, key: bool, room: u32) -> Handed {
        // The lock is kept: frames of one track must reach a page in the order of their numbers.
        let mut guard = self.lock();
        let state = &mut *guard;
        let mut all = Handed::NoPage;
        let mut gone = Vec::new();
        for (name, page) in &mut state.pages {
            if state.looks.get(name).is_some_and(|given| !given.contains(track)) {
                continue;
            }
            let handed = page.hand(track, content, rtp_time, key, room);
            if handed == Handed::NoPage {
                gone.push(name.clone());
            }
            all = match (all, handed) {
                (Handed::NeedKey, _) | (_, Handed::NeedKey) => Handed::NeedKey,
                (Handed::Sent, _) | (_, Handed::Sent) => Handed::Sent,
                (Handed::Waiting, _) | (_, Handed::Waiting) => Handed::Waiting,
                (Handed::NoPage, Handed::NoPage) => Handed::NoPage,
            };
        }
        for name in gone {
            state.pages.remove(&name);
        }
        all
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn hand(&mut self, track: &str, content: &PageContent, rtp_time: u32, key: bool, room: u32) -> Handed {
        if !self.tracks.contains_key(track) {
            self.tracks.insert(track.to_owned(), Window::default());
        }
        let window = self.tracks.get_mut(track).expect("it was put in above");
        if window.on_the_way() >= room {
            window.flowing = false;
            return Handed::Waiting;
        }
        if !key && !window.flowing {
            return Handed::NeedKey;
        }
        window.flowing = true;
        let seq = window.next;
        window.next = seq.wrapping_add(1);
        let sent = self.sink.send(PageFrame { track: track.to_owned(), seq, content: content.clone(), rtp_time });
        if sent { Handed::Sent } else { Handed::NoPage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Page(Mutex<Vec<PageFrame>>);

    impl FrameSink for Page {
        fn send(&self, frame: PageFrame) -> bool {
            self.0.lock().unwrap().push(frame);
            true
        }
    }

    fn frame(key: bool) -> EncodedFrame {
        EncodedFrame { codec: Codec::H264, rtp_time: 0, key, data: Bytes::from_static(b"x") }
    }

    fn door() -> (Door, Arc<Page>) {
        let (door, page) = (Door::default(), Arc::new(Page::default()));
        door.attach("main", page.clone());
        (door, page)
    }

    #[test]
    fn a_track_begins_with_a_key_frame() {
        let (door, _) = door();
        assert_eq!(door.encoded("t", &frame(false)), Handed::NeedKey);
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        assert_eq!(door.encoded("t", &frame(false)), Handed::Sent);
    }

    #[test]
    fn a_slow_page_gets_whole_chains_or_nothing() {
        let (door, page) = door();
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        for _ in 1..WINDOW {
            assert_eq!(door.encoded("t", &frame(false)), Handed::Sent);
        }
        assert_eq!(door.encoded("t", &frame(false)), Handed::Waiting);
        door.ack("main", "t", 3);
        assert_eq!(door.encoded("t", &frame(false)), Handed::NeedKey, "a delta must not follow a hole");
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        let seqs: Vec<u32> = page.0.lock().unwrap().iter().map(|f| f.seq).collect();
        assert_eq!(seqs, (0..=WINDOW).collect::<Vec<_>>(), "numbers rise by one");
    }

    #[test]
    fn patches_follow_a_whole_picture_and_never_a_hole() {
        let (door, _) = door();
        let size = Size { width: 2, height: 2 };
        let whole = Picture::new(size, Bytes::from_static(&[1; 6]), media_core::time::MediaTime::ZERO).unwrap();
        let patched = |door: &Door| door.patched("t", size, Vec::new(), 0);
        assert_eq!(patched(&door), Handed::NeedKey);
        assert_eq!(door.raw("t", &whole, 0), Handed::Sent);
        for _ in 1..WINDOW {
            assert_eq!(patched(&door), Handed::Sent);
        }
        assert_eq!(patched(&door), Handed::Waiting);
        door.ack("main", "t", WINDOW - 1);
        assert_eq!(patched(&door), Handed::NeedKey, "one is missing");
        assert_eq!(door.raw("t", &whole, 0), Handed::Sent);
        assert_eq!(patched(&door), Handed::Sent);
    }

    #[test]
    fn an_ack_of_something_never_sent_opens_nothing() {
        let (door, _) = door();
        door.encoded("t", &frame(true));
        for _ in 1..WINDOW {
            door.encoded("t", &frame(false));
        }
        door.ack("main", "t", 5000);
        door.ack("main", "unknown", 1);
        assert_eq!(door.encoded("t", &frame(false)), Handed::Waiting);
    }

    #[test]
    fn a_reloaded_page_begins_again() {
        let (door, _) = door();
        door.encoded("t", &frame(true));
        let fresh = Arc::new(Page::default());
        door.attach("main", fresh.clone());
        assert_eq!(door.encoded("t", &frame(false)), Handed::NeedKey);
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        assert_eq!(fresh.0.lock().unwrap()[0].seq, 0);
    }

    #[test]
    fn the_end_of_a_track_is_told_once() {
        let (door, page) = door();
        door.encoded("t", &frame(true));
        door.end("t");
        door.end("t");
        let ends = page.0.lock().unwrap().iter().filter(|f| matches!(f.content, PageContent::End)).count();
        assert_eq!(ends, 1);
    }

    #[test]
    fn a_page_is_given_what_it_looks_at_and_begins_again_with_a_key_frame() {
        let (door, page) = door();
        let only = |track: &str| HashSet::from([track.to_owned()]);
        door.look("main", only("other"));
        assert_eq!(door.encoded("t", &frame(true)), Handed::NoPage);
        assert!(!door.is_looked_at("t") && door.is_looked_at("other"));
        door.look("main", only("t"));
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        door.look("main", HashSet::new());
        door.look("main", only("t"));
        assert_eq!(door.encoded("t", &frame(false)), Handed::NeedKey, "there may have been more meanwhile");
        door.end("t");
        assert_eq!(page.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn who_looks_and_has_nothing_is_starved() {
        let (door, _page) = door();
        assert!(door.is_starved("t"), "nothing came yet");
        door.encoded("t", &frame(true));
        assert!(!door.is_starved("t"));
        door.attach("stage", Arc::new(Page::default()));
        assert!(door.is_starved("t"), "the second window has nothing");
        door.look("stage", HashSet::new());
        assert!(!door.is_starved("t"), "and does not look any more");
    }

    #[test]
    fn a_second_window_is_a_page_of_its_own() {
        let (door, main) = door();
        let stage = Arc::new(Page::default());
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        door.attach("stage", stage.clone());
        assert_eq!(door.encoded("t", &frame(false)), Handed::NeedKey, "it saw nothing yet");
        assert_eq!(door.encoded("t", &frame(true)), Handed::Sent);
        for _ in 0..WINDOW {
            door.encoded("t", &frame(false));
            let last = stage.0.lock().unwrap().last().unwrap().seq;
            door.ack("stage", "t", last);
        }
        let given = [&main, &stage].map(|page| page.0.lock().unwrap().len());
        assert_eq!(given, [WINDOW as usize, WINDOW as usize + 1], "a slow window holds up no other");
        door.detach("stage");
        let before = stage.0.lock().unwrap().len();
        door.encoded("t", &frame(true));
        assert_eq!(stage.0.lock().unwrap().len(), before);
    }
}
