//! The benches behind `npm run -s bench -- NAME`. Each prints JSON lines, the last one its summary.

use std::io::Write;

use serde_json::Value;

pub mod blur;
pub mod camera;
pub mod echo;
pub mod fanout;
pub mod footprint;
pub mod join;
mod line;
pub mod mouth_to_ear;
pub mod noise;
mod own_sound;
#[cfg(feature = "real-devices")]
pub mod reopen;
#[cfg(feature = "real-devices")]
pub mod screen_text;
pub mod shield;
pub mod voice_cpu;
pub mod voice_day;
pub mod voice_latency;
pub mod voice_loss;
mod voice_peer;
pub mod watermark;
mod wire;

/// One line.
fn say(line: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The value below which this share of all lies; 0.5 is the median. `None` without any.
fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * (sorted.len().checked_sub(1)?) as f64).round() as usize;
    sorted.get(place).copied()
}

/// To a tenth.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0; 20], 0.95), Some(1.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
