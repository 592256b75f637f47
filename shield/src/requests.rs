//! Which requests of other programs read a window: the bytes RECORD hands over, in plain words. Pure; the bytes come from
//! anybody, in either byte order, and never panic.

use crate::kin::Password;

/// What was noticed. Of two causes the earlier in this list is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The watch is over; nothing would be noticed.
    WatchLost,
    /// Changes or ends our watch.
    Meddling,
    /// Core `GetImage`.
    GetImage,
    /// `GetImage` of the shared-memory extension.
    ShmGetImage,
    /// Core `CopyArea` or `CopyPlane`.
    Copy,
    /// Composite: a window redirected, its pixmap named, or the overlay asked for.
    Composite,
    /// A RENDER picture of a window.
    Render,
    /// A window's buffer through DRI2 or DRI3.
    Dri,
    /// A second buffer for a window.
    DoubleBuffer,
    /// Told of every change of a window.
    Damage,
    /// Watches other clients.
    Record,
    /// A key that takes pictures was pressed.
    PrintKey,
    /// Another window has the keyboard (strict only).
    FocusLost,
    /// A program that is not known came.
    NewProgram,
    /// The first moments.
    Start,
}

impl Method {
    /// What compositors and window managers do all day, to draw what they are for.
    pub(crate) fn is_managing(self) -> bool {
        matches!(self, Self::Copy | Self::Composite | Self::Render | Self::Dri | Self::Damage)
    }
}

/// Major opcodes of extensions on this server; `None` where it has no such extension.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Opcodes {
    pub(crate) shm: Option<u8>,
    pub(crate) composite: Option<u8>,
    pub(crate) render: Option<u8>,
    pub(crate) dri2: Option<u8>,
    pub(crate) dri3: Option<u8>,
    pub(crate) double_buffer: Option<u8>,
    pub(crate) damage: Option<u8>,
    pub(crate) record: Option<u8>,
}

pub(crate) const CREATE_WINDOW: u8 = 1;
pub(crate) const MAP_WINDOW: u8 = 8;
pub(crate) const COPY_AREA: u8 = 62;
pub(crate) const COPY_PLANE: u8 = 63;
pub(crate) const GET_IMAGE: u8 = 73;

/// What one request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A new window below `parent`.
    Creates { window: u32, parent: u32 },
    /// A window is to be shown.
    Maps { window: u32 },
    /// The pixels of `drawable`, which may be anything.
    Reads { drawable: u32, method: Method },
    /// The same by core `GetImage`; `words` is all it asks for, the drawable among it.
    Images { drawable: u32, words: Password },
    /// The overlay window of the screen that `window` is on.
    Overlay { window: u32 },
    /// To be told what other clients do.
    Listens,
    /// Changes or ends the RECORD context `context`.
    Meddles { context: u32 },
}

impl Opcodes {
    /// The minor opcodes that matter of each extension, for the ranges RECORD is asked to watch.
    pub(crate) fn ranges(&self) -> Vec<(u8, u16, u16)> {
        [
            (self.shm, 4, 4),
            (self.composite, 1, 7),
            (self.render, 4, 4),
            (self.dri2, 3, 7),
            (self.dri3, 3, 8),
            (self.double_buffer, 1, 1),
            (self.damage, 1, 1),
            (self.record, 2, 7),
        ]
        .into_iter()
        .filter_map(|(major, first, last)| Some((major?, first, last)))
        .collect()
    }

    /// Every request in `bytes` that matters, in order. `swapped`: the client's byte order is not ours.
    pub(crate) fn read<'a>(&'a self, bytes: &'a [u8], swapped: bool) -> impl Iterator<Item = Asked> + 'a {
        Requests { rest: bytes, swapped }.filter_map(|request| self.meaning(&request))
    }

    fn meaning(&self, request: &Request<'_>) -> Option<Asked> {
        let (major, minor) = (request.head[0], request.head[1]);
        let reads = |at, method| Some(Asked::Reads { drawable: request.word(at)?, method });
        match major {
            CREATE_WINDOW => Some(Asked::Creates { window: request.word(4)?, parent: request.word(8)? }),
            MAP_WINDOW => Some(Asked::Maps { window: request.word(4)? }),
            COPY_AREA | COPY_PLANE => reads(4, Method::Copy),
            GET_IMAGE => {
                let words = request.body.first_chunk().copied().unwrap_or_default();
                Some(Asked::Images { drawable: request.word(4)?, words })
            }
            _ if Some(major) == self.shm && minor == 4 => reads(4, Method::ShmGetImage),
            // RedirectWindow, RedirectSubwindows, NameWindowPixmap.
            _ if Some(major) == self.composite && matches!(minor, 1 | 2 | 6) => reads(4, Method::Composite),
            _ if Some(major) == self.composite && minor == 7 => Some(Asked::Overlay { window: request.word(4)? }),
            _ if Some(major) == self.render && minor == 4 => reads(8, Method::Render),
            // CreateDrawable, GetBuffers, GetBuffersWithFormat.
            _ if Some(major) == self.dri2 && matches!(minor, 3 | 5 | 7) => reads(4, Method::Dri),
            // BufferFromPixmap, BuffersFromPixmap.
            _ if Some(major) == self.dri3 && matches!(minor, 3 | 8) => reads(4, Method::Dri),
            _ if Some(major) == self.double_buffer && minor == 1 => reads(4, Method::DoubleBuffer),
            _ if Some(major) == self.damage && minor == 1 => reads(8, Method::Damage),
            _ if Some(major) == self.record && minor == 5 => Some(Asked::Listens),
            _ if Some(major) == self.record && matches!(minor, 2 | 3 | 6 | 7) => {
                Some(Asked::Meddles { context: request.word(4)? })
            }
            _ => None,
        }
    }
}

/// One request: its first four bytes, and what follows them or the longer length of a big one.
struct Request<'a> {
    head: [u8; 4],
    body: &'a [u8],
    swapped: bool,
}

impl Request<'_> {
    /// Four bytes at an offset counted as the protocol's documents do, from the start of the request.
    fn word(&self, at: usize) -> Option<u32> {
        let bytes: [u8; 4] = self.body.get(at - 4..at)?.try_into().ok()?;
        let word = u32::from_ne_bytes(bytes);
        Some(if self.swapped { word.swap_bytes() } else { word })
    }
}

/// Cuts the bytes of a client into requests.
struct Requests<'a> {
    rest: &'a [u8],
    swapped: bool,
}

impl<'a> Iterator for Requests<'a> {
    type Item = Request<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let head: [u8; 4] = self.rest.get(..4)?.try_into().ok()?;
        let short = u16::from_ne_bytes([head[2], head[3]]);
        let short = if self.swapped { short.swap_bytes() } else { short };
        // A length of nothing: a big request, whose length follows in a word of its own. Clients may send any request so.
        let (words, start) = if short == 0 {
            let long = u32::from_ne_bytes(self.rest.get(4..8)?.try_into().ok()?);
            (if self.swapped { long.swap_bytes() } else { long } as usize, 8)
        } else {
            (usize::from(short), 4)
        };
        // What is longer than the bytes at hand is taken as far as it goes: better half a request than none.
        let end = words.saturating_mul(4).clamp(start, self.rest.len());
        let body = &self.rest[start..end];
        self.rest = &self.rest[end..];
        Some(Request { head, body, swapped: self.swapped })
    }
}

#[cfg(test)]
mod tests;
