//! A screen shared with its sound: heard as a track of its own, sealed, without anyone's voice, and gone with the screen
//! or the right.

use std::sync::Arc;

use inspection::person::{Guest, guarded, poll};
use inspection::world::World;
use media_core::testing::{DeviceKind, FakeSetup, tone};
use protocol::bridge::{Nothing, SealView, SetRole, StartShare, SwitchState};
use protocol::policy::{Role, TrackSource};

/// What another program of the one who shares plays.
const FILM: f64 = 1320.0;

async fn cinema() -> anyhow::Result<Guest> {
    let sound = |hertz| -> Option<Arc<[f32]>> { Some(tone(hertz, 48_000, 48_000).into()) };
    Guest::new("Cinema", FakeSetup { sound: sound(440.0), system: sound(FILM), ..FakeSetup::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sound_of_a_shared_screen_is_heard_and_ends_with_it() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 660.0).await?;
        let member = cinema().await?;
        // With the microphone closed: what is heard is the film.
        member.join(&world.invite(Role::Member).await?.to_link(), false, false).await?;
        member.until_in().await?;
        let screen = member.now().snapshot.devices.screens[0].id.clone();

        // Not asked for, not sent.
        member.client.start_share(StartShare { screen: screen.clone(), sound: false }).await?;
        owner.until_plays("Cinema", TrackSource::ScreenShare).await?;
        assert_eq!(member.devices.ever_opened(DeviceKind::System), 0, "nobody listens to other programs unasked");
        member.client.stop_share(Nothing {}).await?;
        owner.until_gone("Cinema", TrackSource::ScreenShare).await?;

        member.client.start_share(StartShare { screen: screen.clone(), sound: true }).await?;
        owner.until_plays("Cinema", TrackSource::ScreenShareAudio).await?;
        owner.until_hears(FILM).await?;
        for person in [&owner, &member] {
            assert_eq!(person.meeting()?.seal, SealView::Sealed);
        }
        member
            .until("the switch to say so", |m| {
                let is_on = matches!(m.snapshot.meeting.as_ref()?.share_sound, SwitchState::On { .. });
                (is_on && m.snapshot.settings.share_sound).then_some(())
            })
            .await?;
        // Their microphone is a track of its own and stays closed.
        assert_eq!(member.devices.open_streams(DeviceKind::Microphone), 0);

        member.client.stop_share(Nothing {}).await?;
        owner.until_gone("Cinema", TrackSource::ScreenShareAudio).await?;
        owner.until_silent(FILM).await?;
        let closed = poll(|| (member.devices.open_streams(DeviceKind::System) == 0).then_some(())).await;
        assert!(closed.is_some(), "the capture itself has ended");

        // Without the right neither picture nor sound.
        member.client.start_share(StartShare { screen, sound: true }).await?;
        owner.until_hears(FILM).await?;
        let user = member.meeting()?.me;
        owner.client.set_role(SetRole { user, role: Role::Guest }).await?;
        owner.until_gone("Cinema", TrackSource::ScreenShareAudio).await?;
        owner.until_silent(FILM).await?;
        let closed = poll(|| (member.devices.open_streams(DeviceKind::System) == 0).then_some(())).await;
        assert!(closed.is_some(), "the capture has ended with the right");
        Ok(())
    })
    .await
}
