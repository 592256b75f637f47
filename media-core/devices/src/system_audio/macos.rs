//! macOS: ScreenCaptureKit's sound without our own process (macOS 13 and later). The system's queue copies into the ring;
//! a thread beside it looks after stop, permit and the stream's end.
//! The system counts it as recording the screen, and asks the user for that.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use media_core::channel::RingWriter;
use media_core::device::{AudioIn, OnEvent, OpenDevice, StreamEvent, StreamFormat};
use objc2::available;
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};

use crate::callback::{Listening, Switches};
use crate::capture_kit::sound::{CHANNELS, Pieces, RATE, Sound};
use crate::capture_kit::{OPENING, Sink, Stream, Wanted};
use crate::held::{Held, watch};

/// Can this version of macOS leave our own sound out?
pub(crate) fn is_supported() -> bool {
    available!(macos = 13.0)
}

/// See [`media_core::device::Devices::open_system_audio`].
pub(crate) fn open(permit: Permit<Screen>, ring: RingWriter, events: OnEvent) -> Result<Box<dyn AudioIn>, OpenDevice> {
    if !permit.is_live() {
        return Err(OpenDevice::Revoked);
    }
    if !is_supported() {
        return Err(OpenDevice::Unsupported);
    }
    let (end, ended) = sync_channel(1);
    let switches = Arc::new(Switches::default());
    let mut listening = Listening::new(ring, permit.clone(), Arc::clone(&switches), CHANNELS);
    let mut pieces = Pieces::new();
    let broken = end.clone();
    let sink: Sink = Box::new(move |sample| {
        let copied = pieces.of(sample, |sound| match sound {
            Sound::Apart(left, right) => listening.hear_apart(left, right),
            Sound::Together(both) => listening.hear(both, |sample| sample),
        });
        if let Err(why) = copied {
            drop(broken.try_send(Some(StreamEvent::Lost(why))));
        } else if listening.is_abandoned() {
            drop(broken.try_send(None));
        }
    });
    let open = move || Ok((Stream::start(Wanted::Sound, sink, end)?, ()));
    let look = move |_: &mut Stream, stop: &AtomicBool| {
        watch(stop, || permit.is_live() && !switches.is_revoked(), &ended, || None)
    };
    let (held, ()) = Held::start("system-sound", OPENING, events, open, look)?;
    Ok(Box::new(System { _held: held }))
}

struct System {
    _held: Held,
}

impl AudioIn for System {
    fn format(&self) -> StreamFormat {
        StreamFormat { rate: RATE, channels: CHANNELS }
    }

    fn device(&self) -> DeviceId {
        DeviceId::parse("capture-kit:system").expect("a constant that is an id")
    }
}
