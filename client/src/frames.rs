//! The frames door: numbers frames for the page and keeps at most a window of them on the way, because a channel
//! without acknowledgement queues without end when the page is slow. Called from picture threads; holds a lock for as
//! long as one hand-over takes, decides nothing else.

use std::collections::HashMap;
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
    sink: Option<Arc<dyn FrameSink>>,
    codecs: Option<PageCodecs>,
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

impl Door {
    /// A page, perhaps a reloaded one: every track begins again with a key frame and number 0.
    pub(crate) fn attach(&self, sink: Arc<dyn FrameSink>) {
        let mut state = self.lock();
        state.sink = Some(sink);
        state.tracks.clear();
    }

    /// Does anybody look?
    pub(crate) fn has_page(&self) -> bool {
        self.lock().sink.is_some()
    }

    /// What the page can decode, as it measured.
    pub(crate) fn set_codecs(&self, codecs: PageCodecs) {
        self.lock().codecs = Some(codecs);
    }

    /// Must pictures of this codec be decoded in Rust for the page? Before the page has measured: no.
    pub(crate) fn wants_raw(&self, codec: Codec) -> bool {
        let state = self.lock();
        let Some(codecs) = state.codecs else { return false };
        state.sink.is_some()
            && match codec {
                Codec::H264 => !codecs.h264,
                Codec::Vp8 => !codecs.vp8,
                Codec::Opus => false,
            }
    }

    /// Does anybody look?
    pub(crate) fn is_open(&self) -> bool {
        self.lock().sink.is_some()
    }

    /// The page has drawn or thrown away everything up to `seq`.
    pub(crate) fn ack(&self, track: &str, seq: u32) {
        if let Some(window) = self.lock().tracks.get_mut(track) {
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
        self.hand(track, content, frame.rtp_time, frame.key, WINDOW)
    }

    /// Hands over one picture decoded here.
    pub(crate) fn raw(&self, track: &str, picture: &Picture, rtp_time: u32) -> Handed {
        let size = picture.size();
        let content = PageContent::I420 { width: size.width, height: size.height, data: Bytes::clone(picture.data()) };
        match self.hand(track, content, rtp_time, true, RAW_WINDOW) {
            Handed::NeedKey => Handed::Waiting,
            other => other,
        }
    }

    /// Hands over what changed of the picture before. [`Handed::NeedKey`]: a whole one has to come first.
    pub(crate) fn patched(&self, track: &str, size: Size, patches: Vec<Patch>, rtp_time: u32) -> Handed {
        let content = PageContent::Patches { width: size.width, height: size.height, patches };
        self.hand(track, content, rtp_time, false, WINDOW)
    }

    /// The track is over.
    pub(crate) fn end(&self, track: &str) {
        let mut state = self.lock();
        let Some(window) = state.tracks.remove(track) else { return };
        let Some(sink) = state.sink.clone() else { return };
        drop(state);
        let last = PageFrame { track: track.to_owned(), seq: window.next, content: PageContent::End, rtp_time: 0 };
        if !sink.send(last) {
            tracing::debug!("the page went before its track");
        }
    }

    fn hand(&self, track: &str, content: PageContent, rtp_time: u32, key: bool, room: u32) -> Handed {
        let mut state = self.lock();
        let Some(sink) = state.sink.clone() else { return Handed::NoPage };
        if !state.tracks.contains_key(track) {
            state.tracks.insert(track.to_owned(), Window::default());
        }
        let window = state.tracks.get_mut(track).expect("it was put in above");
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
        // The lock is kept: frames of one track must reach the page in the order of their numbers.
        if !sink.send(PageFrame { track: track.to_owned(), seq, content, rtp_time }) {
            state.sink = None;
            state.tracks.clear();
            return Handed::NoPage;
        }
        Handed::Sent
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        door.attach(page.clone());
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
        door.ack("t", 3);
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
        door.ack("t", WINDOW - 1);
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
        door.ack("t", 5000);
        door.ack("unknown", 1);
        assert_eq!(door.encoded("t", &frame(false)), Handed::Waiting);
    }

    #[test]
    fn a_reloaded_page_begins_again() {
        let (door, _) = door();
        door.encoded("t", &frame(true));
        let fresh = Arc::new(Page::default());
        door.attach(fresh.clone());
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
}
