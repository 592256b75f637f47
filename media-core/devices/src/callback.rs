//! Copies samples between a device and its ring.
//! Runs on the device's real-time thread: no allocation, lock, log or drop. Everything else happens in
//! `media_core::audio`, and what a callback noticed is read from its [`Switches`] by the thread that owns the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use media_core::channel::{RingReader, RingWriter};
use media_core::device::ListenPermit;
use media_core::time::MediaTime;
use protocol::policy::{Permit, Screen};

/// Samples converted at a time; any buffer is worked through in pieces of this size.
const PIECE: usize = 1024;

/// What the callback and the thread that owns the stream tell each other.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    muted: AtomicBool,
    revoked: AtomicBool,
    failed: AtomicBool,
    callbacks: AtomicU64,
}

impl Switches {
    /// From now on only silence, for ever: the device is not the one that was asked for.
    pub(crate) fn mute(&self) {
        self.muted.store(true, Ordering::Release);
    }

    /// The callback found its permit dead.
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    /// The device handed over samples of a kind it had not announced.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// See [`Switches::has_failed`].
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// How often the device called.
    pub(crate) fn callbacks(&self) -> u64 {
        self.callbacks.load(Ordering::Relaxed)
    }
}

/// Leave to take sound, asked for with every buffer: atomic loads only.
pub(crate) trait Leave {
    /// Still given?
    fn is_live(&self) -> bool;
}

impl Leave for ListenPermit {
    fn is_live(&self) -> bool {
        self.is_live()
    }
}

/// What other programs play goes with the screen.
impl Leave for Permit<Screen> {
    fn is_live(&self) -> bool {
        self.is_live()
    }
}

/// Device to ring.
pub(crate) struct Listening<L> {
    ring: RingWriter,
    permit: L,
    switches: Arc<Switches>,
    channels: usize,
    piece: [f32; PIECE],
}

impl<L: Leave> Listening<L> {
    /// A callback for a stream of `channels` interleaved channels.
    pub(crate) const fn new(ring: RingWriter, permit: L, switches: Arc<Switches>, channels: u16) -> Self {
        Self { ring, permit, switches, channels: channels as usize, piece: [0.0; PIECE] }
    }

    /// Still allowed to listen?
    #[cfg_attr(not(windows), expect(dead_code, reason = "elsewhere the owner of the stream has the permit, too"))]
    pub(crate) fn is_live(&self) -> bool {
        self.permit.is_live()
    }

    /// Nobody reads what is heard any more.
    #[cfg_attr(
        not(any(windows, target_os = "macos")),
        expect(dead_code, reason = "elsewhere the owner of the stream does not ask")
    )]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Takes what the device heard. With a dead permit, or muted, silence of the same length goes into the ring.
    pub(crate) fn hear<S: Copy>(&mut self, samples: &[S], convert: impl Fn(S) -> f32) {
        let silent = self.called(samples.len());
        let step = PIECE - PIECE % self.channels.max(1);
        for part in samples.chunks(step) {
            let piece = &mut self.piece[..part.len()];
            if silent {
                piece.fill(0.0);
            } else {
                for (to, from) in piece.iter_mut().zip(part) {
                    *to = convert(*from);
                }
            }
            write_frames(&mut self.ring, piece, self.channels);
        }
    }

    /// The same for a stereo device that keeps its channels apart.
    #[cfg_attr(not(any(test, target_os = "macos")), expect(dead_code, reason = "only ScreenCaptureKit does"))]
    pub(crate) fn hear_apart(&mut self, left: &[f32], right: &[f32]) {
        let silent = self.called(left.len() + right.len());
        for (left, right) in left.chunks(PIECE / 2).zip(right.chunks(PIECE / 2)) {
            let piece = &mut self.piece[..2 * left.len().min(right.len())];
            for (to, (left, right)) in piece.as_chunks_mut().0.iter_mut().zip(left.iter().zip(right)) {
                *to = if silent { [0.0, 0.0] } else { [*left, *right] };
            }
            write_frames(&mut self.ring, piece, 2);
        }
    }

    /// Notes a call; is nothing to be heard?
    fn called(&mut self, samples: usize) -> bool {
        self.switches.callbacks.fetch_add(1, Ordering::Relaxed);
        self.ring.called(MediaTime::of(Instant::now()), samples);
        let live = self.permit.is_live();
        if !live {
            self.switches.revoked.store(true, Ordering::Release);
        }
        !live || self.switches.muted.load(Ordering::Acquire)
    }
}

/// Only whole frames may go in, or the channels of all later samples change places.
fn write_frames(ring: &mut RingWriter, piece: &[f32], channels: usize) {
    let room = ring.room();
    if room >= piece.len() || channels <= 1 {
        ring.write(piece);
    } else {
        ring.write(&piece[..room - room % channels]);
    }
}

/// Ring to device.
pub(crate) struct Speaking {
    ring: RingReader,
    switches: Arc<Switches>,
    channels: usize,
    piece: [f32; PIECE],
}

impl Speaking {
    /// A callback for a stream of `channels` interleaved channels.
    pub(crate) const fn new(ring: RingReader, switches: Arc<Switches>, channels: u16) -> Self {
        Self { ring, switches, channels: channels as usize, piece: [0.0; PIECE] }
    }

    /// Gives the device what it wants to play; where the ring is empty, silence.
    pub(crate) fn speak<S: Copy>(&mut self, samples: &mut [S], convert: impl Fn(f32) -> S) {
        self.switches.callbacks.fetch_add(1, Ordering::Relaxed);
        self.ring.called(MediaTime::of(Instant::now()), samples.len());
        let channels = self.channels.max(1);
        let step = PIECE - PIECE % channels;
        for part in samples.chunks_mut(step) {
            let waiting = self.ring.waiting();
            let whole = (waiting - waiting % channels).min(part.len());
            let piece = &mut self.piece[..part.len()];
            let got = self.ring.read(&mut piece[..whole]);
            piece[got..].fill(0.0);
            for (to, from) in part.iter_mut().zip(piece) {
                *to = convert(from.clamp(-1.0, 1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests;
