//! What happens to pictures on their way out: codecs, scaling, cropping, blur, a tilted view.
//! Real codecs: the media core's H.264, ImageMagick's JPEG.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use media_core::frame::{Codec, EncodedFrame, Picture};
use media_core::testing::Seeded;
use media_core::time::{Bitrate, MediaTime};
use media_core::video::codec::{Decoder as _, Encoder as _};
use media_core::video::convert::{Converter, PixelFormat, RawPicture};
use media_core::video::h264::{Content, Decoder, Encoder};
use watermark::Grey;

use super::pages::{HEIGHT, WIDTH};

/// Every attack, in the order of the report.
pub(super) const ALL: [&str; 12] = [
    "none",
    "h264_1500k",
    "jpeg_q50",
    "scale_50",
    "scale_150",
    "scale_any",
    "crop_40",
    "blur",
    "perspective",
    "crop_40_jpeg_q50",
    "scale_any_jpeg_q50",
    "h264_1500k_scale_any",
];

/// Frames of the recording: two seconds of ten pictures.
const FRAMES: u16 = 20;
const FPS: u32 = 10;
const RECORDING: Bitrate = Bitrate(1_500_000);

/// A grey picture between attacks.
#[derive(Clone)]
pub(super) struct Plane {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Does one of [`ALL`] to a page.
pub(super) fn attack(name: &str, page: &[u8], random: &mut Seeded) -> anyhow::Result<Grey> {
    let any = random.between(0.5, 1.5);
    let grey = || Plane::of(page);
    let out = match name {
        "none" => grey(),
        "h264_1500k" => record(page)?,
        "jpeg_q50" => grey().jpeg(50)?,
        "scale_50" => grey().scaled(0.5),
        "scale_150" => grey().scaled(1.5),
        "scale_any" => grey().scaled(any),
        "crop_40" => grey().cropped(random),
        "blur" => grey().blurred(1.5),
        "perspective" => grey().tilted(random),
        "crop_40_jpeg_q50" => grey().cropped(random).jpeg(50)?,
        "scale_any_jpeg_q50" => grey().scaled(any).jpeg(50)?,
        "h264_1500k_scale_any" => record(page)?.scaled(any),
        other => anyhow::bail!("no attack is called {other}"),
    };
    Ok(Grey::new(out.width, out.height, out.pixels)?)
}

/// The last picture of a screen recording in which a pointer moves.
fn record(page: &[u8]) -> anyhow::Result<Plane> {
    let (mut encoder, mut decoder) = (Encoder::new(Content::Screen, FPS, RECORDING)?, Decoder::new()?);
    let mut converter = Converter::new();
    let mut last = None;
    for n in 0..FRAMES {
        let at = MediaTime::ZERO + std::time::Duration::from_millis(u64::from(n) * 1000 / u64::from(FPS));
        let raw = with_pointer(page, usize::from(n));
        let raw = RawPicture {
            format: PixelFormat::Rgba,
            width: WIDTH as u32,
            height: HEIGHT as u32,
            stride: WIDTH * 4,
            data: &raw,
        };
        let Some(encoded) = encoder.encode(&converter.convert(raw, at)?, n == 0)? else { continue };
        let frame = EncodedFrame {
            codec: Codec::H264,
            rtp_time: u32::from(n) * 90_000 / FPS,
            key: encoded.key,
            data: encoded.data,
        };
        last = decoder.decode(&frame, at)?.or(last);
    }
    let last: Picture = last.context("the recording has no picture")?;
    let full = |y: &u8| ((f32::from(*y) - 16.0) * 255.0 / 219.0).round().clamp(0.0, 255.0) as u8;
    Ok(Plane { width: WIDTH, height: HEIGHT, pixels: last.y().iter().map(full).collect() })
}

fn with_pointer(page: &[u8], n: usize) -> Vec<u8> {
    let mut page = page.to_vec();
    for y in 500..518 {
        page[(y * WIDTH + 400 + 23 * n) * 4..][..12 * 4].fill(255 * u8::from(y % 2 == 0));
    }
    page
}

impl Plane {
    fn of(page: &[u8]) -> Self {
        let grey =
            |p: &[u8]| ((299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2]) + 500) / 1000) as u8;
        Self { width: WIDTH, height: HEIGHT, pixels: page.chunks_exact(4).map(grey).collect() }
    }

    fn at(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f64), y.clamp(0.0, (self.height - 1) as f64));
        let (left, top) = (x as usize, y as usize);
        let (right, below) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let row = |y: usize| {
            let pixel = |x: usize| f64::from(self.pixels[y * self.width + x]);
            pixel(left) * (1.0 - x.fract()) + pixel(right) * x.fract()
        };
        row(top) * (1.0 - y.fract()) + row(below) * y.fract()
    }

    /// What each pixel of a new picture sees through a map; the mean of `fine` x `fine` looks.
    fn seen(&self, width: usize, height: usize, fine: usize, map: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let pixels = (0..width * height).map(|n| {
            let look = |k: usize| {
                let part = |k: usize| (k as f64 + 0.5) / fine as f64 - 0.5;
                let (x, y) = map((n % width) as f64 + part(k % fine), (n / width) as f64 + part(k / fine));
                self.at(x, y)
            };
            ((0..fine * fine).map(look).sum::<f64>() / (fine * fine) as f64).round() as u8
        });
        Self { width, height, pixels: pixels.collect() }
    }

    fn scaled(&self, scale: f64) -> Self {
        let size = |side: usize| (side as f64 * scale).round() as usize;
        let back = |v: f64| (v + 0.5) / scale - 0.5;
        self.seen(size(self.width), size(self.height), if scale < 0.8 { 2 } else { 1 }, |x, y| (back(x), back(y)))
    }

    /// Without 40 % of its width and 40 % of its height: 36 % of the picture stay.
    fn cropped(&self, random: &mut Seeded) -> Self {
        let (width, height) = (self.width * 3 / 5, self.height * 3 / 5);
        let (left, top) =
            (random.between(0.0, (self.width - width) as f64), random.between(0.0, (self.height - height) as f64));
        let (left, top) = (left as usize, top as usize);
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        Self { width, height, pixels: rows.flat_map(|row| &row[left..left + width]).copied().collect() }
    }

    /// By a Gaussian of this many pixels.
    fn blurred(&self, sigma: f64) -> Self {
        let kernel: Vec<f64> = (-5..=5).map(|d| (-0.5 * (f64::from(d) / sigma).powi(2)).exp()).collect();
        let whole: f64 = kernel.iter().sum();
        let along = |plane: &Self, dx: i64, dy: i64| {
            let (w, h) = (plane.width as i64, plane.height as i64);
            let pixel = |n: i64| {
                let look = |(d, weight): (i64, &f64)| {
                    let (x, y) = ((n % w + dx * (d - 5)).clamp(0, w - 1), (n / w + dy * (d - 5)).clamp(0, h - 1));
                    weight * f64::from(plane.pixels[(y * w + x) as usize])
                };
                ((0..).zip(&kernel).map(look).sum::<f64>() / whole).round() as u8
            };
            Self { width: plane.width, height: plane.height, pixels: (0..w * h).map(pixel).collect() }
        };
        along(&along(self, 1, 0), 0, 1)
    }

    /// Every corner moved by up to 3 % of the sides.
    fn tilted(&self, random: &mut Seeded) -> Self {
        let (w, h) = (self.width as f64, self.height as f64);
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
            .map(|(x, y): (f64, f64)| (x + random.between(-0.03, 0.03), y + random.between(-0.03, 0.03)));
        let [p0, p1, p2, p3] = corners;
        let sum = |f: fn((f64, f64)) -> f64| f(p0) - f(p1) + f(p2) - f(p3);
        let (sx, sy) = (sum(|p| p.0), sum(|p| p.1));
        let (ax, ay, bx, by) = (p1.0 - p2.0, p1.1 - p2.1, p3.0 - p2.0, p3.1 - p2.1);
        let area = ax * by - bx * ay;
        let (g, k) = ((sx * by - bx * sy) / area, (ax * sy - sx * ay) / area);
        self.seen(self.width, self.height, 1, |x, y| {
            let (u, v) = (x / w, y / h);
            let depth = 1.0 + g * u + k * v;
            let x = (p1.0 - p0.0 + g * p1.0) * u + (p3.0 - p0.0 + k * p3.0) * v + p0.0;
            let y = (p1.1 - p0.1 + g * p1.1) * u + (p3.1 - p0.1 + k * p3.1) * v + p0.1;
            (x / depth * w, y / depth * h)
        })
    }

    /// Through a JPEG file of this quality.
    fn jpeg(&self, quality: u32) -> anyhow::Result<Self> {
        let size = format!("{}x{}", self.width, self.height);
        let quality = quality.to_string();
        let file = convert(&["-size", &size, "-depth", "8", "gray:-", "-quality", &quality, "jpg:-"], &self.pixels)?;
        let pixels = convert(&["jpg:-", "-depth", "8", "gray:-"], &file)?;
        ensure!(pixels.len() == self.pixels.len(), "the picture came back with {} pixels", pixels.len());
        Ok(Self { width: self.width, height: self.height, pixels })
    }
}

/// ImageMagick, from its standard input to its output.
fn convert(arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut child = Command::new("convert")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("ImageMagick's convert is needed")?;
    let mut stdin = child.stdin.take().context("no way in")?;
    let output = std::thread::scope(|scope| -> anyhow::Result<_> {
        let writer = scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output()?;
        writer.join().map_err(|_| anyhow::anyhow!("the writer failed"))??;
        Ok(output)
    })?;
    ensure!(output.status.success(), "convert failed");
    Ok(output.stdout)
}
