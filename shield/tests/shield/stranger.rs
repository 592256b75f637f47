//! A program that wants to see the window: this very test program, started again. It is told line by line what to do and
//! answers with what it saw.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use x11rb::connection::Connection as _;
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::record::{CS, ConnectionExt as _};
use x11rb::protocol::render::{ConnectionExt as _, CreatePictureAux};
use x11rb::protocol::shm::ConnectionExt as _;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateGCAux, CreateWindowAux, ImageFormat, SubwindowMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::{SECRET, seen};

const ROLE: &str = "SHIELD_TEST_STRANGER";
const SAID: &str = "stranger says ";

/// What it does by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    /// Connects and waits.
    Idle,
    /// Connects, asks what every tool asks, looks, tells, and waits to be ended.
    Shot,
}

/// A running one; ended when dropped.
pub(crate) struct Stranger {
    child: Child,
    out: BufReader<ChildStdout>,
    window: Window,
}

impl Stranger {
    pub(crate) fn start(display: &str, program: Program, window: Window) -> Self {
        let role = match program {
            Program::Idle => "idle",
            Program::Shot => "shot",
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "stranger_program", "--nocapture", "--test-threads", "1"])
            .env(ROLE, role)
            .env("DISPLAY", display)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut stranger = Self { child, out, window };
        if matches!(program, Program::Idle) {
            stranger.answer();
        }
        stranger
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Looks in some way at the screen or the meeting's window: how many secret pixels it saw.
    pub(crate) fn look(&mut self, how: &str) -> usize {
        self.look_at(how, self.window)
    }

    pub(crate) fn look_at(&mut self, how: &str, window: Window) -> usize {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{how} {window}").unwrap();
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> usize {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            // The test harness talks on the same line.
            if let Some((_, said)) = line.split_once(SAID) {
                return said.trim().parse().unwrap();
            }
            line.clear();
        }
        panic!("the stranger ended");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What it runs; nothing in an ordinary run of the tests.
pub(crate) fn be_one() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (x, screen) = x11rb::connect(None).unwrap();
    let root = x.setup().roots[screen].root;
    if role == "shot" {
        for extension in ["BIG-REQUESTS", "XKEYBOARD", "MIT-SHM", "RANDR", "XFIXES"] {
            x.query_extension(extension.as_bytes()).unwrap().reply().unwrap();
        }
        x.get_window_attributes(root).unwrap().reply().unwrap();
        x.get_geometry(root).unwrap().reply().unwrap();
        say(seen(&x, root));
    } else {
        x.sync().unwrap();
        say(0);
    }
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (how, window) = line.split_once(' ').unwrap();
        say(look(&x, how, root, window.parse().unwrap()));
    }
}

fn say(number: usize) {
    println!("{SAID}{number}");
    std::io::stdout().flush().unwrap();
}

fn look(x: &RustConnection, how: &str, root: Window, window: Window) -> usize {
    match how {
        "root" => seen(x, root),
        "window" => seen(x, window),
        "inner" => x.query_tree(window).unwrap().reply().unwrap().children.iter().map(|c| seen(x, *c)).sum(),
        "big" => big(x, window),
        "shm" => shared(x, root),
        "copy" => copy(x, root),
        "pixmap" => {
            x.composite_query_version(0, 4).unwrap().reply().unwrap();
            x.composite_redirect_window(window, Redirect::AUTOMATIC).unwrap();
            let pixmap = x.generate_id().unwrap();
            x.composite_name_window_pixmap(window, pixmap).unwrap();
            let count = seen(x, pixmap);
            x.composite_unredirect_window(window, Redirect::AUTOMATIC).unwrap();
            x.sync().unwrap();
            count
        }
        "render" => {
            let formats = x.render_query_pict_formats().unwrap().reply().unwrap();
            let visual = x.get_window_attributes(window).unwrap().reply().unwrap().visual;
            let mut all = formats.screens.iter().flat_map(|s| &s.depths).flat_map(|d| &d.visuals);
            let format = all.find(|v| v.visual == visual).unwrap().format;
            let picture = x.generate_id().unwrap();
            x.render_create_picture(picture, window, format, &CreatePictureAux::new()).unwrap().check().unwrap();
            x.sync().unwrap();
            0
        }
        "damage" => {
            x.damage_query_version(1, 1).unwrap().reply().unwrap();
            let damage = x.generate_id().unwrap();
            x.damage_create(damage, window, ReportLevel::NON_EMPTY).unwrap().check().unwrap();
            0
        }
        "record" => {
            let context = x.generate_id().unwrap();
            x.record_create_context(context, 0, &[CS::ALL_CLIENTS.into()], &[]).unwrap().check().unwrap();
            drop(x.record_enable_context(context).unwrap());
            x.flush().unwrap();
            0
        }
        "child" => {
            let child = x.generate_id().unwrap();
            let look = CreateWindowAux::new();
            x.create_window(0, child, window, 0, 0, 50, 50, 0, WindowClass::INPUT_OUTPUT, 0, &look).unwrap();
            x.map_window(child).unwrap();
            let count = seen(x, child);
            x.destroy_window(child).unwrap();
            x.sync().unwrap();
            count
        }
        "meddle" => {
            // Contexts have numbers like everything else, and anybody may end them.
            for base in bases(x) {
                for number in 0..64 {
                    x.record_free_context(base | number).unwrap().ignore_error();
                }
            }
            x.sync().unwrap();
            0
        }
        "kill-cover" => {
            let inner = *x.query_tree(window).unwrap().reply().unwrap().children.last().unwrap();
            x.kill_client(inner).unwrap().check().unwrap();
            0
        }
        other => panic!("{other}?"),
    }
}

fn bases(x: &RustConnection) -> Vec<u32> {
    use x11rb::protocol::res::ConnectionExt as _;
    let clients = x.res_query_clients().unwrap().reply().unwrap().clients;
    clients.iter().map(|c| c.resource_base).filter(|b| *b != x.setup().resource_id_base).collect()
}

/// `GetImage` written down as a big request, which needs no big request.
fn big(x: &RustConnection, window: Window) -> usize {
    use std::io::{IoSlice, Read as _};
    use std::os::unix::net::UnixStream;
    let number = std::env::var("DISPLAY").unwrap().trim_start_matches(':').to_owned();
    let mut stream = UnixStream::connect(format!("/tmp/.X11-unix/X{number}")).unwrap();
    let mut words = |bytes: &[u8], answer: usize| {
        let written = std::io::Write::write_vectored(&mut stream, &[IoSlice::new(bytes)]).unwrap();
        assert_eq!(written, bytes.len());
        let mut reply = vec![0; answer];
        stream.read_exact(&mut reply).unwrap();
        reply
    };
    let order = if cfg!(target_endian = "little") { b'l' } else { b'B' };
    let setup = words(&[order, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8);
    words(&[], usize::from(u16::from_ne_bytes([setup[6], setup[7]])) * 4);
    let big = x.query_extension(b"BIG-REQUESTS").unwrap().reply().unwrap().major_opcode;
    let mut enable = vec![big, 0];
    enable.extend(1_u16.to_ne_bytes());
    words(&enable, 32);
    let mut image = vec![73, 2, 0, 0];
    for word in [6, window, 0, 10 | 10 << 16, u32::MAX] {
        image.extend(word.to_ne_bytes());
    }
    let reply = words(&image, 32);
    assert_eq!(reply[0], 1, "the server takes it: {reply:?}");
    let pixels = words(&[], 400);
    // Stays connected: this process is what covers.
    std::mem::forget(stream);
    pixels.as_chunks::<4>().0.iter().filter(|p| u32::from_le_bytes([p[0], p[1], p[2], 0]) == SECRET).count()
}

fn shared(x: &RustConnection, drawable: u32) -> usize {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    let segment = x.generate_id().unwrap();
    let size = 640 * 480 * 4;
    let shared = x.shm_create_segment(segment, size, false).unwrap().reply().unwrap();
    let file = File::from(shared.shm_fd);
    let format = ImageFormat::Z_PIXMAP.into();
    x.shm_get_image(drawable, 0, 0, 640, 480, !0, format, segment, 0).unwrap().reply().unwrap();
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes.as_chunks::<4>().0.iter().filter(|p| u32::from_le_bytes([p[0], p[1], p[2], 0]) == SECRET).count()
}

fn copy(x: &RustConnection, root: Window) -> usize {
    let (pixmap, pen) = (x.generate_id().unwrap(), x.generate_id().unwrap());
    x.create_pixmap(24, pixmap, root, 640, 480).unwrap();
    let inferiors = CreateGCAux::new().subwindow_mode(SubwindowMode::INCLUDE_INFERIORS);
    x.create_gc(pen, root, &inferiors).unwrap();
    x.copy_area(root, pixmap, pen, 0, 0, 0, 0, 640, 480).unwrap();
    seen(x, pixmap)
}
