//! An open microphone on the sound server.
//! Runs on a thread of its own that blocks on the connection; the samples take the same way as on every other system,
//! through [`Listening`].
//!
//! Two locks keep the speakers out of the meeting. The stream is created unmovable, so a server whose source
//! disappears must end it instead of moving it to the next best source, which is often a speaker's monitor. And should
//! a server move it all the same, it says so before it sends the first sample from there; we stop at that word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use media_core::channel::RingWriter;
use media_core::device::{AudioIn, ListenPermit, OnEvent, OpenDevice, StreamEvent, StreamFormat};
use protocol::ids::DeviceId;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, Command, CreateRecordStreamReply, Prop, RecordStreamParams, SampleFormat, SampleSpec, SourceInfo,
    SourceOutputInfo, SubscriptionEvent, SubscriptionEventFacility, SubscriptionEventType, SubscriptionMask,
};

use super::wire::{Connection, Packet, Wire, named, parse};
use super::{PERIOD, RATE, TICK};
use crate::callback::{Listening, Switches};
use crate::urgent;

/// One channel: a voice; the server mixes down what has more.
const CHANNELS: u16 = 1;

struct Microphone {
    device: DeviceId,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl AudioIn for Microphone {
    fn format(&self) -> StreamFormat {
        StreamFormat { rate: RATE, channels: CHANNELS }
    }

    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the microphone's thread had panicked");
        }
    }
}

/// Opens a source that was checked to be no monitor.
pub(super) fn open(
    mut connection: Connection,
    source: &SourceInfo,
    device: DeviceId,
    permit: ListenPermit,
    ring: RingWriter,
    events: OnEvent,
) -> Result<Box<dyn AudioIn>, OpenDevice> {
    if !permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    connection.tell(&Command::Subscribe(SubscriptionMask::SOURCE_OUTPUT))?;
    let stream: CreateRecordStreamReply = connection.ask(&Command::CreateRecordStream(params(source)))?;
    if stream.sink_index != source.index {
        // The reply names our source in a field called after sinks.
        return Err(OpenDevice::Failed("the sound server opened another source".into()));
    }
    let switches = Arc::new(Switches::default());
    let stop = Arc::new(AtomicBool::new(false));
    let recording = Recording {
        listening: Listening::new(ring, permit.clone(), Arc::clone(&switches), CHANNELS),
        connection,
        stream,
        source: source.index,
        permit,
        switches,
        stop: Arc::clone(&stop),
        question: None,
    };
    let thread = std::thread::Builder::new()
        .name("microphone".into())
        .spawn(move || {
            urgent::hasten();
            recording.run(&events);
        })
        .map_err(|e| OpenDevice::Failed(e.to_string()))?;
    Ok(Box::new(Microphone { device, stop, thread: Some(thread) }))
}

fn params(source: &SourceInfo) -> RecordStreamParams {
    let mut props = named(c"Shoji");
    props.set(Prop::MediaName, c"microphone");
    RecordStreamParams {
        sample_spec: SampleSpec { format: SampleFormat::Float32Le, channels: 1, sample_rate: RATE },
        channel_map: ChannelMap::mono(),
        source_index: Some(source.index),
        // Half of it lies with the source, half is the longest piece that is sent.
        buffer_attr: BufferAttr { fragment_size: PERIOD / 2 * 4, ..BufferAttr::default() },
        flags: StreamFlags { no_move: true, adjust_latency: true, ..StreamFlags::default() },
        props,
        ..RecordStreamParams::default()
    }
}

struct Recording {
    connection: Connection,
    stream: CreateRecordStreamReply,
    source: u32,
    listening: Listening<ListenPermit>,
    permit: ListenPermit,
    switches: Arc<Switches>,
    stop: Arc<AtomicBool>,
    question: Option<u32>,
}

/// What the listener does after one message.
enum Next {
    GoOn,
    Ask,
    End(StreamEvent),
}

impl Recording {
    fn run(mut self, events: &OnEvent) {
        let end = self.listen();
        self.switches.mute();
        // Gone either way: an error here means that the server has nothing left to close.
        if let Err(error) = self.connection.tell(&Command::DeleteRecordStream(self.stream.channel)) {
            tracing::debug!(%error, "microphone closed by the server");
        }
        drop(self.connection);
        tracing::info!(blocks = self.switches.callbacks(), end = ?end, "microphone closed");
        if let Some(event) = end {
            events(event);
        }
    }

    /// Listens until told to stop (`None`) or until something happened.
    fn listen(&mut self) -> Option<StreamEvent> {
        while !self.stop.load(Ordering::Acquire) {
            if !self.permit.is_live() {
                return Some(StreamEvent::Revoked);
            }
            match self.step() {
                Ok(Next::GoOn) => {}
                Ok(Next::Ask) => match self.connection.send(&Command::GetSourceOutputInfo(self.stream.stream_index)) {
                    Ok(number) => self.question = Some(number),
                    Err(error) => return Some(StreamEvent::Lost(error.to_string())),
                },
                Ok(Next::End(event)) => return Some(event),
                Err(error) => return Some(StreamEvent::Lost(error.to_string())),
            }
        }
        None
    }

    fn step(&mut self) -> Result<Next, Wire> {
        let version = self.connection.version();
        let next = match self.connection.receive(TICK)? {
            None | Some(Packet::Unknown) => Next::GoOn,
            Some(Packet::Sound(channel, bytes)) if channel == self.stream.channel => {
                let (samples, _) = bytes.as_chunks::<4>();
                self.listening.hear(samples, f32::from_le_bytes);
                if self.switches.is_revoked() { Next::End(StreamEvent::Revoked) } else { Next::GoOn }
            }
            Some(Packet::Reply(number, body)) if Some(number) == self.question => {
                let now: SourceOutputInfo = parse(body, version)?;
                if now.source_index == self.source { Next::GoOn } else { Next::End(StreamEvent::Switched) }
            }
            // The stream is not known any more; the word that it was killed is on its way.
            Some(Packet::Reply(..) | Packet::Refused(..) | Packet::Sound(..)) => Next::GoOn,
            Some(Packet::News(news)) => match *news {
                Command::RecordStreamMoved(_) => Next::End(StreamEvent::Switched),
                Command::RecordStreamKilled(_) => Next::End(StreamEvent::Lost("the microphone was unplugged".into())),
                Command::SubscribeEvent(event) => self.judge(event),
                // The protocol has a hundred more, none of them about us.
                _ => Next::GoOn,
            },
        };
        Ok(next)
    }

    /// The second look, for servers that move streams without a word: any change of our stream makes us ask where it is.
    fn judge(&self, event: SubscriptionEvent) -> Next {
        let ours = event.event_facility == SubscriptionEventFacility::SourceOutput
            && event.index == Some(self.stream.stream_index);
        match event.event_type {
            SubscriptionEventType::Changed if ours => Next::Ask,
            SubscriptionEventType::Removed if ours => {
                Next::End(StreamEvent::Lost("the microphone was taken away".into()))
            }
            SubscriptionEventType::New | SubscriptionEventType::Changed | SubscriptionEventType::Removed => Next::GoOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use assert_no_alloc::assert_no_alloc;
    use media_core::channel::ring;
    use protocol::policy::{Gate, Grants};
    use pulseaudio::protocol::write_memblock;

    use super::*;

    #[test]
    fn what_the_server_heard_is_in_the_ring_without_allocating() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut gate = Gate::new();
        gate.set(Grants::ALL);
        let permit = ListenPermit::microphone(gate.permit().unwrap());
        let (writer, mut reader) = ring(9600);
        let switches = Arc::new(Switches::default());
        let mut recording = Recording {
            listening: Listening::new(writer, permit.clone(), Arc::clone(&switches), CHANNELS),
            connection: Connection::on(ours),
            stream: CreateRecordStreamReply { channel: 3, ..CreateRecordStreamReply::default() },
            source: 0,
            permit,
            switches,
            stop: Arc::default(),
            question: None,
        };
        // From the 32 frames of a busy monitor to the 85 ms of a server that was held up.
        for frames in [32, 480, 481, 4096].into_iter().cycle().take(400) {
            let piece: Vec<u8> = (0..frames).flat_map(|_| 0.25f32.to_le_bytes()).collect();
            write_memblock(&mut theirs, 3, &piece, 0).unwrap();
            assert_no_alloc(|| assert!(matches!(recording.step(), Ok(Next::GoOn))));
            let mut out = vec![0.0; frames];
            assert_eq!(reader.read(&mut out), frames);
            assert!(out.iter().all(|sample| *sample == 0.25));
        }
        assert_no_alloc(|| assert!(matches!(recording.connection.receive(Duration::from_millis(1)), Ok(None))));
    }
}
