//! The kernel's video capture interface: structures, numbers and the calls, as in `linux/videodev2.h`.
//! The only unsafe file of the cameras. Written by hand because the crates that wrap it generate their
//! bindings at build time with libclang, which nobody should need to build a meeting client.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

pub(super) const CAPTURE: u32 = 1;
pub(super) const MMAP: u32 = 1;
pub(super) const CAP_VIDEO_CAPTURE: u32 = 0x1;
pub(super) const CAP_STREAMING: u32 = 0x0400_0000;
pub(super) const CAP_DEVICE_CAPS: u32 = 0x8000_0000;
pub(super) const DISCRETE: u32 = 1;
pub(super) const BUFFER_ERROR: u32 = 0x40;
pub(super) const FIELD_ANY: u32 = 0;

/// A pixel format's four letters.
pub(super) const fn fourcc(letters: [u8; 4]) -> u32 {
    u32::from_le_bytes(letters)
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Capability {
    pub(super) driver: [u8; 16],
    pub(super) card: [u8; 32],
    pub(super) bus: [u8; 32],
    pub(super) version: u32,
    pub(super) capabilities: u32,
    pub(super) device_caps: u32,
    reserved: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FormatDescription {
    pub(super) index: u32,
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) description: [u8; 32],
    pub(super) pixels: u32,
    pub(super) bus_code: u32,
    reserved: [u32; 3],
}

/// `sizes` is width, height for a discrete one, else min, max, step of both.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FrameSize {
    pub(super) index: u32,
    pub(super) pixels: u32,
    pub(super) kind: u32,
    pub(super) sizes: [u32; 6],
    reserved: [u32; 2],
}

/// `intervals` is numerator, denominator in seconds for a discrete one, else those of min, max, step.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FrameInterval {
    pub(super) index: u32,
    pub(super) pixels: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kind: u32,
    pub(super) intervals: [u32; 6],
    reserved: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct PixelFormat {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: u32,
    pub(super) field: u32,
    pub(super) bytes_per_line: u32,
    pub(super) size: u32,
    pub(super) colours: u32,
    pub(super) private: u32,
    pub(super) rest: [u32; 4],
}

/// The kernel's union is 200 bytes and, because of a member we never use, aligned as a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
union FormatUnion {
    pixels: PixelFormat,
    all: [u8; 200],
    align: [usize; 25],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Format {
    kind: u32,
    of: FormatUnion,
}

impl Format {
    pub(super) const fn capture(pixels: PixelFormat) -> Self {
        let mut of = FormatUnion { all: [0; 200] };
        of.pixels = pixels;
        Self { kind: CAPTURE, of }
    }

    pub(super) const fn pixels(&self) -> PixelFormat {
        // SAFETY: every bit pattern is a valid `PixelFormat`, and all 200 bytes were initialised.
        unsafe { self.of.pixels }
    }
}

/// `VIDIOC_S_PARM`: 200 bytes of union of which capture uses the first ten words.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct StreamParameters {
    kind: u32,
    capability: u32,
    mode: u32,
    pub(super) numerator: u32,
    pub(super) denominator: u32,
    rest: [u32; 46],
}

impl StreamParameters {
    pub(super) const fn capture(numerator: u32, denominator: u32) -> Self {
        Self { kind: CAPTURE, capability: 0, mode: 0, numerator, denominator, rest: [0; 46] }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct RequestBuffers {
    pub(super) count: u32,
    pub(super) kind: u32,
    pub(super) memory: u32,
    pub(super) capabilities: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    pub(super) index: u32,
    pub(super) kind: u32,
    pub(super) used: u32,
    pub(super) flags: u32,
    pub(super) field: u32,
    timestamp: libc::timeval,
    timecode: [u32; 4],
    pub(super) sequence: u32,
    pub(super) memory: u32,
    offset: usize,
    pub(super) length: u32,
    reserved: [u32; 2],
}

impl Buffer {
    pub(super) const fn capture(index: u32) -> Self {
        Self {
            index,
            kind: CAPTURE,
            used: 0,
            flags: 0,
            field: 0,
            timestamp: libc::timeval { tv_sec: 0, tv_usec: 0 },
            timecode: [0; 4],
            sequence: 0,
            memory: MMAP,
            offset: 0,
            length: 0,
            reserved: [0; 2],
        }
    }

    /// Where to map it: a 32-bit member of a union as wide as a pointer.
    const fn offset(&self) -> u32 {
        let bytes = self.offset.to_ne_bytes();
        u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

mod request {
    //! Numbers of the calls: direction, size of the argument, letter `V`, number (asm-generic/ioctl.h).
    use super::{
        Buffer, Capability, Format, FormatDescription, FrameInterval, FrameSize, RequestBuffers, StreamParameters,
    };

    const WRITE: u32 = 1;
    const READ: u32 = 2;

    const fn number<T>(direction: u32, number: u32) -> u32 {
        direction << 30 | (size_of::<T>() as u32) << 16 | (b'V' as u32) << 8 | number
    }

    pub(super) const QUERYCAP: u32 = number::<Capability>(READ, 0);
    pub(super) const ENUM_FMT: u32 = number::<FormatDescription>(READ | WRITE, 2);
    pub(super) const S_FMT: u32 = number::<Format>(READ | WRITE, 5);
    pub(super) const REQBUFS: u32 = number::<RequestBuffers>(READ | WRITE, 8);
    pub(super) const QUERYBUF: u32 = number::<Buffer>(READ | WRITE, 9);
    pub(super) const QBUF: u32 = number::<Buffer>(READ | WRITE, 15);
    pub(super) const DQBUF: u32 = number::<Buffer>(READ | WRITE, 17);
    pub(super) const STREAMON: u32 = number::<i32>(WRITE, 18);
    pub(super) const STREAMOFF: u32 = number::<i32>(WRITE, 19);
    pub(super) const S_PARM: u32 = number::<StreamParameters>(READ | WRITE, 22);
    pub(super) const ENUM_FRAMESIZES: u32 = number::<FrameSize>(READ | WRITE, 74);
    pub(super) const ENUM_FRAMEINTERVALS: u32 = number::<FrameInterval>(READ | WRITE, 75);
}

// The sizes are part of the numbers: a wrong structure is a wrong call, refused by the kernel, never a wild write.
const _: () = {
    assert!(size_of::<Capability>() == 104);
    assert!(size_of::<FormatDescription>() == 64);
    assert!(size_of::<FrameSize>() == 44);
    assert!(size_of::<FrameInterval>() == 52);
    assert!(size_of::<StreamParameters>() == 204);
    assert!(size_of::<RequestBuffers>() == 20);
};
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Format>() == 208);
    assert!(size_of::<Buffer>() == 88);
};

fn call<T>(device: &File, request: u32, argument: &mut T) -> io::Result<()> {
    loop {
        // SAFETY: `request` carries the size of `T` (see `request`), so the kernel reads and writes inside `argument`,
        // which lives through the call; the descriptor is open as long as `device` is borrowed.
        let answer = unsafe { libc::ioctl(device.as_raw_fd(), request as _, std::ptr::from_mut(argument)) };
        if answer >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Asks until the driver has no more.
fn every<T>(device: &File, request: u32, start: impl Fn(u32) -> T) -> Vec<T> {
    /// No real camera has so many; a driver that never ends its list must not hold us.
    const MOST: u32 = 128;
    (0..MOST)
        .map_while(|index| {
            let mut one = start(index);
            call(device, request, &mut one).ok().map(|()| one)
        })
        .collect()
}

pub(super) fn capability(device: &File) -> io::Result<Capability> {
    let mut capability = Capability::default();
    call(device, request::QUERYCAP, &mut capability)?;
    Ok(capability)
}

pub(super) fn formats(device: &File) -> Vec<FormatDescription> {
    let start = |index| FormatDescription { index, kind: CAPTURE, ..Default::default() };
    every(device, request::ENUM_FMT, start)
}

pub(super) fn frame_sizes(device: &File, pixels: u32) -> Vec<FrameSize> {
    every(device, request::ENUM_FRAMESIZES, |index| FrameSize { index, pixels, ..Default::default() })
}

pub(super) fn frame_intervals(device: &File, pixels: u32, width: u32, height: u32) -> Vec<FrameInterval> {
    let start = |index| FrameInterval { index, pixels, width, height, ..Default::default() };
    every(device, request::ENUM_FRAMEINTERVALS, start)
}

pub(super) fn set_format(device: &File, wanted: PixelFormat) -> io::Result<PixelFormat> {
    let mut format = Format::capture(wanted);
    call(device, request::S_FMT, &mut format)?;
    Ok(format.pixels())
}

pub(super) fn set_interval(device: &File, numerator: u32, denominator: u32) -> io::Result<()> {
    call(device, request::S_PARM, &mut StreamParameters::capture(numerator, denominator))
}

pub(super) fn request_buffers(device: &File, count: u32) -> io::Result<u32> {
    let mut wanted = RequestBuffers { count, kind: CAPTURE, memory: MMAP, ..Default::default() };
    call(device, request::REQBUFS, &mut wanted)?;
    Ok(wanted.count)
}

pub(super) fn queue(device: &File, index: u32) -> io::Result<()> {
    call(device, request::QBUF, &mut Buffer::capture(index))
}

pub(super) fn dequeue(device: &File) -> io::Result<Buffer> {
    let mut buffer = Buffer::capture(0);
    call(device, request::DQBUF, &mut buffer)?;
    Ok(buffer)
}

pub(super) fn stream(device: &File, on: bool) -> io::Result<()> {
    call(device, if on { request::STREAMON } else { request::STREAMOFF }, &mut (CAPTURE as i32))
}

/// A driver's buffer, mapped.
pub(super) struct Mapping {
    start: NonNull<libc::c_void>,
    length: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps one of the buffers that were requested.
    pub(super) fn new(device: &File, index: u32) -> io::Result<Self> {
        let mut buffer = Buffer::capture(index);
        call(device, request::QUERYBUF, &mut buffer)?;
        let (length, offset) = (buffer.length as usize, buffer.offset());
        // SAFETY: a fresh mapping at an address the kernel chooses; nothing of ours is there.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED,
                device.as_raw_fd(),
                offset as libc::off_t,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start).ok_or_else(|| io::Error::other("a mapping at address zero"))?;
        Ok(Self { start, length })
    }

    /// The first `used` bytes. Only for a buffer that is dequeued: then the driver does not write to it.
    pub(super) fn bytes(&self, used: usize) -> &[u8] {
        // SAFETY: mapped readable for `length` bytes until drop; the driver owns the buffer only while it is queued,
        // and the caller holds it dequeued.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), used.min(self.length)) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and no slice outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr(), self.length) };
    }
}
