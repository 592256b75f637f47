//! What `echo`, `noise` and `voice-cpu` share: one person's engine in virtual time with what it sends decoded again, the
//! processor time of this thread, and the scorer `tests/voice/clean.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use media_core::audio::{
    AudioEngine, AudioInput, AudioOutput, Decoder, Encoder, EncoderSettings, LocalAudio, MAILBOX, PACKET_SAMPLES,
    Processing, RING_SAMPLES, RemoteAudio, RemoteId, SpeakPermit,
};
use media_core::channel::{MailboxSender, RingReader, RingWriter, mailbox, ring};
use media_core::device::StreamFormat;
use media_core::e2ee::{Opening, Sealing};
use media_core::rtp::Packet;
use media_core::time::{Bitrate, MediaTime};
use protocol::policy::{Gate, Grants};
use serde_json::Value;

pub(super) const FORMAT: StreamFormat = StreamFormat { rate: 48_000, channels: 1 };
/// Samples of 10 ms.
pub(super) const BLOCK: usize = 480;
/// So high that the codec changes nothing that is measured here.
const TRANSPARENT: u32 = 510;
const FAR: RemoteId = RemoteId(1);

/// When a tick is.
pub(super) fn at(tick: usize) -> MediaTime {
    MediaTime::from_micros(1_000_000 + tick as u64 * 10_000)
}

/// One person at a computer: what others say comes in as packets, what goes out is decoded again.
pub(super) struct Desk {
    /// Its engine.
    pub(super) engine: AudioEngine,
    to: MailboxSender<AudioInput>,
    /// The device's end of the microphone.
    pub(super) microphone: RingWriter,
    /// The device's end of the speaker.
    pub(super) speaker: RingReader,
    gate: Gate,
    far: Encoder,
    decoder: Decoder,
    sequence: u16,
    tick: usize,
}

impl Desk {
    /// A desk whose microphone's sound is processed so.
    pub(super) fn new(processing: Processing) -> anyhow::Result<Self> {
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let (to, inputs) = mailbox(MAILBOX);
        let (microphone, captured) = ring(RING_SAMPLES);
        let (played, speaker) = ring(RING_SAMPLES);
        let best = EncoderSettings {
            bitrate: Bitrate::kbps(TRANSPARENT),
            loss_percent: 0,
            dtx: false,
            fec: false,
            ..EncoderSettings::default()
        };
        let desk = Self {
            engine: AudioEngine::new(inputs),
            to,
            microphone,
            speaker,
            gate,
            far: Encoder::new(best)?,
            decoder: Decoder::new()?,
            sequence: 0,
            tick: 0,
        };
        desk.tell(AudioInput::AttachMicrophone(captured, FORMAT));
        desk.tell(AudioInput::AttachSpeaker(played, FORMAT));
        desk.tell(AudioInput::Process(processing));
        desk.tell(AudioInput::StartLocal {
            permit: SpeakPermit::Microphone(desk.gate.permit().context("the gate is open")?),
            sealing: Sealing::Plain,
            bitrate: Bitrate::kbps(TRANSPARENT),
            dtx: false,
            rtp_start: 0,
        });
        desk.tell(AudioInput::AddRemote { id: FAR, kind: RemoteAudio::Microphone, opening: Opening::Plain });
        Ok(desk)
    }

    fn tell(&self, input: AudioInput) {
        self.to.send(input).ok();
    }

    /// 20 ms said at the far side.
    pub(super) fn far(&mut self, said: &[f32; PACKET_SAMPLES]) -> anyhow::Result<()> {
        let Some(payload) = self.far.encode(said)? else { return Ok(()) };
        let packet = Packet {
            sequence: self.sequence,
            rtp_time: u32::from(self.sequence) * PACKET_SAMPLES as u32,
            marker: false,
            level: None,
            payload,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.tell(AudioInput::Packet { id: FAR, packet, at: at(self.tick) });
        Ok(())
    }

    /// 10 ms later: what is sent, decoded.
    pub(super) fn tick(&mut self, sent: &mut Vec<f32>) -> anyhow::Result<()> {
        self.engine.tick(at(self.tick));
        self.tick += 1;
        while let Some(output) = self.engine.poll() {
            if let AudioOutput::Frame(LocalAudio::Microphone, frame) = output {
                sent.extend_from_slice(self.decoder.decode(&frame.data)?);
            }
        }
        Ok(())
    }
}

/// Seconds of processor time this thread has used.
pub(super) fn thread_seconds() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("only Linux counts a thread's time")?;
    let nanoseconds: f64 = text.split_whitespace().next().context("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// A voice of `assets/speech`, again and again for so many seconds.
pub(super) fn speech(name: &str, seconds: usize) -> anyhow::Result<Vec<f32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../assets/speech/{name}.wav"));
    let bytes = std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
    let said = crate::wav::read(&bytes)?;
    Ok(said.iter().copied().cycle().take(seconds * 48_000).collect())
}

/// Sum of squares.
pub(super) fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum()
}

/// How much stronger, in dB.
pub(super) fn decibel(strong: f64, weak: f64) -> f64 {
    10.0 * (strong.max(1e-12) / weak.max(1e-12)).log10()
}

/// `tests/voice/clean.py`, kept running because its models take seconds to load.
pub(super) struct Judge {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// Starts it.
    ///
    /// # Errors
    /// Python or its packages cannot be had.
    pub(super) fn start() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("voice");
        let mut child = Command::new(crate::python::environment("voice", &folder.join("requirements.txt"))?)
            .arg(folder.join("clean.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the scorer does not start")?;
        let ask = child.stdin.take().context("its input is a pipe")?;
        let answers = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        Ok(Self { child, ask, answers })
    }

    /// How well `heard` is understood beside what was `said`: STOI.
    pub(super) fn stoi(&mut self, said: &Path, heard: &Path) -> anyhow::Result<f64> {
        self.ask("stoi", &format!("{} {}", said.display(), heard.display()))
    }

    /// How good it sounds: DNSMOS, overall.
    pub(super) fn quality(&mut self, heard: &Path) -> anyhow::Result<f64> {
        self.ask("quality", &heard.display().to_string())
    }

    fn ask(&mut self, what: &str, files: &str) -> anyhow::Result<f64> {
        writeln!(self.ask, "{what} {files}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let scores: Value = serde_json::from_str(&line).context("the scorer ended; its reason is above")?;
        scores[what].as_f64().with_context(|| format!("no {what} in {line}"))
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
