//! A camera of 720p30 in three layers from one client to another, through our host and a relay with weather, all in this
//! process: how late a picture is, how good, what it costs, and what a link that becomes narrow does to it and to the voice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use media_core::testing::{FakeDevices, FakeSetup, Weather};
use media_core::time::Bitrate;
use protocol::policy::{Role, TrackSource};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use self::studio::{Studio, Taken};
use self::watcher::{Seen, Watcher};
use super::{quantile, say, tenth};
use crate::person::{Person, track};
use crate::relay::Way;
use crate::vault::OpenVault;
use crate::world::World;

mod studio;
mod watcher;

/// Of the one who speaks and shows, in Hz.
const NOTE: f64 = 440.0;
/// Sound is looked at in pieces of a tenth of a second.
const PIECE: usize = 4_800;
/// One way, everywhere: an office's neighbour town.
const AWAY: Duration = Duration::from_millis(10);
/// Before a scene is measured: the rate finds the link.
const SETTLES: Duration = Duration::from_secs(8);

/// Prints one line a scene and the summary.
///
/// # Errors
/// Something does not start, or no picture arrives.
pub fn measure(only: &str) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("host").enable_all().build()?;
    let (sends, receives) = (side("sends")?, side("receives")?);
    let set = runtime.block_on(Set::build(&sends, &receives))?;
    let mut lines = Vec::new();
    for scene in scenes() {
        if !scene.name.starts_with(only) {
            continue;
        }
        let line = runtime.block_on(set.play(&scene))?;
        say(&line)?;
        lines.push((scene.name, line));
    }
    // Its tasks end where they run.
    runtime.block_on(async move { drop(set) });
    let of = |name: &str, field: &str| {
        lines.iter().find(|(n, _)| *n == name).map_or(Value::Null, |(_, line)| line[field].clone())
    };
    say(&json!({
        "scenario": "camera",
        "latency_p50_ms": of("clear", "latency_p50_ms"),
        "latency_p95_ms": of("clear", "latency_p95_ms"),
        "fps": of("clear", "fps"),
        "sender_core_pct": of("clear", "sender_core_pct"),
        "receiver_core_pct": of("clear", "receiver_core_pct"),
        "psnr_600k_db": of("600k", "psnr_db"),
        "psnr_1500k_db": of("1500k", "psnr_db"),
        "fps_600k": of("600k", "fps"),
        "fps_1500k": of("1500k", "fps"),
        "loss2_fps": of("loss2", "fps"),
        "loss2_longest_gap_ms": of("loss2", "longest_gap_ms"),
        "loss5_fps": of("loss5", "fps"),
        "loss5_longest_gap_ms": of("loss5", "longest_gap_ms"),
        "fall_recovers_ms": of("fall", "recovers_ms"),
        "fall_voice_lost_ms": of("fall", "voice_lost_ms"),
        "narrow_receiver_recovers_ms": of("fall-down", "recovers_ms"),
    }))
}

/// The tasks of one client, on threads that are counted.
fn side(name: &str) -> anyhow::Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()?)
}

struct Scene {
    name: &'static str,
    way: Way,
    /// While the rate finds the link.
    before: Weather,
    /// While it is measured.
    weather: Weather,
    lasts: Duration,
}

fn scenes() -> Vec<Scene> {
    let clear = Weather { delay: AWAY, queue: Duration::from_millis(400), ..Weather::CLEAR };
    let rate = |kbps| Weather { rate: Bitrate::kbps(kbps), ..clear };
    let scene = |name, way, before, weather, seconds| {
        let lasts = Duration::from_secs(seconds);
        Scene { name, way, before, weather, lasts }
    };
    let same = |name, weather| scene(name, Way::ToHost, weather, weather, 15);
    vec![
        same("clear", clear),
        same("600k", rate(600)),
        same("1500k", rate(1500)),
        same("loss2", Weather { loss: 0.02, ..clear }),
        same("loss5", Weather { loss: 0.05, ..clear }),
        scene("fall", Way::ToHost, rate(3000), rate(500), 12),
        scene("fall-down", Way::FromHost, rate(3000), rate(500), 12),
    ]
}

/// Two people in a meeting; one shows and speaks.
struct Set {
    world: World,
    #[expect(dead_code, reason = "kept: without this client there is no picture")]
    shows: Person,
    looks: Person,
    ears: FakeDevices,
    watcher: Watcher,
}

impl Set {
    async fn build(sends: &Runtime, receives: &Runtime) -> anyhow::Result<Self> {
        let world = World::open_behind_a_relay().await?;
        let sound: Arc<[f32]> = media_core::testing::tone(NOTE, 48_000, 48_000).into();
        let mouth = FakeDevices::new(FakeSetup { sound: Some(sound), ..FakeSetup::default() });
        let ears = FakeDevices::new(FakeSetup::default());
        let taken = Taken::default();
        let studio = Studio { devices: mouth, taken: taken.clone() };
        let vault = || Arc::new(OpenVault::default());
        let shows = sends.spawn(async move { Person::start("Shows", Arc::new(studio), vault(), None).await }).await??;
        let hears = ears.clone();
        let looks =
            receives.spawn(async move { Person::start("Looks", Arc::new(hears), vault(), None).await }).await??;
        shows.join(&world.owner_invite().to_link(), true, true).await?;
        shows.until_in().await?;
        looks.join(&world.invite(Role::Member).await?.to_link(), false, false).await?;
        looks.until_in().await?;
        let shown = looks.until_plays("Shows", TrackSource::Camera).await?;
        let watcher = Watcher::of(looks.client.watch_pictures(shown.id.as_str()), taken);
        Ok(Self { world, shows, looks, ears, watcher })
    }

    async fn play(&self, scene: &Scene) -> anyhow::Result<Value> {
        let relay = self.world.relay()?;
        relay.set_weather(scene.way, 7, scene.before);
        tokio::time::sleep(SETTLES).await;
        // Long enough for what a scene before this one did to the rate.
        tokio::time::timeout(Duration::from_secs(60), self.until_flows()).await.context("no picture arrives")?;
        self.watcher.take();
        self.ears.forget_played();
        let (sender, receiver) = (cpu(&SENDER)?, cpu(&RECEIVER)?);
        let start = Instant::now();
        relay.change_weather(scene.weather);
        tokio::time::sleep(scene.lasts).await;
        let seconds = start.elapsed().as_secs_f64();
        let (sender, receiver) = (cpu(&SENDER)? - sender, cpu(&RECEIVER)? - receiver);
        let (seen, played) = (self.watcher.take(), self.ears.played());
        let late: Vec<f64> = seen.iter().map(|one| one.late.as_secs_f64() * 1000.0).collect();
        let like: Vec<f64> = seen.iter().filter_map(|one| one.psnr).collect();
        let heights: Vec<f64> = seen.iter().map(|one| f64::from(one.height)).collect();
        let lost = played.chunks_exact(PIECE).filter(|piece| !hears(piece)).count();
        let state = track(&self.looks.now(), "Shows", TrackSource::Camera).map(|track| format!("{:?}", track.state));
        Ok(json!({
            "scene": scene.name,
            "fps": tenth(seen.len() as f64 / seconds),
            "latency_p50_ms": quantile(&late, 0.5).map(tenth),
            "latency_p95_ms": quantile(&late, 0.95).map(tenth),
            "psnr_db": (!like.is_empty()).then(|| tenth(like.iter().sum::<f64>() / like.len() as f64)),
            "lines_p50": quantile(&heights, 0.5),
            "longest_gap_ms": longest_gap(start, &seen),
            "recovers_ms": recovers(start, &seen),
            "voice_lost_ms": lost * 100,
            "sender_core_pct": tenth(sender / seconds * 100.0),
            "receiver_core_pct": tenth(receiver / seconds * 100.0),
            "state": state,
        }))
    }

    async fn until_flows(&self) {
        self.watcher.take();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.watcher.take().len() >= 8 {
                return;
            }
        }
    }
}

fn hears(piece: &[f32]) -> bool {
    let power: f64 = piece.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>() / piece.len() as f64;
    power > 1e-7 && media_core::testing::tone_power(piece, NOTE, 48_000) > 0.3
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Without a picture.
fn longest_gap(start: Instant, seen: &[Seen]) -> u64 {
    let times = std::iter::once(start).chain(seen.iter().map(|one| one.at));
    let gaps = times.clone().zip(times.skip(1)).map(|(one, next)| next.duration_since(one));
    gaps.max().map_or(u64::MAX, millis)
}

/// From when on, after the weather changed, a second holds twelve pictures that are less than half a second late, and no gap
/// of a quarter of a second.
fn recovers(start: Instant, seen: &[Seen]) -> Option<u64> {
    let fresh: Vec<Instant> =
        seen.iter().filter(|one| one.late < Duration::from_millis(500)).map(|one| one.at).collect();
    let good = |from: Instant| {
        let to = from + Duration::from_secs(1);
        let within: Vec<Instant> = fresh.iter().copied().filter(|at| *at >= from && *at < to).collect();
        let ends = std::iter::once(from).chain(within.iter().copied()).zip(within.iter().copied().chain([to]));
        within.len() >= 12 && ends.into_iter().all(|(one, next)| next.duration_since(one) < Duration::from_millis(250))
    };
    let last = fresh.last().copied()?.checked_sub(Duration::from_secs(1))?;
    let mut from = start;
    while from < last {
        if good(from) {
            return Some(millis(from.duration_since(start)));
        }
        from += Duration::from_millis(50);
    }
    None
}

/// What one client runs on, beside its sound.
const SENDER: [&str; 2] = ["sends", "local-camera"];
const RECEIVER: [&str; 2] = ["receives", "picture"];

/// Seconds of processor time of the threads with these names.
fn cpu(names: &[&str]) -> anyhow::Result<f64> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir("/proc/self/task").context("only Linux counts a thread's time")? {
        let folder = task?.path();
        // A thread may end while it is looked at.
        let Ok(name) = std::fs::read_to_string(folder.join("comm")) else { continue };
        if names.iter().any(|wanted| name.trim() == *wanted)
            && let Ok(text) = std::fs::read_to_string(folder.join("schedstat"))
        {
            nanoseconds += text.split_whitespace().next().unwrap_or_default().parse().unwrap_or(0.0);
        }
    }
    Ok(nanoseconds / 1e9)
}
