//! A shared screen is text between our own clients and H.264 where somebody with another client looks on.

use std::sync::{Arc, Mutex, PoisonError};

use client::ports::{FrameSink, PageContent, PageFrame};
use inspection::person::{Guest, guarded, poll};
use inspection::world::World;
use media_core::frame::Size;
use media_core::testing::FakeSetup;
use media_core::video::{annexb, sps};
use protocol::bridge::{SettingsChange, ShareQuality, StartShare};
use protocol::policy::{Role, TrackSource};

/// What a page was given.
#[derive(Default)]
struct Page {
    /// Kinds of frames, one letter each: encoded, whole picture, patches.
    kinds: Mutex<String>,
    /// Of whole pictures, and as key frames say.
    widths: Mutex<Vec<u32>>,
}

impl FrameSink for Page {
    fn send(&self, frame: PageFrame) -> bool {
        let kind = match frame.content {
            PageContent::Encoded { data, .. } => {
                let sps = annexb::nals(&data).find(|nal| nal.kind(&data) == Some(7));
                let size = sps.and_then(|nal| sps::picture_size(&data[nal.start..nal.end]).ok());
                self.saw(size.map(|size| size.width));
                'e'
            }
            PageContent::I420 { width, .. } => {
                self.saw(Some(width));
                'i'
            }
            PageContent::Patches { .. } => 'p',
            PageContent::End => '.',
        };
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).push(kind);
        true
    }
}

impl Page {
    fn of(guest: &Guest) -> Arc<Self> {
        let page = Arc::new(Self::default());
        guest.client.attach_page("main", Arc::clone(&page) as Arc<dyn FrameSink>);
        page
    }

    fn kinds(&self) -> String {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn saw(&self, width: Option<u32>) {
        self.widths.lock().unwrap_or_else(PoisonError::into_inner).extend(width);
    }

    fn has_width(&self, width: u32) -> bool {
        self.widths.lock().unwrap_or_else(PoisonError::into_inner).contains(&width)
    }
}

async fn share(sharer: &Guest) -> anyhow::Result<()> {
    let screen = sharer.now().snapshot.devices.screens[0].id.clone();
    Ok(sharer.client.start_share(StartShare { screen, sound: false }).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_our_own_clients_a_screen_is_text_and_whoever_comes_late_reads_it_too() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let member = world.guest("Member", Role::Member, 660.0).await?;
        share(&owner).await?;
        let page = Page::of(&member);
        let track = member.until_plays("Owner", TrackSource::ScreenShare).await?;
        member.until_counts(track.id.as_str(), 5).await?;
        let text = poll(|| page.kinds().contains('p').then_some(())).await;
        assert!(text.is_some(), "a picture, and then what changes of it: {:?}", page.kinds());

        let late = world.guest("Late", Role::Member, 880.0).await?;
        let page = Page::of(&late);
        let track = late.until_plays("Owner", TrackSource::ScreenShare).await?;
        late.until_counts(track.id.as_str(), 5).await?;
        let text = poll(|| page.kinds().contains('i').then_some(())).await;
        assert!(text.is_some(), "{:?}", page.kinds());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_stranger_in_the_room_it_is_h264_for_everybody() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let member = world.guest("Member", Role::Member, 660.0).await?;
        // One that is outside of the seal cannot say what it reads, as another client would not.
        let (_visitor, _folder) = crate::stranger::stranger(&world, "Open", "", &[]).await?;
        owner.until_people(3).await?;
        share(&owner).await?;
        let track = member.until_plays("Owner", TrackSource::ScreenShare).await?;
        // Whoever has just come has a moment to say that they read text; until then it may be that.
        let mut kinds = String::new();
        for _ in 0..20 {
            let page = Page::of(&member);
            member.until_counts(track.id.as_str(), 5).await?;
            kinds = page.kinds();
            if kinds.starts_with('e') {
                break;
            }
        }
        assert!(kinds.starts_with('e') && !kinds.contains(['i', 'p']), "{kinds:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_screen_comes_as_large_as_the_one_who_shares_it_wishes() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let looks = world.owner("Looks", 440.0).await?;
        let screen = Size { width: 2560, height: 1440 };
        let shares = Guest::new("Shares", FakeSetup { screen, ..FakeSetup::default() }).await?;
        shares.join(&world.invite(Role::Member).await?.to_link(), false, false).await?;
        shares.until_in().await?;
        share(&shares).await?;
        // While it is shared: first as usual, then small, then as large as it is.
        for (quality, width) in [(None, 1920), (Some(ShareQuality::Light), 1280), (Some(ShareQuality::Fine), 2560)] {
            if quality.is_some() {
                let change = SettingsChange { share_quality: quality, ..SettingsChange::default() };
                shares.client.change_settings(change).await?;
            }
            // A page that takes nothing off is given a few frames only: then a new one.
            let mut page = Page::of(&looks);
            let came = poll(|| {
                if page.has_width(width) {
                    return Some(());
                }
                if page.kinds().len() >= 4 {
                    page = Page::of(&looks);
                }
                None
            });
            anyhow::ensure!(came.await.is_some(), "{quality:?}: {width} across; {:?}", page.kinds());
        }
        Ok(())
    })
    .await
}
