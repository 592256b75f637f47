//! The audio engine's thread: ticks every 10 ms, sends what it made, tells the session the rest.
//! It waits for nothing but its tick and owns no device; those are opened by the session's helpers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use media_core::audio::{AudioEngine, AudioInput, AudioOutput, LocalAudio, MAILBOX};
use media_core::channel::{MailboxSender, mailbox};
use media_core::time::MediaTime;

use crate::transport::{Lane, Outlet};

const TICK: Duration = Duration::from_millis(10);

/// The process's media time line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaClock(Instant);

impl MediaClock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub(crate) fn now(self) -> MediaTime {
        self.at(Instant::now())
    }

    /// An instant on the time line.
    pub(crate) fn at(self, instant: Instant) -> MediaTime {
        let since = instant.saturating_duration_since(self.0);
        MediaTime::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// The running engine. Dropping the last clone of its mailbox ends the thread.
#[derive(Clone)]
pub(crate) struct Sound {
    inputs: MailboxSender<AudioInput>,
}

impl Sound {
    /// Starts the thread. `tell` gets everything but frames, `None` when the engine panicked; it must not block.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        clock: MediaClock,
        outlet: Outlet,
        tell: impl Fn(Option<AudioOutput>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (inputs, orders) = mailbox(MAILBOX);
        std::thread::Builder::new().name("sound".to_owned()).spawn(move || {
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
    let mut next = Instant::now();
    while engine.tick(clock.now()) {
        while let Some(output) = engine.poll() {
            match output {
                AudioOutput::Frame(local, frame) => {
                    let lane = match local {
                        LocalAudio::Microphone => Lane::Microphone,
                        LocalAudio::Megaphone => Lane::Megaphone,
                    };
                    // Without a connection sound is lost, as it must be.
                    if !outlet.send(lane, frame) {
                        tracing::trace!(?lane, "a frame of sound was lost");
                    }
                }
                other => tell(Some(other)),
            }
        }
        next += TICK;
        let now = Instant::now();
        match next.checked_duration_since(now) {
            Some(wait) => std::thread::sleep(wait),
            // The engine makes up for late ticks by itself; what must not happen is a burst of them.
            None => next = now,
        }
    }
}
