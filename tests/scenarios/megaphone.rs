//! The megaphone: everyone on the host hears it, whatever room they are in, and it opens no other room.

use inspection::person::{Guest, guarded};
use inspection::world::World;
use protocol::bridge::{Code, Switch, TrackState};
use protocol::invite::Invite;
use protocol::pii::Secret;
use protocol::policy::{Role, TrackSource};

async fn listener(name: &str, note: f64, invite: &Invite) -> anyhow::Result<Guest> {
    let guest = Guest::humming(name, note).await?;
    guest.join(&invite.to_link(), false, false).await?;
    guest.until_in().await?;
    Ok(guest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_megaphone_reaches_every_room_of_the_host() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let here = world.guest("Here", Role::Member, 660.0).await?;
        let next_door = world.next_door("Next door").await?;
        assert_ne!(next_door.secret.media, world.owner_invite().secret.media, "rooms have keys of their own");
        let there = listener("There", 880.0, &next_door).await?;
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
async fn the_megaphone_opens_with_the_key_of_the_host_and_a_room_with_its_own() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let next_door = world.next_door("Next door").await?;

        // Let into the owner's room, but with the keys of the one next door: only the megaphone is for both.
        let mut keys_of_next_door = world.invite(Role::Guest).await?;
        keys_of_next_door.secret.media = next_door.secret.media.clone();
        let stray = listener("Stray", 660.0, &keys_of_next_door).await?;
        stray.until_track("Owner", TrackSource::Microphone, TrackState::WrongKey).await?;
        stray.until_silent(440.0).await?;

        // In a room of the host, and in the speaker's own, without what the host's rooms share.
        let mut no_broadcast_key = next_door.clone();
        no_broadcast_key.secret.broadcast = Secret::new([9; 16]);
        let deaf = listener("Deaf", 880.0, &no_broadcast_key).await?;
        let mut no_broadcast_key = world.invite(Role::Guest).await?;
        no_broadcast_key.secret.broadcast = Secret::new([9; 16]);
        let here = listener("Here", 550.0, &no_broadcast_key).await?;
        here.until_hears(440.0).await?;

        owner.microphone(false).await?;
        here.until_silent(440.0).await?;
        owner.client.set_megaphone(Switch { on: true }).await?;
        stray.until_hears(440.0).await?;
        here.until_track("Owner", TrackSource::Megaphone, TrackState::WrongKey).await?;
        here.until_silent(440.0).await?;
        deaf.until_silent(440.0).await?;

        // The megaphone did not open the room for them.
        owner.client.set_megaphone(Switch { on: false }).await?;
        owner.microphone(true).await?;
        here.until_hears(440.0).await?;
        stray.until_track("Owner", TrackSource::Microphone, TrackState::WrongKey).await?;
        stray.until_silent(440.0).await?;
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
