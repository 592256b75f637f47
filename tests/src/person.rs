//! One headless client with its devices: what a person does, and what they can be waited for.
//! Used by tests, benches and the visitor. Waiting has a guard against hanging and never measures.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use client::Client;
use client::ports::{Ports, Vault};
use media_core::channel::Taken;
use media_core::device::Devices;
use media_core::testing::{FakeDevices, FakeSetup, read_counter};
use protocol::bridge::{Failure, JoinInvite, MeetingView, PersonView, Phase, Switch, TrackState, TrackView};
use protocol::ids::DisplayName;
use protocol::policy::TrackSource;
use protocol::shield::ShieldStatus;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::mirror::Mirror;
use crate::vault::OpenVault;

/// Longest wait for something that must come. On a busy machine everything takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A client and what it says about itself. Dropping it leaves without a word, as a crash would.
pub struct Person {
    /// The product.
    pub client: Client,
    name: DisplayName,
    mirror: watch::Receiver<Mirror>,
    pump: JoinHandle<()>,
}

impl Drop for Person {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

impl Person {
    /// Starts a client with these devices and secrets; `profile` is where it may write.
    pub async fn start(
        name: &str,
        devices: Arc<dyn Devices>,
        vault: Arc<dyn Vault>,
        profile: Option<std::path::PathBuf>,
    ) -> anyhow::Result<Self> {
        let ports = Ports { devices, vault, host: None, profile, shield: ShieldStatus::default(), person: None };
        let client = Client::start(ports, &tokio::runtime::Handle::current());
        let subscribed = client.subscribe().await;
        let (snapshot, events) = subscribed.ok_or_else(|| anyhow::anyhow!("the client ended at once"))?;
        let (write, mirror) = watch::channel(Mirror::new(snapshot));
        let pump = tokio::spawn(pump(client.clone(), events, write));
        Ok(Self { client, name: DisplayName::parse(name)?, mirror, pump })
    }

    /// Everything that changes, as it changes.
    #[must_use]
    pub fn mirror(&self) -> watch::Receiver<Mirror> {
        self.mirror.clone()
    }

    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Mirror {
        self.mirror.borrow().clone()
    }

    /// The meeting as it is now; none: an error in words.
    pub fn meeting(&self) -> anyhow::Result<MeetingView> {
        self.now().snapshot.meeting.ok_or_else(|| anyhow::anyhow!("{} is in no meeting", self.name))
    }

    /// Joins by a link, with or without microphone and camera; answers when it is decided.
    ///
    /// # Errors
    /// As the client says.
    pub async fn join(&self, link: &str, microphone: bool, camera: bool) -> Result<(), Failure> {
        let ask = JoinInvite { link: link.to_owned(), name: self.name.clone(), microphone, camera };
        self.client.join_invite(ask).await
    }

    /// Waits until `check` finds what it looks for.
    ///
    /// # Errors
    /// It did not come; the error says what was waited for and what was there instead.
    pub async fn until<T>(&self, what: &str, mut check: impl FnMut(&Mirror) -> Option<T>) -> anyhow::Result<T> {
        let mut mirror = self.mirror.clone();
        let search = async {
            loop {
                if let Some(found) = check(&mirror.borrow_and_update()) {
                    return Some(found);
                }
                if mirror.changed().await.is_err() {
                    return None;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => anyhow::bail!("{} ended while waiting for {what}", self.name),
            Err(_) => {
                let Mirror { snapshot, .. } = self.now();
                anyhow::bail!(
                    "{} waited in vain for {what}; phase {:?}, notices {:?}, meeting {:#?}",
                    self.name,
                    snapshot.phase,
                    snapshot.notices,
                    snapshot.meeting
                )
            }
        }
    }

    /// Waits until this person is in the meeting with everything connected.
    ///
    /// # Errors
    /// It did not come to that.
    pub async fn until_in(&self) -> anyhow::Result<()> {
        self.until("being in the meeting", |m| (m.snapshot.phase == Phase::InMeeting).then_some(())).await
    }

    /// Waits until so many people are in the meeting, this one counted.
    ///
    /// # Errors
    /// They did not come.
    pub async fn until_people(&self, count: usize) -> anyhow::Result<()> {
        self.until(&format!("{count} people"), |m| (people(m).len() == count).then_some(())).await
    }

    /// Waits for someone's track to play.
    ///
    /// # Errors
    /// It did not come.
    pub async fn until_plays(&self, name: &str, source: TrackSource) -> anyhow::Result<TrackView> {
        self.until_track(name, source, TrackState::Playing).await
    }

    /// Waits for someone's track to be in a state.
    ///
    /// # Errors
    /// It did not come.
    pub async fn until_track(&self, name: &str, source: TrackSource, state: TrackState) -> anyhow::Result<TrackView> {
        self.until(&format!("{name}'s {source:?} to be {state:?}"), |m| {
            track(m, name, source).filter(|t| t.state == state)
        })
        .await
    }

    /// Waits until someone's track is gone.
    ///
    /// # Errors
    /// It stayed.
    pub async fn until_gone(&self, name: &str, source: TrackSource) -> anyhow::Result<()> {
        self.until(&format!("{name}'s {source:?} to be gone"), |m| track(m, name, source).is_none().then_some(())).await
    }

    /// Looks at a track until its painted counter has risen by `times` pictures; answers the last count.
    ///
    /// # Errors
    /// It did not rise.
    pub async fn until_counts(&self, track: &str, times: u16) -> anyhow::Result<u16> {
        let pictures = self.client.watch_pictures(track);
        let name = track.to_owned();
        let count = tokio::task::spawn_blocking(move || {
            let deadline = std::time::Instant::now() + PATIENCE;
            let mut first = None;
            while std::time::Instant::now() < deadline {
                let Taken::Value(picture) = pictures.take(Duration::from_millis(200)) else { continue };
                let Some(count) = read_counter(&picture) else { continue };
                let start = *first.get_or_insert(count);
                if count.wrapping_sub(start) >= times && count.wrapping_sub(start) < u16::MAX / 2 {
                    return Some(count);
                }
            }
            None
        })
        .await?;
        count.ok_or_else(|| anyhow::anyhow!("the counter of {name} did not rise by {times}"))
    }

    /// Microphone on or off.
    ///
    /// # Errors
    /// As the client says.
    pub async fn microphone(&self, on: bool) -> Result<(), Failure> {
        self.client.set_microphone(Switch { on }).await
    }

    /// Camera on or off.
    ///
    /// # Errors
    /// As the client says.
    pub async fn camera(&self, on: bool) -> Result<(), Failure> {
        self.client.set_camera(Switch { on }).await
    }
}

/// People in the meeting.
#[must_use]
pub fn people(mirror: &Mirror) -> &[PersonView] {
    mirror.snapshot.meeting.as_ref().map_or(&[], |m| &m.people)
}

/// Someone's track.
#[must_use]
pub fn track(mirror: &Mirror, name: &str, source: TrackSource) -> Option<TrackView> {
    let person = people(mirror).iter().find(|p| p.name == name)?;
    person.tracks.iter().find(|t| t.source == source).cloned()
}

async fn pump(
    client: Client,
    mut events: tokio::sync::mpsc::Receiver<protocol::bridge::Event>,
    write: watch::Sender<Mirror>,
) {
    loop {
        let lost = match events.recv().await {
            Some(event) => {
                let mut result = Ok(());
                write.send_modify(|m| result = m.apply(event));
                result.is_err()
            }
            // The client ends a subscriber that is too slow.
            None => true,
        };
        if lost {
            let Some((snapshot, again)) = client.subscribe().await else { return };
            write.send_modify(|m| {
                let phases = std::mem::take(&mut m.phases);
                *m = Mirror::new(snapshot);
                m.phases.splice(0..0, phases);
            });
            events = again;
        }
    }
}

/// A person of a test: synthetic devices and a vault to look into.
pub struct Guest {
    /// What they do and know.
    pub person: Person,
    /// Their hardware.
    pub devices: FakeDevices,
    /// Their secrets.
    pub vault: Arc<OpenVault>,
    /// Their profile folder.
    pub profile: tempfile::TempDir,
}

impl std::ops::Deref for Guest {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

impl Guest {
    /// Someone with this voice.
    ///
    /// # Errors
    /// The client did not start.
    pub async fn new(name: &str, setup: FakeSetup) -> anyhow::Result<Self> {
        let devices = FakeDevices::new(setup);
        let vault = Arc::new(OpenVault::default());
        let profile = tempfile::tempdir()?;
        let person = Person::start(
            name,
            Arc::new(devices.clone()),
            Arc::clone(&vault) as Arc<dyn Vault>,
            Some(profile.path().to_owned()),
        )
        .await?;
        Ok(Self { person, devices, vault, profile })
    }

    /// Someone who hums one note.
    ///
    /// # Errors
    /// The client did not start.
    pub async fn humming(name: &str, frequency: f64) -> anyhow::Result<Self> {
        // A whole number of seconds of a whole number of hertz loops without a click.
        let sound: Arc<[f32]> = media_core::testing::tone(frequency, 48_000, 48_000).into();
        Self::new(name, FakeSetup { sound: Some(sound), ..FakeSetup::default() }).await
    }

    /// Share of what the speaker plays from now on that is this note, looked at in pieces of a fifth of a second,
    /// until `wanted` says yes.
    ///
    /// # Errors
    /// It never did.
    pub async fn until_note(&self, frequency: f64, wanted: impl Fn(f64) -> bool) -> anyhow::Result<f64> {
        let mut last = 0.0;
        let found = poll(|| {
            let played = self.devices.played();
            if played.len() < 9_600 {
                return None;
            }
            last = note(&played[played.len() - 9_600..], frequency);
            self.devices.forget_played();
            wanted(last).then_some(last)
        })
        .await;
        found.ok_or_else(|| anyhow::anyhow!("the note of {frequency} Hz stayed at a share of {last:.3}"))
    }

    /// Waits until this note is heard.
    ///
    /// # Errors
    /// It is not.
    pub async fn until_hears(&self, frequency: f64) -> anyhow::Result<()> {
        self.until_note(frequency, |share| share > 0.3).await.map(|_| ())
    }

    /// Waits until this note is heard no more.
    ///
    /// # Errors
    /// It still is.
    pub async fn until_silent(&self, frequency: f64) -> anyhow::Result<()> {
        self.until_note(frequency, |share| share < 0.001).await.map(|_| ())
    }
}

/// Share of the power at one frequency; silence has none.
fn note(sound: &[f32], frequency: f64) -> f64 {
    let power: f64 = sound.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>() / sound.len() as f64;
    if power < 1e-7 { 0.0 } else { media_core::testing::tone_power(sound, frequency, 48_000) }
}

/// Asks again every few milliseconds until there is an answer; `None` when patience is over.
pub async fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let asking = async {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.ok()
}

/// Runs a scenario with a guard against hanging for ever.
///
/// # Errors
/// The scenario's, or that it hung.
pub async fn guarded(scenario: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::time::timeout(PATIENCE * 5, scenario).await.unwrap_or_else(|_| Err(anyhow::anyhow!("the scenario hung")))
}
