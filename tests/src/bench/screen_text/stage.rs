//! A screen without a monitor, and pages on it: Xvfb, one window, pixels that were drawn before. What is on it is known
//! exactly. Holds the truth of every page as the product's own conversion makes it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use media_core::frame::Picture;
use media_core::time::MediaTime;
use media_core::video::convert::{Converter, PixelFormat, RawPicture};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Gcontext, ImageFormat, Pixmap, StackMode,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::{SCROLL, SCROLLS};

/// Pages to turn, each shown once: what the codec learned of one it may use for the next, as in real life.
pub(super) const PAGES: usize = 12;
const WIDTH: u16 = 1920;
const HEIGHT: u16 = 1080;
const TALL: u16 = HEIGHT + (SCROLLS * SCROLL.0) as u16;
/// Lines sent to the server at once.
const LINES: usize = 64;

/// The server, killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub(super) struct Stage {
    display: String,
    x: RustConnection,
    window: Window,
    pen: Gcontext,
    pages: Vec<(Pixmap, Picture)>,
    tall: (Pixmap, Vec<u8>),
    _server: Server,
}

impl Stage {
    /// Draws the pages and raises the curtain.
    ///
    /// # Errors
    /// Python, Xvfb or the font is missing.
    pub(super) fn set() -> anyhow::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = crate::python::environment("screen", &here.join("screen/requirements.txt"))?;
        let folder = tempfile::tempdir()?;
        let drawn = Command::new(python)
            .arg(here.join("screen/pages.py"))
            .arg(folder.path())
            .args([PAGES.to_string(), TALL.to_string()])
            .status()?;
        anyhow::ensure!(drawn.success(), "no pages; the font is in Debian's fonts-noto-cjk");
        let read = |name: PathBuf| std::fs::read(folder.path().join(name));

        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp", "-noreset", "-ac"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb is missing: apt-get install xvfb")?;
        let mut line = String::new();
        let out = server.stdout.take().context("stdout is a pipe")?;
        let server = Server(server);
        BufReader::new(out).read_line(&mut line)?;
        let display = format!(":{}", line.trim());
        let (x, number) = x11rb::connect(Some(&display))?;
        let root = x.setup().roots[number].root;
        let (window, pen, blank) = (x.generate_id()?, x.generate_id()?, x.generate_id()?);
        // The cursor is nowhere to be seen: it is not on the pages.
        x.create_pixmap(1, blank, root, 16, 16)?;
        let wipe = x.generate_id()?;
        x.create_gc(wipe, blank, &CreateGCAux::new().foreground(0))?;
        let all = x11rb::protocol::xproto::Rectangle { x: 0, y: 0, width: 16, height: 16 };
        x.poly_fill_rectangle(blank, wipe, &[all])?;
        let cursor = x.generate_id()?;
        x.create_cursor(cursor, blank, blank, 0, 0, 0, 0, 0, 0, 0, 0)?;
        let look = CreateWindowAux::new().background_pixel(0).override_redirect(1).cursor(cursor);
        x.create_window(0, window, root, 0, 0, WIDTH, HEIGHT, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
        x.create_gc(pen, window, &CreateGCAux::new().graphics_exposures(0))?;
        x.map_window(window)?;
        let mut stage = Self { display, x, window, pen, pages: Vec::new(), tall: (0, Vec::new()), _server: server };
        for page in 0..PAGES {
            let pixels = read(format!("page-{page}.raw").into())?;
            let truth = truth(&pixels)?;
            let pixmap = stage.load(&pixels)?;
            stage.pages.push((pixmap, truth));
        }
        let pixels = read("tall.raw".into())?;
        stage.tall = (stage.load(&pixels)?, pixels);
        stage.x.sync()?;
        Ok(stage)
    }

    pub(super) fn display(&self) -> &str {
        &self.display
    }

    /// How a page looks.
    pub(super) fn page(&self, page: usize) -> &Picture {
        &self.pages[page].1
    }

    /// Turns to a page; answers when it stood there.
    ///
    /// # Errors
    /// The display went away.
    pub(super) fn show(&mut self, page: usize) -> anyhow::Result<Instant> {
        let start = Instant::now();
        self.put(self.pages[page].0, 0)?;
        Ok(start)
    }

    /// Shows the tall page from this line on.
    ///
    /// # Errors
    /// The display went away.
    pub(super) fn scroll_to(&mut self, line: usize) -> anyhow::Result<()> {
        self.put(self.tall.0, i16::try_from(line)?)
    }

    /// How like the tall page a picture is, wherever that was scrolled to.
    pub(super) fn scrolled_psnr(&self, picture: &Picture) -> Option<f64> {
        let stride = usize::from(WIDTH) * 4;
        // The green of a pixel stands for its luma while the place is looked for.
        let near = |top: usize| {
            let lines = (8..usize::from(HEIGHT)).step_by(97);
            lines
                .map(|line| {
                    let from = (top + line) * stride;
                    let seen = &picture.y()[line * usize::from(WIDTH)..(line + 1) * usize::from(WIDTH)];
                    let green = self.tall.1[from..from + stride].iter().skip(1).step_by(4);
                    let differs = |(s, g): (&u8, &u8)| u64::from(s.abs_diff((u16::from(*g) * 219 / 255 + 16) as u8));
                    seen.iter().zip(green).step_by(3).map(differs).sum::<u64>()
                })
                .sum::<u64>()
        };
        let top = (0..=SCROLLS).map(|step| step * SCROLL.0).min_by_key(|top| near(*top))?;
        let truth = truth(&self.tall.1[top * stride..(top + usize::from(HEIGHT)) * stride]).ok()?;
        media_core::testing::psnr(picture, &truth)
    }

    /// Brings the page to the front again.
    ///
    /// # Errors
    /// The display went away.
    pub(super) fn raise(&self) -> anyhow::Result<()> {
        let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        self.x.configure_window(self.window, &above)?;
        Ok(self.x.sync()?)
    }

    fn put(&self, from: Pixmap, line: i16) -> anyhow::Result<()> {
        self.x.copy_area(from, self.window, self.pen, 0, line, 0, 0, WIDTH, HEIGHT)?;
        Ok(self.x.sync()?)
    }

    /// Pixels into the server.
    fn load(&self, pixels: &[u8]) -> anyhow::Result<Pixmap> {
        let stride = usize::from(WIDTH) * 4;
        let height = u16::try_from(pixels.len() / stride)?;
        let pixmap = self.x.generate_id()?;
        self.x.create_pixmap(24, pixmap, self.window, WIDTH, height)?;
        for (number, lines) in pixels.chunks(stride * LINES).enumerate() {
            let (top, high) = (i16::try_from(number * LINES)?, u16::try_from(lines.len() / stride)?);
            self.x.put_image(ImageFormat::Z_PIXMAP, pixmap, self.pen, WIDTH, high, 0, top, 0, 24, lines)?;
        }
        Ok(pixmap)
    }
}

fn truth(pixels: &[u8]) -> anyhow::Result<Picture> {
    let (width, height) = (u32::from(WIDTH), u32::from(HEIGHT));
    let raw = RawPicture { format: PixelFormat::Bgra, width, height, stride: width as usize * 4, data: pixels };
    Ok(Converter::new().convert(raw, MediaTime::ZERO)?)
}
