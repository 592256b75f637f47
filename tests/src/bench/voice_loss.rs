//! Speech through networks that lose: the whole way of sound of two people in virtual time.
//! Writes what was said and heard as WAV files; `tests/voice/score.py` scores them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use media_core::audio::RemoteStats;
use media_core::testing::Weather;
use media_core::time::{Bitrate, MediaTime};
use serde_json::{Value, json};

use super::line::{BLOCK, Line};
use super::voice_peer::{Errand, Official};
use super::{say, tenth};

/// Seconds in which both sides learn, which are not scored.
const LESSON: usize = 20;
/// Who speaks: Japanese, English, English.
const VOICES: [&str; 3] = ["aoi", "emma", "james"];

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
pub(super) fn take(said: &[f32], weather: Weather, most: Option<Bitrate>, seed: u64) -> anyhow::Result<Take> {
    let mut line = Line::new(weather, Weather::CLEAR, seed, None)?;
    if let Some(most) = most {
        line.spend(most);
    }
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

/// What is measured: name, network, and the most that may be spent, if that is the point.
const PROFILES: &[(&str, Weather, Option<Bitrate>)] = &[
    ("random0", random(0.0), None),
    ("random5", random(0.05), None),
    ("random10", random(0.10), None),
    ("random20", random(0.20), None),
    ("random30", random(0.30), None),
    ("random50", random(0.50), None),
    ("burst2", bursts(2.0), None),
    ("burst5", bursts(5.0), None),
    ("burst10", bursts(10.0), None),
    (
        "jitter50",
        Weather { loss: 0.05, delay: Duration::from_millis(30), jitter: Duration::from_millis(40), ..Weather::CLEAR },
        None,
    ),
    ("rate300", rate(300), None),
    ("rate100", rate(100), None),
    ("rate50", rate(50), None),
    ("rate25", rate(25), None),
    // The least that still has to carry speech.
    ("rate12", rate(12), None),
    (
        "reorder250",
        Weather { delay: Duration::from_millis(150), jitter: Duration::from_millis(200), ..Weather::CLEAR },
        None,
    ),
    (
        "spiky",
        Weather { hold: Duration::from_millis(200), hold_every: Duration::from_millis(2700), ..Weather::CLEAR },
        None,
    ),
    // As little as libwebrtc spends by itself, without RED: 44 kbit/s come of it, as variable as Opus is.
    ("at44random20", random(0.20), Some(Bitrate(43_000))),
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

/// Prints a line per profile, the means of all seeds and voices, and the summary with all of them. With `booths`, the
/// official SDK first speaks all of it in real time, in so many booths side by side; scores and ours, which takes all of
/// a core, come afterwards.
///
/// # Errors
/// The speech of the demo is missing, Python or its packages cannot be had, or a take failed.
pub fn measure(runs: usize, most: usize, only: &str, booths: Option<usize>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut voices = Vec::new();
    for name in VOICES.into_iter().take(most.max(1)) {
        let (said, path) = (voice(name)?, folder.path().join(format!("{name}.wav")));
        write_wav(&path, &said)?;
        voices.push((said, path));
    }
    let profiles: Vec<_> = PROFILES.iter().filter(|(name, ..)| name.starts_with(only)).collect();
    let mut theirs = Vec::new();
    if let Some(booths) = booths {
        let errands = profiles.iter().flat_map(|(profile, weather, most)| {
            let folder = folder.path();
            voices.iter().enumerate().map(move |(number, (_, said))| Errand {
                said: said.clone(),
                heard: folder.join(format!("peer-{profile}-{number}.wav")),
                lesson: LESSON as f64,
                weather: *weather,
                // Another beginning for each voice, so that no single one decides.
                seed: 1 + number as u64,
                plain: most.is_some(),
            })
        });
        let errands: Vec<Errand> = errands.collect();
        let kbps = Official::start(booths)?.take_all(&errands)?;
        theirs = errands.into_iter().map(|errand| errand.heard).zip(kbps).collect();
    }
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut scorers = (0..workers).map(|_| Scorer::start()).collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for (number, (profile, weather, most)) in profiles.into_iter().enumerate() {
        let mut jobs = Vec::new();
        for (at, (said, reference)) in voices.iter().enumerate() {
            for seed in 1..=runs as u64 {
                let heard = folder.path().join(format!("ours-{at}-{seed}.wav"));
                jobs.push(Job { reference, heard, of: Of::Ours { said, weather: *weather, most: *most, seed } });
            }
            if let Some((heard, kbps)) = theirs.get(number * voices.len() + at) {
                jobs.push(Job { reference, heard: heard.clone(), of: Of::Theirs { kbps: *kbps } });
            }
        }
        let row = row(profile, &jobs, &mut scorers)?;
        say(&row)?;
        rows.push(row);
    }
    say(&json!({ "scenario": "voice-loss", "takes": runs * voices.len(), "rows": rows }))
}

/// Something to be scored.
struct Job<'a> {
    reference: &'a Path,
    heard: PathBuf,
    of: Of<'a>,
}

enum Of<'a> {
    /// Taken first, in virtual time.
    Ours { said: &'a [f32], weather: Weather, most: Option<Bitrate>, seed: u64 },
    /// Taken already.
    Theirs { kbps: f64 },
}

/// Does all jobs of a profile, as many at a time as there are scorers.
fn row(profile: &str, jobs: &[Job<'_>], scorers: &mut [Scorer]) -> anyhow::Result<Value> {
    let next = AtomicUsize::new(0);
    let work = |scorer: &mut Scorer| {
        let mut done = Vec::new();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((matches!(job.of, Of::Ours { .. }), job.run(profile, scorer)?));
        }
        anyhow::Ok(done)
    };
    let done = std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = scorers.iter_mut().map(|scorer| scope.spawn(move || work(scorer))).collect();
        let finished =
            workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?);
        finished.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let mut row = json!({ "profile": profile });
    for (ours, prefix) in [(true, ""), (false, "peer_")] {
        let of: Vec<[f64; 5]> =
            done.iter().flatten().filter(|(whose, _)| *whose == ours).map(|(_, figures)| *figures).collect();
        if of.is_empty() {
            continue;
        }
        let mean = |at: usize| of.iter().map(|figures| figures[at]).sum::<f64>() / of.len() as f64;
        for (at, name) in ["pesq", "stoi", "plcmos"].into_iter().enumerate() {
            row[format!("{prefix}{name}")] = json!((mean(at) * 1000.0).round() / 1000.0);
        }
        row[format!("{prefix}wire_kbps")] = json!(tenth(mean(3)));
        if ours {
            row["delay_ms"] = json!(tenth(mean(4)));
        }
    }
    Ok(row)
}

impl Job<'_> {
    /// PESQ, STOI, PLCMOS, kilobits a second, and milliseconds of delay where they are known.
    fn run(&self, profile: &str, scorer: &mut Scorer) -> anyhow::Result<[f64; 5]> {
        let (kbps, delay) = match self.of {
            Of::Theirs { kbps } => (kbps, 0.0),
            Of::Ours { said, weather, most, seed } => {
                let take = take(said, weather, most, seed)?;
                write_wav(&self.heard, &take.heard)?;
                if std::env::var_os("SHOJI_BENCH_DETAILS").is_some() {
                    eprintln!("{profile} {seed} {:?}", take.stats);
                }
                (take.wire_kbps, take.stats.delay.as_secs_f64() * 1000.0)
            }
        };
        let [pesq, stoi, plcmos] = scorer.score(profile, self.reference, &self.heard)?;
        if std::env::var_os("SHOJI_BENCH_DETAILS").is_some() {
            eprintln!("{profile} {} pesq {pesq} stoi {stoi} plcmos {plcmos} {kbps:.1} kbit/s", self.heard.display());
        }
        Ok([pesq, stoi, plcmos, kbps, delay])
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
