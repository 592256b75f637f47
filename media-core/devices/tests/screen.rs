//! Screens against a private X server (Xvfb): real windows, real pixels, no monitor.

#![cfg(all(unix, not(target_os = "macos")))]
#![expect(clippy::unwrap_used, reason = "a test: what the display answers is right, or the test fails")]

#[path = "tools/running.rs"]
mod running;
#[path = "tools/need.rs"]
mod tools;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use media_core::channel::{LatestReader, Taken, latest};
use media_core::device::{Devices, OpenDevice, PictureWish, Pictures, ScreenKind, ScreensUnavailable, StreamEvent};
use media_core::frame::{Picture, Size};
use media_devices::SystemDevices;
use protocol::ids::DeviceId;
use protocol::policy::{Capability, Gate, Grants};
use running::Running;
use tools::{GUARD, events, need, next, until};
use x11rb::connection::Connection;
use x11rb::protocol::randr::{ConnectionExt as _, Mode, ModeInfo, MonitorInfo, Rotation};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, Gcontext, PropMode, Rectangle, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const WISH: PictureWish = PictureWish { width: 1920, height: 1080, fps: 30 };
/// A wait in which a picture would have come, were there one.
const QUIET: Duration = Duration::from_millis(400);

/// A display with one black window as large as the screen and a pen.
struct Desk {
    server: Running,
    x: RustConnection,
    root: Window,
    window: Window,
    pen: Gcontext,
    devices: SystemDevices,
}

impl Desk {
    fn new() -> Self {
        let mut command = Command::new(need("Xvfb", "xvfb"));
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset", "-ac"]);
        let mut server = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().expect("piped")).read_line(&mut number).expect("Xvfb names its display");
        let display = format!(":{}", number.trim());
        let (x, screen) = x11rb::connect(Some(&display)).expect("connects");
        let root = x.setup().roots[screen].root;
        let (window, pen) = (x.generate_id().unwrap(), x.generate_id().unwrap());
        let look = CreateWindowAux::new().background_pixel(0).override_redirect(1);
        x.create_window(0, window, root, 0, 0, 640, 480, 0, WindowClass::INPUT_OUTPUT, 0, &look).unwrap();
        x.create_gc(pen, window, &CreateGCAux::new().foreground(0x00ff_ffff)).unwrap();
        x.map_window(window).unwrap();
        let desk =
            Self { server, x, root, window, pen, devices: SystemDevices::new(Instant::now()).with_display(display) };
        // Nothing to see, in a corner: most tests do not want it.
        desk.set_cursor(0x0000, (639, 479));
        desk
    }

    fn sync(&self) {
        self.x.sync().expect("the display lives");
    }

    fn draw(&self, x: i16, y: i16, width: u16, height: u16, colour: u32) {
        self.x.change_gc(self.pen, &ChangeGCAux::new().foreground(colour)).unwrap();
        self.x.poly_fill_rectangle(self.window, self.pen, &[Rectangle { x, y, width, height }]).unwrap();
        self.sync();
    }

    /// A cursor of 16 x 16 pixels of one colour (0: an invisible one), moved to a place.
    fn set_cursor(&self, white: u16, at: (i16, i16)) {
        let (shape, mask, gc) =
            (self.x.generate_id().unwrap(), self.x.generate_id().unwrap(), self.x.generate_id().unwrap());
        self.x.create_pixmap(1, shape, self.root, 16, 16).unwrap();
        self.x.create_pixmap(1, mask, self.root, 16, 16).unwrap();
        let fill = |pixmap, bit| {
            self.x.change_gc(gc, &ChangeGCAux::new().foreground(bit)).unwrap();
            let all = Rectangle { x: 0, y: 0, width: 16, height: 16 };
            self.x.poly_fill_rectangle(pixmap, gc, &[all]).unwrap();
        };
        self.x.create_gc(gc, shape, &CreateGCAux::new()).unwrap();
        fill(shape, 1);
        fill(mask, u32::from(white != 0));
        let cursor = self.x.generate_id().unwrap();
        self.x.create_cursor(cursor, shape, mask, white, white, white, 0, 0, 0, 0, 0).unwrap();
        self.x.change_window_attributes(self.window, &ChangeWindowAttributesAux::new().cursor(cursor)).unwrap();
        self.move_cursor(at);
    }

    fn move_cursor(&self, (x, y): (i16, i16)) {
        self.x.warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, x, y).unwrap();
        self.sync();
    }

    fn set_monitor(&self, name: &str, with_output: bool, x: i16, width: u16) {
        self.delete_monitor(name);
        let name = self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let outputs = self.x.randr_get_screen_resources(self.root).unwrap().reply().unwrap().outputs;
        let info = MonitorInfo {
            name,
            primary: with_output,
            automatic: false,
            x,
            y: 0,
            width,
            height: 480,
            width_in_millimeters: 100,
            height_in_millimeters: 100,
            outputs: if with_output { outputs } else { Vec::new() },
        };
        self.x.randr_set_monitor(self.root, info).unwrap().check().expect("Xvfb takes monitors");
        self.sync();
    }

    fn atom(&self, name: &str) -> u32 {
        self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    fn delete_monitor(&self, name: &str) {
        let name = self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        // One that is not there is an error nobody reads.
        self.x.randr_delete_monitor(self.root, name).unwrap().ignore_error();
        self.sync();
    }

    /// Two monitors side by side: 400 pixels on the left, 240 on the right.
    fn split(&self) {
        self.set_monitor("left", true, 0, 400);
        self.set_monitor("right", false, 400, 240);
    }

    fn open(&self, screen: &str, wish: PictureWish) -> Open {
        let (writer, reader) = latest();
        let (on_event, heard) = events();
        let id = DeviceId::parse(screen).unwrap();
        let handle = self.devices.open_screen(Gate::preview(), &id, wish, writer, on_event).expect("the screen opens");
        assert_eq!(handle.device(), id);
        Open { handle, reader, events: heard }
    }
}

struct Open {
    handle: Box<dyn Pictures>,
    reader: LatestReader<Picture>,
    events: Receiver<StreamEvent>,
}

impl Open {
    fn picture(&self) -> Picture {
        match self.reader.take(GUARD) {
            Taken::Value(picture) => picture,
            other => panic!("a picture, not {other:?}"),
        }
    }

    /// Takes pictures until one is as wanted.
    fn shows(&self, what: &str, is_so: impl Fn(&Picture) -> bool) -> Picture {
        let start = Instant::now();
        loop {
            let picture = self.picture();
            if is_so(&picture) {
                return picture;
            }
            assert!(start.elapsed() < GUARD, "waited too long to see {what}");
        }
    }

    /// Takes what is on its way, until nothing comes.
    fn settle(&self) {
        while let Taken::Value(_) = self.reader.take(QUIET) {}
    }
}

/// Brightness of one pixel.
fn luma(picture: &Picture, x: u32, y: u32) -> u8 {
    picture.y()[(y * picture.size().width + x) as usize]
}

const WHITE: u32 = 0x00ff_ffff;

#[test]
fn what_is_drawn_is_seen() {
    let desk = Desk::new();
    desk.draw(100, 50, 200, 100, WHITE);
    let screens = desk.devices.list().screens.expect("there is a display");
    assert_eq!(screens.len(), 1);
    assert_eq!((screens[0].width, screens[0].height), (640, 480));
    let open = desk.open(screens[0].id.as_str(), WISH);
    let first = open.picture();
    assert_eq!((first.size().width, first.size().height), (640, 480), "the first picture is a whole one");
    assert!(luma(&first, 150, 100) > 230 && luma(&first, 50, 100) < 20);

    desk.draw(300, 300, 50, 50, 0x0000_00ff);
    let second = open.shows("a blue square", |p| p.u()[(310 / 2 * 320 + 310 / 2) as usize] > 220);
    assert!(luma(&second, 150, 100) > 230, "what did not change is still there");
}

#[test]
fn a_screen_that_does_not_change_sends_nothing() {
    let desk = Desk::new();
    let open = desk.open("x11:screen", WISH);
    open.picture();
    open.settle();
    assert!(!open.reader.take(QUIET).is_value());
    desk.draw(0, 0, 10, 10, WHITE);
    assert!(luma(&open.picture(), 5, 5) > 230);
}

trait IsValue {
    fn is_value(&self) -> bool;
}

impl<T> IsValue for Taken<T> {
    fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }
}

#[test]
fn the_cursor_is_on_the_picture_and_leaves_no_trace() {
    let desk = Desk::new();
    let open = desk.open("x11:screen", WISH);
    assert!(luma(&open.picture(), 208, 208) < 20);
    desk.set_cursor(0xffff, (200, 200));
    open.shows("the cursor", |p| luma(p, 208, 208) > 230 && luma(p, 190, 190) < 20);
    desk.move_cursor((400, 100));
    open.shows("the cursor elsewhere", |p| luma(p, 408, 108) > 230 && luma(p, 208, 208) < 20);
    desk.set_cursor(0, (400, 100));
    open.shows("no cursor", |p| luma(p, 408, 108) < 20);
}

#[test]
fn monitors_are_listed_and_captured_apart() {
    let desk = Desk::new();
    desk.split();
    let screens = desk.devices.list().screens.expect("there is a display");
    let seen: Vec<_> = screens.iter().map(|s| (s.id.as_str(), s.width, s.height, s.is_primary)).collect();
    assert_eq!(seen, [("x11:left", 400, 480, true), ("x11:right", 240, 480, false)]);

    desk.draw(400, 0, 240, 480, WHITE);
    let (left, right) = (desk.open("x11:left", WISH), desk.open("x11:right", WISH));
    assert!(left.picture().y().iter().all(|y| *y < 20));
    assert!(right.picture().y().iter().all(|y| *y > 230));
    left.settle();
    right.settle();
    desk.draw(410, 10, 20, 20, 0);
    right.shows("a black square", |p| luma(p, 15, 15) < 20);
    assert!(!left.reader.take(QUIET).is_value(), "what happens on the other monitor is none of its business");
}

#[test]
fn a_monitor_of_another_size_or_place_is_followed() {
    let desk = Desk::new();
    desk.split();
    desk.draw(0, 0, 320, 480, WHITE);
    let (left, right) = (desk.open("x11:left", WISH), desk.open("x11:right", WISH));
    left.shows("all of it", |p| p.size().width == 400 && luma(p, 310, 400) > 230 && luma(p, 390, 400) < 20);
    right.picture();
    desk.set_monitor("left", true, 0, 320);
    left.shows("its new size", |p| p.size().width == 320 && p.y().iter().all(|y| *y > 230));
    desk.set_monitor("right", false, 300, 340);
    right.shows("its new place", |p| p.size().width == 340 && luma(p, 10, 10) > 230 && luma(p, 30, 10) < 20);
    desk.draw(630, 470, 10, 10, WHITE);
    right.shows("what is drawn there", |p| luma(p, 335, 475) > 230);
    assert!(left.events.try_recv().is_err() && right.events.try_recv().is_err(), "both are the monitors they were");
}

#[test]
fn a_monitor_that_goes_is_lost_and_no_other_takes_its_place() {
    let desk = Desk::new();
    desk.split();
    let left = desk.open("x11:left", WISH);
    assert!(left.picture().y().iter().all(|y| *y < 20));
    // The desktop moves what is left into the corner, and with it what was never shared.
    desk.delete_monitor("left");
    desk.set_monitor("right", false, 0, 240);
    let start = Instant::now();
    let told = loop {
        desk.draw(0, 0, 240, 480, WHITE);
        if let Taken::Value(picture) = left.reader.take(Duration::from_millis(20)) {
            assert!(picture.y().iter().all(|y| *y < 20), "a picture of another monitor");
        }
        if let Ok(event) = left.events.try_recv() {
            break event;
        }
        assert!(start.elapsed() < GUARD, "waited too long for the loss");
    };
    assert!(matches!(told, StreamEvent::Lost(_)), "{told:?}");
    let gone =
        desk.devices.open_screen(Gate::preview(), &DeviceId::parse("x11:left").unwrap(), WISH, latest().0, events().0);
    assert_eq!(gone.err(), Some(OpenDevice::Missing));
}

impl Desk {
    /// Switches the display's one output to a mode, or off, as a desktop does: first off, then the screen, then on.
    fn set_resolution(&self, mode: Option<(Mode, u16, u16)>) {
        let resources = self.x.randr_get_screen_resources(self.root).unwrap().reply().unwrap();
        let (crtc, now) = (resources.crtcs[0], resources.config_timestamp);
        let set = |mode: Mode, outputs: &[u32]| {
            let time = x11rb::CURRENT_TIME;
            self.x
                .randr_set_crtc_config(crtc, time, now, 0, 0, mode, Rotation::ROTATE0, outputs)
                .unwrap()
                .reply()
                .unwrap();
        };
        set(0, &[]);
        if let Some((mode, width, height)) = mode {
            self.x.randr_set_screen_size(self.root, width, height, 100, 100).unwrap().check().expect("it fits");
            set(mode, &resources.outputs);
        }
        self.sync();
    }

    fn add_mode(&self, width: u16, height: u16) -> Mode {
        let name = format!("{width}x{height}");
        let info = ModeInfo {
            width,
            height,
            dot_clock: 30_000_000,
            htotal: width + 80,
            vtotal: height + 20,
            name_len: name.len() as u16,
            ..ModeInfo::default()
        };
        let mode = self.x.randr_create_mode(self.root, info, name.as_bytes()).unwrap().reply().unwrap().mode;
        let outputs = self.x.randr_get_screen_resources(self.root).unwrap().reply().unwrap().outputs;
        self.x.randr_add_output_mode(outputs[0], mode).unwrap().check().expect("Xvfb takes modes");
        mode
    }
}

#[test]
fn a_display_that_is_switched_to_another_resolution_goes_on_with_it() {
    let desk = Desk::new();
    let open = desk.open("x11:screen", WISH);
    open.picture();
    let small = desk.add_mode(512, 384);
    desk.set_resolution(Some((small, 512, 384)));
    open.shows("its new size", |p| (p.size().width, p.size().height) == (512, 384));
    desk.draw(500, 370, 12, 14, WHITE);
    open.shows("what is drawn there", |p| luma(p, 505, 375) > 230);
    assert!(open.events.try_recv().is_err(), "it was never gone");
    let listed = desk.devices.list().screens.expect("there is a display");
    assert_eq!((listed[0].width, listed[0].height), (512, 384));
    desk.set_resolution(None);
    assert!(matches!(next(&open.events), StreamEvent::Lost(_)), "switched off is gone");
}

#[test]
fn monitors_coming_and_going_are_noticed() {
    let desk = Desk::new();
    let (sender, receiver) = std::sync::mpsc::sync_channel(64);
    let _watch = desk.devices.watch(Box::new(move || _ = sender.try_send(())));
    desk.split();
    receiver.recv_timeout(GUARD).expect("a new monitor is noticed");
    until("both monitors", || desk.devices.list().screens.is_ok_and(|s| s.len() == 2));
}

/// A window of 300 x 200 pixels of one colour with a title, at (50, 60).
fn titled(desk: &Desk, title: &str, colour: u32) -> Window {
    let window = desk.x.generate_id().unwrap();
    let look = CreateWindowAux::new().background_pixel(colour);
    desk.x.create_window(0, window, desk.root, 50, 60, 300, 200, 0, WindowClass::INPUT_OUTPUT, 0, &look).unwrap();
    let (name, text) = (desk.atom("_NET_WM_NAME"), desk.atom("UTF8_STRING"));
    desk.x.change_property8(PropMode::REPLACE, window, name, text, title.as_bytes()).unwrap();
    desk.x.map_window(window).unwrap();
    desk.sync();
    window
}

fn window_id(window: Window) -> String {
    format!("x11-window:{window:x}")
}

#[test]
fn windows_are_listed_by_title_and_our_own_are_not() {
    let desk = Desk::new();
    let (theirs, ours) = (titled(&desk, "予算案 2026", WHITE), titled(&desk, "The meeting", WHITE));
    let pid = desk.atom("_NET_WM_PID");
    desk.x.change_property32(PropMode::REPLACE, ours, pid, AtomEnum::CARDINAL, &[std::process::id()]).unwrap();
    desk.sync();
    let screens = desk.devices.list().screens.expect("there is a display");
    let seen: Vec<_> = screens.iter().map(|s| (s.name.as_str(), s.width, s.height, s.kind)).collect();
    assert_eq!(seen, [("screen", 640, 480, ScreenKind::Monitor), ("予算案 2026", 300, 200, ScreenKind::Window)]);
    assert_eq!(screens[1].id.as_str(), window_id(theirs));
    let id = DeviceId::parse(window_id(ours)).unwrap();
    let refused = desk.devices.open_screen(Gate::preview(), &id, WISH, latest().0, events().0);
    assert_eq!(refused.err(), Some(OpenDevice::Missing), "not even by its name");
}

#[test]
fn a_window_is_seen_alone_whatever_lies_over_it() {
    let desk = Desk::new();
    let window = titled(&desk, "Below", WHITE);
    let open = desk.open(&window_id(window), WISH);
    let first = open.shows("the window", |p| luma(p, 150, 100) > 230);
    assert_eq!((first.size().width, first.size().height), (300, 200));
    // The black one of the desk is raised over it.
    desk.x.configure_window(desk.window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE)).unwrap();
    desk.draw(50, 60, 100, 100, 0x0000_00ff);
    open.settle();
    let pen = desk.x.generate_id().unwrap();
    desk.x.create_gc(pen, window, &CreateGCAux::new().foreground(0)).unwrap();
    let corner = Rectangle { x: 200, y: 100, width: 50, height: 50 };
    desk.x.poly_fill_rectangle(window, pen, &[corner]).unwrap();
    desk.sync();
    open.shows("what changed below", |p| luma(p, 220, 120) < 20 && luma(p, 10, 10) > 230 && luma(p, 150, 100) > 230);
}

#[test]
fn a_window_that_grows_hides_and_closes_is_followed() {
    let desk = Desk::new();
    let window = titled(&desk, "Lively", WHITE);
    let open = desk.open(&window_id(window), WISH);
    open.shows("the window", |p| luma(p, 150, 100) > 230);
    desk.x.configure_window(window, &ConfigureWindowAux::new().width(400).height(300)).unwrap();
    desk.sync();
    open.shows("its new size", |p| (p.size().width, p.size().height) == (400, 300) && luma(p, 390, 290) > 230);
    desk.x.unmap_window(window).unwrap();
    desk.sync();
    assert_eq!(next(&open.events), StreamEvent::Hidden(true));
    desk.x.map_window(window).unwrap();
    desk.sync();
    assert_eq!(next(&open.events), StreamEvent::Hidden(false));
    open.shows("it again", |p| luma(p, 390, 290) > 230);
    desk.x.destroy_window(window).unwrap();
    desk.sync();
    assert!(matches!(next(&open.events), StreamEvent::Lost(_)));
}

/// What a still is fitted into.
const SMALL: Size = Size { width: 320, height: 180 };

#[test]
fn a_still_of_a_monitor_is_small_and_our_own_windows_are_covered() {
    let desk = Desk::new();
    desk.draw(0, 0, 640, 480, 0x00ff_0000);
    let ours = titled(&desk, "The meeting", WHITE);
    let pid = desk.atom("_NET_WM_PID");
    desk.x.change_property32(PropMode::REPLACE, ours, pid, AtomEnum::CARDINAL, &[std::process::id()]).unwrap();
    desk.sync();
    let mut stills = desk.devices.open_stills(Gate::preview()).expect("X11 has stills");
    let screen = DeviceId::parse("x11:screen").unwrap();
    let still = stills.still(&screen, SMALL).unwrap();
    assert_eq!((still.size().width, still.size().height), (240, 180), "in its shape");
    // The window is at 50, 60 and 300 x 200 large; the still is three eighths of the size.
    assert!(still.y().iter().all(|y| *y < 150), "nothing of the white window: a red screen and grey");
    assert!((110..140).contains(&luma(&still, 75, 60)), "grey where it is");
    assert!((70..95).contains(&luma(&still, 200, 150)), "red where it is not");
    let ours = DeviceId::parse(window_id(ours)).unwrap();
    assert_eq!(stills.still(&ours, SMALL).err(), Some(OpenDevice::Missing), "not even by its name");
}

#[test]
fn stills_of_windows_show_each_alone_and_as_it_is_now() {
    let desk = Desk::new();
    let window = titled(&desk, "Below", WHITE);
    let id = DeviceId::parse(window_id(window)).unwrap();
    let mut stills = desk.devices.open_stills(Gate::preview()).expect("X11 has stills");
    let first = stills.still(&id, SMALL).unwrap();
    assert_eq!((first.size().width, first.size().height), (270, 180));
    assert!(first.y().iter().all(|y| *y > 230));
    desk.x.configure_window(desk.window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE)).unwrap();
    desk.draw(0, 0, 640, 480, 0x0000_00ff);
    assert!(stills.still(&id, SMALL).unwrap().y().iter().all(|y| *y > 230), "nothing of what lies over it");
    desk.x.change_window_attributes(window, &ChangeWindowAttributesAux::new().background_pixel(0)).unwrap();
    desk.x.clear_area(false, window, 0, 0, 0, 0).unwrap();
    desk.sync();
    assert!(stills.still(&id, SMALL).unwrap().y().iter().all(|y| *y < 20), "a fresh one each time");
    desk.x.unmap_window(window).unwrap();
    desk.sync();
    assert_eq!(stills.still(&id, SMALL).err(), Some(OpenDevice::Missing), "a minimised one shows nothing");
}

#[test]
fn stills_end_with_the_right_to_share() {
    let desk = Desk::new();
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let mut stills = desk.devices.open_stills(gate.permit().unwrap()).expect("X11 has stills");
    let screen = DeviceId::parse("x11:screen").unwrap();
    assert!(stills.still(&screen, SMALL).is_ok());
    let permit = gate.permit().unwrap();
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    assert_eq!(stills.still(&screen, SMALL).err(), Some(OpenDevice::Revoked));
    assert_eq!(desk.devices.open_stills(permit).err(), Some(OpenDevice::Revoked), "nor anew");
}

#[test]
fn a_busy_screen_is_held_to_the_wished_rate() {
    let desk = Desk::new();
    let open = desk.open("x11:screen", PictureWish { fps: 5, ..WISH });
    let mut at = vec![open.picture().at];
    while at.len() < 6 {
        desk.draw((at.len() * 20) as i16, 0, 10, 10, WHITE);
        if let Taken::Value(picture) = open.reader.take(Duration::from_millis(5)) {
            at.push(picture.at);
        }
    }
    // The pictures' own stamps: from the first to the sixth are five beats of 200 ms. The beat does not wait for a late
    // first picture, so half of that is asked for; without a limit six pictures take some 30 ms.
    assert!(at[5].since(at[0]) >= Duration::from_millis(500), "{at:?}");
}

#[test]
fn a_revoked_screen_stops_and_does_not_open_again() {
    let desk = Desk::new();
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let (writer, reader) = latest();
    let (on_event, heard) = events();
    let id = DeviceId::parse("x11:screen").unwrap();
    let _open = desk.devices.open_screen(gate.permit().unwrap(), &id, WISH, writer, on_event).expect("opens");
    assert!(reader.take(GUARD).is_value());
    let permit = gate.permit().unwrap();
    gate.set(Grants::ALL.with(Capability::ScreenShare, false));
    assert_eq!(next(&heard), StreamEvent::Revoked);
    desk.draw(0, 0, 640, 480, WHITE);
    assert!(!reader.take(QUIET).is_value());
    let again = desk.devices.open_screen(permit, &id, WISH, latest().0, events().0);
    assert_eq!(again.err(), Some(OpenDevice::Revoked));
}

#[test]
fn a_dropped_screen_is_not_looked_at_any_more() {
    let desk = Desk::new();
    let open = desk.open("x11:screen", WISH);
    open.picture();
    drop(open.handle);
    desk.draw(0, 0, 640, 480, WHITE);
    // One picture may have been put before the drop; after it the writer is gone.
    if open.reader.take(GUARD).is_value() {
        assert!(!open.reader.take(GUARD).is_value());
    }
    assert!(open.events.try_recv().is_err(), "a handle dropped on purpose is no event");
}

#[test]
fn a_display_that_dies_is_told_and_then_there_is_none() {
    let mut desk = Desk::new();
    let open = desk.open("x11:screen", WISH);
    open.picture();
    desk.server.kill();
    assert!(matches!(next(&open.events), StreamEvent::Lost(_)));
    assert_eq!(desk.devices.list().screens, Err(ScreensUnavailable::NoDisplay));
}
