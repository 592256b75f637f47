//! What lies over pictures: the owner decides, everyone draws their own.

use inspection::person::guarded;
use inspection::world::World;
use protocol::bridge::{Code, SetWatermark, WatermarkView};
use protocol::policy::Role;
use protocol::watermark::Watermark;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_turns_watermarks_on_and_everyone_draws_a_mark_of_their_own() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let member = world.guest("Member", Role::Member, 660.0).await?;
        let nothing = WatermarkView { is: Watermark::None, tile: None, editable: false };
        assert_eq!(member.meeting()?.watermark, nothing, "off unless somebody turns it on");
        assert!(owner.meeting()?.watermark.editable);

        let wish = |watermark| SetWatermark { watermark };
        member.client.set_watermark(wish(Watermark::Both)).await?;
        let denied = |m: &inspection::mirror::Mirror| m.snapshot.notices.iter().any(|n| n.code == Code::NotAllowed);
        member.until("being told no", |m| denied(m).then_some(())).await?;
        assert_eq!(member.meeting()?.watermark, nothing);

        owner.client.set_watermark(wish(Watermark::Both)).await?;
        let mut tiles = Vec::new();
        for person in [&owner, &member] {
            let tile = person.until("a mark", |m| {
                let drawn = &m.snapshot.meeting.as_ref()?.watermark;
                drawn.tile.clone().filter(|_| drawn.is == Watermark::Both)
            });
            tiles.push(tile.await?);
        }
        assert_ne!(tiles[0], tiles[1], "nobody draws another's mark");

        // Who comes later is told at once.
        let late = world.guest("Late", Role::Guest, 880.0).await?;
        let third = late.until("a mark", |m| m.snapshot.meeting.as_ref()?.watermark.tile.clone()).await?;
        assert!(!tiles.contains(&third));

        owner.client.set_watermark(wish(Watermark::Visible)).await?;
        late.until("no hidden mark", |m| {
            let drawn = &m.snapshot.meeting.as_ref()?.watermark;
            (drawn.is == Watermark::Visible && drawn.tile.is_none()).then_some(())
        })
        .await
    })
    .await
}
