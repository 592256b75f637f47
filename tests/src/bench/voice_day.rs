//! A day of sound in virtual time: three clocks that differ by up to 200 ppm, devices that are unplugged, stall and come
//! back, an engine that is held up, a network whose weather changes. Says what waits in every buffer once it is calm
//! again, how long that takes, and what the memory does. Nothing may grow.

use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use media_core::audio::{
    AudioEngine, AudioInput, Encoder, EncoderSettings, MAILBOX, PACKET_SAMPLES, RING_SAMPLES, RemoteAudio, RemoteId,
};
use media_core::channel::{MailboxSender, RingReader, RingWriter, mailbox, ring};
use media_core::device::StreamFormat;
use media_core::e2ee::Opening;
use media_core::rtp::Packet;
use media_core::testing::{LossyNetwork, Seeded, Speech, Weather};
use media_core::time::{Bitrate, MediaTime};
use serde_json::json;

use super::{quantile, say, tenth};

const FORMAT: StreamFormat = StreamFormat { rate: 48_000, channels: 1 };
const BLOCK: usize = 480;
const ID: RemoteId = RemoteId(1);
/// How often everything is looked at, in microseconds.
const STEP: u64 = 250;
const SECOND: u64 = 1_000_000;
/// Clocks against the engine's, in parts per million.
const MICROPHONE: f64 = 120.0;
const SPEAKER: f64 = -180.0;
const SENDER: f64 = 200.0;
/// Calm again: this long after the last thing happened, whatever it did must be gone.
const CALM: u64 = 20 * SECOND;
/// Back at base: within so much of what it was before anything happened, in milliseconds.
const BACK: f64 = 10.0;
/// An ordinary office.
const FAIR: Weather = Weather { delay: Duration::from_millis(8), jitter: Duration::from_millis(4), ..Weather::CLEAR };

/// What happens, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    MicrophoneUnplugged,
    SpeakerUnplugged,
    /// Both devices stop calling and go on with the same rings: the sound server hangs.
    DevicesStall,
    EngineHeldUp,
    /// 300 ms of jitter.
    Spike,
    Loss,
    SenderSilent,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::MicrophoneUnplugged,
    Trouble::SpeakerUnplugged,
    Trouble::DevicesStall,
    Trouble::EngineHeldUp,
    Trouble::Spike,
    Trouble::Loss,
    Trouble::SenderSilent,
];

/// A device or a sender that does something every so often by its own clock.
struct Pace {
    next: f64,
    every: f64,
}

impl Pace {
    fn new(every_ms: f64, ppm: f64) -> Self {
        Self { next: every_ms * 370.0, every: every_ms * 1000.0 * (1.0 + ppm / 1e6) }
    }

    fn is_due(&mut self, now: u64) -> bool {
        let due = self.next <= now as f64;
        if due {
            self.next += self.every;
        }
        due
    }

    /// What was not done is not made up for.
    fn skip_to(&mut self, now: u64) {
        while self.next < now as f64 {
            self.next += self.every;
        }
    }
}

struct Day {
    engine: AudioEngine,
    to: MailboxSender<AudioInput>,
    microphone: Option<RingWriter>,
    speaker: Option<RingReader>,
    network: LossyNetwork<Packet>,
    speech: Vec<Bytes>,
    sent: u64,
    silent: u64,
    paces: [Pace; 3],
    trouble: Option<(Trouble, u64)>,
    random: Seeded,
}

/// One look at the buffers, in milliseconds: microphone's ring, speaker's ring, jitter buffer.
type Look = [f64; 3];

impl Day {
    fn new() -> anyhow::Result<Self> {
        let (to, inputs) = mailbox(MAILBOX);
        let settings = EncoderSettings { bitrate: Bitrate::kbps(64), ..EncoderSettings::default() };
        let mut encoder = Encoder::new(settings)?;
        let speech = Speech::new(3, 48_000)
            .take(60 * 48_000)
            .chunks_exact(PACKET_SAMPLES)
            .map(|frame| encoder.encode(frame)?.context("speech is not silence"))
            .collect::<anyhow::Result<_>>()?;
        to.send(AudioInput::AddRemote { id: ID, kind: RemoteAudio::Microphone, opening: Opening::Plain }).ok();
        let mut day = Self {
            engine: AudioEngine::new(inputs),
            to,
            microphone: None,
            speaker: None,
            network: LossyNetwork::new(5, FAIR),
            speech,
            sent: 0,
            silent: 0,
            paces: [Pace::new(10.0, MICROPHONE), Pace::new(10.0, SPEAKER), Pace::new(20.0, SENDER)],
            trouble: None,
            random: Seeded::new(17),
        };
        day.plug_microphone();
        day.plug_speaker();
        Ok(day)
    }

    fn plug_microphone(&mut self) {
        let (write, read) = ring(RING_SAMPLES);
        self.microphone = Some(write);
        self.to.send(AudioInput::AttachMicrophone(read, FORMAT)).ok();
    }

    fn plug_speaker(&mut self) {
        let (write, read) = ring(RING_SAMPLES);
        self.speaker = Some(read);
        self.to.send(AudioInput::AttachSpeaker(write, FORMAT)).ok();
    }

    fn is(&self, trouble: Trouble) -> bool {
        self.trouble.is_some_and(|(now, _)| now == trouble)
    }

    /// Begins something; answers when it ends.
    fn begin(&mut self, trouble: Trouble, now: u64) -> u64 {
        let seconds = match trouble {
            Trouble::Loss => 30.0,
            Trouble::Spike => 2.0,
            Trouble::SenderSilent => self.random.between(0.5, 10.0),
            Trouble::MicrophoneUnplugged
            | Trouble::SpeakerUnplugged
            | Trouble::DevicesStall
            | Trouble::EngineHeldUp => self.random.between(0.2, 3.0),
        };
        match trouble {
            Trouble::MicrophoneUnplugged => self.microphone = None,
            Trouble::SpeakerUnplugged => self.speaker = None,
            Trouble::Spike => self.network.set_weather(Weather { jitter: Duration::from_millis(300), ..FAIR }),
            Trouble::Loss => self.network.set_weather(Weather { loss: 0.1, burst: 2.0, ..FAIR }),
            Trouble::DevicesStall | Trouble::EngineHeldUp | Trouble::SenderSilent => {}
        }
        let until = now + (seconds * 1e6) as u64;
        self.trouble = Some((trouble, until));
        until
    }

    fn end(&mut self, trouble: Trouble) {
        self.trouble = None;
        match trouble {
            Trouble::MicrophoneUnplugged => self.plug_microphone(),
            Trouble::SpeakerUnplugged => self.plug_speaker(),
            Trouble::Spike | Trouble::Loss => self.network.set_weather(FAIR),
            Trouble::DevicesStall | Trouble::EngineHeldUp | Trouble::SenderSilent => {}
        }
    }

    /// Everything that is due at `micros`.
    fn step(&mut self, micros: u64) {
        let now = MediaTime::from_micros(micros);
        if let Some((trouble, until)) = self.trouble
            && until <= micros
        {
            self.end(trouble);
        }
        let stalled = self.is(Trouble::DevicesStall);
        let [microphone, speaker, sender] = &mut self.paces;
        if stalled {
            microphone.skip_to(micros);
            speaker.skip_to(micros);
        }
        if microphone.is_due(micros)
            && let Some(ring) = &mut self.microphone
        {
            ring.called(now, BLOCK);
            ring.write(&[0.1; BLOCK]);
        }
        if speaker.is_due(micros)
            && let Some(ring) = &mut self.speaker
        {
            ring.called(now, BLOCK);
            ring.read(&mut [0.0; BLOCK]);
        }
        if sender.is_due(micros) {
            let number = self.sent;
            self.sent += 1;
            if self.trouble.is_some_and(|(now, _)| now == Trouble::SenderSilent) {
                // Time goes on, numbers do not.
                self.silent += 1;
            } else {
                let packet = Packet {
                    sequence: (number - self.silent) as u16,
                    rtp_time: (number * PACKET_SAMPLES as u64) as u32,
                    marker: false,
                    level: None,
                    payload: self.speech[(number % self.speech.len() as u64) as usize].clone(),
                };
                self.network.send(packet, now);
            }
        }
        while let Some((at, packet)) = self.network.receive(now) {
            self.to.send(AudioInput::Packet { id: ID, packet, at }).ok();
        }
        let due = self.engine.next_tick().is_none_or(|due| due <= now);
        if due && !self.is(Trouble::EngineHeldUp) {
            self.engine.tick(now);
            while self.engine.poll().is_some() {}
        }
    }

    fn look(&self) -> Look {
        let stats = self.engine.stats();
        let jitter = stats.remotes.first().map(|(_, remote)| remote.delay).unwrap_or_default();
        [stats.capture_waiting, stats.speaker_waiting, jitter].map(|wait| wait.as_secs_f64() * 1000.0)
    }
}

/// Lives so many hours, prints a line for each and the summary.
///
/// # Errors
/// Something grew, or did not come back.
pub fn measure(hours: usize) -> anyhow::Result<()> {
    let mut day = Day::new()?;
    let mut begin = 120 * SECOND;
    let mut calm_from = 60 * SECOND;
    let mut before: Look = [0.0; 3];
    let (mut medians, mut memory): (Vec<Look>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut troubles, mut back, mut waiting_back) = (0_u64, Vec::new(), None);
    for hour in 0..hours as u64 {
        let mut looks: [Vec<f64>; 3] = Default::default();
        for micros in (hour * 3600 * SECOND + STEP..=(hour + 1) * 3600 * SECOND).step_by(STEP as usize) {
            day.step(micros);
            if micros == begin {
                if troubles == 0 {
                    before = day.look();
                }
                let kind = TROUBLES[(day.random.unit() * TROUBLES.len() as f64) as usize % TROUBLES.len()];
                let until = day.begin(kind, micros);
                troubles += 1;
                calm_from = until + CALM;
                waiting_back = Some(until);
                begin = until + (day.random.between(40.0, 240.0) * 1e3) as u64 * 1000;
                begin -= begin % STEP;
            }
            if !micros.is_multiple_of(SECOND / 10) {
                continue;
            }
            let look = day.look();
            if let Some(until) = waiting_back.filter(|until| *until < micros)
                && look.iter().zip(before).all(|(now, before)| *now < before + BACK)
                && look[2] > 0.0
            {
                back.push((micros - until) as f64 / 1e6);
                waiting_back = None;
            }
            if micros > calm_from {
                looks.iter_mut().zip(look).for_each(|(all, one)| all.push(one));
            }
        }
        let middle = [0, 1, 2].map(|n: usize| quantile(&looks[n], 0.5).unwrap_or_default());
        let most = [0, 1, 2].map(|n: usize| tenth(quantile(&looks[n], 1.0).unwrap_or_default()));
        before = middle;
        let resident = resident_mb()?;
        say(&json!({
            "hour": hour + 1, "microphone_ms": tenth(middle[0]), "speaker_ms": tenth(middle[1]),
            "jitter_ms": tenth(middle[2]), "most_ms": most, "memory_mb": tenth(resident),
        }))?;
        medians.push(middle);
        memory.push(resident);
    }
    let (first, last) = (medians.first().context("at least an hour")?, medians.last().context("at least an hour")?);
    let grown = [0, 1, 2].map(|n: usize| tenth(last[n] - first[n]));
    let remembered = memory.last().copied().unwrap_or_default() - memory.first().copied().unwrap_or_default();
    say(&json!({
        "scenario": "voice-day", "hours": hours, "troubles": troubles, "came_back": back.len(),
        "back_p50_s": tenth(quantile(&back, 0.5).unwrap_or_default()),
        "back_p95_s": tenth(quantile(&back, 0.95).unwrap_or_default()),
        "back_most_s": tenth(quantile(&back, 1.0).unwrap_or_default()),
        "grown_ms": grown, "memory_grown_mb": tenth(remembered),
    }))?;
    ensure!(grown.iter().all(|ms| *ms < BACK), "a buffer grew: {grown:?} ms");
    ensure!(remembered < 8.0, "memory grew by {remembered} MB");
    Ok(())
}

/// What the process holds.
fn resident_mb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kb: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kb / 1024.0)
}
