//! The megaphone: everyone on the host hears it, whatever room they are in.

use inspection::person::{Guest, guarded};
use inspection::world::World;
use protocol::bridge::{Code, Switch};
use protocol::invite::{HostAddress, Invite, InviteSecret};
use protocol::pii::Secret;
use protocol::policy::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_megaphone_reaches_every_room_of_the_host() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let here = world.guest("Here", Role::Member, 660.0).await?;

        // A second room on the same host, whose owner was invited with the same media secret.
        let opened = world.host()?.open_room("Next door").await?;
        let first = world.owner_invite();
        let invite = Invite {
            room: opened.room,
            addresses: vec![HostAddress::Ip(world.at())],
            id: opened.invite,
            host: world.fingerprint(),
            expires_at: opened.expires_at,
            secret: InviteSecret { entry: opened.entry, media: Secret::new(*first.secret.media.expose()) },
        };
        let there = Guest::humming("There", 880.0).await?;
        there.join(&invite.to_link(), false, false).await?;
        there.until_in().await?;
        there.until_people(1).await?;
        there.until_silent(440.0).await?;

        owner.microphone(false).await?;
        here.until_silent(440.0).await?;
        owner.client.set_megaphone(Switch { on: true }).await?;
        here.until_hears(440.0).await?;
        there.until_hears(440.0).await?;

        owner.client.set_megaphone(Switch { on: false }).await?;
        here.until_silent(440.0).await?;
        there.until_silent(440.0).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_picks_up_the_megaphone_without_the_right() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let _owner = world.owner("Owner", 440.0).await?;
        let member = world.guest("Member", Role::Member, 660.0).await?;
        let refused = member.client.set_megaphone(Switch { on: true }).await.expect_err("members have no megaphone");
        assert_eq!(refused.code, Code::NotAllowed);
        Ok(())
    })
    .await
}
