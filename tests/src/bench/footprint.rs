//! CPU until the window is usable, and memory (PSS over the process tree), idle and in a call of four: the window with
//! its page hosts, three visitors come with voice and camera. Linux, on a virtual screen of its own (Xvfb).
//!
//! "Usable" is when the whole process tree has come to rest after the start: less than a twentieth of a core for a second.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use super::say;
use crate::person::PATIENCE;

/// Clock ticks per second in /proc; the same on every Linux we run on.
const TICKS: f64 = 100.0;

/// Prints a line per state and the summary.
///
/// # Errors
/// Xvfb, the release build of the window, or the visitor is missing; or nothing came to rest.
pub fn measure() -> anyhow::Result<()> {
    anyhow::ensure!(cfg!(target_os = "linux"), "this bench reads /proc, which only Linux has");
    let window = crate::office::binary("app", "shoji")?;
    let visitor = crate::office::binary("inspection", "visitor")?;
    let folder = tempfile::tempdir()?;
    let screen = Screen::start(folder.path())?;

    let idle = start(&window, &screen, &folder.path().join("idle"), false)?;
    let (start_cpu_ms, wall_ms) = idle.rest()?;
    let idle_pss = settled(&idle)?;
    say(&json!({ "state": "idle", "start_cpu_ms": start_cpu_ms, "start_wall_ms": wall_ms, "pss_mb": idle_pss }))?;
    drop(idle);

    let mut call = start(&window, &screen, &folder.path().join("call"), true)?;
    let link = call.line()?;
    let guests: Vec<Running> =
        (0..3).map(|n| join(&visitor, &link, &format!("Guest {n}"))).collect::<anyhow::Result<_>>()?;
    // The call has to be in full swing: everybody in, every decoder running.
    std::thread::sleep(Duration::from_secs(15));
    let before = call.cpu();
    std::thread::sleep(Duration::from_secs(10));
    let cpu = (call.cpu() - before) * 10.0;
    let call_pss = settled(&call)?;
    say(&json!({ "state": "call", "people": guests.len() + 1, "pss_mb": call_pss, "cpu_percent": cpu.round() }))?;
    say(&json!({
        "scenario": "footprint",
        "start_cpu_ms": start_cpu_ms,
        "idle_pss_mb": idle_pss,
        "call_pss_mb": call_pss,
    }))
}

/// The median of five looks, in megabytes.
fn settled(running: &Running) -> anyhow::Result<u64> {
    let mut looks = Vec::new();
    for _ in 0..5 {
        looks.push(running.pss_kb()?);
        std::thread::sleep(Duration::from_millis(500));
    }
    looks.sort_unstable();
    Ok(looks[2] / 1024)
}

fn start(window: &Path, screen: &Screen, profile: &Path, demo: bool) -> anyhow::Result<Running> {
    let mut command = Command::new(window);
    command.arg("--profile").arg(profile).env("DISPLAY", &screen.name).env_remove("WAYLAND_DISPLAY");
    // Neither this machine's sound nor its keyring belongs to the measurement.
    command.env("PULSE_SERVER", "unix:/nonexistent").env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    if demo {
        command.env("SHOJI_DEMO", "1");
    }
    Ok(Running(command.spawn().context("the window does not start")?))
}

fn join(visitor: &Path, link: &str, name: &str) -> anyhow::Result<Running> {
    let mut child = Command::new(visitor)
        .args(["--invite", "-", "--name", name, "--camera", "synthetic", "--speaker", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    writeln!(child.stdin.take().context("stdin is a pipe")?, "{link}")?;
    Ok(Running(child))
}

/// A process and all its children; ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let tree = tree(self.0.id());
        for pid in tree.iter().rev() {
            // Gone already is fine.
            Command::new("kill").arg(pid.to_string()).stderr(Stdio::null()).status().ok();
        }
        std::thread::sleep(Duration::from_millis(300));
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Running {
    /// The next line it prints.
    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().context("stdout is a pipe")?).read_line(&mut line)?;
        anyhow::ensure!(line.starts_with("shoji://"), "no invitation was printed: {line:?}");
        Ok(line.trim().to_owned())
    }

    /// CPU seconds of the tree so far.
    fn cpu(&self) -> f64 {
        tree(self.0.id()).iter().filter_map(|pid| cpu_ticks(*pid)).sum::<f64>() / TICKS
    }

    fn pss_kb(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for pid in tree(self.0.id()) {
            let mut text = String::new();
            // A child that ended in between counts nothing.
            let Ok(mut file) = std::fs::File::open(format!("/proc/{pid}/smaps_rollup")) else { continue };
            if file.read_to_string(&mut text).is_err() {
                continue;
            }
            let line = text.lines().find(|l| l.starts_with("Pss:"));
            sum += line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0);
        }
        anyhow::ensure!(sum > 0, "the window is gone");
        Ok(sum)
    }

    /// Waits until the tree has come to rest; answers CPU and wall milliseconds up to the beginning of the rest.
    fn rest(&self) -> anyhow::Result<(u64, u64)> {
        let start = Instant::now();
        let mut looks: BTreeMap<u128, f64> = BTreeMap::new();
        while start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
            let now = start.elapsed().as_millis();
            looks.insert(now, self.cpu());
            let Some((then, before)) = looks.range(..=now.saturating_sub(1_000)).next_back() else { continue };
            // The page's own process has to be there: without it nothing is usable.
            if tree(self.0.id()).len() > 1 && looks[&now] - before < 0.05 {
                return Ok(((before * 1e3) as u64, u64::try_from(*then).unwrap_or(u64::MAX)));
            }
        }
        anyhow::bail!("the window did not come to rest")
    }
}

/// CPU seconds of a process and everything below it so far.
#[cfg(feature = "real-devices")]
pub(super) fn tree_seconds(root: u32) -> f64 {
    tree(root).iter().filter_map(|pid| cpu_ticks(*pid)).sum::<f64>() / TICKS
}

fn cpu_ticks(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; the fields follow its closing bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n)?.parse::<f64>().ok();
    Some(ticks(11)? + ticks(12)?)
}

/// The process and everything below it, parents first.
fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut tree = vec![root];
    let mut at = 0;
    while at < tree.len() {
        tree.extend(children.get(&tree[at]).into_iter().flatten());
        at += 1;
    }
    tree
}

/// A virtual screen.
struct Screen {
    server: Child,
    name: String,
    _log: PathBuf,
}

impl Screen {
    fn start(folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join("xvfb.log");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("Xvfb is missing: apt-get install xvfb")?;
        let mut line = String::new();
        BufReader::new(server.stdout.take().context("stdout is a pipe")?).read_line(&mut line)?;
        let number: u32 = line.trim().parse().context("Xvfb did not start")?;
        Ok(Self { server, name: format!(":{number}"), _log: log })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
