//! Pictures over links that lose: they arrive whole, and what is sent once more is bounded, however much is lost.

use std::time::Duration;

use inspection::person::guarded;
use inspection::relay::Way;
use inspection::world::World;
use media_core::testing::Weather;
use protocol::policy::{Role, TrackSource};

/// Payload types as our client offers them: pictures, and pictures once more.
const H264: u8 = 125;
const AGAIN: u8 = 108;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_of_a_camera_is_sent_again_within_a_budget() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open_behind_a_relay().await?;
        let owner = world.owner("Owner", 440.0).await?;
        owner.microphone(false).await?;
        let guest = world.guest("Guest", Role::Member, 660.0).await?;
        guest.microphone(false).await?;
        guest.camera(true).await?;
        let track = owner.until_plays("Guest", TrackSource::Camera).await?;
        owner.until_counts(track.id.as_str(), 10).await?;
        let relay = world.relay()?;
        for loss in [0.05, 0.3] {
            let weather = Weather { loss, delay: Duration::from_millis(10), ..Weather::CLEAR };
            relay.set_weather(Way::ToHost, 5, weather);
            let crossed = || (relay.crossed_as(H264), relay.crossed_as(AGAIN));
            let before = crossed();
            owner.until_counts(track.id.as_str(), 90).await?;
            let after = crossed();
            let (pictures, again) = (after.0 - before.0, after.1 - before.1);
            assert!(again > 0, "at {loss} something is sent again");
            // A quarter of the pictures' bits (a large packet stands for all), and what may always be.
            assert!(again * 100 <= pictures * 27 + 6_000, "at {loss}: {again} again for {pictures}");
        }
        Ok(())
    })
    .await
}
