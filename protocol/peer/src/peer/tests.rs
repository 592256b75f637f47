//! Two peers, wired in memory, in virtual time: what they promise each other on good, lossy and hostile paths.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::*;
use crate::media::{Delivery, LocalCandidate, RtpOut, SenderSpec};

mod hostile;
mod media;
mod negotiation;
mod pictures;

/// A seeded path between two peers: 5 ms each way, drops what the caller's dice say.
struct Path {
    now: Instant,
    left: Peer,
    right: Peer,
    /// (arrival, order) -> (to the right?, packet)
    air: BTreeMap<(Instant, u64), (bool, Transmit)>,
    order: u64,
    seed: u64,
    loss_percent: u64,
    left_events: Vec<Event>,
    right_events: Vec<Event>,
    packets: usize,
}

const LEFT: &str = "10.0.0.1:4000";
const RIGHT: &str = "10.0.0.2:5000";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Path {
    /// `left` sends media, `right` receives.
    fn new() -> Self {
        Self::with(PeerConfig::new(Flow::Send), PeerConfig::new(Flow::Receive), Protocol::Udp)
    }

    fn with(left: PeerConfig, right: PeerConfig, protocol: Protocol) -> Self {
        #[expect(clippy::disallowed_methods, reason = "an origin for virtual time; `Instant` has no other")]
        let now = Instant::now();
        let mut left = Peer::new(left, now).unwrap();
        let mut right = Peer::new(right, now).unwrap();
        let (of_left, of_right) = match protocol {
            Protocol::Udp => (LocalCandidate::Udp(addr(LEFT)), LocalCandidate::Udp(addr(RIGHT))),
            Protocol::Tcp => (LocalCandidate::TcpActive(addr(LEFT)), LocalCandidate::TcpPassive(addr(RIGHT))),
        };
        let of_left = left.add_local_candidate(of_left).unwrap();
        let of_right = right.add_local_candidate(of_right).unwrap();
        right.add_remote_candidate(&of_left).unwrap();
        left.add_remote_candidate(&of_right).unwrap();
        Self {
            now,
            left,
            right,
            air: BTreeMap::new(),
            order: 0,
            seed: 7,
            loss_percent: 0,
            left_events: vec![],
            right_events: vec![],
            packets: 0,
        }
    }

    fn dice(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }

    fn negotiate(&mut self) {
        let offer = self.left.create_offer(false, self.now).unwrap();
        let answer = self.right.accept_offer(&offer, self.now).unwrap();
        self.left.set_answer(&answer, self.now).unwrap();
    }

    fn drain(&mut self) {
        while let Some(event) = self.left.poll_event() {
            self.left_events.push(event);
        }
        while let Some(event) = self.right.poll_event() {
            self.right_events.push(event);
        }
        while let Some(packet) = self.left.poll_transmit() {
            self.send(true, packet);
        }
        while let Some(packet) = self.right.poll_transmit() {
            self.send(false, packet);
        }
    }

    fn send(&mut self, to_right: bool, packet: Transmit) {
        self.packets += 1;
        if self.dice() % 100 < self.loss_percent {
            return;
        }
        self.order += 1;
        self.air.insert((self.now + Duration::from_millis(5), self.order), (to_right, packet));
    }

    /// Lets virtual time pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.drain();
            let packet = self.air.keys().next().map(|(at, _)| *at);
            let timers = [self.left.poll_timeout(), self.right.poll_timeout()];
            let next = timers.into_iter().flatten().chain(packet).min().unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            // A timer in the past must not stop the clock.
            self.now = next.max(self.now + Duration::from_micros(100));
            while let Some(entry) = self.air.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (to_right, packet) = entry.remove();
                let datagram = Datagram {
                    now: self.now,
                    protocol: packet.protocol,
                    local: packet.remote,
                    remote: packet.local,
                    bytes: packet.bytes,
                };
                if to_right { self.right.handle(datagram) } else { self.left.handle(datagram) }
            }
            self.left.handle_timeout(self.now);
            self.right.handle_timeout(self.now);
        }
    }

    fn connect(&mut self) {
        self.negotiate();
        self.run(Duration::from_secs(2));
        assert!(self.left.is_connected() && self.right.is_connected(), "{:?} {:?}", self.left, self.right);
    }

    fn sender(&mut self, track_id: &str, codec: Codec) -> SenderId {
        let spec = SenderSpec { track_id: track_id.into(), stream_id: "stream".into(), codec };
        self.left.add_sender(spec).unwrap()
    }

    fn write(&mut self, sender: SenderId, sequence: u16, payload: &[u8]) -> Result<(), PeerError> {
        let packet = RtpOut {
            marker: true,
            sequence,
            timestamp: u32::from(sequence) * 960,
            audio_level: Some(20),
            red: false,
            payload: Bytes::copy_from_slice(payload),
        };
        self.left.write_rtp(sender, packet, self.now)
    }

    fn received(&self) -> Vec<&RtpIn> {
        self.right_events
            .iter()
            .filter_map(|event| if let Event::Rtp(packet) = event { Some(packet) } else { None })
            .collect()
    }

    fn tracks(&self) -> Vec<&RemoteTrack> {
        self.right_events
            .iter()
            .filter_map(|event| if let Event::TrackAdded(track) = event { Some(track) } else { None })
            .collect()
    }
}
