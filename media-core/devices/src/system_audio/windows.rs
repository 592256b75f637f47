//! Windows: WASAPI's process loopback, told to leave our own process and its children out (Windows 10 2004 and later).
//! The loopback of a speaker, which older versions have, would hold the meeting itself: never used.
//!
//! One thread per open stream: woken by the driver, it copies from its buffer to the ring, and looks after stop, permit
//! and errors every 20 ms. Where nothing plays the system may bring nothing; an empty ring is silence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use media_core::channel::RingWriter;
use media_core::device::{AudioIn, OnEvent, OpenDevice, StreamEvent, StreamFormat};
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};
use wasapi::{AudioCaptureClient, AudioClient, Direction, Handle, SampleType, StreamMode, WasapiError, WaveFormat};
use windows_version::OsVersion;

use crate::callback::{Listening, Switches};
use crate::held::{Held, TICK};
use crate::urgent;

/// Windows 10 2004, the first that can leave a process out.
const FIRST_BUILD: u32 = 19_041;
/// The system converts: the loopback is no device with a format of its own.
const RATE: usize = 48_000;
const CHANNELS: u16 = 2;
/// Bytes of a sample.
const SAMPLE: usize = 4;
/// Bytes of a frame.
const FRAME: usize = SAMPLE * CHANNELS as usize;
/// Room for what the driver brings at once, at first: 200 ms.
const ROOM: usize = RATE / 5 * FRAME;
/// Activation is a matter of milliseconds; a system that takes longer hangs.
const OPENING: Duration = Duration::from_secs(5);
/// Of an `HRESULT`: the virtual device of the loopback is not there, the call does not exist there, the arguments are not
/// understood. What systems answer that are too old, or are no real Windows.
const NOT_THERE: [i32; 4] = [
    0x8007_0002_u32.cast_signed(),
    0x8007_0490_u32.cast_signed(),
    0x8000_4001_u32.cast_signed(),
    0x8007_0057_u32.cast_signed(),
];

/// Can this version of Windows leave our own sound out?
pub(crate) fn is_supported() -> bool {
    OsVersion::current().build >= FIRST_BUILD
}

/// See [`media_core::device::Devices::open_system_audio`].
pub(crate) fn open(permit: Permit<Screen>, ring: RingWriter, events: OnEvent) -> Result<Box<dyn AudioIn>, OpenDevice> {
    if !permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    if !is_supported() {
        return Err(OpenDevice::Unsupported);
    }
    let switches = Arc::new(Switches::default());
    let listening = Listening::new(ring, permit, Arc::clone(&switches), CHANNELS);
    let open = move || Ok((Loopback::open(listening)?, ()));
    let (held, ()) =
        Held::start("system-sound", OPENING, events, open, move |loopback, stop| loopback.listen(&switches, stop))?;
    Ok(Box::new(System { _held: held }))
}

struct System {
    _held: Held,
}

impl AudioIn for System {
    fn format(&self) -> StreamFormat {
        StreamFormat { rate: RATE as u32, channels: CHANNELS }
    }

    fn device(&self) -> DeviceId {
        DeviceId::parse("wasapi:system").expect("a constant that is an id")
    }
}

/// The stream. Lives and dies on its thread.
struct Loopback {
    client: AudioClient,
    capture: AudioCaptureClient,
    woken: Handle,
    listening: Listening<Permit<Screen>>,
    bytes: Vec<u8>,
    /// Gone last.
    _com: Com,
}

/// Leave to use COM on this thread.
struct Com;

impl Com {
    fn start() -> Result<Self, OpenDevice> {
        wasapi::initialize_mta().ok().map_err(|e| OpenDevice::Failed(e.to_string()))?;
        Ok(Self)
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        wasapi::deinitialize();
    }
}

impl Loopback {
    fn open(listening: Listening<Permit<Screen>>) -> Result<Self, OpenDevice> {
        let com = Com::start()?;
        let start = || {
            let ourselves_and_children_left_out = false;
            let mut client =
                AudioClient::new_application_loopback_client(std::process::id(), ourselves_and_children_left_out)?;
            let format = WaveFormat::new(32, 32, &SampleType::Float, RATE, CHANNELS.into(), None);
            let mode = StreamMode::EventsShared { autoconvert: true, buffer_duration_hns: 0 };
            client.initialize_client(&format, &Direction::Capture, &mode)?;
            let woken = client.set_get_eventhandle()?;
            let capture = client.get_audiocaptureclient()?;
            client.start_stream()?;
            Ok((client, capture, woken))
        };
        let (client, capture, woken) = start().map_err(refused)?;
        urgent::hasten();
        Ok(Self { client, capture, woken, listening, bytes: vec![0; ROOM], _com: com })
    }

    /// Until told to stop (`None`) or until something happened.
    fn listen(&mut self, switches: &Switches, stop: &AtomicBool) -> Option<StreamEvent> {
        while !stop.load(Ordering::Acquire) {
            // No sound for a while is no error: nobody plays.
            drop(self.woken.wait_for_event(TICK.as_millis() as u32));
            if let Err(error) = self.copy() {
                return Some(StreamEvent::Lost(error.to_string()));
            }
            if switches.is_revoked() || !self.listening.is_live() {
                return Some(StreamEvent::Revoked);
            }
            if self.listening.is_abandoned() {
                return None;
            }
        }
        None
    }

    /// Everything the driver has, into the ring.
    fn copy(&mut self) -> Result<(), WasapiError> {
        while let Some(frames) = self.capture.get_next_packet_size()?.filter(|frames| *frames > 0) {
            let needed = frames as usize * FRAME;
            if self.bytes.len() < needed {
                // Once at most: the driver's buffer does not grow.
                self.bytes.resize(needed, 0);
            }
            let (got, told) = self.capture.read_from_device(&mut self.bytes)?;
            let bytes = &mut self.bytes[..got as usize * FRAME];
            if told.flags.silent {
                // What the buffer holds then is nothing in particular.
                bytes.fill(0);
            }
            let (samples, _) = bytes.as_chunks::<SAMPLE>();
            self.listening.hear(samples, |sample| f32::from_le_bytes(sample));
        }
        Ok(())
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Err(error) = self.client.stop_stream() {
            tracing::debug!(%error, "the loopback was gone before it was stopped");
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn refused(error: WasapiError) -> OpenDevice {
    match &error {
        WasapiError::Windows(system) if NOT_THERE.contains(&system.code().0) => OpenDevice::Unsupported,
        WasapiError::Windows(system) if system.code().0 == 0x8007_0005_u32.cast_signed() => OpenDevice::Denied,
        // The crate's list is open-ended.
        _ => OpenDevice::Failed(error.to_string()),
    }
}
