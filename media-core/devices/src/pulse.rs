//! Sound through the sound server of free desktops: PulseAudio, or PipeWire speaking its protocol.
//! Lists, opens and watches; every open stream has a connection and a thread of its own (`record`, `play`).
//! A monitor of a speaker is never a microphone, whatever the server calls its default.

use std::ffi::{CStr, CString};
use std::path::Path;
use std::time::Duration;

use media_core::channel::{RingReader, RingWriter};
use media_core::device::{AudioIn, AudioOut, DeviceInfo, ListenPermit, OnEvent, OpenDevice};
use protocol::ids::DeviceId;
use protocol::policy::{Permit, Screen};
use pulseaudio::protocol::{
    Command, ServerInfo, SinkInfo, SinkInfoList, SourceInfo, SourceInfoList, SubscriptionEventFacility,
    SubscriptionEventType, SubscriptionMask,
};
use wire::{Connection, Packet, Wire};

mod pieces;
mod play;
mod record;
mod system;
mod wire;

/// Samples a second of every stream: the server converts better than a callback could.
const RATE: u32 = 48_000;
/// Frames in 10 ms.
const PERIOD: u32 = RATE / 100;
/// How often a stream's thread looks at its stop mark and its permit when nothing else wakes it.
const TICK: Duration = Duration::from_millis(20);

/// A server that can be reached.
pub(crate) struct Server {
    connection: Connection,
}

/// News about devices.
pub(crate) struct Changes {
    connection: Connection,
}

impl Server {
    /// Connects; `None` when there is no server. The path is for tests; usually the environment names it.
    pub(crate) fn reach(path: Option<&Path>) -> Option<Self> {
        match Connection::open(path) {
            Ok(connection) => Some(Self { connection }),
            Err(error) => {
                tracing::debug!(%error, "no sound server");
                None
            }
        }
    }

    /// Microphones and speakers, defaults marked. Nothing when the server fails meanwhile.
    pub(crate) fn list(&mut self) -> (Vec<DeviceInfo>, Vec<DeviceInfo>) {
        match (self.microphones(), self.speakers()) {
            (Ok(microphones), Ok(speakers)) => (
                microphones.iter().filter_map(|(s, d)| info(&s.name, s.description.as_deref(), *d)).collect(),
                speakers.iter().filter_map(|(s, d)| info(&s.name, s.description.as_deref(), *d)).collect(),
            ),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "sound devices not listed");
                Default::default()
            }
        }
    }

    /// Every source that is no monitor, and which one is the default: the server's if it is a microphone, else the
    /// first.
    fn microphones(&mut self) -> Result<Vec<(SourceInfo, bool)>, Wire> {
        let server: ServerInfo = self.connection.ask(&Command::GetServerInfo)?;
        let mut sources: SourceInfoList = self.connection.ask(&Command::GetSourceInfoList)?;
        sources.retain(|s| !is_monitor(s));
        let default = sources.iter().position(|s| Some(&s.name) == server.default_source_name.as_ref()).unwrap_or(0);
        Ok(sources.into_iter().enumerate().map(|(i, s)| (s, i == default)).collect())
    }

    fn speakers(&mut self) -> Result<Vec<(SinkInfo, bool)>, Wire> {
        let server: ServerInfo = self.connection.ask(&Command::GetServerInfo)?;
        let sinks: SinkInfoList = self.connection.ask(&Command::GetSinkInfoList)?;
        let default = sinks.iter().position(|s| Some(&s.name) == server.default_sink_name.as_ref()).unwrap_or(0);
        Ok(sinks.into_iter().enumerate().map(|(i, s)| (s, i == default)).collect())
    }

    /// See [`media_core::device::Devices::open_microphone`].
    pub(crate) fn open_microphone(
        mut self,
        permit: ListenPermit,
        device: Option<&DeviceId>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        let sources = self.microphones()?;
        let (source, _) = sources.into_iter().find(|(s, d)| wanted(device, &s.name, *d)).ok_or(OpenDevice::Missing)?;
        let id = id(&source.name).ok_or(OpenDevice::Missing)?;
        record::open(self.connection, &source, id, permit, ring, events)
    }

    /// See [`media_core::device::Devices::open_speaker`].
    pub(crate) fn open_speaker(
        mut self,
        device: Option<&DeviceId>,
        ring: RingReader,
        events: OnEvent,
    ) -> Result<Box<dyn AudioOut>, OpenDevice> {
        let sinks = self.speakers()?;
        let (sink, _) = sinks.into_iter().find(|(s, d)| wanted(device, &s.name, *d)).ok_or(OpenDevice::Missing)?;
        let id = id(&sink.name).ok_or(OpenDevice::Missing)?;
        play::open(self.connection, &sink, id, ring, events)
    }

    /// See [`media_core::device::Devices::open_system_audio`].
    pub(crate) fn open_system_audio(
        self,
        permit: Permit<Screen>,
        ring: RingWriter,
        events: OnEvent,
    ) -> Result<Box<dyn AudioIn>, OpenDevice> {
        system::open(self.connection, permit, ring, events)
    }

    /// Devices coming and going. `None` when the server is gone already.
    pub(crate) fn changes(mut self) -> Option<Changes> {
        let mask = SubscriptionMask::SINK | SubscriptionMask::SOURCE | SubscriptionMask::SERVER;
        self.connection.tell(&Command::Subscribe(mask)).ok()?;
        Some(Changes { connection: self.connection })
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Changes {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl Changes {
    /// Did a device come or go, or the default change, since the last call? `None`: the server is gone.
    pub(crate) fn drain(&mut self) -> Option<bool> {
        let mut changed = false;
        loop {
            match self.connection.receive(Duration::from_millis(1)) {
                // A device's own changes are its volume and state; the list of devices does not depend on them.
                Ok(Some(Packet::News(news))) => {
                    if let Command::SubscribeEvent(event) = *news {
                        changed |= event.event_facility == SubscriptionEventFacility::Server
                            || event.event_type != SubscriptionEventType::Changed;
                    }
                }
                Ok(Some(Packet::Reply(..) | Packet::Refused(..) | Packet::Sound(..) | Packet::Unknown)) => {}
                Ok(None) => return Some(changed),
                Err(_) => return None,
            }
        }
    }
}

fn is_monitor(source: &SourceInfo) -> bool {
    source.monitor_of_sink_index.is_some()
}

fn wanted(device: Option<&DeviceId>, name: &CString, is_default: bool) -> bool {
    device.map_or(is_default, |wanted| id(name).as_ref() == Some(wanted))
}

/// Names of sources and sinks are stable over replug. One that is no text or too long is left out of every list.
fn id(name: &CStr) -> Option<DeviceId> {
    DeviceId::parse(format!("pulse:{}", name.to_str().ok()?)).ok()
}

fn info(name: &CStr, description: Option<&CStr>, is_default: bool) -> Option<DeviceInfo> {
    let shown = description.unwrap_or(name).to_string_lossy().into_owned();
    Some(DeviceInfo { id: id(name)?, name: shown, is_default })
}
