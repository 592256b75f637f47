//! The stream of the RECORD extension, read without waiting. x11rb hands these replies out only to who waits for the next
//! one, and the watch must wait for other things as well; so after x11rb has switched the stream on, its bytes are cut up
//! here. Run by the watch; the bytes come from the server, which hands on what clients send.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::record::{self, CS, ConnectionExt as _, ExtRange, Range, Range8, Range16};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::{RustConnection, Stream as _};

use crate::Failed;
use crate::requests::{COPY_AREA, COPY_PLANE, CREATE_WINDOW, GET_IMAGE, MAP_WINDOW, Opcodes};

/// Bytes of one reply; RECORD collects a kilobyte, and single requests may be larger.
const LARGEST: usize = 16 << 20;
/// Read at once.
const PIECE: usize = 64 << 10;
/// Every reply and event begins with so many.
const HEAD: usize = 32;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A client connected.
    Came { base: u32 },
    /// One disconnected.
    Left { base: u32 },
    /// One asked something: whole requests, in its byte order.
    Asked { base: u32, bytes: Vec<u8>, swapped: bool },
}

/// The stream.
pub(crate) struct Stream {
    connection: RustConnection,
    bytes: Vec<u8>,
    /// Bits of a resource's number that do not name its client.
    mask: u32,
}

/// The numbers of the server's extensions.
pub(crate) fn opcodes(connection: &RustConnection) -> Result<Opcodes, Failed> {
    let names =
        ["MIT-SHM", "Composite", "RENDER", "DRI2", "DRI3", "DOUBLE-BUFFER", "DAMAGE", "RECORD"].map(str::as_bytes);
    let mut majors = [None; 8];
    for (major, name) in majors.iter_mut().zip(names) {
        let reply = connection.query_extension(name)?.reply()?;
        *major = reply.present.then_some(reply.major_opcode);
    }
    let [shm, composite, render, dri2, dri3, double_buffer, damage, record] = majors;
    Ok(Opcodes { shm, composite, render, dri2, dri3, double_buffer, damage, record })
}

impl Stream {
    /// Starts it: a context that lives with `owner`, and `connection`, its own, that hears of every client.
    pub(crate) fn open(
        owner: &RustConnection,
        connection: RustConnection,
        opcodes: &Opcodes,
    ) -> Result<(Self, u32), Failed> {
        if owner.extension_information(record::X11_EXTENSION_NAME)?.is_none() {
            return Err(Failed::Lacks("RECORD"));
        }
        owner.record_query_version(1, 13)?.reply()?;
        let context = owner.generate_id()?;
        owner.record_create_context(context, 0, &[CS::ALL_CLIENTS.into()], &ranges(opcodes))?.check()?;
        // Only switches it on; the cookie would wait for replies.
        drop(connection.record_enable_context(context)?);
        connection.flush()?;
        let mask = connection.setup().resource_id_mask;
        Ok((Self { connection, bytes: Vec::new(), mask }, context))
    }

    /// The client number of this connection.
    pub(crate) fn base(&self) -> u32 {
        self.connection.setup().resource_id_base
    }

    /// What to wait for.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.stream().as_fd()
    }

    /// The next thing heard, if it is there already.
    ///
    /// # Errors
    /// The stream has ended, or is not what RECORD sends.
    pub(crate) fn next(&mut self) -> io::Result<Option<Heard>> {
        loop {
            match cut(&self.bytes, self.mask)? {
                Cut::Whole { heard, length } => {
                    self.bytes.drain(..length);
                    if let Some(heard) = heard {
                        return Ok(Some(heard));
                    }
                }
                Cut::More => {
                    let had = self.bytes.len();
                    self.bytes.resize(had + PIECE, 0);
                    let read = self.connection.stream().read(&mut self.bytes[had..], &mut Vec::new());
                    self.bytes.truncate(had + *read.as_ref().unwrap_or(&0));
                    match read {
                        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
}

enum Cut {
    Whole { heard: Option<Heard>, length: usize },
    More,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The first message in `bytes`.
fn cut(bytes: &[u8], mask: u32) -> io::Result<Cut> {
    let (Some(kind), Some(extra)) = (bytes.first(), word(bytes, 4)) else { return Ok(Cut::More) };
    // 1: a reply; 35: an event of any length; everything else has just its head. 0 is an error.
    let length = match kind & 0x7f {
        0 if *kind == 0 => return Err(io::Error::other("the server refuses to record")),
        1 | 35 => HEAD + (extra as usize).saturating_mul(4),
        _ => HEAD,
    };
    if length > LARGEST {
        return Err(io::Error::other("a reply too large to be true"));
    }
    if bytes.len() < length {
        return Ok(Cut::More);
    }
    let heard = if *kind == 1 { hear(&bytes[..length], mask)? } else { None };
    Ok(Cut::Whole { heard, length })
}

fn hear(reply: &[u8], mask: u32) -> io::Result<Option<Heard>> {
    let base = word(reply, 12).unwrap_or_default() & !mask;
    let data = &reply[HEAD..];
    Ok(match reply[1] {
        // FromClient.
        1 if !data.is_empty() => Some(Heard::Asked { base, bytes: data.to_vec(), swapped: reply[9] != 0 }),
        // ClientStarted, with the answer the client got. The number in the head may still be missing.
        2 => {
            let swapped = reply[9] != 0;
            let told = word(data, 12).map(|b| if swapped { b.swap_bytes() } else { b }).unwrap_or_default() & !mask;
            Some(Heard::Came { base: if base == 0 { told } else { base } })
        }
        3 => Some(Heard::Left { base }),
        5 => return Err(io::Error::other("somebody ended the recording")),
        _ => None,
    })
}

fn ranges(opcodes: &Opcodes) -> Vec<Range> {
    let none = Range8 { first: 0, last: 0 };
    let no_extension = ExtRange { major: none, minor: Range16 { first: 0, last: 0 } };
    let nothing = Range {
        core_requests: none,
        core_replies: none,
        ext_requests: no_extension,
        ext_replies: no_extension,
        delivered_events: none,
        device_events: none,
        errors: none,
        client_started: true,
        client_died: true,
    };
    let core =
        [(CREATE_WINDOW, CREATE_WINDOW), (MAP_WINDOW, MAP_WINDOW), (COPY_AREA, COPY_PLANE), (GET_IMAGE, GET_IMAGE)]
            .map(|(first, last)| Range { core_requests: Range8 { first, last }, ..nothing });
    let extensions = opcodes.ranges().into_iter().map(|(major, first, last)| Range {
        ext_requests: ExtRange { major: Range8 { first: major, last: major }, minor: Range16 { first, last } },
        ..nothing
    });
    core.into_iter().chain(extensions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: u32 = 0x1f_ffff;

    fn reply(category: u8, base: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        bytes[0] = 1;
        bytes[1] = category;
        bytes[4..8].copy_from_slice(&(data.len() as u32 / 4).to_ne_bytes());
        bytes[12..16].copy_from_slice(&base.to_ne_bytes());
        bytes.extend(data);
        bytes
    }

    fn heard(mut bytes: &[u8]) -> io::Result<Vec<Heard>> {
        let mut all = Vec::new();
        while let Cut::Whole { heard, length } = cut(bytes, MASK)? {
            all.extend(heard);
            bytes = &bytes[length..];
        }
        Ok(all)
    }

    #[test]
    fn who_comes_asks_and_leaves_is_heard_in_order() {
        let mut setup = [0; 16];
        setup[12..].copy_from_slice(&0x40_0000_u32.to_ne_bytes());
        let mut bytes = reply(4, 0, &[]);
        bytes.extend(reply(2, 0, &setup));
        bytes.extend(reply(1, 0x40_0001, &[73, 2, 1, 0]));
        bytes.extend(reply(3, 0x40_0000, &[]));
        let base = 0x40_0000;
        let asked = Heard::Asked { base, bytes: vec![73, 2, 1, 0], swapped: false };
        assert_eq!(heard(&bytes).unwrap(), [Heard::Came { base }, asked, Heard::Left { base }]);
    }

    #[test]
    fn an_end_or_an_error_is_no_silence() {
        assert!(heard(&reply(5, 0, &[])).is_err());
        assert!(heard(&[0; HEAD]).is_err());
        let mut endless = reply(1, 0, &[]);
        endless[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(heard(&endless).is_err(), "nobody waits for sixteen gigabytes");
    }

    #[test]
    fn every_length_survives() {
        let mut bytes = reply(2, 0, &[]);
        bytes.extend(reply(1, 1, &[1; 40]));
        for from in 0..bytes.len() {
            for to in from..bytes.len() {
                // An error is as good an answer as any.
                heard(&bytes[from..to]).ok();
            }
        }
    }
}
