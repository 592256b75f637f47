//! Which key of a Mac's keyboard a shortcut means: the virtual key codes of Carbon (`HIToolbox/Events.h`), by place on an
//! American keyboard, as the library takes them. Values only; used to ask whether the key is still down.

use protocol::shortcut::Key;

/// A to Z.
const LETTERS: [u16; 26] = [
    0x00, 0x0B, 0x08, 0x02, 0x0E, 0x03, 0x05, 0x04, 0x22, 0x26, 0x28, 0x25, 0x2E, 0x2D, 0x1F, 0x23, 0x0C, 0x0F, 0x01,
    0x11, 0x20, 0x09, 0x0D, 0x07, 0x10, 0x06,
];
/// 0 to 9.
const DIGITS: [u16; 10] = [0x1D, 0x12, 0x13, 0x14, 0x15, 0x17, 0x16, 0x1A, 0x1C, 0x19];
/// F1 to F20; there are no more.
const FUNCTIONS: [u16; 20] = [
    0x7A, 0x78, 0x63, 0x76, 0x60, 0x61, 0x62, 0x64, 0x65, 0x6D, 0x67, 0x6F, 0x69, 0x6B, 0x71, 0x6A, 0x40, 0x4F, 0x50,
    0x5A,
];

/// The key's number; `None` for keys that a Mac does not have.
pub(super) fn code(key: Key) -> Option<u16> {
    match key {
        Key::Letter(letter) => LETTERS.get(usize::from(letter.checked_sub(b'A')?)).copied(),
        Key::Digit(digit) => DIGITS.get(usize::from(digit)).copied(),
        Key::Function(number) => FUNCTIONS.get(usize::from(number.checked_sub(1)?)).copied(),
        Key::Space => Some(0x31),
        Key::Insert => Some(0x72),
        Key::Home => Some(0x73),
        Key::End => Some(0x77),
        Key::PageUp => Some(0x74),
        Key::PageDown => Some(0x79),
        Key::Pause | Key::ScrollLock | Key::Convert | Key::NonConvert => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_is_another_one() {
        let letters = (b'A'..=b'Z').map(Key::Letter);
        let digits = (0..=9).map(Key::Digit);
        let functions = (1..=20).map(Key::Function);
        let named = [Key::Space, Key::Insert, Key::Home, Key::End, Key::PageUp, Key::PageDown];
        let codes: Vec<u16> = letters.chain(digits).chain(functions).chain(named).filter_map(code).collect();
        assert_eq!(codes.len(), 26 + 10 + 20 + 6);
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        assert!(codes.iter().all(|code| *code < 0x80));
        // From Apple's header: kVK_ANSI_M, kVK_ANSI_0, kVK_F8.
        assert_eq!(
            [Key::Letter(b'M'), Key::Digit(0), Key::Function(8)].map(code),
            [Some(0x2E), Some(0x1D), Some(0x64)]
        );
    }

    #[test]
    fn keys_that_a_mac_lacks_have_no_number() {
        for key in [Key::Pause, Key::Convert, Key::Function(21), Key::Function(24)] {
            assert_eq!(code(key), None);
        }
    }
}
