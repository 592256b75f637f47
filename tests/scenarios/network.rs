//! The network goes away and comes back: a dropped socket is resumed unheard, lost UDP is noticed and mended.

use inspection::cable::Cable;
use inspection::island;
use inspection::person::{Guest, guarded, people};
use inspection::world::World;
use protocol::bridge::Phase;
use protocol::policy::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_socket_is_resumed_and_the_sound_goes_on() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let cable = Cable::to(world.at()).await?;
        let guest = Guest::humming("Guest", 660.0).await?;
        guest.join(&world.invite_by(Role::Member, cable.end()).await?.to_link(), true, false).await?;
        guest.until_in().await?;
        owner.until_hears(660.0).await?;
        let session = |g: &Guest| {
            let now = g.now();
            people(&now).iter().find(|p| p.is_me).and_then(|p| p.sid.clone())
        };
        let before = session(&guest);

        let carried = cable.carried();
        cable.cut();
        inspection::person::poll(|| (cable.carried() > carried).then_some(())).await.expect("it connects again");
        guest.until_in().await?;
        owner.until_hears(660.0).await?;
        guest.until_hears(440.0).await?;
        assert_eq!(session(&guest), before, "a resume keeps the session; a fresh join would not");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unplugged_cable_is_told_and_waited_for() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let _owner = world.owner("Owner", 440.0).await?;
        let cable = Cable::to(world.at()).await?;
        let guest = Guest::humming("Guest", 660.0).await?;
        guest.join(&world.invite_by(Role::Member, cable.end()).await?.to_link(), true, false).await?;
        guest.until_in().await?;

        cable.unplug();
        guest.until("noticing", |m| matches!(m.snapshot.phase, Phase::Reconnecting { .. }).then_some(())).await?;
        cable.plug();
        guest.until_in().await?;
        guest.until_people(2).await?;
        Ok(())
    })
    .await
}

#[test]
fn sound_comes_back_after_udp_was_swallowed() -> anyhow::Result<()> {
    island::run("network::inside_udp_is_swallowed")
}

#[test]
#[ignore = "runs on an island, started by the test above"]
fn inside_udp_is_swallowed() -> anyhow::Result<()> {
    if !island::inside() {
        return Ok(());
    }
    let island = island::Island::raise()?;
    tokio::runtime::Runtime::new()?.block_on(guarded(async {
        let folder = tempfile::tempdir()?;
        let office = inspection::office::Office::start_at(folder.path(), &island.here(7880), &[]).await?;
        let owner = Guest::humming("Owner", 440.0).await?;
        owner.join(&office.invite, true, false).await?;
        owner.until_in().await?;
        let _visitor = island.visitor(&office.member, &["--tone", "660", "--name", "Far"])?;
        owner.until_hears(660.0).await?;

        // Packets of UDP from over there are swallowed without a word; TCP goes on.
        island.swallow_udp()?;
        owner.until_silent(660.0).await?;
        island.let_udp_through()?;
        owner.until_hears(660.0).await?;
        Ok(())
    }))
}
