//! Passive grabs on X11's root window. A thread waits for the keys; while one is held it also asks the server whether it
//! really is still down, because a release can be lost to another program's grab.

use std::sync::Arc;
use std::time::Duration;

use protocol::bridge::{Code, ShortcutState, ShortcutUse};
use protocol::shortcut::{Key, Modifiers, Shortcut};
use x11rb::connection::Connection;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    CLIENT_MESSAGE_EVENT, ClientMessageData, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
    GrabMode, KeyButMask, ModMask, Window, WindowClass,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::super::{Heard, Presses, Taken, Wanted};

/// How soon a lost release is noticed while a key is held.
const LOOK: Duration = Duration::from_millis(50);
/// How soon a release is heard; the thread does not wait for events while a key is held.
const HELD: Duration = Duration::from_millis(10);
const NUM_LOCK: u32 = 0xFF7F;
const SCROLL_LOCK: u32 = 0xFF14;

/// Why X11 gives no shortcuts at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    /// No display.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It went away.
    #[error(transparent)]
    Lost(#[from] ConnectionError),
    /// It refused something.
    #[error(transparent)]
    Refused(#[from] ReplyError),
    /// It has no ids left.
    #[error(transparent)]
    Id(#[from] ReplyOrIdError),
    /// No thread.
    #[error(transparent)]
    Thread(#[from] std::io::Error),
}

/// Keys that are ours until this is dropped.
pub(super) struct Grab {
    connection: Arc<RustConnection>,
    /// Where the word to stop is sent.
    post: Window,
}

/// One of them.
struct Taker {
    what: ShortcutUse,
    code: u8,
    modifiers: ModMask,
    down: bool,
}

impl Grab {
    /// Takes what can be had. Blocks for a few round trips.
    ///
    /// # Errors
    /// There is no X server that would give anything.
    pub(super) fn take(wanted: Wanted, presses: Presses) -> Result<(Self, Taken), NoKeys> {
        let (connection, screen) = RustConnection::connect(None)?;
        // A held key is one press, not many.
        connection.xkb_use_extension(1, 0)?.reply()?;
        let repeat = xkb::PerClientFlag::DETECTABLE_AUTO_REPEAT;
        let none = xkb::BoolCtrl::default();
        connection.xkb_per_client_flags(xkb::ID::USE_CORE_KBD.into(), repeat, repeat, none, none, none)?.reply()?;
        let root = connection.setup().roots[screen].root;
        let post = connection.generate_id()?;
        let looks = CreateWindowAux::new();
        connection.create_window(0, post, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &looks)?.check()?;
        let keyboard = Keyboard::read(&connection)?;
        let mut taken = Taken { mute: ShortcutState::Unknown, talk: ShortcutState::Unknown };
        let mut takers = Vec::new();
        for (what, keys) in wanted.iter() {
            let state = match keyboard.grab(&connection, root, keys)? {
                Ok((code, modifiers)) => {
                    takers.push(Taker { what, code, modifiers, down: false });
                    ShortcutState::Works { desktop: None }
                }
                Err(code) => ShortcutState::Refused { code },
            };
            match what {
                ShortcutUse::Mute => taken.mute = state,
                ShortcutUse::Talk => taken.talk = state,
            }
        }
        let connection = Arc::new(connection);
        let ears = Arc::clone(&connection);
        std::thread::Builder::new().name("shortcuts".into()).spawn(move || {
            let ended = listen(&ears, &mut takers, &presses);
            // Whoever held a key is not heard any more.
            for taker in takers.iter().filter(|taker| taker.down) {
                tell(&presses, Heard::Up(taker.what));
            }
            if let Err(error) = ended {
                tracing::warn!(%error, "the shortcuts are gone");
            }
        })?;
        Ok((Self { connection, post }, taken))
    }
}

impl Drop for Grab {
    fn drop(&mut self) {
        let stop = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window: self.post,
            type_: 1,
            data: ClientMessageData::from([0; 5]),
        };
        // The keys are free again at once; the connection closes when the thread has heard.
        let free = self.connection.setup().roots.iter().map(|screen| screen.root).try_for_each(|root| {
            self.connection.ungrab_key(0_u8, root, ModMask::ANY).map(x11rb::cookie::VoidCookie::ignore_error)
        });
        let told = free
            .and_then(|()| self.connection.send_event(false, self.post, EventMask::NO_EVENT, stop))
            .map(x11rb::cookie::VoidCookie::ignore_error)
            .and_then(|()| self.connection.flush());
        if let Err(error) = told {
            tracing::debug!(%error, "the X server went first");
        }
    }
}

/// Until it is told to stop.
fn listen(connection: &RustConnection, takers: &mut [Taker], presses: &Presses) -> Result<(), NoKeys> {
    loop {
        let mut event = Some(connection.wait_for_event()?);
        while let Some(now) = event {
            if let Event::ClientMessage(_) = now {
                return Ok(());
            }
            on_event(&now, takers, presses);
            event = connection.poll_for_event()?;
            let mut waited = Duration::ZERO;
            while event.is_none() && takers.iter().any(|taker| taker.down) {
                std::thread::sleep(HELD);
                waited += HELD;
                event = connection.poll_for_event()?;
                if event.is_none() && waited >= LOOK {
                    waited = Duration::ZERO;
                    let keys = connection.query_keymap()?.reply()?.keys;
                    let_go(&keys, takers, presses);
                    event = connection.poll_for_event()?;
                }
            }
        }
    }
}

fn on_event(event: &Event, takers: &mut [Taker], presses: &Presses) {
    match event {
        Event::KeyPress(press) => {
            // Locks and mouse buttons make no difference.
            let counted = u16::from(
                press.state & (KeyButMask::CONTROL | KeyButMask::SHIFT | KeyButMask::MOD1 | KeyButMask::MOD4),
            );
            let hit = |t: &&mut Taker| t.code == press.detail && u16::from(t.modifiers) == counted && !t.down;
            if let Some(taker) = takers.iter_mut().find(hit) {
                taker.down = true;
                tell(presses, Heard::Down(taker.what));
            }
        }
        // Whatever became of the modifiers meanwhile.
        Event::KeyRelease(release) => {
            for taker in takers.iter_mut().filter(|taker| taker.down && taker.code == release.detail) {
                taker.down = false;
                tell(presses, Heard::Up(taker.what));
            }
        }
        _ => {}
    }
}

/// Compares with the keys that are really down: a bit each.
fn let_go(keys: &[u8; 32], takers: &mut [Taker], presses: &Presses) {
    for taker in takers.iter_mut().filter(|taker| taker.down) {
        let really = keys[usize::from(taker.code / 8)] & (1 << (taker.code % 8)) != 0;
        if !really {
            taker.down = false;
            tell(presses, Heard::Up(taker.what));
        }
    }
}

fn tell(presses: &Presses, heard: Heard) {
    if presses.blocking_send(heard).is_err() {
        tracing::debug!("nobody listens to shortcuts any more");
    }
}

/// Which key writes what, and which modifiers are mere locks.
struct Keyboard {
    first: u8,
    width: usize,
    symbols: Vec<u32>,
    locks: Vec<ModMask>,
}

impl Keyboard {
    fn read(connection: &RustConnection) -> Result<Self, NoKeys> {
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let mapping = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let width = usize::from(mapping.keysyms_per_keycode).max(1);
        let mut keyboard = Self { first, width, symbols: mapping.keysyms, locks: vec![ModMask::LOCK] };
        let modifiers = connection.get_modifier_mapping()?.reply()?;
        let per = (modifiers.keycodes.len() / 8).max(1);
        for (index, codes) in modifiers.keycodes.chunks(per).enumerate() {
            let is_lock = codes.iter().any(|code| {
                let symbols = keyboard.symbols_of(*code);
                symbols.contains(&NUM_LOCK) || symbols.contains(&SCROLL_LOCK)
            });
            if is_lock {
                keyboard.locks.push(ModMask::from(1_u16 << index));
            }
        }
        Ok(keyboard)
    }

    fn symbols_of(&self, code: u8) -> &[u32] {
        let from = usize::from(code.saturating_sub(self.first)) * self.width;
        self.symbols.get(from..from + self.width).filter(|_| code >= self.first).unwrap_or_default()
    }

    fn code_of(&self, symbol: u32) -> Option<u8> {
        // What is written without modifiers goes before what another level of the key would write.
        let at = |level: usize| self.symbols.chunks(self.width).position(|key| key.get(level) == Some(&symbol));
        let index = (0..self.width).find_map(at)?;
        u8::try_from(index).ok()?.checked_add(self.first)
    }

    /// Takes one shortcut, with every combination of locks.
    fn grab(
        &self,
        connection: &RustConnection,
        root: Window,
        keys: Shortcut,
    ) -> Result<Result<(u8, ModMask), Code>, NoKeys> {
        let Some(code) = self.code_of(symbol(keys.key())) else { return Ok(Err(Code::ShortcutUnsuitable)) };
        let modifiers = mask(keys.modifiers());
        for locks in 0..1_usize << self.locks.len() {
            let with = self.locks.iter().enumerate().filter(|(bit, _)| locks >> bit & 1 == 1);
            let all = with.fold(modifiers, |mask, (_, lock)| mask | *lock);
            let asked = connection.grab_key(false, root, all, code, GrabMode::ASYNC, GrabMode::ASYNC)?;
            match asked.check() {
                Ok(()) => {}
                Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Access => {
                    return Ok(Err(Code::ShortcutTaken));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Ok((code, modifiers)))
    }
}

fn mask(held: Modifiers) -> ModMask {
    let mut mask = ModMask::default();
    for (is_held, bit) in
        [(held.ctrl, ModMask::CONTROL), (held.alt, ModMask::M1), (held.shift, ModMask::SHIFT), (held.meta, ModMask::M4)]
    {
        if is_held {
            mask |= bit;
        }
    }
    mask
}

/// X11's number of what the key writes (keysymdef.h).
fn symbol(key: Key) -> u32 {
    match key {
        Key::Letter(letter) => u32::from(letter.to_ascii_lowercase()),
        Key::Digit(digit) => u32::from(b'0' + digit),
        Key::Function(number) => 0xFFBD + u32::from(number),
        Key::Space => 0x0020,
        Key::Insert => 0xFF63,
        Key::Home => 0xFF50,
        Key::End => 0xFF57,
        Key::PageUp => 0xFF55,
        Key::PageDown => 0xFF56,
        Key::Pause => 0xFF13,
        Key::ScrollLock => SCROLL_LOCK,
        Key::Convert => 0xFF23,
        Key::NonConvert => 0xFF22,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn taker(down: bool) -> [Taker; 1] {
        [Taker { what: ShortcutUse::Talk, code: 74, modifiers: ModMask::CONTROL, down }]
    }

    #[test]
    fn a_release_that_was_lost_is_noticed_by_looking() {
        let (tell, mut told) = mpsc::channel(8);
        let mut takers = taker(true);
        let mut keys = [0; 32];
        keys[74 / 8] = 1 << (74 % 8);
        let_go(&keys, &mut takers, &tell);
        assert!(takers[0].down && told.try_recv().is_err());
        let_go(&[0; 32], &mut takers, &tell);
        assert_eq!(told.try_recv(), Ok(Heard::Up(ShortcutUse::Talk)));
        let_go(&[0; 32], &mut takers, &tell);
        assert!(told.try_recv().is_err(), "said once");
    }

    #[test]
    fn a_key_that_writes_it_plainly_goes_before_one_that_can() {
        let keyboard = Keyboard { first: 8, width: 2, symbols: vec![1, 97, 97, 65, 5, 6], locks: Vec::new() };
        assert_eq!(keyboard.code_of(97), Some(9));
        assert_eq!(keyboard.code_of(6), Some(10));
        assert_eq!(keyboard.code_of(7), None);
        assert_eq!(keyboard.symbols_of(7), &[] as &[u32]);
        assert_eq!(keyboard.symbols_of(10), &[5, 6]);
        assert_eq!(keyboard.symbols_of(11), &[] as &[u32]);
    }
}
