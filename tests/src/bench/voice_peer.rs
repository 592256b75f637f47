//! The official LiveKit SDK (PyPI `livekit`: libwebrtc, NetEQ) beside ours in `voice-loss`: one process speaks, one
//! listens, our host forwards, and a relay puts the weather on the speaker's way to the host, where the receiver reports
//! of the host tell the speaker what was lost. In real time, at real-time priority where the system allows.
//! Not sealed: the SDK gives up its redundancy when it seals, and this is about its best.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use media_core::testing::Weather;
use protocol::policy::Role;
use serde_json::Value;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::relay::Way;
use crate::urgent::{self, Urgently};
use crate::visitors::Visitor;
use crate::world::World;

/// Where the peer is better: behind the host its sender would not know what was lost, and add no redundancy.
const WAY: Way = Way::ToHost;

/// One sentence for the SDK to carry.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    /// What is said.
    pub(super) said: PathBuf,
    /// Where what is heard goes, without the lesson.
    pub(super) heard: PathBuf,
    /// The first seconds of it are said once more in front, while both sides learn.
    pub(super) lesson: f64,
    /// On the speaker's way to the host.
    pub(super) weather: Weather,
    /// Of the weather.
    pub(super) seed: u64,
    /// Without RED and at 32 kbit/s, as libwebrtc itself would.
    pub(super) plain: bool,
}

/// Two people on the SDK, started anew for each take, in several booths side by side.
pub(super) struct Official {
    runtime: Runtime,
    booths: Vec<Arc<Booth>>,
}

/// A host behind a relay, in which one take is made at a time.
struct Booth {
    world: World,
    python: PathBuf,
    ca: PathBuf,
}

impl Official {
    /// Installs the SDK if need be, and opens so many booths.
    ///
    /// # Errors
    /// The SDK cannot be had, or a host does not start.
    pub(super) fn start(booths: usize) -> anyhow::Result<Self> {
        let python = crate::python::environment("peers", &here("interop/requirements.txt"))?;
        if !urgent::allowed() {
            eprintln!(
                "no real-time priority here: what else runs on this machine is part of the official SDK's figures"
            );
        }
        let _urgently = Urgently::now();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let booths = (0..booths.max(1)).map(|_| {
            let world = runtime.block_on(World::open_behind_a_relay())?;
            let ca = world.data.path().join("ca.pem");
            std::fs::write(&ca, world.host()?.ca_pem())?;
            Ok(Arc::new(Booth { world, python: python.clone(), ca }))
        });
        let booths = booths.collect::<anyhow::Result<_>>()?;
        Ok(Self { runtime, booths })
    }

    /// Runs all errands, as many at a time as there are booths; answers the kilobits a second of each on the way to the
    /// host, in their order.
    ///
    /// # Errors
    /// A take failed twice.
    pub(super) fn take_all(&self, errands: &[Errand]) -> anyhow::Result<Vec<f64>> {
        let _urgently = Urgently::now();
        let next = Arc::new(AtomicUsize::new(0));
        let errands: Arc<[Errand]> = errands.into();
        self.runtime.block_on(async {
            let mut booths = JoinSet::new();
            for booth in &self.booths {
                let (booth, next, errands) = (Arc::clone(booth), Arc::clone(&next), Arc::clone(&errands));
                booths.spawn(async move {
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(errand) = errands.get(number) else { return anyhow::Ok(done) };
                        let kbps = match booth.talk(errand).await {
                            Ok(kbps) => kbps,
                            Err(error) => {
                                // Its processes abort now and then while they are taken down.
                                eprintln!("a take is made once more: {error:#}");
                                booth.talk(errand).await?
                            }
                        };
                        done.push((number, kbps));
                    }
                });
            }
            let mut all = vec![0.0; errands.len()];
            while let Some(done) = booths.join_next().await {
                for (number, kbps) in done?? {
                    all[number] = kbps;
                }
            }
            Ok(all)
        })
    }
}

impl Booth {
    async fn talk(&self, errand: &Errand) -> anyhow::Result<f64> {
        let relay = self.world.relay()?;
        relay.set_weather(WAY, errand.seed, Weather::CLEAR);
        let mut listener = self.person("listen", &errand.heard, &[]).await?;
        let lesson = errand.lesson.to_string();
        let plain: &[&str] = if errand.plain { &["--plain"] } else { &[] };
        let words = [&["--lesson", &lesson], plain].concat();
        let mut speaker = self.person("speak", &errand.said, &words).await?;
        let word = |word: &'static str| move |event: &Value| event["event"] == word;
        speaker.until("that it publishes", word("published")).await?;
        listener.until("that it hears", word("hears")).await?;
        relay.set_weather(WAY, errand.seed, errand.weather);
        speaker.tell("go").await?;
        speaker.until("that the lesson is over", word("lesson_over")).await?;
        let (before, start) = (relay.crossed(), std::time::Instant::now());
        listener.tell("mark").await?;
        speaker.until("that all is said", word("said")).await?;
        let (after, seconds) = (relay.crossed(), start.elapsed().as_secs_f64());
        speaker.until("that it is quiet", word("quiet")).await?;
        listener.tell("leave").await?;
        let stats = listener.until("how it fared", word("stats")).await?;
        listener.until("that it wrote", word("written")).await?;
        speaker.tell("leave").await?;
        if std::env::var_os("SHOJI_BENCH_DETAILS").is_some() {
            eprintln!("official SDK: {} {stats} {} packets", errand.heard.display(), after.packets - before.packets);
        }
        anyhow::ensure!(speaker.ended().await? && listener.ended().await?, "an SDK process failed");
        Ok((after.bytes - before.bytes) as f64 * 8.0 / 1000.0 / seconds)
    }

    async fn person(&self, role: &str, wav: &Path, more: &[&str]) -> anyhow::Result<Visitor> {
        let words = urgent::program(&self.python);
        let (first, rest) = words.split_first().context("a program has a name")?;
        let mut command = Command::new(first);
        command.args(rest).arg(here("voice/official.py")).arg(role);
        command.args([
            "--url",
            &format!("wss://{}", self.world.at()),
            "--token",
            &self.world.token(role, Role::Member)?,
        ]);
        command.arg("--wav").arg(wav).args(more).env("SSL_CERT_FILE", &self.ca);
        Visitor::of(command)
    }
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
