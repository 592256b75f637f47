//! What our own path of sound adds: from the microphone's callback to the speaker's, in virtual time, with devices of
//! 10 ms that call at any time against each other, and no delay in the network. Plain, and with echo cancellation, noise
//! suppression, automatic volume, copies and DRED.

use std::time::Duration;

use media_core::audio::Processing;
use media_core::receive::loss::Loss;
use media_core::testing::{Speech, Weather, correlation};
use media_core::time::MediaTime;
use serde_json::json;

use super::line::{BLOCK, Line};
use super::{quantile, say, tenth};

/// Blocks before anything counts: both sides have learnt, and what piled up at the start is gone.
const LESSON: usize = 1500;
/// Blocks that count.
const COUNTED: usize = 1000;
/// Blocks of speech whose delay is measured at a time.
const PIECE: usize = 40;
/// No delay is longer, in samples.
const LONGEST: usize = 48 * 400;
/// How often the engines are asked whether something is due.
const STEP: Duration = Duration::from_micros(500);
const STEPS: usize = 20;
/// When in every 10 ms a device calls, in microseconds.
const PHASES: [u64; 4] = [0, 2500, 5000, 7500];
/// 50 ± 20 ms, and one of twenty lost.
const JITTERY: Weather = Weather {
    loss: 0.05,
    burst: 1.0,
    delay: Duration::from_millis(30),
    jitter: Duration::from_millis(40),
    ..Weather::CLEAR
};
/// Makes the speaker send copies far apart and DRED.
const RUNS_OF_FOUR: Loss = Loss { share: 0.06, burst: 4.0 };
/// How much later than the quickest the 95th of a hundred packets comes there.
const JITTER_P95_MS: f64 = 38.0;

/// Prints a line per kind and the summary.
///
/// # Errors
/// A call did not start.
pub fn measure() -> anyhow::Result<()> {
    let near = Some(Duration::from_millis(1));
    let still = Path { weather: Weather::CLEAR, rtt: near, processing: Processing::OFF, pretended: None };
    let plain = still.delays("plain")?;
    let full = Path { processing: Processing::default(), pretended: Some(RUNS_OF_FOUR), ..still }.delays("full")?;
    let far = Path { rtt: None, ..still }.delays("plain, packets of 20 ms")?;
    let jittered = Path { weather: JITTERY, rtt: None, ..still }.delays("jitter 50±20 ms, 5 % loss")?;
    let network = JITTERY.delay.as_secs_f64() * 1000.0;
    let added = quantile(&jittered, 0.5).unwrap_or_default() - network - quantile(&far, 0.5).unwrap_or_default();
    say(&json!({
        "scenario": "voice-latency",
        "plain_p50_ms": at(&plain, 0.5), "plain_p95_ms": at(&plain, 0.95),
        "full_p50_ms": at(&full, 0.5), "full_p95_ms": at(&full, 0.95),
        "jitter_added_ms": tenth(added), "jitter_allowed_ms": tenth(1.3 * JITTER_P95_MS),
    }))
}

fn at(delays: &[f64], share: f64) -> f64 {
    tenth(quantile(delays, share).unwrap_or_default())
}

/// What sound goes through.
#[derive(Clone, Copy)]
struct Path {
    weather: Weather,
    /// What the server says of the way.
    rtt: Option<Duration>,
    processing: Processing,
    /// What the speaker is told of the loss, instead of what there is.
    pretended: Option<Loss>,
}

impl Path {
    /// Delays in milliseconds, of every piece and every pair of phases.
    fn delays(self, name: &str) -> anyhow::Result<Vec<f64>> {
        let mut delays = Vec::new();
        for mic in PHASES {
            for ear in PHASES {
                delays.extend(one(self, mic, ear)?);
            }
        }
        say(&json!({ "path": name, "p50_ms": at(&delays, 0.5), "p95_ms": at(&delays, 0.95), "pieces": delays.len() }))?;
        Ok(delays)
    }
}

fn one(path: Path, mic: u64, ear: u64) -> anyhow::Result<Vec<f64>> {
    let mut line = Line::new(path.weather, Weather { loss: 0.0, ..path.weather }, 7, path.rtt)?;
    line.process(path.processing);
    if let Some(loss) = path.pretended {
        line.pretend(loss);
    }
    let said = Speech::new(11, 48_000).take((LESSON + COUNTED + LONGEST / BLOCK) * BLOCK);
    let mut heard = Vec::with_capacity(said.len());
    for (number, block) in said.chunks_exact(BLOCK).enumerate() {
        let begin = MediaTime::from_micros(1_000_000 + number as u64 * 10_000);
        // Both devices call once, each at its phase; the engines are asked all the time whether something is due.
        for step in 0..STEPS {
            let now = begin + STEP * step as u32;
            let phase = step as u64 * STEP.as_micros() as u64;
            if phase == mic {
                line.say_at(block, now);
            }
            if phase == ear {
                heard.extend(line.hear_at(now));
            }
            line.tick(now)?;
        }
    }
    // The speaker's callback of the same number comes so much later than the microphone's.
    let apart = (ear as f64 - mic as f64) / 1000.0;
    let pieces = (LESSON..LESSON + COUNTED - PIECE).step_by(PIECE);
    Ok(pieces
        .filter_map(|block| {
            let from = block * BLOCK;
            let (lag, likeness) = correlation(
                &said[from..from + PIECE * BLOCK],
                &heard[from..(from + PIECE * BLOCK + LONGEST).min(heard.len())],
                LONGEST,
            );
            (likeness > 0.5).then(|| lag as f64 / 48.0 + apart)
        })
        .collect())
}
