//! A remote sound that nobody hears just now: its packets are taken in their turn and not decoded, and the last few are
//! kept so that the decoder can catch up at once. Pure and bounded.

use bytes::Bytes;

use super::opus::Decoder;
use super::player::Decode;
use crate::frame::BLOCK;
use crate::receive::jitter::Next;

/// Packets decoded unheard before the first one that is heard: a decoder builds on the sound before, and what it remembers
/// of another time has faded by then.
const CATCHES_UP: usize = 3;

/// What was not decoded.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    on: bool,
    /// The newest last; those before the first are empty.
    last: [Bytes; CATCHES_UP],
}

impl Skipped {
    /// From now on nothing is decoded.
    pub(super) fn begin(&mut self) {
        self.on = true;
    }

    /// Is nothing decoded?
    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// Lets a turn pass; answers how many samples of silence stand for it.
    pub(super) fn skip(&mut self, next: Next) -> usize {
        match next {
            Next::Packet(payload) => {
                let samples = Decoder::samples(&payload).unwrap_or(2 * BLOCK);
                self.last.rotate_left(1);
                if let Some(last) = self.last.last_mut() {
                    *last = payload;
                }
                samples
            }
            Next::Restore { samples, .. } | Next::Conceal(samples) => samples.max(1),
            Next::Silence => BLOCK,
        }
    }

    /// From now on everything is decoded again.
    pub(super) fn catch_up(&mut self, decoder: &mut impl Decode) {
        if !std::mem::take(&mut self.on) {
            return;
        }
        for payload in &mut self.last {
            let payload = std::mem::take(payload);
            if !payload.is_empty()
                && let Err(error) = decoder.decode(&payload)
            {
                tracing::trace!(%error, "a packet that was not heard was none");
            }
        }
    }
}

#[cfg(test)]
mod tests;
