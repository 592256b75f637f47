//! A right that is taken away is gone at once, everywhere: the device closes, the track ends, nobody hears it.

use inspection::person::{guarded, poll};
use inspection::world::World;
use media_core::testing::DeviceKind;
use protocol::bridge::{Code, SetRight, SetRole, StartShare, SwitchState};
use protocol::policy::{Capability, Role, TrackSource};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_microphone_closes_at_once_everywhere() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let guest = world.guest("Guest", Role::Guest, 660.0).await?;
        let witness = world.guest("Witness", Role::Member, 880.0).await?;
        witness.until_note(660.0, |share| share > 0.05).await?;

        let right = |allowed| SetRight { role: Role::Guest, capability: Capability::Microphone, allowed };
        owner.client.set_right(right(false)).await?;
        for person in [&owner, &witness] {
            person.until_gone("Guest", TrackSource::Microphone).await?;
            person.until_silent(660.0).await?;
        }
        poll(|| (guest.devices.open_streams(DeviceKind::Microphone) == 0).then_some(()))
            .await
            .expect("the microphone itself is closed, not only muted");
        guest
            .until("the guest is told why", |m| {
                let meeting = m.snapshot.meeting.as_ref()?;
                let gone = !meeting.allowed.contains(&Capability::Microphone);
                (gone && !matches!(meeting.microphone, SwitchState::On { .. })).then_some(())
            })
            .await?;
        let refused = guest.microphone(true).await.expect_err("without the right it cannot be opened again");
        assert_eq!(refused.code, Code::NotAllowed);
        // The others are not touched.
        owner.until_note(880.0, |share| share > 0.05).await?;

        // Given back, it can be opened again; nothing opens by itself.
        let opened = guest.devices.ever_opened(DeviceKind::Microphone);
        owner.client.set_right(right(true)).await?;
        guest
            .until("the right is back", |m| {
                m.snapshot.meeting.as_ref()?.allowed.contains(&Capability::Microphone).then_some(())
            })
            .await?;
        assert_eq!(guest.devices.ever_opened(DeviceKind::Microphone), opened, "a microphone never opens by itself");
        guest.microphone(true).await?;
        owner.until_note(660.0, |share| share > 0.05).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_screen_ends_with_the_role_that_allowed_it() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let member = world.guest("Member", Role::Member, 660.0).await?;
        let screen = member.now().snapshot.devices.screens[0].id.clone();
        member.client.start_share(StartShare { screen: screen.clone(), sound: false }).await?;
        owner.until_plays("Member", TrackSource::ScreenShare).await?;

        let user = member.meeting()?.me;
        owner.client.set_role(SetRole { user, role: Role::Guest }).await?;
        owner.until_gone("Member", TrackSource::ScreenShare).await?;
        poll(|| (member.devices.open_streams(DeviceKind::Screen) == 0).then_some(()))
            .await
            .expect("the capture itself has ended");
        // Speaking is allowed to guests: it goes on.
        owner.until_hears(660.0).await?;
        let refused =
            member.client.start_share(StartShare { screen, sound: false }).await.expect_err("guests do not share");
        assert_eq!(refused.code, Code::NotAllowed);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_changes_rights_and_one_owner_stays() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let member = world.guest("Member", Role::Member, 660.0).await?;
        owner.until_people(2).await?;

        let wish = SetRight { role: Role::Guest, capability: Capability::Megaphone, allowed: true };
        let answer = member.client.set_right(wish).await;
        if answer.is_ok() {
            // The host's word comes as a notice.
            member
                .until("being told no", |m| m.snapshot.notices.iter().any(|n| n.code == Code::NotAllowed).then_some(()))
                .await?;
        }
        let me = owner.meeting()?.me;
        let answer = owner.client.set_role(SetRole { user: me, role: Role::Guest }).await;
        if answer.is_ok() {
            owner
                .until("being told to stay", |m| {
                    m.snapshot.notices.iter().any(|n| n.code == Code::LastOwner).then_some(())
                })
                .await?;
        }
        let meeting = owner.meeting()?;
        assert_eq!(meeting.role, Some(Role::Owner));
        let guests = meeting.rights.iter().find(|r| r.role == Role::Guest).expect("every role has a row");
        assert!(!guests.allowed.contains(&Capability::Megaphone), "a member's wish changed nothing");
        Ok(())
    })
    .await
}
