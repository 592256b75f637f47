//! The pixels: a PipeWire stream in shared memory (no DMA-BUF, so no graphics card is touched). Its size may change and is
//! followed; when the node, the session or the connection goes, the stream is over, and no other ever takes its place.
//! Everything happens on the thread that looks; PipeWire's callbacks only note what came.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use media_core::frame::{Picture, Size};
use media_core::time::MediaTime;
use pipewire::context::ContextRc;
use pipewire::core::{CoreRc, Listener as CoreListener};
use pipewire::keys;
use pipewire::loop_::Timeout;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::registry::{Listener as RegistryListener, RegistryRc};
use pipewire::spa::buffer::meta::MetaVideoCrop;
use pipewire::spa::buffer::{ChunkFlags, DataType};
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{MediaSubtype, MediaType};
use pipewire::spa::param::format_utils::parse_format;
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::Pod;
use pipewire::spa::utils::Direction;
use pipewire::stream::{StreamFlags, StreamListener, StreamRc, StreamState};
use protocol::policy::{Permit, Screen};

use super::super::paced::Frames;
use super::ask::Held;
use crate::picture::Clock;
use crate::picture::packed::{Order, Part, from_packed};

mod wishes;

/// What the callbacks noted.
#[derive(Default)]
struct Notes {
    /// Pixels across and down, and what a pixel is.
    format: Option<(u32, u32, Order)>,
    /// Why the stream is over.
    end: Option<String>,
}

impl Notes {
    fn over(&mut self, why: impl Into<String>) {
        self.end.get_or_insert(why.into());
    }
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoStream {
    /// PipeWire says no.
    #[error("PipeWire: {0}")]
    PipeWire(#[from] pipewire::Error),
    /// Our wishes could not be written down.
    #[error("what we wish could not be told")]
    Wishes,
}

/// An open stream. Fields are dropped in this order: listeners first, the session's end last.
pub(super) struct Stream {
    _heard: StreamListener<()>,
    _core_heard: CoreListener,
    _registry_heard: RegistryListener,
    stream: StreamRc,
    _registry: RegistryRc,
    _core: CoreRc,
    main: MainLoopRc,
    notes: Rc<RefCell<Notes>>,
    newest: Option<Picture>,
    clock: Clock,
    permit: Permit<Screen>,
    session: Held,
}

impl Stream {
    /// Connects to the node.
    pub(super) fn open(
        remote: OwnedFd,
        node: u32,
        session: Held,
        clock: Clock,
        permit: Permit<Screen>,
    ) -> Result<Self, NoStream> {
        pipewire::init();
        let main = MainLoopRc::new(None)?;
        let core = ContextRc::new(&main, None)?.connect_fd_rc(remote, None)?;
        let notes = Rc::new(RefCell::new(Notes::default()));
        let registry = core.get_registry_rc()?;
        let told = Rc::clone(&notes);
        let registry_heard = registry
            .add_listener_local()
            .global_remove(move |id| {
                if id == node {
                    told.borrow_mut().over("what was shared is gone");
                }
            })
            .register();
        let told = Rc::clone(&notes);
        let core_heard = core
            .add_listener_local()
            .error(move |id, _, _, words| {
                tracing::debug!(id, words, "PipeWire complains");
                // Of the connection itself; a stream tells its own errors.
                if id == 0 {
                    told.borrow_mut().over(words);
                }
            })
            .register();
        let stream = StreamRc::new(
            core.clone(),
            "screen",
            properties! {
                *keys::MEDIA_TYPE => "Video",
                *keys::MEDIA_CATEGORY => "Capture",
                *keys::MEDIA_ROLE => "Screen",
                // Never anything else: the next best source is a camera.
                *keys::NODE_DONT_RECONNECT => "true",
            },
        )?;
        let heard = listen(&stream, &notes)?;
        let formats = wishes::formats().ok_or(NoStream::Wishes)?;
        let format = Pod::from_bytes(&formats).ok_or(NoStream::Wishes)?;
        let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT;
        stream.connect(Direction::Input, Some(node), flags, &mut [format])?;
        Ok(Self {
            _heard: heard,
            _core_heard: core_heard,
            _registry_heard: registry_heard,
            stream,
            _registry: registry,
            _core: core,
            main,
            notes,
            newest: None,
            clock,
            permit,
            session,
        })
    }

    /// Lets PipeWire work, so long at most.
    fn turn(&self, longest: Duration) {
        self.main.loop_().iterate(Timeout::Finite(longest));
    }

    /// What one buffer shows, if it shows anything.
    fn seen(&self, buffer: &mut pipewire::buffer::Buffer<'_>) -> Option<Picture> {
        let (width, height, order) = self.notes.borrow().format?;
        let crop =
            buffer.find_meta::<MetaVideoCrop>().map(|crop| (crop.meta_region().position(), crop.meta_region().size()));
        let data = buffer.datas_mut().first_mut()?;
        let (offset, size, stride, flags) = {
            let chunk = data.chunk();
            (chunk.offset(), chunk.size(), chunk.stride(), chunk.flags())
        };
        let in_memory = data.type_() == DataType::MemFd || data.type_() == DataType::MemPtr;
        // A buffer may tell of the cursor alone.
        if size == 0 || flags.contains(ChunkFlags::CORRUPTED) || !in_memory {
            return None;
        }
        let bytes = data.data()?;
        let bytes = bytes.get(offset as usize..)?;
        let bytes = bytes.get(..size as usize).unwrap_or(bytes);
        let whole = Part { x: 0, y: 0, width, height };
        let part = match crop {
            Some((at, size)) if size.width > 0 && size.height > 0 => {
                let (x, y) = (u32::try_from(at.x).ok()?, u32::try_from(at.y).ok()?);
                Part { x, y, width: size.width, height: size.height }.within(whole)?
            }
            _ => whole,
        };
        let stride = u32::try_from(stride).ok()?;
        let stride = if stride == 0 { width.checked_mul(4)? } else { stride };
        from_packed(order, part, width, bytes, stride, self.clock.now())
            .inspect_err(|error| tracing::debug!(%error, "a buffer is not what it says"))
            .ok()
    }
}

impl Frames for Stream {
    fn take(&mut self) -> Result<bool, String> {
        if self.session.is_over() {
            return Err("the desktop ended it".into());
        }
        self.turn(Duration::ZERO);
        if let Some(why) = self.notes.borrow_mut().end.take() {
            return Err(why);
        }
        let mut newest = None;
        while let Some(mut buffer) = self.stream.dequeue_buffer() {
            if !self.permit.is_live() {
                return Ok(false);
            }
            newest = self.seen(&mut buffer).or(newest);
        }
        let fresh = newest.is_some();
        self.newest = newest.or_else(|| self.newest.take());
        Ok(fresh)
    }

    fn picture(&mut self, _at: MediaTime) -> Result<Picture, String> {
        self.newest.take().ok_or_else(|| "there is no picture".to_owned())
    }

    fn wait(&mut self, longest: Duration) {
        self.turn(longest);
    }

    fn is_as_it_was(&mut self) -> bool {
        true
    }
}

fn listen(stream: &StreamRc, notes: &Rc<RefCell<Notes>>) -> Result<StreamListener<()>, pipewire::Error> {
    let (states, formats) = (Rc::clone(notes), Rc::clone(notes));
    stream
        .add_local_listener_with_user_data(())
        .state_changed(move |_, (), _, new| {
            tracing::debug!(?new, "the stream of a screen");
            match new {
                StreamState::Error(why) => states.borrow_mut().over(why),
                StreamState::Unconnected => states.borrow_mut().over("the stream is over"),
                StreamState::Connecting | StreamState::Paused | StreamState::Streaming => {}
            }
        })
        .param_changed(move |stream, (), id, param| {
            let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) else { return };
            match format(param) {
                Some(format) => {
                    formats.borrow_mut().format = Some(format);
                    if !wishes::tell_buffers(stream) {
                        formats.borrow_mut().over("PipeWire does not hear what buffers we can read");
                    }
                }
                None => formats.borrow_mut().over("the stream has an unusual format"),
            }
        })
        .register()
}

/// Size and layout of a picture; nothing larger than we can hold.
fn format(param: &Pod) -> Option<(u32, u32, Order)> {
    if parse_format(param).ok()? != (MediaType::Video, MediaSubtype::Raw) {
        return None;
    }
    let mut info = VideoInfoRaw::new();
    info.parse(param).ok()?;
    let order = match info.format() {
        VideoFormat::BGRx | VideoFormat::BGRA => Order::Bgr,
        VideoFormat::RGBx | VideoFormat::RGBA => Order::Rgb,
        _ => return None,
    };
    let (width, height) = (info.size().width, info.size().height);
    Size::even(width, height)?;
    Some((width, height, order))
}
