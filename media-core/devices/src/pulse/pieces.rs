//! How small the pieces are in which the sound server fetches what a speaker plays. Small pieces bring sound sooner; a busy
//! machine does not keep up with them, and says so. Pure: told when the server found nothing to play.

use std::time::{Duration, Instant};

use super::RATE;

/// Frames in a piece: 2.5 ms, 5 ms, 10 ms.
const PIECES: [u32; 3] = [RATE / 400, RATE / 200, RATE / 100];
/// A stream that begins has nothing to play at first, and that is no trouble.
const BEGINNING: Duration = Duration::from_secs(1);
/// So often within [`SPAN`] the server may find nothing.
const BEARABLE: u32 = 3;
/// See [`BEARABLE`].
const SPAN: Duration = Duration::from_secs(20);

/// The pieces of one stream. They grow where the machine is too busy, and do not shrink again: what was heard once as a
/// crackle would be heard again.
#[derive(Debug)]
pub(super) struct Pieces {
    step: usize,
    since: Instant,
    dry: u32,
    first_dry: Option<Instant>,
}

impl Pieces {
    /// The smallest, for a stream that begins.
    pub(super) const fn new(now: Instant) -> Self {
        Self { step: 0, since: now, dry: 0, first_dry: None }
    }

    /// Frames in one.
    pub(super) const fn frames(&self) -> u32 {
        PIECES[self.step]
    }

    /// The server found nothing to play. Answers whether the pieces are longer from now on.
    pub(super) fn ran_dry(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) < BEGINNING {
            return false;
        }
        if self.first_dry.is_none_or(|first| now.saturating_duration_since(first) > SPAN) {
            self.first_dry = Some(now);
            self.dry = 0;
        }
        self.dry += 1;
        if self.dry < BEARABLE || self.step + 1 == PIECES.len() {
            return false;
        }
        *self = Self { step: self.step + 1, ..Self::new(now) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_where_the_server_finds_nothing_again_and_again() {
        let begin = Instant::now();
        let mut pieces = Pieces::new(begin);
        assert!(!pieces.ran_dry(begin + Duration::from_millis(100)), "it only begins");
        let mut now = begin;
        let mut seen = vec![pieces.frames()];
        for _ in 0..30 {
            now += Duration::from_secs(2);
            if pieces.ran_dry(now) {
                seen.push(pieces.frames());
            }
        }
        assert_eq!(seen, [120, 240, 480], "and there they stay");
    }

    #[test]
    fn a_rare_hold_up_changes_nothing() {
        let begin = Instant::now();
        let mut pieces = Pieces::new(begin);
        for minute in 1..60 {
            assert!(!pieces.ran_dry(begin + Duration::from_secs(60 * minute)));
        }
        assert_eq!(pieces.frames(), 120);
    }
}
