//! A PipeWire of the test's own, and a program in it that paints: what a compositor does for a shared screen.

use std::cell::Cell;
use std::io::Cursor;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use pipewire::context::ContextRc;
use pipewire::keys;
use pipewire::loop_::Timeout;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::VideoFormat;
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{Object, Pod, Property, Value, object, property};
use pipewire::spa::sys;
use pipewire::spa::utils::{Direction, Fraction, Rectangle, SpaTypes};
use pipewire::stream::{StreamFlags, StreamRc, StreamState};
use tempfile::TempDir;

use crate::portal::bus;
use crate::running::Running;
use crate::tools::{need, until};

/// The daemon and what links streams in it, in a folder that goes with them.
pub(crate) struct PipeWire {
    folder: TempDir,
    _daemons: Vec<Running>,
}

impl PipeWire {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // What links streams is none without a bus.
        let (daemon, bus) = bus();
        let mut daemons = vec![daemon];
        for (program, package) in [("pipewire", "pipewire"), ("wireplumber", "wireplumber")] {
            let mut command = Command::new(need(program, package));
            for name in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"] {
                command.env(name, folder.path());
            }
            command.env_remove("PIPEWIRE_REMOTE").env("DBUS_SESSION_BUS_ADDRESS", &bus);
            daemons.push(Running::start(command.stdout(Stdio::null()).stderr(Stdio::null())));
            until("PipeWire", || UnixStream::connect(folder.path().join("pipewire-0")).is_ok());
        }
        Self { folder, _daemons: daemons }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("pipewire-0")
    }
}

/// What is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slide {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Blue, green, red.
    pub(crate) colour: [u8; 3],
    /// The bytes from line to line say so; what is there does not change.
    pub(crate) stride: i32,
}

impl Slide {
    pub(crate) fn new(width: u32, height: u32, colour: [u8; 3]) -> Self {
        Self { width, height, colour, stride: i32::try_from(width * 4).unwrap() }
    }
}

/// A node that shows slides until it is dropped.
pub(crate) struct Projector {
    pub(crate) node: u32,
    orders: Option<SyncSender<Slide>>,
    thread: Option<JoinHandle<()>>,
}

impl Projector {
    pub(crate) fn start(socket: &Path, slide: Slide) -> Self {
        let (orders, inbox) = sync_channel(16);
        let (tell, told) = sync_channel(1);
        let remote = UnixStream::connect(socket).expect("PipeWire listens").into();
        let thread = std::thread::spawn(move || project(remote, slide, &inbox, &tell));
        let node = told.recv().expect("a node");
        Self { node, orders: Some(orders), thread: Some(thread) }
    }

    pub(crate) fn show(&self, slide: Slide) {
        self.orders.as_ref().expect("running").send(slide).expect("it listens");
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic");
        }
    }
}

fn written(object: Object) -> Vec<u8> {
    PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object)).unwrap().0.into_inner()
}

fn format(slide: Slide) -> Vec<u8> {
    let size = Rectangle { width: slide.width, height: slide.height };
    written(object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(FormatProperties::VideoFormat, Id, VideoFormat::BGRx),
        property!(FormatProperties::VideoSize, Rectangle, size),
        property!(FormatProperties::VideoFramerate, Fraction, Fraction { num: 0, denom: 1 }),
    ))
}

fn buffers(slide: Slide) -> Vec<u8> {
    let stride = i32::try_from(slide.width * 4).unwrap();
    let size = stride * i32::try_from(slide.height).unwrap();
    written(Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![
            Property::new(sys::SPA_PARAM_BUFFERS_buffers, Value::Int(4)),
            Property::new(sys::SPA_PARAM_BUFFERS_blocks, Value::Int(1)),
            Property::new(sys::SPA_PARAM_BUFFERS_size, Value::Int(size)),
            Property::new(sys::SPA_PARAM_BUFFERS_stride, Value::Int(stride)),
        ],
    })
}

fn project(remote: OwnedFd, first: Slide, inbox: &Receiver<Slide>, tell: &SyncSender<u32>) {
    pipewire::init();
    let main = MainLoopRc::new(None).unwrap();
    let core = ContextRc::new(&main, None).unwrap().connect_fd_rc(remote, None).unwrap();
    let about = properties! {
        *keys::MEDIA_CLASS => "Video/Source",
        *keys::NODE_NAME => "projector",
    };
    let stream = StreamRc::new(core, "projector", about).unwrap();
    let slide = Rc::new(Cell::new(first));
    let (agreed, painted) = (Rc::clone(&slide), Rc::clone(&slide));
    let _listener = stream
        .add_local_listener_with_user_data(())
        .param_changed(move |stream, (), id, param| {
            if id == ParamType::Format.as_raw() && param.is_some() {
                let buffers = buffers(agreed.get());
                stream.update_params(&mut [Pod::from_bytes(&buffers).unwrap()]).unwrap();
            }
        })
        .process(move |stream, ()| {
            let Some(mut buffer) = stream.dequeue_buffer() else { return };
            let slide = painted.get();
            let data = &mut buffer.datas_mut()[0];
            let size = (slide.width * slide.height * 4) as usize;
            let Some(bytes) = data.data().filter(|bytes| bytes.len() >= size) else { return };
            let [blue, green, red] = slide.colour;
            for pixel in bytes[..size].chunks_exact_mut(4) {
                pixel.copy_from_slice(&[blue, green, red, 0]);
            }
            let chunk = data.chunk_mut();
            *chunk.offset_mut() = 0;
            *chunk.size_mut() = u32::try_from(size).unwrap();
            *chunk.stride_mut() = slide.stride;
        })
        .register()
        .unwrap();
    let offered = format(first);
    let flags = StreamFlags::MAP_BUFFERS;
    stream.connect(Direction::Output, None, flags, &mut [Pod::from_bytes(&offered).unwrap()]).unwrap();
    let mut is_told = false;
    loop {
        main.loop_().iterate(Timeout::Finite(Duration::from_millis(10)));
        if !is_told && matches!(stream.state(), StreamState::Paused) {
            is_told = true;
            tell.send(stream.node_id()).unwrap();
        }
        match inbox.try_recv() {
            Ok(next) => {
                let before = slide.replace(next);
                if (before.width, before.height) != (next.width, next.height) {
                    let offered = format(next);
                    stream.update_params(&mut [Pod::from_bytes(&offered).unwrap()]).unwrap();
                }
            }
            Err(std::sync::mpsc::TryRecvError::Empty) => {}
            Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
        }
    }
}
