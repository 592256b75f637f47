//! One connection to the sound server, blocking, with messages taken strictly in the order the server sent them.
//!
//! Why not the client of the `pulseaudio` crate (or cpal's host on top of it): it reads stream data and control
//! messages in one place but drops `RecordStreamMoved` and `RecordStreamKilled` on the floor, and cpal cannot ask for
//! an unmovable stream. Here the news that we were moved comes before the first sample of the other device.

use std::ffi::{CStr, CString};
use std::io::{Cursor, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media_core::device::OpenDevice;
use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, DESCRIPTOR_SIZE, Descriptor, MAX_MEMBLOCKQ_LENGTH, MAX_VERSION,
    Prop, Props, PulseError, SetClientNameReply, TagStructReader,
};

/// A server that does not answer in this time does not work.
const ANSWER: Duration = Duration::from_secs(3);
/// Control messages and blocks of sound are far smaller; more is nonsense and is refused before it is stored.
const LARGEST: usize = MAX_MEMBLOCKQ_LENGTH;
/// Bytes that fit without allocating: a read and a block of sound of a running stream, with their heads.
const ROOM: usize = 64 * 1024;
/// Command tag and sequence number before a reply's body: two tagged `u32`.
const REPLY_HEAD: usize = 10;

/// Why talking to the sound server failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wire {
    /// The socket.
    #[error("the sound server is gone: {0}")]
    Gone(#[from] std::io::Error),
    /// It said no.
    #[error("the sound server refuses: {0:?}")]
    Refused(PulseError),
    /// What it said makes no sense.
    #[error("the sound server speaks nonsense: {0}")]
    Nonsense(String),
    /// No answer.
    #[error("the sound server does not answer")]
    Silent,
}

impl From<protocol::ProtocolError> for Wire {
    fn from(error: protocol::ProtocolError) -> Self {
        Self::Nonsense(error.to_string())
    }
}

impl From<Wire> for OpenDevice {
    fn from(error: Wire) -> Self {
        match error {
            Wire::Refused(PulseError::AccessDenied | PulseError::AuthKey) => Self::Denied,
            Wire::Refused(PulseError::NoEntity) => Self::Missing,
            Wire::Refused(PulseError::Busy) => Self::Busy,
            Wire::Refused(_) | Wire::Gone(_) | Wire::Nonsense(_) | Wire::Silent => Self::Failed(error.to_string()),
        }
    }
}

/// One message from the server.
pub(super) enum Packet<'a> {
    /// The server tells something.
    News(Box<Command>),
    /// The answer to the request with this number, after its head.
    Reply(u32, &'a [u8]),
    /// The request with this number failed.
    Refused(u32, PulseError),
    /// Samples of a record stream.
    Sound(u32, &'a [u8]),
    /// Something we did not ask for and do not understand.
    Unknown,
}

/// A connection that is signed in.
pub(super) struct Connection {
    socket: UnixStream,
    version: u16,
    next: u32,
    inbox: Vec<u8>,
    used: usize,
    outbox: Vec<u8>,
    patience: Duration,
}

/// Bytes of an authentication cookie (`PA_NATIVE_COOKIE_LENGTH`).
const COOKIE: usize = 256;

impl Connection {
    /// Connects and signs in. `None` as path means where the environment says.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Wire> {
        let path = path.map(Path::to_owned).or_else(socket_path).ok_or_else(|| {
            Wire::Gone(std::io::Error::new(ErrorKind::NotFound, "no sound server is named by the environment"))
        })?;
        let socket = UnixStream::connect(path)?;
        socket.set_write_timeout(Some(ANSWER))?;
        let mut connection = Self {
            socket,
            version: MAX_VERSION,
            next: 0,
            inbox: Vec::with_capacity(ROOM),
            used: 0,
            outbox: Vec::with_capacity(ROOM),
            patience: Duration::ZERO,
        };
        // The server hangs up on a cookie of any other length, even where it lets everyone in; libpulse sends zeros too.
        let mut cookie =
            pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        cookie.resize(COOKIE, 0);
        let auth = AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let answer: AuthReply = connection.ask(&Command::Auth(auth))?;
        connection.version = answer.version.min(MAX_VERSION);
        let _: SetClientNameReply = connection.ask(&Command::SetClientName(named(c"Shoji")))?;
        Ok(connection)
    }

    /// Sends a request; answers its number.
    pub(super) fn send(&mut self, command: &Command) -> Result<u32, Wire> {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.outbox.clear();
        protocol::write_command_message(&mut self.outbox, number, command, self.version)?;
        self.socket.write_all(&self.outbox)?;
        Ok(number)
    }

    /// Sends samples for a playback stream; at most [`LARGEST`] bytes.
    pub(super) fn send_sound(&mut self, channel: u32, samples: &[u8]) -> Result<(), Wire> {
        self.outbox.clear();
        protocol::write_memblock(&mut self.outbox, channel, samples, 0)?;
        self.socket.write_all(&self.outbox)?;
        Ok(())
    }

    /// Sends a request and waits for its answer. Everything else that comes meanwhile is dropped, so this is not for a
    /// connection whose streams run.
    pub(super) fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, Wire> {
        let body = self.answer(command)?;
        parse(&body, self.version)
    }

    /// Sends a request that is answered by a bare yes; see [`Connection::ask`].
    pub(super) fn tell(&mut self, command: &Command) -> Result<(), Wire> {
        self.answer(command).map(drop)
    }

    fn answer(&mut self, command: &Command) -> Result<Vec<u8>, Wire> {
        let number = self.send(command)?;
        let asked = Instant::now();
        while let Some(left) = ANSWER.checked_sub(asked.elapsed()) {
            match self.receive(left.max(Duration::from_millis(1)))? {
                Some(Packet::Reply(n, body)) if n == number => return Ok(body.to_vec()),
                Some(Packet::Refused(n, why)) if n == number => return Err(Wire::Refused(why)),
                Some(
                    Packet::Reply(..) | Packet::Refused(..) | Packet::News(_) | Packet::Sound(..) | Packet::Unknown,
                )
                | None => {}
            }
        }
        Err(Wire::Silent)
    }

    /// The protocol version both ends speak.
    pub(super) const fn version(&self) -> u16 {
        self.version
    }

    /// The next message, waiting at most so long (not zero).
    pub(super) fn receive(&mut self, wait: Duration) -> Result<Option<Packet<'_>>, Wire> {
        let Some(head) = self.whole(wait)? else { return Ok(None) };
        let body = &self.inbox[DESCRIPTOR_SIZE..self.used];
        if head.channel != u32::MAX {
            return Ok(Some(Packet::Sound(head.channel, body)));
        }
        let packet = match Command::read_tag_prefixed(&mut Cursor::new(body), self.version) {
            Ok((number, Command::Reply)) => Packet::Reply(number, body.get(REPLY_HEAD..).unwrap_or_default()),
            Ok((number, Command::Error(why))) => Packet::Refused(number, why),
            Ok((_, news)) => Packet::News(Box::new(news)),
            Err(error) => {
                tracing::debug!(%error, "message from the sound server not understood");
                Packet::Unknown
            }
        };
        Ok(Some(packet))
    }

    /// Reads until one whole message stands at the start of the inbox; the one before is forgotten.
    fn whole(&mut self, wait: Duration) -> Result<Option<Descriptor>, Wire> {
        self.inbox.drain(..self.used);
        self.used = 0;
        if self.patience != wait {
            self.socket.set_read_timeout(Some(wait))?;
            self.patience = wait;
        }
        let mut piece = [0; 16 * 1024];
        loop {
            if let Some(head) = self.inbox.get(..DESCRIPTOR_SIZE) {
                let head = protocol::read_descriptor(&mut Cursor::new(head))?;
                let length = head.length as usize;
                if length > LARGEST {
                    return Err(Wire::Nonsense(format!("a message of {length} bytes")));
                }
                if self.inbox.len() >= DESCRIPTOR_SIZE + length {
                    self.used = DESCRIPTOR_SIZE + length;
                    return Ok(Some(head));
                }
            }
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(Wire::Gone(ErrorKind::UnexpectedEof.into())),
                Ok(n) => self.inbox.extend_from_slice(&piece[..n]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Connection {
    /// To wait for a message. Only between two calls of [`Connection::receive`] that found nothing.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
impl Connection {
    /// One whose server is the test.
    pub(super) fn on(socket: UnixStream) -> Self {
        let (inbox, outbox) = (Vec::with_capacity(ROOM), Vec::with_capacity(ROOM));
        Self { socket, version: MAX_VERSION, next: 0, inbox, used: 0, outbox, patience: Duration::ZERO }
    }
}

/// Reads a reply's body.
pub(super) fn parse<R: CommandReply>(body: &[u8], version: u16) -> Result<R, Wire> {
    Ok(TagStructReader::new(&mut Cursor::new(body), version).read()?)
}

/// Properties that only say who we are.
pub(super) fn named(name: &CStr) -> Props {
    let mut props = Props::new();
    props.set(Prop::ApplicationName, name);
    props.set(Prop::ApplicationProcessId, process().as_c_str());
    props
}

/// This process, as sound servers write it: tells our own sound from that of others.
pub(super) fn process() -> CString {
    CString::new(std::process::id().to_string()).expect("digits hold no zero byte")
}

/// The local socket the environment names: `PULSE_SERVER`, then `PULSE_RUNTIME_PATH`, then `XDG_RUNTIME_DIR`. A server
/// on another machine is none of ours: sound never crosses the network this way.
fn socket_path() -> Option<PathBuf> {
    if let Some(server) = std::env::var("PULSE_SERVER").ok().filter(|s| !s.is_empty()) {
        return local_server(&server);
    }
    let under = |variable: &str, name: &str| {
        let path = PathBuf::from(std::env::var_os(variable)?).join(name);
        path.exists().then_some(path)
    };
    under("PULSE_RUNTIME_PATH", "native").or_else(|| under("XDG_RUNTIME_DIR", "pulse/native"))
}

/// The first local socket in a server string such as `{machine-id}unix:/run/pulse/native tcp:host`.
fn local_server(server: &str) -> Option<PathBuf> {
    server.split_whitespace().find_map(|one| {
        let one = one.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or(one, |(_, rest)| rest);
        let path = one.strip_prefix("unix:").or_else(|| one.starts_with('/').then_some(one))?;
        Some(PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_local_sound_server_is_taken() {
        assert_eq!(local_server("unix:/run/p"), Some("/run/p".into()));
        assert_eq!(local_server("{abc}unix:/run/p tcp:x"), Some("/run/p".into()));
        assert_eq!(local_server("tcp:x /run/q"), Some("/run/q".into()));
        assert_eq!(local_server("tcp:far.example"), None);
        assert_eq!(local_server("far.example"), None);
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_before_it_is_stored() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut connection = Connection::on(ours);
        let head = Descriptor { length: u32::MAX, channel: 0, offset: 0, flags: protocol::DescriptorFlags::empty() };
        protocol::write_descriptor(&mut theirs, &head).unwrap();
        assert!(matches!(connection.receive(Duration::from_secs(20)), Err(Wire::Nonsense(_))));
    }

    #[test]
    fn a_message_in_pieces_is_put_together() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut connection = Connection::on(ours);
        let mut bytes = Vec::new();
        protocol::write_memblock(&mut bytes, 7, &[1, 2, 3, 4], 0).unwrap();
        protocol::write_command_message(&mut bytes, 9, &Command::Error(PulseError::NoEntity), MAX_VERSION).unwrap();
        for byte in &bytes[..22] {
            theirs.write_all(&[*byte]).unwrap();
        }
        assert!(connection.receive(Duration::from_millis(10)).unwrap().is_none(), "half a message is none");
        theirs.write_all(&bytes[22..]).unwrap();
        assert!(matches!(connection.receive(Duration::from_secs(20)).unwrap(), Some(Packet::Sound(7, [1, 2, 3, 4]))));
        assert!(matches!(
            connection.receive(Duration::from_secs(20)).unwrap(),
            Some(Packet::Refused(9, PulseError::NoEntity))
        ));
    }
}
