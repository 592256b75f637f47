//! Sound through cpal: WASAPI on Windows, CoreAudio on macOS, ALSA where no sound server runs.
//! Each open stream is made, watched and closed by a thread of its own; the samples pass in [`crate::callback`] on the
//! driver's thread. cpal never rebuilds a stream, and neither do we: what breaks is reported and the client opens anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Data, DeviceDirection, ErrorKind, FromSample, Sample, SampleFormat, StreamConfig};
use media_core::channel::{RingReader, RingWriter};
use media_core::device::{AudioIn, AudioOut, DeviceInfo, ListenPermit, OnEvent, OpenDevice, StreamEvent, StreamFormat};
use protocol::ids::DeviceId;
use storm::{Storm, Verdict};

use crate::callback::{Listening, Speaking, Switches};

mod storm;

/// How often the owning thread looks after its stream.
const TICK: Duration = Duration::from_millis(20);
/// A driver that does not open in this time does not work.
const OPENING: Duration = Duration::from_secs(5);
/// Errors kept for the owning thread; a driver in a fit sends thousands, and the rest is dropped.
const ERRORS: usize = 16;
/// What the callbacks can convert, the best first.
const FORMATS: [SampleFormat; 4] = [SampleFormat::F32, SampleFormat::I32, SampleFormat::I16, SampleFormat::U16];

/// Which way the sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Microphones and speakers, defaults marked.
pub(crate) fn list() -> (Vec<DeviceInfo>, Vec<DeviceInfo>) {
    let host = cpal::default_host();
    (infos(&host, Way::In), infos(&host, Way::Out))
}

fn infos(host: &cpal::Host, way: Way) -> Vec<DeviceInfo> {
    let default = default_of(host, way).and_then(|d| id(&d));
    devices(host, way)
        .into_iter()
        .filter_map(|device| {
            let id = id(&device)?;
            let is_default = Some(&id) == default.as_ref();
            Some(DeviceInfo { name: device.to_string(), id, is_default })
        })
        .collect()
}

fn default_of(host: &cpal::Host, way: Way) -> Option<cpal::Device> {
    match way {
        Way::In => host.default_input_device(),
        Way::Out => host.default_output_device(),
    }
}

/// A device that plays is never taken for a microphone: WASAPI and CoreAudio would record what it plays.
fn devices(host: &cpal::Host, way: Way) -> Vec<cpal::Device> {
    let all = match host.devices() {
        Ok(all) => all,
        Err(error) => {
            tracing::warn!(%error, "sound devices not listed");
            return Vec::new();
        }
    };
    all.filter(|device| {
        let direction = device.description().map_or(DeviceDirection::Unknown, |d| d.direction());
        match way {
            Way::In => direction != DeviceDirection::Output && device.supports_input(),
            Way::Out => direction != DeviceDirection::Input && device.supports_output(),
        }
    })
    .collect()
}

fn id(device: &cpal::Device) -> Option<DeviceId> {
    DeviceId::parse(device.id().ok()?.to_string()).ok()
}

/// The device asked for, by its own id and never as "the default", which some systems reroute under an open stream.
fn find(host: &cpal::Host, way: Way, wanted: Option<&DeviceId>) -> Option<(cpal::Device, DeviceId)> {
    let wanted = match wanted {
        Some(id) => id.clone(),
        None => id(&default_of(host, way)?)?,
    };
    devices(host, way).into_iter().find(|d| id(d).as_ref() == Some(&wanted)).map(|device| (device, wanted))
}

/// See [`media_core::device::Devices::open_microphone`].
pub(crate) fn open_microphone(
    permit: ListenPermit,
    device: Option<&DeviceId>,
    ring: RingWriter,
    events: OnEvent,
) -> Result<Box<dyn AudioIn>, OpenDevice> {
    if !permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    let wanted = device.cloned();
    let listen = permit.clone();
    let make = move |switches: &Arc<Switches>, errors: SyncSender<cpal::Error>| {
        let host = cpal::default_host();
        let (device, id) = find(&host, Way::In, wanted.as_ref()).ok_or(OpenDevice::Missing)?;
        let (config, format) = choose(&device, Way::In)?;
        let mut listening = Listening::new(ring, listen, Arc::clone(switches), config.channels);
        let switches = Arc::clone(switches);
        let stream = device
            .build_input_stream_raw(
                config,
                format,
                move |data, _| hear(&mut listening, &switches, data),
                move |error| drop(errors.try_send(error)),
                Some(OPENING),
            )
            .map_err(refused)?;
        Ok((stream, StreamFormat { rate: config.sample_rate, channels: config.channels }, id))
    };
    Ok(Box::new(Open::start("microphone", Way::In, Some(permit), make, events)?))
}

/// See [`media_core::device::Devices::open_speaker`].
pub(crate) fn open_speaker(
    device: Option<&DeviceId>,
    ring: RingReader,
    events: OnEvent,
) -> Result<Box<dyn AudioOut>, OpenDevice> {
    let wanted = device.cloned();
    let make = move |switches: &Arc<Switches>, errors: SyncSender<cpal::Error>| {
        let host = cpal::default_host();
        let (device, id) = find(&host, Way::Out, wanted.as_ref()).ok_or(OpenDevice::Missing)?;
        let (config, format) = choose(&device, Way::Out)?;
        let mut speaking = Speaking::new(ring, Arc::clone(switches), config.channels);
        let switches = Arc::clone(switches);
        let stream = device
            .build_output_stream_raw(
                config,
                format,
                move |data, _| speak(&mut speaking, &switches, data),
                move |error| drop(errors.try_send(error)),
                Some(OPENING),
            )
            .map_err(refused)?;
        Ok((stream, StreamFormat { rate: config.sample_rate, channels: config.channels }, id))
    };
    Ok(Box::new(Open::start("speaker", Way::Out, None, make, events)?))
}

/// The device's own rate and channels in a format the callbacks know, in buffers of about 10 ms. The device's default
/// buffer is never taken: some drivers answer with two seconds.
fn choose(device: &cpal::Device, way: Way) -> Result<(StreamConfig, SampleFormat), OpenDevice> {
    let usual = match way {
        Way::In => device.default_input_config(),
        Way::Out => device.default_output_config(),
    }
    .map_err(refused)?;
    let (rate, channels) = (usual.sample_rate(), usual.channels());
    let format = if FORMATS.contains(&usual.sample_format()) {
        usual.sample_format()
    } else {
        let fits = |format: SampleFormat, c: &cpal::SupportedStreamConfigRange| {
            c.sample_format() == format
                && c.channels() == channels
                && (c.min_sample_rate()..=c.max_sample_rate()).contains(&rate)
        };
        let all: Vec<_> = match way {
            Way::In => device.supported_input_configs().map_err(refused)?.collect(),
            Way::Out => device.supported_output_configs().map_err(refused)?.collect(),
        };
        FORMATS
            .into_iter()
            .find(|f| all.iter().any(|c| fits(*f, c)))
            .ok_or_else(|| OpenDevice::Failed(format!("sample format {}", usual.sample_format())))?
    };
    let frames = match usual.buffer_size() {
        cpal::SupportedBufferSize::Range { min, max } if min <= max => (rate / 100).clamp(*min, *max),
        cpal::SupportedBufferSize::Range { .. } | cpal::SupportedBufferSize::Unknown => rate / 100,
    };
    Ok((StreamConfig { channels, sample_rate: rate, buffer_size: BufferSize::Fixed(frames) }, format))
}

/// Runs on the driver's thread.
fn hear(listening: &mut Listening<ListenPermit>, switches: &Switches, data: &Data) {
    fn typed<S: cpal::SizedSample>(listening: &mut Listening<ListenPermit>, switches: &Switches, data: &Data)
    where
        f32: FromSample<S>,
    {
        match data.as_slice::<S>() {
            Some(samples) => listening.hear(samples, f32::from_sample),
            None => switches.fail(),
        }
    }
    match data.sample_format() {
        SampleFormat::F32 => typed::<f32>(listening, switches, data),
        SampleFormat::I32 => typed::<i32>(listening, switches, data),
        SampleFormat::I16 => typed::<i16>(listening, switches, data),
        SampleFormat::U16 => typed::<u16>(listening, switches, data),
        // `choose` asks for none of the others.
        _ => switches.fail(),
    }
}

/// Runs on the driver's thread.
fn speak(speaking: &mut Speaking, switches: &Switches, data: &mut Data) {
    fn typed<S: cpal::SizedSample + FromSample<f32>>(speaking: &mut Speaking, switches: &Switches, data: &mut Data) {
        match data.as_slice_mut::<S>() {
            Some(samples) => speaking.speak(samples, S::from_sample),
            None => switches.fail(),
        }
    }
    match data.sample_format() {
        SampleFormat::F32 => typed::<f32>(speaking, switches, data),
        SampleFormat::I32 => typed::<i32>(speaking, switches, data),
        SampleFormat::I16 => typed::<i16>(speaking, switches, data),
        SampleFormat::U16 => typed::<u16>(speaking, switches, data),
        // `choose` asks for none of the others.
        _ => switches.fail(),
    }
}

fn refused(error: cpal::Error) -> OpenDevice {
    match error.kind() {
        ErrorKind::DeviceBusy => OpenDevice::Busy,
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => OpenDevice::Missing,
        ErrorKind::PermissionDenied => OpenDevice::Denied,
        // cpal's list is open-ended.
        _ => OpenDevice::Failed(error.to_string()),
    }
}

/// A stream and the thread that owns it.
struct Open {
    format: StreamFormat,
    device: DeviceId,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl AudioIn for Open {
    fn format(&self) -> StreamFormat {
        self.format
    }

    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl AudioOut for Open {
    fn format(&self) -> StreamFormat {
        self.format
    }

    fn device(&self) -> DeviceId {
        self.device.clone()
    }
}

impl Open {
    fn start<M>(
        name: &str,
        way: Way,
        permit: Option<ListenPermit>,
        make: M,
        events: OnEvent,
    ) -> Result<Self, OpenDevice>
    where
        M: FnOnce(
                &Arc<Switches>,
                SyncSender<cpal::Error>,
            ) -> Result<(cpal::Stream, StreamFormat, DeviceId), OpenDevice>
            + Send
            + 'static,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let (opened, answer) = sync_channel(1);
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let switches = Arc::new(Switches::default());
                let (sender, errors) = sync_channel(ERRORS);
                let made = make(&switches, sender).and_then(|(stream, format, id)| {
                    stream.play().map_err(refused)?;
                    Ok((stream, format, id))
                });
                let stream = match made {
                    Ok((stream, format, id)) => {
                        if opened.send(Ok((format, id))).is_err() {
                            return;
                        }
                        stream
                    }
                    Err(error) => {
                        // The opener may have given up waiting; then nobody needs the reason.
                        drop(opened.send(Err(error)));
                        return;
                    }
                };
                let end = watch(way, permit.as_ref(), &switches, &errors, &stopped);
                switches.mute();
                drop(stream);
                tracing::info!(?way, callbacks = switches.callbacks(), ?end, "sound stream closed");
                if let Some(event) = end {
                    events(event);
                }
            })
            .map_err(|e| OpenDevice::Failed(e.to_string()))?;
        match answer.recv_timeout(2 * OPENING) {
            Ok(Ok((format, device))) => Ok(Self { format, device, stop, thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => {
                // The thread hangs in the driver and closes what it opened when it comes back.
                stop.store(true, Ordering::Release);
                Err(OpenDevice::Failed("the driver does not answer".into()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(OpenDevice::Failed("the driver panicked".into())),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a sound stream had panicked");
        }
    }
}

/// Looks after an open stream until it is told to stop (`None`) or something happens to it.
fn watch(
    way: Way,
    permit: Option<&ListenPermit>,
    switches: &Switches,
    errors: &Receiver<cpal::Error>,
    stop: &AtomicBool,
) -> Option<StreamEvent> {
    let mut storm = Storm::default();
    while !stop.load(Ordering::Acquire) {
        if switches.is_revoked() || permit.is_some_and(|p| !p.is_live()) {
            return Some(StreamEvent::Revoked);
        }
        if switches.has_failed() {
            return Some(StreamEvent::Lost("the driver changed its sample format".into()));
        }
        let error = match errors.recv_timeout(TICK) {
            Ok(error) => error,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Some(StreamEvent::Lost("the driver let go".into())),
        };
        match error.kind() {
            ErrorKind::DeviceChanged if way == Way::In => {
                switches.mute();
                return Some(StreamEvent::Switched);
            }
            ErrorKind::DeviceNotAvailable
            | ErrorKind::StreamInvalidated
            | ErrorKind::HostUnavailable
            | ErrorKind::PermissionDenied => return Some(StreamEvent::Lost(error.to_string())),
            // Xruns, refused priority and whatever a driver thinks up: bearable until nothing else comes.
            kind => match storm.error(Instant::now(), switches.callbacks()) {
                Verdict::Quiet => {}
                Verdict::Tell(unsaid) => tracing::warn!(?kind, %error, unsaid, "sound stream reports an error"),
                Verdict::Hopeless => return Some(StreamEvent::Lost(error.to_string())),
            },
        }
    }
    None
}
