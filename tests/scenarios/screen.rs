//! A shared screen is text between our own clients and H.264 where somebody with another client looks on.

use std::sync::{Arc, Mutex, PoisonError};

use client::ports::{FrameSink, PageContent, PageFrame};
use inspection::person::{Guest, guarded, poll};
use inspection::world::World;
use protocol::bridge::StartShare;
use protocol::policy::{Role, TrackSource};

/// What kinds of frames a page was given, one letter each: encoded, whole picture, patches.
#[derive(Default)]
struct Page(Mutex<String>);

impl FrameSink for Page {
    fn send(&self, frame: PageFrame) -> bool {
        let kind = match frame.content {
            PageContent::Encoded { .. } => 'e',
            PageContent::I420 { .. } => 'i',
            PageContent::Patches { .. } => 'p',
            PageContent::End => '.',
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(kind);
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
