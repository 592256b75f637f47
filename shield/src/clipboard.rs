//! Takes pictures off the clipboard that come right after a key that takes pictures. Text is never touched: what offers
//! any text stays, and so does whatever replaced the picture meanwhile. A thread of its own, because it waits for other
//! programs' answers; it reads the names of what is offered, never the content.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xfixes::{ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageData, ClientMessageEvent, ConnectionExt as _, CreateWindowAux,
    EventMask, Timestamp, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::desk::{Note, ToDesk};
use crate::keys::picture_keys;
use crate::{Config, Failed};

/// So long after the key a picture is taken for its doing: tools let people choose a part of the screen first.
const AFTER_KEY: Duration = Duration::from_secs(20);
/// Clipboard managers put back what was removed. After so many times they have won, and it is said.
const TRIES: u32 = 20;
/// Kinds that one owner may offer; more are not looked at.
const KINDS: u32 = 256;

/// Watches until it is dropped.
pub(crate) struct Clipboard {
    connection: Arc<RustConnection>,
    /// Where the word to stop is sent.
    post: Window,
    thread: Option<JoinHandle<()>>,
}

impl Clipboard {
    /// Watches both selections of the display. What is removed is told to the desk.
    pub(crate) fn guard(config: &Config, to_desk: ToDesk) -> Result<Self, Failed> {
        let (connection, number) = x11rb::connect(config.display.as_deref())?;
        let root = connection.setup().roots[number].root;
        connection.xinput_xi_query_version(2, 2)?.reply()?;
        connection.xfixes_query_version(5, 0)?.reply()?;
        let post = connection.generate_id()?;
        let look = CreateWindowAux::new();
        connection.create_window(0, post, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &look)?.check()?;
        let atom = |name: &str| Ok::<_, Failed>(connection.intern_atom(false, name.as_bytes())?.reply()?.atom);
        let (clipboard, targets, answer) = (atom("CLIPBOARD")?, atom("TARGETS")?, atom("_SHOJI_OFFERED")?);
        for selection in [clipboard, AtomEnum::PRIMARY.into()] {
            connection.xfixes_select_selection_input(root, selection, SelectionEventMask::SET_SELECTION_OWNER)?;
        }
        let keys =
            xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![XIEventMask::RAW_KEY_PRESS] };
        connection.xinput_xi_select_events(root, &[keys])?.check()?;
        let mask = connection.setup().resource_id_mask;
        let connection = Arc::new(connection);
        let mut ear = Ear {
            keys: picture_keys(&connection)?,
            x: Arc::clone(&connection),
            post,
            targets,
            answer,
            mask,
            own: config.windows.iter().map(|window| window & !mask).collect(),
            until: None,
            tries: 0,
            asked: None,
            to_desk,
        };
        let thread = std::thread::Builder::new().name("shield-clipboard".into()).spawn(move || {
            if let Err(error) = ear.listen() {
                tracing::debug!(%error, "the clipboard is not watched any more");
            }
        })?;
        Ok(Self { connection, post, thread: Some(thread) })
    }
}

impl Drop for Clipboard {
    fn drop(&mut self) {
        let stop = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window: self.post,
            type_: self.post,
            data: ClientMessageData::from([0; 5]),
        };
        let told = self.connection.send_event(false, self.post, EventMask::NO_EVENT, stop);
        if let Err(error) = told.map(x11rb::cookie::VoidCookie::ignore_error).and_then(|()| self.connection.flush()) {
            tracing::debug!(%error, "the display went before the watch of its clipboard");
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the watch of the clipboard panicked");
        }
    }
}

/// The thread's side.
struct Ear {
    x: Arc<RustConnection>,
    post: Window,
    targets: Atom,
    /// The property in which owners tell what they offer.
    answer: Atom,
    mask: u32,
    /// What our own windows put there is the person's wish.
    own: HashSet<u32>,
    keys: HashSet<u32>,
    /// Pictures are removed until then.
    until: Option<Instant>,
    tries: u32,
    asked: Option<Owner>,
    to_desk: ToDesk,
}

/// Whose offer was asked for.
#[derive(Clone, Copy)]
struct Owner {
    window: Window,
    selection: Atom,
    since: Timestamp,
}

impl Ear {
    fn listen(&mut self) -> Result<(), ReplyError> {
        loop {
            self.x.flush()?;
            match self.x.wait_for_event()? {
                Event::ClientMessage(word) if word.type_ == self.post => return Ok(()),
                Event::XinputRawKeyPress(key) if self.keys.contains(&key.detail) => {
                    self.until = Some(Instant::now() + AFTER_KEY);
                    self.tries = 0;
                }
                Event::MappingNotify(_) => self.keys = picture_keys(&self.x)?,
                Event::XfixesSelectionNotify(new) if new.owner != x11rb::NONE => {
                    let owner = Owner { window: new.owner, selection: new.selection, since: new.selection_timestamp };
                    self.ask(owner)?;
                }
                Event::SelectionNotify(told) if told.property == self.answer => self.answered(told.selection)?,
                _ => {}
            }
        }
    }

    fn ask(&mut self, owner: Owner) -> Result<(), ConnectionError> {
        let in_time = self.until.is_some_and(|until| Instant::now() < until);
        if !in_time || self.own.contains(&(owner.window & !self.mask)) {
            return Ok(());
        }
        self.asked = Some(owner);
        self.x.convert_selection(self.post, owner.selection, self.targets, self.answer, owner.since)?;
        Ok(())
    }

    fn answered(&mut self, selection: Atom) -> Result<(), ReplyError> {
        let offer = self.x.get_property(true, self.post, self.answer, AtomEnum::ANY, 0, KINDS)?.reply()?;
        let Some(owner) = self.asked.take_if(|owner| owner.selection == selection) else { return Ok(()) };
        let mut names = Vec::new();
        for kind in offer.value32().into_iter().flatten() {
            // Who offers a kind that does not exist offers nothing.
            names.extend(self.x.get_atom_name(kind)?.reply().ok().map(|reply| reply.name));
        }
        if !is_picture(names.iter().map(Vec::as_slice)) {
            return Ok(());
        }
        if self.tries == TRIES {
            tracing::warn!("another program keeps putting a picture back on the clipboard");
        }
        self.tries += 1;
        if self.tries > TRIES {
            return Ok(());
        }
        // With the time of its own coming: whatever was copied since is newer, and stays.
        self.x.set_selection_owner(x11rb::NONE, owner.selection, owner.since)?;
        self.to_desk.tell(Note::Cleared { client: owner.window & !self.mask });
        Ok(())
    }
}

/// A picture, and nothing that could be text?
fn is_picture<'a>(kinds: impl Iterator<Item = &'a [u8]>) -> bool {
    const TEXT: [&[u8]; 6] =
        [b"TEXT", b"STRING", b"UTF8_STRING", b"COMPOUND_TEXT", b"C_STRING", b"application/x-kde4-urilist"];
    let mut picture = false;
    for kind in kinds {
        if kind.starts_with(b"text/") || TEXT.contains(&kind) {
            return false;
        }
        picture |= kind.starts_with(b"image/") || kind == b"PIXMAP" || kind == b"BITMAP";
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::is_picture;

    fn picture(kinds: &[&str]) -> bool {
        is_picture(kinds.iter().map(|kind| kind.as_bytes()))
    }

    #[test]
    fn only_what_is_a_picture_and_no_text_is_removed() {
        assert!(picture(&["TARGETS", "TIMESTAMP", "image/png", "image/bmp"]));
        assert!(picture(&["PIXMAP"]));
        assert!(!picture(&["TARGETS", "UTF8_STRING", "text/plain"]));
        assert!(!picture(&["image/png", "text/html"]), "a part of a page, copied");
        assert!(!picture(&["UTF8_STRING", "image/png"]), "cells of a table");
        assert!(!picture(&["TARGETS", "x-special/gnome-copied-files"]));
        assert!(!picture(&[]));
    }
}
