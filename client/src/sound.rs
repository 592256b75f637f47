//! The audio engine's thread: ticks every 10 ms, sends what it made, tells the session the rest.
//! It waits for nothing but its tick and owns no device; those are opened by the session's helpers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use media_core::audio::{AudioEngine, AudioInput, AudioOutput, AudioStats, LocalAudio, MAILBOX};
use media_core::channel::{MailboxSender, mailbox};
use media_core::time::MediaTime;

use crate::transport::{Lane, Outlet};

/// Between ticks while the engine has not said when it wants the next.
const TICK: Duration = Duration::from_millis(10);
/// How often the log hears how the sound fares.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The process's media time line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaClock(());

impl MediaClock {
    /// Starts it, unless a device did.
    pub(crate) fn start() -> Self {
        let _ = MediaTime::of(Instant::now());
        Self(())
    }

    /// Now.
    pub(crate) fn now(self) -> MediaTime {
        self.at(Instant::now())
    }

    /// An instant on the time line.
    pub(crate) fn at(self, instant: Instant) -> MediaTime {
        MediaTime::of(instant)
    }
}

/// The running engine. Dropping the last clone of its mailbox ends the thread.
#[derive(Clone)]
pub(crate) struct Sound {
    inputs: MailboxSender<AudioInput>,
}

impl Sound {
    /// Starts the thread. `hasten` makes it urgent, called from it. `tell` gets everything but frames, `None` when the engine panicked; it must not block.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        clock: MediaClock,
        outlet: Outlet,
        hasten: impl FnOnce() + Send + 'static,
        tell: impl Fn(Option<AudioOutput>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (inputs, orders) = mailbox(MAILBOX);
        std::thread::Builder::new().name("sound".to_owned()).spawn(move || {
            hasten();
            let ran = catch_unwind(AssertUnwindSafe(|| run(AudioEngine::new(orders), clock, &outlet, &tell)));
            if ran.is_err() {
                tracing::error!("the audio engine panicked");
                tell(None);
            }
        })?;
        Ok(Self { inputs })
    }

    /// Gives an order; `false` when the engine is gone or hopelessly behind.
    pub(crate) fn order(&self, input: AudioInput) -> bool {
        self.inputs.send(input).is_ok()
    }
}

fn run(mut engine: AudioEngine, clock: MediaClock, outlet: &Outlet, tell: &impl Fn(Option<AudioOutput>)) {
    let mut told = clock.now();
    while engine.tick(clock.now()) {
        if clock.now().since(told) >= TELL_EVERY {
            told = clock.now();
            tell_log(&engine.stats());
        }
        while let Some(output) = engine.poll() {
            match output {
                AudioOutput::Frame(local, frame) => {
                    let lane = match local {
                        LocalAudio::Microphone => Lane::Microphone,
                        LocalAudio::Megaphone => Lane::Megaphone,
                        LocalAudio::Screen => Lane::ScreenSound,
                    };
                    // Without a connection sound is lost, as it must be.
                    if !outlet.send(lane, frame) {
                        tracing::trace!(?lane, "a frame of sound was lost");
                    }
                }
                other => tell(Some(other)),
            }
        }
        // Until exactly when the engine wants its next block: a beat of our own would drift against it, and a block that
        // is missed by a hair is a block late.
        let wait = engine.next_tick().map_or(TICK, |due| due.since(clock.now()));
        std::thread::sleep(wait);
    }
}

/// For whoever looks into a complaint: where sound waits, and where it was lost.
fn tell_log(stats: &AudioStats) {
    tracing::debug!(
        skipped_blocks = stats.skipped_blocks,
        capture_waiting = ?stats.capture_waiting,
        capture_underruns = stats.capture_underruns,
        capture_lost = stats.capture_lost,
        speaker_waiting = ?stats.speaker_waiting,
        speaker_underruns = stats.speaker_underruns,
        "sound"
    );
    for (_, remote) in &stats.remotes {
        tracing::debug!(?remote, "remote sound");
    }
}
