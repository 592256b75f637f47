//! Finds NAL units in an H.264 byte stream (ITU-T H.264 Annex B).
//! Pure functions over bytes from outside: no panic for any input, no allocation.

/// The long start code; the only one we write.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Where one NAL unit lies: `start` is its header byte, `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nal {
    /// Index of the header byte.
    pub start: usize,
    /// Index after its last byte.
    pub end: usize,
}

impl Nal {
    /// Its type (lower five bits of the header); `None` when it is empty.
    #[must_use]
    pub fn kind(self, stream: &[u8]) -> Option<u8> {
        (self.start < self.end).then(|| stream[self.start] & 0x1F)
    }
}

/// Every NAL unit, in order. Zero bytes before a start code belong to that start code; zeros at the end of the stream
/// belong to the last unit (a sealed frame may end with one).
pub fn nals(stream: &[u8]) -> impl Iterator<Item = Nal> + '_ {
    let mut next = find_code(stream, 0);
    std::iter::from_fn(move || {
        let start = next? + 3;
        next = find_code(stream, start);
        let mut end = next.unwrap_or(stream.len());
        if next.is_some() {
            // The fourth byte of a long start code, and trailing_zero_8bits.
            while end > start && stream[end - 1] == 0 {
                end -= 1;
            }
        }
        Some(Nal { start, end })
    })
}

/// Whether an access unit can be decoded without an earlier one.
#[must_use]
pub fn is_key(stream: &[u8]) -> bool {
    nals(stream).any(|nal| nal.kind(stream) == Some(5))
}

/// Index of the next 00 00 01 at or after `from`.
fn find_code(stream: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at + 3 <= stream.len() {
        // Step by what the third byte allows, as every fast scanner does.
        match stream[at + 2] {
            0 => at += 1,
            1 if stream[at] == 0 && stream[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}
