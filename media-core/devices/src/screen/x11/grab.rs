//! Pixels out of the X server: through shared memory, or over the connection where that is not to be had.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;

use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::shm::{ConnectionExt as _, Seg};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, ImageFormat, Rectangle};
use x11rb::rust_connection::RustConnection;

/// Bytes of a pixel.
const PIXEL: usize = 4;
/// Every bit of a pixel.
const ALL_PLANES: u32 = !0;

/// A rectangle on the root window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: i16,
    pub(super) y: i16,
    pub(super) width: u16,
    pub(super) height: u16,
}

impl Place {
    /// The part of a rectangle that lies in this one.
    pub(super) fn overlap(self, other: Rectangle) -> Option<Self> {
        self.overlap_at(other.x.into(), other.y.into(), other.width, other.height)
    }

    /// See [`Place::overlap`]; for corners outside of what the protocol can say.
    pub(super) fn overlap_at(self, x: i32, y: i32, width: u16, height: u16) -> Option<Self> {
        let (own_x, own_y) = (i32::from(self.x), i32::from(self.y));
        let (left, top) = (x.max(own_x), y.max(own_y));
        let right = (x + i32::from(width)).min(own_x + i32::from(self.width));
        let bottom = (y + i32::from(height)).min(own_y + i32::from(self.height));
        (left < right && top < bottom).then(|| Self {
            x: left as i16,
            y: top as i16,
            width: (right - left) as u16,
            height: (bottom - top) as u16,
        })
    }

    fn bytes(self) -> usize {
        usize::from(self.width) * usize::from(self.height) * PIXEL
    }
}

/// The monitor's pixels as last fetched: BGRX, tight lines.
pub(super) struct Canvas {
    place: Place,
    pixels: Vec<u8>,
}

/// Pixels put aside.
pub(super) struct Saved {
    place: Place,
    pixels: Vec<u8>,
}

impl Canvas {
    /// Black.
    pub(super) fn new(place: Place) -> Self {
        Self { place, pixels: vec![0; place.bytes()] }
    }

    /// Where it is.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// Everything.
    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Bytes of a line.
    pub(super) fn stride(&self) -> u32 {
        u32::from(self.place.width) * PIXEL as u32
    }

    /// One line of a part that lies inside.
    pub(super) fn line_mut(&mut self, part: Place, line: u16) -> &mut [u8] {
        let y = (i32::from(part.y) - i32::from(self.place.y)) as usize + usize::from(line);
        let x = (i32::from(part.x) - i32::from(self.place.x)) as usize;
        let start = (y * usize::from(self.place.width) + x) * PIXEL;
        &mut self.pixels[start..start + usize::from(part.width) * PIXEL]
    }

    /// Puts a part aside.
    pub(super) fn save(&mut self, part: Place) -> Saved {
        let mut pixels = Vec::with_capacity(part.bytes());
        for line in 0..part.height {
            pixels.extend_from_slice(self.line_mut(part, line));
        }
        Saved { place: part, pixels }
    }

    /// Puts it back.
    pub(super) fn restore(&mut self, saved: Option<Saved>) {
        let Some(Saved { place, pixels }) = saved else { return };
        for (line, bytes) in (0..place.height).zip(pixels.chunks_exact(usize::from(place.width) * PIXEL)) {
            self.line_mut(place, line).copy_from_slice(bytes);
        }
    }
}

/// How pixels come.
pub(super) enum Grab {
    /// Through memory the server shares with us.
    Shared(Seg, Memory),
    /// Over the connection: a server far away, or one without SHM.
    Plain,
}

impl Grab {
    /// Tries shared memory for a whole monitor.
    pub(super) fn new(x: &RustConnection, monitor: Place) -> Result<Self, ReplyOrIdError> {
        match shared(x, monitor.bytes()) {
            Ok((segment, memory)) => Ok(Self::Shared(segment, memory)),
            Err(ReplyOrIdError::ConnectionError(
                ConnectionError::UnsupportedExtension | ConnectionError::FdPassingFailed,
            ))
            | Err(ReplyOrIdError::X11Error(_)) => {
                tracing::warn!("the display shares no memory: screen capture will be slow");
                Ok(Self::Plain)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the shared memory back.
    pub(super) fn close(self, x: &RustConnection) -> Result<(), ConnectionError> {
        if let Self::Shared(segment, _) = self {
            x.shm_detach(segment)?;
        }
        Ok(())
    }

    /// Fetches parts that do not overlap and lie on the canvas, from a window or pixmap with so much border around.
    pub(super) fn fetch(
        &self,
        x: &RustConnection,
        (drawable, border): (Drawable, i16),
        parts: &[Place],
        canvas: &mut Canvas,
    ) -> Result<(), ReplyError> {
        match self {
            Self::Shared(segment, memory) => {
                // All requests first, then all answers: one round trip. Together they are no more than the monitor.
                let mut offset = 0;
                let mut asked = Vec::with_capacity(parts.len());
                for p in parts {
                    let z = ImageFormat::Z_PIXMAP.into();
                    let cookie = x.shm_get_image(
                        drawable,
                        p.x + border,
                        p.y + border,
                        p.width,
                        p.height,
                        ALL_PLANES,
                        z,
                        *segment,
                        offset as u32,
                    )?;
                    asked.push((cookie, offset));
                    offset += p.bytes();
                }
                for ((cookie, mut from), part) in asked.into_iter().zip(parts) {
                    cookie.reply()?;
                    for line in 0..part.height {
                        let to = canvas.line_mut(*part, line);
                        memory.copy(from, to);
                        from += to.len();
                    }
                }
            }
            Self::Plain => {
                for p in parts {
                    let image = x
                        .get_image(
                            ImageFormat::Z_PIXMAP,
                            drawable,
                            p.x + border,
                            p.y + border,
                            p.width,
                            p.height,
                            ALL_PLANES,
                        )?
                        .reply()?;
                    for (line, bytes) in (0..p.height).zip(image.data.chunks_exact(usize::from(p.width) * PIXEL)) {
                        canvas.line_mut(*p, line).copy_from_slice(bytes);
                    }
                }
            }
        }
        Ok(())
    }
}

fn shared(x: &RustConnection, bytes: usize) -> Result<(Seg, Memory), ReplyOrIdError> {
    x.shm_query_version()?.reply()?;
    let segment = x.generate_id()?;
    let size = u32::try_from(bytes).map_err(|_| ConnectionError::InsufficientMemory)?;
    let fd = x.shm_create_segment(segment, size, false)?.reply()?.shm_fd;
    let memory = Memory::new(&fd, bytes).map_err(|_| ConnectionError::InsufficientMemory)?;
    Ok((segment, memory))
}

/// Memory the server writes and we read.
pub(super) struct Memory {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread.
unsafe impl Send for Memory {}

impl Memory {
    fn new(fd: &OwnedFd, length: usize) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address the kernel chooses; nothing of ours is there.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("a mapping at address zero"))?;
        Ok(Self { start, length })
    }

    /// Copies bytes out; a range outside is a bug of ours and panics.
    fn copy(&self, from: usize, to: &mut [u8]) {
        assert!(from + to.len() <= self.length, "inside the segment");
        // SAFETY: both ranges are valid for the length checked above and cannot overlap: one is the mapping, the other
        // memory of ours. Another process may write meanwhile, so the mapping is never seen as a slice, only copied;
        // any byte is a valid byte.
        unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr().add(from), to.as_mut_ptr(), to.len()) };
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and no reference into it exists.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_never_outside_either_rectangle() {
        let monitor = Place { x: -10, y: 20, width: 100, height: 50 };
        let all = Rectangle { x: -32768, y: -32768, width: 65535, height: 65535 };
        assert_eq!(monitor.overlap(all), Some(monitor));
        assert_eq!(monitor.overlap_at(80, 60, 100, 100), Some(Place { x: 80, y: 60, width: 10, height: 10 }));
        assert_eq!(monitor.overlap_at(90, 20, 10, 10), None, "touching is not overlapping");
        assert_eq!(monitor.overlap_at(0, 30, 0, 10), None);
    }
}
