//! A page of small Japanese text on a shared screen behind 1.5 Mbit/s: how soon others can read it, how it scrolls, what it
//! costs while nothing changes, and how soon who comes late sees it. A real X server (Xvfb) is captured by the product's own
//! code, and what the receiver decoded is compared with what was drawn. Two clients, a host and a relay in one process, each
//! client with threads of its own, whose CPU is counted. Needs Debian's `xvfb fonts-noto-cjk`. In real time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use media_core::testing::{FakeDevices, FakeSetup, Weather};
use media_core::time::Bitrate;
use media_devices::SystemDevices;
use protocol::bridge::StartShare;
use protocol::policy::{Role, TrackSource};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::look::{Look, Watch};
use self::stage::{PAGES, Stage};
use super::{quantile, say, tenth};
use crate::hands::Hands;
use crate::person::Person;
use crate::relay::Way;
use crate::urgent::{self, Urgently};
use crate::vault::OpenVault;
use crate::world::World;

mod look;
mod peer;
mod stage;
mod threads;

/// The sharer's way to the host.
const LINK: Weather = Weather {
    rate: Bitrate::kbps(1500),
    queue: Duration::from_secs(2),
    delay: Duration::from_millis(5),
    ..Weather::CLEAR
};
/// What is waited for after a change.
const SETTLED: Duration = Duration::from_millis(4000);
/// A still screen is watched for so long.
const STILL: Duration = Duration::from_secs(10);
/// So many lines at a time, so often: 180 a second.
const SCROLL: (usize, Duration) = (6, Duration::from_micros(33_333));
const SCROLLS: usize = 240;
/// Threads of the sharer and of the viewer, by the beginnings of their names.
const SHARER: &[&str] = &["sharer", "screen", "local-screen"];
const VIEWER: &[&str] = &["viewer", "picture"];

/// Someone with threads of their own.
struct Seat {
    runtime: Runtime,
    person: Person,
}

impl Seat {
    fn take(name: &str, screen: Option<&Stage>) -> anyhow::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()?;
        let fake = Arc::new(FakeDevices::new(FakeSetup::default()));
        let hands = Hands {
            microphone: fake.clone(),
            speaker: fake.clone(),
            camera: fake.clone(),
            screen: match screen {
                Some(stage) => Arc::new(SystemDevices::new(Instant::now()).with_display(stage.display().to_owned())),
                None => fake,
            },
        };
        let person = runtime.block_on(Person::start(name, Arc::new(hands), Arc::new(OpenVault::default()), None))?;
        Ok(Self { runtime, person })
    }

    fn join(&self, link: &str) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            self.person.join(link, false, false).await?;
            self.person.until_in().await
        })
    }

    /// Looks at the sharer's screen.
    fn watch(&self) -> anyhow::Result<Watch> {
        let track = self.runtime.block_on(
            self.person.until("the screen", |m| crate::person::track(m, "sharer", TrackSource::ScreenShare)),
        )?;
        Ok(Watch::start(self.person.client.watch_pictures(track.id.as_str())))
    }
}

/// Prints a line per change and the summary.
///
/// # Errors
/// A program is missing, or the screen was never seen.
pub fn measure(runs: usize, peers: bool) -> anyhow::Result<()> {
    if !urgent::allowed() {
        eprintln!("no real-time priority here: what else runs on this machine is part of these figures");
    }
    let mut stage = Stage::set()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("host").enable_all().build()?;
    let world = runtime.block_on(World::open_behind_a_relay())?;
    let invite = || runtime.block_on(world.invite(Role::Member)).map(|invite| invite.to_link());
    let (sharer, viewer) = (Seat::take("sharer", Some(&stage))?, Seat::take("viewer", None)?);
    sharer.join(&world.owner_invite().to_link())?;
    viewer.join(&invite()?)?;
    world.relay()?.set_weather(Way::ToHost, 1, LINK);
    let urgently = Urgently::now();
    stage.show(0)?;
    let screen =
        sharer.runtime.block_on(sharer.person.until("a monitor", |m| m.snapshot.devices.screens.first().cloned()))?;
    let share = StartShare { screen: screen.id, sound: false };
    sharer.runtime.block_on(sharer.person.client.start_share(share)).map_err(|f| anyhow::anyhow!("{f:?}"))?;
    let watch = viewer.watch()?;
    watch.until(Duration::from_secs(20), |p| Look::at(p, stage.page(0)).is_some_and(|l| l.is_sharp()))?;
    std::thread::sleep(SETTLED);

    // A page is turned.
    let (mut legible, mut sharp, mut psnr45, mut kilobytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let page = (run + 1) % PAGES;
        watch.forget();
        let before = world.relay()?.crossed().bytes;
        let start = stage.show(page)?;
        std::thread::sleep(SETTLED);
        let bytes = world.relay()?.crossed().bytes - before;
        let looks: Vec<(f64, Look)> = watch
            .seen()
            .into_iter()
            .filter_map(|(at, picture)| Some(((at - start).as_secs_f64() * 1e3, Look::at(&picture, stage.page(page))?)))
            .collect();
        let first = |wanted: &dyn Fn(&Look) -> bool| {
            // From then on, not by chance in between.
            let last_bad = looks.iter().rposition(|(_, look)| !wanted(look));
            looks.get(last_bad.map_or(0, |n| n + 1)).map(|(at, _)| tenth(*at))
        };
        let run_says = (first(&Look::is_legible), first(&Look::is_sharp), first(&|l| l.psnr >= 45.0));
        say(&json!({
            "run": run, "first_legible_ms": run_says.0, "sharp_ms": run_says.1, "psnr45_ms": run_says.2,
            "kilobytes": bytes / 1000, "pictures": looks.len(), "last_psnr": looks.last().map(|(_, l)| tenth(l.psnr.min(99.0))),
        }))?;
        // What never came counts as all the time there was.
        let all = SETTLED.as_secs_f64() * 1e3;
        legible.push(run_says.0.unwrap_or(all));
        sharp.push(run_says.1.unwrap_or(all));
        psnr45.push(run_says.2.unwrap_or(all));
        kilobytes.push(bytes as f64 / 1000.0);
    }

    // Nothing happens.
    let (before, cpu) = (world.relay()?.crossed().bytes, (threads::seconds(SHARER)?, threads::seconds(VIEWER)?));
    std::thread::sleep(STILL);
    let still = STILL.as_secs_f64();
    let static_kbps = (world.relay()?.crossed().bytes - before) as f64 * 8.0 / 1e3 / still;
    let static_sender = (threads::seconds(SHARER)? - cpu.0) / still * 100.0;
    let static_receiver = (threads::seconds(VIEWER)? - cpu.1) / still * 100.0;

    // Someone comes late.
    let page = runs % PAGES;
    watch.forget();
    let late = Seat::take("late", None)?;
    late.join(&invite()?)?;
    let start = Instant::now();
    let watched = late.watch()?;
    let seen = watched.until(Duration::from_secs(10), |p| Look::at(p, stage.page(page)).is_some_and(|l| l.is_sharp()));
    let late_join = seen.context("who came late never saw the page")?.duration_since(start).as_secs_f64() * 1e3;
    std::thread::sleep(Duration::from_secs(1));
    let others = watch.seen().into_iter().filter_map(|(_, p)| Look::at(&p, stage.page(page))).map(|l| l.ssim);
    let others_ssim = others.fold(1.0, f64::min);
    late.runtime.block_on(late.person.client.shutdown());

    // The page scrolls.
    stage.scroll_to(0)?;
    std::thread::sleep(SETTLED);
    watch.forget();
    let (before, cpu) = (world.relay()?.crossed().bytes, (threads::seconds(SHARER)?, threads::seconds(VIEWER)?));
    let start = Instant::now();
    for step in 1..=SCROLLS {
        stage.scroll_to(step * SCROLL.0)?;
        std::thread::sleep((SCROLL.1 * step as u32).saturating_sub(start.elapsed()));
    }
    let took = start.elapsed().as_secs_f64();
    let scroll_kbps = (world.relay()?.crossed().bytes - before) as f64 * 8.0 / 1e3 / took;
    let sender_core = (threads::seconds(SHARER)? - cpu.0) / took * 100.0;
    let receiver_core = (threads::seconds(VIEWER)? - cpu.1) / took * 100.0;
    let scrolled: Vec<f64> = watch.seen().iter().filter_map(|(_, p)| stage.scrolled_psnr(p)).collect();
    let counted = watch.count();

    sharer.runtime.block_on(sharer.person.client.shutdown());
    viewer.runtime.block_on(viewer.person.client.shutdown());
    let mut summary = json!({
        "scenario": "screen-text",
        "first_legible_ms": quantile(&legible, 0.5).map(tenth),
        "sharp_ms": quantile(&sharp, 0.5).map(tenth),
        "sharp_p95_ms": quantile(&sharp, 0.95).map(tenth),
        "psnr45_ms": quantile(&psnr45, 0.5).map(tenth),
        "change_kilobytes": quantile(&kilobytes, 0.5).map(tenth),
        "scroll_fps": tenth(counted as f64 / took),
        "scroll_psnr": quantile(&scrolled, 0.5).map(|p| tenth(p.min(99.0))),
        "scroll_kbps": tenth(scroll_kbps),
        "scroll_sender_core_pct": tenth(sender_core),
        "scroll_receiver_core_pct": tenth(receiver_core),
        "static_core_pct": (static_sender * 100.0).round() / 100.0,
        "static_receiver_core_pct": (static_receiver * 100.0).round() / 100.0,
        "static_kbps": tenth(static_kbps),
        "late_join_ms": tenth(late_join),
        "late_join_others_ssim": (others_ssim * 1e4).round() / 1e4,
    });
    if peers {
        drop((urgently, watch));
        // Ours stands even where no browser captures: some need more of a desktop than Xvfb is.
        let theirs = peer::measure(&mut stage, &runtime).unwrap_or_else(|e| json!({ "peer_failed": format!("{e:#}") }));
        if let (Some(ours), Value::Object(theirs)) = (summary.as_object_mut(), theirs) {
            ours.extend(theirs);
        }
    }
    say(&summary)
}
