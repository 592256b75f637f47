//! Makes I420 pictures smaller: area averaging, so that text and thin lines do not vanish.
//! Pure; never enlarges.

use super::convert::Pool;
use crate::frame::{Picture, Size};

/// The largest even size with the aspect of `size` that fits into `limit`; `size` itself when it already does.
#[must_use]
pub fn fit(size: Size, limit: Size) -> Size {
    if size.width <= limit.width && size.height <= limit.height {
        return size;
    }
    let (w, h) = (u64::from(size.width), u64::from(size.height));
    let (lw, lh) = (u64::from(limit.width), u64::from(limit.height));
    // Which side binds?
    let (fw, fh) = if w * lh > h * lw { (lw, h * lw / w) } else { (w * lh / h, lh) };
    let side = |n: u64| u32::try_from(n).unwrap_or(Size::MAX_SIDE).max(2);
    Size::even(side(fw), side(fh)).unwrap_or(limit)
}

/// Scales the pictures of one source.
#[derive(Debug, Default)]
pub struct Scaler {
    pool: Pool,
    columns: Vec<Span>,
    row: Vec<u32>,
}

/// Which source samples make one sample, in 1/256 of a sample.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
    first: u32,
    last: u32,
}

fn spans(source: usize, target: usize, out: &mut Vec<Span>) {
    out.clear();
    for i in 0..target {
        let (a, b) = (i * source * 256 / target, (i + 1) * source * 256 / target);
        let (from, to) = (a / 256, b.div_ceil(256).min(source).max(a / 256 + 1));
        let first = 256 - (a % 256);
        let last = if b % 256 == 0 { 256 } else { b % 256 };
        out.push(Span {
            from,
            to,
            first: u32::try_from(first).unwrap_or(256),
            last: u32::try_from(last).unwrap_or(256),
        });
    }
}

impl Scaler {
    /// A scaler with an empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture fitted into `limit`; the same one when it already fits.
    pub fn fit(&mut self, picture: &Picture, limit: Size) -> Picture {
        let size = fit(picture.size(), limit);
        if size == picture.size() {
            return picture.clone();
        }
        let mut out = self.pool.take(size.i420_len());
        let (sw, sh) = (picture.size().width as usize, picture.size().height as usize);
        let (w, h) = (size.width as usize, size.height as usize);
        let (y, rest) = out.split_at_mut(w * h);
        let (u, v) = rest.split_at_mut(w * h / 4);
        self.plane(picture.y(), (sw, sh), y, (w, h));
        self.plane(picture.u(), (sw / 2, sh / 2), u, (w / 2, h / 2));
        self.plane(picture.v(), (sw / 2, sh / 2), v, (w / 2, h / 2));
        let data = self.pool.keep(out);
        Picture::new(size, data, picture.at).unwrap_or_else(|| picture.clone())
    }

    fn plane(&mut self, from: &[u8], (sw, sh): (usize, usize), to: &mut [u8], (w, h): (usize, usize)) {
        if (sw, sh) == (w * 2, h * 2) {
            return halve(from, sw, to, w);
        }
        spans(sw, w, &mut self.columns);
        let mut rows = Vec::with_capacity(h);
        spans(sh, h, &mut rows);
        self.row.resize(sw, 0);
        for (line, span) in to.chunks_exact_mut(w).zip(rows) {
            // Down first, so that the inner loop runs over whole lines.
            let mut down = 0;
            self.row.fill(0);
            for source in span.from..span.to {
                let weight = span.weight(source);
                down += weight;
                for (sum, &p) in self.row.iter_mut().zip(&from[source * sw..(source + 1) * sw]) {
                    *sum += u32::from(p) * weight;
                }
            }
            for (pixel, column) in line.iter_mut().zip(&self.columns) {
                let (mut sum, mut across) = (0_u64, 0_u64);
                for source in column.from..column.to {
                    let weight = u64::from(column.weight(source));
                    across += weight;
                    sum += u64::from(self.row[source]) * weight;
                }
                let area = across * u64::from(down);
                *pixel = u8::try_from((sum + area / 2) / area.max(1)).unwrap_or(u8::MAX);
            }
        }
    }
}

/// The same for exactly half the size, as the layers of a camera are made: nothing to weigh, and one division by four.
fn halve(from: &[u8], sw: usize, to: &mut [u8], w: usize) {
    for (line, rows) in to.chunks_exact_mut(w).zip(from.chunks_exact(sw * 2)) {
        let (above, below) = rows.split_at(sw);
        for ((pixel, a), b) in line.iter_mut().zip(above.chunks_exact(2)).zip(below.chunks_exact(2)) {
            let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
            *pixel = ((sum + 2) / 4) as u8;
        }
    }
}

impl Span {
    const fn weight(&self, source: usize) -> u32 {
        if self.to - self.from == 1 {
            256
        } else if source == self.from {
            self.first
        } else if source + 1 == self.to {
            self.last
        } else {
            256
        }
    }
}

#[cfg(test)]
mod tests;
