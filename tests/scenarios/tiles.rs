//! What is shown decides what is sent: a small tile gets a small picture, a hidden one gets nothing, and whoever looks
//! again sees sharply.

use std::time::Duration;

use inspection::person::{Guest, PATIENCE, guarded};
use inspection::relay::Way;
use inspection::world::World;
use media_core::channel::Taken;
use media_core::frame::Size;
use media_core::testing::Weather;
use protocol::bridge::{LookAt, ShownPicture};
use protocol::policy::{Role, TrackSource};

const WINDOW: &str = "main";
/// The layers of a camera of 1280x720.
const LOW: Size = Size { width: 320, height: 180 };
const HIGH: Size = Size { width: 1280, height: 720 };

async fn shows(guest: &Guest, track: &str, places: &[Size]) -> anyhow::Result<()> {
    let picture = |size: &Size| -> anyhow::Result<ShownPicture> {
        Ok(ShownPicture { track: track.to_owned(), width: size.width.try_into()?, height: size.height.try_into()? })
    };
    let pictures = places.iter().map(picture).collect::<anyhow::Result<_>>()?;
    Ok(guest.client.look_at(WINDOW, LookAt { pictures }).await?)
}

/// Waits for a picture of this size.
async fn until_size(guest: &Guest, track: &str, size: Size) -> anyhow::Result<()> {
    let pictures = guest.client.watch_pictures(track);
    let seen = tokio::task::spawn_blocking(move || {
        let deadline = std::time::Instant::now() + PATIENCE;
        let mut last = None;
        while std::time::Instant::now() < deadline {
            if let Taken::Value(picture) = pictures.take(Duration::from_millis(200)) {
                last = Some(picture.size());
                if last == Some(size) {
                    break;
                }
            }
        }
        last
    })
    .await?;
    anyhow::ensure!(seen == Some(size), "the last picture had {seen:?}, not {size:?}");
    Ok(())
}

/// Waits until nothing of anybody's media comes from the host any more, and then looks whether it stays so.
async fn until_silent(world: &World) -> anyhow::Result<()> {
    let crossed = || anyhow::Ok(world.relay()?.crossed().packets);
    for _ in 0..PATIENCE.as_secs() {
        let before = crossed()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if crossed()? == before {
            tokio::time::sleep(Duration::from_secs(2)).await;
            anyhow::ensure!(crossed()? == before, "it began again");
            return Ok(());
        }
    }
    anyhow::bail!("the host goes on sending what nobody sees")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_tile_is_sent_little_a_hidden_one_nothing_and_a_large_one_everything() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open_behind_a_relay().await?;
        // Counts what the host sends, and changes nothing of it.
        world.relay()?.set_weather(Way::FromHost, 1, Weather::CLEAR);
        let owner = world.owner("Owner", 440.0).await?;
        let guest = world.guest("Guest", Role::Member, 660.0).await?;
        owner.microphone(false).await?;
        guest.microphone(false).await?;
        owner.camera(true).await?;
        let track = guest.until_plays("Owner", TrackSource::Camera).await?;
        let track = track.id.as_str();
        until_size(&guest, track, HIGH).await?;

        shows(&guest, track, &[LOW]).await?;
        until_size(&guest, track, LOW).await?;
        guest.until_counts(track, 5).await?;

        shows(&guest, track, &[]).await?;
        until_silent(&world).await?;

        shows(&guest, track, &[HIGH]).await?;
        until_size(&guest, track, HIGH).await?;
        guest.until_counts(track, 5).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_that_is_hidden_is_not_sent_and_is_there_again_whole_when_looked_at() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open_behind_a_relay().await?;
        world.relay()?.set_weather(Way::FromHost, 1, Weather::CLEAR);
        let owner = world.owner("Owner", 440.0).await?;
        let guest = world.guest("Guest", Role::Member, 660.0).await?;
        owner.microphone(false).await?;
        guest.microphone(false).await?;
        let screen = owner.now().snapshot.devices.screens[0].id.clone();
        owner.client.start_share(protocol::bridge::StartShare { screen, sound: false }).await?;
        let track = guest.until_plays("Owner", TrackSource::ScreenShare).await?;
        let track = track.id.as_str();
        guest.until_counts(track, 3).await?;

        shows(&guest, track, &[]).await?;
        until_silent(&world).await?;

        // A small place of a screen gets all of it: it is read, and zoomed into.
        shows(&guest, track, &[LOW]).await?;
        guest.until_counts(track, 3).await?;
        until_size(&guest, track, HIGH).await?;
        Ok(())
    })
    .await
}
