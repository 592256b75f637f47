//! Somebody who copied something: owns the clipboard of a private display and answers what it offers.

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::until;

/// An owner of the clipboard.
pub(crate) struct Owner {
    x: RustConnection,
    window: Window,
    clipboard: Atom,
    kinds: Vec<Atom>,
    asked: bool,
}

impl Owner {
    pub(crate) fn new(display: &str) -> Self {
        let (x, screen) = x11rb::connect(Some(display)).unwrap();
        let root = x.setup().roots[screen].root;
        let window = x.generate_id().unwrap();
        let look = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        x.create_window(0, window, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &look).unwrap();
        let clipboard = x.intern_atom(false, b"CLIPBOARD").unwrap().reply().unwrap().atom;
        Self { x, window, clipboard, kinds: Vec::new(), asked: false }
    }

    /// Takes the clipboard, with the server's own time.
    pub(crate) fn copy(&mut self, kinds: &[&str]) {
        let atom = |name: &str| self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        self.kinds = kinds.iter().map(|kind| atom(kind)).collect();
        self.x.change_property8(PropMode::APPEND, self.window, AtomEnum::WM_NAME, AtomEnum::STRING, &[]).unwrap();
        self.x.flush().unwrap();
        let time = loop {
            if let Event::PropertyNotify(now) = self.x.wait_for_event().unwrap() {
                break now.time;
            }
        };
        self.x.set_selection_owner(self.window, self.clipboard, time).unwrap();
        self.x.sync().unwrap();
    }

    /// Waits until somebody asks what there is, and answers.
    pub(crate) fn was_asked(&mut self) -> bool {
        until("somebody asks what is on the clipboard", || self.was_asked_before());
        // What the asker does with the answer, it has done when it is idle again; a removal comes as an event.
        std::thread::sleep(std::time::Duration::from_millis(200));
        true
    }

    /// Has anybody asked so far?
    pub(crate) fn was_asked_before(&mut self) -> bool {
        while let Some(event) = self.x.poll_for_event().unwrap() {
            if let Event::SelectionRequest(ask) = event {
                self.asked = true;
                self.answer(&ask);
            }
        }
        self.asked
    }

    pub(crate) fn still_owns(&mut self) -> bool {
        self.was_asked_before();
        self.x.get_selection_owner(self.clipboard).unwrap().reply().unwrap().owner == self.window
    }

    fn answer(&self, ask: &SelectionRequestEvent) {
        let kind = AtomEnum::ATOM;
        self.x.change_property32(PropMode::REPLACE, ask.requestor, ask.property, kind, &self.kinds).unwrap();
        let told = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: ask.time,
            requestor: ask.requestor,
            selection: ask.selection,
            target: ask.target,
            property: ask.property,
        };
        self.x.send_event(false, ask.requestor, EventMask::NO_EVENT, told).unwrap();
        self.x.sync().unwrap();
    }
}
