//! Windows (`RegisterHotKey`; the library reads the release from the real state of the key, every 50 ms) and macOS (Carbon
//! hot keys, which need no permission to watch the keyboard; their release is an event, and can be lost: so the key is looked
//! at as well), by the library that Tauri keeps for it. It lives on the main thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use global_hotkey::hotkey::{Code as KeyCode, HotKey, Modifiers as Held};
use global_hotkey::{GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};
use protocol::bridge::{ShortcutState, ShortcutUse};
use protocol::shortcut::{Key, Shortcut};
use tauri::AppHandle;
use tokio::sync::oneshot;

use super::{Code, Heard, Presses, Taken, Wanted};

#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod keyboard;
#[cfg(target_os = "macos")]
pub(super) use self::keyboard::really_down;

/// The library looks by itself.
#[cfg(target_os = "windows")]
pub(super) const fn really_down(_: Shortcut) -> Option<bool> {
    None
}

thread_local! {
    // The library's handle must stay on the thread that made it, where tasks of ours cannot keep anything.
    static MANAGER: RefCell<Option<Manager>> = const { RefCell::new(None) };
}

struct Manager {
    library: GlobalHotKeyManager,
    held: Vec<HotKey>,
}

type Uses = Arc<Mutex<HashMap<u32, ShortcutUse>>>;

/// What listens.
pub(super) struct Ears {
    app: AppHandle,
    uses: Uses,
}

impl Ears {
    pub(super) fn new(app: &AppHandle, presses: Presses) -> Self {
        let uses = Uses::default();
        let known = Arc::clone(&uses);
        GlobalHotKeyEvent::set_event_handler(Some(move |event: GlobalHotKeyEvent| {
            let what = known.lock().unwrap_or_else(PoisonError::into_inner).get(&event.id).copied();
            let Some(what) = what else { return };
            let heard = match event.state {
                HotKeyState::Pressed => Heard::Down(what),
                HotKeyState::Released => Heard::Up(what),
            };
            // The system's own thread: it must not wait.
            if presses.try_send(heard).is_err() {
                tracing::warn!("a shortcut was not heard");
            }
        }));
        Self { app: app.clone(), uses }
    }

    /// Listens for this and nothing else from now on.
    pub(super) async fn take(&mut self, wanted: Wanted) -> Taken {
        let (tell, told) = oneshot::channel();
        let uses = Arc::clone(&self.uses);
        let asked = self.app.run_on_main_thread(move || {
            let taken = MANAGER.with_borrow_mut(|manager| take(manager, wanted, &uses));
            if tell.send(taken).is_err() {
                tracing::debug!("nobody waits for shortcuts any more");
            }
        });
        if let Err(error) = asked {
            tracing::warn!(%error, "no main thread for shortcuts");
            return Taken::none(wanted, Code::ShortcutUnsupported);
        }
        told.await.unwrap_or_else(|_| Taken::none(wanted, Code::ShortcutUnsupported))
    }
}

fn take(place: &mut Option<Manager>, wanted: Wanted, uses: &Uses) -> Taken {
    if place.is_none() {
        match GlobalHotKeyManager::new() {
            Ok(library) => *place = Some(Manager { library, held: Vec::new() }),
            Err(error) => tracing::warn!(%error, "the system has no shortcuts for us"),
        }
    }
    let Some(manager) = place else { return Taken::none(wanted, Code::ShortcutUnsupported) };
    let mut known = uses.lock().unwrap_or_else(PoisonError::into_inner);
    known.clear();
    for key in manager.held.drain(..) {
        if let Err(error) = manager.library.unregister(key) {
            tracing::warn!(%error, "a shortcut could not be given back");
        }
    }
    let mut taken = Taken::all(wanted, &ShortcutState::Works { desktop: None });
    for (what, keys) in wanted.iter() {
        let key = hot_key(keys);
        match manager.library.register(key) {
            Ok(()) => {
                manager.held.push(key);
                known.insert(key.id(), what);
            }
            Err(error) => {
                tracing::info!(%error, "a shortcut was refused");
                taken.put(what, ShortcutState::Refused { code: Code::ShortcutTaken });
            }
        }
    }
    taken
}

fn hot_key(keys: Shortcut) -> HotKey {
    let held = keys.modifiers();
    let mut modifiers = Held::empty();
    for (is_held, bit) in
        [(held.ctrl, Held::CONTROL), (held.alt, Held::ALT), (held.shift, Held::SHIFT), (held.meta, Held::META)]
    {
        if is_held {
            modifiers |= bit;
        }
    }
    HotKey::new(Some(modifiers), code(keys.key()))
}

fn code(key: Key) -> KeyCode {
    const LETTERS: [KeyCode; 26] = [
        KeyCode::KeyA,
        KeyCode::KeyB,
        KeyCode::KeyC,
        KeyCode::KeyD,
        KeyCode::KeyE,
        KeyCode::KeyF,
        KeyCode::KeyG,
        KeyCode::KeyH,
        KeyCode::KeyI,
        KeyCode::KeyJ,
        KeyCode::KeyK,
        KeyCode::KeyL,
        KeyCode::KeyM,
        KeyCode::KeyN,
        KeyCode::KeyO,
        KeyCode::KeyP,
        KeyCode::KeyQ,
        KeyCode::KeyR,
        KeyCode::KeyS,
        KeyCode::KeyT,
        KeyCode::KeyU,
        KeyCode::KeyV,
        KeyCode::KeyW,
        KeyCode::KeyX,
        KeyCode::KeyY,
        KeyCode::KeyZ,
    ];
    const DIGITS: [KeyCode; 10] = [
        KeyCode::Digit0,
        KeyCode::Digit1,
        KeyCode::Digit2,
        KeyCode::Digit3,
        KeyCode::Digit4,
        KeyCode::Digit5,
        KeyCode::Digit6,
        KeyCode::Digit7,
        KeyCode::Digit8,
        KeyCode::Digit9,
    ];
    const FUNCTIONS: [KeyCode; 24] = [
        KeyCode::F1,
        KeyCode::F2,
        KeyCode::F3,
        KeyCode::F4,
        KeyCode::F5,
        KeyCode::F6,
        KeyCode::F7,
        KeyCode::F8,
        KeyCode::F9,
        KeyCode::F10,
        KeyCode::F11,
        KeyCode::F12,
        KeyCode::F13,
        KeyCode::F14,
        KeyCode::F15,
        KeyCode::F16,
        KeyCode::F17,
        KeyCode::F18,
        KeyCode::F19,
        KeyCode::F20,
        KeyCode::F21,
        KeyCode::F22,
        KeyCode::F23,
        KeyCode::F24,
    ];
    let pick = |list: &[KeyCode], index: u8| {
        *list.get(usize::from(index)).expect("a parsed shortcut holds only keys of the list")
    };
    match key {
        Key::Letter(letter) => pick(&LETTERS, letter - b'A'),
        Key::Digit(digit) => pick(&DIGITS, digit),
        Key::Function(number) => pick(&FUNCTIONS, number - 1),
        Key::Space => KeyCode::Space,
        Key::Insert => KeyCode::Insert,
        Key::Home => KeyCode::Home,
        Key::End => KeyCode::End,
        Key::PageUp => KeyCode::PageUp,
        Key::PageDown => KeyCode::PageDown,
        Key::Pause => KeyCode::Pause,
        Key::ScrollLock => KeyCode::ScrollLock,
        Key::Convert => KeyCode::Convert,
        Key::NonConvert => KeyCode::NonConvert,
    }
}
