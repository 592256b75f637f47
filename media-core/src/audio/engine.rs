//! Owns all sound. Runs on the audio engine's one thread; pure: time is passed in, nothing waits.

use super::{AudioInput, AudioOutput, AudioStats};
use crate::channel::MailboxReader;
use crate::time::MediaTime;

/// All sound of one person, driven by [`AudioEngine::tick`].
pub struct AudioEngine {
    inputs: MailboxReader<AudioInput>,
}

impl AudioEngine {
    /// An engine with no device and no track, that takes its orders from the mailbox.
    #[must_use]
    pub const fn new(inputs: MailboxReader<AudioInput>) -> Self {
        Self { inputs }
    }

    /// Does what is due at `now`: call about every 10 ms. `false` when every sender of the mailbox is gone.
    pub fn tick(&mut self, now: MediaTime) -> bool {
        let _ = now;
        !matches!(self.inputs.take(std::time::Duration::ZERO), crate::channel::Taken::Ended)
    }

    /// What is to be done outside, until `None`.
    pub const fn poll(&mut self) -> Option<AudioOutput> {
        None
    }

    /// Counters and measures.
    #[must_use]
    pub fn stats(&self) -> AudioStats {
        AudioStats::default()
    }
}
