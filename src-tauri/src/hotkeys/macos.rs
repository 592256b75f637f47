//! macOS: asks the keyboard whether a key is down. Reads the state of one key that was chosen; watches nothing.

use objc2_core_graphics::{CGEventSource, CGEventSourceStateID};
use protocol::shortcut::Shortcut;

use super::super::mac_key;

/// By the hardware's own word; `None` for a key that a Mac does not have.
pub(in super::super) fn really_down(keys: Shortcut) -> Option<bool> {
    let code = mac_key::code(keys.key())?;
    Some(CGEventSource::key_state(CGEventSourceStateID::HIDSystemState, code))
}
