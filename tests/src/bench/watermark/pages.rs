//! Pages as they are shared, 1920 x 1080, four bytes a pixel: printed text, a slide, a dark editor, a landscape.
//! Seeded: the same on every machine.

use media_core::testing::{Seeded, letter};

pub(super) const WIDTH: usize = 1920;
pub(super) const HEIGHT: usize = 1080;

const WORDS: [&str; 24] = [
    "THE",
    "MEETING",
    "OPENS",
    "WITH",
    "A",
    "REPORT",
    "OF",
    "LAST",
    "QUARTER",
    "AND",
    "WHAT",
    "EACH",
    "OFFICE",
    "PLANS",
    "NUMBERS",
    "BELOW",
    "ARE",
    "DRAWN",
    "FROM",
    "LEDGER",
    "PLEASE",
    "KEEP",
    "INSIDE",
    "2026-11-30",
];

type Colour = [u8; 3];

/// Every page, by name.
pub(super) fn all() -> [(&'static str, Vec<u8>); 4] {
    [("text", text()), ("slide", slide()), ("editor", editor()), ("photo", photo())]
}

struct Canvas(Vec<u8>);

impl Canvas {
    fn new(ground: Colour) -> Self {
        Self((0..WIDTH * HEIGHT).flat_map(|_| [ground[0], ground[1], ground[2], 255]).collect())
    }

    /// Lets this much of a colour through, 0.0 to 1.0.
    fn dab(&mut self, x: usize, y: usize, colour: Colour, much: f32) {
        if x < WIDTH && y < HEIGHT {
            let pixel = &mut self.0[(y * WIDTH + x) * 4..][..3];
            for (channel, colour) in pixel.iter_mut().zip(colour) {
                *channel = (f32::from(*channel) * (1.0 - much) + f32::from(colour) * much).round() as u8;
            }
        }
    }

    fn fill(&mut self, x: std::ops::Range<usize>, y: std::ops::Range<usize>, colour: Colour) {
        for y in y {
            for x in x.clone() {
                self.dab(x, y, colour, 1.0);
            }
        }
    }

    /// Writes with smooth edges; dots of the letters are `dot` pixels. Where it ended.
    fn write(&mut self, x: f32, y: f32, dot: f32, words: &str, colour: Colour) -> f32 {
        const FINE: usize = 4;
        for (n, byte) in words.bytes().enumerate() {
            let columns = letter(byte);
            let left = x + n as f32 * 6.0 * dot;
            let inside = |px: f32, py: f32| {
                let (column, row) = ((px - left) / dot, (py - y) / dot);
                (0.0..5.0).contains(&column)
                    && (0.0..7.0).contains(&row)
                    && columns[column as usize] >> row as usize & 1 == 1
            };
            for py in y as usize..=(y + 7.0 * dot) as usize {
                for px in left as usize..=(left + 5.0 * dot) as usize {
                    let hit = |k: usize| {
                        let part = |k: usize| (k as f32 + 0.5) / FINE as f32;
                        inside(px as f32 + part(k % FINE), py as f32 + part(k / FINE))
                    };
                    let much = (0..FINE * FINE).filter(|k| hit(*k)).count() as f32 / (FINE * FINE) as f32;
                    if much > 0.0 {
                        self.dab(px, py, colour, much);
                    }
                }
            }
        }
        x + words.len() as f32 * 6.0 * dot
    }
}

fn pick<T: Copy>(random: &mut Seeded, from: &[T]) -> T {
    from[(random.unit() * from.len() as f64) as usize]
}

fn text() -> Vec<u8> {
    let (mut page, mut random) = (Canvas::new([255; 3]), Seeded::new(1));
    for line in 0..43 {
        let mut x = 60.0;
        // One line of ten stays empty: the end of a paragraph.
        while line % 10 != 9 && x < 1780.0 {
            x = page.write(x, 24.0 + line as f32 * 24.0, 1.7, pick(&mut random, &WORDS), [20; 3]) + 10.0;
        }
    }
    page.0
}

fn slide() -> Vec<u8> {
    let (mut page, mut random) = (Canvas::new([245, 246, 250]), Seeded::new(2));
    page.fill(0..WIDTH, 0..150, [28, 60, 110]);
    page.write(80.0, 45.0, 8.0, "RESULTS OF THE THIRD QUARTER", [255; 3]);
    for line in 0..6 {
        let mut x = 100.0;
        for _ in 0..4 {
            x = page.write(x, 230.0 + line as f32 * 110.0, 4.3, pick(&mut random, &WORDS), [40; 3]) + 26.0;
        }
    }
    for bar in 0..6 {
        let colour = [0; 3].map(|_: u8| random.between(40.0, 200.0) as u8);
        page.fill(1150 + bar * 115..1240 + bar * 115, random.between(350.0, 850.0) as usize..950, colour);
    }
    page.0
}

fn editor() -> Vec<u8> {
    const INKS: [Colour; 5] = [[86, 156, 214], [206, 145, 120], [212, 212, 212], [106, 153, 85], [220, 220, 170]];
    let (mut page, mut random) = (Canvas::new([30; 3]), Seeded::new(3));
    page.fill(0..260, 0..HEIGHT, [37, 37, 38]);
    page.fill(0..WIDTH, HEIGHT - 24..HEIGHT, [0, 122, 204]);
    for line in 0..52 {
        let y = 10.0 + line as f32 * 20.0;
        page.write(16.0, y, 1.5, pick(&mut random, &WORDS), [180; 3]);
        page.write(275.0, y, 1.5, &line.to_string(), [120; 3]);
        let mut x = 330.0 + 36.0 * (random.unit() * 5.0).floor() as f32;
        for _ in 0..(random.unit() * 10.0) as usize {
            x = page.write(x, y, 1.5, pick(&mut random, &WORDS), pick(&mut random, &INKS)) + 9.0;
        }
    }
    page.0
}

/// Smooth noise of several octaves, about -1 to 1; `rough`: how much each finer one keeps.
struct Clouds {
    grids: Vec<Vec<f32>>,
    rough: f32,
}

impl Clouds {
    const OCTAVES: u32 = 8;

    fn new(random: &mut Seeded, rough: f32) -> Self {
        let grid = |octave: u32| {
            let side = (3_usize << octave) + 2;
            (0..side * side).map(|_| random.between(-1.0, 1.0) as f32).collect()
        };
        Self { grids: (0..Self::OCTAVES).map(grid).collect(), rough }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        let mut sum = 0.0;
        for (octave, grid) in self.grids.iter().enumerate() {
            let side = (3 << octave) + 2;
            let scale = (3 << octave) as f32 / WIDTH as f32;
            let (x, y) = (x as f32 * scale, y as f32 * scale);
            let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
            let (u, v, n) = (smooth(x.fract()), smooth(y.fract()), y as usize * side + x as usize);
            let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
            let value = mix(mix(grid[n], grid[n + 1], u), mix(grid[n + side], grid[n + side + 1], u), v);
            sum += value * self.rough.powi(octave as i32);
        }
        sum
    }
}

/// A sky with clouds over four ridges, the nearer the rougher, with the noise of a camera.
fn photo() -> Vec<u8> {
    const RIDGES: [(f32, f32, Colour, f32); 4] = [
        (0.42, 70.0, [90, 110, 130], 10.0),
        (0.55, 60.0, [70, 100, 80], 18.0),
        (0.68, 50.0, [60, 90, 50], 28.0),
        (0.81, 40.0, [80, 75, 45], 40.0),
    ];
    let (mut page, mut random) = (Canvas::new([0; 3]), Seeded::new(4));
    let (clouds, ground) = (Clouds::new(&mut random, 0.45), Clouds::new(&mut random, 0.75));
    let edges: Vec<f32> = (0..WIDTH).map(|x| ground.at(x, 700)).collect();
    for y in 0..HEIGHT {
        let down = y as f32 / HEIGHT as f32;
        for x in 0..WIDTH {
            let cloud = clouds.at(x, y).max(0.0) * 40.0;
            let mut colour = [110.0 + 90.0 * down, 150.0 + 70.0 * down, 215.0 + 20.0 * down].map(|c| c + cloud);
            let edge = |n: usize| edges[(x + n * 400) % WIDTH];
            let ridge = RIDGES
                .iter()
                .enumerate()
                .rfind(|(n, (top, tall, ..))| y as f32 > HEIGHT as f32 * top + tall * edge(*n));
            if let Some((_, (.., base, rough))) = ridge {
                let light = ground.at(x, y) * rough;
                colour = base.map(|c| f32::from(c) + light);
            }
            let noise = (random.unit() + random.unit() + random.unit() - 1.5) as f32 * 3.0;
            page.0[(y * WIDTH + x) * 4..][..3].copy_from_slice(&colour.map(|c| (c + noise).clamp(0.0, 255.0) as u8));
        }
    }
    page.0
}
