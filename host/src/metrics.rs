//! Counters and gauges of one host, written as Prometheus text.
//! Lock-free; anyone may count. No label ever holds a person, a room or an address. The format is a dozen lines
//! (https://prometheus.io/docs/instrumenting/exposition_formats/), less than wiring up a client library's registry.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident: $kind:literal $help:literal,)*) => {
        /// All of them.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: Number,)*
        }

        impl Metrics {
            /// The exposition format, version 0.0.4.
            #[must_use]
            pub fn text(&self) -> String {
                let mut text = String::with_capacity(2048);
                $(
                    let name = concat!("shoji_", stringify!($name));
                    writeln!(text, "# HELP {name} {}\n# TYPE {name} {}\n{name} {}", $help, $kind, self.$name.read())
                        .expect("writing into a String cannot fail");
                )*
                text
            }
        }
    };
}

metrics! {
    /// TCP connections open now.
    connections: "gauge" "TCP connections open now",
    /// TCP connections taken.
    connections_total: "counter" "TCP connections taken",
    /// Connections refused by a limit.
    connections_refused_total: "counter" "TCP connections refused by a limit",
    /// TLS handshakes that failed.
    tls_failed_total: "counter" "TLS handshakes that failed",
    /// Requests that were not HTTP, too large or too slow.
    bad_requests_total: "counter" "Requests that were malformed, too large or too slow",
    /// Tokens refused.
    tokens_refused_total: "counter" "Join tokens refused",
    /// Entries refused on the office channel.
    entries_refused_total: "counter" "Entries refused on the office channel",
    /// People in rooms now.
    people: "gauge" "People in rooms now",
    /// LiveKit sessions now.
    sessions: "gauge" "Signalling sessions now",
    /// Full joins.
    joins_total: "counter" "Full joins",
    /// Resumed sessions.
    resumes_total: "counter" "Resumed sessions",
    /// Live tracks now.
    tracks: "gauge" "Live tracks now",
    /// Tracks refused by rights.
    tracks_refused_total: "counter" "Tracks refused by rights or limits",
    /// Messages refused: malformed, out of order or too many.
    messages_refused_total: "counter" "Messages refused as malformed, out of order or too many",
    /// Writes the store failed to keep.
    store_failures_total: "counter" "Writes the store failed to keep",
}

/// One number.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// One more.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less; never below zero.
    pub fn down(&self) {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_sub(1)))
            .expect("the closure always answers");
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Exactly this many.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// How many.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_help_type_and_value_for_each() {
        let metrics = Metrics::default();
        metrics.joins_total.up();
        metrics.people.down();
        let text = metrics.text();
        assert!(text.contains("# TYPE shoji_joins_total counter\nshoji_joins_total 1\n"), "{text}");
        assert!(text.contains("shoji_people 0\n"), "{text}");
    }
}
