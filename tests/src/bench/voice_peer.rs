//! The official LiveKit SDK (PyPI `livekit`: libwebrtc, NetEQ) beside ours in `voice-loss`: one process speaks, one
//! listens, our host forwards, and a relay puts the weather on the speaker's way to the host, where the receiver reports
//! of the host tell the speaker what was lost. In real time, at real-time priority where the system allows.
//! Not sealed: the SDK gives up its redundancy when it seals, and this is about its best.

use std::path::{Path, PathBuf};

use anyhow::Context;
use media_core::testing::Weather;
use protocol::policy::Role;
use serde_json::Value;
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::relay::Way;
use crate::urgent::{self, Urgently};
use crate::visitors::Visitor;
use crate::world::World;

/// Where the peer is better: behind the host its sender would not know what was lost, and add no redundancy.
const WAY: Way = Way::ToHost;

/// Two people on the SDK, started anew for each take.
pub(super) struct Official {
    runtime: Runtime,
    world: World,
    python: PathBuf,
    ca: PathBuf,
}

impl Official {
    /// Installs the SDK if need be, and opens a host behind a relay.
    ///
    /// # Errors
    /// The SDK cannot be had, or the host does not start.
    pub(super) fn start() -> anyhow::Result<Self> {
        let python = crate::python::environment("peers", &here("interop/requirements.txt"))?;
        if !urgent::allowed() {
            eprintln!(
                "no real-time priority here: what else runs on this machine is part of the official SDK's figures"
            );
        }
        let _urgently = Urgently::now();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let world = runtime.block_on(World::open_behind_a_relay())?;
        let ca = world.data.path().join("ca.pem");
        std::fs::write(&ca, world.host()?.ca_pem())?;
        Ok(Self { runtime, world, python, ca })
    }

    /// Sends a WAV file through such weather and writes what is heard, without its first `lesson` seconds, which are
    /// spoken twice. Answers the kilobits a second on the way to the host.
    ///
    /// # Errors
    /// A process failed.
    pub(super) fn take(
        &self,
        said: &Path,
        heard: &Path,
        lesson: f64,
        weather: Weather,
        seed: u64,
    ) -> anyhow::Result<f64> {
        let _urgently = Urgently::now();
        self.runtime.block_on(self.talk(said, heard, lesson, weather, seed))
    }

    async fn talk(&self, said: &Path, heard: &Path, lesson: f64, weather: Weather, seed: u64) -> anyhow::Result<f64> {
        let relay = self.world.relay()?;
        relay.set_weather(WAY, seed, Weather::CLEAR);
        let mut listener = self.person("listen", heard, &[]).await?;
        let lesson = lesson.to_string();
        let mut speaker = self.person("speak", said, &["--lesson", &lesson]).await?;
        let word = |word: &'static str| move |event: &Value| event["event"] == word;
        speaker.until("that it publishes", word("published")).await?;
        listener.until("that it hears", word("hears")).await?;
        relay.set_weather(WAY, seed, weather);
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
            eprintln!("official SDK: {stats} {} packets", after.packets - before.packets);
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
