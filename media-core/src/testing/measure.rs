//! How alike two sounds or two pictures are. Pure arithmetic.

use std::f64::consts::TAU;

use crate::frame::Picture;

/// Best normalised correlation of `heard` with `said` over lags of 0 to `max_lag` samples: (lag, -1.0..=1.0).
///
/// Looks coarsely at a twelfth of the rate first, then finely around the best place.
#[must_use]
pub fn correlation(said: &[f32], heard: &[f32], max_lag: usize) -> (usize, f64) {
    const COARSE: usize = 12;
    let thin = |x: &[f32]| -> Vec<f32> { x.chunks(COARSE).map(|c| c.iter().sum::<f32>() / c.len() as f32).collect() };
    let (a, b) = (thin(said), thin(heard));
    let best = (0..=max_lag / COARSE).map(|lag| (lag, at_lag(&a, &b, lag))).fold((0, -1.0), better);
    let middle = best.0 * COARSE;
    (middle.saturating_sub(COARSE)..=(middle + COARSE).min(max_lag))
        .map(|lag| (lag, at_lag(said, heard, lag)))
        .fold((0, -1.0), better)
}

fn better(best: (usize, f64), next: (usize, f64)) -> (usize, f64) {
    if next.1 > best.1 { next } else { best }
}

fn at_lag(said: &[f32], heard: &[f32], lag: usize) -> f64 {
    let Some(heard) = heard.get(lag..) else { return -1.0 };
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in said.iter().zip(heard) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa * bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

/// Share of a sound's power that lies at one frequency (Goertzel), 0.0 to 1.0.
#[must_use]
pub fn tone_power(sound: &[f32], frequency: f64, rate: u32) -> f64 {
    let w = TAU * frequency / f64::from(rate);
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, s) in sound.iter().enumerate() {
        let s = f64::from(*s);
        re += s * (w * n as f64).cos();
        im += s * (w * n as f64).sin();
        all += s * s;
    }
    if all > 0.0 { 2.0 * (re * re + im * im) / (all * sound.len() as f64) } else { 0.0 }
}

/// Peak signal to noise ratio of the luma in dB; infinite for equal pictures, `None` for different sizes.
#[must_use]
pub fn psnr(a: &Picture, b: &Picture) -> Option<f64> {
    if a.size() != b.size() {
        return None;
    }
    let sum: f64 = a.y().iter().zip(b.y()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    Some(10.0 * (255.0 * 255.0 * a.y().len() as f64 / sum).log10())
}

/// Mean structural similarity of the luma over 8 x 8 squares; `None` for different sizes.
#[must_use]
pub fn ssim(a: &Picture, b: &Picture) -> Option<f64> {
    const SIDE: usize = 8;
    const C1: f64 = 6.5025;
    const C2: f64 = 58.5225;
    if a.size() != b.size() {
        return None;
    }
    let (w, h) = (a.size().width as usize, a.size().height as usize);
    let (mut total, mut squares) = (0.0, 0_u32);
    for top in (0..h.saturating_sub(SIDE - 1)).step_by(SIDE) {
        for left in (0..w.saturating_sub(SIDE - 1)).step_by(SIDE) {
            let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for y in top..top + SIDE {
                for x in left..left + SIDE {
                    let (p, q) = (f64::from(a.y()[y * w + x]), f64::from(b.y()[y * w + x]));
                    sa += p;
                    sb += q;
                    saa += p * p;
                    sbb += q * q;
                    sab += p * q;
                }
            }
            let n = (SIDE * SIDE) as f64;
            let (ma, mb) = (sa / n, sb / n);
            let (va, vb, cov) = (saa / n - ma * ma, sbb / n - mb * mb, sab / n - ma * mb);
            total += ((2.0 * ma * mb + C1) * (2.0 * cov + C2)) / ((ma * ma + mb * mb + C1) * (va + vb + C2));
            squares += 1;
        }
    }
    (squares > 0).then(|| total / f64::from(squares))
}
