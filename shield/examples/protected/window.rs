//! The window of the example, and what it is told. Run by hand and by the bench; knows nothing of who looks.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use shield::{Config, Event, Shield, self_test};
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, Gcontext, MapState, PropMode, Rectangle, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const SIZE: (u16, u16) = (240, 180);
const FRAME: Duration = Duration::from_millis(66);

struct Stage {
    x: RustConnection,
    window: Window,
    pen: Gcontext,
    colour: AtomicU32,
    still: AtomicBool,
}

/// Reads and obeys until there is nothing more to read.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let (x, screen) = x11rb::connect(None)?;
    let root = x.setup().roots[screen].root;
    let (window, pen) = (x.generate_id()?, x.generate_id()?);
    let look = CreateWindowAux::new().background_pixel(0);
    x.create_window(0, window, root, 40, 40, SIZE.0, SIZE.1, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
    x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, b"protected")?;
    // A position the user asked for, which window managers keep.
    let mut hints = [0; 18];
    hints[..5].copy_from_slice(&[1 | 2, 40, 40, u32::from(SIZE.0), u32::from(SIZE.1)]);
    x.change_property32(PropMode::REPLACE, window, AtomEnum::WM_NORMAL_HINTS, AtomEnum::WM_SIZE_HINTS, &hints)?;
    x.create_gc(pen, window, &CreateGCAux::new())?;
    x.sync()?;
    let stage = Arc::new(Stage { x, window, pen, colour: AtomicU32::new(0), still: AtomicBool::new(false) });
    let painter = stage.clone();
    std::thread::spawn(move || {
        for step in 0_i16.. {
            std::thread::sleep(FRAME);
            if !painter.still.load(Ordering::Relaxed) && painter.paint(step % 16).is_err() {
                return;
            }
        }
    });
    say(&stage.window.to_string())?;
    let mut shield = None;
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"quit") {
            break;
        }
        stage.obey(&words, &mut shield)?;
        stage.x.sync()?;
        say("ok")?;
    }
    Ok(())
}

impl Stage {
    fn obey(&self, words: &[&str], shield: &mut Option<Shield>) -> Result<(), Box<dyn Error>> {
        match words {
            ["mark"] => *shield = Some(raise(self.window)?),
            ["unmark"] => *shield = None,
            ["prove"] => {
                if let Some(shield) = shield {
                    shield.prove(self_test(None, &shield.kin()));
                }
            }
            ["still"] => self.still.store(true, Ordering::Relaxed),
            ["paint", colour] => {
                self.colour.store(u32::from_str_radix(colour, 16)?, Ordering::Relaxed);
                self.paint(0)?;
            }
            ["map"] => {
                self.x.map_window(self.window)?;
                self.wait_until_seen()?;
                self.paint(0)?;
            }
            ["unmap"] => drop(self.x.unmap_window(self.window)?),
            ["move", x, y] => self.configure(&ConfigureWindowAux::new().x(x.parse::<i32>()?).y(y.parse::<i32>()?))?,
            ["size", w, h] => {
                self.configure(&ConfigureWindowAux::new().width(w.parse::<u32>()?).height(h.parse::<u32>()?))?;
            }
            other => return Err(format!("{other:?}?").into()),
        }
        Ok(())
    }

    fn configure(&self, to: &ConfigureWindowAux) -> Result<(), ReplyOrIdError> {
        self.x.configure_window(self.window, to)?;
        Ok(())
    }

    /// A window manager takes its time.
    fn wait_until_seen(&self) -> Result<(), ReplyOrIdError> {
        for _ in 0..400 {
            if self.x.get_window_attributes(self.window)?.reply()?.map_state == MapState::VIEWABLE {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn paint(&self, step: i16) -> Result<(), ReplyOrIdError> {
        let colour = self.colour.load(Ordering::Relaxed);
        self.x.change_window_attributes(self.window, &ChangeWindowAttributesAux::new().background_pixel(colour))?;
        self.x.change_gc(self.pen, &ChangeGCAux::new().foreground(colour))?;
        let all = Rectangle { x: 0, y: 0, width: 2000, height: 2000 };
        self.x.poly_fill_rectangle(self.window, self.pen, &[all])?;
        self.x.change_gc(self.pen, &ChangeGCAux::new().foreground(0x00ff_ffff))?;
        let bar = Rectangle { x: step * 15, y: 0, width: 8, height: 20 };
        self.x.poly_fill_rectangle(self.window, self.pen, &[bar])?;
        self.x.flush()?;
        Ok(())
    }
}

fn raise(window: Window) -> Result<Shield, shield::Failed> {
    Shield::raise(Config {
        display: None,
        windows: vec![window],
        allow: std::env::args().skip(1).collect(),
        strict: false,
        cover: true,
        say: Box::new(|_| None),
        on_event: Box::new(|event| tell(&event)),
    })
}

fn tell(event: &Event) {
    let line = match event {
        Event::Covered { cause, at } => {
            let pid = cause.pid.map_or("null".into(), |pid| pid.to_string());
            let program = plain(cause.program.as_deref().unwrap_or_default());
            let when = micros(*at);
            format!(
                r#"{{"event":"covered","at":{when},"method":"{:?}","pid":{pid},"program":"{program}"}}"#,
                cause.method
            )
        }
        Event::Uncovered { after } => {
            format!(r#"{{"event":"uncovered","at":{},"after_us":{}}}"#, micros(Instant::now()), after.as_micros())
        }
        Event::Level { status, why } => {
            let why = plain(&format!("{why:?}"));
            format!(r#"{{"event":"level","level":"{:?}","why":"{}"}}"#, status.level, why)
        }
        Event::Changed(change) => format!(r#"{{"event":"changed","what":"{change:?}"}}"#),
        Event::ClipboardCleared { pid, .. } => {
            let pid = pid.map_or("null".into(), |pid| pid.to_string());
            format!(r#"{{"event":"cleared","pid":{pid}}}"#)
        }
    };
    if writeln!(std::io::stderr().lock(), "{line}").is_err() {
        // Whoever wanted to know has gone.
        std::process::exit(0);
    }
}

/// Without what JSON would have to mark.
fn plain(text: &str) -> String {
    text.replace(|c: char| c == '"' || c == '\\' || c.is_control(), "'")
}

/// On the monotonic clock, which other programs can read, too.
fn micros(at: Instant) -> u128 {
    loop {
        let asked = Instant::now();
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every system has this clock");
        let ago = at.elapsed();
        // Not if something came in between.
        if asked.elapsed() < Duration::from_micros(50) {
            let now = Duration::new(now.tv_sec().unsigned_abs(), u32::try_from(now.tv_nsec()).unwrap_or(0));
            return now.saturating_sub(ago).as_micros();
        }
    }
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
