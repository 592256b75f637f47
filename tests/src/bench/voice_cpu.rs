//! What sound costs in a room of 25: receiving and mixing 25 sealed tracks, and capturing, processing and encoding the
//! own. Virtual time; processor time of the engine's thread by time of sound.

use bytes::Bytes;
use media_core::audio::{
    AudioEngine, AudioInput, Encoder, EncoderSettings, MAILBOX, Meter, NoiseSuppression, PACKET_SAMPLES, Processing,
    RING_SAMPLES, RemoteAudio, RemoteId, SpeakPermit,
};
use media_core::channel::{mailbox, ring};
use media_core::e2ee::{FrameKey, KeyRing, Opener, Opening, Sealer, Sealing};
use media_core::frame::{Codec, SealedFrame};
use media_core::rtp::{Packet, Packetizer};
use media_core::testing::Seeded;
use media_core::time::Bitrate;
use protocol::policy::{Gate, Grants};
use serde_json::json;

use super::own_sound::{BLOCK, FORMAT, at, speech, thread_seconds};
use super::say;

const SECONDS: usize = 30;
const TICKS: usize = SECONDS * 100;
const PEOPLE: usize = 25;
/// Of so many the least counts.
const TAKES: usize = 3;

/// The packets of one person, by tick.
fn packets(number: usize, speaks: bool, keys: &KeyRing) -> anyhow::Result<Vec<(usize, Packet)>> {
    let settings = EncoderSettings { loss_percent: 0, dtx: true, fec: false, ..EncoderSettings::default() };
    let mut encoder = Encoder::new(settings)?;
    let mut sealing = Sealing::Sealed(Sealer::new(keys.clone())?);
    let mut packetizer = Packetizer::new(0);
    let mut meter = Meter::new();
    let mut hiss = Seeded::new(number as u64);
    let voice = speech(["aoi", "emma", "james"][number % 3], SECONDS)?;
    let from = number * 48_000 % voice.len();
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for tick in (0..TICKS).step_by(2) {
        let mut said = [0.0; PACKET_SAMPLES];
        for (n, sample) in said.iter_mut().enumerate() {
            let voice = if speaks { voice[(from + tick * BLOCK + n) % voice.len()] } else { 0.0 };
            *sample = voice + hiss.between(-1e-4, 1e-4) as f32;
        }
        let Some(packet) = encoder.encode(&said)? else { continue };
        let data = sealing.protect(Codec::Opus, &packet)?;
        // As every client does, it says how loud it is.
        meter.push(&said);
        let level = Some(meter.take());
        let frame = SealedFrame { codec: Codec::Opus, rtp_time: (tick * BLOCK) as u32, key: true, level, data };
        packetizer.pack(&frame, &mut out)?;
        all.extend(out.drain(..).map(|packet| (tick, packet)));
    }
    Ok(all)
}

/// What a take is made of.
struct Take<'a> {
    keys: &'a KeyRing,
    people: &'a [Vec<(usize, Packet)>],
    /// Capture, process so, encode and seal.
    own: Option<Processing>,
}

impl Take<'_> {
    /// Percent of a core.
    fn run(&self) -> anyhow::Result<f64> {
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let (to, inputs) = mailbox(MAILBOX);
        let mut engine = AudioEngine::new(inputs);
        let (played, mut speaker) = ring(RING_SAMPLES);
        let (mut microphone, captured) = ring(RING_SAMPLES);
        to.send(AudioInput::AttachSpeaker(played, FORMAT)).ok();
        if let Some(processing) = self.own {
            to.send(AudioInput::AttachMicrophone(captured, FORMAT)).ok();
            to.send(AudioInput::Process(processing)).ok();
            let sealing = Sealing::Sealed(Sealer::new(self.keys.clone())?);
            let permit = SpeakPermit::Microphone(gate.permit().map_err(|_| anyhow::anyhow!("the gate is open"))?);
            let bitrate = Bitrate::kbps(32);
            to.send(AudioInput::StartLocal { permit, sealing, bitrate, dtx: true, rtp_start: 0 }).ok();
        }
        for number in 0..self.people.len() {
            let id = RemoteId(number as u64);
            let opening = Opening::Sealed(Opener::new(self.keys.clone(), Bytes::new()));
            to.send(AudioInput::AddRemote { id, kind: RemoteAudio::Microphone, opening }).ok();
        }
        let voice = speech("hanako", SECONDS)?;
        let mut next = vec![0; self.people.len()];
        let (mut out, mut spent) = ([0.0; BLOCK], 0.0);
        for tick in 0..TICKS {
            // The speaker is heard, 12 dB quieter than the voice.
            let echo = out;
            let mut heard = [0.0; BLOCK];
            for ((heard, voice), echo) in heard.iter_mut().zip(&voice[tick * BLOCK..]).zip(&echo) {
                *heard = voice + echo * 0.25;
            }
            microphone.write(&heard);
            for (number, packets) in self.people.iter().enumerate() {
                while let Some((_, packet)) = packets.get(next[number]).filter(|(due, _)| *due <= tick) {
                    next[number] += 1;
                    let id = RemoteId(number as u64);
                    to.send(AudioInput::Packet { id, packet: packet.clone(), at: at(tick) }).ok();
                }
            }
            let before = thread_seconds()?;
            engine.tick(at(tick));
            while engine.poll().is_some() {}
            spent += thread_seconds()? - before;
            speaker.read(&mut out);
        }
        Ok(spent / SECONDS as f64 * 100.0)
    }
}

/// Prints the summary.
///
/// # Errors
/// Speech is missing, or this is not Linux.
pub fn measure() -> anyhow::Result<()> {
    let keys = KeyRing::with(FrameKey::from_bytes(&[3; 16])?);
    let room =
        |speaking: usize| (0..PEOPLE).map(|n| packets(n, n < speaking, &keys)).collect::<anyhow::Result<Vec<_>>>();
    let (some, all) = (room(3)?, room(PEOPLE)?);
    // What else runs on the machine only adds.
    let take = |people: &[Vec<(usize, Packet)>], own| {
        let takes = (0..TAKES).map(|_| Take { keys: &keys, people, own }.run());
        takes.collect::<anyhow::Result<Vec<f64>>>().map(|takes| takes.into_iter().fold(f64::INFINITY, f64::min))
    };
    let (receive, receive_all) = (take(&some, None)?, take(&all, None)?);
    let strong = Processing { noise: NoiseSuppression::Strong, ..Processing::default() };
    // Of what the engine does with one person talking to us, what speaking ourselves adds.
    let one = &some[..1];
    let nothing = take(one, None)?;
    let send = |own| Ok::<_, anyhow::Error>(hundredth(take(one, Some(own))? - nothing));
    say(&json!({
        "scenario": "voice-cpu",
        "people": PEOPLE,
        "receive_core_pct": hundredth(receive),
        "receive_all_speaking_core_pct": hundredth(receive_all),
        "send_core_pct": send(Processing::default())?,
        "send_strong_core_pct": send(strong)?,
        "send_unprocessed_core_pct": send(Processing::OFF)?,
    }))
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
