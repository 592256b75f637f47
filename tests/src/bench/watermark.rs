//! Invisible marks of 200 viewers on pages of four kinds, read back after what happens to pictures on their way out.
//! Also: pictures without a mark, pictures read with another meeting's key, how far a mark is from the page, its cost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use media_core::testing::{Seeded, psnr, ssim};
use media_core::time::MediaTime;
use media_core::video::convert::{Converter, PixelFormat, RawPicture};
use protocol::ids::{RoomId, UserId};
use protocol::pii::Secret;
use serde_json::json;
use watermark::{Key, Tile, ViewerMark, read};

use super::{quantile, say, tenth};

mod attacks;
mod pages;

use pages::{HEIGHT, WIDTH};

/// Frames that are covered to see what it costs.
const COVERED: usize = 60;

/// One picture that was read.
struct Reading {
    attack: usize,
    page: usize,
    /// What was read; the first of all is who it was drawn for.
    outcome: Outcome,
    millis: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Identified,
    Nobody,
    Wrong,
}

/// What the pictures are read with.
enum Take {
    Marked,
    Unmarked,
    OtherKey,
}

fn meeting(seed: u8) -> anyhow::Result<Key> {
    Ok(Key::of_room(&Secret::new([seed; 32]), &RoomId::parse("bench")?))
}

/// Prints a line per attack and the summary.
///
/// # Errors
/// ImageMagick is missing, or a codec failed.
pub fn measure(viewers: usize, jobs: usize) -> anyhow::Result<()> {
    let pages = pages::all();
    let (key, other) = (meeting(7)?, meeting(8)?);
    let marked = run(&Take::Marked, &pages, viewers, jobs, &key)?;
    let mut worst = 100.0_f64;
    for (n, name) in attacks::ALL.iter().enumerate() {
        let of: Vec<&Reading> = marked.iter().filter(|r| r.attack == n).collect();
        let by_page: BTreeMap<&str, f64> = (0..pages.len())
            .map(|page| (pages[page].0, share(of.iter().filter(|r| r.page == page).copied(), Outcome::Identified)))
            .collect();
        let identified = share(of.iter().copied(), Outcome::Identified);
        worst = worst.min(identified);
        say(&json!({
            "attack": name, "viewers": of.len(), "identified_pct": identified,
            "wrong": of.iter().filter(|r| r.outcome == Outcome::Wrong).count(), "by_page_pct": by_page,
        }))?;
    }
    let unmarked = run(&Take::Unmarked, &pages, viewers, jobs, &key)?;
    let foreign = run(&Take::OtherKey, &pages, viewers, jobs, &other)?;
    for (name, readings) in [("unmarked", &unmarked), ("other_key", &foreign)] {
        let named = readings.iter().filter(|r| r.outcome != Outcome::Nobody).count();
        say(&json!({ "control": name, "pictures": readings.len(), "named": named }))?;
    }
    let falsely = marked.iter().chain(&unmarked).chain(&foreign).filter(|r| r.outcome == Outcome::Wrong).count();
    let all = marked.len() + unmarked.len() + foreign.len();
    let (psnr_db, ssim) = distance(&pages, &key)?;
    let millis: Vec<f64> = marked.iter().map(|r| r.millis).collect();
    say(&json!({
        "summary": "watermark", "viewers": viewers, "pictures": all,
        "identified_pct": share(marked.iter(), Outcome::Identified), "worst_attack_pct": worst,
        "false_pct": falsely as f64 / all as f64 * 100.0,
        "psnr_db": tenth(psnr_db), "ssim": (ssim * 10_000.0).round() / 10_000.0,
        "ms_per_frame": cost(&pages[0].1, &key)?, "read_ms": quantile(&millis, 0.5).map(tenth),
    }))
}

fn share<'a>(readings: impl Iterator<Item = &'a Reading>, outcome: Outcome) -> f64 {
    let (hits, all) = readings.fold((0, 0), |(hits, all), r| (hits + u32::from(r.outcome == outcome), all + 1));
    tenth(100.0 * f64::from(hits) / f64::from(all.max(1_u32)))
}

fn viewer(key: &Key, n: usize) -> anyhow::Result<ViewerMark> {
    Ok(key.viewer(&UserId::parse(format!("viewer {n}"))?))
}

/// All viewers, shared out among threads. Controls get one attack each, marked pictures all.
fn run(take: &Take, pages: &[(&str, Vec<u8>)], viewers: usize, jobs: usize, key: &Key) -> anyhow::Result<Vec<Reading>> {
    let next = AtomicUsize::new(0);
    let owner = meeting(7)?;
    let work = || -> anyhow::Result<Vec<Reading>> {
        let mut out = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= viewers {
                return Ok(out);
            }
            let page = n % pages.len();
            let mut picture = pages[page].1.clone();
            let drawn = viewer(&owner, n)?;
            if !matches!(take, Take::Unmarked) {
                Tile::draw(&owner.cells(drawn)).cover(&mut picture, WIDTH);
            }
            let which = match take {
                Take::Marked => 0..attacks::ALL.len(),
                Take::Unmarked | Take::OtherKey => {
                    let one = n / pages.len() % attacks::ALL.len();
                    one..one + 1
                }
            };
            for attack in which {
                let mut random = Seeded::new((n * attacks::ALL.len() + attack) as u64);
                let seen = attacks::attack(attacks::ALL[attack], &picture, &mut random)?;
                let before = Instant::now();
                let found = read(&seen, key);
                let millis = before.elapsed().as_secs_f64() * 1000.0;
                let outcome = match found {
                    None => Outcome::Nobody,
                    Some(found) if matches!(take, Take::Marked) && found.viewer == drawn => Outcome::Identified,
                    Some(_) => Outcome::Wrong,
                };
                out.push(Reading { attack, page, outcome, millis });
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread failed"))??);
        }
        Ok(all)
    })
}

/// The least PSNR and SSIM of a marked page against the page, in luma.
fn distance(pages: &[(&str, Vec<u8>)], key: &Key) -> anyhow::Result<(f64, f64)> {
    let mut converter = Converter::new();
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    let mut of = |data: &[u8]| {
        let raw = RawPicture { format: PixelFormat::Rgba, width, height, stride: WIDTH * 4, data };
        converter.convert(raw, MediaTime::ZERO)
    };
    let tile = Tile::draw(&key.cells(viewer(key, 0)?));
    let (mut least, mut alike) = (f64::INFINITY, 1.0_f64);
    for (_, page) in pages {
        let mut covered = page.clone();
        tile.cover(&mut covered, WIDTH);
        let (page, covered) = (of(page)?, of(&covered)?);
        least = least.min(psnr(&page, &covered).context("sizes differ")?);
        alike = alike.min(ssim(&page, &covered).context("sizes differ")?);
    }
    Ok((least, alike))
}

/// Median milliseconds of laying a tile over a page without graphics hardware.
fn cost(page: &[u8], key: &Key) -> anyhow::Result<f64> {
    let tile = Tile::draw(&key.cells(viewer(key, 0)?));
    let mut frame = page.to_vec();
    let millis: Vec<f64> = (0..COVERED)
        .map(|_| {
            let before = Instant::now();
            tile.cover(&mut frame, WIDTH);
            before.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    Ok((quantile(&millis, 0.5).context("nothing was measured")? * 100.0).round() / 100.0)
}
