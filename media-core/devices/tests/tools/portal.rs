//! A desktop's portal on a bus of the test's own, with a person behind its dialog who chooses, refuses, or thinks. It counts
//! what it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue, Value};

use crate::running::Running;
use crate::tools::need;

const HOME: &str = "/org/freedesktop/portal/desktop";

/// What the person does with the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    /// Chooses this node.
    Gives(u32),
    /// Closes it.
    Refuses,
    /// Has not decided yet.
    Thinks,
}

/// What the portal saw.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) sessions: Vec<String>,
    pub(crate) closed: Vec<String>,
    pub(crate) dialogs: usize,
    /// How long the desktop was asked to remember: 0 is not at all.
    pub(crate) persist: Vec<u32>,
    pub(crate) tokens: usize,
}

struct Desk {
    seen: Mutex<Seen>,
    person: Mutex<Person>,
    pipewire: PathBuf,
}

struct Cast(Arc<Desk>);

struct Session(Arc<Desk>, String);

type Options = HashMap<String, OwnedValue>;

fn path(kind: &str, header: &Header<'_>, options: &Options, token: &str) -> OwnedObjectPath {
    let sender = header.sender().unwrap().trim_start_matches(':').replace('.', "_");
    let token: String = options[token].try_clone().unwrap().try_into().unwrap();
    OwnedObjectPath::try_from(format!("{HOME}/{kind}/{sender}/{token}")).unwrap()
}

async fn respond(
    bus: &zbus::Connection,
    header: &Header<'_>,
    options: &Options,
    code: u32,
    results: HashMap<&str, Value<'_>>,
) -> OwnedObjectPath {
    let request = path("request", header, options, "handle_token");
    let to = header.sender().cloned();
    bus.emit_signal(to, &request, "org.freedesktop.portal.Request", "Response", &(code, results)).await.unwrap();
    request
}

#[zbus::interface(name = "org.freedesktop.portal.ScreenCast")]
impl Cast {
    async fn create_session(
        &self,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> OwnedObjectPath {
        let session = path("session", &header, &options, "session_handle_token");
        self.0.seen.lock().unwrap().sessions.push(session.to_string());
        bus.object_server().at(&session, Session(Arc::clone(&self.0), session.to_string())).await.unwrap();
        let results = HashMap::from([("session_handle", Value::from(session.to_string()))]);
        respond(bus, &header, &options, 0, results).await
    }

    async fn select_sources(
        &self,
        _session: OwnedObjectPath,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> OwnedObjectPath {
        {
            let mut seen = self.0.seen.lock().unwrap();
            seen.persist.push(options["persist_mode"].try_clone().unwrap().try_into().unwrap());
            seen.tokens += usize::from(options.contains_key("restore_token"));
        }
        respond(bus, &header, &options, 0, HashMap::new()).await
    }

    async fn start(
        &self,
        _session: OwnedObjectPath,
        _parent: String,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> OwnedObjectPath {
        self.0.seen.lock().unwrap().dialogs += 1;
        let person = *self.0.person.lock().unwrap();
        match person {
            Person::Gives(node) => {
                let about: HashMap<&str, Value<'_>> = HashMap::from([("source_type", Value::from(1_u32))]);
                let results = HashMap::from([("streams", Value::from(vec![(node, about)]))]);
                respond(bus, &header, &options, 0, results).await
            }
            Person::Refuses => respond(bus, &header, &options, 1, HashMap::new()).await,
            Person::Thinks => path("request", &header, &options, "handle_token"),
        }
    }

    fn open_pipe_wire_remote(&self, _session: OwnedObjectPath, _options: Options) -> OwnedFd {
        let socket = UnixStream::connect(&self.0.pipewire).expect("PipeWire listens");
        OwnedFd::from(std::os::fd::OwnedFd::from(socket))
    }

    #[zbus(property)]
    fn available_cursor_modes(&self) -> u32 {
        1 | 2
    }

    #[zbus(property)]
    fn available_source_types(&self) -> u32 {
        1 | 2
    }

    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        4
    }
}

#[zbus::interface(name = "org.freedesktop.portal.Session")]
impl Session {
    fn close(&self) {
        self.0.seen.lock().unwrap().closed.push(self.1.clone());
    }
}

/// A bus of its own, and its address.
pub(crate) fn bus() -> (Running, String) {
    let mut command = Command::new(need("dbus-daemon", "dbus"));
    command.args(["--session", "--nofork", "--print-address=1"]);
    let mut daemon = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut address = String::new();
    BufReader::new(daemon.0.stdout.take().expect("piped")).read_line(&mut address).expect("a bus has an address");
    (daemon, address.trim().to_owned())
}

/// The portal, on its bus. Both end with it.
pub(crate) struct Portal {
    pub(crate) address: String,
    desk: Arc<Desk>,
    bus: Option<Connection>,
    _daemon: Running,
}

impl Portal {
    /// Whose streams come from this PipeWire.
    pub(crate) fn start(pipewire: &Path, person: Person) -> Self {
        let (daemon, address) = bus();
        let desk = Arc::new(Desk { seen: Mutex::default(), person: Mutex::new(person), pipewire: pipewire.to_owned() });
        let bus = Builder::address(address.as_str())
            .unwrap()
            .serve_at(HOME, Cast(Arc::clone(&desk)))
            .unwrap()
            .name("org.freedesktop.portal.Desktop")
            .unwrap()
            .build()
            .expect("the portal comes up");
        Self { address, desk, bus: Some(bus), _daemon: daemon }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.desk.seen.lock().unwrap().clone()
    }

    pub(crate) fn person(&self, person: Person) {
        *self.desk.person.lock().unwrap() = person;
    }

    /// Sessions that were opened and not closed by us.
    pub(crate) fn open_sessions(&self) -> usize {
        let seen = self.seen();
        seen.sessions.iter().filter(|session| !seen.closed.contains(session)).count()
    }

    /// Ends the newest session, as the desktop's own panel does when the person presses "stop".
    pub(crate) fn take_back(&self) {
        let session = self.seen().sessions.last().expect("a session").clone();
        let bus = self.bus.as_ref().expect("alive");
        let nothing: HashMap<&str, Value<'_>> = HashMap::new();
        bus.emit_signal(None::<&str>, session.as_str(), "org.freedesktop.portal.Session", "Closed", &nothing).unwrap();
    }

    /// As a crash would.
    pub(crate) fn die(&mut self) {
        self.bus.take().expect("alive").close().expect("closes");
    }
}
