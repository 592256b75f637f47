//! Looks at what arrives of a studio's camera: when, which picture, how like the one that was taken. Runs on a thread of its
//! own until it is dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::channel::{LatestReader, Taken as Next};
use media_core::frame::Picture;
use media_core::testing::{psnr, read_counter};

use super::studio::{Painter, SIZE, Taken};

/// Every so many pictures one is compared: painting it once more takes its time.
const COMPARED: usize = 8;

/// One picture that arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) at: Instant,
    /// After it was taken.
    pub(super) late: Duration,
    /// Lines it has.
    pub(super) height: u32,
    /// dB against what was taken, at its full size; only of some.
    pub(super) psnr: Option<f64>,
}

/// Who looks.
pub(super) struct Watcher {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    pub(super) fn of(pictures: LatestReader<Picture>, taken: Taken) -> Self {
        let (seen, stop): (Arc<Mutex<Vec<Seen>>>, Arc<AtomicBool>) = Default::default();
        let (into, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let look = move || {
            let mut painter = Painter::new();
            let mut count = 0;
            while !stopped.load(Ordering::Acquire) {
                let Next::Value(picture) = pictures.take(Duration::from_millis(100)) else { continue };
                let at = Instant::now();
                let Some(number) = read_counter(&picture) else { continue };
                let Some(when) = taken.when(number) else { continue };
                count += 1;
                let compared = count % COMPARED == 0;
                let psnr = compared.then(|| psnr(&painter.paint(number), &enlarged(&picture))).flatten();
                let one = Seen { at, late: at.saturating_duration_since(when), height: picture.size().height, psnr };
                into.lock().unwrap_or_else(PoisonError::into_inner).push(one);
            }
        };
        Self { seen, stop, thread: Some(std::thread::spawn(look)) }
    }

    /// Everything seen since the last question.
    pub(super) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the watcher panicked");
        }
    }
}

/// At the size it was taken, as a window would show it: between four pixels each.
fn enlarged(picture: &Picture) -> Picture {
    if picture.size() == SIZE {
        return picture.clone();
    }
    let (w, h) = (SIZE.width as usize, SIZE.height as usize);
    let (sw, sh) = (picture.size().width as usize, picture.size().height as usize);
    let mut data = vec![128; SIZE.i420_len()];
    let place = |at: usize, to: usize, from: usize| {
        let exact = ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, from as f64 - 1.0);
        let first = exact as usize;
        (first, (first + 1).min(from - 1), exact - first as f64)
    };
    let columns: Vec<_> = (0..w).map(|x| place(x, w, sw)).collect();
    for (y, line) in data[..w * h].chunks_exact_mut(w).enumerate() {
        let (top, bottom, down) = place(y, h, sh);
        let (above, below) = (&picture.y()[top * sw..][..sw], &picture.y()[bottom * sw..][..sw]);
        for (pixel, (left, right, across)) in line.iter_mut().zip(&columns) {
            let mix = |line: &[u8]| f64::from(line[*left]) * (1.0 - across) + f64::from(line[*right]) * across;
            *pixel = (mix(above) * (1.0 - down) + mix(below) * down).round() as u8;
        }
    }
    Picture::new(SIZE, data.into(), picture.at).expect("the size is its own")
}

#[cfg(test)]
mod tests {
    use media_core::time::MediaTime;
    use media_core::video::scale::Scaler;

    use super::*;

    #[test]
    fn what_was_made_smaller_looks_like_itself_when_enlarged() {
        let picture = Painter::new().paint(300);
        let small = Scaler::new().fit(&picture, media_core::frame::Size { width: 640, height: 360 });
        let back = enlarged(&small);
        assert_eq!(back.size(), SIZE);
        assert_eq!(read_counter(&back), Some(300));
        let like = psnr(&picture, &back).unwrap();
        assert!((22.0..60.0).contains(&like), "{like}");
        assert_eq!(picture.at, MediaTime::ZERO);
    }
}
