//! Sequence numbers and timestamps of one subscriber's copy of a track: one unbroken stream, whatever the source does.
//! A gap in what we send would be asked for again by every subscriber; a jump in time would stall their jitter buffers.

use std::time::{Duration, Instant};

use peer::RtpIn;

/// Where a subscriber's copy stands.
#[derive(Debug, Default)]
pub struct Rewrite {
    source: Option<Source>,
    /// Newest (sequence, timestamp, time) sent.
    last: Option<(u16, u32, Instant)>,
}

#[derive(Debug, Clone, Copy)]
struct Source {
    ssrc: u32,
    sequence_shift: u16,
    timestamp_shift: u32,
    /// First input sequence number of this source; earlier ones belong to a time we did not forward.
    first: u16,
    newest: u16,
}

impl Rewrite {
    /// Whether packets of this SSRC continue the stream.
    #[must_use]
    pub fn follows(&self, ssrc: u32) -> bool {
        self.source.is_some_and(|source| source.ssrc == ssrc)
    }

    /// The next packet starts anew behind what was sent (after a mute, a pause, a switch).
    pub fn detach(&mut self) {
        self.source = None;
    }

    /// The SSRC followed now.
    #[must_use]
    pub fn ssrc(&self) -> Option<u32> {
        self.source.map(|source| source.ssrc)
    }

    /// Maps a packet; `None` drops it: from before the source was taken, or padding.
    pub fn map(&mut self, packet: &RtpIn, now: Instant) -> Option<(u16, u32)> {
        let clock_rate = packet.codec.clock_rate();
        self.place(packet.ssrc, packet.sequence, packet.timestamp, clock_rate, packet.payload.is_empty(), now)
    }

    fn place(
        &mut self,
        ssrc: u32,
        sequence: u16,
        timestamp: u32,
        clock_rate: u32,
        empty: bool,
        now: Instant,
    ) -> Option<(u16, u32)> {
        if !self.follows(ssrc) {
            self.attach(ssrc, sequence, timestamp, clock_rate, now);
        }
        let source = self.source.as_mut()?;
        if ahead(source.first, sequence) {
            return None;
        }
        let newer = sequence == source.first || ahead(sequence, source.newest);
        if empty {
            // Padding takes no number, if it is the newest; later numbers move down by one.
            if newer {
                source.sequence_shift = source.sequence_shift.wrapping_sub(1);
                source.newest = sequence;
                // What came before it was numbered with the old shift: too late now.
                source.first = sequence.wrapping_add(1);
            }
            return None;
        }
        if newer {
            source.newest = sequence;
        }
        let mapped = (sequence.wrapping_add(source.sequence_shift), timestamp.wrapping_add(source.timestamp_shift));
        if self.last.is_none_or(|(last, _, _)| ahead(mapped.0, last)) {
            self.last = Some((mapped.0, mapped.1, now));
        }
        Some(mapped)
    }

    fn attach(&mut self, ssrc: u32, sequence: u16, timestamp: u32, clock_rate: u32, now: Instant) {
        let (next, time) = match self.last {
            Some((last, time, at)) => {
                let passed = ticks(now.saturating_duration_since(at), clock_rate).max(1);
                (last.wrapping_add(1), time.wrapping_add(passed))
            }
            None => (sequence, timestamp),
        };
        self.source = Some(Source {
            ssrc,
            sequence_shift: next.wrapping_sub(sequence),
            timestamp_shift: time.wrapping_sub(timestamp),
            first: sequence,
            newest: sequence,
        });
    }
}

/// `a` comes after `b` (RFC 1982).
fn ahead(a: u16, b: u16) -> bool {
    a != b && a.wrapping_sub(b) < 0x8000
}

fn ticks(time: Duration, clock_rate: u32) -> u32 {
    let ticks = time.as_micros() * u128::from(clock_rate) / 1_000_000;
    u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: u32 = 90_000;

    #[test]
    fn a_source_passes_unchanged_and_in_any_order() {
        let now = Instant::now();
        let mut copy = Rewrite::default();
        for sequence in [65_534_u16, 65_535, 1, 0, 2] {
            assert_eq!(copy.place(1, sequence, 7, VIDEO, false, now), Some((sequence, 7)));
        }
    }

    #[test]
    fn a_switch_leaves_no_gap_and_time_goes_on() {
        let now = Instant::now();
        let mut copy = Rewrite::default();
        copy.place(1, 100, 1000, VIDEO, false, now);
        let later = now + Duration::from_millis(100);
        assert_eq!(copy.place(2, 9000, 555, VIDEO, false, later), Some((101, 10_000)));
        assert_eq!(copy.place(2, 9001, 555, VIDEO, false, later), Some((102, 10_000)));
        assert_eq!(copy.place(2, 8999, 555, VIDEO, false, later), None, "from before the switch");
    }

    #[test]
    fn a_pause_leaves_no_gap() {
        let now = Instant::now();
        let mut copy = Rewrite::default();
        copy.place(1, 100, 1000, 48_000, false, now);
        copy.detach();
        let later = now + Duration::from_secs(1);
        assert_eq!(copy.place(1, 150, 49_000, 48_000, false, later), Some((101, 49_000)));
    }

    #[test]
    fn padding_takes_no_number() {
        let now = Instant::now();
        let mut copy = Rewrite::default();
        assert_eq!(copy.place(1, 10, 5, VIDEO, false, now), Some((10, 5)));
        assert_eq!(copy.place(1, 11, 5, VIDEO, true, now), None);
        assert_eq!(copy.place(1, 12, 6, VIDEO, false, now), Some((11, 6)));
    }
}
