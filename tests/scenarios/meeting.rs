//! The product on one page: someone opens a meeting and invites, someone joins; they hear each other, see each other's
//! camera and a shared screen, mute, and leave.

use std::time::Duration;

use client::MuteWish;
use inspection::mirror::Mirror;
use inspection::person::{Guest, guarded, people, track};
use inspection::world::World;
use media_core::testing::{DeviceKind, FakeSetup, Speech, correlation, tone_power};
use protocol::bridge::{CreateInvite, Nothing, Phase, SealView, SetVolume, StartShare, SwitchState};
use protocol::policy::{Role, TrackSource};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_meet() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let hanako = world.owner("Hanako", 440.0).await?;

        // An invitation, as the owner would hand it over; its bearer comes in as a member.
        let invitation = hanako.client.create_invite(CreateInvite { role: Role::Member, hours: 1 }).await?;
        let alex = Guest::humming("Alex", 660.0).await?;
        alex.join(&invitation.link, true, true).await?;
        alex.until_in().await?;
        for person in [&hanako, &alex] {
            person.until_people(2).await?;
        }
        assert_eq!(alex.meeting()?.role, Some(Role::Member), "the invitation says what its bearer becomes");

        // They hear each other.
        hanako.until_hears(660.0).await?;
        alex.until_hears(440.0).await?;
        // And each is told so by the other's computer.
        for person in [&hanako, &alex] {
            let heard = |m: &Mirror| m.snapshot.meeting.as_ref().filter(|view| view.heard_by == 1).map(|_| ());
            person.until("being heard", heard).await?;
        }

        // She may make him quieter for her own ears, and louder again.
        let him = people(&hanako.now()).iter().find(|p| !p.is_me).map(|p| p.user.clone()).unwrap();
        hanako.client.set_volume(SetVolume { user: him.clone(), percent: 0 }).await?;
        hanako.until_silent(660.0).await?;
        hanako.client.set_volume(SetVolume { user: him, percent: 100 }).await?;
        hanako.until_hears(660.0).await?;

        // Hanako sees Alex: the counter painted into his camera's picture rises on her side.
        let camera = hanako.until_plays("Alex", TrackSource::Camera).await?;
        hanako.until_counts(camera.id.as_str(), 10).await?;

        // She shares her screen and he sees it.
        let screen = hanako.now().snapshot.devices.screens[0].id.clone();
        hanako.client.start_share(StartShare { screen, sound: false }).await?;
        let shared = alex.until_plays("Hanako", TrackSource::ScreenShare).await?;
        alex.until_counts(shared.id.as_str(), 5).await?;

        // All of that was sealed, and both say so.
        for person in [&hanako, &alex] {
            assert_eq!(person.meeting()?.seal, SealView::Sealed, "nothing unsealed in a meeting of ours");
        }

        // Alex mutes: silence, and everyone sees it. Then he speaks again.
        alex.microphone(false).await?;
        hanako.until_silent(660.0).await?;
        hanako
            .until("Alex to be muted", |m| {
                track(m, "Alex", TrackSource::Microphone).is_none_or(|t| t.muted).then_some(())
            })
            .await?;
        alex.until("the microphone to be off", |m| {
            (m.snapshot.meeting.as_ref()?.microphone == SwitchState::Off).then_some(())
        })
        .await?;
        alex.microphone(true).await?;
        hanako.until_hears(660.0).await?;

        // He leaves: his devices are closed and she is alone.
        alex.client.leave(Nothing {}).await?;
        alex.until("home", |m| (m.snapshot.phase == Phase::Home).then_some(())).await?;
        inspection::person::poll(|| {
            let open = |kind| alex.devices.open_streams(kind);
            (open(DeviceKind::Microphone) == 0 && open(DeviceKind::Camera) == 0).then_some(())
        })
        .await
        .expect("whoever left has microphone and camera closed");
        hanako.until_people(1).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_is_what_is_heard() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let listener = world.owner("Listener", 440.0).await?;
        let speaker = Guest::new("Speaker", FakeSetup { seed: 7, ..FakeSetup::default() }).await?;
        listener.devices.forget_played();
        speaker.join(&world.invite(Role::Member).await?.to_link(), true, false).await?;
        listener.until_plays("Speaker", TrackSource::Microphone).await?;
        let enough = inspection::person::poll(|| (listener.devices.played().len() > 48_000 * 12).then_some(())).await;
        anyhow::ensure!(enough.is_some(), "the speaker plays on");

        // Pieces of what the microphone was given, found again in what the speaker played. Short ones, and the better
        // quarter of them: a busy machine leaves gaps, and the jitter buffer stretches what lies between them. How well
        // speech survives a bad network is tested in virtual time. Another voice is the measure of chance.
        let played = listener.devices.played();
        let alike = |seed| {
            let given = Speech::new(seed, 48_000).take(48_000 * 9);
            let mut best: Vec<f64> = given[48_000 * 3..]
                .chunks_exact(12_000)
                .map(|piece| correlation(piece, &played, played.len() - piece.len()).1)
                .collect();
            best.sort_by(f64::total_cmp);
            best[best.len() * 3 / 4]
        };
        let (same, other) = (alike(7), alike(8));
        assert!(same > 0.7, "speech must come through as it was said: correlation {same:.3}, by chance {other:.3}");
        assert!(other < 0.6, "another voice must not pass for it: correlation {other:.3}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_people_hear_the_other_three() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let notes = [440.0, 660.0, 880.0, 1100.0];
        let mut everyone = vec![world.owner("P0", notes[0]).await?];
        for (n, note) in notes.iter().enumerate().skip(1) {
            everyone.push(world.guest(&format!("P{n}"), Role::Member, *note).await?);
        }
        for (n, person) in everyone.iter().enumerate() {
            person.until_people(4).await?;
            for (other, note) in notes.iter().enumerate().filter(|(other, _)| *other != n) {
                person.until_plays(&format!("P{other}"), TrackSource::Microphone).await?;
                // Three notes share the power, whoever is loudest.
                person.until_note(*note, |share| share > 0.05).await?;
            }
            assert!(people(&person.now()).iter().any(|p| p.is_me), "everyone is in their own list");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_key_did_is_heard_by_whoever_pressed_it_and_by_nobody_else() -> anyhow::Result<()> {
    // The cue's notes, and how much of a tenth of a second is one of them at most.
    const NOTES: [f64; 2] = [392.0, 587.33];
    let most = |played: &[f32]| {
        let loud = |piece: &&[f32]| piece.iter().any(|s| s.abs() > 0.02);
        let share = |piece: &[f32]| NOTES.map(|note| tone_power(piece, note, 48_000)).into_iter().fold(0.0, f64::max);
        played.windows(4_320).step_by(1_080).filter(loud).map(share).fold(0.0, f64::max)
    };
    guarded(async {
        let world = World::open().await?;
        let hanako = world.owner("Hanako", 880.0).await?;
        let alex = world.guest("Alex", Role::Member, 1100.0).await?;
        alex.until_hears(880.0).await?;
        alex.microphone(false).await?;
        hanako.until_silent(1100.0).await?;
        for person in [&hanako, &alex] {
            person.devices.forget_played();
        }
        for wish in [MuteWish::Mute, MuteWish::Unmute, MuteWish::Mute, MuteWish::Unmute] {
            hanako.client.mute_by_key(wish).await?;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        alex.until_hears(880.0).await?;
        let (own, other) = (hanako.devices.played(), alex.devices.played());
        anyhow::ensure!(most(&own) > 0.4, "she hears what her key did: {:.3}", most(&own));
        anyhow::ensure!(most(&other) < 0.1, "he hears her key: {:.3}", most(&other));
        Ok(())
    })
    .await
}
