//! The thread of the shield that may be slow: it looks up who is behind a client, lets the painter write on the cover and
//! tells the caller. The watch hands it notes and never waits for it.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use protocol::shield::ShieldLevel;
use x11rb::rust_connection::RustConnection;

use crate::cover::Board;
use crate::judge::Standing;
use crate::painter::{ToPainter, Wish};
use crate::requests::Method;
use crate::self_test::Proof;
use crate::who::{Directory, Person};
use crate::{Cause, Change, Event, Why, status};

/// Notes and answers that may wait. More means that the caller's functions hang; the cover then stays.
const WAITING: usize = 1024;

/// What the desk is told.
pub(crate) enum Note {
    /// Who is this?
    Who(u32),
    /// It is gone.
    Left(u32),
    /// The cover went up, or its cause changed.
    Covered { method: Method, client: Option<u32>, at: Instant, boards: Vec<Board> },
    /// It went down.
    Uncovered { after: Duration },
    /// What came of the self-test.
    Proof(Proof),
    /// The watch is over.
    Lost(String),
    /// The last window is gone.
    NoWindow,
    /// An earlier self-test is void.
    Changed(Change),
    /// What this client put on the clipboard was removed.
    Cleared { client: u32 },
    /// Nothing more comes.
    End,
}

/// The way to the desk.
#[derive(Clone)]
pub(crate) struct ToDesk(SyncSender<Note>);

pub(crate) fn notes() -> (ToDesk, Receiver<Note>) {
    let (sender, receiver) = sync_channel(WAITING);
    (ToDesk(sender), receiver)
}

impl ToDesk {
    /// Tells, and never waits.
    pub(crate) fn tell(&self, note: Note) {
        if self.0.try_send(note).is_err() {
            tracing::warn!("the desk of the shield does not keep up");
        }
    }
}

/// The way back: who a client is.
pub(crate) struct Answers {
    sender: SyncSender<(u32, Standing)>,
    bell: std::io::PipeWriter,
}

pub(crate) fn answers(bell: std::io::PipeWriter) -> (Answers, Receiver<(u32, Standing)>) {
    let (sender, receiver) = sync_channel(WAITING);
    (Answers { sender, bell }, receiver)
}

/// What was found when the shield was raised.
pub(crate) struct Seen {
    /// A connection for the desk alone.
    pub(crate) connection: RustConnection,
    pub(crate) directory: Directory,
    pub(crate) people: HashMap<u32, (Standing, Person)>,
}

/// The desk.
pub(crate) struct Desk {
    seen: Seen,
    notes: Receiver<Note>,
    answers: Answers,
    painter: ToPainter,
    on_event: Box<dyn Fn(Event) + Send>,
    /// Once lost, nothing is proven any more.
    over: bool,
}

impl Desk {
    pub(crate) fn new(
        seen: Seen,
        notes: Receiver<Note>,
        answers: Answers,
        painter: ToPainter,
        on_event: Box<dyn Fn(Event) + Send>,
    ) -> Self {
        Self { seen, notes, answers, painter, on_event, over: false }
    }

    pub(crate) fn run(mut self) {
        self.level(ShieldLevel::None, false, Why::Untested);
        while let Ok(note) = self.notes.recv() {
            match note {
                Note::Who(client) => self.who(client),
                Note::Left(client) => {
                    self.seen.people.remove(&client);
                }
                Note::Covered { method, client, at, boards } => self.covered(method, client, at, boards),
                Note::Uncovered { after } => {
                    self.painter.wish(Wish::Wipe);
                    (self.on_event)(Event::Uncovered { after });
                }
                Note::Proof(proof) if !self.over => {
                    let level = if proof == Proof::Held { ShieldLevel::Detect } else { ShieldLevel::None };
                    self.level(level, matches!(proof, Proof::Leaked(_)), Why::Tested(proof));
                }
                Note::Proof(_) => {}
                Note::Lost(reason) => {
                    self.over = true;
                    self.level(ShieldLevel::None, true, Why::Lost(reason));
                }
                Note::NoWindow => {
                    self.over = true;
                    self.level(ShieldLevel::None, false, Why::NoWindow);
                }
                Note::Changed(change) => (self.on_event)(Event::Changed(change)),
                Note::Cleared { client } => {
                    let Person { pid, program } = self.person(client);
                    (self.on_event)(Event::ClipboardCleared { program, pid });
                }
                Note::End => break,
            }
        }
    }

    fn level(&self, level: ShieldLevel, failed: bool, why: Why) {
        (self.on_event)(Event::Level { status: status(level, failed), why });
    }

    fn who(&mut self, client: u32) {
        // Looked up already, for a cover it caused.
        if self.seen.people.contains_key(&client) {
            return;
        }
        let (standing, person) = self.seen.directory.look_up(&self.seen.connection, client);
        self.seen.people.insert(client, (standing, person));
        let told = self.answers.sender.try_send((client, standing)).is_ok();
        if !told || self.answers.bell.write_all(&[0]).is_err() {
            tracing::debug!("the watch of the shield does not hear who came");
        }
    }

    /// For telling only; what is found is no verdict of the watch's.
    fn person(&self, client: u32) -> Person {
        let known = self.seen.people.get(&client).map(|(_, person)| person.clone());
        known.unwrap_or_else(|| self.seen.directory.look_up(&self.seen.connection, client).1)
    }

    fn covered(&mut self, method: Method, client: Option<u32>, at: Instant, boards: Vec<Board>) {
        if let Some(client) = client {
            self.who(client);
        }
        let known = client.and_then(|c| self.seen.people.get(&c)).cloned();
        let (standing, person) = known.unwrap_or((Standing::Unknown, Person::default()));
        let cause = Cause { method, program: person.program, pid: person.pid };
        // The cover for an ordinary program is gone before anybody could read it.
        if !boards.is_empty() && (method != Method::NewProgram || standing == Standing::Stranger) {
            self.painter.wish(Wish::Write { boards, cause: cause.clone() });
        }
        (self.on_event)(Event::Covered { cause, at });
    }
}
