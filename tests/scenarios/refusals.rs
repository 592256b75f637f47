//! Who is not let in, and what they are told.

use inspection::person::{Guest, guarded};
use inspection::world::World;
use media_core::testing::DeviceKind;
use protocol::bridge::{Code, Phase, TrackState};
use protocol::invite::{Fingerprint, Invite, InviteSecret};
use protocol::pii::Secret;
use protocol::policy::{Role, TrackSource};

async fn refused(invite: &Invite) -> anyhow::Result<Code> {
    let guest = Guest::humming("Guest", 660.0).await?;
    let code = match guest.join(&invite.to_link(), true, true).await {
        Err(failure) => failure.code,
        Ok(()) => {
            guest
                .until("the refusal", |m| {
                    let home = m.snapshot.phase == Phase::Home;
                    m.snapshot.notices.last().filter(|_| home).map(|n| n.code)
                })
                .await?
        }
    };
    assert_eq!(guest.devices.ever_opened(DeviceKind::Microphone), 0, "no microphone opens for a meeting one is not in");
    assert_eq!(guest.devices.ever_opened(DeviceKind::Camera), 0, "no camera opens for a meeting one is not in");
    let left: Vec<String> = guest.vault.all().into_keys().collect();
    assert!(left.is_empty(), "a refused invitation leaves no secret behind: {left:?}");
    Ok(code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_opens_nothing() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let good = world.invite(Role::Member).await?;
        let entry = Secret::new([7; 16]);
        let wrong = Invite { secret: InviteSecret { entry, ..good.secret.clone() }, ..good };
        assert_eq!(refused(&wrong).await?, Code::InviteRefused);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_host_in_the_place_of_ours_is_refused() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let good = world.invite(Role::Member).await?;
        let wrong = Invite { host: Fingerprint([9; 32]), ..good };
        assert_eq!(refused(&wrong).await?, Code::HostKeyChanged);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_that_is_over_is_refused_with_that_reason() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let opened = world.host()?.invite(&world.room, Role::Member, 1).await?;
        let opened = opened.ok_or_else(|| anyhow::anyhow!("the room is there"))?;
        let good = world.invite(Role::Member).await?;
        let over = Invite {
            id: opened.invite,
            expires_at: opened.expires_at,
            secret: InviteSecret { entry: opened.entry, ..good.secret.clone() },
            ..good
        };
        // One second is the shortest an invitation can last.
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        assert_eq!(refused(&over).await?, Code::InviteExpired);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_address_is_said_as_that() -> anyhow::Result<()> {
    guarded(async {
        let mut world = World::open().await?;
        let good = world.invite(Role::Member).await?;
        world.stop().await;
        assert_eq!(refused(&good).await?, Code::HostUnreachable);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_media_secret_gives_no_sound_and_says_why() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let good = world.invite(Role::Member).await?;
        // The host lets them in, because the entry half is right; the seal does not open.
        let wrong = Invite { secret: InviteSecret { media: Secret::new([8; 32]), ..good.secret.clone() }, ..good };
        let stranger = Guest::humming("Stranger", 660.0).await?;
        stranger.join(&wrong.to_link(), true, false).await?;
        stranger.until_in().await?;
        owner.until_track("Stranger", TrackSource::Microphone, TrackState::WrongKey).await?;
        stranger.until_track("Owner", TrackSource::Microphone, TrackState::WrongKey).await?;
        owner.until_silent(660.0).await?;
        stranger.until_silent(440.0).await?;
        Ok(())
    })
    .await
}
