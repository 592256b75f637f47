//! Speech through networks that lose: the whole way of sound of two people in virtual time.
//! Writes what was said and heard as WAV files; `tests/voice/score.py` scores them.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use media_core::audio::RemoteStats;
use media_core::testing::Weather;
use media_core::time::{Bitrate, MediaTime};
use serde_json::{Value, json};

use super::line::{BLOCK, Line};
use super::voice_peer::Official;
use super::{say, tenth};

/// Seconds in which both sides learn, which are not scored.
const LESSON: usize = 20;
/// How a take went.
#[derive(Debug)]
pub(super) struct Take {
    /// What came out of the speaker.
    pub(super) heard: Vec<f32>,
    /// Kilobits a second on the wire.
    pub(super) wire_kbps: f64,
    /// How the receiver fared, at the end.
    pub(super) stats: RemoteStats,
}

/// Sends `said` through such weather. The first seconds, in which both sides learn, are spoken with `said` over and
/// over, and are left out of what is heard.
pub(super) fn take(said: &[f32], weather: Weather, seed: u64) -> anyhow::Result<Take> {
    let mut line = Line::new(weather, seed, None)?;
    let (mut heard, mut before) = (Vec::new(), 0);
    let lesson = LESSON * 48_000 / BLOCK;
    let blocks = said.chunks_exact(BLOCK).cycle().take(lesson).chain(said.chunks_exact(BLOCK));
    for (tick, block) in blocks.enumerate() {
        let now = MediaTime::from_micros(1_000_000 + tick as u64 * 10_000);
        line.say(block);
        line.tick(now)?;
        let out = line.hear();
        if tick < lesson {
            before = line.sent_bytes();
        } else {
            heard.extend(out);
        }
        if tick % 50 == 0 && std::env::var_os("SHOJI_BENCH_DETAILS").is_some() {
            eprintln!("{:>5} s {:?}", tick / 100, line.stats());
        }
    }
    let seconds = heard.len() as f64 / 48_000.0;
    let wire_kbps = (line.sent_bytes() - before) as f64 * 8.0 / 1000.0 / seconds;
    Ok(Take { heard, wire_kbps, stats: line.stats() })
}

/// A mono WAV file of 16 bits at 48 kHz.
pub(super) fn write_wav(path: &Path, samples: &[f32]) -> anyhow::Result<()> {
    let len = u32::try_from(samples.len() * 2)?;
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + len).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend_from_slice(&48_000_u32.to_le_bytes());
    out.extend_from_slice(&96_000_u32.to_le_bytes());
    out.extend_from_slice(b"\x02\0\x10\0data");
    out.extend_from_slice(&len.to_le_bytes());
    for sample in samples {
        out.extend_from_slice(&((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes());
    }
    Ok(std::fs::write(path, out)?)
}

/// What is measured: name and network.
const PROFILES: &[(&str, Weather)] = &[
    ("random0", random(0.0)),
    ("random5", random(0.05)),
    ("random10", random(0.10)),
    ("random20", random(0.20)),
    ("random30", random(0.30)),
    ("random50", random(0.50)),
    ("burst2", bursts(2.0)),
    ("burst5", bursts(5.0)),
    ("burst10", bursts(10.0)),
    (
        "jitter50",
        Weather { loss: 0.05, delay: Duration::from_millis(30), jitter: Duration::from_millis(40), ..Weather::CLEAR },
    ),
    ("rate300", rate(300)),
    ("rate100", rate(100)),
    ("rate50", rate(50)),
    ("rate25", rate(25)),
    ("reorder250", Weather { delay: Duration::from_millis(150), jitter: Duration::from_millis(200), ..Weather::CLEAR }),
    ("spiky", Weather { hold: Duration::from_millis(200), hold_every: Duration::from_millis(2700), ..Weather::CLEAR }),
];

const fn random(loss: f64) -> Weather {
    // What chance alone makes: runs of 1 / (1 - loss).
    Weather { loss, burst: 1.0 / (1.0 - loss), ..Weather::CLEAR }
}

const fn bursts(burst: f64) -> Weather {
    Weather { loss: 0.2, burst, ..Weather::CLEAR }
}

const fn rate(kbps: u32) -> Weather {
    Weather { delay: Duration::from_millis(20), rate: Bitrate::kbps(kbps), ..Weather::CLEAR }
}

/// Prints a line per profile, the means of all seeds and voices, and the summary with all of them.
///
/// # Errors
/// The speech of the demo is missing, Python or its packages cannot be had, or a take failed.
pub fn measure(runs: usize, only: &str, peer: bool) -> anyhow::Result<()> {
    let voices = ["aoi", "emma", "james"].map(voice);
    let folder = tempfile::tempdir()?;
    let mut scorer = Scorer::start()?;
    let official = if peer { Some(Official::start()?) } else { None };
    let mut rows = Vec::new();
    for (profile, weather) in PROFILES.iter().filter(|(name, _)| name.starts_with(only)) {
        let (mut scores, mut wire, mut delay) = ([0.0; 3], 0.0, 0.0);
        let mut takes = 0.0;
        let mut theirs = Theirs::default();
        for (number, said) in voices.iter().enumerate() {
            let said = said.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            let reference = folder.path().join(format!("said{number}.wav"));
            write_wav(&reference, said)?;
            if let Some(official) = &official {
                let heard = folder.path().join("peer.wav");
                let kbps = official.take(&reference, &heard, LESSON as f64, *weather, 1)?;
                theirs.add(scorer.score(profile, &reference, &heard)?, kbps);
            }
            for seed in 1..=runs as u64 {
                let take = take(said, *weather, seed)?;
                let heard = folder.path().join("heard.wav");
                write_wav(&heard, &take.heard)?;
                for (sum, score) in scores.iter_mut().zip(scorer.score(profile, &reference, &heard)?) {
                    *sum += score;
                }
                wire += take.wire_kbps;
                delay += take.stats.delay.as_secs_f64() * 1000.0;
                takes += 1.0;
                if std::env::var_os("SHOJI_BENCH_DETAILS").is_some() {
                    eprintln!("{profile} {seed} {:?}", take.stats);
                }
            }
        }
        let [pesq, stoi, plcmos] = scores.map(|sum| (sum / takes * 1000.0_f64).round() / 1000.0);
        let mut row = json!({
            "profile": profile, "pesq": pesq, "stoi": stoi, "plcmos": plcmos,
            "wire_kbps": tenth(wire / takes), "delay_ms": tenth(delay / takes),
        });
        theirs.tell(&mut row);
        say(&row)?;
        rows.push(row);
    }
    say(&json!({ "scenario": "voice-loss", "takes": runs * voices.len(), "rows": rows }))
}

/// Sums of the official SDK's scores: it speaks in real time, so each voice is sent once.
#[derive(Default)]
struct Theirs {
    scores: [f64; 3],
    wire: f64,
    takes: f64,
}

impl Theirs {
    fn add(&mut self, scores: [f64; 3], kbps: f64) {
        for (sum, score) in self.scores.iter_mut().zip(scores) {
            *sum += score;
        }
        self.wire += kbps;
        self.takes += 1.0;
    }

    fn tell(&self, row: &mut Value) {
        if self.takes == 0.0 {
            return;
        }
        let [pesq, stoi, plcmos] = self.scores.map(|sum| (sum / self.takes * 1000.0).round() / 1000.0);
        row["peer_pesq"] = json!(pesq);
        row["peer_stoi"] = json!(stoi);
        row["peer_plcmos"] = json!(plcmos);
        row["peer_wire_kbps"] = json!(tenth(self.wire / self.takes));
    }
}

fn voice(name: &str) -> anyhow::Result<Vec<f32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../assets/speech/{name}.wav"));
    let bytes = std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
    Ok(crate::wav::read(&bytes)?)
}

/// `tests/voice/score.py`, kept running because its models take seconds to load.
struct Scorer {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Scorer {
    fn start() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("voice");
        let mut child = Command::new(crate::python::environment("voice", &folder.join("requirements.txt"))?)
            .arg(folder.join("score.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the scorer does not start")?;
        let ask = child.stdin.take().context("its input is a pipe")?;
        let answers = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        Ok(Self { child, ask, answers })
    }

    fn score(&mut self, name: &str, said: &Path, heard: &Path) -> anyhow::Result<[f64; 3]> {
        writeln!(self.ask, "{name} {} {}", said.display(), heard.display())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let scores: Value = serde_json::from_str(&line).context("the scorer ended; its reason is above")?;
        let number = |key: &str| scores[key].as_f64().with_context(|| format!("no {key} in {line}"));
        Ok([number("pesq")?, number("stoi")?, number("plcmos")?])
    }
}

impl Drop for Scorer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
