//! What the other programs of this machine play, for the sound of a shared screen.
//! Runs on a thread of its own: one record stream per program, mixed here every 10 ms.
//!
//! Not the speaker's monitor: that holds the meeting itself, and everyone would hear themselves as an echo. The server can
//! record a single stream before it is mixed, so every stream is recorded but ours, and new ones as they come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media_core::channel::RingWriter;
use media_core::device::{AudioIn, OnEvent, OpenDevice, StreamEvent, StreamFormat};
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, Command, CreateRecordStreamReply, Prop, RecordStreamParams, SampleFormat, SampleSpec, SinkInfoList,
    SinkInputInfo, SinkInputInfoList, SubscriptionEvent, SubscriptionEventFacility, SubscriptionEventType,
    SubscriptionMask,
};

use super::wire::{Connection, Packet, Wire, named, parse, process};
use super::{PERIOD, RATE, TICK};

const CHANNELS: usize = 2;
/// Samples of 10 ms.
const BLOCK: usize = PERIOD as usize * CHANNELS;
/// How often a block goes into the ring.
const PACE: Duration = Duration::from_millis(10);
/// Blocks that must wait before a stream is let in: the server delivers in pieces.
const AT_FIRST: usize = 4;
/// Blocks that may wait; beyond that the sound is cut to [`AT_FIRST`].
const AT_MOST: usize = 12;
/// A machine that was held up longer than this does not make up for it.
const BEHIND: Duration = Duration::from_millis(200);
/// Streams listened to at once.
const MAX_STREAMS: usize = 64;

struct System {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl AudioIn for System {
    fn format(&self) -> StreamFormat {
        StreamFormat { rate: RATE, channels: CHANNELS as u16 }
    }

    fn device(&self) -> DeviceId {
        DeviceId::parse("pulse:system").expect("a constant that is an id")
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the system's sound had panicked");
        }
    }
}

/// Starts to listen.
pub(super) fn open(
    mut connection: Connection,
    permit: Permit<Screen>,
    ring: RingWriter,
    events: OnEvent,
) -> Result<Box<dyn AudioIn>, OpenDevice> {
    if !permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    connection.tell(&Command::Subscribe(SubscriptionMask::SINK_INPUT | SubscriptionMask::SINK))?;
    let stop = Arc::new(AtomicBool::new(false));
    let listening = Listening {
        connection,
        permit,
        ring,
        stop: Arc::clone(&stop),
        asked: HashMap::new(),
        stale: true,
        chains: HashSet::new(),
        refused: HashSet::new(),
        programs: HashMap::new(),
    };
    let thread = std::thread::Builder::new()
        .name("system-sound".into())
        .spawn(move || listening.run(&events))
        .map_err(|e| OpenDevice::Failed(e.to_string()))?;
    Ok(Box::new(System { stop, thread: Some(thread) }))
}

/// What the server was asked.
enum Question {
    Sinks,
    Programs,
    /// To record this one.
    Record(u32),
}

struct Listening {
    connection: Connection,
    permit: Permit<Screen>,
    ring: RingWriter,
    stop: Arc<AtomicBool>,
    asked: HashMap<u32, Question>,
    /// Something changed since the server was asked what plays.
    stale: bool,
    /// Modules with a speaker of their own, which pass on what is played on it: recorded there, not a second time here.
    chains: HashSet<u32>,
    /// Not to be asked for again until they change.
    refused: HashSet<u32>,
    /// By the server's number of what is played.
    programs: HashMap<u32, Program>,
}

/// One stream of another program.
#[derive(Default)]
struct Program {
    /// The record stream, once there is one.
    channel: Option<u32>,
    waiting: Waiting,
}

impl Listening {
    fn run(mut self, events: &OnEvent) {
        let end = self.listen().unwrap_or_else(|error| Some(StreamEvent::Lost(error.to_string())));
        // Its streams end with the connection.
        drop(self.connection);
        tracing::info!(end = ?end, "the sound of other programs is closed");
        if let Some(event) = end {
            events(event);
        }
    }

    /// Until told to stop (`None`) or until something happened.
    fn listen(&mut self) -> Result<Option<StreamEvent>, Wire> {
        let mut due = Instant::now() + PACE;
        while !self.stop.load(Ordering::Acquire) && !self.ring.is_abandoned() {
            if !self.permit.is_live() {
                return Ok(Some(StreamEvent::Revoked));
            }
            if self.stale && !self.asked.values().any(|q| matches!(q, Question::Sinks | Question::Programs)) {
                self.stale = false;
                self.ask(&Command::GetSinkInfoList, Question::Sinks)?;
                self.ask(&Command::GetSinkInputInfoList, Question::Programs)?;
            }
            let left = due.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), TICK);
            self.step(left)?;
            let now = Instant::now();
            if now.saturating_duration_since(due) > BEHIND {
                due = now;
            }
            while due <= now {
                self.mix();
                due += PACE;
            }
        }
        Ok(None)
    }

    fn ask(&mut self, command: &Command, question: Question) -> Result<(), Wire> {
        let number = self.connection.send(command)?;
        self.asked.insert(number, question);
        Ok(())
    }

    fn step(&mut self, wait: Duration) -> Result<(), Wire> {
        let version = self.connection.version();
        match self.connection.receive(wait)? {
            None | Some(Packet::Unknown) => {}
            Some(Packet::Sound(channel, bytes)) => {
                if let Some(program) = self.programs.values_mut().find(|p| p.channel == Some(channel)) {
                    let (samples, _) = bytes.as_chunks::<4>();
                    program.waiting.take(samples.iter().map(|s| f32::from_le_bytes(*s)));
                }
            }
            Some(Packet::Reply(number, body)) => match self.asked.remove(&number) {
                Some(Question::Sinks) => {
                    let sinks: SinkInfoList = parse(body, version)?;
                    self.chains = sinks.iter().filter_map(|s| s.owner_module_index).collect();
                }
                Some(Question::Programs) => {
                    let all: SinkInputInfoList = parse(body, version)?;
                    self.follow(&all)?;
                }
                Some(Question::Record(program)) => {
                    let stream: CreateRecordStreamReply = parse(body, version)?;
                    match self.programs.get_mut(&program) {
                        Some(known) => known.channel = Some(stream.channel),
                        None => self.close(stream.channel)?,
                    }
                }
                None => {}
            },
            Some(Packet::Refused(number, why)) => {
                if let Some(Question::Record(program)) = self.asked.remove(&number) {
                    tracing::debug!(?why, "the sound of a program is not let out");
                    self.programs.remove(&program);
                    self.refused.insert(program);
                }
            }
            Some(Packet::News(news)) => match *news {
                // A program's stream ended or went to another speaker, and the server let go of ours.
                Command::RecordStreamKilled(channel) => {
                    self.programs.retain(|_, p| p.channel != Some(channel));
                    self.stale = true;
                }
                Command::SubscribeEvent(event) => self.heard(event),
                // The protocol has a hundred more, none of them about us.
                _ => {}
            },
        }
        Ok(())
    }

    fn heard(&mut self, event: SubscriptionEvent) {
        self.stale = true;
        let is_program = event.event_facility == SubscriptionEventFacility::SinkInput;
        if let Some(index) = event.index.filter(|_| is_program) {
            self.refused.remove(&index);
            if event.event_type == SubscriptionEventType::Removed {
                self.programs.remove(&index);
            }
        }
    }

    /// Records what is played by others and not recorded yet.
    fn follow(&mut self, all: &[SinkInputInfo]) -> Result<(), Wire> {
        let gone: Vec<u32> =
            self.programs.keys().copied().filter(|known| !all.iter().any(|one| one.index == *known)).collect();
        for index in gone {
            if let Some(channel) = self.programs.remove(&index).and_then(|p| p.channel) {
                self.close(channel)?;
            }
        }
        self.refused.retain(|index| all.iter().any(|one| one.index == *index));
        for one in all {
            let known = self.programs.contains_key(&one.index) || self.refused.contains(&one.index);
            if known || self.programs.len() >= MAX_STREAMS || is_ours(one) || self.is_chain(one) {
                continue;
            }
            self.programs.insert(one.index, Program::default());
            self.ask(&Command::CreateRecordStream(params(one.index)), Question::Record(one.index))?;
        }
        Ok(())
    }

    fn is_chain(&self, one: &SinkInputInfo) -> bool {
        one.owner_module_index.is_some_and(|module| self.chains.contains(&module))
    }

    fn close(&mut self, channel: u32) -> Result<(), Wire> {
        self.connection.send(&Command::DeleteRecordStream(channel)).map(drop)
    }

    fn mix(&mut self) {
        let mut block = [0.0; BLOCK];
        for program in self.programs.values_mut() {
            program.waiting.add_to(&mut block);
        }
        // With a dead permit nothing goes out, not even what was recorded before.
        if !self.permit.is_live() {
            block.fill(0.0);
        }
        if self.ring.room() >= BLOCK {
            self.ring.write(&block);
        }
    }
}

/// Played by this process: its properties come from the connection it was made on.
fn is_ours(one: &SinkInputInfo) -> bool {
    one.props.get(Prop::ApplicationProcessId).is_some_and(|id| id == process().as_bytes_with_nul())
}

fn params(program: u32) -> RecordStreamParams {
    let mut props = named(c"Shoji");
    props.set(Prop::MediaName, c"shared sound");
    RecordStreamParams {
        sample_spec: SampleSpec { format: SampleFormat::Float32Le, channels: CHANNELS as u8, sample_rate: RATE },
        channel_map: ChannelMap::stereo(),
        direct_on_input_index: Some(program),
        buffer_attr: BufferAttr { fragment_size: 2 * BLOCK as u32 * 4, ..BufferAttr::default() },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        props,
        ..RecordStreamParams::default()
    }
}

/// Sound of one program between the server's pace and ours. Has all the room it will ever need.
struct Waiting {
    samples: VecDeque<f32>,
    started: bool,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { samples: VecDeque::with_capacity(AT_MOST * BLOCK), started: false }
    }
}

impl Waiting {
    fn take(&mut self, samples: impl ExactSizeIterator<Item = f32>) {
        let all = self.samples.len() + samples.len();
        // Whole frames, or left and right change places.
        let over = if all > AT_MOST * BLOCK { all / CHANNELS * CHANNELS - AT_FIRST * BLOCK } else { 0 };
        let old = over.min(self.samples.len());
        self.samples.drain(..old);
        self.samples.extend(samples.skip(over - old));
    }

    fn add_to(&mut self, block: &mut [f32; BLOCK]) {
        self.started = (self.started || self.samples.len() >= AT_FIRST * BLOCK) && !self.samples.is_empty();
        if !self.started {
            return;
        }
        for to in block.iter_mut() {
            let Some(sample) = self.samples.pop_front() else {
                self.started = false;
                return;
            };
            // A program may hand over anything.
            *to = (*to + if sample.is_finite() { sample } else { 0.0 }).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use assert_no_alloc::assert_no_alloc;
    use media_core::channel::ring;
    use protocol::policy::{Gate, Grants};
    use pulseaudio::protocol::write_memblock;

    use super::*;

    fn block(waiting: &mut Waiting) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        waiting.add_to(&mut out);
        out
    }

    #[test]
    fn sound_in_pieces_comes_out_whole_after_a_margin() {
        let mut waiting = Waiting::default();
        waiting.take(std::iter::repeat_n(0.25, BLOCK));
        assert_eq!(block(&mut waiting), [0.0; BLOCK], "the next piece may be late");
        waiting.take(std::iter::repeat_n(0.25, 3 * BLOCK));
        for _ in 0..4 {
            assert_eq!(block(&mut waiting), [0.25; BLOCK]);
        }
        assert_eq!(block(&mut waiting), [0.0; BLOCK]);
    }

    #[test]
    fn what_piles_up_is_cut_and_never_grows() {
        let mut waiting = Waiting::default();
        for round in 0..1000u16 {
            waiting.take(std::iter::repeat_n(f32::from(round) / 1000.0, BLOCK));
            assert!(waiting.samples.len() <= AT_MOST * BLOCK);
        }
        assert!(block(&mut waiting)[0] > 0.98, "the newest stays");
    }

    #[test]
    fn a_piece_longer_than_all_that_may_wait_leaves_its_end_and_both_sides_in_their_places() {
        let mut waiting = Waiting::default();
        waiting.take([0.5, -0.5, 0.5].into_iter());
        // The other half of a frame, and then some hundred blocks.
        let piece = [-0.5, 0.5].into_iter().cycle().take(100 * BLOCK + 1).collect::<Vec<f32>>();
        waiting.take(piece.into_iter());
        assert_eq!(waiting.samples.len(), AT_FIRST * BLOCK);
        assert!(block(&mut waiting).as_chunks::<2>().0.iter().all(|frame| *frame == [0.5, -0.5]));
    }

    #[test]
    fn the_sound_of_programs_goes_through_without_allocating() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let (writer, mut reader) = ring(4 * BLOCK);
        let mut listening = Listening {
            connection: Connection::on(ours),
            permit: gate.permit().unwrap(),
            ring: writer,
            stop: Arc::default(),
            asked: HashMap::new(),
            stale: false,
            chains: HashSet::new(),
            refused: HashSet::new(),
            programs: HashMap::from([(1, Program { channel: Some(9), ..Program::default() })]),
        };
        let piece: Vec<u8> = (0..BLOCK).flat_map(|_| 0.25f32.to_le_bytes()).collect();
        let mut out = [0.0; BLOCK];
        for round in 0..1000 {
            write_memblock(&mut theirs, 9, &piece, 0).unwrap();
            assert_no_alloc(|| {
                listening.step(Duration::from_secs(20)).unwrap();
                listening.mix();
            });
            assert_eq!(reader.read(&mut out), BLOCK);
            assert_eq!(out, [if round + 1 < AT_FIRST { 0.0 } else { 0.25 }; BLOCK], "round {round}");
        }
    }

    #[test]
    fn two_programs_are_mixed_within_full_scale_and_nonsense_is_silence() {
        let mut out = [0.0; BLOCK];
        for value in [0.75, 0.75, f32::NAN] {
            let mut waiting = Waiting::default();
            waiting.take(std::iter::repeat_n(value, AT_FIRST * BLOCK));
            waiting.add_to(&mut out);
        }
        assert_eq!(out, [1.0; BLOCK]);
    }
}
