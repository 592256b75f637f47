//! An open speaker on the sound server.
//! Runs on a thread of its own: the server asks for samples, the ring has them or they are silence.
//! Unlike a microphone, a speaker may be moved by the system: when the headset is unplugged, hearing the meeting
//! elsewhere is what people expect, and [`AudioOut::device`] tells where.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use media_core::channel::RingReader;
use media_core::device::{AudioOut, OnEvent, OpenDevice, StreamEvent, StreamFormat};
use protocol::ids::DeviceId;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, Command, CreatePlaybackStreamReply, MAX_MEMBLOCKQ_LENGTH, PlaybackStreamParams, Prop, SampleFormat,
    SampleSpec, SetPlaybackStreamBufferAttrParams, SinkInfo,
};

use super::pieces::Pieces;
use super::wire::{Connection, Packet, Wire, named};
use super::{RATE, TICK, id};
use crate::callback::{Speaking, Switches};
use crate::urgent;

/// Bytes sent in one message at most; a server that asks for more gets several.
const LARGEST_BLOCK: usize = 32 * 1024;
/// Bytes of one sample.
const SAMPLE: usize = 4;

struct Speaker {
    format: StreamFormat,
    device: Arc<Mutex<DeviceId>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl AudioOut for Speaker {
    fn format(&self) -> StreamFormat {
        self.format
    }

    fn device(&self) -> DeviceId {
        self.device.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the speaker's thread had panicked");
        }
    }
}

/// Opens a sink.
pub(super) fn open(
    mut connection: Connection,
    sink: &SinkInfo,
    device: DeviceId,
    ring: RingReader,
    events: OnEvent,
) -> Result<Box<dyn AudioOut>, OpenDevice> {
    let channels = u16::from(sink.sample_spec.channels.clamp(1, 2));
    let pieces = Pieces::new(Instant::now());
    let params = params(sink, channels, &pieces);
    let stream: CreatePlaybackStreamReply = connection.ask(&Command::CreatePlaybackStream(params))?;
    let device = Arc::new(Mutex::new(device));
    let stop = Arc::new(AtomicBool::new(false));
    let playing = Playing {
        connection,
        channel: stream.channel,
        owed: stream.requested_bytes as usize,
        speaking: Speaking::new(ring, Arc::new(Switches::default()), channels),
        pieces,
        frame: SAMPLE * channels as usize,
        block: Vec::with_capacity(LARGEST_BLOCK),
        device: Arc::clone(&device),
        stop: Arc::clone(&stop),
    };
    let thread = std::thread::Builder::new()
        .name("speaker".into())
        .spawn(move || {
            urgent::hasten();
            playing.run(&events);
        })
        .map_err(|e| OpenDevice::Failed(e.to_string()))?;
    Ok(Box::new(Speaker { format: StreamFormat { rate: RATE, channels }, device, stop, thread: Some(thread) }))
}

/// Two pieces wait for the server, so that it never finds less than one; of the rest one lies with its sink.
fn buffer(pieces: &Pieces, frame: usize) -> BufferAttr {
    let piece = pieces.frames() * frame as u32;
    BufferAttr {
        target_length: 4 * piece,
        minimum_request_length: piece,
        // Never wait for a full buffer: the ring answers with silence when it is empty.
        pre_buffering: 0,
        ..BufferAttr::default()
    }
}

fn params(sink: &SinkInfo, channels: u16, pieces: &Pieces) -> PlaybackStreamParams {
    let mut props = named(c"Shoji");
    props.set(Prop::MediaName, c"meeting");
    PlaybackStreamParams {
        sample_spec: SampleSpec { format: SampleFormat::Float32Le, channels: channels as u8, sample_rate: RATE },
        channel_map: if channels == 1 { ChannelMap::mono() } else { ChannelMap::stereo() },
        sink_index: Some(sink.index),
        buffer_attr: buffer(pieces, SAMPLE * channels as usize),
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        props,
        ..PlaybackStreamParams::default()
    }
}

struct Playing {
    connection: Connection,
    channel: u32,
    owed: usize,
    pieces: Pieces,
    speaking: Speaking,
    frame: usize,
    block: Vec<u8>,
    device: Arc<Mutex<DeviceId>>,
    stop: Arc<AtomicBool>,
}

impl Playing {
    fn run(mut self, events: &OnEvent) {
        let mut end = None;
        while end.is_none() && !self.stop.load(Ordering::Acquire) {
            end = match self.pay().and_then(|()| self.step()) {
                Ok(end) => end,
                Err(error) => Some(StreamEvent::Lost(error.to_string())),
            };
        }
        if let Err(error) = self.connection.tell(&Command::DeletePlaybackStream(self.channel)) {
            tracing::debug!(%error, "speaker closed by the server");
        }
        drop(self.connection);
        tracing::info!(end = ?end, "speaker closed");
        if let Some(event) = end {
            events(event);
        }
    }

    fn step(&mut self) -> Result<Option<StreamEvent>, Wire> {
        let Some(Packet::News(news)) = self.connection.receive(TICK)? else { return Ok(None) };
        match *news {
            Command::Request(request) if request.channel == self.channel => {
                self.owed = self.owed.saturating_add(request.length as usize).min(MAX_MEMBLOCKQ_LENGTH);
            }
            Command::Underflow(dry) if dry.channel == self.channel => self.ran_dry()?,
            Command::PlaybackStreamKilled(_) => {
                return Ok(Some(StreamEvent::Lost("the speaker was unplugged".into())));
            }
            Command::PlaybackStreamMoved(to) => {
                if let Some(id) = id(&to.device_name) {
                    tracing::info!("speaker moved by the system");
                    *self.device.lock().unwrap_or_else(PoisonError::into_inner) = id;
                }
            }
            // The protocol has a hundred more, none of them about us.
            _ => {}
        }
        Ok(None)
    }

    /// Asks for longer pieces where the server found nothing to play too often. The answer tells nothing we need: the server
    /// asks for what is missing by itself.
    fn ran_dry(&mut self) -> Result<(), Wire> {
        if !self.pieces.ran_dry(Instant::now()) {
            return Ok(());
        }
        tracing::warn!(
            frames = self.pieces.frames(),
            "the machine is busy: sound goes to the speaker in longer pieces"
        );
        self.connection.send(&Command::SetPlaybackStreamBufferAttr(SetPlaybackStreamBufferAttrParams {
            index: self.channel,
            buffer_attr: buffer(&self.pieces, self.frame),
            adjust_latency: true,
            early_requests: false,
        }))?;
        Ok(())
    }

    /// Sends what the server asked for, in whole frames.
    fn pay(&mut self) -> Result<(), Wire> {
        while self.owed >= self.frame {
            let bytes = self.owed.min(LARGEST_BLOCK) / self.frame * self.frame;
            self.block.resize(bytes, 0);
            let (samples, _) = self.block.as_chunks_mut::<SAMPLE>();
            self.speaking.speak(samples, f32::to_le_bytes);
            self.connection.send_sound(self.channel, &self.block)?;
            self.owed -= bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use assert_no_alloc::assert_no_alloc;
    use media_core::channel::ring;
    use pulseaudio::protocol::DESCRIPTOR_SIZE;

    use super::*;

    #[test]
    fn what_the_server_asks_for_is_sent_without_allocating() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (mut writer, reader) = ring(9600);
        let mut playing = Playing {
            connection: Connection::on(ours),
            channel: 5,
            owed: 0,
            pieces: Pieces::new(Instant::now()),
            speaking: Speaking::new(reader, Arc::default(), 2),
            frame: SAMPLE * 2,
            block: Vec::with_capacity(LARGEST_BLOCK),
            device: Arc::new(Mutex::new(DeviceId::parse("pulse:speaker").unwrap())),
            stop: Arc::default(),
        };
        for bytes in [3840, 8, 20_000, LARGEST_BLOCK].into_iter().cycle().take(400) {
            writer.write(&[0.25; 960]);
            // Half a frame more: it waits for its other half.
            playing.owed = bytes + SAMPLE;
            assert_no_alloc(|| playing.pay().unwrap());
            assert_eq!(playing.owed, SAMPLE);
            let mut sent = vec![0; DESCRIPTOR_SIZE + bytes];
            theirs.read_exact(&mut sent).unwrap();
            let (first, _) = sent[DESCRIPTOR_SIZE..].split_first_chunk().unwrap();
            assert_eq!(f32::from_le_bytes(*first), 0.25);
        }
    }
}
