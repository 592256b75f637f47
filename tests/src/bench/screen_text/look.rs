//! What a receiver saw, and how like the truth it is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::channel::{LatestReader, Taken};
use media_core::frame::{Picture, Size};
use media_core::testing::{psnr, ssim};

/// Pictures kept at most: each is three megabytes.
const KEPT: usize = 400;
/// Each of so many stripes has to be legible: half a page is not.
const STRIPES: usize = 8;
/// As like the truth, by structural similarity: legible, and sharp.
const LEGIBLE: f64 = 0.9;
const SHARP: f64 = 0.99;

type Seen = Arc<Mutex<Vec<(Instant, Picture)>>>;

/// Takes every picture as it comes.
pub(super) struct Watch {
    seen: Seen,
    count: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(pictures: LatestReader<Picture>) -> Self {
        let (seen, count, stop) = (Seen::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (to, counted, stopped) = (Arc::clone(&seen), Arc::clone(&count), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                match pictures.take(Duration::from_millis(100)) {
                    Taken::Value(picture) => {
                        counted.fetch_add(1, Ordering::Relaxed);
                        let mut seen = to.lock().unwrap_or_else(PoisonError::into_inner);
                        if seen.len() < KEPT {
                            seen.push((Instant::now(), picture));
                        }
                    }
                    Taken::Nothing => {}
                    Taken::Ended => return,
                }
            }
        });
        Self { seen, count, stop, thread: Some(thread) }
    }

    /// Nothing was seen so far.
    pub(super) fn forget(&self) {
        self.lock().clear();
        self.count.store(0, Ordering::Relaxed);
    }

    /// What was seen since, and when.
    pub(super) fn seen(&self) -> Vec<(Instant, Picture)> {
        self.lock().clone()
    }

    /// How many were seen since.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// When the first such picture came.
    ///
    /// # Errors
    /// None did in time.
    pub(super) fn until(&self, patience: Duration, wanted: impl Fn(&Picture) -> bool) -> anyhow::Result<Instant> {
        let start = Instant::now();
        let mut looked = 0;
        while start.elapsed() < patience {
            let new: Vec<_> = self.lock().iter().skip(looked).cloned().collect();
            looked += new.len();
            if let Some((at, _)) = new.iter().find(|(_, picture)| wanted(picture)) {
                return Ok(*at);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        anyhow::bail!("of {looked} pictures none was right")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, Picture)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("a watch had panicked");
        }
    }
}

/// How like the truth a picture is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) ssim: f64,
    /// Of the stripe that is worst off.
    worst: f64,
    pub(super) psnr: f64,
}

impl Look {
    /// `None` for another size.
    pub(super) fn at(picture: &Picture, truth: &Picture) -> Option<Self> {
        let (ssim_all, psnr_all) = (ssim(picture, truth)?, psnr(picture, truth)?);
        let stripes = (0..STRIPES).filter_map(|n| ssim(&stripe(picture, n)?, &stripe(truth, n)?));
        Some(Self { ssim: ssim_all, worst: stripes.fold(1.0, f64::min), psnr: psnr_all })
    }

    pub(super) fn is_legible(&self) -> bool {
        self.worst >= LEGIBLE
    }

    pub(super) fn is_sharp(&self) -> bool {
        self.ssim >= SHARP
    }
}

/// The luma of one stripe, with grey chroma.
fn stripe(picture: &Picture, number: usize) -> Option<Picture> {
    let Size { width, height } = picture.size();
    let lines = (height as usize / STRIPES) & !7;
    let from = number * lines * width as usize;
    let luma = &picture.y()[from..from + lines * width as usize];
    let size = Size::even(width, u32::try_from(lines).ok()?)?;
    let data = [luma, &vec![128; size.i420_len() - luma.len()]].concat();
    Picture::new(size, data.into(), picture.at)
}
