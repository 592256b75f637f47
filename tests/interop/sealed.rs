//! End-to-end encryption with official SDKs: our frames open at theirs and theirs at ours; what is not sealed, or sealed
//! with another key, is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use client::ports::{FrameSink, PageContent, PageFrame};
use inspection::person::{Guest, guarded, poll};
use media_core::frame::Codec;
use protocol::bridge::{SealView, TrackState};
use protocol::policy::TrackSource;

use crate::peers::Stage;

/// What came on one track: how it is encoded, whether it is a key frame, the bytes.
type Kept = Vec<(Codec, bool, bytes::Bytes)>;

/// A page that keeps what it is given and never acknowledges: one window of frames per track comes.
#[derive(Default)]
struct Page(Mutex<HashMap<String, Kept>>);

impl FrameSink for Page {
    fn send(&self, frame: PageFrame) -> bool {
        if let PageContent::Encoded { codec, key, data } = frame.content {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entry(frame.track).or_default().push((codec, key, data));
        }
        true
    }
}

impl Page {
    /// Frames of a track after its window is full.
    async fn until_full(&self, track: &str) -> anyhow::Result<Vec<(Codec, bool, bytes::Bytes)>> {
        let full =
            || self.0.lock().unwrap_or_else(PoisonError::into_inner).get(track).filter(|f| f.len() >= 8).cloned();
        poll(full).await.ok_or_else(|| anyhow::anyhow!("the page got no frames of {track}"))
    }
}

/// Our client decodes it, and there is something on it.
async fn until_pictures(guest: &Guest, track: &str) -> anyhow::Result<()> {
    let pictures = guest.client.watch_pictures(track);
    let mut seen = 0;
    let good = poll(|| {
        if let media_core::channel::Taken::Value(picture) = pictures.take(std::time::Duration::ZERO) {
            let size = picture.size();
            let luma = &picture.data()[..(size.width * size.height) as usize];
            let (low, high) = (luma.iter().min(), luma.iter().max());
            seen += u32::from(high.zip(low).is_some_and(|(high, low)| high - low > 60));
        }
        (seen >= 5).then_some(())
    })
    .await;
    good.ok_or_else(|| anyhow::anyhow!("{track} gave {seen} good pictures"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn official_sdks_are_inside_the_seal() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    guarded(async {
        let secret = stage.world.passphrase();
        let ours = stage.world.owner("Ours", 880.0).await?;
        let page = Arc::new(Page::default());
        ours.client.attach_page("main", Arc::clone(&page) as Arc<dyn FrameSink>);
        ours.camera(true).await?;
        let me = ours.until("its own name", |m| Some(m.snapshot.meeting.as_ref()?.me.clone())).await?;
        let words = format!("--publish mic,camera --hz 440 --data snake --passphrase={secret}");
        let python = stage.python("python", &words).await?;
        let words = "--publish mic,camera --hz 660 --codec h264 --size 320x180 --data chrome --passphrase";
        let words = format!("{words}={secret}");
        let chromium = stage.chromium("chromium", &words).await?;

        for (peer, other, hz, mime) in
            [(&python, "chromium", 660, "video/H264"), (&chromium, "python", 440, "video/VP8")]
        {
            peer.until_hears(other, hz).await?;
            peer.until_sees(other, "camera", mime).await?;
            peer.until_hears(me.as_str(), 880).await?;
            peer.until_sees(me.as_str(), "camera", "video/H264").await?;
            let open = |e: &serde_json::Value| e["event"] == "track" && e["encrypted"] != true;
            assert_eq!(peer.said(open), None, "every track says that it is sealed");
        }
        // Seen by everyone; two more decoders of it would only cost time.
        ours.camera(false).await?;
        python.until_reads_sealed("chromium", "chrome").await?;
        chromium.until_reads_sealed("python", "snake").await?;

        for (name, hz) in [("python", 440.0), ("chromium", 660.0)] {
            ours.until_plays(name, TrackSource::Microphone).await?;
            ours.until_note(hz, |share| share > 0.1).await?;
        }
        let theirs = ours.until_plays("chromium", TrackSource::Camera).await?;
        until_pictures(&ours, theirs.id.as_str()).await?;
        // VP8 is decoded by the page: what it is given is the plain frame, opened by us.
        let theirs = ours.until_plays("python", TrackSource::Camera).await?;
        let frames = page.until_full(theirs.id.as_str()).await?;
        let (codec, key, data) = &frames[0];
        assert_eq!((*codec, *key), (Codec::Vp8, true), "it begins with a key frame");
        assert_eq!(data[3..6], [0x9d, 0x01, 0x2a], "the start code of a VP8 key frame (RFC 6386 9.1)");
        assert_eq!(u16::from_le_bytes([data[6], data[7]]) & 0x3fff, 320, "its width");
        assert_eq!(ours.meeting()?.seal, SealView::Sealed, "nothing unsealed is in this meeting");

        python.leave().await?;
        chromium.leave().await?;

        // Someone without the passphrase, and someone with another.
        let open = stage.python("open", "--publish mic,camera --hz 550").await?;
        ours.until_track("open", TrackSource::Microphone, TrackState::RefusedUnsealed).await?;
        ours.until_track("open", TrackSource::Camera, TrackState::RefusedUnsealed).await?;
        let words = "--publish mic,camera --hz 550 --passphrase something-else";
        let wrong = stage.python("wrong", words).await?;
        ours.until_track("wrong", TrackSource::Microphone, TrackState::WrongKey).await?;
        ours.until_track("wrong", TrackSource::Camera, TrackState::WrongKey).await?;
        let seal = ours.meeting()?.seal;
        assert!(matches!(seal, SealView::Partly { .. }), "the meeting says so: {seal:?}");
        let heard = |e: &serde_json::Value| e["event"] == "heard";
        assert_eq!(open.said(heard), None, "without the passphrase nothing is heard");
        assert_eq!(wrong.said(heard), None, "with another passphrase nothing is heard");
        ours.until_silent(550.0).await?;
        open.leave().await?;
        wrong.leave().await
    })
    .await
}
