//! A day of sound in virtual time: three clocks that differ by up to 200 ppm, devices that are unplugged, stall and come
//! back, an engine that is held up, a network whose weather changes. Says what waits in every buffer once it is calm
//! again, how long that takes, and what the memory does. Nothing may grow. Some minutes of it are in `cargo test`.

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
/// How exactly everything happens, in microseconds.
const STEP: u64 = 250;
const SECOND: u64 = 1_000_000;
/// How often the buffers are looked at.
const LOOK: u64 = SECOND / 10;
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

    /// When anything is due after `now`; until then nothing changes.
    fn next(&self, now: u64) -> u64 {
        let paces = self.paces.iter().map(|pace| pace.next.ceil() as u64);
        let tick = self.engine.next_tick().map_or(now, MediaTime::as_micros);
        let rest = [self.network.next_arrival().map(MediaTime::as_micros), self.trouble.map(|(_, until)| until)];
        let next = paces.chain(rest.into_iter().flatten()).chain([tick, (now / LOOK + 1) * LOOK]).min().unwrap_or(now);
        next.max(now + STEP).next_multiple_of(STEP)
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

/// What waited in a stretch of it, once it was calm.
#[derive(Debug, Clone, Copy)]
struct Waited {
    /// The median.
    middle: Look,
    /// The most.
    most: Look,
}

/// A day as it goes on.
struct Life {
    day: Day,
    now: u64,
    /// When the next trouble begins.
    begin: u64,
    calm_from: u64,
    /// How it was before.
    before: Look,
    troubles: u64,
    /// How many seconds after each it was so again.
    back: Vec<f64>,
    waiting_back: Option<u64>,
    /// Seconds between the end of one and the next.
    pause: (f64, f64),
}

impl Life {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            day: Day::new()?,
            now: 0,
            begin: 120 * SECOND,
            calm_from: 60 * SECOND,
            before: [0.0; 3],
            troubles: 0,
            back: Vec::new(),
            waiting_back: None,
            pause: (40.0, 240.0),
        })
    }

    fn live(&mut self, seconds: u64) -> Waited {
        let mut looks: [Vec<f64>; 3] = Default::default();
        let end = self.now + seconds * SECOND;
        while self.now < end {
            self.now = self.day.next(self.now).min(end).min(self.begin.max(self.now + STEP));
            self.day.step(self.now);
            if self.now == self.begin {
                self.trouble();
            }
            if self.now.is_multiple_of(LOOK) {
                self.look(&mut looks);
            }
        }
        let middle = [0, 1, 2].map(|n: usize| quantile(&looks[n], 0.5).unwrap_or_default());
        let most = [0, 1, 2].map(|n: usize| quantile(&looks[n], 1.0).unwrap_or_default());
        self.before = middle;
        Waited { middle, most }
    }

    fn trouble(&mut self) {
        if self.troubles == 0 {
            self.before = self.day.look();
        }
        let kind = TROUBLES[(self.day.random.unit() * TROUBLES.len() as f64) as usize % TROUBLES.len()];
        let until = self.day.begin(kind, self.now);
        self.troubles += 1;
        self.calm_from = until + CALM;
        self.waiting_back = Some(until);
        let begin = until + (self.day.random.between(self.pause.0, self.pause.1) * 1e3) as u64 * 1000;
        self.begin = begin - begin % STEP;
    }

    fn look(&mut self, looks: &mut [Vec<f64>; 3]) {
        let look = self.day.look();
        let as_before = look.iter().zip(self.before).all(|(now, before)| *now < before + BACK) && look[2] > 0.0;
        if let Some(until) = self.waiting_back.filter(|until| *until < self.now && as_before) {
            self.back.push((self.now - until) as f64 / 1e6);
            self.waiting_back = None;
        }
        if self.now > self.calm_from {
            looks.iter_mut().zip(look).for_each(|(all, one)| all.push(one));
        }
    }
}

/// Lives so many hours, prints a line for each and the summary.
///
/// # Errors
/// Something grew, or did not come back.
pub fn measure(hours: usize) -> anyhow::Result<()> {
    let mut life = Life::new()?;
    let (mut all, mut memory): (Vec<Waited>, Vec<f64>) = (Vec::new(), Vec::new());
    for number in 1..=hours {
        let hour = life.live(3600);
        let resident = resident_mb()?;
        say(&json!({
            "hour": number, "microphone_ms": tenth(hour.middle[0]), "speaker_ms": tenth(hour.middle[1]),
            "jitter_ms": tenth(hour.middle[2]), "most_ms": hour.most.map(tenth), "memory_mb": tenth(resident),
        }))?;
        all.push(hour);
        memory.push(resident);
    }
    let (first, last) = (all.first().context("at least an hour")?, all.last().context("at least an hour")?);
    let grown = [0, 1, 2].map(|n: usize| tenth(last.middle[n] - first.middle[n]));
    let remembered = memory.last().copied().unwrap_or_default() - memory.first().copied().unwrap_or_default();
    let back = &life.back;
    say(&json!({
        "scenario": "voice-day", "hours": hours, "troubles": life.troubles, "came_back": back.len(),
        "back_p50_s": tenth(quantile(back, 0.5).unwrap_or_default()),
        "back_p95_s": tenth(quantile(back, 0.95).unwrap_or_default()),
        "back_most_s": tenth(quantile(back, 1.0).unwrap_or_default()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_full_of_trouble_leave_nothing_behind_in_any_buffer() {
        let mut life = Life { begin: u64::MAX / 2, pause: (24.0, 40.0), ..Life::new().unwrap() };
        let quiet = life.live(90);
        assert!(
            quiet.middle.iter().all(|ms| *ms > 0.0),
            "something waits everywhere, or nothing is measured: {quiet:?}"
        );
        life.begin = life.now + STEP;
        life.live(300);
        let after = life.live(120);
        assert!(life.troubles >= 8, "{} troubles", life.troubles);
        for (now, before) in after.middle.iter().zip(quiet.middle) {
            assert!(*now < before + BACK, "a buffer grew from {quiet:?} to {after:?}");
        }
        // Rings and jitter buffer have their limits; nothing may come near them in calm.
        assert!(after.most.iter().all(|ms| *ms < 150.0), "{after:?}");
    }
}
