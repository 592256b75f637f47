//! Numbers the media thread counts and the control plane exports. Relaxed atomics; no people's data.

use std::fmt::Write as _;
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

macro_rules! counters {
    ($($name:ident: $help:literal,)*) => {
        /// What the media plane did since its start.
        #[derive(Debug, Default)]
        pub struct Counters {
            $(#[doc = $help] pub $name: Counter,)*
            thread_cpu_us: AtomicU64,
        }

        impl Counters {
            /// As Prometheus text, version 0.0.4; every name begins with `shoji_media_`.
            #[must_use]
            pub fn text(&self) -> String {
                let mut text = String::with_capacity(2048);
                let numbers = [
                    $((concat!("shoji_media_", stringify!($name), "_total"), $help, self.$name.value()),)*
                    ("shoji_media_cpu_microseconds_total", "CPU time of the media thread.", self.thread_cpu_us()),
                ];
                for (name, help, value) in numbers {
                    writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}")
                        .expect("writing into a String cannot fail");
                }
                text
            }
        }
    };
}

counters! {
    packets_in: "Packets received.",
    packets_out: "Packets sent, everything included.",
    rtp_forwarded: "RTP packets forwarded: one per subscriber.",
    rtp_refused: "RTP of tracks not allowed, muted or removed.",
    rtp_unsent: "RTP nobody was connected for.",
    strangers: "Packets from addresses that never proved anything.",
    over_allowance: "Packets over an address's allowance.",
    unsent: "Datagrams the system would not take.",
    key_frames_asked: "Key frames asked of publishers.",
    data_lost: "Data messages lost to a congested or unopened channel.",
    commands_lost: "Commands lost because the thread did not keep up.",
    events_lost: "Events lost because the control plane did not keep up.",
    streams_refused: "ICE-TCP streams refused.",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_can_see_what_was_refused() {
        let counters = Counters::default();
        counters.rtp_refused.add(7);
        let text = counters.text();
        assert!(
            text.contains("# TYPE shoji_media_rtp_refused_total counter\nshoji_media_rtp_refused_total 7\n"),
            "{text}"
        );
    }
}
