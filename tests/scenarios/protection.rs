//! A meeting that demands protection from screenshots: who has too little hears and does not see, from one moment to the
//! next, and what was captured reaches the owner. Measured in frames of a camera that counts, never in seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use client::Client;
use inspection::mirror::Mirror;
use inspection::person::{Guest, guarded, people, poll};
use inspection::visitors::Visitor;
use inspection::world::World;
use media_core::channel::Taken;
use media_core::testing::read_counter;
use protocol::bridge::{Code, SetShieldExempt, SetShieldMinimum, StartShare, TrackState};
use protocol::ids::ProgramName;
use protocol::policy::{Role, TrackSource};
use protocol::shield::{CaptureMethod, ShieldIncident, ShieldLevel, ShieldMechanism, ShieldStatus};

/// What a camera shows in a second, at most: pictures stop within it.
const SECOND: u16 = 30;

const fn at(level: ShieldLevel) -> ShieldStatus {
    ShieldStatus { level, mechanism: ShieldMechanism::X11Watch, failed: false, test: None }
}

const fn demand(level: ShieldLevel) -> SetShieldMinimum {
    SetShieldMinimum { role: None, level }
}

/// Counts what arrives of one track, for as long as it lives. A track has one watcher: nobody else may look at it.
struct Eyes {
    seen: Arc<AtomicU32>,
    /// The newest counter, plus one; 0: nothing yet.
    last: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
}

impl Eyes {
    fn on(client: &Client, track: &str) -> Self {
        let eyes = Self { seen: Arc::default(), last: Arc::default(), stop: Arc::default() };
        let pictures = client.watch_pictures(track);
        let (seen, last, stop) = (Arc::clone(&eyes.seen), Arc::clone(&eyes.last), Arc::clone(&eyes.stop));
        tokio::task::spawn_blocking(move || {
            while !stop.load(Ordering::Relaxed) {
                let picture = match pictures.take(Duration::from_millis(100)) {
                    Taken::Value(picture) => picture,
                    Taken::Nothing => continue,
                    Taken::Ended => break,
                };
                seen.fetch_add(1, Ordering::Relaxed);
                if let Some(counter) = read_counter(&picture) {
                    last.store(u32::from(counter) + 1, Ordering::Relaxed);
                }
            }
        });
        eyes
    }

    fn seen(&self) -> u32 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Waits until so many more have come.
    async fn until_more(&self, times: u32) -> anyhow::Result<()> {
        let from = self.seen();
        let more = poll(|| (self.seen() >= from + times).then_some(())).await;
        more.ok_or_else(|| anyhow::anyhow!("{} pictures came instead of {times}", self.seen() - from))
    }

    fn last(&self) -> u16 {
        u16::try_from(self.last.load(Ordering::Relaxed).saturating_sub(1)).expect("stored as such")
    }
}

impl Drop for Eyes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Whether this person gets pictures, in the eyes of somebody.
fn pictures(mirror: &Mirror, name: &str) -> Option<bool> {
    people(mirror).iter().find(|p| p.name == name).map(|p| p.pictures)
}

/// From the moment `from`, as the camera counts, nothing came after a second, and nothing comes any more.
async fn no_more(blind: &Eyes, witness: &Guest, camera: &str, from: u16) -> anyhow::Result<()> {
    witness.until_counts(camera, 2 * SECOND).await?;
    let (seen, last) = (blind.seen(), blind.last());
    let late = last.wrapping_sub(from);
    assert!(late <= SECOND || late > u16::MAX / 2, "pictures went on for {late} frames");
    witness.until_counts(camera, 2 * SECOND).await?;
    assert_eq!(blind.seen(), seen, "and then none came");
    Ok(())
}

async fn until_withheld(person: &Guest) -> anyhow::Result<()> {
    person.until_track("Owner", TrackSource::Camera, TrackState::Withheld).await?;
    let shield = person.meeting()?.shield.expect("our own hosts say what they demand");
    assert!(!shield.pictures);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_protects_too_little_hears_and_does_not_see() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let suzuki = world.guest("Suzuki", Role::Member, 660.0).await?;
        let witness = world.guest("Witness", Role::Guest, 880.0).await?;
        for person in [&owner, &witness] {
            person.client.set_shield(at(ShieldLevel::Detect));
        }
        owner.camera(true).await?;
        let camera = suzuki.until_plays("Owner", TrackSource::Camera).await?.id.to_string();
        witness.until_plays("Owner", TrackSource::Camera).await?;
        let eyes = Eyes::on(&suzuki.client, &camera);
        eyes.until_more(5).await?;
        let protection = suzuki.client.protection();
        assert!(!protection.borrow().protect, "nothing is demanded, nothing is protected");

        // The owner demands protection in the middle of the meeting.
        let from = witness.until_counts(&camera, 1).await?;
        owner.client.set_shield_minimum(demand(ShieldLevel::Detect)).await?;
        until_withheld(&suzuki).await?;
        assert!(protection.borrow().protect, "the window is told to raise its shield");
        no_more(&eyes, &witness, &camera, from).await?;
        suzuki.until_hears(440.0).await?;
        owner.until_hears(660.0).await?;

        // A screen that is shared now does not come either.
        let screen = owner.now().snapshot.devices.screens[0].id.clone();
        owner.client.start_share(StartShare { screen, sound: false }).await?;
        let shared = witness.until_plays("Owner", TrackSource::ScreenShare).await?.id.to_string();
        let screen_eyes = Eyes::on(&suzuki.client, &shared);
        suzuki.until_track("Owner", TrackSource::ScreenShare, TrackState::Withheld).await?;
        witness.until_counts(&shared, 10).await?;
        assert_eq!(screen_eyes.seen(), 0);

        // The shield is up: everything is there again.
        suzuki.client.set_shield(at(ShieldLevel::Detect));
        suzuki.until_plays("Owner", TrackSource::Camera).await?;
        eyes.until_more(10).await?;
        screen_eyes.until_more(5).await?;
        owner.until("Suzuki to get pictures", |m| (pictures(m, "Suzuki") == Some(true)).then_some(())).await?;

        // And it falls.
        let from = witness.until_counts(&camera, 1).await?;
        suzuki.client.set_shield(at(ShieldLevel::None));
        owner.until("Suzuki to get none", |m| (pictures(m, "Suzuki") == Some(false)).then_some(())).await?;
        until_withheld(&suzuki).await?;
        no_more(&eyes, &witness, &camera, from).await?;
        suzuki.until_hears(440.0).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exemption_is_the_owners_and_everyone_sees_it() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let suzuki = world.guest("Suzuki", Role::Member, 660.0).await?;
        let witness = world.guest("Witness", Role::Guest, 880.0).await?;
        owner.client.set_shield_minimum(demand(ShieldLevel::Block)).await?;
        owner.camera(true).await?;
        until_withheld(&suzuki).await?;
        let user = suzuki.meeting()?.me;
        let wish = |exempt| SetShieldExempt { user: user.clone(), exempt };

        // Nobody exempts themself.
        suzuki.client.set_shield_exempt(wish(true)).await?;
        suzuki
            .until("being told no", |m| m.snapshot.notices.iter().any(|n| n.code == Code::NotAllowed).then_some(()))
            .await?;

        owner.client.set_shield_exempt(wish(true)).await?;
        let camera = suzuki.until_plays("Owner", TrackSource::Camera).await?.id.to_string();
        suzuki.until_counts(&camera, 10).await?;
        assert!(!suzuki.client.protection().borrow().protect, "their window is left alone");
        for person in [&owner, &witness] {
            person
                .until("everyone to see it", |m| {
                    people(m).iter().find(|p| p.name == "Suzuki").filter(|p| p.exempt && p.pictures).map(|_| ())
                })
                .await?;
        }
        assert_eq!(pictures(&witness.now(), "Witness"), Some(false), "it is for one person");

        owner.client.set_shield_exempt(wish(false)).await?;
        until_withheld(&suzuki).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_by_token_alone_hears_and_does_not_see_until_exempted() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        owner.client.set_shield_minimum(demand(ShieldLevel::Deter)).await?;
        owner.camera(true).await?;
        let folder = tempfile::tempdir()?;
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, world.host()?.ca_pem())?;
        let url = format!("wss://{}", world.at());
        let (passphrase, token) = (world.passphrase(), world.token("Token", Role::Member)?);
        let visit = |seconds: &'static str| {
            let words = ["--url", &url, "--token", "-", "--name", "Token", "--passphrase", &passphrase];
            let words: Vec<String> =
                words.into_iter().chain(["--listen", "440", "--for", seconds]).map(str::to_owned).collect();
            let (token, ca) = (token.clone(), ca.clone());
            async move {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                Visitor::start(&words, &token, &[("SSL_CERT_FILE", &ca)]).await
            }
        };
        let mut blind = visit("8").await?;
        let summary = blind.until("the summary", |e| e["event"] == "summary").await?;
        assert!(summary["notes"][0]["share"].as_f64() > Some(0.3), "it hears: {summary}");
        let shown = summary["pictures"].as_array().expect("a list");
        assert!(
            !shown.is_empty() && shown.iter().all(|p| p["seen"] == 0),
            "the camera is announced and not sent: {summary}"
        );
        assert!(blind.ended().await?);

        let mut exempted = visit("60").await?;
        let found = |m: &Mirror| people(m).iter().find(|p| p.name == "Token").map(|p| p.user.clone());
        let user = owner.until("the visitor to be back", found).await?;
        owner.client.set_shield_exempt(SetShieldExempt { user, exempt: true }).await?;
        exempted.until("a picture", |e| e["event"] == "first_picture").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_is_told_to_the_person_and_the_owner() -> anyhow::Result<()> {
    guarded(async {
        let world = World::open().await?;
        let owner = world.owner("Owner", 440.0).await?;
        let suzuki = world.guest("Suzuki", Role::Member, 660.0).await?;
        let witness = world.guest("Witness", Role::Member, 880.0).await?;
        let incident = ShieldIncident {
            program: ProgramName::cut("scrot"),
            pid: Some(4711),
            method: CaptureMethod::GetImage,
            seconds: 2,
            covered: true,
        };
        suzuki.client.shield_incident(incident.clone());
        let told =
            |code| move |m: &Mirror| m.snapshot.notices.iter().find(|n| n.code == code).and_then(|n| n.capture.clone());
        let own = suzuki.until("the person to be told", told(Code::WindowCaptured)).await?;
        assert_eq!((own.person, own.incident), (None, incident.clone()));
        let theirs = owner.until("the owner to be told", told(Code::OtherCaptured)).await?;
        assert_eq!((theirs.person.as_deref(), theirs.incident), (Some("Suzuki"), incident));
        // The owner's word came after the host told everyone who was to be told.
        witness.until_hears(440.0).await?;
        assert!(witness.now().snapshot.notices.is_empty());
        Ok(())
    })
    .await
}
