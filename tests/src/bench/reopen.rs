//! From plugging a microphone back in to its first samples in the product: a private PulseAudio (`tests/sound/server`) whose
//! microphone is taken away and made again, the real device room and the real client, nothing synthetic but the sound.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use media_core::channel::{LatestWriter, RingReader, RingWriter, ring};
use media_core::device::{
    AudioIn, AudioOut, DeviceList, Devices, ListenPermit, OnEvent, OpenDevice, PictureWish, Pictures, Stills, Watch,
};
use media_core::frame::Picture;
use media_devices::SystemDevices;
use protocol::bridge::SetPreview;
use protocol::ids::DeviceId;
use protocol::policy::{Camera, Permit, Screen};
use serde_json::json;

use super::{quantile, say, tenth};
use crate::person::{PATIENCE, Person};
use crate::vault::OpenVault;

/// The real devices, with an ear at the microphone's ring: tells when the first samples of each opening come.
struct Overheard {
    inner: SystemDevices,
    first: SyncSender<Instant>,
}

impl Devices for Overheard {
    fn list(&self) -> DeviceList {
        self.inner.list()
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) -> Box<dyn Watch> {
        self.inner.watch(changed)
    }

    fn open_microphone(
        &self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        mut to: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        let (write, mut read) = ring(96_000);
        let open = self.inner.open_microphone(permit, device, write, events)?;
        let first = self.first.clone();
        std::thread::spawn(move || {
            let mut told = false;
            while !read.is_abandoned() && !to.is_abandoned() {
                let mut samples = vec![0.0; read.waiting()];
                let got = read.read(&mut samples);
                if got > 0 && !told {
                    told = first.try_send(Instant::now()).is_ok();
                }
                to.write(&samples[..got]);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Ok(open)
    }

    fn open_speaker(
        &self,
        device: Option<&DeviceId>,
        ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        self.inner.open_speaker(device, ring, events)
    }

    fn open_system_audio(
        &self,
        permit: Permit<Screen>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        self.inner.open_system_audio(permit, ring, events)
    }

    fn open_camera(
        &self,
        permit: Permit<Camera>,
        device: Option<&DeviceId>,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        self.inner.open_camera(permit, device, wish, slot, events)
    }

    fn open_screen(
        &self,
        permit: Permit<Screen>,
        screen: &DeviceId,
        wish: PictureWish,
        slot: LatestWriter<Picture>,
        events: OnEvent,
    ) -> Result<Box<dyn Pictures>, OpenDevice> {
        self.inner.open_screen(permit, screen, wish, slot, events)
    }

    fn open_stills(&self, permit: Permit<Screen>) -> Result<Box<dyn Stills>, OpenDevice> {
        self.inner.open_stills(permit)
    }
}

struct Server {
    daemon: Child,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.daemon.kill().and_then(|()| self.daemon.wait().map(drop)) {
            tracing::warn!(%error, "the sound server had ended");
        }
    }
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sound/server");
        let daemon = Command::new(script).arg(folder.path()).stdout(Stdio::null()).spawn()?;
        Ok(Self { daemon, folder })
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("pulse/native")
    }

    /// Somebody else who listens closely: a null sink that nobody is in a hurry with sleeps for two seconds, which no sound
    /// card does.
    fn keep_awake(&self) -> anyhow::Result<Child> {
        let mut command = Command::new("parec");
        command
            .env("PULSE_SERVER", format!("unix:{}", self.socket().display()))
            .env("HOME", self.folder.path())
            .args(["--device=voice.monitor", "--latency-msec=10", "--raw"])
            .stdout(Stdio::null());
        Ok(command.spawn()?)
    }

    fn pactl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("pactl")
            .env("PULSE_SERVER", format!("unix:{}", self.socket().display()))
            .env("HOME", self.folder.path())
            .args(arguments)
            .output()?;
        anyhow::ensure!(output.status.success(), "pactl {arguments:?} failed");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// Prints a line per run and the summary.
///
/// # Errors
/// There is no PulseAudio, or the microphone did not come back.
pub fn measure(runs: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(all(runs))
}

async fn all(runs: usize) -> anyhow::Result<()> {
    let server = Server::start()?;
    let devices = SystemDevices::new(Instant::now()).with_sound_server(server.socket());
    let start = Instant::now();
    while devices.list().microphones.is_empty() {
        anyhow::ensure!(start.elapsed() < PATIENCE, "no sound server");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _awake = server.keep_awake()?;
    let (first, heard) = sync_channel(64);
    let devices = Arc::new(Overheard { inner: devices, first });
    let person = Person::start("Person", devices, Arc::new(OpenVault::default()), None).await?;
    person.client.set_preview(SetPreview { microphone: true, camera: false }).await?;
    next(&heard)?;
    let modules = server.pactl(&["list", "short", "modules"])?;
    let line = modules.lines().find(|l| l.contains("source_name=microphone"));
    let mut module = line.and_then(|l| l.split('\t').next()).unwrap_or_default().to_owned();
    let mut times = Vec::new();
    for run in 0..runs {
        // Long enough open not to be taken for a device that breaks by itself, and away for a different while each time.
        tokio::time::sleep(Duration::from_millis(5_200)).await;
        server.pactl(&["unload-module", &module])?;
        tokio::time::sleep(Duration::from_millis(1_000 + run as u64 * 37)).await;
        let asked = Instant::now();
        module =
            server.pactl(&["load-module", "module-remap-source", "source_name=microphone", "master=voice.monitor"])?;
        let took = next(&heard)?.saturating_duration_since(asked).as_secs_f64() * 1e3;
        say(&json!({ "run": run, "reopen_ms": tenth(took) }))?;
        times.push(took);
    }
    person.client.shutdown().await;
    say(&json!({
        "scenario": "reopen",
        "median_ms": quantile(&times, 0.5).map(tenth),
        "p95_ms": quantile(&times, 0.95).map(tenth),
        "worst_ms": quantile(&times, 1.0).map(tenth),
    }))
}

fn next(heard: &Receiver<Instant>) -> anyhow::Result<Instant> {
    Ok(heard.recv_timeout(PATIENCE)?)
}
