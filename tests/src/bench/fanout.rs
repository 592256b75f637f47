//! CPU of the host's media plane per forwarded packet. The load is the host's own example `fanout`, a process of its
//! own in which only the media thread's CPU counts; this runs it and sums up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use super::say;

/// Prints what the load says and the summary.
///
/// # Errors
/// It did not run.
pub fn measure() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut load = Command::new(cargo)
        .args(["run", "--quiet", "--release", "-p", "host", "--example", "fanout"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = Vec::new();
    for line in BufReader::new(load.stdout.take().context("stdout is a pipe")?).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        if line["name"].is_string() {
            say(&line)?;
            lines.push(line);
        }
    }
    anyhow::ensure!(load.wait()?.success(), "the load failed");
    let of = |name: &str, field: &str| {
        let line = lines.iter().find(|l| l["name"].as_str().is_some_and(|n| n.starts_with(name)));
        line.and_then(|l| l[field].as_f64())
    };
    let loss = lines.iter().filter_map(|l| l["loss"].as_f64()).fold(0.0, f64::max);
    say(&json!({
        "scenario": "fanout",
        "video_us_per_packet": of("video", "us_per_packet"),
        "layers_us_per_packet": of("layers 1 to 50", "us_per_packet"),
        "layers_10x10_us_per_packet": of("layers 10 x 10", "us_per_packet"),
        "audio_us_per_packet": of("audio", "us_per_packet"),
        "loss": loss,
    }))
}
