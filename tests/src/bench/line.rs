//! The whole way of sound of two people in virtual time: microphone's ring, engine, seal, connection, engine, speaker's ring,
//! and twice a second what the receiver tells the sender. For the benches; no device, no thread, no clock.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use media_core::audio::{
    AudioEngine, AudioInput, AudioOutput, LocalAudio, MAILBOX, Processing, RING_SAMPLES, RemoteAudio, RemoteId,
    RemoteStats, Report, SpeakPermit,
};
use media_core::channel::{MailboxSender, RingReader, RingWriter, mailbox, ring};
use media_core::device::StreamFormat;
use media_core::e2ee::{FrameKey, KeyRing, Opener, Opening, Sealer, Sealing};
use media_core::receive::loss::Loss;
use media_core::rtp::{Packet, Packetizer};
use media_core::testing::Weather;
use media_core::time::{Bitrate, MediaTime};
use protocol::policy::{Gate, Grants};

use super::wire::Wire;

const FORMAT: StreamFormat = StreamFormat { rate: 48_000, channels: 1 };
/// Samples a device takes or brings at a time.
pub(super) const BLOCK: usize = 480;
const ID: RemoteId = RemoteId(1);

/// One person speaking to another.
pub(super) struct Line {
    _gate: Gate,
    mic: RingWriter,
    speaks: AudioEngine,
    to_speaker: MailboxSender<AudioInput>,
    packetizer: Packetizer,
    packets: Vec<Packet>,
    wire: Wire,
    to_hearer: MailboxSender<AudioInput>,
    hears: AudioEngine,
    ear: RingReader,
    rtt: Option<Duration>,
    pretended: Option<Loss>,
}

impl Line {
    /// In such weather there and back; `rtt` is what the server says of the way, if it says anything.
    pub(super) fn new(weather: Weather, back: Weather, seed: u64, rtt: Option<Duration>) -> anyhow::Result<Self> {
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let keys = KeyRing::with(FrameKey::from_bytes(&[3; 16])?);
        let (to_speaker, inputs) = mailbox(MAILBOX);
        let speaks = AudioEngine::new(inputs);
        let (to_hearer, inputs) = mailbox(MAILBOX);
        let hears = AudioEngine::new(inputs);
        let (mic, captured) = ring(RING_SAMPLES);
        let (played, ear) = ring(RING_SAMPLES);
        to_speaker.send(AudioInput::AttachMicrophone(captured, FORMAT)).ok();
        to_speaker
            .send(AudioInput::StartLocal {
                permit: SpeakPermit::Microphone(gate.permit().context("the gate is open")?),
                sealing: Sealing::Sealed(Sealer::new(keys.clone())?),
                bitrate: Bitrate::kbps(64),
                dtx: false,
                rtp_start: 4_294_960_000,
            })
            .ok();
        to_hearer.send(AudioInput::AttachSpeaker(played, FORMAT)).ok();
        let opening = Opening::Sealed(Opener::new(keys, Bytes::new()));
        to_hearer.send(AudioInput::AddRemote { id: ID, kind: RemoteAudio::Microphone, opening }).ok();
        Ok(Self {
            _gate: gate,
            mic,
            speaks,
            to_speaker,
            packetizer: Packetizer::new(65_500),
            packets: Vec::new(),
            wire: Wire::new(weather, back, seed)?,
            to_hearer,
            hears,
            ear,
            rtt,
            pretended: None,
        })
    }

    /// The speaker's microphone is processed so.
    pub(super) fn process(&self, processing: Processing) {
        self.to_speaker.send(AudioInput::Process(processing)).ok();
    }

    /// Whatever comes, this is told to the speaker.
    pub(super) const fn pretend(&mut self, loss: Loss) {
        self.pretended = Some(loss);
    }

    /// The microphone's callback brings this, and says when.
    pub(super) fn say_at(&mut self, samples: &[f32], now: MediaTime) {
        self.mic.called(now, samples.len());
        self.say(samples);
    }

    /// The speaker's callback takes this, and says when.
    pub(super) fn hear_at(&mut self, now: MediaTime) -> [f32; BLOCK] {
        self.ear.called(now, BLOCK);
        self.hear()
    }

    /// The speaker may spend at most so much on the wire.
    pub(super) fn spend(&self, most: Bitrate) {
        self.to_speaker.send(AudioInput::Spend(most)).ok();
    }

    /// The microphone brings this.
    pub(super) fn say(&mut self, samples: &[f32]) {
        self.mic.write(samples);
    }

    /// The speaker takes this.
    pub(super) fn hear(&mut self) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        self.ear.read(&mut out);
        out
    }

    /// Both engines do what is due.
    pub(super) fn tick(&mut self, now: MediaTime) -> anyhow::Result<()> {
        self.speaks.tick(now);
        while let Some(output) = self.speaks.poll() {
            if let AudioOutput::Frame(LocalAudio::Microphone, frame) = output {
                self.packetizer.pack(&frame, &mut self.packets)?;
                for packet in self.packets.drain(..) {
                    self.wire.send(packet, now)?;
                }
            }
        }
        self.wire.pass(now, |packet, at| {
            self.to_hearer.send(AudioInput::Packet { id: ID, packet, at }).ok();
        });
        self.hears.tick(now);
        while let Some(output) = self.hears.poll() {
            if let AudioOutput::Hears(_, report) = output {
                let loss = self.pretended.unwrap_or(report.loss);
                self.to_speaker
                    .send(AudioInput::Heard(Report { loss, rtt: self.rtt, resent: self.wire.resent(), ..report }))
                    .ok();
            }
        }
        Ok(())
    }

    /// How the receiver fares.
    pub(super) fn stats(&self) -> RemoteStats {
        self.hears.stats().remotes.first().map(|(_, stats)| *stats).unwrap_or_default()
    }

    /// Bytes on the wire so far.
    pub(super) const fn sent_bytes(&self) -> usize {
        self.wire.sent_bytes()
    }
}
