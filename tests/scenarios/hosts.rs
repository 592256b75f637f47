//! The host goes away and comes back: clients say so, and return by themselves.

use inspection::person::{guarded, people};
use inspection::world::World;
use protocol::bridge::{LostBecause, Phase};
use protocol::policy::Role;

fn reconnecting(m: &inspection::mirror::Mirror) -> Option<LostBecause> {
    match m.snapshot.phase {
        Phase::Reconnecting { why, .. } => Some(why),
        Phase::Home | Phase::Joining { .. } | Phase::InMeeting => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_come_back_by_themselves_after_a_crashed_host_returns() -> anyhow::Result<()> {
    guarded(async {
        let mut world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let guest = world.guest("Guest", Role::Member, 660.0).await?;
        owner.until_hears(660.0).await?;

        world.crash();
        for person in [&owner, &guest] {
            person.until("noticing", reconnecting).await?;
        }
        world.restart().await?;
        for person in [&owner, &guest] {
            person.until_in().await?;
            person.until_people(2).await?;
        }
        owner.until_hears(660.0).await?;
        guest.until_hears(440.0).await?;
        assert_eq!(owner.meeting()?.role, Some(Role::Owner), "who they were is remembered");
        assert_eq!(guest.meeting()?.role, Some(Role::Member), "who they were is remembered");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_says_goodbye() -> anyhow::Result<()> {
    guarded(async {
        let mut world = World::open().await?;
        let guest = world.guest("Guest", Role::Member, 660.0).await?;
        world.stop().await;
        // Told, not found out: either still waiting for it to return, or sent home with the reason.
        guest
            .until("the goodbye", |m| {
                let closing = m.snapshot.notices.iter().any(|n| n.code == protocol::bridge::Code::HostClosing);
                let said = |p: &Phase| matches!(p, Phase::Reconnecting { why: LostBecause::HostClosing, .. });
                (closing || m.phases.iter().any(said)).then_some(())
            })
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_office_host_is_found_again() -> anyhow::Result<()> {
    guarded(async {
        let folder = tempfile::tempdir()?;
        let mut office = inspection::office::Office::start(folder.path()).await?;
        let owner = inspection::person::Guest::humming("Owner", 440.0).await?;
        owner.join(&office.invite, true, false).await?;
        owner.until_in().await?;

        office.kill().await?;
        owner.until("noticing", reconnecting).await?;
        office.restart().await?;
        owner.until_in().await?;
        owner.until("being in the list again", |m| (people(m).len() == 1).then_some(())).await?;
        Ok(())
    })
    .await
}
