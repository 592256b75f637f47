//! Numbers the media thread counts and the control plane exports. Relaxed atomics; no people's data.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the media plane did since its start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Packets received.
    pub packets_in: Counter,
    /// Packets sent, everything included.
    pub packets_out: Counter,
    /// RTP packets forwarded: one per subscriber.
    pub rtp_forwarded: Counter,
    /// RTP of tracks not allowed, muted or removed.
    pub rtp_refused: Counter,
    /// RTP nobody was connected for.
    pub rtp_unsent: Counter,
    /// Packets from addresses that never proved anything.
    pub strangers: Counter,
    /// Packets over an address's allowance.
    pub over_allowance: Counter,
    /// Datagrams the system would not take.
    pub unsent: Counter,
    /// Key frames asked of publishers.
    pub key_frames_asked: Counter,
    /// Data messages lost to a congested or unopened channel.
    pub data_lost: Counter,
    /// Commands lost because the thread did not keep up.
    pub commands_lost: Counter,
    /// Events lost because the control plane did not keep up.
    pub events_lost: Counter,
    /// ICE-TCP streams refused.
    pub streams_refused: Counter,
    thread_cpu_us: AtomicU64,
}

impl Counters {
    /// CPU time of the media thread in microseconds, to the second; 0 where the system does not say.
    #[must_use]
    pub fn thread_cpu_us(&self) -> u64 {
        self.thread_cpu_us.load(Ordering::Relaxed)
    }

    pub(crate) fn note_cpu(&self, microseconds: u64) {
        self.thread_cpu_us.store(microseconds, Ordering::Relaxed);
    }
}
