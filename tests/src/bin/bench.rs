//! `npm run -s bench -- NAME`: measures one thing and prints one JSON object per line, the last one the summary.
//! Measures what it says and asserts nothing; figures belong to the machine they were taken on.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use inspection::bench;

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// From the join command to the first audible frame of a peer; and from a dropped socket to the resume.
    Join,
    /// CPU of the host per forwarded packet.
    Fanout,
    /// A camera in three layers: how late, how good, what it costs, and what loss and narrow links do; `--only`: scenes.
    Camera,
    /// What a blurred background costs at 720p: a look for the person, and a picture.
    Blur,
    /// CPU until the window is usable, and memory idle and in a call of four.
    Footprint,
    /// From the microphone's callback to the speaker's, in virtual time.
    VoiceLatency,
    /// A day of sound in virtual time, with a storm of trouble; `--runs`: hours.
    VoiceDay,
    /// A page of text on a shared screen behind 1.5 Mbit/s (needs Xvfb); `--runs`: pages turned.
    ScreenText,
    /// From plugging a microphone back in to its first samples (needs `--features real-devices` and PulseAudio).
    #[cfg(feature = "real-devices")]
    Reopen,
    /// Speech through networks that lose, scored.
    VoiceLoss,
    /// From one person's mouth to another's ear, through real programs.
    MouthToEar,
    /// Our own speaker in our own microphone, in a simulated room.
    Echo,
    /// Voices in noise, scored before and after.
    Noise,
    /// Screenshot tools against the X11 shield; `--runs`: trials each, `--only`: tools, with commas.
    Shield,
    /// CPU of receiving 25 people and of speaking.
    VoiceCpu,
    /// Invisible marks after what happens to pictures (needs ImageMagick's `convert`); `--runs`: viewers.
    Watermark,
}

/// Measures.
#[derive(Parser)]
#[command(about)]
struct Args {
    #[arg(value_enum)]
    name: Name,
    /// Runs, where there are several.
    #[arg(long)]
    runs: Option<usize>,
    /// Takes of the official SDK at the same time, each with a host, a relay and processes of its own.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Voices that are spoken, at most: fewer take the official SDK, which speaks in real time, so much less of it.
    #[arg(long, default_value_t = usize::MAX)]
    voices: usize,
    /// Without the official SDK or other programs beside ours.
    #[arg(long)]
    no_peer: bool,
    /// Only profiles or programs whose name begins so, where there are several.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: figures of a release build only are worth keeping");
    }
    let measured = match args.name {
        Name::Join => bench::join::measure(args.runs.unwrap_or(30)),
        Name::Fanout => bench::fanout::measure(),
        Name::Camera => bench::camera::measure(&args.only),
        Name::Blur => bench::blur::measure(),
        Name::Footprint => bench::footprint::measure(),
        Name::VoiceLatency => bench::voice_latency::measure(),
        Name::VoiceDay => bench::voice_day::measure(args.runs.unwrap_or(24)),
        #[cfg(feature = "real-devices")]
        Name::Reopen => bench::reopen::measure(args.runs.unwrap_or(20)),
        #[cfg(feature = "real-devices")]
        Name::ScreenText => bench::screen_text::measure(args.runs.unwrap_or(11), !args.no_peer),
        #[cfg(not(feature = "real-devices"))]
        Name::ScreenText => with_real_devices(),
        Name::Echo => bench::echo::measure(),
        Name::Noise => bench::noise::measure(),
        Name::Shield => bench::shield::measure(args.runs.unwrap_or(20), &args.only),
        Name::VoiceCpu => bench::voice_cpu::measure(),
        Name::Watermark => bench::watermark::measure(args.runs.unwrap_or(200), args.jobs),
        Name::VoiceLoss => {
            let booths = (!args.no_peer).then_some(args.jobs);
            bench::voice_loss::measure(args.runs.unwrap_or(3), args.voices, &args.only, booths)
        }
        Name::MouthToEar => bench::mouth_to_ear::measure(&args.only, !args.no_peer),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The same again, from a build that can capture a screen.
#[cfg(not(feature = "real-devices"))]
fn with_real_devices() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--release", "-p", "inspection", "--features", "real-devices", "--bin", "bench", "--"])
        .args(std::env::args_os().skip(1))
        .status()?;
    anyhow::ensure!(status.success(), "the build with real devices failed");
    Ok(())
}
