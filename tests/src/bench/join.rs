//! From the join command to the first audible frame of a peer, and from a dropped socket to the resume. Loopback, host
//! and clients in one process; what is timed ends at the speaker's side of the product, 10 ms coarse as sound devices are.

use std::time::{Duration, Instant};

use client::MeetingHappening;
use protocol::bridge::Nothing;
use protocol::policy::Role;
use serde_json::json;

use super::{quantile, say, tenth};
use crate::cable::Cable;
use crate::person::{Guest, PATIENCE};
use crate::world::World;

/// Louder than this is audible: -50 dBFS.
const AUDIBLE: f32 = 0.003;

/// Prints a line per run and the summary.
///
/// # Errors
/// Somebody did not get in.
pub fn measure(runs: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(all(runs))
}

async fn all(runs: usize) -> anyhow::Result<()> {
    let world = World::open().await?;
    let _owner = world.owner("Owner", 440.0).await?;
    let (mut joins, mut resumes) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let cable = Cable::to(world.at()).await?;
        let link = world.invite_by(Role::Member, cable.end()).await?.to_link();
        let guest = Guest::humming("Guest", 660.0).await?;
        let mut happenings = guest.client.observe().await;
        let start = Instant::now();
        guest.join(&link, true, false).await?;
        while !guest.devices.played().iter().any(|s| s.abs() > AUDIBLE) {
            anyhow::ensure!(start.elapsed() < PATIENCE, "nothing was heard");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let joined = start.elapsed().as_secs_f64() * 1e3;
        guest.until_in().await?;

        let start = Instant::now();
        cable.cut();
        let resumed = tokio::time::timeout(PATIENCE, async {
            while let Some(happening) = happenings.recv().await {
                if happening == MeetingHappening::Reconnected {
                    return Some(start.elapsed().as_secs_f64() * 1e3);
                }
            }
            None
        });
        let resumed = resumed.await.ok().flatten().ok_or_else(|| anyhow::anyhow!("no resume"))?;
        say(&json!({ "run": run, "join_ms": tenth(joined), "resume_ms": tenth(resumed) }))?;
        joins.push(joined);
        resumes.push(resumed);
        guest.client.leave(Nothing {}).await?;
        guest.client.shutdown().await;
    }
    say(&json!({
        "scenario": "join",
        "median_ms": quantile(&joins, 0.5).map(tenth),
        "p95_ms": quantile(&joins, 0.95).map(tenth),
        "resume_median_ms": quantile(&resumes, 0.5).map(tenth),
    }))
}
