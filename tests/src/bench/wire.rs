//! A connection in virtual time, for the benches: both ends are the real ones (ICE, DTLS, SRTP, reports, asking for lost packets
//! again), only the network between them is made up. No socket, no clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use media_core::frame::AudioLevel;
use media_core::rtp::Packet;
use media_core::testing::{LossyNetwork, Weather};
use media_core::time::MediaTime;
use peer::{
    Codec, Datagram, Event, Flow, LocalCandidate, Peer, PeerConfig, Protocol, RtpOut, SenderId, SenderSpec, Transmit,
};

/// IPv4 and UDP.
const HEADERS: usize = 20 + 8;
/// Both ends are connected by then, however long the way.
const CONNECTED: MediaTime = MediaTime::from_micros(900_000);
/// The longest ways take a moment for that, which does not count.
const PRELUDE: Duration = Duration::from_secs(9);
/// How often the sender looks at how it fares.
const QUALITY_EVERY: Duration = Duration::from_secs(2);
/// No weather here is so bad that the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(600);
const SENDS: &str = "10.0.0.1:4000";
const RECEIVES: &str = "10.0.0.2:5000";

/// One end sends sound to the other.
pub(super) struct Wire {
    origin: Instant,
    sends: Peer,
    receives: Peer,
    sender: SenderId,
    there: LossyNetwork<Bytes>,
    back: LossyNetwork<Bytes>,
    sent: usize,
    resent: f32,
    next_quality: MediaTime,
}

impl Wire {
    /// Connected over a way that is as long, where nothing is lost; then this is the weather, there and back.
    pub(super) fn new(weather: Weather, back: Weather, seed: u64) -> anyhow::Result<Self> {
        let origin = Instant::now();
        let patient = |flow| PeerConfig { disconnected_after: PATIENCE, ..PeerConfig::new(flow) };
        let mut sends = Peer::new(patient(Flow::Send), origin)?;
        // As a host's.
        let host = PeerConfig { red: true, assume_sound_nack: true, ..patient(Flow::Receive) };
        let mut receives = Peer::new(host, origin)?;
        let of_sends = sends.add_local_candidate(LocalCandidate::Udp(SENDS.parse()?))?;
        let of_receives = receives.add_local_candidate(LocalCandidate::Udp(RECEIVES.parse()?))?;
        receives.add_remote_candidate(&of_sends)?;
        sends.add_remote_candidate(&of_receives)?;
        let spec = SenderSpec { track_id: "microphone".into(), stream_id: "-".into(), codec: Codec::Opus };
        let sender = sends.add_sender(spec)?;
        let offer = sends.create_offer(false, origin)?;
        let answer = receives.accept_offer(&offer, origin)?;
        sends.set_answer(&answer, origin)?;
        let long =
            |seed, Weather { delay, jitter, .. }| LossyNetwork::new(seed, Weather { delay, jitter, ..Weather::CLEAR });
        let (there, back_air) = (long(seed, weather), long(seed ^ 0x5a5a, back));
        let next_quality = CONNECTED;
        let mut wire =
            Self { origin, sends, receives, sender, there, back: back_air, sent: 0, resent: 0.0, next_quality };
        wire.pass(CONNECTED + PRELUDE, |_, _| {});
        anyhow::ensure!(wire.sends.sender_ready(sender), "the two ends do not connect");
        wire.origin += PRELUDE;
        wire.there = LossyNetwork::new(seed, weather);
        wire.back = LossyNetwork::new(seed ^ 0x5a5a, back);
        wire.sent = 0;
        Ok(wire)
    }

    /// Sends a packet.
    pub(super) fn send(&mut self, packet: Packet, now: MediaTime) -> anyhow::Result<()> {
        let out = RtpOut {
            marker: packet.marker,
            sequence: packet.sequence,
            timestamp: packet.rtp_time,
            audio_level: packet.level.map(|level| level.below_full),
            red: false,
            payload: packet.payload,
        };
        self.sends.write_rtp(self.sender, out, self.instant(now)).context("a packet was not sent")
    }

    /// Everything that happens until `now`; told what arrives, and when.
    pub(super) fn pass(&mut self, now: MediaTime, mut arrives: impl FnMut(Packet, MediaTime)) {
        let mut at = None;
        loop {
            self.settle(at.unwrap_or(now), &mut arrives);
            let timers = [self.sends.poll_timeout(), self.receives.poll_timeout()];
            let timers = timers.into_iter().flatten().map(|timer| self.media_time(timer));
            let air = [self.there.next_arrival(), self.back.next_arrival()].into_iter().flatten();
            let Some(next) = timers.chain(air).min().filter(|next| *next <= now) else { break };
            // A timer in the past must not stop the clock.
            let here = next.max(at.unwrap_or(MediaTime::ZERO));
            at = Some(here);
            let instant = self.instant(here);
            while let Some((_, bytes)) = self.there.receive(here) {
                self.receives.handle(datagram(&bytes, instant, RECEIVES, SENDS));
            }
            while let Some((_, bytes)) = self.back.receive(here) {
                self.sends.handle(datagram(&bytes, instant, SENDS, RECEIVES));
            }
            for peer in [&mut self.sends, &mut self.receives] {
                if peer.poll_timeout().is_some_and(|timer| timer <= instant) {
                    peer.handle_timeout(instant);
                }
            }
        }
        if now >= self.next_quality {
            self.next_quality = now + QUALITY_EVERY;
            self.resent = f32::from(self.sends.quality().resent_percent) / 100.0;
        }
    }

    fn settle(&mut self, now: MediaTime, arrives: &mut impl FnMut(Packet, MediaTime)) {
        while self.sends.poll_event().is_some() {}
        while let Some(event) = self.receives.poll_event() {
            if let Event::Rtp(rtp) = event {
                let packet = Packet {
                    sequence: rtp.sequence,
                    rtp_time: rtp.timestamp,
                    marker: rtp.marker,
                    level: rtp.audio_level.map(|below_full| AudioLevel { below_full, voice: false }),
                    payload: rtp.payload,
                };
                arrives(packet, self.media_time(rtp.now));
            }
        }
        while let Some(Transmit { bytes, .. }) = self.sends.poll_transmit() {
            self.sent += bytes.len() + HEADERS;
            let size = bytes.len() + HEADERS;
            self.there.send_sized(bytes.freeze(), size, now);
        }
        while let Some(Transmit { bytes, .. }) = self.receives.poll_transmit() {
            let size = bytes.len() + HEADERS;
            self.back.send_sized(bytes.freeze(), size, now);
        }
    }

    /// What the sender sent so far, in bytes with all headers.
    pub(super) const fn sent_bytes(&self) -> usize {
        self.sent
    }

    /// Packets sent again, of those sent.
    pub(super) const fn resent(&self) -> f32 {
        self.resent
    }

    fn instant(&self, at: MediaTime) -> Instant {
        self.origin + Duration::from_micros(at.as_micros())
    }

    fn media_time(&self, at: Instant) -> MediaTime {
        let since = at.saturating_duration_since(self.origin);
        MediaTime::from_micros(u64::try_from(since.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX))
    }
}

fn datagram(bytes: &Bytes, now: Instant, local: &str, remote: &str) -> Datagram {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
    Datagram {
        now,
        protocol: Protocol::Udp,
        local: address(local),
        remote: address(remote),
        bytes: BytesMut::from(&bytes[..]),
    }
}
