//! From one person's mouth to another's ear through real programs: ours, Mumble and Chromium with livekit-client, one
//! after the other through the same sound server, ours and Chromium's through our host. Needs PulseAudio, and for the
//! others `mumble`, `mumble-server`, `Xvfb`, `xdotool` and `chromium`. In real time, at real-time priority where allowed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use protocol::policy::Role;
use serde_json::{Value, json};

use super::{quantile, say, tenth};
use crate::urgent::{self, Urgently};
use crate::world::World;

/// Chirps a program carries in one take.
const CHIRPS: usize = 120;
/// Of those at least so many must be heard for the take to count.
const ENOUGH: usize = 100;

/// Prints a line per program and the summary.
///
/// # Errors
/// A program that is measured is missing, or too little of what was said was heard.
pub fn measure(only: &str, peers: bool) -> anyhow::Result<()> {
    let python = crate::python::environment("voice", &here("voice/requirements.txt"))?;
    let visitor = visitor()?;
    if !urgent::allowed() {
        eprintln!("no real-time priority here: what else runs on this machine is part of these figures");
    }
    let _urgently = Urgently::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let world = runtime.block_on(World::open())?;
    let link = || anyhow::Ok(runtime.block_on(world.invite(Role::Member))?.to_link());
    let programs: &[&str] = if peers { &["ours", "mumble", "chromium"] } else { &["ours"] };
    let programs: Vec<&&str> = programs.iter().filter(|name| name.starts_with(only)).collect();
    let urgent = if urgent::allowed() { urgent::WORDS } else { &[] };
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let ask = json!({
        "urgent": urgent, "chirps": CHIRPS, "programs": programs, "visitor": visitor, "links": [link()?, link()?],
        "url": format!("wss://{}", world.at()), "node": "node", "port": port,
        "tokens": [world.token("mouth", Role::Member)?, world.token("ear", Role::Member)?],
    });
    let mut stage = Command::new(python)
        .arg(here("voice/mouth_to_ear.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the stage does not start")?;
    writeln!(stage.stdin.take().context("its input is a pipe")?, "{ask}")?;
    let mut summary = json!({ "scenario": "mouth-to-ear", "chirps": CHIRPS });
    for line in BufReader::new(stage.stdout.take().context("its output is a pipe")?).lines() {
        let line: Value = serde_json::from_str(&line?).context("the stage says JSON")?;
        let program = line["program"].as_str().context("a line is about a program")?;
        let all = line["delays_ms"].as_array().context("a line has delays")?;
        let heard: Vec<f64> = all.iter().filter_map(Value::as_f64).collect();
        anyhow::ensure!(heard.len() >= ENOUGH, "{program}: only {} of {} chirps were heard", heard.len(), all.len());
        let (median, p95) = (quantile(&heard, 0.5).map(tenth), quantile(&heard, 0.95).map(tenth));
        let lowest = quantile(&heard, 0.0).map(tenth);
        say(&json!({
            "program": program, "heard": heard.len(), "lost": all.len() - heard.len(),
            "median_ms": median, "p95_ms": p95, "min_ms": lowest, "buffers": line["buffers"],
        }))?;
        let prefix = if program == "ours" { String::new() } else { format!("{program}_") };
        summary[format!("{prefix}median_ms")] = json!(median);
        summary[format!("{prefix}p95_ms")] = json!(p95);
    }
    anyhow::ensure!(stage.wait()?.success(), "the stage failed; its reason is above");
    say(&summary)
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The visitor with this machine's devices, which other tests must not have.
fn visitor() -> anyhow::Result<PathBuf> {
    let release = !cfg!(debug_assertions);
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "-p", "inspection", "--bin", "visitor", "--features", "real-devices"]);
    build.args(release.then_some("--release")).current_dir(env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SHOJI_BINARIES_BUILT").is_none() {
        anyhow::ensure!(build.status().context("cargo is missing")?.success(), "the visitor does not build");
    }
    let folder = std::env::current_exe()?.parent().context("the bench lies in a folder")?.to_owned();
    Ok(folder.join(format!("visitor{}", std::env::consts::EXE_SUFFIX)))
}
