//! Host and guest on one network, and nothing beyond it: no DNS query, no packet off the link.

use inspection::island;
use inspection::person::{Guest, guarded};
use protocol::invite::{HostAddress, Invite};
use protocol::policy::TrackSource;

#[test]
fn a_meeting_on_one_network_asks_nobody_outside() -> anyhow::Result<()> {
    island::run("offline::inside_nobody_outside_is_asked")
}

#[test]
#[ignore = "runs on an island, started by the test above"]
fn inside_nobody_outside_is_asked() -> anyhow::Result<()> {
    if !island::inside() {
        return Ok(());
    }
    let island = island::Island::raise()?;
    // The way out: a cable that nobody holds at its other end. Whatever wants to leave is counted there.
    island.pretend_a_way_out()?;
    let before = island.packets_that_left()?;
    tokio::runtime::Runtime::new()?.block_on(guarded(async {
        let folder = tempfile::tempdir()?;
        let office = inspection::office::Office::start_at(folder.path(), &island.here(7880), &[]).await?;
        let owner = Guest::humming("Owner", 440.0).await?;
        owner.join(&office.invite, true, false).await?;
        owner.until_in().await?;
        let _visitor = island.visitor(&office.member, &["--tone", "660", "--name", "Far", "--camera", "synthetic"])?;
        owner.until_hears(660.0).await?;
        let camera = owner.until_plays("Far", TrackSource::Camera).await?;
        owner.until_counts(camera.id.as_str(), 5).await?;
        Ok(())
    }))?;
    assert_eq!(island.packets_that_left()?, before, "packets that left the network during the meeting");

    // The trap works: a name that has to be asked for outside is counted.
    use std::net::ToSocketAddrs;
    assert!(("shoji.example", 443).to_socket_addrs().is_err(), "there is no name server on an island");
    assert!(island.packets_that_left()? > before, "a DNS query would have been seen");
    Ok(())
}

#[test]
fn a_host_whose_address_changed_is_found_on_the_same_network() -> anyhow::Result<()> {
    island::run("offline::inside_a_moved_host_is_found")
}

#[test]
#[ignore = "runs on an island, started by the test above"]
fn inside_a_moved_host_is_found() -> anyhow::Result<()> {
    if !island::inside() {
        return Ok(());
    }
    let island = island::Island::raise()?;
    tokio::runtime::Runtime::new()?.block_on(guarded(async {
        let folder = tempfile::tempdir()?;
        let office = inspection::office::Office::announced_at(folder.path(), &island.here(7880)).await?;
        let owner = Guest::humming("Owner", 440.0).await?;
        owner.join(&office.invite, true, false).await?;
        owner.until_in().await?;
        // The link is from the day when the host had another address, which nobody has now.
        let mut invite = Invite::parse(&office.member)?;
        invite.addresses = vec![HostAddress::parse("192.0.2.77:7880")?];
        let _visitor = island.visitor(&invite.to_link(), &["--tone", "660", "--name", "Far"])?;
        owner.until_hears(660.0).await
    }))
}
