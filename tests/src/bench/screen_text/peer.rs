//! Chromium with livekit-client sharing the same X display through the same kind of host and relay: `tests/screen/peer.mjs`,
//! asked line by line. Its CPU is that of its processes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use protocol::policy::Role;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::stage::{PAGES, Stage};
use super::{LINK, SCROLL, SCROLLS, SETTLED, STILL};
use crate::bench::footprint::tree_seconds;
use crate::bench::{quantile, say, tenth};
use crate::relay::Way;
use crate::world::World;

/// What livekit-client publishes a screen with unless told otherwise, of what our host forwards.
const CODEC: &str = "vp8";
/// Pages turned: each takes four seconds and more.
const RUNS: usize = 5;

/// The two browsers.
struct Browsers {
    node: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    sharer: u32,
    viewer: u32,
}

impl Drop for Browsers {
    fn drop(&mut self) {
        // They close themselves when nobody asks any more.
        let deadline = Instant::now() + Duration::from_secs(10);
        if self.to.write_all(b"\n").is_ok() {
            while Instant::now() < deadline && matches!(self.node.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        self.node.kill().ok();
        self.node.wait().ok();
    }
}

impl Browsers {
    fn ask(&mut self, line: &str) -> anyhow::Result<Value> {
        writeln!(self.to, "{line}")?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line).context("the browsers said nothing")?;
        anyhow::ensure!(answer["event"] != "failed", "the browsers failed: {}", answer["error"]);
        Ok(answer)
    }

    fn cpu(&self) -> (f64, f64) {
        (tree_seconds(self.sharer), tree_seconds(self.viewer))
    }
}

/// The same measures, by the names of ours with `peer_` in front.
///
/// # Errors
/// Chromium or Node is missing, or nothing was seen.
pub(super) fn measure(stage: &mut Stage, runtime: &Runtime) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    for page in 0..PAGES {
        std::fs::write(folder.path().join(format!("luma-{page}.raw")), stage.page(page).y())?;
    }
    let world = runtime.block_on(World::open_behind_a_relay())?;
    world.relay()?.set_weather(Way::ToHost, 1, LINK);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("screen/peer.mjs")).arg(format!("wss://{}", world.at()));
    for name in ["sharer", "viewer", "late"] {
        command.arg(world.token(name, Role::Member)?);
    }
    command.arg(folder.path()).arg(CODEC).env("DISPLAY", stage.display());
    let mut node = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("node is missing")?;
    let (to, from) = (node.stdin.take().context("piped")?, node.stdout.take().context("piped")?);
    let mut browsers = Browsers { node, to, from: BufReader::new(from), sharer: 0, viewer: 0 };
    let ready = browsers.answer()?;
    let pid = |name: &str| ready[name].as_u64().and_then(|pid| u32::try_from(pid).ok()).context("a process id");
    (browsers.sharer, browsers.viewer) = (pid("sharer")?, pid("viewer")?);
    // Its window lies on the screen it shares.
    stage.raise()?;
    std::thread::sleep(SETTLED * 2);

    let (mut legible, mut sharp, mut psnr45) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let page = (run + 1) % PAGES;
        browsers.ask("forget")?;
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() * 1e3;
        stage.show(page)?;
        std::thread::sleep(SETTLED);
        let looks = browsers.ask(&format!("look {page} {epoch}"))?;
        let looks = looks["looks"].as_array().cloned().unwrap_or_default();
        let first = |field: &str, least: f64| {
            let last_bad = looks.iter().rposition(|look| look[field].as_f64().is_none_or(|value| value < least));
            looks.get(last_bad.map_or(0, |n| n + 1)).and_then(|look| look["at"].as_f64()).map(tenth)
        };
        let times = (first("worst", 0.9), first("ssim", 0.99), first("psnr", 45.0));
        say(&json!({
            "peer_run": run, "first_legible_ms": times.0, "sharp_ms": times.1, "psnr45_ms": times.2, "pictures": looks.len(),
        }))?;
        let all = SETTLED.as_secs_f64() * 1e3;
        legible.push(times.0.unwrap_or(all));
        sharp.push(times.1.unwrap_or(all));
        psnr45.push(times.2.unwrap_or(all));
    }

    browsers.ask("grab off")?;
    let (bytes, cpu) = (world.relay()?.crossed().bytes, browsers.cpu());
    std::thread::sleep(STILL);
    let still = STILL.as_secs_f64();
    let static_kbps = (world.relay()?.crossed().bytes - bytes) as f64 * 8.0 / 1e3 / still;
    let static_core = (browsers.cpu().0 - cpu.0) / still * 100.0;

    stage.scroll_to(0)?;
    std::thread::sleep(SETTLED);
    browsers.ask("forget")?;
    let (bytes, cpu) = (world.relay()?.crossed().bytes, browsers.cpu());
    let start = Instant::now();
    for step in 1..=SCROLLS {
        stage.scroll_to(step * SCROLL.0)?;
        std::thread::sleep((SCROLL.1 * step as u32).saturating_sub(start.elapsed()));
    }
    let took = start.elapsed().as_secs_f64();
    let count = browsers.ask("count")?["count"].as_f64().unwrap_or(0.0);
    let scroll_kbps = (world.relay()?.crossed().bytes - bytes) as f64 * 8.0 / 1e3 / took;
    let core = browsers.cpu();

    let page = RUNS % PAGES;
    stage.show(page)?;
    std::thread::sleep(SETTLED);
    let late = browsers.ask(&format!("late {page}"))?;
    Ok(json!({
        "peer": "Chromium, livekit-client",
        "peer_codec": CODEC,
        "peer_first_legible_ms": quantile(&legible, 0.5).map(tenth),
        "peer_sharp_ms": quantile(&sharp, 0.5).map(tenth),
        "peer_psnr45_ms": quantile(&psnr45, 0.5).map(tenth),
        "peer_static_core_pct": tenth(static_core),
        "peer_static_kbps": tenth(static_kbps),
        "peer_scroll_fps": tenth(count / took),
        "peer_scroll_kbps": tenth(scroll_kbps),
        "peer_scroll_sender_core_pct": tenth((core.0 - cpu.0) / took * 100.0),
        "peer_scroll_receiver_core_pct": tenth((core.1 - cpu.1) / took * 100.0),
        "peer_late_join_ms": late["ms"].as_f64().map(tenth),
    }))
}
