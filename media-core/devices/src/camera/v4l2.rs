//! Cameras on Linux, spoken to directly (V4L2, memory-mapped buffers). Runs on the camera's own thread.
//!
//! Why not nokhwa here: it needs libclang to build, lists the metadata nodes every webcam has besides its camera, refuses
//! cameras whose rate is no whole number (29.97), names cameras by a number that changes with the plug, reports a busy
//! one only at the first picture, and waits for a picture without end, so a stalled camera could never be closed.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::Duration;

use abi::{Capability, Mapping, PixelFormat, fourcc};
use media_core::device::{DeviceInfo, OpenDevice, PictureWish};
use protocol::ids::DeviceId;

use super::Got;
use super::modes::{Mode, best};
use crate::picture::{Pixels, Raw};
use crate::wait::readable;

mod abi;

/// Nodes looked at: `/dev/video0` and so on.
const NODES: u32 = 64;
/// Buffers between driver and us: one being filled, one waiting, one being read, one to spare.
const BUFFERS: u32 = 4;

/// A node that is a camera.
struct Node {
    file: File,
    id: DeviceId,
    name: String,
    modes: Vec<(Mode, (u32, u32))>,
}

/// Every camera that can deliver something we understand.
pub(super) fn list() -> Vec<DeviceInfo> {
    let nodes = nodes().0;
    let info = |(i, node): (usize, Node)| DeviceInfo { id: node.id, name: node.name, is_default: i == 0 };
    nodes.into_iter().enumerate().map(info).collect()
}

/// Of the nodes there are; opens none of them.
pub(super) fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    for number in 0..NODES {
        // A new node of the same number is a new inode.
        if let Ok(node) = std::fs::metadata(path(number)) {
            (number, node.ino()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn path(number: u32) -> String {
    format!("/dev/video{number}")
}

/// The cameras, and the last reason why a node did not open.
fn nodes() -> (Vec<Node>, Option<io::Error>) {
    let (mut nodes, mut reason) = (Vec::<Node>::new(), None);
    for number in 0..NODES {
        let file = match OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path(number)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                reason = Some(error);
                continue;
            }
        };
        let Ok(capability) = abi::capability(&file) else { continue };
        if !is_camera(&capability) {
            continue;
        }
        let modes = modes(&file);
        if modes.is_empty() {
            continue;
        }
        // Two cameras on one plug (colour and infrared) have the same bus name: count them.
        let bus = text(&capability.bus);
        let before = nodes.iter().filter(|n| n.id.as_str().starts_with(&format!("v4l2:{bus}#"))).count();
        let Ok(id) = DeviceId::parse(format!("v4l2:{bus}#{before}")) else { continue };
        nodes.push(Node { file, id, name: text(&capability.card), modes });
    }
    (nodes, reason)
}

fn is_camera(capability: &Capability) -> bool {
    let all = if capability.capabilities & abi::CAP_DEVICE_CAPS == 0 {
        capability.capabilities
    } else {
        // What this node does, not what its siblings do.
        capability.device_caps
    };
    let needed = abi::CAP_VIDEO_CAPTURE | abi::CAP_STREAMING;
    all & needed == needed
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).chars().filter(|c| !c.is_control()).collect()
}

const fn known(pixels: u32) -> Option<Pixels> {
    const YUYV: u32 = fourcc(*b"YUYV");
    const NV12: u32 = fourcc(*b"NV12");
    const YU12: u32 = fourcc(*b"YU12");
    const MJPG: u32 = fourcc(*b"MJPG");
    const JPEG: u32 = fourcc(*b"JPEG");
    match pixels {
        YUYV => Some(Pixels::Yuyv),
        NV12 => Some(Pixels::Nv12),
        YU12 => Some(Pixels::I420),
        MJPG | JPEG => Some(Pixels::Mjpeg),
        _ => None,
    }
}

/// Everything a node can do that we understand, with its interval in seconds as a fraction.
fn modes(file: &File) -> Vec<(Mode, (u32, u32))> {
    let mut modes = Vec::new();
    for format in abi::formats(file) {
        let Some(pixels) = known(format.pixels) else { continue };
        for size in abi::frame_sizes(file, format.pixels) {
            for (width, height) in sizes(&size) {
                let intervals = abi::frame_intervals(file, format.pixels, width, height);
                let fractions = intervals.iter().map(|i| (i.intervals[0].max(1), i.intervals[1].max(1)));
                // A driver that names no rate: it has one, and 30 is the likeliest.
                for (numerator, denominator) in fractions.chain(intervals.is_empty().then_some((1, 30))) {
                    let fps = f64::from(denominator) / f64::from(numerator);
                    modes.push((Mode { pixels, width, height, fps }, (numerator, denominator)));
                }
            }
        }
    }
    modes
}

/// The sizes of an entry; of a range, those people use.
fn sizes(size: &abi::FrameSize) -> Vec<(u32, u32)> {
    let [a, b, c, d, e, f] = size.sizes;
    if size.kind == abi::DISCRETE {
        return vec![(a, b)];
    }
    let (min, max, step) = ((a, d), (b, e), (c.max(1), f.max(1)));
    let usual = [(320, 180), (320, 240), (640, 360), (640, 480), (1280, 720), (1920, 1080)];
    let fits = |(w, h): &(u32, u32)| {
        (min.0..=max.0).contains(w)
            && (min.1..=max.1).contains(h)
            && (w - min.0) % step.0 == 0
            && (h - min.1) % step.1 == 0
    };
    let usual: Vec<_> = usual.into_iter().filter(fits).collect();
    if usual.is_empty() { vec![max] } else { usual }
}

/// An open, streaming camera. Dropping it stops the stream, frees the buffers and closes the node: its light goes out.
pub(super) struct Source {
    file: File,
    pixels: Pixels,
    format: PixelFormat,
    buffers: Vec<Mapping>,
}

impl Source {
    /// Opens the camera with this id (`None`: the first) and starts it in the mode nearest to the wish.
    pub(super) fn open(wanted: Option<&DeviceId>, wish: PictureWish) -> Result<(Self, DeviceId), OpenDevice> {
        let (nodes, reason) = nodes();
        let node = nodes.into_iter().find(|n| wanted.is_none_or(|w| *w == n.id));
        let Some(node) = node else { return Err(reason.map_or(OpenDevice::Missing, |e| refused(&e))) };
        let all: Vec<Mode> = node.modes.iter().map(|(mode, _)| *mode).collect();
        let mode = best(&all, wish).ok_or(OpenDevice::Missing)?;
        let interval = node.modes.iter().find(|(m, _)| *m == mode).map(|(_, interval)| *interval);
        let source = Self::start(node.file, mode, interval).map_err(|e| refused(&e))?;
        tracing::info!(
            width = source.format.width, height = source.format.height, fps = mode.fps, pixels = ?source.pixels,
            "camera opened"
        );
        Ok((source, node.id))
    }

    fn start(file: File, mode: Mode, interval: Option<(u32, u32)>) -> io::Result<Self> {
        let letters = match mode.pixels {
            Pixels::Yuyv => fourcc(*b"YUYV"),
            Pixels::Nv12 => fourcc(*b"NV12"),
            Pixels::I420 => fourcc(*b"YU12"),
            Pixels::Mjpeg => fourcc(*b"MJPG"),
        };
        let wanted = PixelFormat {
            width: mode.width,
            height: mode.height,
            pixels: letters,
            field: abi::FIELD_ANY,
            ..PixelFormat::default()
        };
        let format = abi::set_format(&file, wanted)?;
        // The driver may answer with something else; then it is that.
        let pixels = known(format.pixels).ok_or_else(|| io::Error::other("the camera changed its pixel format"))?;
        if let Some((numerator, denominator)) = interval
            && let Err(error) = abi::set_interval(&file, numerator, denominator)
        {
            // Some drivers have one rate and no call to set it.
            tracing::debug!(%error, "camera keeps its own rate");
        }
        let count = abi::request_buffers(&file, BUFFERS)?;
        let mut source = Self { file, pixels, format, buffers: Vec::new() };
        for index in 0..count {
            source.buffers.push(Mapping::new(&source.file, index)?);
            abi::queue(&source.file, index)?;
        }
        abi::stream(&source.file, true)?;
        Ok(source)
    }

    /// Waits for a picture and lends it to `take`.
    ///
    /// # Errors
    /// The camera is gone or broken, in words.
    pub(super) fn next<T>(&mut self, wait: Duration, take: impl FnOnce(Raw<'_>) -> T) -> Result<Got<T>, String> {
        if !readable(&self.file, wait).map_err(gone)? {
            return Ok(Got::Nothing);
        }
        let buffer = match abi::dequeue(&self.file) {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Got::Nothing),
            Err(error) => return Err(gone(error)),
        };
        let mapping = self.buffers.get(buffer.index as usize).ok_or("the driver named a buffer it does not have")?;
        let taken = (buffer.flags & abi::BUFFER_ERROR == 0).then(|| {
            take(Raw {
                pixels: self.pixels,
                width: self.format.width,
                height: self.format.height,
                stride: self.format.bytes_per_line,
                bytes: mapping.bytes(buffer.used as usize),
            })
        });
        abi::queue(&self.file, buffer.index).map_err(gone)?;
        Ok(taken.map_or(Got::Nothing, Got::Picture))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // An unplugged camera has nothing left to stop; the file is closed either way.
        if let Err(error) = abi::stream(&self.file, false) {
            tracing::debug!(%error, "camera not stopped");
        }
        self.buffers.clear();
        if let Err(error) = abi::request_buffers(&self.file, 0) {
            tracing::debug!(%error, "camera buffers not freed");
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn gone(error: io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENODEV) => "the camera was unplugged".into(),
        _ => error.to_string(),
    }
}

fn refused(error: &io::Error) -> OpenDevice {
    match error.raw_os_error() {
        Some(libc::EBUSY) => OpenDevice::Busy,
        Some(libc::EACCES | libc::EPERM) => OpenDevice::Denied,
        Some(libc::ENODEV | libc::ENOENT | libc::ENXIO) => OpenDevice::Missing,
        _ => OpenDevice::Failed(error.to_string()),
    }
}
